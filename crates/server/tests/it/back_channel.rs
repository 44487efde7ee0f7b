//! Outside issuers as the configuration names them, and tokens that are bound to a certificate, over real TLS.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_access::Version;
use hygie_core::{AppId, Clock, ObjectId, TenantId};
use hygie_jose::{base64url, digest};
use hygie_server::ambient::SystemClock;
use hygie_server::serve::Running;
use hygie_testkit::{FakeEntra, Subject};
use reqwest::{Client, Identity, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::installation::Installation;

const PARTNER: TenantId = TenantId::from_uuid(Uuid::from_u128(0xe17a));
const APP: ObjectId = ObjectId::from_uuid(Uuid::from_u128(1));

/// Certificates with their keys, as a client has them.
pub struct Holder {
    pub der: Vec<u8>,
    pub identity: Identity,
}

impl Holder {
    pub fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("made");
        let pem = made.cert.pem() + &made.signing_key.serialize_pem();
        Self {
            der: made.cert.der().to_vec(),
            identity: Identity::from_pem(pem.as_bytes()).expect("a certificate with its key"),
        }
    }

    fn thumbprint(&self) -> String {
        base64url::encode(digest::sha256(&self.der))
    }

    /// As the services of the Agence du Numérique en Santé write it.
    pub fn hex_thumbprint(&self) -> String {
        let digits: String = digest::sha256(&self.der)
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        STANDARD.encode(digits)
    }
}

/// An installation that trusts a tenant of Entra as one, and what the same machine says for another path as an OpenID
/// Connect provider.
struct World {
    entra: FakeEntra,
    installation: Installation,
    provider: String,
}

impl World {
    async fn new(more: &str) -> Self {
        let installation = Installation::new();
        let entra = FakeEntra::start(Arc::new(SystemClock)).await;
        let (authority, host) = (entra.cloud().authority, entra.host());
        let provider = format!("{authority}/hospital/v2.0");
        let port = installation.port();
        installation.configure(&format!(
            r#"
[[workspaces.entra]]
tenant = "{PARTNER}"
authority = "{authority}"
sts = "https://sts.windows.net"
app_roles = [{{ value = "Fhir.Write", role = "FHIR Data Writer", fhir = "fhir" }}]
[[workspaces.issuers]]
issuer = "{provider}"
fhir_audiences = ["fhir-api"]
thumbprint = "hex_text"
[[workspaces.role_assignments]]
principal = "{APP}"
kind = "App"
tenant = "{PARTNER}"
role = "FHIR Data Reader"
[[workspaces.role_assignments]]
issuer = "{provider}"
subject = "batch"
kind = "App"
role = "FHIR Data Reader"
[outgoing]
private_hosts = ["{host}"]
[back_channel]
url = "https://back.ch.test:{port}"
listen = "127.0.0.1:{port}"
{more}
"#
        ));
        Self {
            entra,
            installation,
            provider,
        }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}.ch.test:{}/ch/fhir{path}", self.installation.port())
    }

    fn client(&self, identity: Option<&Holder>) -> Client {
        let builder = self.installation.client(&["fhir.ch.test", "back.ch.test"]);
        let builder = match identity {
            Some(holder) => builder.identity(holder.identity.clone()),
            None => builder,
        };
        builder.build().expect("a client")
    }

    /// A reader's token, with more claims.
    fn token(&self, version: Version, more: &Value) -> String {
        let audience = self.url("fhir", "");
        let subject = Subject {
            tenant: PARTNER,
            id: APP,
            app: AppId::from_uuid(Uuid::from_u128(2)),
            audience: &audience,
        };
        let mut claims = self.entra.application(version, subject);
        let more = more.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(more);
        self.entra.sign(&claims)
    }

    /// A token of the OpenID Connect provider.
    fn provided(&self, subject: &str, more: &Value) -> String {
        let mut claims = json!({
            "iss": self.provider, "aud": "fhir-api", "sub": subject, "client_id": subject,
            "exp": SystemClock.now().secs() + 600,
        });
        let more = more.as_object().expect("an object").clone();
        claims.as_object_mut().expect("an object").extend(more);
        self.entra.sign(&claims)
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_of_the_configuration() {
    let world = World::new("").await;
    let running = Running::start(&world.installation.config())
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let client = world.client(None);
    let patients = world.url("fhir", "/Patient");
    let get = async |token: &str| status(client.get(&patients).bearer_auth(token)).await;
    let post = async |token: &str| {
        let body = client.post(&patients).header("content-type", "application/fhir+json");
        status(body.bearer_auth(token).body(r#"{"resourceType":"Patient"}"#)).await
    };
    for version in [Version::V1, Version::V2] {
        let reader = world.token(version, &json!({}));
        assert_eq!((get(&reader).await, post(&reader).await), (200, 403));
        let writer = world.token(version, &json!({"roles": ["Fhir.Write"]}));
        assert_eq!(post(&writer).await, 201);
        let other = world.token(version, &json!({"roles": ["FHIR Data Writer"]}));
        assert_eq!(post(&other).await, 403);
        assert_eq!(
            get(&world.token(version, &json!({"tid": TenantId::from_uuid(Uuid::nil())}))).await,
            401
        );
    }
    assert_eq!(get(&world.provided("batch", &json!({}))).await, 200);
    assert_eq!(get(&world.provided("other", &json!({}))).await, 403);
    let reader = world.token(Version::V1, &json!({"aud": "fhir-api"}));
    assert_eq!(
        get(&reader).await,
        401,
        "the audience of one issuer is not that of another"
    );
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_is_good_with_its_certificate_alone() {
    let world = World::new("").await;
    let running = Running::start(&world.installation.config())
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let (own, other) = (Holder::new("own.test"), Holder::new("other.test"));
    let bound = world.token(Version::V1, &json!({"cnf": {"x5t#S256": own.thumbprint()}}));
    let wrong_form = world.token(Version::V1, &json!({"cnf": {"x5t#S256": own.hex_thumbprint()}}));
    let free = world.token(Version::V1, &json!({}));
    let hex = world.provided("batch", &json!({"cnf": {"x5t#S256": own.hex_thumbprint()}}));
    let not_hex = world.provided("batch", &json!({"cnf": {"x5t#S256": own.thumbprint()}}));
    for (what, token, host, holder, expected) in [
        ("bound", &bound, "back", Some(&own), 200),
        ("bound, another certificate", &bound, "back", Some(&other), 401),
        ("bound, no certificate", &bound, "back", None, 401),
        ("bound, where none is asked for", &bound, "fhir", Some(&own), 401),
        ("bound in another form", &wrong_form, "back", Some(&own), 401),
        ("not bound", &free, "back", Some(&own), 200),
        ("not bound, no certificate", &free, "back", None, 200),
        ("bound in the form of its issuer", &hex, "back", Some(&own), 200),
        (
            "bound in another form than its issuer's",
            &not_hex,
            "back",
            Some(&own),
            401,
        ),
    ] {
        let client = world.client(holder);
        let request = client.get(world.url(host, "/Patient")).bearer_auth(token);
        assert_eq!(status(request).await, expected, "{what}");
        // A forwarded certificate counts from proxies, and there are none.
        let forged = format!(":{}:", STANDARD.encode(&own.der));
        let request = world.client(None).get(world.url(host, "/Patient"));
        let request = request.bearer_auth(token).header("client-cert", forged);
        let is_free = token == &free;
        assert_eq!(status(request).await, if is_free { 200 } else { 401 }, "{what}, forged");
    }
    // A resumed session has the certificate of its first handshake.
    let client = world.client(Some(&own));
    for builder in [&client, &world.client(Some(&own))] {
        for _ in 0..2 {
            let request = builder.get(world.url("back", "/Patient")).bearer_auth(&bound);
            assert_eq!(status(request).await, 200);
        }
    }
    // Links keep the base that was called.
    let page = client
        .get(world.url("back", "/Patient"))
        .bearer_auth(&bound)
        .send()
        .await;
    let page: Value = page.expect("an answer").json().await.expect("JSON");
    let link = page["link"][0]["url"].as_str().expect("a link").to_owned();
    assert!(link.starts_with(&world.url("back", "")), "{link}");
    let statement = client
        .get(world.url("fhir", "/metadata"))
        .send()
        .await
        .expect("an answer");
    let statement: Value = statement.json().await.expect("JSON");
    assert_eq!(statement["implementation"]["url"], world.url("fhir", ""));
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_hands_on_the_certificate_of_its_client() {
    let world = World::new("[forwarded_certificate]\nheader = \"client-cert\"\nform = \"rfc9440\"\n").await;
    let path = world.installation.path("hygie.toml");
    let text = std::fs::read_to_string(&path).expect("written before");
    std::fs::write(&path, format!("trusted_proxies = [\"127.0.0.1\"]\n{text}")).expect("written");
    let running = Running::start(&world.installation.config())
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let (own, proxy) = (Holder::new("own.test"), Holder::new("proxy.test"));
    let bound = |holder: &Holder| world.token(Version::V1, &json!({"cnf": {"x5t#S256": holder.thumbprint()}}));
    let forwarded = format!(":{}:", STANDARD.encode(&own.der));
    for (token, host, value, expected) in [
        (bound(&own), "fhir", Some(&forwarded), 200),
        (bound(&own), "back", Some(&forwarded), 200),
        (bound(&own), "back", None, 401),
        // The proxy's own certificate is not its client's.
        (bound(&proxy), "back", None, 401),
        (bound(&proxy), "back", Some(&forwarded), 401),
    ] {
        let request = world
            .client(Some(&proxy))
            .get(world.url(host, "/Patient"))
            .bearer_auth(&token);
        let request = match value {
            Some(value) => request.header("client-cert", value),
            None => request,
        };
        assert_eq!(status(request).await, expected, "{host} {value:?}");
    }
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}
