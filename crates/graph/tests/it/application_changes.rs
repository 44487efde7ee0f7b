//! Applications and service principals are made, changed, deleted; roles and permissions are given and taken.

use hygie_directory::{DIRECTORY_API, role};
use serde_json::{Value, json};

use crate::world::{BASE, World, each, refusal, refused};

const APPLICATIONS: &str = "/v1.0/applications";
const GRANTS: &str = "/v1.0/oauth2PermissionGrants";
const READ: &str = "11111111-1111-4111-8111-111111111111";
const USE: &str = "22222222-2222-4222-8222-222222222222";

fn agenda() -> Value {
    json!({
        "displayName": "Agenda",
        "description": "Rendez-vous",
        "notes": null,
        "tags": ["clinique"],
        "identifierUris": ["api://agenda"],
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": false,
        "isPasswordGrantEnabled": true, "isBackchannelAuthenticationEnabled": true,
        "groupMembershipClaims": "SecurityGroup",
        "optionalClaims": {
            "idToken": [{ "name": "auth_time", "source": null, "essential": true, "additionalProperties": [] }],
            "accessToken": [{ "name": "idtyp", "source": null, "additionalProperties": ["include_user_token"] }],
        },
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [{
                "id": USE, "value": "Agenda.Use", "type": "Admin", "isEnabled": true,
                "adminConsentDisplayName": "Use the agenda", "adminConsentDescription": "Reads and writes",
                "userConsentDisplayName": null, "userConsentDescription": null,
            }],
        },
        "appRoles": [{
            "id": READ, "value": "Agenda.Read", "displayName": "Read", "description": "Reads", "isEnabled": true,
            "allowedMemberTypes": ["User"],
        }],
        "web": {
            "homePageUrl": "https://agenda.example/", "redirectUris": ["https://agenda.example/back"],
            "implicitGrantSettings": { "enableIdTokenIssuance": true },
        },
        "spa": { "redirectUris": [] },
        "publicClient": { "redirectUris": ["http://localhost"] },
        "requiredResourceAccess": [{
            "resourceAppId": DIRECTORY_API.to_string(),
            "resourceAccess": [{ "id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope" }],
        }],
        "info": { "termsOfServiceUrl": "https://agenda.example/cgu" },
    })
}

/// The application and its service principal, by their object ids.
async fn settled(world: &World) -> (Value, Value) {
    let caller = world.app(&["Application.ReadWrite.All"]);
    let application = caller.made(APPLICATIONS, &agenda()).await;
    let principal = caller
        .made("/v1.0/servicePrincipals", &json!({ "appId": application["appId"] }))
        .await;
    (application, principal)
}

#[tokio::test]
async fn an_application_is_made_and_changed() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let (made, principal) = settled(&world).await;
    for (member, value) in agenda().as_object().expect("an object") {
        let seen = &made[member];
        let is_there = match (value, seen) {
            (Value::Object(inner), Value::Object(_)) => inner
                .iter()
                .all(|(name, value)| value.is_null() || seen[name] == *value || value.is_array() || value.is_object()),
            _ => seen == value || value.is_array(),
        };
        assert!(is_there, "{member}: {value} {seen}");
    }
    assert_eq!(made["api"]["oauth2PermissionScopes"][0]["type"], "Admin");
    assert_eq!(made["appRoles"][0]["allowedMemberTypes"], json!(["User"]));
    assert_eq!(made["requiredResourceAccess"], agenda()["requiredResourceAccess"]);
    let one = format!("{APPLICATIONS}/{}", made["id"].as_str().unwrap());
    let change = json!({
        "displayName": "Agenda du CH", "identifierUris": ["api://rendez-vous"], "web": { "logoutUrl": "https://agenda.example/out" },
    });
    caller.changed("PATCH", &one, &change).await;
    let seen = caller.json(&one).await;
    assert_eq!(
        (
            &seen["web"]["logoutUrl"],
            &seen["web"]["homePageUrl"],
            &seen["description"]
        ),
        (
            &json!("https://agenda.example/out"),
            &json!("https://agenda.example/"),
            &json!("Rendez-vous")
        )
    );
    let present = format!("/v1.0/servicePrincipals/{}", principal["id"].as_str().unwrap());
    let seen = caller.json(&present).await;
    assert_eq!(seen["displayName"], "Agenda du CH");
    assert!(
        seen["servicePrincipalNames"].to_string().contains("api://rendez-vous"),
        "{seen}"
    );
    let taken = caller
        .send("PATCH", &one, &json!({ "identifierUris": ["api://portal"] }))
        .await;
    assert_eq!(refusal(&taken), refused(400, "Request_BadRequest"));
    caller
        .changed(
            "PATCH",
            &present,
            &json!({ "accountEnabled": false, "appRoleAssignmentRequired": true }),
        )
        .await;
    let seen = caller.json(&present).await;
    assert_eq!(
        (&seen["accountEnabled"], &seen["appRoleAssignmentRequired"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn an_application_is_deleted_and_restored() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let (made, principal) = settled(&world).await;
    let one = format!("{APPLICATIONS}/{}", made["id"].as_str().unwrap());
    let present = format!("/v1.0/servicePrincipals/{}", principal["id"].as_str().unwrap());
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(
        [caller.get(&one).await.status, caller.get(&present).await.status],
        [404, 404]
    );
    let items = "/v1.0/directory/deletedItems";
    for (kind, id) in [("application", &made["id"]), ("servicePrincipal", &principal["id"])] {
        let id = id.as_str().unwrap();
        let deleted = caller.json(&format!("{items}/microsoft.graph.{kind}")).await;
        assert_eq!(each(&deleted, "id"), [id]);
        assert_eq!(
            caller
                .send("POST", &format!("{items}/{id}/restore"), &Value::Null)
                .await
                .status,
            200
        );
    }
    assert_eq!(caller.json(&one).await["displayName"], "Agenda");
    assert_eq!(caller.json(&present).await["accountEnabled"], true);
}

/// Members that no application can have, and what is told of them.
fn wrong_members() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("appId", json!("x"), "appId: cannot be changed"),
        ("colour", json!("x"), "colour: there is no such member"),
        ("signInAudience", json!("PersonalMicrosoftAccount"), "signInAudience"),
        ("groupMembershipClaims", json!("Everything"), "groupMembershipClaims"),
        ("groupMembershipClaims", json!("none"), "groupMembershipClaims"),
        ("passwordCredentials", json!([{}]), "passwordCredentials"),
        ("keyCredentials", json!([{ "key": "x" }]), "keyCredentials[0].key"),
        (
            "web",
            json!({ "redirectUri": [] }),
            "web.redirectUri: there is no such member",
        ),
        (
            "web",
            json!({ "redirectUris": ["http://x.example/"] }),
            "redirect URI is https",
        ),
        (
            "api",
            json!({ "requestedAccessTokenVersion": 3 }),
            "api.requestedAccessTokenVersion",
        ),
        (
            "api",
            json!({ "preAuthorizedApplications": [{}] }),
            "api.preAuthorizedApplications[0].appId",
        ),
        (
            "api",
            json!({ "preAuthorizedApplications": [{ "appId": READ, "delegatedPermissionIds": [READ] }] }),
            "PreAuthorizedApplications is not valid",
        ),
        (
            "api",
            json!({ "oauth2PermissionScopes": [{ "value": "x" }] }),
            "api.oauth2PermissionScopes[0].id",
        ),
        (
            "appRoles",
            json!([{ "id": READ, "allowedMemberTypes": ["Robot"] }]),
            "appRoles[0].allowedMemberTypes",
        ),
        (
            "appRoles",
            json!([agenda()["appRoles"][0], agenda()["appRoles"][0]]),
            "AppRoles is not valid",
        ),
        (
            "requiredResourceAccess",
            json!([{ "resourceAppId": "x" }]),
            "requiredResourceAccess[0].resourceAppId",
        ),
        (
            "info",
            json!({ "supportUrl": "javascript:x" }),
            "SupportUrl is not valid",
        ),
        ("displayName", json!(""), "DisplayName is not valid"),
    ]
}

#[tokio::test]
async fn what_is_no_application_is_refused_with_its_place() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    for (name, value, place) in wrong_members() {
        let mut body = agenda();
        body[name] = value;
        let answer = caller.send("POST", APPLICATIONS, &body).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{name}");
        assert!(answer.text().contains(place), "{place}: {}", answer.text());
    }
}

#[tokio::test]
async fn secrets_are_shown_once_and_taken_away() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let (made, _) = settled(&world).await;
    let one = format!("{APPLICATIONS}/{}", made["id"].as_str().unwrap());
    let answer = caller
        .send(
            "POST",
            &format!("{one}/addPassword"),
            &json!({ "passwordCredential": { "displayName": "essai" } }),
        )
        .await;
    let secret = answer.json();
    assert_eq!(answer.status, 200, "{secret}");
    assert!(secret["secretText"].as_str().is_some_and(|text| text.len() > 40));
    let seen = caller.json(&one).await["passwordCredentials"].clone();
    assert_eq!(
        (&seen[0]["keyId"], &seen[0]["displayName"], &seen[0]["secretText"]),
        (&secret["keyId"], &json!("essai"), &json!(null))
    );
    for (body, place) in [
        (
            json!({ "passwordCredential": { "endDateTime": "2001-01-01T00:00:00Z" } }),
            "endDateTime",
        ),
        (json!({ "passwordCredential": { "secretText": "x" } }), "secretText"),
    ] {
        let answer = caller.send("POST", &format!("{one}/addPassword"), &body).await;
        assert!(
            answer.status == 400 && answer.text().contains(place),
            "{}",
            answer.text()
        );
    }
    let key = json!({ "keyId": secret["keyId"] });
    caller.changed("POST", &format!("{one}/removePassword"), &key).await;
    let gone = caller.send("POST", &format!("{one}/removePassword"), &key).await;
    assert_eq!(refusal(&gone), refused(404, "Request_ResourceNotFound"));
}

#[tokio::test]
async fn roles_of_applications_are_given_and_taken() {
    let world = World::new().await;
    let caller = world.app(&["AppRoleAssignment.ReadWrite.All"]);
    let (_, principal) = settled(&world).await;
    let resource = principal["id"].as_str().unwrap();
    let body = |who: &str, role: &str| json!({ "principalId": who, "resourceId": resource, "appRoleId": role });
    let nurse = world.nurse.to_string();
    let user = format!("/v1.0/users/{nurse}/appRoleAssignments");
    let made = caller.made(&user, &body(&nurse, READ)).await;
    assert_eq!(
        (
            &made["principalType"],
            &made["principalDisplayName"],
            &made["resourceDisplayName"]
        ),
        (&json!("User"), &json!("Anna Martin"), &json!("Agenda"))
    );
    let again = caller.send("POST", &user, &body(&nurse, READ)).await;
    assert_eq!(refusal(&again), refused(400, "Request_BadRequest"));
    let to = format!("/v1.0/servicePrincipals/{resource}/appRoleAssignedTo");
    let none = "00000000-0000-0000-0000-000000000000";
    let nurses = world.nurses.to_string();
    caller.made(&to, &body(&nurses, none)).await;
    assert_eq!(each(&caller.json(&to).await, "principalType").len(), 2);
    let group = caller.json(&format!("/v1.0/groups/{nurses}/appRoleAssignments")).await;
    assert_eq!(each(&group, "appRoleId"), [none]);
    let portal = world.portal.1.id.to_string();
    for (path, body, status) in [
        // A program cannot have a role of people.
        (&to, body(&portal, READ), 400),
        (&to, body(&nurse, "33333333-3333-4333-8333-333333333333"), 404),
        (&to, body("00000000-0000-0000-0000-000000000009", none), 404),
        (&user, body(&portal, none), 400),
        (&user, json!({ "principalId": nurse }), 400),
    ] {
        let answer = caller.send("POST", path, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let id = made["id"].as_str().unwrap();
    let elsewhere = caller
        .send(
            "DELETE",
            &format!("/v1.0/users/{portal}/appRoleAssignments/{id}"),
            &Value::Null,
        )
        .await;
    assert_eq!(elsewhere.status, 404);
    caller.changed("DELETE", &format!("{to}/{id}"), &Value::Null).await;
    assert_eq!(each(&caller.json(&user).await, "id"), [""; 0]);
}

#[tokio::test]
async fn permissions_on_the_directory_are_given_by_few() {
    let world = World::new().await;
    let directory = &world.directory;
    let api = directory
        .find_service_principal(&world.cx, DIRECTORY_API)
        .await
        .unwrap()
        .unwrap()
        .id;
    let portal = world.portal.1.id;
    let path = format!("/v1.0/servicePrincipals/{portal}/appRoleAssignments");
    // RoleManagement.ReadWrite.Directory
    let body = json!({
        "principalId": portal, "resourceId": api, "appRoleId": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    });
    let caller = world.person("AppRoleAssignment.ReadWrite.All");
    let tried = async || caller.send("POST", &path, &body).await.status.as_u16();
    assert_eq!(tried().await, 403);
    let give = async |role| {
        directory
            .assign_directory_role(&world.cx, world.nurse, role)
            .await
            .unwrap()
    };
    give(role::APPLICATION_ADMINISTRATOR).await;
    assert_eq!(tried().await, 403);
    give(role::PRIVILEGED_ROLE_ADMINISTRATOR).await;
    assert_eq!(tried().await, 201);
    let kept = world.app(&["Application.ReadWrite.All"]);
    let answer = kept
        .send("DELETE", &format!("/v1.0/servicePrincipals/{api}"), &Value::Null)
        .await;
    assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
}

#[tokio::test]
async fn delegated_permissions_are_granted_and_taken() {
    let world = World::new().await;
    let caller = world.app(&["DelegatedPermissionGrant.ReadWrite.All"]);
    let (_, principal) = settled(&world).await;
    let portal = world.portal.1.id.to_string();
    let body = json!({
        "clientId": portal, "consentType": "AllPrincipals", "principalId": null,
        "resourceId": principal["id"], "scope": "Agenda.Use openid",
    });
    let made = caller.made(GRANTS, &body).await;
    assert_eq!(
        (&made["scope"], &made["principalId"]),
        (&json!("Agenda.Use openid"), &json!(null))
    );
    assert_eq!(caller.send("POST", GRANTS, &body).await.status, 400);
    let mut own = body.clone();
    own["consentType"] = json!("Principal");
    assert!(
        caller
            .send("POST", GRANTS, &own)
            .await
            .text()
            .contains("principalId: is required")
    );
    own["principalId"] = json!(world.nurse);
    caller.made(GRANTS, &own).await;
    for (filter, expected) in [
        (format!("clientId%20eq%20'{portal}'"), 2),
        (format!("principalId%20eq%20'{}'", world.nurse), 1),
        (
            format!("clientId%20eq%20'{portal}'%20and%20consentType%20eq%20'AllPrincipals'"),
            1,
        ),
        ("clientId%20eq%20'00000000-0000-0000-0000-000000000009'".to_owned(), 0),
    ] {
        let found = caller.json(&format!("{GRANTS}?$filter={filter}")).await;
        assert_eq!(each(&found, "id").len(), expected, "{filter}");
    }
    let mut unknown = body.clone();
    unknown["scope"] = json!("Agenda.Burn");
    assert!(
        caller
            .send("POST", GRANTS, &unknown)
            .await
            .text()
            .contains("Scope is not valid")
    );
    let one = format!("{GRANTS}/{}", made["id"].as_str().unwrap());
    caller.changed("PATCH", &one, &json!({ "scope": "openid" })).await;
    assert_eq!(caller.json(&one).await["scope"], "openid");
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(
        refusal(&caller.get(&one).await),
        refused(404, "Request_ResourceNotFound")
    );
    let person = world.person("DelegatedPermissionGrant.ReadWrite.All");
    assert_eq!(person.send("POST", GRANTS, &body).await.status, 403);
}

#[tokio::test]
async fn an_owner_changes_their_application() {
    let world = World::new().await;
    let (made, _) = settled(&world).await;
    let one = format!("{APPLICATIONS}/{}", made["id"].as_str().unwrap());
    let caller = world.person("Application.ReadWrite.All");
    let change = json!({ "notes": "x" });
    assert_eq!(caller.send("PATCH", &one, &change).await.status, 403);
    let reference = json!({ "@odata.id": format!("{BASE}/v1.0/directoryObjects/{}", world.nurse) });
    let program = world.app(&["Application.ReadWrite.All"]);
    program.changed("POST", &format!("{one}/owners/$ref"), &reference).await;
    assert_eq!(
        each(&program.json(&format!("{one}/owners")).await, "id"),
        [world.nurse.to_string()]
    );
    caller.changed("PATCH", &one, &change).await;
    // What is not theirs to give: people's passwords, and asking for people.
    for name in ["isPasswordGrantEnabled", "isBackchannelAuthenticationEnabled"] {
        let less = json!({ name: false });
        assert_eq!(caller.send("PATCH", &one, &less).await.status, 403, "{name}");
        caller.changed("PATCH", &one, &json!({ name: true })).await;
        program.changed("PATCH", &one, &less).await;
        assert_eq!(caller.send("PATCH", &one, &json!({ name: true })).await.status, 403);
    }
    program
        .changed("DELETE", &format!("{one}/owners/{}/$ref", world.nurse), &Value::Null)
        .await;
    assert_eq!(caller.send("PATCH", &one, &change).await.status, 403);
}

#[tokio::test]
async fn a_resource_says_which_clients_need_no_consent() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let path = format!("/v1.0/applications(appId='{}')", world.portal.0);
    let offered = caller.json(&path).await["api"]["oauth2PermissionScopes"][0]["id"].clone();
    let trusted = json!([{ "appId": READ, "delegatedPermissionIds": [offered] }]);
    let api = json!({ "api": { "preAuthorizedApplications": trusted } });
    caller.changed("PATCH", &path, &api).await;
    assert_eq!(caller.json(&path).await["api"]["preAuthorizedApplications"], trusted);
    // A change of the rest leaves them.
    let version = json!({ "api": { "requestedAccessTokenVersion": 2 } });
    caller.changed("PATCH", &path, &version).await;
    assert_eq!(caller.json(&path).await["api"]["preAuthorizedApplications"], trusted);
    let nobody = json!({ "api": { "preAuthorizedApplications": [] } });
    caller.changed("PATCH", &path, &nobody).await;
    assert_eq!(caller.json(&path).await["api"]["preAuthorizedApplications"], json!([]));
}
