//! What the pages are made of.

use hygie_web::i18n::Messages;
use serde_json::json;

use crate::world::World;

#[test]
fn french_and_english_have_the_same_messages() {
    let messages = Messages::new(&[hygie_console::MESSAGES]).unwrap();
    assert_eq!(messages.differences(), Vec::<String>::new());
    for directory in ["templates", "templates/parts", "src", "src/http", "src/http/sign_ins"] {
        let entries = std::fs::read_dir(directory).unwrap().flatten();
        for entry in entries.filter(|entry| entry.path().is_file()) {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let unknown = messages.unknown_keys(&text);
            assert_eq!(unknown, Vec::<String>::new(), "{}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn a_list_goes_on_where_the_directory_says() {
    let world = World::signed_in().await;
    let person = json!({ "id": "1", "displayName": "Anna", "userPrincipalName": "anna@ch-demo.example" });
    let next = "https://graph.example/v1.0/users?$top=25&$skiptoken=abc%20d";
    world.script.answer(
        "GET /v1.0/users",
        200,
        json!({ "value": [person], "@odata.nextLink": next }),
    );
    let page = world.client.get("/admin/users?q=an%26na").await;
    let page = page.text();
    assert!(page.contains("/admin/users?q=an%26na&#38;page=abc+d"), "{page}");
    let line = world.asked("GET")[0].line.clone();
    assert!(line.contains("%24search=%22displayName%3Aan%26na%22"), "{line}");
    world.client.get("/admin/users?q=an%26na&page=abc+d").await;
    let line = world.asked("GET")[1].line.clone();
    assert!(line.contains("%24skiptoken=abc+d"), "{line}");
}

#[tokio::test]
async fn what_somebody_may_not_see_is_said() {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/auditLogs/signIns", 403, json!({}));
    let page = world.client.get("/admin/sign-ins").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("rôles"), "{}", page.text());
    // An overview of nothing says so.
    for path in ["users", "groups", "servicePrincipals", "identity", "auditLogs"] {
        world.script.answer(&format!("GET /v1.0/{path}"), 403, json!({}));
    }
    let page = world.client.get("/admin").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("pas de rôle d’administration"), "{}", page.text());
}

/// Each page says what is, and none fails for a directory that is empty.
#[tokio::test]
async fn pages_of_an_empty_directory_say_so() {
    let world = World::signed_in().await;
    world.script.answer("GET /v1.0/", 200, json!({ "value": [] }));
    world
        .script
        .answer("POST /v1.0/$batch", 200, json!({ "responses": [] }));
    for path in [
        "trust",
        "trust/x",
        "trust/x/y",
        "methods",
        "methods/Fido2",
        "methods/X509Certificate",
        "applications/new",
        "registrations/x",
        "strengths",
        "strengths/new",
        "strengths/x",
        "locations",
        "locations/new",
        "locations/x",
        "terms",
        "terms/new",
        "terms/x",
        "templates",
        "roles",
        "roles/x",
        "pro-sante-connect",
        "users/invite",
        "registrations/x/credentials",
        "deleted",
        "deleted?kind=group",
        "deleted/user/x",
        "deleted/policy/x",
        "consents",
        "consents/x",
        "risk",
        "risk/x",
        "settings",
    ] {
        let page = world.client.get(&format!("/admin/{path}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(page.text().contains("aria-current=\"page\""), "{path}");
    }
}
