//! The whole service behind its real layers: gate with real tokens, a store on the engine of this run, virtual clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Method;
use hygie_access::{
    Assignee, AssigneeKind, Assignments, Gate, Holder, Instance, KeySource, Kind, MIGRATIONS, Role, RoleSemantics,
    Scope, TrustedIssuer,
};
use hygie_core::{AppId, Clock, Cx, ObjectId, Secret, TenantId, Timestamp};
use hygie_fhir::{Authority, Fhir, Limits, Settings, is_upload, router};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::repo::Repository;
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey};
use hygie_store::audit::Record;
use hygie_store::blobs::{self, open_on_disk};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_store::{Store, StoreError};
use hygie_testkit::{
    Answer, Client, FixedKeys, NothingRevoked, Place, SeededRandom, TemporaryStore, VirtualClock, accesses, crashed,
    index_keys,
};
use hygie_web::error::Outcome;
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{self, Cors, Layers, layers};
use serde_json::{Value, json};
use uuid::Uuid;

pub const BASE: &str = "https://localhost:8446/demo/fhir";
pub const FHIR_JSON: (&str, &str) = ("content-type", "application/fhir+json");

pub fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

pub struct Service {
    pub clock: Arc<VirtualClock>,
    pub store: Store,
    pub client: Client,
    layers: Layers,
    random: Arc<SeededRandom>,
    assignments: Arc<Assignments>,
    gate: Arc<Gate>,
    key: SigningKey,
    limits: Limits,
    dir: tempfile::TempDir,
    _directory: TemporaryStore,
}

impl Service {
    pub async fn new() -> Self {
        Self::with(Limits {
            resource: 200_000,
            bundle: 10_000_000,
            entries: 500,
            ..Limits::default()
        })
        .await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::trusting(Arc::new(VirtualClock::default()), limits, |_| {}).await
    }

    /// With a gate that is changed before it is made.
    pub async fn trusting(clock: Arc<VirtualClock>, limits: Limits, change: impl FnOnce(&mut Instance)) -> Self {
        let random = Arc::new(SeededRandom::new(11));
        let directory = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
        let assignments = Assignments::new(directory.store.clone(), clock.clone(), random.clone());
        let assignments = Arc::new(assignments);
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let mut instance = instance(&key);
        change(&mut instance);
        let gate = Arc::new(Gate::new(instance, assignments.clone(), Arc::new(NothingRevoked)));
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (store, client, layers) = open(dir.path(), &clock, &random, &gate, limits).await;
        Self {
            clock,
            store,
            client,
            layers,
            random,
            assignments,
            gate,
            key,
            limits,
            dir,
            _directory: directory,
        }
    }

    /// The keys of its index, and those that its journal alone gives after a power cut.
    pub async fn index_and_again(&self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let cx = Cx::internal(tenant(), self.clock.clone(), self.random.clone());
        let copy = crashed(self.dir.path());
        let (again, ..) = open(copy.path(), &self.clock, &self.random, &self.gate, self.limits).await;
        (index_keys(&self.store, &cx).await, index_keys(&again, &cx).await)
    }

    /// Stops and starts again.
    pub async fn restart(&mut self) {
        self.store.close().await.expect("a store that closes");
        let opened = open(self.dir.path(), &self.clock, &self.random, &self.gate, self.limits).await;
        (self.store, self.client, self.layers) = opened;
    }

    /// A caller with this role.
    pub async fn role(&self, role: Role) -> By<'_> {
        let id = ObjectId::random(&*self.random);
        let assignee = Assignee {
            tenant: tenant(),
            id,
            kind: AssigneeKind::App,
        };
        self.assign(assignee, role).await;
        self.caller(id)
    }

    /// Gives a role on the service.
    pub async fn assign(&self, holder: impl Into<Holder>, role: Role) {
        let scope: Scope = "/workspaces/demo/fhir/fhir".parse().expect("a scope");
        let cx = Cx::internal(tenant(), self.clock.clone(), self.random.clone());
        self.assignments
            .assign(&cx, holder, role, scope)
            .await
            .expect("assigned");
    }

    /// A caller with this token, whoever signed it.
    pub fn bearing(&self, token: &str) -> By<'_> {
        By {
            service: self,
            id: ObjectId::from_uuid(Uuid::nil()),
            authorization: format!("Bearer {token}"),
        }
    }

    /// An application that may do what these SMART scopes say.
    pub async fn smart(&self, scopes: &[&str]) -> By<'_> {
        let by = self.role(Role::FhirSmartUser).await;
        self.with_claims(by.id, &json!({ "roles": scopes }))
    }

    /// A caller that has all rights.
    pub async fn contributor(&self) -> By<'_> {
        self.role(Role::FhirDataContributor).await
    }

    /// A caller without role.
    pub fn caller(&self, id: ObjectId) -> By<'_> {
        self.with_claims(id, &json!({}))
    }

    /// A caller whose token has more claims than an application's, or others (`null` takes one away).
    pub fn with_claims(&self, id: ObjectId, more: &Value) -> By<'_> {
        let now = self.clock.now().secs();
        let mut claims = json!({
            "aud": BASE, "iss": format!("https://login.example/{}/", tenant()), "iat": now, "nbf": now,
            "exp": now + 864_000, "appid": AppId::from_uuid(Uuid::from_u128(3)), "appidacr": "1", "oid": id,
            "sub": id, "tid": tenant(), "ver": "1.0",
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .expect("an object")
            .retain(|_, value| !value.is_null());
        let token = self.key.sign(&Protected::jwt(), &claims).expect("a token");
        By {
            service: self,
            id,
            authorization: format!("Bearer {token}"),
        }
    }

    /// What is found among its large objects.
    pub async fn verified(&self) -> blobs::Report {
        let cx = Cx::internal(tenant(), self.clock.clone(), self.random.clone());
        let keyring = Arc::new(keyring(self.dir.path(), &self.clock, &self.random));
        let blobs = open_on_disk(self.dir.path(), "fhir", &keyring).expect("the large objects");
        blobs.verify(&self.store, &cx).await.expect("verified")
    }

    /// The audit records of writes, as `action object`.
    pub async fn written(&self) -> Vec<String> {
        let cx = Cx::internal(tenant(), self.clock.clone(), self.random.clone());
        let rows = self.store.read(&cx, (), |(), tx| {
            Box::pin(async move {
                let rows = tx.query("SELECT entry FROM audit ORDER BY seq", &[]).await?;
                let record = |mut row: hygie_store::Row| Record::from_json(&row.take::<Vec<u8>>(0)?);
                rows.into_iter().map(record).collect::<Result<Vec<_>, StoreError>>()
            })
        });
        rows.await.expect("the trail").iter().map(line).collect()
    }

    /// The audit records of everything else.
    pub fn accesses(&self) -> Vec<String> {
        let keyring = keyring(self.dir.path(), &self.clock, &self.random);
        let records = accesses(self.dir.path(), "fhir", &keyring);
        records.iter().map(line).collect()
    }

    /// Refusals of unknown callers are counted; this writes them.
    pub async fn record_refusals(&self) {
        self.layers.record_refusals().await.expect("recorded");
    }
}

fn line(record: &Record) -> String {
    let outcome = serde_json::to_value(record.outcome).expect("a word");
    let outcome = outcome.as_str().unwrap_or_default();
    let reason = record.reason.as_ref().map(|reason| format!(" ({reason})"));
    let times = (record.count > 1).then(|| format!(" ×{}", record.count));
    let object = if record.object.is_empty() { "-" } else { &record.object };
    [record.action.as_ref(), " ", object, " ", outcome].concat()
        + &reason.unwrap_or_default()
        + &times.unwrap_or_default()
}

fn keyring(dir: &Path, clock: &Arc<VirtualClock>, random: &Arc<SeededRandom>) -> Keyring {
    let text = Secret::new("07".repeat(32));
    let master = MasterKey::from_text(&text, "the test", random.clone()).expect("a key");
    let keyring = Keyring::open(dir.join("keys.json"), Arc::new(master), clock.clone(), random.clone());
    keyring.expect("a keyring")
}

async fn open(
    dir: &Path,
    clock: &Arc<VirtualClock>,
    random: &Arc<SeededRandom>,
    gate: &Arc<Gate>,
    limits: Limits,
) -> (Store, Client, Layers) {
    let repository = Repository::new(extract);
    let keyring = Arc::new(keyring(dir, clock, random));
    let blobs = open_on_disk(dir, "fhir", &keyring).expect("a place for large objects");
    let place = Place {
        directory: dir,
        name: "fhir",
        keyring: &keyring,
        migrations: &[],
        replay: Some(Arc::new(repository.clone())),
        cx: &Cx::internal(tenant(), clock.clone(), random.clone()),
    };
    let store = place.open().await.expect("a store");
    let fhir = Fhir::new(Settings {
        store: store.clone(),
        repository,
        blobs: Some(blobs),
        gate: gate.clone(),
        base: BASE.parse().expect("a URL"),
        limits,
        authority: Authority {
            issuer: "https://login.example/t/v2.0".to_owned(),
            authorization_endpoint: "https://login.example/t/oauth2/v2.0/authorize".to_owned(),
            token_endpoint: "https://login.example/t/oauth2/v2.0/token".to_owned(),
            jwks_uri: "https://login.example/t/discovery/v2.0/keys".to_owned(),
        },
        started: Timestamp::from_secs(1_795_000_000),
    });
    let settings = edge(clock, random, &store);
    let router: Router = layers(router(fhir), &settings);
    (store, Client::new(&router), settings)
}

/// What stands before the routes, as in the server.
pub fn edge(clock: &Arc<VirtualClock>, random: &Arc<SeededRandom>, store: &Store) -> Layers {
    Layers::new(layers::Settings {
        service: "fhir",
        clock: clock.clone(),
        random: random.clone(),
        limits: layers::Limits {
            larger: |_| None,
            body: 20_000_000,
            time: Duration::from_mins(1),
            concurrent: 512,
            waiting: 1024,
            uploads: is_upload,
        },
        proxies: Vec::new(),
        messages: shell_messages(),
        home: "/".into(),
        render: Arc::new(Outcome::default()),
        cors: |_| Cors::Closed,
        hsts: None,
        store: store.clone(),
        refusals_interval: Duration::from_mins(1),
    })
}

fn instance(key: &SigningKey) -> Instance {
    let jwks = Jwks {
        keys: vec![key.public_jwk()],
    };
    let keys: Arc<dyn KeySource> = Arc::new(FixedKeys(Arc::new(KeySet::new(&jwks))));
    Instance {
        kind: Kind::Fhir,
        workspace: "demo".to_owned(),
        name: "fhir".to_owned(),
        tenant: tenant(),
        audiences: vec![BASE.to_owned()],
        app: None,
        authority: format!("https://login.example/{}", tenant()),
        issuers: TrustedIssuer::of_tenant("https://login.example", tenant(), &keys).to_vec(),
        semantics: RoleSemantics::Documented,
        app_roles: Vec::new(),
    }
}

/// A caller, known by its token.
pub struct By<'s> {
    pub service: &'s Service,
    pub id: ObjectId,
    authorization: String,
}

impl By<'_> {
    /// Any request, its path under the base.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let headers = [&[("authorization", self.authorization.as_str())], headers].concat();
        let address = format!("/demo/fhir{path}");
        self.service.client.send(method, &address, &headers, body.into()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    /// The pages of a search or history, from this one on.
    pub async fn pages(&self, path: &str) -> Vec<Value> {
        let mut pages = Vec::new();
        let mut path = path.to_owned();
        loop {
            let answer = self.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let page = answer.json();
            let links = page["link"].as_array().cloned().unwrap_or_default();
            pages.push(page);
            assert!(pages.len() < 200, "the pages do not end");
            let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
                return pages;
            };
            let next = next["url"].as_str().expect("a URL");
            path = next.strip_prefix(BASE).expect("under the base").into();
        }
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[FHIR_JSON], body.to_string()).await
    }

    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = [&[FHIR_JSON], headers].concat();
        self.send(Method::POST, path, &headers, body.to_owned()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[FHIR_JSON], body.to_string()).await
    }

    pub async fn put_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[FHIR_JSON], headers].concat();
        self.send(Method::PUT, path, &headers, body.to_string()).await
    }
}

/// The resources of a page with this mode.
pub fn entries<'p>(page: &'p Value, mode: &str) -> Vec<&'p Value> {
    let entries = page["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| &entry["resource"]).collect()
}

/// Status and code of the first issue: `404 not-found`.
pub fn issue(answer: &Answer) -> String {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    assert_eq!(answer.header("content-type"), "application/fhir+json; charset=utf-8");
    let code = outcome["issue"][0]["code"].as_str().unwrap_or_default();
    format!("{} {code}", answer.status.as_u16())
}

/// A patient of this id and family name.
pub fn patient(id: &str, family: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "name": [{ "family": family }] })
}
