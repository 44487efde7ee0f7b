//! What the tests stand on: a console whose upstream answers by a script and keeps what it was asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;
use hygie_console::{Console, Deps, Host, Upstream};
use hygie_core::{AppId, Cx, Secret};
use hygie_jose::base64url;
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};
use hygie_testkit::{Answer, Client, SeededRandom, VirtualClock};
use hygie_web::error::Pages;
use hygie_web::i18n::Messages;
use hygie_web::layers::{Cors, Layers, Limits, Settings, layers};
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::Url;

pub const PORTAL: &str = "https://portal.example";
pub const TENANT: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001";
pub const CLIENT: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";

/// A trail that takes everything.
struct Trail;

impl Engine for Trail {
    fn write<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, _: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// What the upstream was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub host: Host,
    /// Method, path and query.
    pub line: String,
    pub token: Option<String>,
    pub body: Value,
}

/// Answers by the beginning of "METHOD path".
#[derive(Default)]
pub struct Script {
    pub answers: Mutex<BTreeMap<String, (u16, Value)>>,
    pub asked: Mutex<Vec<Asked>>,
    /// What the id token says, and the access token.
    pub tokens: Mutex<(Value, String)>,
}

impl Script {
    pub fn answer(&self, line: &str, status: u16, body: Value) {
        self.answers.lock().insert(line.to_owned(), (status, body));
    }

    fn find(&self, line: &str) -> (u16, Value) {
        let answers = self.answers.lock();
        let longest = answers
            .iter()
            .filter(|(start, _)| line.starts_with(start.as_str()))
            .max_by_key(|(start, _)| start.len());
        longest.map_or((404, Value::Null), |(_, answer)| answer.clone())
    }
}

/// Whether a request takes this version.
fn is_same(request: &http::Request<Bytes>, version: &str) -> bool {
    let wanted = request.headers().get("if-match");
    wanted.is_none_or(|wanted| wanted.as_bytes() == version.as_bytes())
}

impl Script {
    /// Of what is at this address.
    fn version(&self, path: &str) -> String {
        let (_, body) = self.find(&format!("GET {path}"));
        format!(
            "\"{}\"",
            base64url::encode(hygie_jose::digest::sha256(body.to_string()))
        )
    }
}

impl Upstream for Script {
    fn send(&self, host: Host, request: http::Request<Bytes>) -> BoxFuture<'_, http::Response<Bytes>> {
        let path = request.uri().path_and_query().expect("a path").as_str();
        let line = format!("{} {path}", request.method());
        let token = request
            .headers()
            .get("authorization")
            .map(|value| value.to_str().expect("text").to_owned());
        let body = match host {
            Host::Directory => serde_json::from_slice(request.body()).unwrap_or_default(),
            Host::Login => url::form_urlencoded::parse(request.body())
                .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
                .collect(),
        };
        self.asked.lock().push(Asked {
            host,
            line: line.clone(),
            token,
            body,
        });
        let (status, body) = match host {
            // What is changed must be what it was.
            Host::Directory if !is_same(&request, &self.version(path)) => (412, Value::Null),
            Host::Directory => self.find(&line),
            Host::Login => {
                let (claims, access) = &*self.tokens.lock();
                let payload = base64url::encode(claims.to_string());
                let tokens =
                    json!({ "access_token": access, "id_token": format!("h.{payload}.s"), "expires_in": 3600 });
                (200, tokens)
            }
        };
        let mut response = http::Response::new(if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        });
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        let version = self.version(path).parse().expect("a header");
        response.headers_mut().insert("etag", version);
        Box::pin(async { response })
    }
}

pub struct World {
    pub clock: Arc<VirtualClock>,
    pub script: Arc<Script>,
    pub client: Client,
}

impl World {
    pub fn new() -> Self {
        let (clock, script) = (Arc::new(VirtualClock::default()), Arc::new(Script::default()));
        let console = Console::new(Deps {
            portal: PORTAL.to_owned(),
            login: "https://login.example".to_owned(),
            api: "https://graph.example".to_owned(),
            client: CLIENT.parse::<AppId>().expect("an id"),
            upstream: script.clone(),
            sessions: Secret::new([7; 32]),
            forms: Secret::new([8; 32]),
        });
        let around = Layers::new(Settings {
            service: "portal",
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(42)),
            limits: Limits {
                larger: hygie_console::larger,
                ..Limits::default()
            },
            proxies: Vec::new(),
            messages: Arc::new(Messages::new(&[hygie_console::MESSAGES]).expect("the messages load")),
            home: "/".into(),
            render: Arc::new(Pages),
            cors: |_| Cors::Closed,
            hsts: None,
            store: Store::new(Arc::new(Trail)),
            refusals_interval: Duration::from_mins(1),
        });
        let client = Client::new(&layers(hygie_console::router(console), &around));
        Self { clock, script, client }
    }

    /// The way to signing in: what the authorization request says.
    pub async fn ask(&self, next: &str) -> BTreeMap<String, String> {
        let answer = self.client.get(&format!("/admin/sign-in?next={next}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let address = Url::parse(answer.location()).expect("an address");
        assert!(
            answer
                .location()
                .starts_with("https://login.example/organizations/oauth2/v2.0/authorize?")
        );
        address.query_pairs().into_owned().collect()
    }

    /// Comes back from the login host with a code, which gives this access token.
    pub async fn come_back(&self, request: &BTreeMap<String, String>, nonce: &str, token: &str) -> Answer {
        *self.script.tokens.lock() = (
            json!({ "nonce": nonce, "name": "Alix Mercier", "tid": TENANT, "oid": TENANT }),
            token.to_owned(),
        );
        self.script.answer(
            "GET /v1.0/organization",
            200,
            json!({ "value": [{ "displayName": "CH Demo" }] }),
        );
        self.client
            .get(&format!("/admin/callback?code=abc&state={}", request["state"]))
            .await
    }

    /// Signs somebody in.
    pub async fn signed_in() -> Self {
        let world = Self::new();
        let request = world.ask("/admin").await;
        let answer = world.come_back(&request, &request["nonce"].clone(), "token").await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, "/admin"),
            "{}",
            answer.text()
        );
        world.script.asked.lock().clear();
        world
    }

    /// What was asked with this method.
    pub fn asked(&self, method: &str) -> Vec<Asked> {
        let asked = self.script.asked.lock();
        asked
            .iter()
            .filter(|one| one.line.starts_with(method))
            .cloned()
            .collect()
    }
}
