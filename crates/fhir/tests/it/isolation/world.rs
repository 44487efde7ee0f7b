//! Three services behind one router, on two listeners, and whoever signs tokens for them.

use std::sync::Arc;

use axum::{Extension, Router};
use hygie_access::{
    Assignee, AssigneeKind, Assignments, ClaimNames, EntraCloud, Gate, Instance, KeySource, Kind, MIGRATIONS, Profile,
    Scope, Style, TrustedIssuer, derived_id,
};
use hygie_core::{AppId, Clock, Cx, ObjectId, Secret, TenantId};
use hygie_fhir::{Authority, Fhir, Limits, Settings, router};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::repo::Repository;
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey, base64url, digest};
use hygie_store::blobs::open_on_disk;
use hygie_store::keys::{Keyring, MasterKey};
use hygie_testkit::{Client, FixedKeys, NothingRevoked, Place, SeededRandom, TemporaryStore, VirtualClock};
use hygie_web::client::ClientCertificate;
use hygie_web::layers::layers;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::service::edge;

use super::model::{Door, Form, Given, Holder, Issuer, SCOPES, SERVICES, Service, Tenant, Token, holders};

const LOGIN: &str = "https://login.example";
const PROVIDER: &str = "https://keycloak.example/realms/hospital";
const CERTIFICATE: &[u8] = b"the certificate of the client of the back channel";
const CLIENT: AppId = AppId::from_uuid(Uuid::from_u128(3));

/// A key and what publishes it.
struct Signer {
    key: SigningKey,
    keys: Arc<dyn KeySource>,
}

impl Signer {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let jwks = Jwks {
            keys: vec![key.public_jwk()],
        };
        Self {
            keys: Arc::new(FixedKeys(Arc::new(KeySet::new(&jwks)))),
            key,
        }
    }
}

struct Signers {
    own: Signer,
    cloud: Signer,
    provider: Signer,
}

pub struct World {
    /// The templates of all routes, as the router names them.
    pub routes: Vec<String>,
    front: Client,
    back: Client,
    clock: Arc<VirtualClock>,
    signers: Signers,
    _directories: Vec<tempfile::TempDir>,
    _directory: TemporaryStore,
}

fn id(tenant: Tenant) -> TenantId {
    TenantId::from_uuid(match tenant {
        Tenant::One => Uuid::from_u128(0x7e1),
        Tenant::Two => Uuid::from_u128(0x7e2),
        Tenant::Partner => Uuid::from_u128(0x7e3),
        Tenant::Provider => derived_id(PROVIDER, ""),
    })
}

/// The subject of a number; at the provider it is the text that its id is made from.
fn subject(number: u64) -> ObjectId {
    ObjectId::from_uuid(Uuid::from_u128(0x5_0000 + u128::from(number)))
}

fn base(service: &Service) -> String {
    format!("https://fhir.example/{}/{}", service.workspace, service.name)
}

impl World {
    pub async fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(11));
        let directory = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
        let assignments = Assignments::new(directory.store.clone(), clock.clone(), random.clone());
        let assignments = Arc::new(assignments);
        assign(&assignments, &clock, &random).await;
        let signers = Signers {
            own: Signer::new(),
            cloud: Signer::new(),
            provider: Signer::new(),
        };
        let (mut directories, mut services) = (Vec::new(), Vec::new());
        for service in &SERVICES {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let gate = Gate::new(
                instance(service, &signers),
                assignments.clone(),
                Arc::new(NothingRevoked),
            );
            services.push(open(&dir, service, Arc::new(gate), (&clock, &random)).await);
            directories.push(dir);
        }
        let together = |services: &[Fhir]| services.iter().cloned().map(router).fold(Router::new(), Router::merge);
        let layered = |router| layers(router, &edge(&clock, &random, &directory.store));
        let at_back = |service: &Fhir| service.at(service.base().replace("//fhir.", "//back.").parse().expect("a URL"));
        let back: Vec<Fhir> = services.iter().map(at_back).collect();
        let certificate = Extension(ClientCertificate(CERTIFICATE.into()));
        let world = Self {
            routes: templates(&together(&services)),
            front: Client::new(&layered(together(&services))),
            back: Client::new(&layered(together(&back)).layer(certificate)),
            clock,
            signers,
            _directories: directories,
            _directory: directory,
        };
        world.mark().await;
        world
    }

    /// The name of the patient of a service.
    pub fn marker(service: &Service) -> String {
        format!("Secret-{}-{}", service.workspace, service.name)
    }

    pub fn client(&self, door: Door) -> &Client {
        match door {
            Door::Front => &self.front,
            Door::Back => &self.back,
        }
    }

    /// A token for a service.
    pub fn sign(&self, token: Token, service: usize) -> String {
        let signer = match token.issuer {
            Issuer::OneV1 | Issuer::OneV2 | Issuer::TwoV1 | Issuer::TwoV2 => &self.signers.own,
            Issuer::PartnerV1 | Issuer::PartnerV2 | Issuer::Stranger | Issuer::Forged => &self.signers.cloud,
            Issuer::Provider => &self.signers.provider,
        };
        let claims = match token.issuer {
            Issuer::Provider => self.provider_claims(token, service),
            _ => self.entra_claims(token, service),
        };
        signer.key.sign(&Protected::jwt(), &claims).expect("a token")
    }

    fn common(&self, token: Token, service: usize) -> Value {
        let now = self.clock.now().secs();
        let number = token.holder.map_or(0, |holder| holder.number);
        let audience = match token.form {
            Form::OtherService => base(&SERVICES[(service + 1) % SERVICES.len()]),
            Form::OtherKind => "https://dicom.healthcareapis.azure.com".to_owned(),
            Form::SharedAudience => "https://fhir.azurehealthcareapis.com".to_owned(),
            _ => base(&SERVICES[service]),
        };
        let ends = if token.form == Form::Expired {
            now - 61
        } else {
            now + 3600
        };
        let mut claims = json!({
            "aud": audience, "iat": now - 100, "nbf": now - 100, "exp": ends, "groups": [subject(number)],
            "psc_national_id": "899700999990", "psc_professions": [{"code": "10", "category": "C"}],
            "psc_structures": [format!("S{number}")],
        });
        if token.form == Form::Bound {
            claims["cnf"] = json!({"x5t#S256": base64url::encode(digest::sha256(CERTIFICATE))});
        }
        if token.form == Form::IdToken {
            claims["nonce"] = json!("n");
        }
        claims
    }

    fn entra_claims(&self, token: Token, service: usize) -> Value {
        let mut claims = self.common(token, service);
        let own = |tenant| (LOGIN, LOGIN, id(tenant));
        let (sts, authority, tenant) = match token.issuer {
            Issuer::OneV1 | Issuer::OneV2 | Issuer::Forged => own(Tenant::One),
            Issuer::TwoV1 | Issuer::TwoV2 => own(Tenant::Two),
            Issuer::Stranger => (
                "https://sts.windows.net",
                "https://login.microsoftonline.com",
                TenantId::from_uuid(Uuid::from_u128(0xbad)),
            ),
            _ => (
                "https://sts.windows.net",
                "https://login.microsoftonline.com",
                id(Tenant::Partner),
            ),
        };
        let number = token.holder.map_or(0, |holder| holder.number);
        claims["tid"] = json!(tenant);
        claims["oid"] = json!(subject(number));
        if matches!(token.issuer, Issuer::OneV2 | Issuer::TwoV2 | Issuer::PartnerV2) {
            claims["iss"] = json!(format!("{authority}/{tenant}/v2.0"));
            claims["ver"] = json!("2.0");
            claims["azp"] = json!(CLIENT);
        } else {
            claims["iss"] = json!(format!("{sts}/{tenant}/"));
            claims["ver"] = json!("1.0");
            claims["appid"] = json!(CLIENT);
        }
        match token.form {
            Form::Person => claims["scp"] = json!("openid user_impersonation"),
            Form::Unscoped => claims["scp"] = json!("User.Read"),
            Form::Smart => claims["scp"] = json!("user_impersonation system/Patient.rs"),
            Form::ManagedIdentity => claims["xms_mirid"] = json!("/subscriptions/s/resourcegroups/g"),
            Form::Contradictory => {
                claims["scp"] = json!("user_impersonation");
                claims["idtyp"] = json!("app");
            }
            _ => {}
        }
        let is_person = token.form.is_person() || token.form == Form::Contradictory;
        claims["sub"] = if is_person {
            json!("pairwise")
        } else {
            json!(subject(number))
        };
        claims
    }

    /// The provider has no managed identities and no contradictions: these tokens are without client.
    fn provider_claims(&self, token: Token, service: usize) -> Value {
        let mut claims = self.common(token, service);
        let number = token.holder.map_or(0, |holder| holder.number);
        claims["iss"] = json!(PROVIDER);
        claims["sub"] = json!(subject(number));
        claims["client_id"] = json!(subject(number));
        if token.form.is_person() {
            claims["client_id"] = json!("portal");
        }
        match token.form {
            Form::Person => claims["scope"] = json!("openid user_impersonation"),
            Form::Unscoped => claims["scope"] = json!("openid"),
            Form::Smart => claims["scope"] = json!("user_impersonation system/Patient.rs"),
            Form::Contradictory => {
                claims.as_object_mut().expect("an object").remove("client_id");
            }
            _ => {}
        }
        claims
    }

    /// Writes the patient of each service.
    async fn mark(&self) {
        for (n, service) in SERVICES.iter().enumerate() {
            let is_contributor = |holder: &Holder| {
                let (workspace, _, owner) = SCOPES[holder.scope];
                holder.role == hygie_access::Role::FhirDataContributor
                    && holder.given == Given::To(AssigneeKind::App)
                    && workspace == service.workspace
                    && SCOPES[holder.scope].1.is_none()
                    && holder.tenant == owner
            };
            let holder = holders().into_iter().find(is_contributor).expect("there is one");
            let authorization = format!("Bearer {}", self.sign(super::application(holder), n));
            let patient =
                json!({"resourceType": "Patient", "id": "marker", "name": [{"family": Self::marker(service)}]});
            for (kind, content_type, body) in [
                ("Patient", "application/fhir+json", patient.to_string()),
                ("Binary", "image/png", Self::marker(service)),
            ] {
                let headers = [
                    ("authorization", authorization.as_str()),
                    ("content-type", content_type),
                ];
                let address = format!("/{}/{}/{kind}/marker", service.workspace, service.name);
                let answer = self
                    .front
                    .send(http::Method::PUT, &address, &headers, body.into())
                    .await;
                assert_eq!(answer.status, 201, "{}", answer.text());
            }
        }
    }
}

/// The paths that a router has; axum shows them nowhere but in its debug form.
fn templates(router: &Router) -> Vec<String> {
    let shown = format!("{router:?}");
    let shown = shown.split("fallback_router").next().unwrap_or_default();
    let mut found: Vec<String> = shown
        .split("RouteId(")
        .filter_map(|entry| entry.split_once("): \"")?.1.split_once('"'))
        .map(|(path, _)| path.to_owned())
        .filter(|path| !path.contains("__private__axum"))
        .collect();
    found.sort();
    found.dedup();
    found
}

async fn assign(assignments: &Assignments, clock: &Arc<VirtualClock>, random: &Arc<SeededRandom>) {
    for holder in holders() {
        let (workspace, service, owner) = SCOPES[holder.scope];
        let scope = match service {
            Some(name) => Scope::service(workspace, Kind::Fhir, name),
            None => Scope::workspace(workspace),
        };
        let scope = scope.expect("a scope");
        let cx = Cx::internal(id(owner), clock.clone(), random.clone());
        let own = subject(holder.number);
        let object = match holder.tenant {
            Tenant::Provider => ObjectId::from_uuid(derived_id(PROVIDER, &own.to_string())),
            _ => own,
        };
        let tenant = id(holder.tenant);
        let made = match holder.given {
            Given::To(kind) => {
                let assignee = Assignee {
                    tenant,
                    id: object,
                    kind,
                };
                assignments.assign(&cx, assignee, holder.role, scope).await
            }
            Given::ByProfession => {
                let structure = format!("S{}", holder.number);
                let profile = Profile::new(tenant, ["10"], [structure.as_str()]).expect("a profile");
                assignments.assign(&cx, profile, holder.role, scope).await
            }
        };
        made.expect("assigned");
    }
}

fn instance(service: &Service, signers: &Signers) -> Instance {
    let trusted = service.trusts.iter().flat_map(|tenant| match tenant {
        Tenant::One | Tenant::Two => TrustedIssuer::of_tenant(LOGIN, id(*tenant), &signers.own.keys).to_vec(),
        Tenant::Partner => EntraCloud::default().issuers(id(*tenant), &signers.cloud.keys).to_vec(),
        Tenant::Provider => vec![TrustedIssuer {
            style: Style::OpenId(ClaimNames {
                groups: Some("groups".to_owned()),
                ..ClaimNames::default()
            }),
            ..TrustedIssuer::open_id(PROVIDER, id(*tenant), signers.provider.keys.clone())
        }],
    });
    Instance {
        kind: Kind::Fhir,
        workspace: service.workspace.to_owned(),
        name: service.name.to_owned(),
        tenant: id(service.tenant),
        audiences: vec![base(service)],
        app: None,
        authority: format!("{LOGIN}/{}", id(service.tenant)),
        issuers: trusted.collect(),
        semantics: service.semantics,
        app_roles: Vec::new(),
    }
}

async fn open(
    dir: &tempfile::TempDir,
    service: &Service,
    gate: Arc<Gate>,
    (clock, random): (&Arc<VirtualClock>, &Arc<SeededRandom>),
) -> Fhir {
    let repository = Repository::new(extract);
    let text = Secret::new("07".repeat(32));
    let master = MasterKey::from_text(&text, "the test", random.clone()).expect("a key");
    let keys = dir.path().join("keys.json");
    let keyring = Keyring::open(keys, Arc::new(master), clock.clone(), random.clone()).expect("a keyring");
    let keyring = Arc::new(keyring);
    let place = Place {
        directory: dir.path(),
        name: "fhir",
        keyring: &keyring,
        migrations: &[],
        replay: Some(Arc::new(repository.clone())),
        cx: &Cx::internal(id(service.tenant), clock.clone(), random.clone()),
    };
    Fhir::new(Settings {
        store: place.open().await.expect("a store"),
        repository,
        blobs: Some(open_on_disk(dir.path(), "fhir", &keyring).expect("a place for large objects")),
        gate,
        base: base(service).parse().expect("a URL"),
        limits: Limits::default(),
        authority: Authority {
            issuer: format!("{LOGIN}/t/v2.0"),
            authorization_endpoint: format!("{LOGIN}/t/oauth2/v2.0/authorize"),
            token_endpoint: format!("{LOGIN}/t/oauth2/v2.0/token"),
            jwks_uri: format!("{LOGIN}/t/discovery/v2.0/keys"),
        },
        started: clock.now(),
    })
}
