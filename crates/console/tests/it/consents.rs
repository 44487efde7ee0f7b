//! What people ask administrators to consent to.

use serde_json::{Value, json};

use crate::sheets::{ID, sent, with_token};
use crate::world::World;

const DIRECTORY_API: &str = "00000003-0000-0000-c000-000000000000";
const REQUESTS: &str = "/identityGovernance/appConsent/appConsentRequests";
const OTHER: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0010";

/// One application that two people ask for, and one who was answered.
async fn asked(scopes: &[&str]) -> (World, String) {
    let (world, token) = with_token("/admin/users/new").await;
    let pending = scopes.iter().map(|scope| {
        let (resource, scope) = scope.split_once('/').unwrap_or((DIRECTORY_API, scope));
        json!({ "displayName": scope, "resourceAppId": resource, "resourceDisplayName": "Dossier" })
    });
    let pending: Vec<Value> = pending.collect();
    let app = json!({
        "id": ID, "appId": ID, "appDisplayName": "Planning", "pendingScopes": pending,
        "appOwnerOrganizationId": OTHER, "verifiedPublisher": { "displayName": "Logiciels SA" },
    });
    let request = |id: &str, name: &str, status: &str, reason: &str| {
        json!({ "id": id, "createdDateTime": "2026-11-01T08:00:00Z", "status": status, "reason": reason,
            "createdBy": { "user": { "id": id, "displayName": name } } })
    };
    let requests = [
        request("old", "Paul Petit", "Completed", "Pour voir"),
        request("r1", "Anna Martin", "InProgress", "Pour le <planning>"),
        request("r2", "Zoé Roux", "InProgress", "Moi aussi"),
    ];
    let all = json!({ "value": [app] });
    world.script.answer(&format!("GET /v1.0{REQUESTS}"), 200, all);
    world.script.answer(&format!("GET /v1.0{REQUESTS}/{ID}"), 200, app);
    let path = format!("GET /v1.0{REQUESTS}/{ID}/userConsentRequests");
    world.script.answer(&path, 200, json!({ "value": requests }));
    let stage = json!({ "id": "old", "reviewResult": "Deny", "justification": "Pas encore" });
    let answers = json!({ "responses": [{ "id": "0", "status": 200, "body": stage }] });
    world.script.answer("POST /v1.0/$batch", 200, answers);
    (world, token)
}

fn answer<'a>(token: &'a str, asked: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fields = [
        ("csrf", token),
        ("asked", asked),
        ("request", "r1"),
        ("request", "r2"),
        ("request", "old"),
    ];
    [&fields, more].concat()
}

#[tokio::test]
async fn a_request_tells_what_who_and_why() {
    let (world, _) = asked(&["Group.Read.All", "app-x/User.Read"]).await;
    let scope = json!({ "value": "User.Read", "adminConsentDisplayName": "Faire" });
    let here = json!({ "id": OTHER, "appId": "app-x", "displayName": "Dossier", "oauth2PermissionScopes": [scope] });
    world
        .script
        .answer("GET /v1.0/servicePrincipals", 200, json!({ "value": [here] }));
    let list = world.client.get("/admin/consents").await;
    let text = list.text();
    assert!(
        text.contains("Planning") && text.contains("2 autorisations demandées"),
        "{text}"
    );
    let page = world.client.get(&format!("/admin/consents/{ID}")).await;
    let text = page.text();
    for told in [
        "Lire tous les groupes",
        "Faire",
        "Dossier · User.Read",
        "Logiciels SA, vérifié",
        "Anna Martin",
        "Pour le &#60;planning&#62;",
        "Pas encore",
        "Refusé",
        "value=\"Group.Read.All app-x/User.Read\"",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(
        text.find("Anna Martin") < text.find("Paul Petit"),
        "who waits comes first"
    );
    let overview = world.client.get("/admin").await;
    assert!(
        overview.text().contains("Une application attend"),
        "{}",
        overview.text()
    );
}

#[tokio::test]
async fn an_answer_is_for_all_who_wait() {
    for (more, word, body) in [
        (
            vec![("step", "approve"), ("approval", "")],
            "consent-given",
            json!({ "reviewResult": "Approve" }),
        ),
        (
            vec![("step", "deny"), ("refusal", "Voyez l'intranet")],
            "consent-denied",
            json!({ "reviewResult": "Deny", "justification": "Voyez l'intranet" }),
        ),
    ] {
        let (world, token) = asked(&["User.Read", "Group.Read.All"]).await;
        // One answer answers the other that it covers.
        let second = format!("{REQUESTS}/{ID}/userConsentRequests/r2/approval/stages/r2");
        world.script.answer(&format!("PATCH /v1.0{second}"), 404, json!({}));
        let fields = answer(&token, "Group.Read.All User.Read", &more);
        let page = format!("/admin/consents/{ID}");
        let back = world.client.post(&page, &fields).await;
        assert_eq!(back.location(), format!("{page}?done={word}"));
        let first = format!("PATCH {REQUESTS}/{ID}/userConsentRequests/r1/approval/stages/r1");
        assert_eq!(sent(&world), [(first, body.clone()), (format!("PATCH {second}"), body)]);
    }
}

#[tokio::test]
async fn nothing_is_given_that_was_not_shown() {
    let (world, token) = asked(&["User.Read", "Directory.ReadWrite.All"]).await;
    let page = format!("/admin/consents/{ID}");
    let fields = answer(&token, "User.Read", &[("step", "approve"), ("approval", "D'accord")]);
    let again = world.client.post(&page, &fields).await;
    let text = again.text();
    assert!(
        text.contains("ont changé entre-temps") && text.contains("value=\"D'accord\"") | text.contains("D&#39;accord"),
        "{text}"
    );
    assert_eq!(sent(&world), []);
    // Who asked after the page was shown is not answered by it.
    let fields = [
        ("csrf", token.as_str()),
        ("asked", "Directory.ReadWrite.All User.Read"),
        ("request", "r2"),
        ("step", "approve"),
    ];
    world.client.post(&page, &fields).await;
    let sent = sent(&world);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].0.ends_with("/r2"), "{sent:?}");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let (world, token) = asked(&["User.Read"]).await;
    let fields = answer(&token, "User.Read", &[("step", "deny"), ("refusal", " ")]);
    let page = world.client.post(&format!("/admin/consents/{ID}"), &fields).await;
    assert!(page.text().contains("Dites pourquoi"), "{}", page.text());
    assert_eq!(sent(&world), []);
}

#[tokio::test]
async fn who_may_not_see_requests_sees_the_overview() {
    let (world, _) = with_token("/admin/users/new").await;
    world.script.answer(&format!("GET /v1.0{REQUESTS}"), 403, json!({}));
    assert_eq!(world.client.get("/admin/consents").await.status, 403);
    let overview = world.client.get("/admin").await;
    assert_eq!(overview.status, 200);
    assert!(!overview.text().contains("attend"), "{}", overview.text());
}

#[tokio::test]
async fn an_application_is_blocked_and_made_first_where_it_is_not_present() {
    let here = json!({ "value": [{ "id": OTHER }] });
    for (present, made) in [(here, None), (json!({ "value": [] }), Some(ID))] {
        let (world, token) = asked(&["User.Read"]).await;
        world.script.answer("GET /v1.0/servicePrincipals", 200, present);
        let page = format!("/admin/consents/{ID}");
        let silent = [("step", "block"), ("blocking", "")];
        let told = world.client.post(&page, &answer(&token, "User.Read", &silent)).await;
        assert!(told.text().contains("notice danger"), "{}", told.text());
        assert_eq!(sent(&world), [], "without a reason");
        let fields = answer(&token, "User.Read", &[("step", "block"), ("blocking", "Pas chez nous")]);
        let back = world.client.post(&page, &fields).await;
        assert_eq!(back.location(), format!("{page}?done=consent-blocked"));
        let principal = made.unwrap_or(OTHER);
        let made = made.map(|_| ("POST /servicePrincipals".to_owned(), json!({ "appId": ID })));
        let disabled = (
            format!("PATCH /servicePrincipals/{principal}"),
            json!({ "accountEnabled": false }),
        );
        let denied = json!({ "reviewResult": "Deny", "justification": "Pas chez nous" });
        let denied = ["r1", "r2"].map(|id| {
            let path = format!("{REQUESTS}/{ID}/userConsentRequests/{id}/approval/stages/{id}");
            (format!("PATCH {path}"), denied.clone())
        });
        let expected: Vec<_> = made.into_iter().chain([disabled]).chain(denied).collect();
        assert_eq!(sent(&world), expected);
    }
}
