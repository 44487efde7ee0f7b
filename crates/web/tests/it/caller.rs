//! A bearer token, from the header to the principal, the challenge and the audit record.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Path};
use axum::http::Method;
use axum::http::request::Parts;
use axum::routing::get;
use futures_util::future::BoxFuture;
use hygie_access::{
    Assignee, AssigneeKind, Assignments, Gate, Instance, Interaction, KeySource, KeysUnavailable, Kind, MIGRATIONS,
    Origin, Revocations, Revoked, Role, RoleSemantics, Scope, TrustedIssuer,
};
use hygie_core::{AppId, Clock, Cx, ObjectId, Random, Secret, TenantId};
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey};
use hygie_store::Store;
use hygie_store::audit::Outcome;
use hygie_store::embedded::{self, Options};
use hygie_store::keys::{Keyring, MasterKey};
use hygie_web::Caller;
use hygie_web::audit::Note;
use hygie_web::caller::{Guarded, Instances};
use hygie_web::error::OutcomeError;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Answer, Counting, Trail, Virtual, World, request};

const AUDIENCE: &str = "https://fhir.example/demo/fhir";
const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
const READER: ObjectId = ObjectId::from_uuid(Uuid::from_u128(2));

struct Keys(Arc<KeySet>);

impl KeySource for Keys {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        self.keys()
    }
}

struct NothingRevoked;

impl Revocations for NothingRevoked {
    fn revoked(&self, _: &Origin) -> Option<Revoked> {
        None
    }
}

#[derive(Clone)]
struct Service(Arc<dyn Instances>);

impl FromRef<Service> for Arc<dyn Instances> {
    fn from_ref(service: &Service) -> Self {
        service.0.clone()
    }
}

struct One(Guarded);

impl Instances for One {
    fn find(&self, request: &Parts) -> Option<Guarded> {
        request.uri.path().starts_with("/demo/fhir/").then(|| self.0.clone())
    }
}

async fn read(caller: Caller, Path(path): Path<(String, String, String)>) -> Result<(Note, String), OutcomeError> {
    let note = Note::new("fhir.read", format!("Patient/{}", path.2));
    caller.note(note.clone());
    caller.authorize(Interaction::Read.on("Patient")).await?;
    Ok((note, caller.cx.tenant.to_string()))
}

struct Guard {
    world: World,
    trail: Arc<Trail>,
    assignments: Arc<Assignments>,
    cx: Cx,
    key: SigningKey,
    _directory: tempfile::TempDir,
}

impl Guard {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let (clock, random) = (Arc::new(Virtual::default()), Arc::new(Counting::default()));
        let cx = Cx::internal(TENANT, clock.clone(), random.clone());
        let store = directory_store(directory.path(), &cx, clock.clone(), random.clone());
        let assignments = Arc::new(Assignments::new(store, clock, random));
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let gate = Arc::new(Gate::new(instance(&key), assignments.clone(), Arc::new(NothingRevoked)));
        let trail = Arc::new(Trail::default());
        let guarded = Guarded {
            gate,
            store: Store::new(trail.clone()),
        };
        let router = Router::new().route("/{workspace}/{service}/Patient/{id}", get(read));
        let world = World::new(router.with_state(Service(Arc::new(One(guarded)))));
        Self {
            world,
            trail,
            assignments,
            cx,
            key,
            _directory: directory,
        }
    }

    fn token(&self, audience: &str) -> String {
        let claims = json!({
            "aud": audience, "iss": format!("https://login.example/{TENANT}/"), "iat": 0, "nbf": 0, "exp": 3600,
            "appid": AppId::from_uuid(Uuid::from_u128(3)), "appidacr": "1", "oid": READER, "sub": READER,
            "tid": TENANT, "ver": "1.0",
        });
        self.key.sign(&Protected::jwt(), &claims).expect("a token")
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let header = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = header.iter().map(|value| ("authorization", value.as_str())).collect();
        self.world
            .send(request(Method::GET, path, &headers, Body::empty()))
            .await
    }
}

fn directory_store(path: &std::path::Path, cx: &Cx, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Store {
    let text = Secret::new("5a".repeat(32));
    let master = MasterKey::from_text(&text, "the test", random.clone()).expect("a key");
    let keyring = Keyring::open(path.join("keys.json"), Arc::new(master), clock, random).expect("a keyring");
    embedded::open(Options {
        directory: path,
        heads: path,
        instance: "directory",
        keyring: &keyring,
        migrations: MIGRATIONS,
        replay: None,
        cx,
        limits: embedded::Limits {
            queue: 16,
            readers: 1,
            cache_kib: 1024,
            tail: 100,
        },
    })
    .expect("a store")
}

fn instance(key: &SigningKey) -> Instance {
    let jwks = Jwks {
        keys: vec![key.public_jwk()],
    };
    let keys: Arc<dyn KeySource> = Arc::new(Keys(Arc::new(KeySet::new(&jwks))));
    Instance {
        kind: Kind::Fhir,
        workspace: "demo".to_owned(),
        name: "fhir".to_owned(),
        tenant: TENANT,
        audiences: vec![AUDIENCE.to_owned()],
        app: None,
        authority: format!("https://login.example/{TENANT}"),
        issuers: TrustedIssuer::of_tenant("https://login.example", TENANT, &keys).to_vec(),
        semantics: RoleSemantics::Documented,
        app_roles: Vec::new(),
    }
}

#[tokio::test]
async fn without_a_valid_token_the_answer_is_401_with_a_challenge() {
    let guard = Guard::new();
    let other = guard.token("https://other.example");
    for (token, error) in [(None, false), (Some("x.y.z"), true), (Some(other.as_str()), true)] {
        let answer = guard.get("/demo/fhir/Patient/1", token).await;
        assert_eq!(
            (answer.status.as_u16(), answer.issue().as_str()),
            (401, "login"),
            "{token:?}"
        );
        let challenge = answer.headers["www-authenticate"].to_str().expect("ASCII");
        assert!(challenge.starts_with("Bearer authorization_uri="), "{challenge}");
        assert_eq!(challenge.contains("invalid_token"), error, "{challenge}");
    }
    assert!(guard.trail.records.lock().is_empty(), "counted, not written one by one");
    guard
        .world
        .layers
        .record_refusals()
        .await
        .expect("the trail takes them");
    let mut reasons: Vec<_> = guard
        .world
        .records()
        .into_iter()
        .filter_map(|record| record.reason)
        .collect();
    reasons.sort();
    assert_eq!(reasons, ["no_token", "token_audience", "token_malformed"]);
}

#[tokio::test]
async fn the_role_decides_and_both_outcomes_are_recorded_with_their_instance() {
    let guard = Guard::new();
    let token = guard.token(AUDIENCE);
    let refused = guard.get("/demo/fhir/Patient/1", Some(&token)).await;
    assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (403, "forbidden"));
    assert!(!refused.headers.contains_key("www-authenticate"));
    let assignee = Assignee {
        tenant: TENANT,
        id: READER,
        kind: AssigneeKind::App,
    };
    let scope: Scope = "/workspaces/demo/fhir/fhir".parse().expect("a scope");
    guard
        .assignments
        .assign(&guard.cx, assignee, Role::FhirDataReader, scope)
        .await
        .expect("assigned");
    let allowed = guard.get("/demo/fhir/Patient/1", Some(&token)).await;
    assert_eq!((allowed.status.as_u16(), allowed.text()), (200, TENANT.to_string()));

    let records = guard.trail.records.lock();
    let [refusal, access] = &records[..] else {
        panic!("two records in {records:?}")
    };
    for record in [refusal, access] {
        assert_eq!(
            (record.action.as_ref(), record.object.as_str()),
            ("fhir.read", "Patient/1")
        );
        assert_eq!(record.actor.as_ref().map(|actor| actor.subject), Some(READER));
        assert_eq!(record.tenant, TENANT);
    }
    assert_eq!(
        (refusal.outcome, refusal.reason.as_deref()),
        (Outcome::Refused, Some("no_role"))
    );
    assert_eq!((access.outcome, access.reason.as_deref()), (Outcome::Success, None));
}

#[tokio::test]
async fn an_address_without_service_is_not_found_with_or_without_a_token() {
    let guard = Guard::new();
    for token in [None, Some(guard.token(AUDIENCE))] {
        let answer = guard.get("/other/fhir/Patient/1", token.as_deref()).await;
        assert_eq!((answer.status.as_u16(), answer.issue().as_str()), (404, "not-found"));
    }
}
