//! Federated credentials of applications are made, found, changed and taken away.

use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

fn deploy() -> Value {
    json!({
        "name": "deploy", "issuer": "https://issuer.example/realm", "subject": "system:serviceaccount:ward:agenda",
        "audiences": ["api://AzureADTokenExchange"], "description": "La mise en production",
    })
}

/// The address of the credentials of an application that it makes.
async fn application(world: &World) -> String {
    let caller = world.app(&["Application.ReadWrite.All"]);
    let made = caller
        .made("/v1.0/applications", &json!({ "displayName": "Agenda" }))
        .await;
    format!(
        "/v1.0/applications/{}/federatedIdentityCredentials",
        made["id"].as_str().expect("an id")
    )
}

#[tokio::test]
async fn a_federated_credential_is_made_found_changed_and_taken_away() {
    let world = World::new().await;
    let all = application(&world).await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let made = caller.made(&all, &deploy()).await;
    for (member, value) in deploy().as_object().expect("an object") {
        assert_eq!(made[member], *value, "{member}");
    }
    let second = json!({ "name": "test", "issuer": "https://issuer.example", "subject": "test", "audiences": ["a"] });
    let second = caller.made(&all, &second).await;
    assert_eq!(second["description"], Value::Null);
    let found = caller.json(&all).await;
    let mut names = each(&found, "name");
    names.sort_unstable();
    assert_eq!(names, ["deploy", "test"]);
    let filtered = caller.json(&format!("{all}?$filter=name%20eq%20'test'")).await;
    assert_eq!(each(&filtered, "name"), ["test"]);
    for key in [made["id"].as_str().expect("an id"), "deploy"] {
        assert_eq!(
            caller.json(&format!("{all}/{key}")).await["subject"],
            deploy()["subject"]
        );
    }
    let one = format!("{all}/deploy");
    let change = json!({ "subject": "system:serviceaccount:ward:other", "description": null });
    caller.changed("PATCH", &one, &change).await;
    let seen = caller.json(&one).await;
    assert_eq!(
        (&seen["subject"], &seen["description"], &seen["issuer"]),
        (&change["subject"], &Value::Null, &deploy()["issuer"])
    );
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(caller.get(&one).await.status, 404);
    assert_eq!(each(&caller.json(&all).await, "name"), ["test"]);
    // Each addition and each change of whom it trusts is an alert; taking away is none.
    let logs = world.app(&["AuditLog.Read.All"]);
    let alerts = logs.json("/v1.0/auditLogs/alerts").await;
    let added = each(&alerts, "alertType")
        .into_iter()
        .filter(|kind| kind == "credentialAdded");
    assert_eq!(added.count(), 3 + 1, "and that of the world");
}

#[tokio::test]
async fn what_is_no_federated_credential_is_refused() {
    let world = World::new().await;
    let all = application(&world).await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    caller.made(&all, &deploy()).await;
    for (member, value) in [
        ("name", json!("a b c")),
        ("name", Value::Null),
        ("name", json!("deploy")),
        ("issuer", json!("http://issuer.example")),
        ("subject", json!("")),
        ("audiences", json!([])),
        ("audiences", json!(["a", "b"])),
        ("audiences", json!("a")),
        ("claimsMatchingExpression", json!({})),
        ("id", json!("00000000-0000-0000-0000-000000000001")),
    ] {
        let mut body = deploy();
        body["subject"] = "another".into();
        body["name"] = "another".into();
        body[member] = value;
        let answer = caller.send("POST", &all, &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{body}");
    }
    // The same issuer and subject twice.
    let mut twin = deploy();
    twin["name"] = "twin".into();
    let answer = caller.send("POST", &all, &twin).await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
    for body in [
        json!({ "name": "other" }),
        json!({ "issuer": null }),
        json!({ "audiences": [] }),
    ] {
        let answer = caller.send("PATCH", &format!("{all}/deploy"), &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{body}");
    }
    // Twenty at most.
    for n in 1..20 {
        let mut one = deploy();
        one["name"] = format!("deploy-{n}").into();
        one["subject"] = format!("{n}").into();
        caller.made(&all, &one).await;
    }
    let mut one = deploy();
    one["name"] = "deploy-20".into();
    one["subject"] = "20".into();
    let answer = caller.send("POST", &all, &one).await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
}

#[tokio::test]
async fn who_may_give_an_application_a_credential() {
    let world = World::new().await;
    let all = application(&world).await;
    let maker = world.app(&["Application.ReadWrite.All"]);
    maker.made(&all, &deploy()).await;
    let reader = world.app(&["Application.Read.All"]);
    assert_eq!(reader.get(&all).await.status, 200);
    for (method, path) in [
        ("POST", all.clone()),
        ("PATCH", format!("{all}/deploy")),
        ("DELETE", format!("{all}/deploy")),
    ] {
        for caller in [
            reader.send(method, &path, &deploy()).await,
            world
                .person("Application.ReadWrite.All")
                .send(method, &path, &deploy())
                .await,
        ] {
            assert_eq!(
                refusal(&caller),
                refused(403, "Authorization_RequestDenied"),
                "{method}"
            );
        }
    }
    let none = world.app(&["User.Read.All"]);
    assert_eq!(none.get(&all).await.status, 403);
    // Nor is an application of another establishment seen.
    let other = world.by(&json!({
        "tid": world.other, "oid": uuid::Uuid::from_u128(98), "sub": uuid::Uuid::from_u128(98),
        "roles": ["Application.ReadWrite.All"],
    }));
    assert_eq!(other.get(&all).await.status, 404);
    assert_eq!(
        other
            .send("DELETE", &format!("{all}/deploy"), &Value::Null)
            .await
            .status,
        404
    );
}
