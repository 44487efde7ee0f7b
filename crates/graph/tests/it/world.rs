//! Two establishments with people, groups and applications, and callers with tokens.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hygie_access::KeySource;
use hygie_core::{AppId, Clock, Cx, GroupId, ObjectId, TenantId};
use hygie_directory::{
    AppRole, Definition, Directory, MIGRATIONS, NewApplication, NewTenant, NewUser, Scope, ServicePrincipal,
};
use hygie_graph::{Deps, Graph};
use hygie_jose::{Algorithm, Jwks, KeySet, Protected, SigningKey};
use hygie_means::Means;
use hygie_testkit::{Answer, Client, FixedKeys, SeededRandom, TemporaryStore, VirtualClock};
use hygie_web::error;
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{Layers, Limits, Settings, layers};
use serde_json::{Value, json};
use uuid::Uuid;

pub const BASE: &str = "https://graph.example:8443";
pub const LOGIN: &str = "https://login.example:8441";
pub const GRAPH: &str = "https://graph.microsoft.com";

/// The parties.
pub struct World {
    pub directory: Directory,
    pub clock: Arc<VirtualClock>,
    pub cx: Cx,
    pub tenant: TenantId,
    pub other: TenantId,
    pub nurse: ObjectId,
    /// The nurse's group, within another.
    pub nurses: GroupId,
    pub staff: GroupId,
    pub portal: (AppId, ServicePrincipal),
    pub router: Router,
    _store: TemporaryStore,
    key: SigningKey,
}

impl World {
    /// A context of now.
    pub fn here(&self) -> Cx {
        Cx {
            now: self.clock.now(),
            ..self.cx.clone()
        }
    }

    pub async fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(42));
        let store = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
        let deps = hygie_directory::Deps {
            store: store.store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            workers: 2,
        };
        let directory = Directory::open(deps).await.expect("the directory opens");
        let [tenant, other] = [1, 2].map(|n| TenantId::from_uuid(Uuid::from_u128(n)));
        let cx = Cx::internal(tenant, clock.clone(), random.clone());
        establishments(&directory, &cx, [tenant, other]).await;
        let nurse = user(&directory, &cx, ("Anna", "Martin", "ch-demo.example")).await;
        let [nurses, staff] = groups(&directory, &cx, nurse).await;
        let portal = directory
            .create_application(&cx, portal())
            .await
            .expect("an application");
        let year = Duration::from_hours(24 * 365);
        let secret = directory.add_secret(&cx, portal.0.app, "test", year).await;
        secret.expect("a secret");
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let graph = Graph::new(Deps {
            directory: directory.clone(),
            means: means(&directory),
            base: BASE.to_owned(),
            login: LOGIN.to_owned(),
            keys: keys(&key),
        });
        let layered = Layers::new(Settings {
            service: "graph",
            clock: clock.clone(),
            random: random.clone(),
            limits: limits(),
            proxies: Vec::new(),
            messages: shell_messages(),
            home: "/".into(),
            render: Arc::new(error::Graph),
            cors: hygie_graph::cors,
            hsts: None,
            store: store.store.clone(),
            refusals_interval: Duration::from_mins(1),
        });
        Self {
            router: hygie_graph::normal(layers(hygie_graph::router(graph), &layered)),
            portal: (portal.0.app, portal.1),
            directory,
            clock,
            cx,
            tenant,
            other,
            nurse,
            nurses,
            staff,
            _store: store,
            key,
        }
    }

    /// An application of the first tenant with these permissions of its own.
    pub fn app(&self, roles: &[&str]) -> By<'_> {
        let id = ObjectId::from_uuid(Uuid::from_u128(99));
        self.by(&json!({ "oid": id, "sub": id, "roles": roles }))
    }

    /// The nurse, through an application with these scopes.
    pub fn person(&self, scopes: &str) -> By<'_> {
        self.by(&json!({ "oid": self.nurse, "sub": "pairwise", "scp": scopes }))
    }

    /// A caller whose token has these claims beyond, or instead of, the usual ones.
    pub fn by(&self, other: &Value) -> By<'_> {
        let now = self.clock.now().secs();
        let tenant = other["tid"]
            .as_str()
            .map_or_else(|| self.tenant.to_string(), str::to_owned);
        let mut claims = json!({
            "iss": format!("{LOGIN}/{tenant}/"),
            "tid": tenant,
            "ver": "1.0",
            "aud": GRAPH,
            "appid": Uuid::from_u128(77),
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        });
        let members = claims.as_object_mut().expect("an object");
        members.extend(other.as_object().expect("an object").clone());
        let token = self.key.sign(&Protected::jwt(), &claims).expect("a token");
        By {
            world: self,
            authorization: format!("Bearer {token}"),
        }
    }
}

/// A caller.
pub struct By<'w> {
    world: &'w World,
    authorization: String,
}

impl By<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.with(path, &[]).await
    }

    /// With `ConsistencyLevel: eventual`.
    pub async fn eventual(&self, path: &str) -> Answer {
        self.with(path, &[("consistencylevel", "eventual")]).await
    }

    /// A `GET` with these headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.with(path, headers).await
    }

    /// A `GET` that asks for this kind of answer.
    pub async fn accepting(&self, path: &str, kind: &str) -> Answer {
        self.with(path, &[("accept", kind)]).await
    }

    /// An action.
    pub async fn post(&self, path: &str) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let body = "{\"securityEnabledOnly\":true}".into();
        Client::new(&self.world.router)
            .send(http::Method::POST, path, &headers, body)
            .await
    }

    /// Any request with a JSON body; without one when it is null.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let address = path.strip_prefix(BASE).unwrap_or(path);
        let method = method.parse().expect("a method");
        Client::new(&self.world.router)
            .send(method, address, &headers, body.into())
            .await
    }

    /// A request with this text as its JSON.
    pub async fn text(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let method = method.parse().expect("a method");
        Client::new(&self.world.router)
            .send(method, path, &headers, body.to_owned().into())
            .await
    }

    /// What was made by a `POST`.
    pub async fn made(&self, path: &str, body: &Value) -> Value {
        let answer = self.send("POST", path, body).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()
    }

    /// What a change answers that has nothing to say.
    pub async fn changed(&self, method: &str, path: &str, body: &Value) {
        let answer = self.send(method, path, body).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (204, ""), "{method} {path}");
    }

    /// A document by any method.
    pub async fn sends(&self, method: http::Method, path: &str, body: &Value) -> Answer {
        self.send(method.as_str(), path, body).await
    }

    async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("authorization", self.authorization.as_str())], headers].concat();
        let address = path.strip_prefix(BASE).unwrap_or(path);
        Client::new(&self.world.router).get_with(address, &headers).await
    }

    /// A request with a document.
    pub async fn document(&self, method: http::Method, path: &str, document: &Value) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let address = path.strip_prefix(BASE).unwrap_or(path);
        let body = document.to_string().into();
        Client::new(&self.world.router)
            .send(method, address, &headers, body)
            .await
    }

    /// A request for one of these versions.
    pub async fn when(&self, versions: &str, (method, path, document): (http::Method, &str, &Value)) -> Answer {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
            ("if-match", versions),
        ];
        let body = document.to_string().into();
        Client::new(&self.world.router).send(method, path, &headers, body).await
    }

    /// What a good answer holds.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}

/// One member of every item of a page.
pub fn each(page: &Value, member: &str) -> Vec<String> {
    let items = page["value"].as_array().expect("a page");
    items
        .iter()
        .map(|item| item[member].as_str().unwrap_or("?").to_owned())
        .collect()
}

/// Status and code of an error.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error"]["code"].as_str().unwrap_or("?").to_owned();
    (answer.status.as_u16(), code)
}

/// The same, as it is expected.
pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// As the server has them.
fn limits() -> Limits {
    Limits {
        body: hygie_graph::MAX_BODY,
        ..Limits::default()
    }
}

async fn establishments(directory: &Directory, cx: &Cx, ids: [TenantId; 2]) {
    for (id, (domain, name)) in ids
        .into_iter()
        .zip([("ch-demo.example", "CH Demo"), ("ch-autre.example", "CH Autre")])
    {
        let new = NewTenant {
            id,
            display_name: name.to_owned(),
            domain: domain.to_owned(),
        };
        directory.create_tenant(cx, new).await.expect("a new tenant");
    }
}

/// A user of the context's tenant.
pub async fn user(directory: &Directory, cx: &Cx, (given, family, domain): (&str, &str, &str)) -> ObjectId {
    let name = format!("{given}.{family}@{domain}").to_lowercase();
    let new = NewUser {
        mail: Some(name.clone()),
        user_principal_name: name,
        display_name: format!("{given} {family}"),
        given_name: Some(given.to_owned()),
        surname: Some(family.to_owned()),
        ..NewUser::default()
    };
    directory.create_user(cx, new).await.expect("a new user").id
}

async fn groups(directory: &Directory, cx: &Cx, nurse: ObjectId) -> [GroupId; 2] {
    let nurses = directory.create_group(cx, "Nurses").await.expect("a group").id;
    let staff = directory.create_group(cx, "Staff").await.expect("a group").id;
    directory.add_member(cx, nurses, nurse).await.expect("a member");
    let inner = ObjectId::from_uuid(nurses.uuid());
    directory
        .add_member(cx, staff, inner)
        .await
        .expect("a group in a group");
    [nurses, staff]
}

fn means(directory: &Directory) -> Means {
    let deps = hygie_means::Deps {
        directory: directory.clone(),
        login: LOGIN.to_owned(),
        metadata: None,
        outgoing: None,
    };
    Means::open(deps).expect("the means open")
}

fn portal() -> NewApplication {
    NewApplication {
        app: None,
        display_name: "PSC_BAS".to_owned(),
        definition: Definition {
            identifier_uris: vec!["api://portal".to_owned()],
            scopes: vec![Scope {
                id: Uuid::from_u128(1),
                value: "use".to_owned(),
                display_name: "Use it".to_owned(),
                ..Scope::default()
            }],
            app_roles: vec![AppRole {
                id: Uuid::from_u128(11),
                value: "Visitor".to_owned(),
                display_name: "Visitor".to_owned(),
                ..AppRole::default()
            }],
            ..Definition::default()
        },
    }
}

fn keys(key: &SigningKey) -> Arc<dyn KeySource> {
    let jwks = Jwks {
        keys: vec![key.public_jwk()],
    };
    Arc::new(FixedKeys(Arc::new(KeySet::new(&jwks))))
}
