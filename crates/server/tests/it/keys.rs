//! `hygie keys` beside the live process and without one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use hygie_server::serve::Running;
use hygie_testkit::PostgresServer;
use serde_json::Value;

use crate::installation::{Installation, TENANT};

fn command(installation: &Installation, arguments: &[&str]) -> Command {
    let mut hygie = Command::new(env!("CARGO_BIN_EXE_hygie"));
    hygie
        .args(arguments)
        .arg("--config")
        .arg(installation.path("hygie.toml"));
    hygie.stdout(Stdio::piped()).stderr(Stdio::piped());
    hygie
}

fn outcome(Output { status, stdout, stderr }: Output) -> (Option<i32>, String) {
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (status.code(), said.concat())
}

fn hygie(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    outcome(command(installation, arguments).output().expect("it runs"))
}

fn begin(installation: &Installation, arguments: &[&str]) -> Child {
    command(installation, arguments).spawn().expect("it runs")
}

fn end(child: Child) -> (Option<i32>, String) {
    outcome(child.wait_with_output().expect("its end"))
}

fn listed(installation: &Installation) -> Value {
    let (status, said) = hygie(installation, &["keys", "list", "--json"]);
    assert_eq!(status, Some(0), "{said}");
    serde_json::from_str(&said).expect("JSON")
}

/// The ids of the current keys by purpose, and of the master key.
fn keys(installation: &Installation) -> (String, BTreeMap<String, String>) {
    let list = listed(installation);
    let keys = list["keys"].as_array().expect("a list");
    let current = keys.iter().filter(|key| key["state"] == "current");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let current = current.map(|key| (text(&key["purpose"]), text(&key["id"])));
    (text(&list["master"]), current.collect())
}

/// What the command and the process have written of the last rotation.
fn rotation(installation: &Installation) -> Value {
    let text = fs::read(installation.path("srv/data/rotation.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Reads the data as a backup does, until it is dropped: no rotation ends meanwhile.
fn reading(data: &Path) -> File {
    let path = data.join("readers.lock");
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.expect("a file");
    file.lock_shared().expect("nobody removes anything");
    file
}

async fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("in vain: {what}");
}

async fn start(installation: &Installation) -> Running {
    let running = Running::start(&installation.config()).await;
    running.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn stop(running: Running) {
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

fn is_replaced(purpose: &str) -> bool {
    ["database:", "access-log:", "blobs:", "columns:"]
        .iter()
        .any(|kind| purpose.starts_with(kind))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_keys_are_replaced_beside_the_live_process() {
    let installation = Installation::new();
    let running = start(&installation).await;
    let (master, before) = keys(&installation);
    let clear = fs::read_to_string(installation.path("keys/master.key")).expect("the master key");
    let (status, said) = hygie(&installation, &["keys", "rotate"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("directory: new keys, no write was taken for "), "{said}");
    let (new_master, after) = keys(&installation);
    assert_ne!(new_master, master);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (purpose, id) in &before {
        assert_eq!(after[purpose] != *id, is_replaced(purpose), "{purpose}");
    }
    let kept = fs::read_to_string(installation.path(&format!("keys/master.key.{master}"))).expect("the old one");
    assert_eq!(kept, clear, "for backups made before");
    let (status, said) = hygie(&installation, &["keys", "list"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("access log of directory") && said.contains("retired"),
        "{said}"
    );
    assert!(!said.contains(clear.trim()), "never the key");

    let (status, said) = hygie(&installation, &["verify"]);
    assert_eq!(status, Some(0), "beside the live process: {said}");
    let copy = installation.path("copy");
    let (status, said) = hygie(&installation, &["backup", copy.to_str().expect("text")]);
    assert_eq!(status, Some(0), "{said}");
    stop(running).await;
    stop(start(&installation).await).await;
    let (status, said) = hygie(&installation, &["verify"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(keys(&installation), (new_master, after), "a restart changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_are_replaced_without_a_process_and_what_was_asked_of_one_is_done_at_its_start() {
    let installation = Installation::new();
    stop(start(&installation).await).await;
    let (master, before) = keys(&installation);
    let (status, said) = hygie(&installation, &["keys", "rotate", "--only", "data"]);
    assert_eq!(status, Some(0), "{said}");
    let (same, after) = keys(&installation);
    assert_eq!(same, master);
    assert!(
        before
            .iter()
            .all(|(purpose, id)| (after[purpose] != *id) == is_replaced(purpose))
    );
    let (status, said) = hygie(&installation, &["verify"]);
    assert_eq!(status, Some(0), "{said}");

    // As a process that was killed in the middle leaves it.
    let request = installation.path("srv/data/rotation.json");
    let text = fs::read_to_string(&request).expect("how it ended");
    let mut rotation: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(rotation["state"], "done");
    rotation["state"] = "running".into();
    // The directory was done, and its keys stay.
    rotation["pauses"]
        .as_array_mut()
        .expect("a list")
        .retain(|done| done["instance"] == "directory");
    fs::write(&request, rotation.to_string()).expect("written");
    let running = start(&installation).await;
    let mut tries = 600;
    while keys(&installation).1["database:fhir.ch.fhir"] == after["database:fhir.ch.fhir"] {
        tries -= 1;
        assert!(tries > 0, "{}", fs::read_to_string(&request).expect("the state"));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(keys(&installation).1["database:directory"], after["database:directory"]);
    stop(running).await;
    let (status, said) = hygie(&installation, &["verify"]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn wrong_usage_gets_one_line() {
    let installation = Installation::new();
    let (status, said) = hygie(&installation, &["keys", "list"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("there are no keys in"), "{said}");
    let (status, said) = hygie(&installation, &["keys", "rotate", "--only", "all"]);
    assert_eq!((status, said.lines().count()), (Some(2), 1), "{said}");
}

/// One command asks and is killed, the next one follows what goes on all the same: no second rotation, no new master key.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_goes_on_is_followed_to_its_end() {
    let installation = Installation::new();
    let running = start(&installation).await;
    let (master, before) = keys(&installation);
    let reading = reading(&installation.path("srv/data"));
    let mut first = begin(&installation, &["keys", "rotate", "--only", "data"]);
    wait_for("the process takes it up", || {
        rotation(&installation)["state"] == "running"
    })
    .await;
    first.kill().expect("kill -9");
    first.wait().expect("its end");
    let asked = rotation(&installation)["id"].clone();

    // Of two commands one follows, and the other is told.
    let mut both = vec![
        begin(&installation, &["keys", "rotate"]),
        begin(&installation, &["keys", "rotate"]),
    ];
    let mut refused = None;
    wait_for("one of two commands is told", || {
        refused = both
            .iter_mut()
            .position(|one| one.try_wait().expect("a child").is_some());
        refused.is_some()
    })
    .await;
    let (status, said) = end(both.remove(refused.expect("one of two")));
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("are being replaced by another command"), "{said}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(reading);
    let (status, said) = end(both.remove(0));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("directory: new keys, no write was taken for "), "{said}");
    let rotation = rotation(&installation);
    assert_eq!((&rotation["id"], &rotation["state"]), (&asked, &"done".into()));
    let (same, after) = keys(&installation);
    assert_eq!(same, master, "it was asked for the data keys alone");
    for (purpose, id) in &before {
        assert_eq!(after[purpose] != *id, is_replaced(purpose), "{purpose}");
    }
    let list = listed(&installation)["keys"].as_array().expect("a list").clone();
    let retired = list.iter().filter(|key| key["state"] == "retired").count();
    let logs = before
        .keys()
        .filter(|purpose| purpose.starts_with("access-log:"))
        .count();
    assert_eq!(retired, logs, "once");
    stop(running).await;
}

/// A process that was asked and is killed starts again while the command waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_again_is_not_locked_out_by_the_command() {
    let installation = Installation::new();
    stop(start(&installation).await).await;
    let (_, before) = keys(&installation);
    let reading = reading(&installation.path("srv/data"));
    let left = r#"{"id":"00","state":"running","what":"directory","done":0,"total":0,"pauses":[],"error":null}"#;
    fs::write(installation.path("srv/data/rotation.json"), left).expect("as a killed process leaves it");
    let waiting = begin(&installation, &["keys", "rotate"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = start(&installation).await;
    drop(reading);
    let (status, said) = end(waiting);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(rotation(&installation)["id"], "00");
    let (_, after) = keys(&installation);
    assert!(
        before
            .iter()
            .all(|(purpose, id)| (after[purpose] != *id) == is_replaced(purpose))
    );
    stop(running).await;
}

/// The process that replaces the master key of a database has never opened what another one keeps there.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_other_processes_left_in_the_database_get_the_new_master_key_too() {
    let (server, installation) = (PostgresServer::shared(), Installation::new());
    let address = server.create_database();
    installation.configure(&format!(
        "[storage.postgres]\naddress = \"{address}\"\nat_rest = \"volume\"\n"
    ));
    stop(start(&installation).await).await;
    let other = installation.beside(
        "other",
        &format!(
            "[[workspaces]]\nname = \"sud\"\ntenant = \"{TENANT}\"\nfhir = [{{ name = \"fhir\", app = \
             \"7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0009\" }}]\n"
        ),
    );
    let start_other = async || {
        let running = Running::start(&installation.config_of(&other)).await;
        running.unwrap_or_else(|failure| panic!("{failure}"))
    };
    stop(start_other().await).await;
    let wrapped = |by: &str| {
        let sql = format!("SELECT count(*) FROM hygie.data_key WHERE entry LIKE '%{by}%'");
        server.psql(&address, &sql)
    };
    let (old, own) = keys(&installation);
    let all = wrapped(&old);
    assert_eq!(all, (own.len() + 1).to_string(), "the other process has one more");
    let (status, said) = hygie(&installation, &["keys", "rotate"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains(&format!("{all} keys in the database")), "{said}");
    let (new, _) = keys(&installation);
    assert_eq!((wrapped(&old), wrapped(&new)), ("0".to_owned(), all));

    // Who has nothing but the new master key opens everything.
    fs::remove_dir_all(installation.path("srv/other")).expect("another machine");
    fs::remove_file(installation.path(&format!("keys/master.key.{old}"))).expect("the one that was kept");
    stop(start_other().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_live_process_replaces_the_key_of_the_sealed_columns() {
    let (server, installation) = (PostgresServer::shared(), Installation::new());
    let address = server.create_database();
    installation.configure(&format!(
        "[storage.postgres]\naddress = \"{address}\"\nat_rest = \"volume\"\n"
    ));
    let running = start(&installation).await;
    let (master, before) = keys(&installation);
    let (status, said) = hygie(&installation, &["keys", "rotate", "--only", "data"]);
    assert_eq!(status, Some(0), "{said}");
    let (same, after) = keys(&installation);
    assert_eq!(master, same);
    for (purpose, id) in &before {
        assert_eq!(after[purpose] != *id, purpose == "columns:directory", "{purpose}");
    }
    let sql = "SELECT id FROM hygie.data_key WHERE purpose = 'columns:directory'";
    assert_eq!(server.psql(&address, sql), after["columns:directory"]);
    let (status, said) = hygie(&installation, &["verify"]);
    assert_eq!(status, Some(0), "{said}");
    stop(running).await;
    let (status, said) = hygie(&installation, &["keys", "rotate", "--only", "data"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("the running program replaces the key"), "{said}");
    stop(start(&installation).await).await;
    assert_eq!(keys(&installation), (same, after), "a restart changes nothing");
}
