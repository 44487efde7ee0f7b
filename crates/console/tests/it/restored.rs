//! Deleted objects, and guests who are invited.

use serde_json::json;

use crate::sheets::{ID, sent, with_token};

#[tokio::test]
async fn an_object_comes_back_to_its_own_page() {
    let (objects, rules) = ("/directory/deletedItems", "/identity/conditionalAccess/deletedItems");
    for (kind, address, collection) in [
        ("user", "/admin/users", objects.to_owned()),
        ("group", "/admin/groups", objects.to_owned()),
        ("application", "/admin/registrations", objects.to_owned()),
        ("servicePrincipal", "/admin/applications", objects.to_owned()),
        ("policy", "/admin/policies", format!("{rules}/policies")),
        ("location", "/admin/locations", format!("{rules}/namedLocations")),
    ] {
        let (world, token) = with_token("/admin/users/new").await;
        let path = format!("{collection}/{ID}/restore");
        for (page, fields) in [
            (
                format!("/admin/deleted/{kind}/{ID}"),
                vec![("csrf", token.as_str()), ("step", "restore")],
            ),
            (
                "/admin/deleted".to_owned(),
                vec![
                    ("csrf", token.as_str()),
                    ("step", "restore"),
                    ("kind", kind),
                    ("item", ID),
                ],
            ),
        ] {
            world.script.asked.lock().clear();
            let answer = world.client.post(&page, &fields).await;
            assert_eq!(answer.location(), format!("{address}/{ID}?done=deleted-restored"));
            assert_eq!(sent(&world)[0].0, format!("POST {path}"));
        }
    }
}

#[tokio::test]
async fn for_ever_wants_the_box() {
    let (world, token) = with_token("/admin/users/new").await;
    let page = format!("/admin/deleted/group/{ID}");
    assert_eq!(world.client.get(&format!("/admin/deleted/x/{ID}")).await.status, 404);
    world.script.asked.lock().clear();
    let fields = [("csrf", token.as_str()), ("step", "delete")];
    assert_eq!(world.client.post(&page, &fields).await.status, 404);
    assert_eq!(sent(&world), []);
    let fields = [("csrf", token.as_str()), ("step", "delete"), ("sure", "yes")];
    let answer = world.client.post(&page, &fields).await;
    assert_eq!(answer.location(), "/admin/deleted?done=deleted-forgotten");
    assert_eq!(sent(&world)[0].0, format!("DELETE /directory/deletedItems/{ID}"));
}

#[tokio::test]
async fn kinds_that_a_role_does_not_see_are_left_out() {
    let (world, _) = with_token("/admin/users/new").await;
    let items = "GET /v1.0/directory/deletedItems/microsoft.graph";
    let next = "https://graph.example/v1.0/x?$skiptoken=abc";
    let group = json!({ "id": ID, "displayName": "Cardiologie", "deletedDateTime": "2026-11-01T00:00:00Z" });
    world.script.answer(&format!("{items}.user"), 403, json!({}));
    world.script.answer(
        &format!("{items}.group"),
        200,
        json!({ "value": [group], "@odata.nextLink": next }),
    );
    let text = world.client.get("/admin/deleted").await;
    let text = text.text();
    assert!(
        text.contains("Cardiologie") && text.contains("href=\"/admin/deleted?kind=group\""),
        "{text}"
    );
    world
        .script
        .answer("GET /v1.0/identity/conditionalAccess/deletedItems", 403, json!({}));
    for kind in ["group", "application", "servicePrincipal"] {
        world.script.answer(&format!("{items}.{kind}"), 403, json!({}));
    }
    assert_eq!(world.client.get("/admin/deleted").await.status, 403);
}

#[tokio::test]
async fn the_link_of_an_invitation_is_shown_once() {
    let (world, token) = with_token("/admin/users/invite").await;
    let made = json!({ "inviteRedeemUrl": "https://login.example/t/redeem?ticket=abc",
        "invitedUserEmailAddress": "eva@ch-voisin.example", "invitedUser": { "id": ID } });
    world.script.answer("POST /v1.0/invitations", 201, made);
    let fields = [("csrf", token.as_str()), ("address", "eva@ch-voisin.example")];
    let page = world.client.post("/admin/users/invite", &fields).await;
    let text = page.text();
    assert!(text.contains("https://login.example/t/redeem?ticket=abc"), "{text}");
    assert!(text.contains(&format!("/admin/users/{ID}")), "{text}");
    let body = json!({ "invitedUserEmailAddress": "eva@ch-voisin.example", "sendInvitationMessage": false,
        "inviteRedirectUrl": "https://portal.example/" });
    assert_eq!(sent(&world), [("POST /invitations".to_owned(), body)]);
}
