//! `hygie verify` against a holder of the database keys, who changes the trails with them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use hygie_server::ambient::{SystemClock, SystemRandom};
use hygie_server::serve::Running;
use hygie_store::keys::{Keyring, MasterKey, Purpose};
use serde_json::Value;

use crate::installation::Installation;

const INSTANCE: &str = "directory";

/// An installation that was started and stopped, with entries in its directory's trail of writes.
async fn installation() -> (Installation, u64) {
    let installation = Installation::new();
    let running = Running::start(&installation.config()).await;
    let running = running.unwrap_or_else(|failure| panic!("{failure}"));
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
    let report = report(&installation);
    assert_eq!(report["ok"], true, "{report}");
    let directory = instance(&report).clone();
    let entries = directory["writes"]["entries"].as_u64().expect("a number");
    (installation, entries)
}

fn verify(installation: &Installation, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
    command
        .args(["verify", "--config"])
        .arg(installation.path("hygie.toml"));
    command.args(options).output().expect("it runs")
}

fn report(installation: &Installation) -> Value {
    serde_json::from_slice(&verify(installation, &["--json"]).stdout).expect("JSON")
}

fn instance(report: &Value) -> &Value {
    let instances = report["instances"].as_array().expect("a list");
    let found = instances.iter().find(|instance| instance["name"] == INSTANCE);
    found.expect("the directory")
}

/// What the holder of the database key does, who needs nothing of the program for it.
fn tamper(installation: &Installation, sql: &str) {
    let data = installation.path("srv/data");
    let random = Arc::new(SystemRandom);
    let master = MasterKey::from_file(&installation.path("keys/master.key"), random.clone()).expect("the master key");
    let keyring = Keyring::open(data.join("keys.json"), Arc::new(master), Arc::new(SystemClock), random);
    let key = keyring
        .and_then(|ring| ring.get(&Purpose::database(INSTANCE)))
        .expect("the key");
    let hex: String = key.key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    let connection = rusqlite::Connection::open(data.join(format!("{INSTANCE}.db"))).expect("the database");
    let batch = format!("PRAGMA key = \"x'{hex}'\"; PRAGMA cipher_page_size = 8192; {sql};");
    connection.execute_batch(&batch).expect("changed");
}

/// It says where, and its exit status is 1.
fn assert_refused(installation: &Installation, place: &str) {
    let output = verify(installation, &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("directory: ") && text.contains("NOT CLEAN"), "{text}");
    assert!(text.contains(place), "{place}: {text}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let report = report(installation);
    assert_eq!(
        (&report["ok"], &instance(&report)["ok"]),
        (&Value::Bool(false), &Value::Bool(false))
    );
}

async fn run_on(installation: &Installation) {
    let running = Running::start(&installation.config()).await;
    let running = running.unwrap_or_else(|failure| panic!("it starts all the same: {failure}"));
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_entry_is_named() {
    let (installation, entries) = installation().await;
    assert!(entries >= 2, "{entries} entries");
    tamper(
        &installation,
        "UPDATE audit SET entry = replace(entry, '\"', '''') WHERE seq = 2",
    );
    assert_refused(&installation, "audit of writes: entry 2 altered");
    run_on(&installation).await;
    assert_refused(&installation, "audit of writes: entry 2 altered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_trail_is_named_and_stays_so() {
    let (installation, entries) = installation().await;
    tamper(&installation, &format!("DELETE FROM audit WHERE seq = {entries}"));
    assert_refused(
        &installation,
        &format!("audit of writes: entry {entries} removed from the end"),
    );
    run_on(&installation).await;
    assert_refused(
        &installation,
        "audit of writes: the chain was found damaged at its end and restarted",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_emptied_with_its_head_is_named_and_stays_so() {
    let (installation, _) = installation().await;
    tamper(&installation, "DELETE FROM audit");
    let head = installation
        .path("srv/data/heads")
        .join(format!("{INSTANCE}.writes.head"));
    std::fs::remove_file(&head).unwrap_or_else(|error| panic!("{}: {error}", head.display()));
    assert_refused(&installation, "audit of writes: the head is missing or spoilt");
    run_on(&installation).await;
    assert_refused(
        &installation,
        "audit of writes: the chain was found damaged at its end and restarted",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_removed_is_named() {
    let (installation, _) = installation().await;
    let data = installation.path("srv/data");
    for path in files_of(&data) {
        std::fs::remove_file(path).expect("removed");
    }
    let output = verify(&installation, &[]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("directory: ") && text.contains("cannot be read"),
        "{text}"
    );
}

fn files_of(data: &Path) -> Vec<std::path::PathBuf> {
    let entries = [data.to_owned(), data.join("heads")].into_iter();
    let entries = entries.flat_map(|directory| std::fs::read_dir(directory).expect("the directory"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_of = |path: &std::path::PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.is_file() && name.starts_with(INSTANCE)
    };
    let found: Vec<_> = paths.filter(is_of).collect();
    assert!(found.len() >= 3, "{found:?}");
    found
}
