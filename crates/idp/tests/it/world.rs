//! Two establishments with their people and applications, and the ways of a client through the protocol.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::BoxFuture;
use hygie_access::Outgoing;
use hygie_core::{AppId, Clock, Cx, GroupId, ObjectId, Secret, TenantId};
use hygie_directory::{
    AppRole, Audience, Definition, Directory, GroupClaims, MIGRATIONS, NewApplication, NewTenant, NewUser, Scope,
};
use hygie_idp::{Certauth, Deps, Exchanges, Idp};
use hygie_jose::Verified;
use hygie_means::Means;
use hygie_oidc::RedirectUris;
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};
use hygie_testkit::{Answer, Client, SeededRandom, TemporaryStore, VirtualClock};
use hygie_web::error::Pages;
use hygie_web::i18n::Messages;
use hygie_web::layers::{Layers, Limits, Settings};
use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

pub const LOGIN: &str = "https://login.example:8441";
pub const CERTAUTH: &str = "https://certauth.example:8442";
pub const FHIR: &str = "https://fhir.example/demo/fhir";
pub const PASSWORD: &str = "Correct horse 9";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const WEB: &str = "https://portal.example/callback";
pub const SPA: &str = "https://spa.example/";
pub const LOOPBACK: &str = "http://localhost";

/// What the layers record, in memory.
#[derive(Default)]
pub struct Trail(Mutex<Vec<Record>>);

impl Engine for Trail {
    fn write<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.lock().push(record);
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// The parties of the tests.
pub struct World {
    pub idp: Idp,
    pub clock: Arc<VirtualClock>,
    pub router: Router,
    pub cx: Cx,
    pub tenant: TenantId,
    pub other: TenantId,
    pub nurse: ObjectId,
    pub nurses: GroupId,
    /// The resource, with tokens of version 1.
    pub fhir: AppId,
    /// A resource with tokens of version 2.
    pub api: AppId,
    /// A confidential client for itself and for persons.
    pub portal: AppId,
    pub secret: String,
    /// A single-page application.
    pub spa: AppId,
    /// An installed application.
    pub native: AppId,
    pub store: TemporaryStore,
    pub trail: Arc<Trail>,
    pub layers: Layers,
}

/// The provider over this store; a second one is another process.
pub async fn open(store: &TemporaryStore, clock: &Arc<VirtualClock>, random: &Arc<SeededRandom>) -> Idp {
    open_with(store, (clock, random), None).await
}

/// The same, asking issuers of others by this client.
pub async fn open_asking(
    store: &TemporaryStore,
    (clock, random): (&Arc<VirtualClock>, &Arc<SeededRandom>),
    outgoing: Outgoing,
) -> Idp {
    let deps = Deps {
        outgoing: Some(outgoing),
        ..deps(store, (clock, random)).await
    };
    Idp::open(deps).await.expect("the provider opens")
}

/// The same, exchanging tokens of others.
pub async fn open_with(
    store: &TemporaryStore,
    (clock, random): (&Arc<VirtualClock>, &Arc<SeededRandom>),
    exchanges: Option<Exchanges>,
) -> Idp {
    let deps = Deps {
        exchanges,
        ..deps(store, (clock, random)).await
    };
    Idp::open(deps).await.expect("the provider opens")
}

async fn deps(store: &TemporaryStore, (clock, random): (&Arc<VirtualClock>, &Arc<SeededRandom>)) -> Deps {
    let directory = hygie_directory::Deps {
        store: store.store.clone(),
        clock: clock.clone(),
        random: random.clone(),
        workers: 2,
    };
    let directory = Directory::open(directory).await.expect("the directory opens");
    let means = hygie_means::Deps {
        directory: directory.clone(),
        login: LOGIN.to_owned(),
        metadata: None,
        outgoing: None,
    };
    Deps {
        means: Means::open(means).expect("the means open"),
        directory,
        login: LOGIN.to_owned(),
        graph: None,
        back_channel: None,
        certauth: Some(Certauth {
            url: CERTAUTH.to_owned(),
            tenants: CERTAUTH.strip_prefix("https://").map(str::to_owned),
        }),
        exchanges: None,
        outgoing: None,
        workers: 2,
    }
}

fn role(n: u128, value: &str) -> AppRole {
    AppRole {
        id: Uuid::from_u128(n),
        value: value.to_owned(),
        display_name: value.to_owned(),
        ..AppRole::default()
    }
}

fn scope(n: u128, value: &str) -> Scope {
    Scope {
        id: Uuid::from_u128(n),
        value: value.to_owned(),
        display_name: value.to_owned(),
        ..Scope::default()
    }
}

fn application(name: &str, definition: Definition) -> NewApplication {
    NewApplication {
        app: None,
        display_name: name.to_owned(),
        definition,
    }
}

impl World {
    pub async fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(42));
        let store = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
        let idp = open(&store, &clock, &random).await;
        let directory = idp.directory();
        let trail = Arc::new(Trail::default());
        let layers = edge(&trail, &clock, &random);
        let router = hygie_web::layers::layers(hygie_idp::router(idp.clone()), &layers);
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let other: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0002".parse().unwrap();
        let cx = Cx::internal(tenant, clock.clone(), random);
        for (id, domain, name) in [
            (tenant, "ch-demo.example", "CH Demo"),
            (other, "ch-autre.example", "CH Autre"),
        ] {
            let new = NewTenant {
                id,
                display_name: name.to_owned(),
                domain: domain.to_owned(),
            };
            directory.create_tenant(&cx, new).await.expect("a new tenant");
        }
        let [fhir, api, portal, spa, native] = apps(directory, &cx).await;
        let secret = directory
            .add_secret(&cx, portal, "test", Duration::from_hours(24 * 365))
            .await
            .expect("a secret");
        let (nurse, nurses) = people(directory, &cx).await;
        for client in [portal, spa, native] {
            directory
                .grant_scopes(&cx, (client, fhir), None, &["user_impersonation"])
                .await
                .expect("a grant");
            directory
                .grant_scopes(&cx, (client, api), Some(nurse), &["read", "write"])
                .await
                .expect("a grant");
        }
        let secret = secret.value.expose().clone();
        Self {
            idp,
            clock,
            router,
            cx,
            tenant,
            other,
            nurse,
            nurses,
            fhir,
            api,
            portal,
            secret,
            spa,
            native,
            store,
            trail,
            layers,
        }
    }

    /// What the layers recorded since the last time, counted refusals of unknown callers included.
    pub async fn recorded(&self) -> Vec<Record> {
        self.layers.record_refusals().await.expect("the trail takes it");
        std::mem::take(&mut *self.trail.0.lock())
    }

    /// A context of now in this tenant.
    pub fn cx(&self, tenant: TenantId) -> Cx {
        Cx {
            now: self.clock.now(),
            ..self.cx.for_tenant(tenant)
        }
    }

    /// Now, as tokens write it.
    pub fn clock_secs(&self) -> i64 {
        self.clock.now().secs()
    }

    pub fn browser(&self) -> Client {
        Client::new(&self.router)
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.tenant)
    }

    /// An authorization request; `other` replaces or adds parameters, an empty value removes one.
    pub fn authorize(&self, client: AppId, redirect_uri: &str, other: &[(&str, &str)]) -> String {
        let id = client.to_string();
        let scope = format!("openid profile email offline_access {FHIR}/user_impersonation");
        let usual = [
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("scope", scope.as_str()),
            ("state", "st&te"),
            ("nonce", "n-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        let pairs = kept.chain(other.iter().filter(|(_, value)| !value.is_empty()));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.path(&format!("oauth2/v2.0/authorize?{query}"))
    }

    /// Signs the nurse in through the pages that answer this request, and gives the last answer.
    pub async fn sign_in(&self, browser: &Client, request: &str) -> Answer {
        self.sign_in_as(browser, request, ("anna.martin@ch-demo.example", PASSWORD))
            .await
    }

    pub async fn sign_in_as(&self, browser: &Client, request: &str, (name, password): (&str, &str)) -> Answer {
        let first = browser.get(request).await;
        assert_eq!(first.status, 200, "{}", first.text());
        let second = submit(browser, &first, &[("username", name)]).await;
        assert_eq!(second.field("step").as_deref(), Some("password"), "{}", second.text());
        submit(browser, &second, &[("username", name), ("password", password)]).await
    }

    /// The token endpoint of the tenant at v2.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.browser().post(&self.path("oauth2/v2.0/token"), fields).await
    }

    /// A code for the nurse, who signs in in a new browser.
    pub async fn code(&self, client: AppId, redirect_uri: &str, other: &[(&str, &str)]) -> String {
        let answer = self
            .sign_in(&self.browser(), &self.authorize(client, redirect_uri, other))
            .await;
        answer
            .redirect_param("code")
            .unwrap_or_else(|| panic!("no code in {}", answer.location()))
    }

    /// The whole code flow of the portal for the nurse: the token response.
    pub async fn code_flow(&self, other: &[(&str, &str)]) -> Value {
        let code = self.code(self.portal, WEB, other).await;
        let answer = self.redeem(&code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Redeems a code as the portal.
    pub async fn redeem(&self, code: &str) -> Answer {
        let id = self.portal.to_string();
        let secret = [("client_secret", self.secret.as_str()), ("client_info", "1")];
        self.token(&[&exchange(&id, code, WEB)[..], &secret].concat()).await
    }

    /// Redeems a refresh token as the portal.
    pub async fn refresh(&self, token: &str, other: &[(&str, &str)]) -> Answer {
        let id = self.portal.to_string();
        let usual = [
            ("grant_type", "refresh_token"),
            ("client_id", id.as_str()),
            ("client_secret", self.secret.as_str()),
            ("refresh_token", token),
        ];
        self.token(&[&usual, other].concat()).await
    }

    /// A token of ours, verified with the published keys.
    pub fn verified(&self, token: &Value) -> Verified {
        let token = token.as_str().expect("a token");
        hygie_jose::verify(token, &self.idp.key_set()).expect("signed by a published key")
    }
}

/// Posts the form of a page with its hidden fields.
pub async fn submit(browser: &Client, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let action = page.text().split("action=\"").find_map(|rest| {
        rest.split('"').next().filter(|a| {
            ["/login", "/device", "/adminconsent", "/redeem", "/myapplications"]
                .iter()
                .any(|end| a.ends_with(end))
        })
    });
    let action = action
        .unwrap_or_else(|| panic!("no form in {}", page.text()))
        .to_owned();
    let hidden: Vec<(String, String)> = ["csrf", "step", "version", "request", "account", "asked"]
        .iter()
        .filter(|hidden| !fields.iter().any(|(name, _)| name == *hidden))
        .filter_map(|name| Some(((*name).to_owned(), page.field(name)?)))
        .collect();
    let mut all: Vec<(&str, &str)> = hidden
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    all.extend(fields);
    browser.post(&action, &all).await
}

/// What a token says, unchecked.
pub fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&hygie_jose::base64url::decode(payload).unwrap()).unwrap()
}

/// The fields with which a client without a secret redeems a code that was sent to this address.
pub fn exchange<'a>(client: &'a str, code: &'a str, address: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", address),
        ("code_verifier", VERIFIER),
    ]
}

/// The code of an error body.
pub fn code_of(answer: &Answer) -> u64 {
    answer.json()["error_codes"][0].as_u64().expect("an error code")
}

pub fn edge(trail: &Arc<Trail>, clock: &Arc<VirtualClock>, random: &Arc<SeededRandom>) -> Layers {
    Layers::new(Settings {
        service: "idp",
        clock: clock.clone(),
        random: random.clone(),
        limits: Limits::default(),
        proxies: Vec::new(),
        messages: Arc::new(Messages::new(&[hygie_idp::MESSAGES]).expect("the messages load")),
        home: "/".into(),
        render: Arc::new(Pages),
        cors: hygie_idp::cors,
        hsts: None,
        store: Store::new(trail.clone()),
        refusals_interval: Duration::from_mins(1),
    })
}

/// FHIR service, API, portal, single page, native.
async fn apps(directory: &Directory, cx: &Cx) -> [AppId; 5] {
    let [spa, native] =
        [(vec![SPA.to_owned()], vec![]), (vec![], vec![LOOPBACK.to_owned()])].map(|(spa, native)| Definition {
            is_fallback_public_client: !native.is_empty(),
            redirect_uris: RedirectUris {
                spa,
                public_client: native,
                ..RedirectUris::default()
            },
            ..Definition::default()
        });
    let [fhir, api, portal] = confidential();
    let mut ids = Vec::new();
    for (name, definition) in [
        ("FHIR demo", fhir),
        ("API", api),
        ("Portal", portal),
        ("Single page", spa),
        ("Native", native),
    ] {
        ids.push(
            directory
                .create_application(cx, application(name, definition))
                .await
                .expect("a new application")
                .0
                .app,
        );
    }
    ids.try_into().expect("five applications")
}

fn confidential() -> [Definition; 3] {
    [
        Definition {
            identifier_uris: vec![FHIR.to_owned()],
            scopes: vec![scope(1, "user_impersonation")],
            app_roles: vec![role(11, "Reader"), role(12, "Writer")],
            ..Definition::default()
        },
        Definition {
            identifier_uris: vec!["api://records/".to_owned()],
            requested_access_token_version: Some(2),
            scopes: vec![scope(2, "read"), scope(3, "write")],
            group_membership_claims: Some(GroupClaims::SECURITY_GROUP),
            ..Definition::default()
        },
        Definition {
            redirect_uris: RedirectUris {
                web: vec![WEB.to_owned()],
                ..RedirectUris::default()
            },
            sign_in_audience: Audience::Tenants,
            app_roles: vec![role(13, "Visitor")],
            enable_id_token_issuance: true,
            enable_access_token_issuance: true,
            logout_url: Some("https://portal.example/logout".to_owned()),
            ..Definition::default()
        },
    ]
}

async fn people(directory: &Directory, cx: &Cx) -> (ObjectId, GroupId) {
    let new = NewUser {
        user_principal_name: "Anna.Martin@ch-demo.example".to_owned(),
        display_name: "Anna Martin".to_owned(),
        given_name: Some("Anna".to_owned()),
        surname: Some("Martin".to_owned()),
        mail: Some("anna.martin@ch-demo.example".to_owned()),
        password: Some(Secret::new(PASSWORD.to_owned())),
        ..NewUser::default()
    };
    let nurse = directory.create_user(cx, new).await.expect("a new user").id;
    let nurses = directory.create_group(cx, "Nurses").await.expect("a new group").id;
    let staff = directory.create_group(cx, "Staff").await.expect("a new group").id;
    directory.add_member(cx, nurses, nurse).await.expect("a member");
    directory
        .add_member(cx, staff, ObjectId::from_uuid(nurses.uuid()))
        .await
        .expect("a group in a group");
    (nurse, nurses)
}
