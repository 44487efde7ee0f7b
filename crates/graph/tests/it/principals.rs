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
        (
            "SecurityGroup,ApplicationGroup",
            json!("SecurityGroup,ApplicationGroup"),
        ),
        (
            "ApplicationGroup, DirectoryRole",
            json!("ApplicationGroup,DirectoryRole"),
        ),
    ] {
        admin
            .changed("PATCH", &one, &json!({ "groupMembershipClaims": given }))
            .await;
        assert_eq!(admin.json(&one).await["groupMembershipClaims"], kept);
    }
}

/// What no application has here, with the value that tools send when they say nothing.
fn unused_members() -> Value {
    json!({
        "isDeviceOnlyAuthSupported": false, "oauth2RequirePostResponse": false, "serviceManagementReference": "",
        "samlMetadataUrl": null, "defaultRedirectUri": null, "certification": null, "uniqueName": null, "addIns": [],
        "tokenEncryptionKeyId": null, "requestSignatureVerification": null, "applicationTemplateId": null,
        "servicePrincipalLockConfiguration": { "isEnabled": false, "allProperties": true },
        "parentalControlSettings": { "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow" },
    })
}

/// Values that such a member does not take, and what is told of them.
fn other_values() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "isDeviceOnlyAuthSupported",
            json!(true),
            "isDeviceOnlyAuthSupported: must be false or null",
        ),
        (
            "oauth2RequirePostResponse",
            json!(true),
            "oauth2RequirePostResponse: must be false or null",
        ),
        (
            "servicePrincipalLockConfiguration",
            json!({ "isEnabled": true }),
            "must be null or not enabled",
        ),
        (
            "parentalControlSettings",
            json!({ "legalAgeGroupRule": "BlockMinors" }),
            "accounts of minors",
        ),
        (
            "samlMetadataUrl",
            json!("https://sp.example/metadata"),
            "samlMetadataUrl: must be empty",
        ),
        (
            "groupMembershipClaims",
            json!("SecurityGroup,Everything"),
            "\"Everything\"",
        ),
        (
            "groupMembershipClaims",
            json!("SecurityGroup,"),
            "groupMembershipClaims",
        ),
        ("serviceManagementReference", json!("x".repeat(1025)), "not valid"),
    ]
}

#[tokio::test]
async fn what_tools_send_of_an_application_without_a_use_is_taken_empty() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let mut body = unused_members();
    body["displayName"] = "Agenda".into();
    let made = admin.made("/v1.0/applications", &body).await;
    assert_eq!(
        made["oauth2RequirePostResponse"], false,
        "as Graph has it where nobody said so"
    );
    let reference = &made["serviceManagementReference"];
    assert_eq!((reference, &made["samlMetadataUrl"]), (&Value::Null, &Value::Null));
    let one = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    for (given, kept) in [("CMDB-1042", json!("CMDB-1042")), ("", Value::Null)] {
        let change = json!({ "serviceManagementReference": given });
        admin.changed("PATCH", &one, &change).await;
        assert_eq!(admin.json(&one).await["serviceManagementReference"], kept);
    }
    for (member, value, reason) in other_values() {
        let change = json!({ member: value });
        let answer = admin.send("PATCH", &one, &change).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(
            answer.text().contains(&reason.replace('"', "\\\"")),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn groups_in_tokens_have_no_other_names() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    for (words, reason) in [
        (json!([]), None),
        (json!(["sam_account_name"]), Some("tokens tell groups by their ids")),
        (json!(["cloud_displayname"]), Some("tokens tell groups by their ids")),
        (json!(["emit_as_roles"]), Some("never as roles")),
        (json!(["other"]), Some("is not one of its values")),
    ] {
        let claim = json!({ "name": "groups", "additionalProperties": words });
        let body = json!({ "displayName": "Agenda", "optionalClaims": { "idToken": [claim] } });
        let answer = admin.send("POST", "/v1.0/applications", &body).await;
        assert_eq!(
            answer.status,
            if reason.is_none() { 201 } else { 400 },
            "{}",
            answer.text()
        );
        assert!(
            reason.is_none_or(|reason| answer.text().contains(reason)),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn what_tools_send_of_a_service_principal_without_a_use_is_taken_empty() {
    let world = World::new().await;
    let admin = world.app(&["Application.ReadWrite.All"]);
    let app = admin
        .made("/v1.0/applications", &json!({ "displayName": "Agenda" }))
        .await["appId"]
        .clone();
    let wrong = json!({ "appId": app, "samlSingleSignOnSettings": { "relayState": "x" } });
    let answer = admin.send("POST", PRINCIPALS, &wrong).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let body = json!({
        "appId": app, "samlSingleSignOnSettings": null, "alternativeNames": [], "tokenEncryptionKeyId": null,
        "preferredTokenSigningKeyThumbprint": null,
    });
    let made = admin.made(PRINCIPALS, &body).await;
    assert_eq!(made["samlSingleSignOnSettings"], Value::Null);
    assert_eq!(made["alternativeNames"], json!([]));
}
