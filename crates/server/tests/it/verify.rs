//! `hygie verify` against a holder of the database keys, who changes the trails with them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use hygie_core::{Cx, TenantId};
use hygie_server::ambient::{SystemClock, SystemRandom};
use hygie_server::serve::Running;
use hygie_store::blobs::{self, Blobs, References, Stored};
use hygie_store::embedded::{self, Limits, Options};
use hygie_store::keys::{Keyring, MasterKey, Purpose};
use hygie_store::{Store, StoreError};
use serde_json::{Value, json};

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

fn keyring(installation: &Installation) -> Keyring {
    let random = Arc::new(SystemRandom);
    let master = MasterKey::from_file(&installation.path("keys/master.key"), random.clone()).expect("the master key");
    let path = installation.path("srv/data/keys.json");
    Keyring::open(path, Arc::new(master), Arc::new(SystemClock), random).expect("the keyring")
}

/// What the holder of the database key does, who needs nothing of the program for it.
fn tamper(installation: &Installation, sql: &str) {
    let data = installation.path("srv/data");
    let key = keyring(installation)
        .get(&Purpose::database(INSTANCE))
        .expect("the key");
    let hex: String = key.key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    let connection = rusqlite::Connection::open(data.join(format!("{INSTANCE}.db"))).expect("the database");
    let batch = format!(
        "PRAGMA key = \"x'{hex}'\"; PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA cipher_page_size = 8192; {sql};"
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_value_that_does_not_open_is_named_and_stops_the_start() {
    let (installation, _) = installation().await;
    let sealed = instance(&report(&installation))["sealed"].clone();
    assert!(
        sealed.as_u64().expect("a number") >= 3,
        "root, signing keys, tenants: {sealed}"
    );
    tamper(
        &installation,
        "UPDATE idp_root SET secret = (SELECT pairwise FROM idp_tenant)",
    );
    assert_refused(
        &installation,
        "sealed columns: idp_root.secret: 1 sealed values do not open: it was altered, or comes from another row",
    );
    let refused = Running::start(&installation.config()).await;
    let said = refused.err().expect("it does not start").to_string();
    assert!(said.contains("`idp_root.secret` does not open"), "{said}");
}

/// The blobs of the directory's instance and its store, opened without the program.
fn blobs_of(installation: &Installation, keyring: &Arc<Keyring>, cx: &Cx) -> (Blobs, Store) {
    let data = installation.path("srv/data");
    let store = embedded::open(Options {
        directory: &data,
        heads: &data.join("heads"),
        instance: INSTANCE,
        keyring,
        migrations: &[hygie_access::MIGRATIONS, hygie_directory::MIGRATIONS].concat(),
        replay: None,
        cx,
        limits: Limits::default(),
    });
    let blobs = blobs::open_on_disk(&data, INSTANCE, keyring).expect("the blobs");
    (blobs, store.expect("the store"))
}

async fn store_blob(blobs: &Blobs, cx: &Cx, content: &[u8]) -> Stored {
    let mut writer = blobs.create(cx);
    writer.write(content).await.expect("a write");
    writer.finish().await.expect("the end of the blob")
}

fn replace_data_keys(installation: &Installation, keyring: &Keyring) {
    let purpose = Purpose::blobs(INSTANCE);
    let before = keyring.get(&purpose).expect("a key").id;
    let rotated = Command::new(env!("CARGO_BIN_EXE_hygie"))
        .args(["keys", "rotate", "--only", "data", "--config"])
        .arg(installation.path("hygie.toml"))
        .output()
        .expect("it runs");
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    keyring.reload().expect("the keys");
    assert_ne!(keyring.get(&purpose).expect("a key").id, before);
    assert_eq!(keyring.find_all(&purpose).len(), 1, "the old one is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_counted_and_what_is_wrong_with_them_is_named() {
    let (installation, _) = installation().await;
    assert_eq!(
        instance(&report(&installation))["blobs"],
        Value::Null,
        "it has none yet"
    );
    let keyring = Arc::new(keyring(&installation));
    let cx = Cx::internal(
        TenantId::random(&SystemRandom),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    let (blobs, store) = blobs_of(&installation, &keyring, &cx);
    let mut referred = Vec::new();
    for n in 0..3 {
        let stored = store_blob(&blobs, &cx, &vec![7; 100_000 + n]).await;
        let write = store.write(&cx, stored, |stored, tx| {
            Box::pin(async move { References(tx).insert(stored).await })
        });
        write.await.unwrap_or_else(|error: StoreError| panic!("{error}"));
        referred.push(stored.reference.id);
    }
    store_blob(&blobs, &cx, b"an orphan").await;
    let expected = json!({ "count": 3, "bytes": 300_003, "orphans": 1, "orphaned_bytes": 48 + 9 + 16 });
    let report = report(&installation);
    assert_eq!(
        (&report["ok"], &instance(&report)["blobs"]),
        (&Value::Bool(true), &expected)
    );
    let text = String::from_utf8_lossy(&verify(&installation, &[]).stdout).into_owned();
    assert!(text.contains(", 3 blobs and 1 without reference, clean"), "{text}");

    // Under another key they are the same.
    store.close().await.expect("closing");
    replace_data_keys(&installation, &keyring);
    assert_eq!(instance(&self::report(&installation))["blobs"], expected);
    let (blobs, store) = blobs_of(&installation, &keyring, &cx);

    blobs.delete(&cx, referred[0]).await.expect("a deletion");
    let name = referred[1].to_string();
    let path = installation
        .path("srv/data/directory.blobs")
        .join(cx.tenant.to_string());
    let path = path.join(&name[..2]).join(&name);
    let mut bytes = std::fs::read(&path).expect("the file of the blob");
    bytes[70_000] ^= 1;
    std::fs::write(&path, bytes).expect("altered");
    store.close().await.expect("closing");
    let tenant = cx.tenant;
    assert_refused(
        &installation,
        &format!("blobs: the blob {} of the tenant {tenant} is missing", referred[0]),
    );
    assert_refused(
        &installation,
        &format!("blobs: the blob {name} of the tenant {tenant} is damaged: chunk 1"),
    );
    assert_refused(&installation, ", 1 blobs and 1 without reference, NOT CLEAN");
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
