//! A demo world from its first start to its last: addresses, tokens, roles, patients, a second start, verification.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU16, Ordering};

use hygie_server::demo::document::{App, Document};
use hygie_server::demo::{Options, Running};
use hygie_server::tls;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::client;

/// A block of fifteen ports on which nobody listens.
fn free_block() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 1000) as u16 * 20;
    loop {
        let base = start + NEXT.fetch_add(20, Ordering::SeqCst);
        let is_free = |offset| TcpListener::bind((Ipv4Addr::LOCALHOST, base + offset)).is_ok();
        if (0..15).all(is_free) {
            return base;
        }
    }
}

struct World {
    _dir: TempDir,
    options: Options,
    running: Option<Running>,
}

impl World {
    async fn start(domain: Option<&str>) -> Self {
        tls::install_provider();
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options {
            data: dir.path().join("world"),
            base_port: Some(free_block()),
            domain: domain.map(str::to_owned),
            fresh: false,
        };
        let running = Running::start(&options).await.expect("it starts");
        Self {
            _dir: dir,
            options,
            running: Some(running),
        }
    }

    async fn stop(&mut self) {
        self.running.take().expect("it runs").stop().await.expect("it stops");
    }

    async fn restart(&mut self) {
        self.stop().await;
        self.running = Some(Running::start(&self.options).await.expect("it starts again"));
    }

    fn path(&self) -> &Path {
        &self.options.data
    }

    fn document(&self) -> &Document {
        self.running.as_ref().expect("it runs").document()
    }

    fn client(&self) -> Client {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let builder = client(&self.path().join("ca.pem"));
        let hosts = ["hygie.test", "login.hygie.test", "fhir.hygie.test"];
        let builder = hosts
            .into_iter()
            .fold(builder, |builder, host| builder.resolve(host, local));
        builder.build().expect("a client")
    }

    fn app(&self, tenant: usize, name: &str) -> &App {
        let apps = &self.document().tenants[tenant].apps;
        apps.iter()
            .find(|app| app.name == name)
            .expect("an application of the world")
    }

    /// A token of an application for the FHIR service, by the client credentials grant.
    async fn token(&self, name: &str) -> String {
        let document = self.document();
        let login = document.endpoints.login.as_deref().expect("an identity provider");
        let app = self.app(0, name);
        let port = self.options.base_port.expect("a port") + 6;
        let host = self
            .options
            .domain
            .as_ref()
            .map_or("localhost".to_owned(), |domain| format!("fhir.{domain}"));
        let scope = format!("https://{host}:{port}/demo/fhir/.default");
        let client_id = app.client_id.to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", app.client_secret.as_deref().expect("a secret")),
            ("scope", scope.as_str()),
        ];
        let url = format!("{login}/{}/oauth2/v2.0/token", document.tenants[0].id);
        let answer = self.client().post(url).form(&form).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        let body: Value = answer.json().await.expect("JSON");
        body["access_token"].as_str().expect("a token").to_owned()
    }

    async fn hygie(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
        command.args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("runs to its end");
        output.expect("the program runs")
    }

    async fn verify(&self) -> (Option<i32>, Value) {
        let data = self.path().to_str().expect("a path in UTF-8");
        let output = self.hygie(&["verify", "--data", data, "--json"]).await;
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_keeps_everything_and_verification_is_clean() {
    let mut world = World::start(None).await;
    world.token("fhir-reader").await;
    let before = world.document().clone();
    world.restart().await;
    assert_eq!(world.document(), &before);
    world.token("no-role").await;
    let written = std::fs::read(world.path().join("demo.json")).expect("demo.json");
    assert_eq!(
        serde_json::from_slice::<Document>(&written).expect("its own form"),
        before
    );
    let (status, report) = world.verify().await;
    assert_eq!((status, &report["ok"]), (Some(0), &json!(true)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_domain_every_service_has_its_host_and_another_domain_is_refused() {
    let mut world = World::start(Some("hygie.test")).await;
    let port = world.options.base_port.expect("a port");
    let endpoints = &world.document().endpoints;
    assert_eq!(
        endpoints.portal.as_deref(),
        Some(format!("https://hygie.test:{port}").as_str())
    );
    assert_eq!(
        endpoints.login.as_deref(),
        Some(format!("https://login.hygie.test:{}", port + 1).as_str())
    );
    world.token("fhir-reader").await;
    let page = world
        .client()
        .get(endpoints.portal.as_deref().expect("a portal"))
        .send()
        .await
        .expect("an answer");
    let text = page.text().await.expect("text");
    assert!(text.contains("Démonstration"), "{text}");
    let data = world.path().to_str().expect("a path in UTF-8").to_owned();
    let busy = world.hygie(&["demo", "--data", &data]).await;
    assert_eq!(busy.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&busy.stderr).contains("in use by another hygie"));
    world.stop().await;
    let other = world.hygie(&["demo", "--data", &data, "--domain", "other.test"]).await;
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("made for hygie.test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_when_it_is_ready_and_counts() {
    let world = World::start(None).await;
    let health = world.document().endpoints.health.clone();
    let plain = Client::builder().no_proxy().build().expect("a client");
    let get = async |path: &str| plain.get(format!("{health}{path}")).send().await.expect("an answer");
    assert_eq!(get("/live").await.status(), StatusCode::OK);
    let ready = get("/ready").await;
    assert_eq!(ready.status(), StatusCode::OK);
    let ready: Value = ready.json().await.expect("JSON");
    assert_eq!(ready["parts"], json!([{ "name": "login", "ok": true }]));
    world.token("fhir-reader").await;
    let metrics = get("/metrics").await.text().await.expect("text");
    for name in [
        "hygie_http_requests_total",
        "hygie_connections_total",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(name), "{name} is missing");
    }
}
