//! `hygie psc prepare` beside a live demo world.

use std::path::Path;
use std::process::{Command, Output};

use hygie_server::demo::{Options, Running};
use hygie_server::tls;
use serde_json::{Value, json};

use crate::demo::free_block;

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
