//! What the tests stand on: a directory store, a clock that is set, seeded randomness, an issuer with its key.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_access::{
    Assignee, AssigneeKind, Assignments, Gate, Instance, KeySource, KeysUnavailable, Kind, MIGRATIONS, Origin,
    Revocations, Revoked, RoleSemantics, TrustedIssuer,
};
use hygie_core::{AppId, Clock, Cx, ObjectId, Secret, SeededRandom, TenantId, Timestamp};
use hygie_jose::{Algorithm, Jwks, KeySet, SigningKey};
use hygie_store::Store;
use hygie_store::embedded::{Limits, Options, open};
use hygie_store::keys::{Keyring, MasterKey};
use uuid::Uuid;

pub const LOGIN: &str = "https://login.example";
pub const AUDIENCE: &str = "https://fhir.example/demo/fhir";

pub fn tenant(n: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0x7e0a << 64 | n))
}

pub fn object(n: u128) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(0x0b1e << 64 | n))
}

pub fn app(n: u128) -> AppId {
    AppId::from_uuid(Uuid::from_u128(0xa99 << 64 | n))
}

/// A clock that the test sets.
pub struct Hand(AtomicI64);

impl Hand {
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Keys of an issuer in memory, counting how often it was asked again.
pub struct Keys {
    current: Mutex<Arc<KeySet>>,
    rotated: Mutex<Option<Arc<KeySet>>>,
    pub asked_again: AtomicUsize,
}

impl Keys {
    pub fn of(jwks: &Jwks) -> Arc<Self> {
        Arc::new(Self {
            current: Mutex::new(Arc::new(KeySet::new(jwks))),
            rotated: Mutex::default(),
            asked_again: AtomicUsize::new(0),
        })
    }

    /// What the issuer publishes from now on, once asked again.
    pub fn rotate(&self, jwks: &Jwks) {
        *self.rotated.lock().unwrap() = Some(Arc::new(KeySet::new(jwks)));
    }
}

impl KeySource for Keys {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async { Ok(self.current.lock().unwrap().clone()) })
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        self.asked_again.fetch_add(1, Ordering::SeqCst);
        if let Some(rotated) = self.rotated.lock().unwrap().take() {
            *self.current.lock().unwrap() = rotated;
        }
        self.keys()
    }
}

/// What the identity provider revoked.
#[derive(Default)]
pub struct Published(pub Mutex<Option<(Origin, Revoked)>>);

impl Revocations for Published {
    fn revoked(&self, origin: &Origin) -> Option<Revoked> {
        let published = self.0.lock().unwrap();
        let (hit, what) = published.as_ref()?;
        let is_hit = match what {
            Revoked::Tenant => hit.tenant == origin.tenant,
            Revoked::User => hit.subject == origin.subject && origin.issued_at < hit.issued_at,
            Revoked::Session => hit.session == origin.session,
            Revoked::Grant => hit.rh == origin.rh,
        };
        is_hit.then_some(*what)
    }
}

/// All of it.
pub struct World {
    _directory: tempfile::TempDir,
    pub clock: Arc<Hand>,
    pub random: Arc<SeededRandom>,
    pub store: Store,
    pub assignments: Arc<Assignments>,
    pub revocations: Arc<Published>,
    pub key: SigningKey,
    pub keys: Arc<Keys>,
}

impl World {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_795_000_000_000)));
        let random = Arc::new(SeededRandom::new(7));
        let text = Secret::new("5a".repeat(32));
        let master = Arc::new(MasterKey::from_text(&text, "the test", random.clone()).unwrap());
        let keyring = Keyring::open(
            directory.path().join("keys.json"),
            master,
            clock.clone(),
            random.clone(),
        )
        .unwrap();
        let store = open(Options {
            directory: directory.path(),
            heads: directory.path(),
            instance: "directory",
            keyring: &keyring,
            migrations: MIGRATIONS,
            replay: None,
            cx: &Cx::internal(tenant(1), clock.clone(), random.clone()),
            limits: Limits {
                queue: 16,
                readers: 2,
                cache_kib: 2048,
                tail: 100,
            },
        })
        .unwrap();
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let keys = Keys::of(&Jwks {
            keys: vec![key.public_jwk()],
        });
        Self {
            _directory: directory,
            assignments: Arc::new(Assignments::new(store.clone(), clock.clone(), random.clone())),
            clock,
            random,
            store,
            revocations: Arc::default(),
            key,
            keys,
        }
    }

    pub fn cx(&self, tenant: TenantId) -> Cx {
        Cx::internal(tenant, self.clock.clone(), self.random.clone())
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The FHIR service `demo/fhir` of tenant 1, which trusts our identity provider for that tenant.
    pub fn instance(&self) -> Instance {
        let keys: Arc<dyn KeySource> = self.keys.clone();
        Instance {
            kind: Kind::Fhir,
            workspace: "demo".to_owned(),
            name: "fhir".to_owned(),
            tenant: tenant(1),
            audiences: vec![AUDIENCE.to_owned()],
            app: Some(app(100)),
            authority: format!("{LOGIN}/{}", tenant(1)),
            issuers: TrustedIssuer::of_tenant(LOGIN, tenant(1), &keys).to_vec(),
            semantics: RoleSemantics::Documented,
            app_roles: Vec::new(),
        }
    }

    pub fn gate(&self) -> Gate {
        self.gate_of(self.instance())
    }

    pub fn gate_of(&self, instance: Instance) -> Gate {
        Gate::new(instance, self.assignments.clone(), self.revocations.clone())
    }
}

pub fn assignee(tenant: TenantId, id: ObjectId, kind: AssigneeKind) -> Assignee {
    Assignee { tenant, id, kind }
}
