//! Services on their sockets: bound first, so that a taken port is told before anything is made, served when their
//! routers are ready. Services may share an address when their hosts differ.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use hygie_core::{Clock, Random};

use crate::failure::Failure;
use crate::listen::{Forwarding, Limits, Listener, Site, Speech, Stop};
use crate::tls::{self, Certificate, ClientCertificates, IssuerHints, Source, TenantHosts};

/// A service under its hosts.
pub struct Front {
    /// Where it listens.
    pub address: SocketAddr,
    /// Names and addresses it answers to, the most usual first.
    pub hosts: Vec<String>,
    /// Where its certificate comes from.
    pub certificate: Source,
    /// What answers.
    pub router: Router,
    /// Whether its clients are asked for a certificate.
    pub clients: ClientCertificates,
    /// Its names for single tenants, where it has some.
    pub tenants: Option<Tenants>,
}

impl Front {
    /// With names for single tenants, which a certificate of the local authority then holds as well.
    #[must_use]
    pub fn with_tenants(mut self, tenants: Tenants) -> Self {
        if let Source::Local { hosts, .. } = &mut self.certificate {
            hosts.push(format!("*.{}", tenants.place));
        }
        self.tenants = Some(tenants);
        self
    }
}

/// The names `t{T}.{place}` under which clients are told of the authorities of a tenant.
pub struct Tenants {
    /// What they end with.
    pub place: String,
    /// Which authorities these are.
    pub hints: Arc<dyn IssuerHints>,
}

/// The sockets, by address.
pub struct Sockets(BTreeMap<SocketAddr, Listener>);

/// What serving needs besides the services.
pub struct Serving {
    /// What a client can hold.
    pub limits: Limits,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of serial numbers.
    pub random: Arc<dyn Random>,
    /// What reverse proxies say of the certificates of their clients.
    pub forwarding: Forwarding,
    /// Ends it.
    pub stop: Stop,
}

impl Sockets {
    /// Binds each address once. `option` tells the reader what to change when one is taken.
    pub async fn bind(wanted: &[(&'static str, SocketAddr)], option: &str) -> Result<Self, Failure> {
        let mut sockets = BTreeMap::new();
        for (name, address) in wanted {
            if !sockets.contains_key(address) {
                sockets.insert(*address, Listener::bind(name, *address, option).await?);
            }
        }
        Ok(Self(sockets))
    }

    /// Serves without TLS what only this machine or its network asks.
    pub fn serve_plain(&mut self, address: SocketAddr, router: Router, serving: &Serving) -> Result<()> {
        let listener = self.take(address)?;
        let stop = serving.stop.clone();
        serving
            .stop
            .spawn(listener.serve(Speech::Plain(router), serving.limits, stop));
        Ok(())
    }

    /// Serves everything else over TLS and keeps the certificates fresh.
    pub fn serve(&mut self, fronts: Vec<Front>, serving: &Serving) -> Result<()> {
        let mut sites: BTreeMap<SocketAddr, Vec<Site>> = BTreeMap::new();
        let mut certificates = Vec::new();
        for front in fronts {
            let certificate = Certificate::load(front.certificate, serving.clock.now(), &*serving.random)?;
            let certificate = Arc::new(certificate);
            certificates.push(certificate.clone());
            let tenants = front.tenants.map(|Tenants { place, hints }| {
                Arc::new(TenantHosts::new(
                    place,
                    (certificate.clone(), front.clients),
                    hints,
                    serving.clock.clone(),
                ))
            });
            sites.entry(front.address).or_default().push(Site {
                hosts: front.hosts,
                tls: tls::server_config(certificate, front.clients)?,
                tenants,
                router: front.router,
                forwarding: serving.forwarding.clone(),
            });
        }
        for (address, sites) in sites {
            let listener = self.take(address)?;
            let stop = serving.stop.clone();
            serving
                .stop
                .spawn(listener.serve(Speech::Tls(sites), serving.limits, stop));
        }
        let (clock, random) = (serving.clock.clone(), serving.random.clone());
        serving
            .stop
            .spawn(tls::keep_renewed(certificates, clock, random, serving.stop.token()));
        Ok(())
    }

    fn take(&mut self, address: SocketAddr) -> Result<Listener> {
        self.0
            .remove(&address)
            .with_context(|| format!("{address} is not bound"))
    }
}
