//! The names `t{T}.certauth.H`: there, the handshake tells the browser of which authorities tenant T takes certificates, so
//! that it offers the person no other one (RFC 8446 §4.2.4, RFC 5246 §7.4.4).
//!
//! What a tenant says is kept for some minutes: a handshake asks the directory at most once in that time for each tenant
//! that is there, and for the names of others at most once a minute, whatever names clients make up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;
use hygie_core::{Clock, TenantId, Timestamp};
use parking_lot::Mutex;
use rustls::{DistinguishedName, ServerConfig};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use super::{Certificate, ClientCertificates, naming};

/// How long what a tenant says is kept; Entra ID has ten minutes.
const LIFE: Duration = Duration::from_mins(5);
/// How long the tenants that are there are known.
const KNOWN: Duration = Duration::from_mins(1);
/// After a failure the directory is left alone for so long.
const PAUSE: Duration = Duration::from_secs(30);

/// The authorities of which browsers are told.
pub trait IssuerHints: Send + Sync {
    /// Every tenant.
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantId>>>;

    /// The names of the authorities of a tenant, as they are encoded; empty where browsers are told of none.
    fn issuers(&self, tenant: TenantId) -> BoxFuture<'_, Result<BTreeSet<Vec<u8>>>>;
}

/// The names of a host for single tenants.
pub struct TenantHosts {
    place: String,
    certificate: Arc<Certificate>,
    clients: ClientCertificates,
    hints: Arc<dyn IssuerHints>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// One question to the directory at a time.
    asking: AsyncMutex<()>,
}

#[derive(Default)]
struct Kept {
    tenants: Option<(Timestamp, HashSet<TenantId>)>,
    configs: HashMap<TenantId, (Timestamp, Arc<ServerConfig>)>,
    /// Until when the directory is not asked, since it did not answer.
    paused: Option<Timestamp>,
}

/// What is known of a tenant without a question.
enum Known {
    /// Nothing, or what is too old.
    Unasked,
    /// That it is not there.
    Nobody,
    /// How the host speaks to its people.
    Told(Arc<ServerConfig>),
}

impl TenantHosts {
    /// The names that end with this place, at a host with this certificate.
    pub fn new(
        place: String,
        (certificate, clients): (Arc<Certificate>, ClientCertificates),
        hints: Arc<dyn IssuerHints>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            place,
            certificate,
            clients,
            hints,
            clock,
            kept: Mutex::default(),
            asking: AsyncMutex::default(),
        }
    }

    /// The tenant that a host name is of; one name for each, in lower case.
    pub fn tenant(&self, name: &str) -> Option<TenantId> {
        let label = name.strip_suffix(&self.place)?.strip_suffix('.')?;
        let id = label.strip_prefix('t')?;
        let tenant = TenantId::from_uuid(Uuid::try_parse(id).ok()?);
        (tenant.to_string() == id).then_some(tenant)
    }

    /// How the host speaks to people of a tenant; `None` where there is no such tenant.
    pub async fn config(&self, tenant: TenantId) -> Option<Arc<ServerConfig>> {
        let mut known = self.known(tenant);
        let _asking;
        if matches!(known, Known::Unasked) {
            _asking = self.asking.lock().await;
            // Whoever asked meanwhile asked for everybody.
            known = self.known(tenant);
        }
        match known {
            Known::Unasked => {}
            Known::Nobody => return None,
            Known::Told(config) => return Some(config),
        }
        if self.kept.lock().paused.is_some_and(|until| self.clock.now() < until) {
            return self.last_known(tenant);
        }
        match self.ask(tenant).await {
            Ok(config) => config,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(%tenant, error, "the authorities of a tenant cannot be told to browsers");
                self.kept.lock().paused = Some(self.clock.now() + PAUSE);
                self.last_known(tenant)
            }
        }
    }

    fn known(&self, tenant: TenantId) -> Known {
        let now = self.clock.now();
        let kept = self.kept.lock();
        if let Some((until, config)) = kept.configs.get(&tenant)
            && now < *until
        {
            return Known::Told(config.clone());
        }
        match &kept.tenants {
            Some((until, tenants)) if now < *until && !tenants.contains(&tenant) => Known::Nobody,
            _ => Known::Unasked,
        }
    }

    async fn ask(&self, tenant: TenantId) -> Result<Option<Arc<ServerConfig>>> {
        let now = self.clock.now();
        let is_listed = {
            let kept = self.kept.lock();
            kept.tenants.as_ref().is_some_and(|(until, _)| now < *until)
        };
        if !is_listed {
            let tenants: HashSet<TenantId> = self.hints.tenants().await?.into_iter().collect();
            let mut kept = self.kept.lock();
            kept.configs.retain(|known, _| tenants.contains(known));
            kept.tenants = Some((now + KNOWN, tenants));
        }
        if matches!(self.known(tenant), Known::Nobody) {
            return Ok(None);
        }
        let issuers = self.hints.issuers(tenant).await?;
        let config = self.naming(issuers)?;
        let kept = (now + LIFE, config.clone());
        self.kept.lock().configs.insert(tenant, kept);
        Ok(Some(config))
    }

    fn naming(&self, issuers: BTreeSet<Vec<u8>>) -> Result<Arc<ServerConfig>> {
        let issuers = issuers.into_iter().map(DistinguishedName::from).collect();
        naming(self.certificate.clone(), self.clients, issuers)
    }

    /// While the directory does not answer: what it said last, or no names. A handshake does not hang on hints.
    fn last_known(&self, tenant: TenantId) -> Option<Arc<ServerConfig>> {
        let last = self.kept.lock().configs.get(&tenant).map(|(_, config)| config.clone());
        last.or_else(|| self.naming(BTreeSet::new()).ok())
    }
}

impl std::fmt::Debug for TenantHosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TenantHosts")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use anyhow::bail;
    use hygie_testkit::VirtualClock;

    use super::*;
    use crate::ambient::SystemRandom;
    use crate::tls::{LocalCa, Source};

    const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(7));
    const OTHER: TenantId = TenantId::from_uuid(Uuid::from_u128(8));

    /// Says nothing of anybody, and counts how often it is asked.
    #[derive(Default)]
    struct Counting {
        listed: AtomicUsize,
        asked: AtomicUsize,
        is_away: AtomicBool,
    }

    impl Counting {
        fn answer<T>(&self, count: &AtomicUsize, answer: T) -> Result<T> {
            count.fetch_add(1, Ordering::SeqCst);
            if self.is_away.load(Ordering::SeqCst) {
                bail!("away");
            }
            Ok(answer)
        }

        fn counts(&self) -> (usize, usize) {
            (self.listed.load(Ordering::SeqCst), self.asked.load(Ordering::SeqCst))
        }
    }

    impl IssuerHints for Counting {
        fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantId>>> {
            Box::pin(async { self.answer(&self.listed, vec![TENANT]) })
        }

        fn issuers(&self, _: TenantId) -> BoxFuture<'_, Result<BTreeSet<Vec<u8>>>> {
            Box::pin(async { self.answer(&self.asked, BTreeSet::new()) })
        }
    }

    fn hosts(hints: &Arc<Counting>, clock: &Arc<VirtualClock>) -> TenantHosts {
        let dir = tempfile::tempdir().expect("a directory");
        let ca = LocalCa::open_or_create(dir.path(), &[], clock.now(), &SystemRandom).expect("made");
        let source = Source::Local {
            ca: Arc::new(ca),
            hosts: vec!["localhost".to_owned()],
        };
        let certificate = Certificate::load(source, clock.now(), &SystemRandom).expect("issued");
        let host = (Arc::new(certificate), ClientCertificates::AskedEachTime);
        TenantHosts::new("certauth.test".to_owned(), host, hints.clone(), clock.clone())
    }

    #[test]
    fn a_tenant_has_one_name() {
        let hosts = hosts(&Arc::default(), &Arc::default());
        for (name, expected) in [
            (format!("t{TENANT}.certauth.test"), Some(TENANT)),
            (format!("t{}.certauth.test", TENANT.uuid().simple()), None),
            (format!("{TENANT}.certauth.test"), None),
            (format!("t{TENANT}certauth.test"), None),
            (format!("x.t{TENANT}.certauth.test"), None),
            (format!("t{TENANT}.login.test"), None),
            ("certauth.test".to_owned(), None),
            ("t.certauth.test".to_owned(), None),
        ] {
            assert_eq!(hosts.tenant(&name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn the_directory_is_asked_seldom_whatever_clients_do() {
        let (hints, clock): (Arc<Counting>, Arc<VirtualClock>) = (Arc::default(), Arc::default());
        let hosts = hosts(&hints, &clock);
        for _ in 0..3 {
            assert!(hosts.config(TENANT).await.is_some());
            assert!(hosts.config(OTHER).await.is_none());
        }
        assert_eq!(hints.counts(), (1, 1));
        clock.advance(Duration::from_mins(4));
        assert!(hosts.config(TENANT).await.is_some());
        assert!(hosts.config(OTHER).await.is_none());
        assert_eq!(hints.counts(), (2, 1));
        clock.advance(Duration::from_mins(1));
        assert!(hosts.config(TENANT).await.is_some());
        assert_eq!(hints.counts(), (3, 2));
    }

    #[tokio::test]
    async fn a_directory_that_is_away_ends_no_handshake() {
        let (hints, clock): (Arc<Counting>, Arc<VirtualClock>) = (Arc::default(), Arc::default());
        let hosts = hosts(&hints, &clock);
        let first = hosts.config(TENANT).await.expect("a configuration");
        hints.is_away.store(true, Ordering::SeqCst);
        clock.advance(LIFE);
        for _ in 0..3 {
            let last = hosts.config(TENANT).await.expect("the last one");
            assert!(Arc::ptr_eq(&first, &last));
        }
        // One question failed; the next one comes after a pause.
        assert_eq!(hints.counts(), (2, 1));
        assert!(hosts.config(OTHER).await.is_some(), "nobody knows that it is not there");
        hints.is_away.store(false, Ordering::SeqCst);
        clock.advance(PAUSE);
        assert!(hosts.config(OTHER).await.is_none());
        assert!(!Arc::ptr_eq(&first, &hosts.config(TENANT).await.expect("a new one")));
    }
}
