//! Policies in words.

use serde_json::{Value, json};

use crate::world::World;

const APP: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0010";
const GROUP: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0011";
const STRENGTH: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0012";
const PLACE: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0013";
const POLICY: &str = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0014";

/// The sentence of a policy, as the list shows it.
async fn sentence(conditions: Value, grant: Value, session: Value) -> String {
    let world = World::signed_in().await;
    let policy = json!({ "id": POLICY, "displayName": "P", "state": "enabled", "conditions": conditions,
        "grantControls": grant, "sessionControls": session });
    world.script.answer(
        "GET /v1.0/identity/conditionalAccess/policies",
        200,
        json!({ "value": [policy] }),
    );
    let one = |id: &str, name: &str| json!({ "value": [{ "id": id, "displayName": name }] });
    let place = one(PLACE, "Site");
    world
        .script
        .answer("GET /v1.0/identity/conditionalAccess/namedLocations", 200, place);
    world.script.answer(
        "GET /v1.0/policies/authenticationStrengthPolicies",
        200,
        one(STRENGTH, "FA01"),
    );
    let apps = json!({ "value": [{ "id": "x", "appId": APP, "displayName": "PSC" }] });
    world.script.answer("GET /v1.0/servicePrincipals", 200, apps);
    let group = json!({ "id": GROUP, "displayName": "Médecins" });
    let answers = json!({ "responses": [{ "id": "0", "status": 200, "body": group }] });
    world.script.answer("POST /v1.0/$batch", 200, answers);
    let page = world.client.get("/admin/policies").await;
    let page = page.text();
    let (_, rest) = page.split_once("<p class=\"sentence\">").expect("a sentence");
    let (sentence, _) = rest.split_once("</p>").expect("its end");
    // Narrow spaces stand before the marks of French.
    sentence.replace(['\u{202f}', '\u{a0}'], " ").replace("&#39;", "'")
}

#[tokio::test]
async fn each_part_has_its_words() {
    let everybody = json!({ "includeUsers": ["All"] });
    let hours = json!({ "signInFrequency": { "isEnabled": true, "type": "hours", "value": 4 } });
    let cases = [
        (
            json!({ "users": everybody, "applications": { "includeApplications": [APP] } }),
            json!({ "operator": "OR", "builtInControls": [], "authenticationStrength": { "id": STRENGTH } }),
            hours,
            "Pour toutes les personnes accédant à « PSC », exiger « FA01 » et une nouvelle connexion toutes les 4 heures.",
        ),
        (
            json!({ "users": { "includeGroups": [GROUP] }, "applications": { "includeApplications": ["All"] },
                    "locations": { "includeLocations": ["All"], "excludeLocations": [PLACE] } }),
            json!({ "operator": "OR", "builtInControls": ["block"] }),
            Value::Null,
            "Pour le groupe « Médecins » accédant à toutes les applications, depuis n’importe où (sauf « Site »), bloquer l’accès.",
        ),
        (
            json!({ "users": everybody, "applications": { "includeUserActions": ["urn:user:registersecurityinfo"] } }),
            json!({ "operator": "AND", "builtInControls": ["mfa", "compliantDevice"] }),
            Value::Null,
            "Pour toutes les personnes enregistrant un moyen d’identification, exiger une authentification multifacteur et un appareil conforme.",
        ),
        (
            json!({ "users": everybody, "applications": { "includeApplications": ["All"] },
                    "devices": { "deviceFilter": { "mode": "include", "rule": "device.isCompliant -eq True" } } }),
            json!({ "operator": "OR", "builtInControls": ["mfa", "compliantDevice"] }),
            Value::Null,
            "Pour toutes les personnes accédant à toutes les applications, sur les appareils que désigne « device.isCompliant -eq True », exiger une authentification multifacteur ou un appareil conforme.",
        ),
        (
            json!({ "users": everybody, "applications": { "includeApplications": ["All"] }, "insiderRiskLevels": "minor" }),
            json!({ "operator": "OR", "builtInControls": ["mfa", "compliantDevice"] }),
            Value::Null,
            "Pour toutes les personnes accédant à toutes les applications, exiger une authentification multifacteur ou un appareil conforme. Elle a d’autres conditions, que seul son document montre.",
        ),
    ];
    for (conditions, grant, session, expected) in cases {
        assert_eq!(sentence(conditions, grant, session).await, expected);
    }
}
