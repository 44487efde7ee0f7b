//! Settings of consent, verified publishers, and invitations.

use hygie_core::ObjectId;
use hygie_directory::repo::Publisher;
use hygie_directory::{DIRECTORY_API, GLOBAL_ADMINISTRATOR, role};
use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused, user};

const POLICY: &str = "/v1.0/policies/authorizationPolicy";
const GRANTS: &str = "/v1.0/policies/permissionGrantPolicies";
const INVITATIONS: &str = "/v1.0/invitations";

#[tokio::test]
async fn the_authorization_policy_is_shown_and_changed() {
    let world = World::new().await;
    let reader = world.app(&["Policy.Read.All"]);
    let seen = reader.json(POLICY).await;
    assert_eq!(seen["id"], "authorizationPolicy");
    assert_eq!(seen["allowInvitesFrom"], "adminsAndGuestInviters");
    let assigned = &seen["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"];
    assert_eq!(
        *assigned,
        json!(["ManagePermissionGrantsForSelf.microsoft-user-default-low"])
    );
    let change = json!({ "allowInvitesFrom": "everyone", "defaultUserRolePermissions": {
        "permissionGrantPoliciesAssigned": ["managePermissionGrantsForSelf.microsoft-user-default-legacy"] } });
    let denied = reader.send("PATCH", POLICY, &change).await;
    assert_eq!(refusal(&denied), refused(403, "Authorization_RequestDenied"));
    let writer = world.app(&["Policy.ReadWrite.Authorization"]);
    writer.changed("PATCH", POLICY, &change).await;
    let seen = writer.json(POLICY).await;
    assert_eq!(seen["allowInvitesFrom"], "everyone");
    let assigned = &seen["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"];
    assert_eq!(
        *assigned,
        json!(["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"])
    );
    for wrong in [
        json!({ "allowInvitesFrom": "all" }),
        json!({ "allowedToUseSSPR": true }),
        json!({ "inviteFrom": "none" }),
        json!({ "defaultUserRolePermissions": { "allowedToCreateApps": true } }),
    ] {
        let refused = writer.send("PATCH", POLICY, &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
    }
    // A person needs a role as well.
    let nurse = world.person("Policy.ReadWrite.Authorization");
    let denied = nurse.send("PATCH", POLICY, &change).await;
    assert_eq!(refusal(&denied), refused(403, "Authorization_RequestDenied"));
    let other =
        world.by(&json!({ "oid": world.nurse, "sub": world.nurse, "roles": ["Policy.Read.All"], "tid": world.other }));
    assert_eq!(other.json(POLICY).await["allowInvitesFrom"], "adminsAndGuestInviters");
}

#[tokio::test]
async fn the_first_permission_grant_policies_are_there() {
    let world = World::new().await;
    let reader = world.app(&["Policy.Read.All"]);
    let all = reader.json(GRANTS).await;
    assert_eq!(
        each(&all, "id"),
        ["microsoft-user-default-low", "microsoft-user-default-legacy"]
    );
    let low = reader.json(&format!("{GRANTS}/microsoft-user-default-low")).await;
    assert_eq!(low["includes"][0]["clientApplicationsFromVerifiedPublisherOnly"], true);
    let tenant = json!([world.tenant.to_string()]);
    assert_eq!(low["includes"][1]["clientApplicationTenantIds"], tenant);
    let missing = reader.get(&format!("{GRANTS}/mine")).await;
    assert_eq!(missing.status, 404);
    assert_eq!(world.app(&["User.Read.All"]).get(GRANTS).await.status, 403);
}

#[tokio::test]
async fn permissions_are_classified() {
    let world = World::new().await;
    let writer = world.app(&["Policy.ReadWrite.PermissionGrant"]);
    let id = world.portal.1.id;
    let all = format!("/v1.0/servicePrincipals/{id}/delegatedPermissionClassifications");
    let made = writer
        .made(&all, &json!({ "permissionName": "use", "classification": "low" }))
        .await;
    assert_eq!(made["permissionName"], "use");
    assert_eq!(each(&writer.json(&all).await, "permissionName"), ["use"]);
    for (wrong, status) in [
        (json!({ "permissionName": "use", "classification": "low" }), 400),
        (json!({ "permissionName": "other", "classification": "low" }), 404),
        (json!({ "permissionName": "use", "classification": "high" }), 400),
        (json!({ "classification": "low" }), 404),
        (json!({ "permissionName": "use" }), 400),
    ] {
        let refused = writer.send("POST", &all, &wrong).await;
        assert!(
            [status, 409].contains(&refused.status.as_u16()),
            "{wrong}: {} {}",
            refused.status,
            refused.text()
        );
    }
    let reader = world.app(&["Policy.Read.All"]);
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    assert_eq!(reader.send("DELETE", &one, &Value::Null).await.status, 403);
    writer.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(each(&writer.json(&all).await, "id").len(), 0);
}

#[tokio::test]
async fn a_publisher_is_shown_where_the_operator_vouches_for_it() {
    let world = World::new().await;
    let writer = world.app(&["Application.ReadWrite.All"]);
    let definition = json!({ "displayName": "Agenda", "signInAudience": "AzureADMultipleOrgs",
        "requiredResourceAccess": [{ "resourceAppId": DIRECTORY_API.to_string(),
            "resourceAccess": [{ "id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role" }] }],
        "info": { "supportUrl": "https://agenda.example/aide" } });
    let made = writer.made("/v1.0/applications", &definition).await;
    assert_eq!(made["publisherDomain"], "ch-demo.example");
    assert_eq!(made["requiredResourceAccess"], definition["requiredResourceAccess"]);
    assert_eq!(made["verifiedPublisher"]["displayName"], Value::Null);
    let one = format!("/v1.0/applications/{}", made["id"].as_str().unwrap());
    let set = json!({ "verifiedPublisherId": "pub-1" });
    let early = writer.send("POST", &format!("{one}/setVerifiedPublisher"), &set).await;
    assert_eq!(early.status, 404, "{}", early.text());
    let own = writer
        .send("PATCH", &one, &json!({ "verifiedPublisher": { "displayName": "Me" } }))
        .await;
    assert_eq!(own.status, 400, "{}", own.text());
    let publisher = Publisher {
        id: "pub-1".to_owned(),
        display_name: "Éditions Agenda".to_owned(),
    };
    world.directory.vouch_for_publisher(&world.cx, publisher).await.unwrap();
    writer
        .changed("POST", &format!("{one}/setVerifiedPublisher"), &set)
        .await;
    let seen = writer.json(&one).await;
    assert_eq!(seen["verifiedPublisher"]["displayName"], "Éditions Agenda");
    let principal = writer
        .made("/v1.0/servicePrincipals", &json!({ "appId": made["appId"] }))
        .await;
    assert_eq!(principal["verifiedPublisher"]["verifiedPublisherId"], "pub-1");
    assert_eq!(principal["info"]["supportUrl"], "https://agenda.example/aide");
    writer
        .changed("POST", &format!("{one}/unsetVerifiedPublisher"), &Value::Null)
        .await;
    assert_eq!(writer.json(&one).await["verifiedPublisher"]["displayName"], Value::Null);
    let nurse = world.person("Application.ReadWrite.All");
    let denied = nurse.send("POST", &format!("{one}/setVerifiedPublisher"), &set).await;
    assert_eq!(denied.status, 403);
}

fn invitation(address: &str) -> Value {
    json!({ "invitedUserEmailAddress": address, "inviteRedirectUrl": "https://portal.example/" })
}

#[tokio::test]
async fn somebody_is_invited() {
    let world = World::new().await;
    let inviter = world.app(&["User.Invite.All"]);
    let mut body = invitation("paul@ch-autre.example");
    body["invitedUserDisplayName"] = "Paul Durand".into();
    let made = inviter.made(INVITATIONS, &body).await;
    assert_eq!(made["status"], "PendingAcceptance");
    let address = made["inviteRedeemUrl"].as_str().unwrap();
    let begin = format!("https://login.example:8441/{}/redeem?ticket=", world.tenant);
    assert!(address.starts_with(&begin), "{address}");
    let reader = world.app(&["User.Read.All"]);
    let guest = format!("/v1.0/users/{}", made["invitedUser"]["id"].as_str().unwrap());
    let shown = "$select=userPrincipalName,userType,creationType,externalUserState,identities,displayName";
    let seen = reader.json(&format!("{guest}?{shown}")).await;
    assert_eq!(seen["userPrincipalName"], "paul_ch-autre.example#EXT#@ch-demo.example");
    assert_eq!(
        (&seen["userType"], &seen["creationType"], &seen["externalUserState"]),
        (&json!("Guest"), &json!("Invitation"), &json!("PendingAcceptance"))
    );
    assert_eq!(seen["identities"][0]["issuer"], "ExternalAzureAD");
    let writer = world.app(&["User.ReadWrite.All"]);
    let own = writer
        .send("PATCH", &guest, &json!({ "externalUserState": "Accepted" }))
        .await;
    assert_eq!(own.status, 400, "{}", own.text());
    let hidden = writer.send("PATCH", &guest, &json!({ "home": null })).await;
    assert_eq!(hidden.status, 400, "{}", hidden.text());
    for wrong in [
        invitation("paul@nowhere.example"),
        invitation("anna.martin@ch-demo.example"),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example" }),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example", "inviteRedirectUrl": "javascript:x" }),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example", "inviteRedirectUrl": "https://a.example",
            "sendInvitationMessage": true }),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example", "inviteRedirectUrl": "https://a.example",
            "invitedUserMessageInfo": { "customizedMessageBody": "Hello" } }),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example", "inviteRedirectUrl": "https://a.example",
            "invitedUserType": "Visitor" }),
        json!({ "invitedUserEmailAddress": "a@ch-autre.example", "inviteRedirectUrl": "https://a.example", "x": 1 }),
    ] {
        let refused = inviter.send("POST", INVITATIONS, &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
    }
    // To make a member, or somebody accept again, takes more than to invite.
    for more in [
        json!({ "invitedUserType": "Member" }),
        json!({ "resetRedemption": true }),
    ] {
        let mut body = invitation("paul@ch-autre.example");
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(inviter.send("POST", INVITATIONS, &body).await.status, 403, "{more}");
        writer.made(INVITATIONS, &body).await;
    }
}

#[tokio::test]
async fn who_is_invited_gets_a_message_where_mail_is_sent() {
    let world = World::new().await;
    let inviter = world.app(&["User.Invite.All"]);
    let mut body = invitation("paul@ch-autre.example");
    body["sendInvitationMessage"] = true.into();
    let refused = inviter.send("POST", INVITATIONS, &body).await;
    assert_eq!(refused.status, 400);
    let told = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(told.contains("no mail server is configured"), "{told}");
    let awaited: Result<(), hygie_store::StoreError> = world
        .directory
        .store()
        .write(&world.cx, (), |(), tx| {
            Box::pin(async move {
                hygie_store::outbox::Consumers(tx)
                    .add("mail", hygie_directory::LETTERS)
                    .await
            })
        })
        .await;
    awaited.unwrap();
    let copies = json!([{ "emailAddress": { "name": "Luc", "address": "luc@ch-demo.example" } }]);
    body["invitedUserMessageInfo"] =
        json!({ "customizedMessageBody": "Hello", "messageLanguage": "en-US", "ccRecipients": copies });
    let made = inviter.made(INVITATIONS, &body).await;
    assert_eq!(made["sendInvitationMessage"], true);
    let told = &made["invitedUserMessageInfo"];
    assert_eq!(
        (&told["customizedMessageBody"], &told["messageLanguage"]),
        (&json!("Hello"), &json!("en-US"))
    );
    assert_eq!(
        told["ccRecipients"][0]["emailAddress"]["address"],
        "luc@ch-demo.example"
    );
    for (member, wrong) in [
        (
            "ccRecipients",
            json!([{ "emailAddress": { "address": "x@elsewhere.example" } }]),
        ),
        ("ccRecipients", json!([{ "address": "luc@ch-demo.example" }])),
        ("messageLanguage", json!("en US")),
        ("attachments", json!([])),
    ] {
        let mut body = body.clone();
        body["invitedUserMessageInfo"][member] = wrong.clone();
        let refused = inviter.send("POST", INVITATIONS, &body).await;
        assert_eq!(refused.status, 400, "{member} {wrong}: {}", refused.text());
    }
}

#[tokio::test]
async fn who_may_invite_follows_the_policy() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let helper = user(directory, cx, ("Luc", "Petit", "ch-demo.example")).await;
    directory
        .assign_directory_role(cx, helper, role::GUEST_INVITER)
        .await
        .unwrap();
    let body = invitation("guest@ch-autre.example");
    let made = world.app(&["User.Invite.All"]).made(INVITATIONS, &body).await;
    let guest: ObjectId = made["invitedUser"]["id"].as_str().unwrap().parse().unwrap();
    let by = |id: ObjectId| world.by(&json!({ "oid": id, "sub": "x", "scp": "User.Invite.All" }));
    let writer = world.app(&["Policy.ReadWrite.Authorization"]);
    for (from, expected) in [
        ("adminsAndGuestInviters", [false, true, false]),
        ("none", [false, false, false]),
        ("adminsGuestInvitersAndAllMembers", [true, true, false]),
        ("everyone", [true, true, true]),
    ] {
        writer
            .changed("PATCH", POLICY, &json!({ "allowInvitesFrom": from }))
            .await;
        for (who, may) in [world.nurse, helper, guest].into_iter().zip(expected) {
            let answer = by(who).send("POST", INVITATIONS, &body).await;
            let status = if may { 201 } else { 403 };
            assert_eq!(answer.status.as_u16(), status, "{from} {who}: {}", answer.text());
        }
        let app = world.app(&["User.Invite.All"]).send("POST", INVITATIONS, &body).await;
        assert_eq!(app.status == 201, from != "none", "{from}");
    }
    let without = world.person("User.Read.All").send("POST", INVITATIONS, &body).await;
    assert_eq!(without.status, 403);
}

#[tokio::test]
async fn a_guest_sees_nobody_else() {
    let world = World::new().await;
    let body = invitation("guest@ch-autre.example");
    let made = world.app(&["User.Invite.All"]).made(INVITATIONS, &body).await;
    let guest: ObjectId = made["invitedUser"]["id"].as_str().unwrap().parse().unwrap();
    let scopes = "User.Read User.Read.All Group.Read.All Directory.Read.All Application.Read.All";
    let by = world.by(&json!({ "oid": guest, "sub": "x", "scp": scopes }));
    assert_eq!(by.json("/v1.0/me").await["id"], guest.to_string());
    for path in ["users", "groups", "applications", "organization", "servicePrincipals"] {
        assert_eq!(by.get(&format!("/v1.0/{path}")).await.status, 403, "{path}");
    }
    let inner = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users" }] });
    let batch = by.send("POST", "/v1.0/$batch", &inner).await;
    assert_eq!(batch.json()["responses"][0]["status"], 403, "{}", batch.text());
    // Unless they have a role.
    let directory = &world.directory;
    directory
        .assign_directory_role(&world.cx, guest, GLOBAL_ADMINISTRATOR)
        .await
        .unwrap();
    assert_eq!(by.get("/v1.0/users").await.status, 200);
}
