//! A professional whose token of Pro Santé Connect is exchanged opens the FHIR service with the role of their profile, over
//! real TLS and a stand-in for Pro Santé Connect.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hygie_core::Clock;
use hygie_jose::{Algorithm, Certificate, Protected, SigningKey};
use hygie_oidc::assertion::JWT_BEARER;
use hygie_server::ambient::SystemClock;
use hygie_server::serve::Running;
use hygie_testkit::{FakePsc, PSC_CLIENT, PSC_SERVICE};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::back_channel::Holder;
use crate::installation::Installation;

const TENANT: &str = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001";
const PORTAL: &str = "7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0004";
const DOCTOR: &str = "899700999990";
const HERE: &str = "F0B0999999";
const ELSEWHERE: &str = "F0B0999998";

/// An installation whose portal exchanges tokens.
struct World {
    psc: FakePsc,
    installation: Installation,
    key: SigningKey,
    certificate: Certificate,
}

impl World {
    async fn new() -> Self {
        let installation = Installation::new();
        let psc = FakePsc::start(Arc::new(SystemClock)).await;
        let (port, host, issuer) = (installation.port(), psc.host(), psc.issuer());
        let (client, secret) = PSC_CLIENT;
        write_private(&installation, "psc.secret", secret);
        let now = SystemClock.now();
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let life = std::time::Duration::from_hours(24);
        let certificate = Certificate::self_signed(&key, "portal", now, now + life).expect("a certificate");
        let base64 = STANDARD.encode(certificate.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        std::fs::write(installation.path("portal.pem"), pem).expect("written");
        installation.configure(&format!(
            r#"
[[workspaces.role_assignments]]
professions = ["10"]
structures = ["{HERE}"]
role = "FHIR Data Writer"
[[workspaces.role_assignments]]
professions = ["60"]
structures = ["{HERE}"]
role = "FHIR Data Reader"
[[workspaces.role_assignments]]
app = "{PORTAL}"
role = "FHIR Data Reader"
[[tenants.applications]]
app = "{PORTAL}"
display_name = "Portal"
certificate = "portal.pem"
fhir = ["ch/fhir"]
[tenants.psc]
issuer = "{issuer}"
client_id = "{client}"
client_secret = {{ file = "psc.secret" }}
clients = [{{ app = "{PORTAL}", services = ["{PSC_SERVICE}"] }}]
thumbprint = "hex_text"
[outgoing]
private_hosts = ["{host}"]
[back_channel]
url = "https://back.ch.test:{port}"
listen = "127.0.0.1:{port}"
"#
        ));
        Self {
            psc,
            installation,
            key,
            certificate,
        }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}.ch.test:{}{path}", self.installation.port())
    }

    fn client(&self, identity: Option<&Holder>) -> Client {
        let builder = self
            .installation
            .client(&["login.ch.test", "fhir.ch.test", "back.ch.test"]);
        let builder = match identity {
            Some(holder) => builder.identity(holder.identity.clone()),
            None => builder,
        };
        builder.build().expect("a client")
    }

    /// Exchanges a token at this address.
    async fn exchange(&self, client: &Client, endpoint: &str, token: &str) -> (u16, Value) {
        let audience = self.url("fhir", "/ch/fhir");
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", &audience),
            ("scope", "user_impersonation"),
        ];
        self.ask(client, endpoint, &fields).await
    }

    /// Asks an address for a token, as the portal that proves itself to this address.
    async fn ask(&self, client: &Client, endpoint: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let now = SystemClock.now().secs();
        let claims = json!({"iss": PORTAL, "sub": PORTAL, "aud": endpoint, "jti": "1", "nbf": now, "exp": now + 60});
        let header = Protected::jwt().with_member("x5t#S256", self.certificate.x5t_s256());
        let assertion = self.key.sign(&header, &claims).expect("signed");
        let proof = [
            ("client_id", PORTAL),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
        ];
        let request = client.post(endpoint).form(&[fields, &proof].concat());
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

fn write_private(installation: &Installation, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(installation.path(name), text).expect("written");
    std::fs::set_permissions(installation.path(name), std::fs::Permissions::from_mode(0o600)).expect("private");
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_of_a_professional_is_their_role() {
    let world = World::new().await;
    let running = Running::start(&world.installation.config())
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let client = world.client(None);
    let patients = world.url("fhir", "/ch/fhir/Patient");
    let endpoint = world.url("login", &format!("/{TENANT}/oauth2/v2.0/token"));
    for (profession, structures, expected) in [
        (("10", "C"), vec![HERE], [200, 201]),
        (("10", "M"), vec![ELSEWHERE, HERE], [200, 201]),
        (("60", "C"), vec![HERE], [200, 403]),
        (("21", "C"), vec![HERE], [403, 403]),
        (("10", "E"), vec![HERE], [403, 403]),
        (("10", "C"), vec![ELSEWHERE], [403, 403]),
        (("10", "C"), vec![], [403, 403]),
    ] {
        let user = FakePsc::person(DOCTOR, profession, &structures);
        let mut claims = world.psc.claims(DOCTOR);
        claims["jti"] = json!(format!("{profession:?} {structures:?}"));
        let theirs = world.psc.issue(&claims, &user);
        assert_eq!(
            status(client.get(&patients).bearer_auth(&theirs)).await,
            401,
            "it is not ours"
        );
        let (code, body) = world.exchange(&client, &endpoint, &theirs).await;
        assert_eq!(code, 200, "{body}");
        let ours = body["access_token"].as_str().expect("a token");
        let create = client.post(&patients).header("content-type", "application/fhir+json");
        let create = create.body(r#"{"resourceType":"Patient"}"#);
        let tried = [
            status(client.get(&patients).bearer_auth(ours)).await,
            status(create.bearer_auth(ours)).await,
        ];
        assert_eq!(tried, expected, "{profession:?} at {structures:?}");
    }
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_is_exchanged_on_the_back_channel_for_a_bound_token() {
    let world = World::new().await;
    let running = Running::start(&world.installation.config())
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    let (own, other) = (Holder::new("own.test"), Holder::new("other.test"));
    let metadata = world.url("login", &format!("/{TENANT}/v2.0/.well-known/openid-configuration"));
    let metadata = world.client(None).get(metadata).send().await.expect("an answer");
    let metadata: Value = metadata.json().await.expect("JSON");
    let front = metadata["token_endpoint"].as_str().expect("an address");
    let back = metadata["mtls_endpoint_aliases"]["token_endpoint"]
        .as_str()
        .expect("an address");
    assert_eq!(back, world.url("back", &format!("/{TENANT}/oauth2/v2.0/token")));
    let mut claims = world.psc.claims(DOCTOR);
    claims["cnf"] = json!({"x5t#S256": own.hex_thumbprint()});
    let bound = world.psc.issue(&claims, &FakePsc::person(DOCTOR, ("10", "C"), &[HERE]));
    for (client, endpoint, expected) in [
        (world.client(None), front, 400),
        (world.client(None), back, 400),
        (world.client(Some(&own)), front, 400),
        (world.client(Some(&other)), back, 400),
        (world.client(Some(&own)), back, 200),
    ] {
        let (code, body) = world.exchange(&client, endpoint, &bound).await;
        assert_eq!(code, expected, "{endpoint} {body}");
        if expected == 400 {
            assert_eq!(body["error"], "invalid_request");
        }
    }
    // Whatever the grant, what is issued there is for the holder of the certificate.
    let scope = world.url("fhir", "/ch/fhir/.default");
    let itself = [("grant_type", "client_credentials"), ("scope", &scope)];
    let shown = world.client(Some(&own));
    for (code, body) in [
        world.exchange(&shown, back, &bound).await,
        world.ask(&shown, back, &itself).await,
    ] {
        assert_eq!(code, 200, "{body}");
        let ours = body["access_token"].as_str().expect("a token");
        for (client, host, expected) in [
            (world.client(Some(&own)), "back", 200),
            (world.client(Some(&other)), "back", 401),
            (world.client(None), "back", 401),
            (world.client(Some(&own)), "fhir", 401),
        ] {
            let request = client.get(world.url(host, "/ch/fhir/Patient")).bearer_auth(ours);
            assert_eq!(status(request).await, expected, "{host} {body}");
        }
    }
    // Where none was shown it is free.
    let (_, body) = world.ask(&world.client(None), back, &itself).await;
    let free = body["access_token"].as_str().expect("a token");
    let request = world.client(None).get(world.url("fhir", "/ch/fhir/Patient"));
    assert_eq!(status(request.bearer_auth(free)).await, 200);
    // Of the identity provider nothing else is there.
    let client = world.client(Some(&own));
    for path in ["authorize", "v2.0/authorize", "v2.0/logout"] {
        let request = client.get(world.url("back", &format!("/{TENANT}/oauth2/{path}")));
        assert_eq!(status(request).await, 404, "{path}");
    }
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}
