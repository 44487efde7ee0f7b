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
pub fn free_block() -> u16 {
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
    dir: TempDir,
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
            dir,
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
        let scope = format!("{}/.default", document.workspaces[0].fhir[0].audience);
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

    async fn get(&self, path: &str, token: Option<&str>) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.document().workspaces[0].fhir[0].base);
        let mut request = self.client().get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn total(&self, token: &str, kind: &str) -> usize {
        let (status, bundle) = self.get(&format!("/{kind}?_count=1000"), Some(token)).await;
        assert_eq!(status, StatusCode::OK, "{bundle}");
        let entries = bundle["entry"].as_array().map_or(&[][..], Vec::as_slice);
        entries
            .iter()
            .filter(|entry| entry["search"]["mode"] == "match")
            .count()
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
async fn roles_decide_who_reads_the_patients_and_a_second_start_keeps_everything() {
    let mut world = World::start(None).await;
    let (status, body) = world.get("/Patient", None).await;
    assert_eq!(
        (status, &body["resourceType"]),
        (StatusCode::UNAUTHORIZED, &json!("OperationOutcome"))
    );
    let reader = world.token("fhir-reader").await;
    assert_eq!(world.total(&reader, "Patient").await, 25);
    assert_eq!(
        world.get("/Patient", Some(&world.token("no-role").await)).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(world.get("/metadata", None).await.0, StatusCode::OK);
    let before = world.document().clone();
    world.restart().await;
    assert_eq!(world.document(), &before);
    assert_eq!(
        world.total(&reader, "Patient").await,
        25,
        "a token from before is good after"
    );
    let written = std::fs::read(world.path().join("demo.json")).expect("demo.json");
    assert_eq!(
        serde_json::from_slice::<Document>(&written).expect("its own form"),
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_loaded_twice_and_there_once() {
    let world = World::start(None).await;
    let name = "urn:uuid:0f0a1b9c-5a5e-4a52-9a36-0d1f3c4b5a69";
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": name, "resource": { "resourceType": "Patient", "name": [{ "family": "Zyx" }] },
          "request": { "method": "POST", "url": "Patient" } },
        { "fullUrl": "urn:uuid:0f0a1b9c-5a5e-4a52-9a36-0d1f3c4b5a70",
          "resource": { "resourceType": "Observation", "status": "final", "code": { "text": "a" }, "subject": { "reference": name } },
          "request": { "method": "POST", "url": "Observation" } },
    ]});
    let file = world.dir.path().join("bundle.json");
    std::fs::write(&file, bundle.to_string()).expect("written");
    let base = world.document().workspaces[0].fhir[0].base.clone();
    let data = world.path().to_str().expect("a path in UTF-8");
    let file = file.to_str().expect("a path in UTF-8");
    let arguments = ["load", &base, file, "--data", data, "--json", "--bulk"];
    // By bundles, again, and by the bulk entry: the same resources.
    for (arguments, expected) in [
        (&arguments[..6], ("created", 2)),
        (&arguments[..6], ("updated", 2)),
        (&arguments[..], ("updated", 2)),
    ] {
        let output = world.hygie(arguments).await;
        let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(summary[expected.0], expected.1, "{summary}");
    }
    let reader = world.token("fhir-reader").await;
    assert_eq!(world.total(&reader, "Patient").await, 26);
    let (_, found) = world
        .get(
            "/Observation?subject=Patient/0f0a1b9c-5a5e-4a52-9a36-0d1f3c4b5a69",
            Some(&reader),
        )
        .await;
    assert_eq!(found["entry"].as_array().map(Vec::len), Some(1), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_is_clean_beside_the_running_world_and_finds_a_truncated_log() {
    let mut world = World::start(None).await;
    let reader = world.token("fhir-reader").await;
    assert_eq!(world.total(&reader, "Patient").await, 25);
    let (status, report) = world.verify().await;
    assert_eq!((status, &report["ok"]), (Some(0), &json!(true)), "{report}");
    let entries = |report: &Value, trail: &str| -> u64 {
        let instances = report["instances"].as_array().expect("instances");
        instances
            .iter()
            .filter_map(|instance| instance[trail]["entries"].as_u64())
            .sum()
    };
    assert!(
        entries(&report, "writes") > 100 && entries(&report, "accesses") >= 1,
        "{report}"
    );
    world.stop().await;
    let logs = world.path().join("data/directory.access");
    let segment = std::fs::read_dir(logs)
        .expect("a log")
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .next();
    let segment = segment.expect("a segment");
    let content = std::fs::read(&segment).expect("read");
    std::fs::write(&segment, &content[..content.len() / 2]).expect("cut");
    let (status, report) = world.verify().await;
    assert_eq!((status, &report["ok"]), (Some(1), &json!(false)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_patient_is_in_clear_in_any_file() {
    let mut world = World::start(None).await;
    let reader = world.token("fhir-reader").await;
    let (_, bundle) = world.get("/Patient?_count=1000", Some(&reader)).await;
    let mut names: Vec<String> = bundle["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["resource"]["name"][0]["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names.len(), 25);
    // Names are drawn: a patient may have that of somebody of the staff, who is in demo.json.
    let staff: Vec<_> = world
        .document()
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.users)
        .collect();
    names.retain(|name| !staff.iter().any(|user| user.display_name.contains(name)));
    world.stop().await;
    let mut files = vec![world.path().to_owned()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(
                std::fs::read_dir(path)
                    .expect("listed")
                    .filter_map(Result::ok)
                    .map(|entry| entry.path()),
            );
            continue;
        }
        let content = std::fs::read(&path).expect("read");
        seen += 1;
        for name in &names {
            let is_there = content.windows(name.len()).any(|window| window == name.as_bytes());
            assert!(!is_there, "{name} in {}", path.display());
        }
    }
    assert!(seen > 5);
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
    let reader = world.token("fhir-reader").await;
    assert_eq!(world.total(&reader, "Patient").await, 25);
    let page = world
        .client()
        .get(endpoints.portal.as_deref().expect("a portal"))
        .send()
        .await
        .expect("an answer");
    let text = page.text().await.expect("text");
    assert!(
        text.contains("Démonstration") && text.contains("/demo/fhir/metadata"),
        "{text}"
    );
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
    assert_eq!(
        ready["parts"],
        json!([{ "name": "login", "ok": true }, { "name": "fhir", "ok": true }])
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_was_lost_starts_again_from_its_copy() {
    let mut world = World::start(None).await;
    let hygie = |command: &str, copy: &Path, data: &Path| {
        let mut hygie = Command::new(env!("CARGO_BIN_EXE_hygie"));
        let output = hygie
            .arg(command)
            .arg(copy)
            .arg("--data")
            .arg(data)
            .output()
            .expect("it runs");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.code(), said.concat())
    };
    let (copy, path) = (world.dir.path().join("copy"), world.path().to_owned());
    let (status, said) = hygie("backup", &copy, &path);
    assert_eq!(status, Some(0), "{said}");
    world.stop().await;
    let (status, said) = hygie("restore", &copy, &path);
    assert_eq!(status, Some(2), "over a world that is there: {said}");
    let document = std::fs::read(path.join("demo.json")).expect("the document");
    std::fs::remove_dir_all(&path).expect("lost");
    let (status, said) = hygie("restore", &copy, &path);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(std::fs::read(path.join("demo.json")).expect("the document"), document);
    world.running = Some(Running::start(&world.options).await.expect("it starts again"));
    // The certificates and the secrets are those of the world that was lost.
    let health = &world.document().endpoints.health;
    let ready = world
        .client()
        .get(format!("{health}/ready"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(ready.status(), StatusCode::OK);
    world.stop().await;
}
