//! Pro Santé Connect: what is there is judged, what is missing is made, a file is judged.

use http::Method;
use serde_json::{Value, json};

use crate::world::World;

const APP: &str = "99383c77-0bb9-41f0-96e1-b72ad6eca607";
const EMERGENCY: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009";
const DEFAULTS: &str = "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
const STRENGTH: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f000a";

/// A form with files, as browsers send it.
pub async fn upload(world: &World, path: &str, parts: &[(&str, Option<&str>, &[u8])]) -> hygie_testkit::Answer {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend_from_slice(
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--xyz--\r\n");
    let kind = [("content-type", "multipart/form-data; boundary=xyz")];
    world.client.send(Method::POST, path, &kind, body.into()).await
}

async fn with_directory(strengths: Value) -> (World, String) {
    let world = World::signed_in().await;
    for (path, value) in [
        ("identity/conditionalAccess/policies", json!([])),
        ("policies/authenticationStrengthPolicies", strengths),
        ("identityGovernance/termsOfUse/agreements", json!([])),
        ("directoryRoleTemplates", json!([])),
        (
            "servicePrincipals",
            json!([{ "id": "1", "appId": APP, "displayName": "PSC_BAS" }]),
        ),
    ] {
        world
            .script
            .answer(&format!("GET /v1.0/{path}"), 200, json!({ "value": value }));
    }
    world
        .script
        .answer("POST /v1.0/$batch", 200, json!({ "responses": [] }));
    world
        .script
        .answer("GET /v1.0/users/sos%40ch.example", 200, json!({ "id": EMERGENCY }));
    world.script.answer(
        "POST /v1.0/policies/authenticationStrengthPolicies",
        201,
        json!({ "id": STRENGTH }),
    );
    world.script.answer(
        "POST /v1.0/identity/conditionalAccess/policies",
        201,
        json!({ "id": STRENGTH }),
    );
    world.script.answer(DEFAULTS, 200, json!({ "isEnabled": false }));
    let page = world.client.get("/admin/pro-sante-connect").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let token = page.field("csrf").expect("a form");
    (world, token)
}

#[tokio::test]
async fn what_is_missing_is_made_and_what_is_there_is_left() {
    for (strengths, expected) in [
        (
            json!([]),
            vec![
                "policies/authenticationStrengthPolicies",
                "identity/conditionalAccess/policies",
            ],
        ),
        (
            json!([{ "id": STRENGTH, "displayName": "FA01-ProSantéConnect", "allowedCombinations": ["fido2"] }]),
            vec!["identity/conditionalAccess/policies"],
        ),
    ] {
        let (world, token) = with_directory(strengths).await;
        world.script.asked.lock().clear();
        let fields: [(&str, Option<&str>, &[u8]); 4] = [
            ("csrf", None, token.as_bytes()),
            ("application", None, APP.as_bytes()),
            ("emergency", None, b"sos@ch.example\r\n"),
            ("terms", Some(""), b""),
        ];
        let answer = upload(&world, "/admin/pro-sante-connect/prepare", &fields).await;
        let address = format!("/admin/pro-sante-connect?application={APP}&done=psc-prepared");
        assert_eq!(answer.location(), address, "{}", answer.text());
        let made = world.asked("POST /v1.0/");
        let lines: Vec<String> = made.iter().map(|one| one.line.replace("POST /v1.0/", "")).collect();
        assert_eq!(lines, expected);
        let policy = &made.last().expect("a policy").body;
        assert_eq!(policy["state"], "enabled");
        assert_eq!(policy["conditions"]["users"]["excludeUsers"], json!([EMERGENCY]));
        assert_eq!(policy["grantControls"]["authenticationStrength"]["id"], STRENGTH);
        assert_eq!(policy["sessionControls"]["signInFrequency"]["value"], 4);
    }
}

#[tokio::test]
async fn security_defaults_are_switched_off_before_anything_is_made() {
    let (world, token) = with_directory(json!([])).await;
    world.script.answer(DEFAULTS, 200, json!({ "isEnabled": true }));
    let page = world.client.get("/admin/pro-sante-connect").await;
    assert!(page.text().contains("excluent les stratégies"), "{}", page.text());
    assert!(!page.text().contains("Préparer maintenant"), "{}", page.text());
    let fields: [(&str, Option<&str>, &[u8]); 3] = [
        ("csrf", None, token.as_bytes()),
        ("application", None, APP.as_bytes()),
        ("emergency", None, b"sos@ch.example"),
    ];
    world.script.asked.lock().clear();
    let answer = upload(&world, "/admin/pro-sante-connect/prepare", &fields).await;
    assert!(
        answer.text().contains("Rien n'a été créé") || answer.text().contains("Rien n’a été créé"),
        "{}",
        answer.text()
    );
    assert!(
        world
            .asked("POST /v1.0/")
            .iter()
            .all(|one| one.line.ends_with("$batch"))
    );
    let path = DEFAULTS.trim_start_matches("GET ");
    world.script.answer(&format!("PATCH {path}"), 204, Value::Null);
    let switch = "/admin/pro-sante-connect/security-defaults";
    assert_eq!(world.client.post(switch, &[("csrf", "x")]).await.status, 403);
    assert_eq!(world.asked("PATCH"), []);
    let answer = world.client.post(switch, &[("csrf", &token)]).await;
    assert_eq!(answer.location(), "/admin/pro-sante-connect?done=psc-defaults-off");
    let changed = world.asked("PATCH");
    assert_eq!(changed[0].body, json!({ "isEnabled": false }));
    world.script.answer(DEFAULTS, 200, json!({ "isEnabled": false }));
    let answer = upload(&world, "/admin/pro-sante-connect/prepare", &fields).await;
    assert!(answer.location().ends_with("done=psc-prepared"), "{}", answer.text());
}

#[tokio::test]
async fn nothing_is_made_of_a_form_that_is_wrong() {
    let (world, token) = with_directory(json!([])).await;
    let good = (token.as_str(), APP, "sos@ch.example", &b"%PDF-1.4 %%EOF"[..]);
    for (csrf, app, emergency, terms, told) in [
        ("x", good.1, good.2, good.3, ""),
        (good.0, "abc", good.2, good.3, "Choisissez"),
        (good.0, good.1, "", good.3, "un ou deux comptes"),
        (good.0, good.1, "a\nb\nc", good.3, "un ou deux comptes"),
        (good.0, good.1, "nobody@ch.example", good.3, "nobody@ch.example"),
        (good.0, good.1, good.2, b"<html>", "PDF"),
    ] {
        world.script.asked.lock().clear();
        let fields: [(&str, Option<&str>, &[u8]); 4] = [
            ("csrf", None, csrf.as_bytes()),
            ("application", None, app.as_bytes()),
            ("emergency", None, emergency.as_bytes()),
            ("terms", Some("cgu.pdf"), terms),
        ];
        let answer = upload(&world, "/admin/pro-sante-connect/prepare", &fields).await;
        assert!(answer.text().contains(told), "{told}: {}", answer.text());
        let made = world.asked("POST /v1.0/");
        assert!(made.iter().all(|one| one.line.ends_with("$batch")), "{made:?}");
    }
}

#[tokio::test]
async fn a_file_is_judged_point_by_point() {
    let (world, token) = with_directory(json!([])).await;
    let export = json!({ "value": [{ "displayName": "AC02-ProSantéConnect-<i>", "state": "disabled",
        "conditions": { "clientAppTypes": ["all"], "users": { "includeUsers": ["All"] },
            "applications": { "includeApplications": [APP] } } }] });
    let export = export.to_string();
    let fields = |content: &'static [u8]| -> [(&str, Option<&str>, &[u8]); 2] {
        [("csrf", None, &[]), ("export", Some("a.json"), content)]
    };
    for (content, told) in [
        (export.clone().into_bytes(), "La stratégie est désactivée"),
        (b"{}".to_vec(), "pas un export"),
        (b"\xff\xff".to_vec(), "pas un export"),
    ] {
        let mut parts = fields(content.leak());
        parts[0].2 = token.as_bytes();
        let page = upload(&world, "/admin/pro-sante-connect/check", &parts).await;
        let text = page.text();
        assert!(text.contains(told), "{told}: {text}");
        assert!(!text.contains("<i>"), "{text}");
    }
    let plain = world
        .client
        .post("/admin/pro-sante-connect/check", &[("csrf", &token)])
        .await;
    assert!(plain.text().contains("Choisissez un fichier."), "{}", plain.text());
    let kind = [("content-type", "text/plain")];
    let other = world
        .client
        .send(Method::POST, "/admin/pro-sante-connect/check", &kind, "csrf=x".into())
        .await;
    assert_eq!(other.status, 400);
}
