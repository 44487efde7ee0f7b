//! `hygie psc prepare` beside a live demo world.

use std::path::Path;
use std::process::{Command, Output};

use hygie_server::demo::document::Document;
use hygie_server::demo::{Options, Running};
use hygie_server::tls;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::demo::free_block;
use crate::world::client;

/// Runs `hygie psc prepare` of a world; gives its exit status and what it wrote.
async fn prepare(world: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
    command
        .args(["psc", "prepare", "--data"])
        .arg(world)
        .args(options)
        .env_remove("REQUESTS_CA_BUNDLE");
    let output: Output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("it is awaited")
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn states(report: &Value) -> Vec<&str> {
    let objects = report["objects"].as_array().expect("objects");
    objects.iter().filter_map(|one| one["state"].as_str()).collect()
}

/// Takes away what asks people for terms of use before Pro Santé Connect, and the terms.
async fn without_terms(world: &Document, dir: &Path) {
    let http = client(&dir.join(&world.ca_certificate)).build().expect("a client");
    let tenant = &world.tenants[0];
    let admin = tenant.apps.iter().find(|app| app.name == "directory-admin");
    let admin = admin.expect("an application");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &admin.client_id.to_string()),
        ("client_secret", admin.client_secret.as_deref().expect("a secret")),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let login = world.endpoints.login.as_deref().expect("an identity provider");
    let url = format!("{login}/{}/oauth2/v2.0/token", tenant.id);
    let answer = http.post(url).form(&form).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let token = answer["access_token"].as_str().expect("a token");
    let graph = world.endpoints.graph.as_deref().expect("a directory API");
    for (place, name) in [
        ("identity/conditionalAccess/policies", "AC01-"),
        ("identityGovernance/termsOfUse/agreements", "CGU-"),
    ] {
        let place = format!("{graph}/v1.0/{place}");
        let all = http.get(&place).bearer_auth(token).send().await.expect("an answer");
        let all: Value = all.json().await.expect("JSON");
        let all = all["value"].as_array().expect("a list");
        let is_it = |one: &&Value| one["displayName"].as_str().is_some_and(|shown| shown.starts_with(name));
        let id = all.iter().find(is_it).expect("it")["id"].as_str().expect("an id");
        let gone = http.delete(format!("{place}/{id}")).bearer_auth(token).send().await;
        assert_eq!(gone.expect("an answer").status(), StatusCode::NO_CONTENT, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_made_once() {
    tls::install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options {
        data: dir.path().join("world"),
        base_port: Some(free_block()),
        domain: None,
        fresh: false,
    };
    let running = Running::start(&options).await.expect("it starts");
    let tenant = &running.document().tenants[0];
    let emergency = tenant
        .users
        .iter()
        .find(|user| user.name == "emergency")
        .expect("a user");
    let upn = emergency.upn.clone();
    let terms = dir.path().join("cgu.pdf");
    std::fs::write(&terms, "%PDF-1.7\n%%EOF\n").expect("written");
    let terms = terms.to_str().expect("a path").to_owned();
    let world = options.data.clone();

    let (status, _, error) = prepare(
        &world,
        &["--app", "99383c77-0bb9-41f0-96e1-b72ad6eca608", "--exclude", &upn],
    )
    .await;
    assert_eq!(status, Some(2), "{error}");
    assert!(error.contains("the tenant has no application 99383c77-"), "{error}");
    let (status, _, error) = prepare(&world, &["--exclude", "nobody@ch-demo.example"]).await;
    assert_eq!(
        (status, error.as_str()),
        (Some(2), "hygie: there is no user nobody@ch-demo.example\n")
    );

    // The demo world is prepared: nothing is made twice.
    let first = ["--exclude", &upn, "--json"];
    let (status, out, error) = prepare(&world, &first).await;
    assert_eq!(status, Some(0), "{out}{error}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (states(&report), &report["check"]["verdict"]),
        (vec!["there"; 2], &json!("conforms"))
    );
    without_terms(running.document(), &world).await;
    // Again, with terms of use: what is there stays, what is missing is made.
    let again = [&first[..], &["--terms", &terms]].concat();
    let (status, out, error) = prepare(&world, &again).await;
    assert_eq!(status, Some(0), "{out}{error}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(states(&report), ["there", "made", "made", "there"]);
    let (status, out, error) = prepare(&world, &["--exclude", &upn, "--terms", &terms]).await;
    assert_eq!(status, Some(0), "{out}{error}");
    assert_eq!(
        (out.matches("  présent ").count(), out.ends_with("Conforme.\n")),
        (4, true),
        "{out}"
    );
    running.stop().await.expect("it stops");
}

#[test]
fn wrong_usage_gets_one_line() {
    for (options, said) in [
        (&[][..], "--exclude <USER>"),
        (
            &["--exclude", "a", "--exclude", "b", "--exclude", "c"],
            "2 emergency accounts may be excluded at most",
        ),
        (&["--exclude", "a", "--terms", "/dev/null"], "the file is not a PDF"),
        (&["https://graph.example", "--exclude", "a"], "--token-file <FILE>"),
        (&["--exclude", "a", "--data", "/nowhere"], "/nowhere"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hygie"));
        let output = command
            .args(["psc", "prepare"])
            .args(options)
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{error}");
        assert!(error.contains(said) && error.lines().count() == 1, "{error}");
    }
}
