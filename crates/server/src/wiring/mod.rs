//! The wiring of the chain: stores, identity provider, gates, services, and the routers that the listeners serve. The
//! demo and production differ only in where they take their settings from.

#[cfg_attr(not(feature = "cloud"), path = "no_bucket.rs")]
pub mod bucket;
pub mod console;
mod delivery;
mod directory;
mod edge;
mod fhir;
mod followers;
mod hints;
#[cfg_attr(not(feature = "cloud"), path = "no_kafka.rs")]
pub mod kafka;
pub mod objects;
#[cfg_attr(not(feature = "cloud"), path = "no_postgres.rs")]
pub mod postgres;
mod rotation;
mod space;
pub mod stores;
#[cfg(feature = "cloud")]
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use hygie_access::{Assignments, Outgoing};
use hygie_core::{Clock, Cx, Random, TenantId};
use hygie_directory::Directory;
use hygie_fhir::Fhir;
use hygie_idp::token::Recognised;
use hygie_idp::{Certauth, Exchanges, Idp};
use hygie_store::Owner;
use hygie_store::keys::KeyProvider;
use hygie_web::client::Proxies;
use uuid::Uuid;

use crate::breached::PublishedPasswords;
use crate::config::Space;
use crate::geo::CountryDatabase;
use crate::health::Probe;
use crate::listen::Stop;
use crate::tls::IssuerHints;
use delivery::Delivery;
pub use edge::Edge;
pub use fhir::{FhirInstance, fhir_database};
use hints::Hints;
use objects::{Objects, Places};
pub use stores::{Storage, Stores};

/// The delegated permission that Azure's FHIR service offers.
pub const USER_IMPERSONATION: &str = "user_impersonation";

/// What one process revokes another knows within a second.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// What the chain is built from.
pub struct Settings {
    /// Directory of databases, logs and keys.
    pub data: PathBuf,
    /// Where the databases lie.
    pub storage: Arc<Storage>,
    /// Holds the master key.
    pub master_key: Arc<dyn KeyProvider>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of ids and secrets.
    pub random: Arc<dyn Random>,
    /// Address of the identity provider, without a final slash.
    pub login: String,
    /// Address of the directory API, without a final slash, where there is one.
    pub graph: Option<String>,
    /// Address of the back channel, without a final slash, where there is one.
    pub back_channel: Option<String>,
    /// The host that asks people for certificates, where there is one.
    pub certauth: Option<Certauth>,
    /// What asks other servers.
    pub outgoing: Outgoing,
    /// Whose tokens are exchanged, if any are.
    pub exchanges: Option<Exchanges>,
    /// A file of what the makers of authenticators say about them, where there is one.
    pub authenticator_metadata: Option<PathBuf>,
    /// A database of the countries of addresses, where there is one.
    pub countries: Option<PathBuf>,
    /// A list of published passwords, where there is one.
    pub breached: Option<PathBuf>,
    /// Where the name of the product leads on every page.
    pub home: String,
    /// How much the services may store.
    pub space: Space,
    /// Reverse proxies whose word on a client's address is taken.
    pub proxies: Proxies,
}

/// The parts that everything else stands on: stores, directory, role assignments.
pub struct Base {
    /// The settings.
    pub settings: Settings,
    /// The databases.
    pub stores: Stores,
    /// Tenants, people, applications.
    pub directory: Directory,
    /// The identity provider.
    pub idp: Idp,
    /// Who has which role.
    pub assignments: Arc<Assignments>,
    /// The layers of each service, for what they still have to record at the end.
    pub edge: Edge,
    /// The events that go elsewhere.
    deliveries: Vec<Delivery>,
    /// The large objects of each instance that has some.
    objects: Vec<Objects>,
    /// The countries of addresses.
    countries: Option<Arc<CountryDatabase>>,
}

impl Base {
    /// Opens the directory and the identity provider.
    pub async fn open(settings: Settings) -> Result<Self> {
        let cx = internal(&settings);
        let stores = Stores::open(&settings, &cx).await?;
        let store = stores.directory().clone();
        let directory = directory::open(&settings, store.clone()).await?;
        let countries = directory::countries(&settings, &directory).await?;
        if let Some(path) = &settings.breached {
            directory.know_breached(Arc::new(PublishedPasswords::open(path)?));
        }
        let idp = directory::provider(&settings, directory.clone()).await?;
        let assignments = Assignments::new(store, settings.clock.clone(), settings.random.clone());
        Ok(Self {
            stores,
            directory,
            idp,
            assignments: Arc::new(assignments),
            edge: Edge::new(&settings),
            deliveries: Vec::new(),
            objects: Vec::new(),
            countries,
            settings,
        })
    }

    /// A context of the program itself for a tenant.
    pub fn cx(&self, tenant: TenantId) -> Cx {
        Cx::internal(tenant, self.settings.clock.clone(), self.settings.random.clone())
    }

    /// What answers at the login host.
    pub fn login_router(&mut self) -> Result<Router> {
        self.put_idp(hygie_idp::router(self.idp.clone()))
    }

    /// What answers at the host that asks people for a certificate.
    pub fn certauth_router(&mut self) -> Result<Router> {
        let router = self.put_idp(hygie_idp::certauth_router(self.idp.clone()))?;
        Ok(router.layer(axum::middleware::from_fn(hygie_idp::alone)))
    }

    /// What that host is told of the authorities of tenants.
    pub fn issuer_hints(&self) -> Arc<dyn IssuerHints> {
        Arc::new(Hints(self.idp.clone()))
    }

    fn put_idp(&mut self, router: Router) -> Result<Router> {
        let store = self.stores.directory().clone();
        let service = edge::Service {
            name: "idp",
            messages: &[hygie_idp::MESSAGES],
            render: Arc::new(hygie_web::error::Pages),
            cors: hygie_idp::cors,
            limits: hygie_web::layers::Limits::default(),
            store,
        };
        self.edge.put(router, service)
    }

    /// What answers at the host of the directory API.
    pub fn graph_router(&mut self, base: &str) -> Result<Router> {
        let graph = hygie_graph::Graph::new(hygie_graph::Deps {
            directory: self.directory.clone(),
            means: self.idp.means().clone(),
            base: base.to_owned(),
            login: self.settings.login.clone(),
            keys: self.idp.key_source(),
        });
        let service = edge::Service {
            name: "graph",
            messages: &[],
            render: Arc::new(hygie_web::error::Graph),
            cors: hygie_graph::cors,
            limits: hygie_web::layers::Limits {
                body: hygie_graph::MAX_BODY,
                ..hygie_web::layers::Limits::default()
            },
            store: self.stores.directory().clone(),
        };
        let graph = hygie_graph::normal(self.edge.put(hygie_graph::router(graph), service)?);
        let user_info = self.put_idp(hygie_idp::user_info_router(self.idp.clone()))?;
        Ok(edge::beside(user_info, hygie_idp::is_user_info, graph))
    }

    /// Opens FHIR services, to be served at one address or several.
    pub async fn open_fhir(&mut self, instances: &[FhirInstance]) -> Result<Vec<Fhir>> {
        let mut services = Vec::new();
        for instance in instances {
            services.push(fhir::open(self, instance).await?);
        }
        Ok(services)
    }

    /// What answers programs of this machine that ask for tokens of their managed identities; `imds` is the program that
    /// is asked for without a secret.
    pub fn managed_identity_router(&mut self, imds: Option<Recognised>) -> Result<Router> {
        let service = edge::Service {
            name: "managed-identity",
            messages: &[],
            render: Arc::new(hygie_web::error::Pages),
            cors: |_| hygie_web::layers::Cors::Closed,
            limits: hygie_web::layers::Limits::default(),
            store: self.stores.directory().clone(),
        };
        let router = hygie_idp::managed_identity_router(self.idp.clone(), imds);
        self.edge.put(router, service)
    }

    /// What answers at the FHIR host: all services, each under its own path.
    pub fn fhir_router(&mut self, services: &[Fhir]) -> Result<Router> {
        let router = services.iter().cloned().map(hygie_fhir::router);
        let router = router.fold(Router::new(), Router::merge);
        let service = edge::Service {
            name: "fhir",
            messages: &[],
            render: Arc::new(hygie_web::error::Outcome::default()),
            cors: fhir::cors,
            limits: fhir::limits(),
            store: self.stores.directory().clone(),
        };
        self.edge.put(router, service)
    }

    /// What answers clients that are asked for a certificate: the token endpoint, and the FHIR services under this origin
    /// (`https://back.example`), which their links then name.
    pub fn back_channel_router(&mut self, origin: &str, services: &[Fhir]) -> Result<Router> {
        let services: Vec<Fhir> = services
            .iter()
            .map(|service| fhir::at(service, origin))
            .collect::<Result<_>>()?;
        let token = self.put_idp(hygie_idp::back_channel_router(self.idp.clone()))?;
        let fhir = self.fhir_router(&services)?;
        Ok(edge::beside(token, hygie_idp::is_token_endpoint, fhir))
    }

    /// What answers at the portal.
    pub fn portal_router(&mut self, router: Router) -> Result<Router> {
        let service = edge::Service {
            name: "portal",
            messages: &[crate::portal::MESSAGES, hygie_console::MESSAGES],
            render: Arc::new(hygie_web::error::Pages),
            cors: |_| hygie_web::layers::Cors::Closed,
            limits: hygie_web::layers::Limits {
                larger: hygie_console::larger,
                ..hygie_web::layers::Limits::default()
            },
            store: self.stores.directory().clone(),
        };
        self.edge.put(router, service)
    }

    /// Whether each part answers.
    pub fn probes(&self) -> Vec<(&'static str, Probe)> {
        self.stores.probes(&self.settings)
    }

    /// Starts what must be done from time to time.
    pub fn start_maintenance(&self, stop: &Stop) {
        let (data, keyring) = (self.settings.data.clone(), self.stores.keyring().clone());
        let opened = rotation::Opened {
            controls: self.stores.controls().to_vec(),
            places: Places::of(&self.objects),
            directory: self.stores.directory().clone(),
        };
        rotation::start(stop, data, keyring, opened);
        if self.stores.are_shared() {
            self.start_following(stop);
        } else {
            space::start(stop, &self.settings, self.stores.controls().to_vec(), &self.objects);
        }
        let owner = self.owner();
        for delivery in &self.deliveries {
            delivery.start(stop, owner);
        }
        for objects in &self.objects {
            objects.start(stop);
        }
        if let Some(countries) = &self.countries {
            countries.follow(stop);
        }
        let (idp, edge, token) = (self.idp.clone(), self.edge.clone(), stop.token());
        stop.spawn(async move {
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(Duration::from_mins(1)) => {}
                }
                if let Err(error) = idp.maintain().await {
                    tracing::error!(
                        error = format!("{:#}", anyhow::Error::from(error)),
                        "maintenance of the directory"
                    );
                }
                edge.record_refusals().await;
            }
        });
    }

    /// Who this process is to leases. Files have one process only, which need not wait for the lease of a killed one.
    fn owner(&self) -> Owner {
        if self.stores.are_shared() {
            Owner::random(&*self.settings.random)
        } else {
            Owner::only()
        }
    }

    /// Takes in what other processes change of what this one keeps in memory.
    fn start_following(&self, stop: &Stop) {
        let (idp, token) = (self.idp.clone(), stop.token());
        stop.spawn(async move {
            let mut is_lost = false;
            loop {
                tokio::select! {
                    () = token.cancelled() => return,
                    () = tokio::time::sleep(FOLLOW_EVERY) => {}
                }
                let followed = idp.refresh_shared().await;
                // Once, not twice a second: the database is gone, and everything says so.
                if let Err(error) = &followed
                    && !is_lost
                {
                    tracing::error!(
                        error = error as &dyn std::error::Error,
                        "what other processes revoked is not read"
                    );
                }
                is_lost = followed.is_err();
            }
        });
    }

    /// Records what is still counted and closes the stores; everything that was answered is on the disk already.
    pub async fn close(self) -> Result<()> {
        self.edge.record_refusals().await;
        if let Err(error) = self.idp.write_app_sign_ins().await {
            tracing::error!(
                error = format!("{:#}", anyhow::Error::from(error)),
                "sign-ins of applications are not in the log"
            );
        }
        self.stores.close().await.context("the stores did not close in order")
    }
}

/// Name of the workload that a FHIR service is itself. Names of services have no `_`, so that no two have the same.
pub fn own_workload(workspace: &str, service: &str) -> String {
    format!("fhir_{workspace}_{service}")
}

fn internal(settings: &Settings) -> Cx {
    Cx::internal(
        TenantId::from_uuid(Uuid::nil()),
        settings.clock.clone(),
        settings.random.clone(),
    )
}
