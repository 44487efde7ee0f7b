//! `hygie keys` beside the live process and without one.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

use hygie_server::serve::Running;
use serde_json::Value;

use crate::installation::Installation;

fn hygie(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let mut hygie = Command::new(env!("CARGO_BIN_EXE_hygie"));
    hygie
        .args(arguments)
        .arg("--config")
        .arg(installation.path("hygie.toml"));
    let Output { status, stdout, stderr } = hygie.output().expect("it runs");
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (status.code(), said.concat())
}

/// The ids of the current keys by purpose, and of the master key.
fn keys(installation: &Installation) -> (String, BTreeMap<String, String>) {
    let (status, said) = hygie(installation, &["keys", "list", "--json"]);
    assert_eq!(status, Some(0), "{said}");
    let list: Value = serde_json::from_str(&said).expect("JSON");
    let keys = list["keys"].as_array().expect("a list");
    let current = keys.iter().filter(|key| key["state"] == "current");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let current = current.map(|key| (text(&key["purpose"]), text(&key["id"])));
    (text(&list["master"]), current.collect())
}

async fn start(installation: &Installation) -> Running {
    let running = Running::start(&installation.config()).await;
    running.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn stop(running: Running) {
    running.stop().await.unwrap_or_else(|failure| panic!("{failure}"));
}

fn is_replaced(purpose: &str) -> bool {
    purpose.starts_with("database:") || purpose.starts_with("access-log:")
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
