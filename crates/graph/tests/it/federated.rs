//! Federated credentials of applications are made, found, changed and taken away; whether an application takes passwords.

use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

fn deploy() -> Value {
    json!({
        "name": "deploy", "issuer": "https://issuer.example/realm", "subject": "system:serviceaccount:ward:agenda",
        "audiences": ["api://AzureADTokenExchange"], "description": "La mise en production",
    })
}

fn other(member: &str, value: Value) -> Value {
    let mut body = deploy();
    (body["name"], body["subject"]) = ("another".into(), "another".into());
    body[member] = value;
    body
}

/// The address of an application that it makes.
async fn application(world: &World) -> String {
    let caller = world.app(&["Application.ReadWrite.All"]);
    let made = caller
        .made("/v1.0/applications", &json!({ "displayName": "Agenda" }))
        .await;
    assert_eq!(made["isPasswordGrantEnabled"], false);
    format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_federated_credential_is_made_found_changed_and_taken_away() {
    let world = World::new().await;
    let all = format!("{}/federatedIdentityCredentials", application(&world).await);
    let caller = world.app(&["Application.ReadWrite.All"]);
    let mut made = caller.made(&all, &deploy()).await;
    caller.made(&all, &other("description", Value::Null)).await;
    let mut names = each(&caller.json(&all).await, "name");
    names.sort_unstable();
    assert_eq!(names, ["another", "deploy"]);
    let filtered = caller.json(&format!("{all}?$filter=name%20eq%20'another'")).await;
    assert_eq!(each(&filtered, "name"), ["another"]);
    let one = format!("{all}/deploy");
    assert_eq!(
        caller.json(&format!("{all}/{}", made["id"].as_str().unwrap())).await["subject"],
        made["subject"]
    );
    caller
        .changed("PATCH", &one, &json!({ "subject": "other", "description": null }))
        .await;
    (made["subject"], made["description"]) = ("other".into(), Value::Null);
    let seen = caller.json(&one).await;
    assert!(
        deploy()
            .as_object()
            .unwrap()
            .keys()
            .all(|name| seen[name] == made[name]),
        "{seen}"
    );
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(caller.get(&one).await.status, 404);
    // Each addition and each change of whom it trusts is an alert, beside that of the world; taking away is none.
    let alerts = world.app(&["AuditLog.Read.All"]).json("/v1.0/auditLogs/alerts").await;
    let added = each(&alerts, "alertType")
        .into_iter()
        .filter(|kind| kind == "credentialAdded");
    assert_eq!(added.count(), 3 + 1);
}

#[tokio::test]
async fn what_is_no_federated_credential_is_refused() {
    let world = World::new().await;
    let all = format!("{}/federatedIdentityCredentials", application(&world).await);
    let caller = world.app(&["Application.ReadWrite.All"]);
    caller.made(&all, &deploy()).await;
    let mut refused_bodies = vec![("POST", other("subject", deploy()["subject"].clone()))];
    for (member, value) in [
        ("name", json!("a b c")),
        ("name", json!("deploy")),
        ("issuer", json!("http://issuer.example")),
        ("subject", Value::Null),
        ("audiences", json!(["a", "b"])),
        ("claimsMatchingExpression", json!({})),
    ] {
        refused_bodies.push(("POST", other(member, value)));
    }
    refused_bodies.extend([json!({ "name": "other" }), json!({ "issuer": null })].map(|body| ("PATCH", body)));
    for (method, body) in refused_bodies {
        let path = if method == "POST" {
            all.clone()
        } else {
            format!("{all}/deploy")
        };
        let answer = caller.send(method, &path, &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{body}");
    }
    let numbered = |n: usize| json!({ "name": format!("n-{n}"), "issuer": "https://a.example", "subject": format!("{n}"), "audiences": ["a"] });
    for n in 1..20 {
        caller.made(&all, &numbered(n)).await;
    }
    let answer = caller.send("POST", &all, &numbered(20)).await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
}

#[tokio::test]
async fn who_may_give_an_application_a_credential() {
    let world = World::new().await;
    let all = format!("{}/federatedIdentityCredentials", application(&world).await);
    world.app(&["Application.ReadWrite.All"]).made(&all, &deploy()).await;
    let one = format!("{all}/deploy");
    let readers = [
        world.app(&["Application.Read.All"]),
        world.person("Application.ReadWrite.All"),
    ];
    for (method, path) in [("POST", &all), ("PATCH", &one), ("DELETE", &one)] {
        for reader in &readers {
            let answer = reader.send(method, path, &deploy()).await;
            assert_eq!(
                refusal(&answer),
                refused(403, "Authorization_RequestDenied"),
                "{method}"
            );
        }
    }
    assert_eq!(readers[0].get(&all).await.status, 200);
    assert_eq!(world.app(&["User.Read.All"]).get(&all).await.status, 403);
    // Nor is an application of another establishment seen.
    let id = uuid::Uuid::from_u128(98);
    let theirs = world.by(&json!({ "tid": world.other, "oid": id, "sub": id, "roles": ["Application.ReadWrite.All"] }));
    assert_eq!(theirs.get(&all).await.status, 404);
    assert_eq!(theirs.send("DELETE", &one, &Value::Null).await.status, 404);
}
