//! A demo world that runs: from its directory to answering sockets, and back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hygie_access::{EgressPolicy, Outgoing};
use hygie_core::{Clock, Random};
use hygie_store::keys::{KeyProvider, MasterKey};

use super::document::{self, Document};
use super::folder::{Folder, Start};
use super::layout::{Layout, Service};
use super::world::World;
use super::{DEFAULT_BASE_PORT, Options, cards, fill, settle};
use crate::ambient::{SystemClock, SystemRandom};
use crate::config::Space;
use crate::failure::Failure;
use crate::front::{Front, Serving, Sockets, Tenants};
use crate::health::{self, Health};
use crate::listen::{Forwarding, Limits, Stop};
use crate::portal::{self, Entry, Shown, Step};
use crate::tls::{ClientCertificates, LocalCa, Source};
use crate::wiring::console;
use crate::wiring::{self, Base, FhirInstance, Storage};

/// Running requests have so long to end.
const DRAIN: Duration = Duration::from_secs(10);
/// Transactions of real test data are larger than Azure's limit of 500 entries.
const BUNDLE_ENTRIES: usize = 5000;
/// A demo takes little.
const RESERVE_MIB: u64 = 4;
const SERVICES: &[Service] = &[
    Service::Portal,
    Service::Login,
    Service::Certauth,
    Service::Graph,
    Service::Fhir,
    Service::Health,
    Service::BackChannel,
    Service::ManagedIdentity,
];

/// A demo world with its services.
pub struct Running {
    document: Document,
    base: Base,
    health: Health,
    stop: Stop,
    // Last, so that the lock is given back after everything is closed.
    _folder: Folder,
}

impl Running {
    /// Starts it; returns when everything answers.
    pub async fn start(options: &Options) -> Result<Self, Failure> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        health::recorder();
        // A wrong option is told before anything is made.
        Layout::new(
            options.base_port.unwrap_or(DEFAULT_BASE_PORT),
            options.domain.as_deref(),
        )?;
        let folder = Folder::open(
            &options.data,
            if options.fresh { Start::Fresh } else { Start::Continue },
        )?;
        let layout = layout(&folder, options)?;
        let wanted: Vec<_> = SERVICES
            .iter()
            .map(|service| (service.name(), layout.address(*service)))
            .collect();
        let sockets = Sockets::bind(&wanted, "--base-port").await?;
        let mut world = World::open(&folder, &layout, &*clock, &*random)?;
        let settings = settings(&folder, &layout, (&clock, &random))?;
        let mut base = Base::open(settings).await?;
        let document = settled(&mut world, &folder, &layout, &base).await?;
        console::register(&base, &layout.origin(Service::Portal)).await?;
        let stop = Stop::new();
        let serving = Serving {
            limits: Limits::default(),
            clock,
            random,
            forwarding: Forwarding::default(),
            stop: stop.clone(),
        };
        let health = serve(sockets, &serving, &mut base, (&document, &layout, &folder)).await?;
        base.start_maintenance(&stop);
        if !world.is_filled {
            fill::fill(&world, &document, folder.path()).await?;
            world.is_filled = true;
            world.save(&folder)?;
        }
        health.started();
        Ok(Self {
            document,
            base,
            health,
            stop,
            _folder: folder,
        })
    }

    /// What scripts and clients are told about it.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Lets running requests end, records what is still counted, and closes the stores.
    pub async fn stop(self) -> Result<(), Failure> {
        self.health.stopping();
        if !self.stop.complete(DRAIN).await {
            tracing::warn!("requests were cut off after {} s", DRAIN.as_secs());
        }
        Ok(self.base.close().await?)
    }
}

/// What the chain is built from.
fn settings(
    folder: &Folder,
    layout: &Layout,
    (clock, random): (&Arc<dyn Clock>, &Arc<dyn Random>),
) -> Result<wiring::Settings, Failure> {
    Ok(wiring::Settings {
        data: folder.data(),
        storage: Arc::new(Storage::Files),
        master_key: master_key(folder, random)?,
        clock: clock.clone(),
        random: random.clone(),
        login: layout.origin(Service::Login),
        graph: Some(layout.origin(Service::Graph)),
        back_channel: Some(layout.origin(Service::BackChannel)),
        certauth: Some(layout.certauth()),
        outgoing: outgoing(layout)?,
        exchanges: None,
        authenticator_metadata: None,
        breached: None,
        countries: None,
        home: layout.origin(Service::Portal),
        proxies: Vec::new(),
        space: Space {
            reserve_mib: RESERVE_MIB,
            ..Space::default()
        },
    })
}

/// What asks the revocation lists of the demo's own cards, and nothing else of this machine.
fn outgoing(layout: &Layout) -> anyhow::Result<Outgoing> {
    let policy = EgressPolicy {
        private_hosts: vec![format!("localhost:{}", layout.address(Service::Health).port())],
        ..EgressPolicy::default()
    };
    Outgoing::new(policy).context("cannot set up the outgoing client")
}

/// Base port and domain: those of the options, else those of the world, else the usual ones.
fn layout(folder: &Folder, options: &Options) -> Result<Layout, Failure> {
    let Some(world) = World::read(folder)? else {
        return Layout::new(
            options.base_port.unwrap_or(DEFAULT_BASE_PORT),
            options.domain.as_deref(),
        );
    };
    let layout = Layout::new(
        options.base_port.unwrap_or(world.base_port),
        options.domain.as_deref().or(world.domain.as_deref()),
    )?;
    if layout.domain() != world.domain.as_deref() {
        let fixed = world.domain.as_deref().unwrap_or("localhost");
        return Err(Failure::usage(format!(
            "the demo world was made for {fixed}: another --domain needs --fresh"
        )));
    }
    if layout.base_port() != world.base_port {
        return Err(Failure::usage(format!(
            "the demo world was made for --base-port {}, which its applications are named after: another needs --fresh",
            world.base_port
        )));
    }
    Ok(layout)
}

fn master_key(folder: &Folder, random: &Arc<dyn Random>) -> Result<Arc<dyn KeyProvider>, Failure> {
    let path = folder.master_key();
    let key = if path.exists() {
        MasterKey::from_file(&path, random.clone())
    } else {
        MasterKey::create_file(&path, random.clone())
    };
    Ok(Arc::new(key.context("cannot open the master key of the demo world")?))
}

/// The document of the world, whose directory is made on first start.
async fn settled(world: &mut World, folder: &Folder, layout: &Layout, base: &Base) -> Result<Document, Failure> {
    if world.is_settled {
        return document::read(folder.path());
    }
    let document = World::document(settle::settle(base, folder.path(), layout).await?, layout);
    document::write(folder.path(), &document)?;
    world.is_settled = true;
    world.save(folder)?;
    Ok(document)
}

/// Puts the services on their sockets.
async fn serve(
    mut sockets: Sockets,
    serving: &Serving,
    base: &mut Base,
    (document, layout, folder): (&Document, &Layout, &Folder),
) -> Result<Health, Failure> {
    let domains: Vec<String> = layout.domain().into_iter().map(str::to_owned).collect();
    let ca = LocalCa::open_or_create(folder.path(), &domains, serving.clock.now(), &*serving.random)?;
    let ca = Arc::new(ca);
    let front = |service: Service, router| Front {
        clients: match service {
            Service::BackChannel => ClientCertificates::Asked,
            Service::Certauth => ClientCertificates::AskedEachTime,
            _ => ClientCertificates::Unasked,
        },
        address: layout.address(service),
        hosts: layout.hosts(service),
        certificate: Source::Local {
            ca: ca.clone(),
            hosts: layout.hosts(service),
        },
        router,
        tenants: None,
    };
    let services = base.open_fhir(&instances(document)).await?;
    let login = base.login_router()?;
    let certauth = base.certauth_router()?;
    let tenants = Tenants {
        place: layout.certauth_place(),
        hints: base.issuer_hints(),
    };
    let graph = base.graph_router(&layout.origin(Service::Graph))?;
    let fhir = base.fhir_router(&services)?;
    let back = base.back_channel_router(&layout.origin(Service::BackChannel), &services)?;
    let health = Health::new(base.probes());
    let entry = Entry {
        heading: "entry-demo",
        services: shown(layout),
        steps: steps(document, layout),
        health: health.clone(),
        console: Some(hygie_console::HOME),
    };
    let address = layout.origin(Service::Portal);
    let console = console::console(base, &address, &layout.origin(Service::Graph))?;
    let portal = portal::router(entry).merge(hygie_console::router(console));
    let portal = base.portal_router(portal)?;
    let lists = cards::router(folder.path(), serving.clock.clone())?;
    let plain = health::router(health.clone()).merge(lists);
    sockets.serve_plain(layout.address(Service::Health), plain, serving)?;
    let identities = base.managed_identity_router(None)?;
    sockets.serve_plain(layout.address(Service::ManagedIdentity), identities, serving)?;
    let fronts = vec![
        front(Service::Portal, portal),
        front(Service::Login, login),
        front(Service::Certauth, certauth).with_tenants(tenants),
        front(Service::Graph, graph),
        front(Service::Fhir, fhir),
        front(Service::BackChannel, back),
    ];
    sockets.serve(fronts, serving)?;
    Ok(health)
}

/// The FHIR services of the world.
fn instances(document: &Document) -> Vec<FhirInstance> {
    let services = document
        .workspaces
        .iter()
        .flat_map(|workspace| workspace.fhir.iter().map(move |service| (workspace, service)));
    let instances = services.map(|(workspace, service)| FhirInstance {
        workspace: workspace.name.clone(),
        name: service.name.clone(),
        tenant: workspace.tenant,
        base: service.base.clone(),
        app: Some(service.app_id),
        semantics: hygie_access::RoleSemantics::Documented,
        issuers: Vec::new(),
        app_roles: Vec::new(),
        bundle_entries: BUNDLE_ENTRIES,
        binary: hygie_fhir::Limits::default().binary,
        events: None,
        bucket: None,
    });
    instances.collect()
}

fn shown(layout: &Layout) -> Vec<Shown> {
    let login = Shown {
        name: "login",
        address: layout.origin(Service::Login),
    };
    let fhir = Shown {
        name: "fhir",
        address: layout.fhir_base(),
    };
    vec![login, fhir]
}

/// The path for newcomers, in the order of the walk.
fn steps(document: &Document, layout: &Layout) -> Vec<Step> {
    let fhir = layout.fhir_base();
    let mut steps = Vec::new();
    if let Some(tenant) = document.tenants.first() {
        let login = layout.origin(Service::Login);
        steps.push(Step {
            name: "configuration",
            href: format!("{login}/{}/v2.0/.well-known/openid-configuration", tenant.id),
        });
    }
    steps.push(Step {
        name: "capabilities",
        href: format!("{fhir}/metadata"),
    });
    steps.push(Step {
        name: "refused",
        href: format!("{fhir}/Patient"),
    });
    steps.push(Step {
        name: "health",
        href: format!("{}/ready", layout.origin(Service::Health)),
    });
    steps
}
