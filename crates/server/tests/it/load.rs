//! `hygie load` against a service that asks to wait, refuses tokens and entries, or is not there.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use hygie_server::listen::{Limits, Listener, Speech, Stop};
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Clone, Default)]
struct Service(Arc<Counts>);

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    entries: AtomicUsize,
    largest: AtomicUsize,
}

/// Asks the first request to wait, then takes everything but patients called `bad`.
async fn take(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    if service.0.requests.fetch_add(1, Ordering::SeqCst) == 0 {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
    }
    if headers["authorization"] != "Bearer good" {
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Bearer")]).into_response();
    }
    let bundle: Value = serde_json::from_slice(&body).expect("a bundle");
    let entries = bundle["entry"].as_array().expect("entries");
    service.0.entries.fetch_add(entries.len(), Ordering::SeqCst);
    service.0.largest.fetch_max(entries.len(), Ordering::SeqCst);
    let answers: Vec<Value> = entries
        .iter()
        .map(|entry| match entry["resource"]["id"].as_str() {
            Some("bad") => {
                let issue = json!({ "severity": "error", "code": "invalid", "diagnostics": "gender is not a code" });
                json!({ "response": { "status": "400 Bad Request", "outcome": { "resourceType": "OperationOutcome", "issue": [issue] } } })
            }
            _ => json!({ "response": { "status": "201 Created" } }),
        })
        .collect();
    Json(json!({ "resourceType": "Bundle", "type": "batch-response", "entry": answers })).into_response()
}

/// The bulk entry of such a service: refuses lines with `bad`.
async fn take_lines(State(service): State<Service>, headers: HeaderMap, body: String) -> Response {
    if service.0.requests.fetch_add(1, Ordering::SeqCst) == 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    assert_eq!(headers["content-type"], "application/fhir+ndjson");
    let lines: Vec<&str> = body.lines().collect();
    service.0.entries.fetch_add(lines.len(), Ordering::SeqCst);
    service.0.largest.fetch_max(lines.len(), Ordering::SeqCst);
    let is_bad = |(_, line): &(usize, &&str)| line.contains("\"bad\"");
    let errors: Vec<Value> = (1..)
        .zip(&lines)
        .filter(is_bad)
        .map(|(line, _)| json!({ "line": line, "status": 400, "code": "invalid", "message": "gender is not a code" }))
        .collect();
    let created = lines.len() - errors.len();
    let counts =
        json!({ "lines": lines.len(), "created": created, "updated": 0, "refused": errors.len(), "errors": errors });
    Json(counts).into_response()
}

struct Setting {
    dir: TempDir,
    base: String,
    service: Service,
}

impl Setting {
    async fn start(token: &str) -> Self {
        let service = Service::default();
        let router = Router::new()
            .route("/fhir", post(take))
            .route("/fhir/.hygie/bulk", post(take_lines))
            .with_state(service.clone());
        let free = "127.0.0.1:0".parse().expect("an address");
        let listener = Listener::bind("test", free, "nothing").await.expect("a free port");
        let base = format!("http://{}/fhir", listener.address().expect("bound"));
        tokio::spawn(listener.serve(Speech::Plain(router), Limits::default(), Stop::new()));
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("token"), token).expect("written");
        Self { dir, base, service }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    async fn load(&self, files: &[PathBuf]) -> Output {
        self.load_with(files, &[]).await
    }

    async fn load_with(&self, files: &[PathBuf], options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
        command
            .arg("load")
            .arg(&self.base)
            .args(files)
            .arg("--json")
            .args(options);
        command.arg("--token-file").arg(self.dir.path().join("token"));
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("runs to its end");
        output.expect("the program runs")
    }
}

fn patients(count: usize) -> String {
    let line = |number| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{number}\"}}\n");
    (0..count).map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_loaded_once_though_the_service_asks_to_wait() {
    let setting = Setting::start("good\n").await;
    let file = setting.file("Patient.ndjson", &patients(1234));
    let output = setting.load(&[file]).await;
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{summary}");
    assert_eq!((&summary["created"], &summary["failed"]), (&json!(1234), &json!(0)));
    assert_eq!(setting.service.0.entries.load(Ordering::SeqCst), 1234);
    assert_eq!(setting.service.0.largest.load(Ordering::SeqCst), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_line_is_named_and_the_rest_loaded() {
    let setting = Setting::start("good").await;
    let text = patients(3) + "{\"resourceType\":\"Patient\",\"id\":\"bad\"}\nnot JSON\n" + &patients(2);
    let file = setting.file("Patient.ndjson", &text);
    let output = setting.load(&[file]).await;
    assert_eq!(output.status.code(), Some(1));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&summary["created"], &summary["failed"]), (&json!(5), &json!(2)));
    let failures = summary["failures"].as_array().expect("failures");
    let find = |end: &str| {
        failures
            .iter()
            .find(|one| one["place"].as_str().is_some_and(|place| place.ends_with(end)))
    };
    let refused = find("Patient.ndjson:4").expect("named by its line");
    assert_eq!(
        (&refused["status"], &refused["message"]),
        (&json!(400), &json!("gender is not a code"))
    );
    assert!(find("Patient.ndjson:5").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_load_sends_lines_and_names_those_that_are_refused() {
    let setting = Setting::start("good").await;
    let text = patients(1100) + "{\"resourceType\":\"Patient\",\"id\":\"bad\"}\nnot JSON\n" + &patients(2);
    let entry = |id: &str, method: &str| {
        let resource = json!({ "resourceType": "Patient", "id": id });
        json!({ "resource": resource, "request": { "method": method, "url": format!("Patient/{id}") } })
    };
    let entries = [
        entry("a", "PUT"),
        entry("b", "DELETE"),
        entry("bad", "PUT"),
        entry("c", "PUT"),
    ];
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
    let files = [
        setting.file("Patient.ndjson", &text),
        setting.file("bundle.json", &bundle.to_string()),
    ];
    let output = setting.load_with(&files, &["--bulk"]).await;
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert_eq!((&summary["created"], &summary["failed"]), (&json!(1104), &json!(4)));
    assert_eq!(setting.service.0.entries.load(Ordering::SeqCst), 1106);
    assert_eq!(setting.service.0.largest.load(Ordering::SeqCst), 500);
    let failures = summary["failures"].as_array().expect("failures");
    let mut places: Vec<_> = failures
        .iter()
        .map(|one| {
            one["place"]
                .as_str()
                .and_then(|place| place.rsplit('/').next())
                .expect("a place")
        })
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "Patient.ndjson:1101",
            "Patient.ndjson:1102",
            "bundle.json entry 2",
            "bundle.json entry 3"
        ]
    );
    let both = setting.load_with(&files, &["--bulk", "--as-is"]).await;
    assert_eq!(both.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_or_file_ends_with_its_status() {
    let setting = Setting::start("bad").await;
    let file = setting.file("Patient.ndjson", &patients(1));
    let output = setting.load(&[file]).await;
    assert_eq!(output.status.code(), Some(1));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["failures"][0]["status"], 401);
    let output = setting.load(&[setting.dir.path().join("absent.json")]).await;
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_can_be_loaded() {
    for format in ["ndjson", "bundle"] {
        let setting = Setting::start("good").await;
        let out = setting.dir.path().join("made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
        command.args([
            "generate",
            "fhir",
            "--patients",
            "12",
            "--until",
            "2026-06-30",
            "--json",
        ]);
        command.args(["--format", format, "--out"]).arg(&out);
        let made = tokio::task::spawn_blocking(move || {
            let first = command.output().expect("the program runs");
            (first, command.output().expect("the program runs"))
        });
        let (made, again) = made.await.expect("runs to its end");
        assert!(made.status.success(), "{made:?}");
        let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
        assert!(made["resources"].as_u64() > Some(2500), "{made}");
        assert_eq!(again.status.code(), Some(2), "a directory that is not empty is refused");
        let output = setting.load(&[out]).await;
        let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(output.status.success(), "{summary}");
        assert_eq!(
            (&summary["created"], &summary["failed"]),
            (&made["resources"], &json!(0))
        );
    }
}
