//! An installation that runs: from its configuration to answering sockets, and back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use hygie_access::Outgoing;
use hygie_core::{Clock, Random};
use hygie_idp::token::Recognised;
use url::Url;

use super::certauth;
use super::exchanges::exchanges;
use super::issuers::Issuers;
use super::prepare;
use crate::ambient::{SystemClock, SystemRandom};
use crate::config::{Config, Service, host_of};
use crate::failure::Failure;
use crate::files;
use crate::front::{Front, Serving, Sockets};
use crate::health::{self, Health};
use crate::listen::{CertificateHeader, Forwarding, Limits, Stop};
use crate::place::Place;
use crate::portal::{self, Entry, Shown};
use crate::tls::{ClientCertificates, LocalCa, Source};
use crate::wiring::console;
use crate::wiring::postgres::Shared;
use crate::wiring::{self, Base, FhirInstance, Storage};

/// Running requests have so long to end.
const DRAIN: Duration = Duration::from_secs(30);

/// An installation with its services.
pub struct Running {
    base: Base,
    health: Health,
    stop: Stop,
}

impl Running {
    /// Starts it; returns when everything answers.
    pub async fn start(config: &Config) -> Result<Self, Failure> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        health::recorder();
        let place = Place::of_config(config)?;
        let mut sockets = Sockets::bind(&addresses(config), "`listen` in the configuration").await?;
        files::create_private_dir(&config.data)?;
        let login = origin(&config.login.get_ref().url);
        let outgoing = Outgoing::new(config.outgoing.policy()?).context("cannot set up the outgoing client")?;
        let settings = wiring::Settings {
            storage: Arc::new(storage(config, &*random).await?),
            data: place.data,
            master_key: place.master_key,
            clock: clock.clone(),
            random: random.clone(),
            home: config
                .portal
                .as_ref()
                .map_or_else(|| login.clone(), |portal| origin(&portal.get_ref().url)),
            login,
            graph: config.graph.as_ref().map(|graph| origin(&graph.get_ref().url)),
            back_channel: config.back_channel.as_ref().map(|back| origin(&back.get_ref().url)),
            certauth: certauth::host(config)?,
            outgoing: outgoing.clone(),
            exchanges: exchanges(config, &outgoing, &clock)?,
            authenticator_metadata: config.authenticator_metadata.clone(),
            breached: config.passwords.as_ref().map(|of| of.get_ref().breached.clone()),
            countries: config.geo.as_ref().map(|geo| geo.get_ref().database.clone()),
            proxies: config.trusted_proxies.clone(),
            space: config.space,
        };
        let mut base = Base::open(settings).await?;
        base.follow_logs(&config.audit_logs, &config.outgoing.policy()?).await?;
        base.send_letters(config).await?;
        prepare::prepare(&base, config).await?;
        if let (Some(portal), Some(_)) = (&config.portal, &config.graph) {
            console::register(&base, &origin(&portal.get_ref().url)).await?;
        }
        let stop = Stop::new();
        let serving = Serving {
            limits: Limits::default(),
            clock,
            random,
            forwarding: forwarding(config),
            stop: stop.clone(),
        };
        let (fronts, health) = fronts((config, &outgoing), &mut base, &serving).await?;
        sockets.serve_plain(config.health.listen, health::router(health.clone()), &serving)?;
        if let Some(identities) = &config.managed_identity {
            let imds = identities.get_ref().imds.as_ref().map(|imds| Recognised {
                tenant: imds.tenant,
                workload: imds.workload.clone(),
            });
            let router = base.managed_identity_router(imds)?;
            sockets.serve_plain(identities.get_ref().listen, router, &serving)?;
        }
        sockets.serve(fronts, &serving)?;
        base.start_maintenance(&stop);
        health.started();
        Ok(Self { base, health, stop })
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

async fn storage(config: &Config, random: &dyn Random) -> Result<Storage> {
    Ok(match &config.storage.postgres {
        Some(postgres) => Storage::Shared(Shared::connect(postgres.get_ref(), &config.data, random).await?),
        None => Storage::Files,
    })
}

fn addresses(config: &Config) -> Vec<(&'static str, std::net::SocketAddr)> {
    let mut wanted = vec![
        ("health", config.health.listen),
        ("login", config.login.get_ref().listen),
    ];
    wanted.extend(config.portal.as_ref().map(|portal| ("portal", portal.get_ref().listen)));
    wanted.extend(config.graph.as_ref().map(|graph| ("graph", graph.get_ref().listen)));
    wanted.extend(config.fhir.as_ref().map(|fhir| ("fhir", fhir.get_ref().listen)));
    let back = config.back_channel.as_ref();
    wanted.extend(back.map(|back| ("back channel", back.get_ref().listen)));
    let certauth = config.certauth.as_ref();
    wanted.extend(certauth.map(|host| ("certauth", host.get_ref().listen)));
    let identities = config.managed_identity.as_ref();
    wanted.extend(identities.map(|identities| ("managed identity", identities.get_ref().listen)));
    wanted
}

/// Every service under its host, and the health of all.
async fn fronts(
    (config, outgoing): (&Config, &Outgoing),
    base: &mut Base,
    serving: &Serving,
) -> Result<(Vec<Front>, Health)> {
    let certificates = Certificates::of(config, serving)?;
    let mut fronts = vec![certificates.front(config.login.get_ref(), base.login_router()?)?];
    let mut shown = vec![Shown {
        name: "login",
        address: origin(&config.login.get_ref().url),
    }];
    let services = base.open_fhir(&fhir_instances(config, outgoing, base)?).await?;
    if let Some(fhir) = &config.fhir {
        let service = fhir.get_ref().service();
        let router = base.fhir_router(&services)?;
        shown.push(Shown {
            name: "fhir",
            address: origin(&service.url),
        });
        fronts.push(certificates.front(&service, router)?);
    }
    if let Some(graph) = &config.graph {
        let graph = graph.get_ref();
        let router = base.graph_router(&origin(&graph.url))?;
        fronts.push(certificates.front(graph, router)?);
    }
    if let Some(back) = &config.back_channel {
        let back = back.get_ref();
        let router = base.back_channel_router(&origin(&back.url), &services)?;
        fronts.push(Front {
            clients: ClientCertificates::Asked,
            ..certificates.front(back, router)?
        });
    }
    if let Some(service) = config.certauth.as_ref().map(toml::Spanned::get_ref) {
        let front = certificates.front(service, base.certauth_router()?)?;
        fronts.push(certauth::front(front, service, base)?);
    }
    let health = Health::new(base.probes());
    if let Some(portal) = &config.portal {
        let mut entry = Entry {
            heading: "entry-installation",
            services: shown,
            steps: Vec::new(),
            health: health.clone(),
            console: None,
        };
        let mut pages = Router::new();
        // It asks the directory API for all that it shows.
        if let Some(graph) = &config.graph {
            let (portal, graph) = (origin(&portal.get_ref().url), origin(&graph.get_ref().url));
            pages = hygie_console::router(console::console(base, &portal, &graph)?);
            entry.console = Some(hygie_console::HOME);
        }
        let router = base.portal_router(portal::router(entry).merge(pages))?;
        fronts.push(certificates.front(portal.get_ref(), router)?);
    }
    Ok((fronts, health))
}

fn fhir_instances(config: &Config, outgoing: &Outgoing, base: &Base) -> Result<Vec<FhirInstance>> {
    let mut issuers = Issuers::new(outgoing, base);
    let mut instances = Vec::new();
    for workspace in config.workspaces.iter().map(toml::Spanned::get_ref) {
        for service in &workspace.fhir {
            instances.push(FhirInstance {
                workspace: workspace.name.clone(),
                name: service.name.clone(),
                tenant: workspace.tenant,
                base: prepare::fhir_base(config, workspace, service)?,
                app: Some(service.app),
                semantics: service.roles,
                issuers: issuers.trusted_by(workspace),
                app_roles: issuers.app_roles(workspace, &service.name)?,
                bundle_entries: config.fhir.as_ref().map_or(0, |fhir| fhir.get_ref().bundle_entries),
                binary: config
                    .fhir
                    .as_ref()
                    .map_or(0, |fhir| u64::from(fhir.get_ref().binary_mib) << 20),
                events: service.events.clone(),
                bucket: service.blobs.clone(),
            });
        }
    }
    Ok(instances)
}

/// Where certificates come from: files, or the local authority for the hosts that have none.
struct Certificates(Option<Arc<LocalCa>>);

impl Certificates {
    fn of(config: &Config, serving: &Serving) -> Result<Self> {
        let fhir = config.fhir.as_ref().map(|fhir| fhir.get_ref().service());
        let services = [
            Some(config.login.get_ref()),
            config.portal.as_ref().map(toml::Spanned::get_ref),
            config.graph.as_ref().map(toml::Spanned::get_ref),
            fhir.as_ref(),
            config.back_channel.as_ref().map(toml::Spanned::get_ref),
            config.certauth.as_ref().map(toml::Spanned::get_ref),
        ];
        let without: Vec<String> = services
            .into_iter()
            .flatten()
            .filter(|service| service.certificate.is_none())
            .map(|service| host_of(&service.url))
            .collect();
        if without.is_empty() {
            return Ok(Self(None));
        }
        let ca = LocalCa::open_or_create(&config.data, &without, serving.clock.now(), &*serving.random)?;
        Ok(Self(Some(Arc::new(ca))))
    }

    fn front(&self, service: &Service, router: Router) -> Result<Front> {
        let hosts = vec![host_of(&service.url)];
        let certificate = match (&service.certificate, &service.key, &self.0) {
            (Some(chain), Some(key), _) => Source::Files {
                chain: chain.clone(),
                key: key.clone(),
            },
            (_, _, Some(ca)) => Source::Local {
                ca: ca.clone(),
                hosts: hosts.clone(),
            },
            _ => anyhow::bail!("{} has no certificate", service.url),
        };
        Ok(Front {
            address: service.listen,
            hosts,
            certificate,
            router,
            clients: ClientCertificates::Unasked,
            tenants: None,
        })
    }
}

fn forwarding(config: &Config) -> Forwarding {
    let header = config.forwarded_certificate.as_ref();
    Forwarding {
        proxies: config.trusted_proxies.clone(),
        header: header.map(|forwarded| CertificateHeader {
            name: forwarded.header.clone(),
            form: forwarded.form,
        }),
    }
}

pub(super) fn origin(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
