//! What forms do, and for whom.

use http::Method;
use serde_json::json;

use crate::world::World;

const ID: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009";

fn person() -> serde_json::Value {
    json!({ "id": ID, "displayName": "Anna Martin", "userPrincipalName": "anna@ch-demo.example", "accountEnabled": true })
}

async fn with_person() -> World {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/users/", 200, person());
    for path in ["memberOf", "authentication/methods"] {
        world
            .script
            .answer(&format!("GET /v1.0/users/{ID}/{path}"), 200, json!({ "value": [] }));
    }
    world.script.answer("GET /v1.0/auditLogs/signIns", 403, json!({}));
    let roles = "GET /v1.0/roleManagement/directory/roleAssignments";
    world.script.answer(roles, 403, json!({}));
    world
}

#[tokio::test]
async fn a_person_is_shown_with_their_roles() {
    let world = with_person().await;
    let text = world.client.get(&format!("/admin/users/{ID}")).await;
    assert!(text.text().contains("voir les rôles d’annuaire"), "{}", text.text());
    let role = "62e90394-69f5-4237-9190-012177145e10";
    let given = json!({ "value": [{ "id": "a", "roleDefinitionId": role }] });
    let roles = "GET /v1.0/roleManagement/directory/roleAssignments";
    world.script.answer(roles, 200, given);
    let text = world.client.get(&format!("/admin/users/{ID}")).await;
    let link = format!("<a href=\"/admin/roles/{role}\">Administrateur général</a>");
    assert!(text.text().contains(&link), "{}", text.text());
    let asked = world.asked("GET");
    let asked = asked.iter().find(|one| one.line.contains("roleAssignments"));
    assert!(asked.is_some_and(|one| one.line.contains(ID)), "{asked:?}");
}

#[tokio::test]
async fn roles_that_come_by_a_group_are_shown_with_it() {
    let world = with_person().await;
    let group = |id: &str, name: &str, is_for_roles: serde_json::Value| json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": name, "isAssignableToRole": is_for_roles });
    let groups = [
        group("a1", "Informatique", json!(true)),
        group("a2", "Soins", json!(null)),
    ];
    let path = format!("GET /v1.0/users/{ID}/memberOf");
    world.script.answer(&path, 200, json!({ "value": groups }));
    let roles = "GET /v1.0/roleManagement/directory/roleAssignments";
    world.script.answer(roles, 200, json!({ "value": [] }));
    let role = "62e90394-69f5-4237-9190-012177145e10";
    let given = json!({ "value": [{ "id": "a", "roleDefinitionId": role, "principalId": "a1" }] });
    let of_group = format!("{roles}?%24filter=principalId+eq+%27a1%27");
    world.script.answer(&of_group, 200, given);
    let page = world.client.get(&format!("/admin/users/{ID}")).await;
    let shown = format!(
        "<a href=\"/admin/roles/{role}\">Administrateur général</a> <span class=\"soft\">par le groupe \
         <a href=\"/admin/groups/a1\">Informatique</a></span>"
    );
    assert!(page.text().contains(&shown), "{}", page.text());
    let asked = world.asked(roles);
    assert!(!asked.iter().any(|one| one.line.contains("a2")), "{asked:?}");
}

#[tokio::test]
async fn a_group_that_has_a_role_is_said_to_be_one() {
    let world = with_person().await;
    let role = "62e90394-69f5-4237-9190-012177145e10";
    let path = format!("GET /v1.0/directoryRoles/{role}");
    let found = json!({ "id": role, "displayName": "Global Administrator" });
    world.script.answer(&path, 200, found);
    let group = json!({ "@odata.type": "#microsoft.graph.group", "id": "a1", "displayName": "Informatique" });
    let members = json!({ "value": [group, person()] });
    world.script.answer(&format!("{path}/members"), 200, members);
    let page = world.client.get(&format!("/admin/roles/{role}")).await;
    let text = page.text();
    for told in [
        "<a href=\"/admin/groups/a1\">Informatique</a></b> <span class=\"soft\">Groupe",
        &format!("<a href=\"/admin/users/{ID}\">Anna Martin</a></b> <span class=\"soft\">anna@"),
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let world = with_person().await;
    let page = world.client.get(&format!("/admin/users/{ID}")).await;
    let token = page.field("csrf").expect("a form");
    for fields in [&[("step", "disable")][..], &[("step", "disable"), ("csrf", "x")]] {
        let answer = world.client.post(&format!("/admin/users/{ID}"), fields).await;
        assert_eq!(answer.status, 403);
    }
    assert_eq!(world.asked("PATCH").len(), 0);
    world.script.answer("PATCH /v1.0/users/", 204, serde_json::Value::Null);
    let fields = [("step", "disable"), ("csrf", token.as_str())];
    let answer = world.client.post(&format!("/admin/users/{ID}"), &fields).await;
    assert_eq!(answer.location(), format!("/admin/users/{ID}?done=user-disabled"));
    let asked = world.asked("PATCH");
    assert_eq!(asked[0].body, json!({ "accountEnabled": false }));
}

#[tokio::test]
async fn deleting_wants_the_box() {
    let world = with_person().await;
    let page = world.client.get(&format!("/admin/users/{ID}")).await;
    let token = page.field("csrf").expect("a form");
    let address = format!("/admin/users/{ID}");
    world.script.answer("DELETE /v1.0/users/", 204, serde_json::Value::Null);
    world
        .client
        .post(&address, &[("step", "delete"), ("csrf", &token)])
        .await;
    assert_eq!(world.asked("DELETE").len(), 0);
    let answer = world
        .client
        .post(&address, &[("step", "delete"), ("sure", "yes"), ("csrf", &token)])
        .await;
    assert_eq!(answer.location(), "/admin/users?done=user-deleted");
    assert_eq!(world.asked("DELETE")[0].line, format!("DELETE /v1.0/users/{ID}"));
}

#[tokio::test]
async fn what_the_directory_refuses_is_told_and_what_was_typed_is_kept() {
    let world = World::signed_in().await;
    let token = world
        .client
        .get("/admin/users/new")
        .await
        .field("csrf")
        .expect("a form");
    let refusal = json!({ "error": { "code": "Request_BadRequest", "message": "The password is <too> weak." } });
    world.script.answer("POST /v1.0/users", 400, refusal);
    let fields = [
        ("csrf", token.as_str()),
        ("displayName", "Anna <Martin>"),
        ("userPrincipalName", "anna@ch-demo.example"),
        ("password", "secret-that-was-typed"),
        ("once", "yes"),
    ];
    let page = world.client.post("/admin/users/new", &fields).await;
    let page = page.text();
    assert!(page.contains("The password is &#60;too&#62; weak."), "{page}");
    assert!(page.contains("anna@ch-demo.example") && page.contains("Anna &#60;Martin&#62;"));
    assert!(!page.contains("secret-that-was-typed"));
    let asked = &world.asked("POST /v1.0/users")[0].body;
    assert_eq!(asked["passwordProfile"]["forceChangePasswordNextSignIn"], true);
}

#[tokio::test]
async fn an_id_of_an_address_stays_one_segment() {
    let world = World::signed_in().await;
    world.client.get("/admin/users/..%2Fgroups%2Fx%3F$select=id").await;
    let asked = world.asked("GET");
    assert!(
        asked[0]
            .line
            .starts_with("GET /v1.0/users/..%2Fgroups%2Fx%3F%24select%3Did?"),
        "{}",
        asked[0].line
    );
}

/// Every page and form but those of signing in.
const PAGES: &[(Method, &str)] = &[
    (Method::GET, "/admin"),
    (Method::GET, "/admin/users"),
    (Method::GET, "/admin/users/new"),
    (Method::POST, "/admin/users/new"),
    (Method::GET, "/admin/users/x"),
    (Method::POST, "/admin/users/x"),
    (Method::GET, "/admin/groups"),
    (Method::GET, "/admin/groups/new"),
    (Method::POST, "/admin/groups/new"),
    (Method::GET, "/admin/groups/x"),
    (Method::POST, "/admin/groups/x"),
    (Method::GET, "/admin/applications"),
    (Method::GET, "/admin/applications/x"),
    (Method::POST, "/admin/applications/x"),
    (Method::GET, "/admin/policies"),
    (Method::GET, "/admin/policies/new"),
    (Method::POST, "/admin/policies/new"),
    (Method::GET, "/admin/policies/x"),
    (Method::POST, "/admin/policies/x"),
    (Method::GET, "/admin/what-if?person=x"),
    (Method::GET, "/admin/pro-sante-connect"),
    (Method::POST, "/admin/pro-sante-connect/prepare"),
    (Method::POST, "/admin/pro-sante-connect/check"),
    (Method::GET, "/admin/trust"),
    (Method::POST, "/admin/trust"),
    (Method::POST, "/admin/trust/try"),
    (Method::GET, "/admin/trust/x"),
    (Method::POST, "/admin/trust/x"),
    (Method::GET, "/admin/trust/x/y"),
    (Method::POST, "/admin/trust/x/y"),
    (Method::GET, "/admin/methods"),
    (Method::GET, "/admin/methods/x"),
    (Method::POST, "/admin/methods/x"),
    (Method::GET, "/admin/applications/new"),
    (Method::POST, "/admin/applications/new"),
    (Method::GET, "/admin/registrations/x"),
    (Method::POST, "/admin/registrations/x"),
    (Method::GET, "/admin/strengths"),
    (Method::GET, "/admin/strengths/new"),
    (Method::POST, "/admin/strengths/new"),
    (Method::GET, "/admin/strengths/x"),
    (Method::POST, "/admin/strengths/x"),
    (Method::GET, "/admin/locations"),
    (Method::GET, "/admin/locations/new"),
    (Method::POST, "/admin/locations/new"),
    (Method::GET, "/admin/locations/x"),
    (Method::POST, "/admin/locations/x"),
    (Method::GET, "/admin/terms"),
    (Method::GET, "/admin/terms/new"),
    (Method::POST, "/admin/terms/new"),
    (Method::GET, "/admin/terms/x"),
    (Method::POST, "/admin/terms/x"),
    (Method::GET, "/admin/terms/x/y"),
    (Method::GET, "/admin/templates"),
    (Method::POST, "/admin/templates"),
    (Method::GET, "/admin/roles"),
    (Method::GET, "/admin/roles/x"),
    (Method::POST, "/admin/roles/x"),
    (Method::GET, "/admin/sign-ins"),
    (Method::GET, "/admin/sign-ins/x"),
    (Method::POST, "/admin/sign-out"),
];

#[tokio::test]
async fn nobody_who_is_not_signed_in_reaches_the_directory() {
    let world = World::new();
    for (method, path) in PAGES {
        let body = axum::body::Body::from("step=delete&sure=yes");
        let answer = world.client.send(method.clone(), path, &[], body).await;
        assert!(
            answer.location().starts_with("/admin/sign-in?next="),
            "{method} {path}: {}",
            answer.status
        );
    }
    assert_eq!(world.asked("").len(), 0);
}
