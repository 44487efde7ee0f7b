//! Service principals are made with what the tenant says of them.

use serde_json::{Value, json};

use crate::world::{World, refusal, refused};

const PRINCIPALS: &str = "/v1.0/servicePrincipals";

#[tokio::test]
async fn a_service_principal_is_made_with_what_the_tenant_says_of_it() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let app = admin
        .made("/v1.0/applications", &json!({ "displayName": "Agenda" }))
        .await["appId"]
        .clone();
    let said = json!({
        "accountEnabled": false, "appRoleAssignmentRequired": true, "tags": ["HideApp"], "notes": "Ask the pharmacy",
        "description": "Agenda of the wards", "loginUrl": "https://agenda.example/", "preferredSingleSignOnMode": "oidc",
        "notificationEmailAddresses": ["si@ch-demo.example"],
    });
    let with = |more: Value| {
        let mut body = said.clone();
        body["appId"] = app.clone();
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        body
    };
    for (more, place) in [
        (json!({ "appRoles": [] }), "appRoles"),
        (json!({ "homepage": "https://agenda.example/" }), "homepage"),
        (json!({ "nope": 1 }), "nope"),
        (json!({ "loginUrl": "javascript:x" }), "loginUrl"),
        (json!({ "accountEnabled": "yes" }), "accountEnabled"),
        (json!({ "appId": null }), "appId"),
        (json!({ "keyCredentials": [{}] }), "keyCredentials[0].key"),
    ] {
        let answer = admin.send("POST", PRINCIPALS, &with(more)).await;
        assert_eq!(
            refusal(&answer),
            refused(400, "Request_BadRequest"),
            "{place}: {}",
            answer.text()
        );
        assert!(
            answer.text().to_lowercase().contains(&place.to_lowercase()),
            "{place}: {}",
            answer.text()
        );
    }
    let made = admin.made(PRINCIPALS, &with(json!({}))).await;
    let seen = admin
        .json(&format!("{PRINCIPALS}/{}", made["id"].as_str().expect("an id")))
        .await;
    for (name, value) in said.as_object().expect("an object") {
        assert_eq!((&made[name], &seen[name]), (value, value), "{name}");
    }
    let again = admin.send("POST", PRINCIPALS, &with(json!({}))).await;
    assert_eq!(again.status, 400, "{}", again.text());
}

#[tokio::test]
async fn groups_in_tokens_are_asked_for_and_left_out() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let made = admin
        .made(
            "/v1.0/applications",
            &json!({ "displayName": "Agenda", "groupMembershipClaims": "None" }),
        )
        .await;
    assert_eq!(
        made["groupMembershipClaims"],
        Value::Null,
        "none is how it is where nothing is asked for"
    );
    let one = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    for (given, kept) in [
        ("All", json!("All")),
        ("None", Value::Null),
        ("DirectoryRole", json!("DirectoryRole")),
    ] {
        admin
            .changed("PATCH", &one, &json!({ "groupMembershipClaims": given }))
            .await;
        assert_eq!(admin.json(&one).await["groupMembershipClaims"], kept);
    }
}
