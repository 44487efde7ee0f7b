//! What is refused where it would be thrown away, or name what is somebody else's.

use hygie_directory::role;
use serde_json::json;

use crate::world::{World, refusal, refused, user};

#[tokio::test]
async fn secrets_are_not_forgotten_in_silence() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let path = format!("/v1.0/applications(appId='{}')", world.portal.0);
    for given in [json!([]), json!(null)] {
        let answer = caller
            .send("PATCH", &path, &json!({ "passwordCredentials": given }))
            .await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"));
        assert!(
            answer.text().contains("passwordCredentials: must be left"),
            "{}",
            answer.text()
        );
    }
    // One that has none has none afterwards.
    let made = caller
        .made(
            "/v1.0/applications",
            &json!({ "displayName": "x", "passwordCredentials": [] }),
        )
        .await;
    let path = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    caller
        .changed("PATCH", &path, &json!({ "passwordCredentials": [] }))
        .await;
}

#[tokio::test]
async fn settings_of_redirect_uris_are_shown_and_not_ordered() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let made = caller.made("/v1.0/applications", &json!({ "displayName": "x" })).await;
    let path = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    let uri = "https://x.example/cb";
    let web = |index: serde_json::Value, uri: &str| {
        let settings = json!([{ "uri": uri, "index": index }]);
        json!({ "web": { "redirectUriSettings": settings, "redirectUris": ["https://x.example/cb"] } })
    };
    caller.changed("PATCH", &path, &web(json!(null), uri)).await;
    let shown = caller.json(&path).await;
    assert_eq!(
        shown["web"]["redirectUriSettings"],
        json!([{ "uri": uri, "index": null }])
    );
    for (wrong, place) in [
        (web(json!(0), uri), "web.redirectUriSettings[0].index: must be null"),
        (
            web(json!(null), "https://y.example"),
            "web.redirectUriSettings[0].uri: must be one of redirectUris",
        ),
    ] {
        let answer = caller.send("PATCH", &path, &wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.text().contains(place), "{}", answer.text());
    }
}

#[tokio::test]
async fn an_identifier_uri_names_one_application() {
    let world = World::new().await;
    let caller = world.app(&["Application.ReadWrite.All"]);
    let new = |uri: &str| json!({ "displayName": "x", "identifierUris": [uri] });
    let made = caller.made("/v1.0/applications", &new("api://own")).await;
    let path = format!("/v1.0/applications/{}", made["id"].as_str().expect("an id"));
    let other = caller.made("/v1.0/applications", &json!({ "displayName": "y" })).await;
    let other = format!("/v1.0/applications/{}", other["id"].as_str().expect("an id"));
    for uri in [
        "api://portal",
        "API://Portal/",
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "https://graph.example:8443",
        "https://graph.example:8443/v1.0",
        "https://login.example:8441/",
    ] {
        for answer in [
            caller.send("POST", "/v1.0/applications", &new(uri)).await,
            caller.send("PATCH", &other, &json!({ "identifierUris": [uri] })).await,
        ] {
            assert_eq!(answer.status, 400, "{uri}: {}", answer.text());
        }
    }
    let answer = caller
        .send("PATCH", &other, &json!({ "identifierUris": ["api://own"] }))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    caller
        .changed(
            "PATCH",
            &path,
            &json!({ "identifierUris": ["api://own", "api://own2"] }),
        )
        .await;
}

#[tokio::test]
async fn user_principal_names_are_of_plain_characters() {
    let world = World::new().await;
    let caller = world.app(&["User.ReadWrite.All"]);
    let new = |name: &str| {
        json!({
            "accountEnabled": true, "displayName": "X", "mailNickname": "x", "userPrincipalName": name,
            "passwordProfile": { "password": "Correct-horse-7-staple" },
        })
    };
    for name in [
        "\u{430}dmin@ch-demo.example",
        "$count@ch-demo.example",
        "a/b@ch-demo.example",
        "é@ch-demo.example",
    ] {
        let answer = caller.send("POST", "/v1.0/users", &new(name)).await;
        assert_eq!(answer.status, 400, "{name}");
        assert!(answer.text().contains("serPrincipalName"), "{}", answer.text());
    }
    caller
        .made("/v1.0/users", &new("o'neil_x-1.a#b^c~d!@ch-demo.example"))
        .await;
    let mut wrong = new("x@ch-demo.example");
    wrong["givenName"] = json!("");
    let answer = caller.send("POST", "/v1.0/users", &wrong).await;
    assert!(answer.text().contains("GivenName is not valid"), "{}", answer.text());
}

#[tokio::test]
async fn an_agreement_has_one_file_by_default_and_one_of_each_language() {
    let world = World::new().await;
    let caller = world.app(&["Agreement.ReadWrite.All"]);
    // `%PDF-1.7` and `%%EOF`, a line each.
    let file = |language: &str, is_default: bool| {
        json!({ "fileName": "a.pdf", "language": language, "isDefault": is_default,
                "fileData": { "data": "JVBERi0xLjcKJSVFT0YK" } })
    };
    for (files, expected) in [
        (
            json!([file("fr", true), file("en", true)]),
            "more than one file has isDefault",
        ),
        (
            json!([file("fr", true), file("FR", false)]),
            "two files are of one language",
        ),
    ] {
        let document = json!({ "displayName": "CGU", "files": files });
        let answer = caller.send("POST", "/v1.0/agreements", &document).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
}

#[tokio::test]
async fn what_binds_people_with_roles_is_not_for_everybody_to_change() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let user_administrator = world.nurse;
    let over = user(directory, cx, ("Paul", "Petit", "ch-demo.example")).await;
    for (who, role) in [
        (user_administrator, role::USER_ADMINISTRATOR),
        (over, role::GLOBAL_ADMINISTRATOR),
    ] {
        directory.assign_directory_role(cx, who, role).await.expect("a role");
    }
    let caller = world.person("User.ReadWrite.All");
    let path = format!("/v1.0/users/{over}");
    for change in [json!({ "onPremisesImmutableId": "x" }), json!({ "userType": "Guest" })] {
        let answer = caller.send("PATCH", &path, &change).await;
        assert_eq!(
            refusal(&answer),
            refused(403, "Authorization_RequestDenied"),
            "{change}"
        );
    }
    caller.changed("PATCH", &path, &json!({ "department": "x" })).await;
}

/// Found by fuzzing: the name of a member came back with what it would have done to a terminal.
#[tokio::test]
async fn a_message_is_one_line_without_escapes() {
    let world = World::new().await;
    let path = format!("/v1.0/users/{}", world.nurse);
    let answer = world
        .app(&["User.ReadWrite.All"])
        .send("PATCH", &path, &json!({ "na\tme\u{1b}[31m\n": 1 }))
        .await;
    let body = answer.json();
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!(answer.status, 400);
    assert!(
        message.contains("name[31m") && !message.contains(char::is_control),
        "{message:?}"
    );
}

/// Scripts and Terraform look for these words, to go on where nothing is left to do.
#[tokio::test]
async fn a_reference_that_is_there_is_told_in_words_that_scripts_know() {
    let world = World::new().await;
    let app = world.app(&["Group.ReadWrite.All", "Application.ReadWrite.All"]);
    let nurse = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", world.nurse) });
    let application = format!("applications(appId='{}')", world.portal.0);
    for (of, property) in [
        (format!("groups/{}", world.nurses), "members"),
        (format!("groups/{}", world.nurses), "owners"),
        (application, "owners"),
    ] {
        let path = format!("/v1.0/{of}/{property}/$ref");
        app.send("POST", &path, &nurse).await;
        let answer = app.send("POST", &path, &nurse).await;
        assert_eq!(refusal(&answer), refused(400, "Request_BadRequest"), "{path}");
        let words = format!(
            "One or more added object references already exist for the following modified properties: '{property}'."
        );
        assert_eq!(answer.json()["error"]["message"], words.as_str());
    }
}
