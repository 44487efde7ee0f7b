//! What targets above the parsers stand on: a gate with an issuer of its own, and a FHIR service behind its real layers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hygie_access::{
    Assignee, AssigneeKind, Assignments, Gate, Instance, KeySource, Kind, MIGRATIONS, Role, RoleSemantics,
    TrustedIssuer,
};
use hygie_core::{AppId, Clock, Cx, ObjectId, Secret, TenantId};
use hygie_fhir::{Authority, Fhir, Limits, Settings, router};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::repo::Repository;
use hygie_jose::{Algorithm, KeySet, Protected, SigningKey};
use hygie_store::Store;
use hygie_store::embedded::{self, Options};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_testkit::{Client, FixedKeys, NothingRevoked, SeededRandom, TemporaryStore, VirtualClock};
use hygie_web::error::Outcome;
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{self, Cors, Layers, layers};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub const LOGIN: &str = "https://login.example";
pub const OPEN_ID: &str = "https://keycloak.example/realms/ch";
pub const BASE: &str = "https://localhost:8446/demo/fhir";
pub const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(0x7e0a << 64 | 1));
/// The application of the service: the audience of its tokens of version 2.
pub const APP: Uuid = Uuid::from_u128(0xa99);
/// Who calls.
pub const OBJECT: Uuid = Uuid::from_u128(0x0b1e);

/// A FHIR service's gate, and the key of the issuers that it trusts: both versions of ours, and an OpenID provider.
pub struct Door {
    pub clock: Arc<VirtualClock>,
    pub random: Arc<SeededRandom>,
    pub runtime: Runtime,
    pub key: SigningKey,
    pub gate: Arc<Gate>,
    assignments: Arc<Assignments>,
    _directory: TemporaryStore,
}

impl Door {
    pub fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let directory = runtime.block_on(TemporaryStore::new("directory", MIGRATIONS, &clock));
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let keys: Arc<dyn KeySource> =
            Arc::new(FixedKeys(Arc::new(KeySet::of(&key.public_jwk()).expect("its own key"))));
        let mut issuers = TrustedIssuer::of_tenant(LOGIN, TENANT, &keys).to_vec();
        issuers.push(TrustedIssuer::open_id(OPEN_ID, TENANT, keys));
        let instance = Instance {
            kind: Kind::Fhir,
            workspace: "demo".to_owned(),
            name: "fhir".to_owned(),
            tenant: TENANT,
            audiences: vec![BASE.to_owned()],
            app: Some(AppId::from_uuid(APP)),
            authority: format!("{LOGIN}/{TENANT}"),
            issuers,
            semantics: RoleSemantics::Documented,
            app_roles: Vec::new(),
        };
        let assignments = Assignments::new(directory.store.clone(), clock.clone(), random.clone());
        let assignments = Arc::new(assignments);
        Self {
            gate: Arc::new(Gate::new(instance, assignments.clone(), Arc::new(NothingRevoked))),
            runtime,
            clock,
            random,
            key,
            assignments,
            _directory: directory,
        }
    }

    pub fn cx(&self) -> Cx {
        Cx::internal(TENANT, self.clock.clone(), self.random.clone())
    }

    /// The claims of a token of version 1 that is let in.
    pub fn claims(&self) -> Map<String, Value> {
        let claims = json!({"aud": BASE, "iss": format!("{LOGIN}/{TENANT}/"), "exp": self.clock.now().secs() + 60,
            "tid": TENANT, "oid": OBJECT, "sub": OBJECT, "appid": Uuid::from_u128(0xc11e), "ver": "1.0"});
        claims.as_object().cloned().unwrap_or_default()
    }

    /// The header of a caller with all rights.
    fn contributor(&self) -> String {
        let caller = Assignee {
            tenant: TENANT,
            id: ObjectId::from_uuid(OBJECT),
            kind: AssigneeKind::App,
        };
        let scope = "/workspaces/demo/fhir/fhir".parse().expect("a scope");
        let cx = self.cx();
        let assigned = self.assignments.assign(&cx, caller, Role::FhirDataContributor, scope);
        self.runtime.block_on(assigned).expect("assigned");
        let token = self.key.sign(&Protected::jwt(), &self.claims()).expect("a token");
        format!("Bearer {token}")
    }

    /// The store of a FHIR service, in a directory.
    pub fn open(&self, directory: &Path, repository: &Repository) -> Store {
        let text = Secret::new("07".repeat(32));
        let master = MasterKey::from_text(&text, "the test", self.random.clone()).expect("a key");
        let keys = directory.join("keys.json");
        let keyring = Keyring::open(keys, Arc::new(master), self.clock.clone(), self.random.clone());
        embedded::open(Options {
            directory,
            heads: directory,
            instance: "fhir",
            keyring: &keyring.expect("a keyring"),
            migrations: &[],
            replay: Some(Arc::new(repository.clone())),
            cx: &self.cx(),
            limits: embedded::Limits {
                readers: 2,
                cache_kib: 2048,
                ..embedded::Limits::default()
            },
        })
        .expect("a store")
    }
}

/// A FHIR service with one caller, who has all rights.
pub struct Service {
    pub door: Door,
    pub client: Client,
    pub authorization: String,
    _directory: TempDir,
}

impl Service {
    pub fn new(limits: Limits) -> Self {
        let door = Door::new();
        let directory = tempfile::tempdir().expect("a directory");
        let repository = Repository::new(extract);
        let store = door.open(directory.path(), &repository);
        let at_login = |path: &str| format!("{LOGIN}/{TENANT}/{path}");
        let fhir = Fhir::new(Settings {
            store: store.clone(),
            repository,
            blobs: None,
            gate: door.gate.clone(),
            base: BASE.parse().expect("a URL"),
            limits,
            authority: Authority {
                issuer: at_login("v2.0"),
                authorization_endpoint: at_login("oauth2/v2.0/authorize"),
                token_endpoint: at_login("oauth2/v2.0/token"),
                jwks_uri: at_login("discovery/v2.0/keys"),
            },
            started: door.clock.now(),
        });
        let settings = Layers::new(layers::Settings {
            service: "fhir",
            clock: door.clock.clone(),
            random: door.random.clone(),
            limits: layers::Limits {
                body: 2 * limits.bundle,
                time: Duration::from_mins(1),
                concurrent: 8,
                waiting: 8,
                larger: |_| None,
                uploads: |_| false,
            },
            proxies: Vec::new(),
            messages: shell_messages(),
            home: "/".into(),
            render: Arc::new(Outcome::default()),
            cors: |_| Cors::Closed,
            hsts: None,
            store,
            refusals_interval: Duration::from_mins(1),
        });
        Self {
            client: Client::new(&layers(router(fhir), &settings)),
            authorization: door.contributor(),
            door,
            _directory: directory,
        }
    }
}
