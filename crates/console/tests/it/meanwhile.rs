//! Forms of what somebody else changed after it was shown.

use serde_json::{Value, json};

use crate::sheets::{ID, sent, with_token};
use crate::world::World;

const LIFETIME: &str = "/policies/sessionLifetimePolicy";

fn lifetime(idle: u32) -> Value {
    json!({ "maximumLifetimeInMinutes": 240, "inactivityTimeoutInMinutes": idle, "isStaySignedInOffered": false })
}

#[tokio::test]
async fn a_setting_that_was_not_touched_stays_as_somebody_else_made_it() {
    let (world, token) = with_token("/admin/users/new").await;
    world.script.answer(&format!("GET /v1.0{LIFETIME}"), 200, lifetime(30));
    let page = world.client.get("/admin/settings").await;
    let shown = page.field("shown").expect("what the page shows");
    let form = |longest: &'static str| {
        let fields = [("step", "sessions"), ("longest", longest), ("idle", "30")];
        let fields = fields.map(|(name, value)| (name, value.to_owned()));
        let carried = [("csrf", token.clone()), ("shown", shown.clone())];
        [fields.to_vec(), carried.to_vec()].concat()
    };
    let post = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.client.post("/admin/settings", &fields).await
    };
    // Somebody else is stricter now; the page that is open does not know.
    world.script.answer(&format!("GET /v1.0{LIFETIME}"), 200, lifetime(15));
    let answer = post(form("120")).await;
    assert_eq!(answer.location(), "/admin/settings?done=settings");
    let change = json!({ "maximumLifetimeInMinutes": 120 });
    assert_eq!(sent(&world), [(format!("PATCH {LIFETIME}"), change)]);
    world.script.asked.lock().clear();
    let answer = post(form("240")).await;
    assert_eq!(answer.location(), "/admin/settings?done=settings");
    assert_eq!(sent(&world), [], "nothing was changed");
    // Somebody else changed the same: what holds now is shown, and nothing is sent.
    world.script.answer(
        &format!("GET /v1.0{LIFETIME}"),
        200,
        json!({ "maximumLifetimeInMinutes": 60,
        "inactivityTimeoutInMinutes": 15, "isStaySignedInOffered": false }),
    );
    let page = post(form("120")).await;
    let text = page.text();
    assert!(
        text.contains("modifié cela depuis que vous avez ouvert")
            && text.contains("name=\"longest\" type=\"text\" value=\"60\""),
        "{text}"
    );
    assert_eq!(sent(&world), []);
    assert_ne!(page.field("shown"), Some(shown.clone()));
    world.script.answer(&format!("GET /v1.0{LIFETIME}"), 200, lifetime(15));
    // What was refused is typed over what was shown then, not over what is there now.
    let refused = json!({ "error": { "message": "maximumLifetimeInMinutes" } });
    world.script.answer(&format!("PATCH /v1.0{LIFETIME}"), 400, refused);
    let page = post(form("1")).await;
    assert!(page.text().contains("notice danger"), "{}", page.text());
    assert_eq!(page.field("shown"), Some(shown.clone()));
}

#[tokio::test]
async fn each_form_of_the_settings_sends_what_differs() {
    let low = "ManagePermissionGrantsForSelf.microsoft-user-default-low";
    for (fields, shown, line, body) in [
        (
            vec![
                ("step", "people"),
                ("inviters", "none"),
                ("consent", "microsoft-user-default-low"),
            ],
            json!({ "allowInvitesFrom": "everyone",
                "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": [low] } }),
            "PATCH /policies/authorizationPolicy",
            json!({ "allowInvitesFrom": "none" }),
        ),
        (
            vec![("step", "requests"), ("asking", "on"), ("days", "30")],
            json!({ "isEnabled": false, "notifyReviewers": false, "requestDurationInDays": 30 }),
            "PUT /policies/adminConsentRequestPolicy",
            json!({ "isEnabled": true }),
        ),
        (
            vec![("step", "claims"), ("claim", "acr"), ("claim", "amr")],
            json!({ "isAcrIncluded": true, "isAmrIncluded": false, "isAuthTimeIncluded": false }),
            "PATCH /policies/tokenClaimsPolicy",
            json!({ "isAmrIncluded": true }),
        ),
    ] {
        let (world, token) = with_token("/admin/users/new").await;
        let path = line.split_once(' ').expect("a path").1;
        world.script.answer(&format!("GET /v1.0{path}"), 200, shown.clone());
        let shown = shown.to_string();
        let fields = [vec![("csrf", token.as_str()), ("shown", shown.as_str())], fields].concat();
        world.client.post("/admin/settings", &fields).await;
        assert_eq!(sent(&world), [(line.to_owned(), body)]);
    }
}

#[tokio::test]
async fn what_a_page_shows_of_the_settings_is_what_its_forms_carry() {
    let (world, _) = with_token("/admin/users/new").await;
    let own = "ManagePermissionGrantsForOwnedResource.of-ours";
    let found = json!({ "allowInvitesFrom": "everyone",
        "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": [own] } });
    world
        .script
        .answer("GET /v1.0/policies/sessionLifetimePolicy", 403, json!({}));
    world
        .script
        .answer("GET /v1.0/policies/authorizationPolicy", 200, found);
    let page = world.client.get("/admin/settings").await;
    let shown: Value = serde_json::from_str(&page.field("shown").expect("what is shown")).expect("a document");
    // The form cannot say what it does not know: who does not choose anew takes nothing away.
    let expected = json!({ "allowInvitesFrom": "everyone",
        "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": [] } });
    assert_eq!(shown, expected);
}

fn policy(modified: &Value) -> Value {
    json!({ "id": ID, "displayName": "Pays", "state": "disabled", "modifiedDateTime": modified, "conditions": {
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
        "clientAppTypes": ["all"] }, "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } })
}

fn modified(world: &World, at: &Value) {
    let path = format!("GET /v1.0/identity/conditionalAccess/policies/{ID}");
    world.script.answer(&path, 200, policy(at));
}

#[tokio::test]
async fn a_policy_that_somebody_else_changed_is_shown_before_it_is_saved_over() {
    let (world, token) = with_token("/admin/users/new").await;
    let here = format!("/admin/policies/{ID}");
    modified(&world, &Value::Null);
    let before = world.client.get(&here).await.field("version").expect("a version");
    let at = "2026-11-01T08:00:00Z";
    modified(&world, &at.into());
    let form = vec![
        ("step", "save"),
        ("name", "Un brouillon"),
        ("state", "disabled"),
        ("who", "everybody"),
        ("what", "all"),
        ("grant", "block"),
    ];
    let now = world.client.get(&here).await.field("version").expect("a version");
    assert_ne!(now, before);
    for fields in [
        form.clone(),
        vec![("step", "state"), ("state", "enabled")],
        vec![("step", "document"), ("document", "{}")],
        vec![("step", "delete"), ("sure", "yes")],
    ] {
        let fields = [vec![("csrf", token.as_str()), ("version", before.as_str())], fields].concat();
        let page = world.client.post(&here, &fields).await;
        let text = page.text();
        assert!(text.contains("modifiée depuis que vous l’avez ouverte"), "{text}");
        if fields.contains(&("step", "save")) {
            assert!(
                text.contains("value=\"Un brouillon\""),
                "what was typed is kept: {text}"
            );
        }
        // Who was told may save over it.
        assert_eq!(page.field("version"), Some(now.clone()));
    }
    // To try a draft does not make it one of what is there now.
    let replay = json!({ "signIns": 0, "counts": [], "value": [] });
    world
        .script
        .answer("POST /v1.0/identity/conditionalAccess/replay", 200, replay);
    let tried = [
        form.clone(),
        vec![("csrf", token.as_str()), ("version", before.as_str())],
    ];
    let tried: Vec<_> = tried
        .concat()
        .into_iter()
        .map(|field| if field.0 == "step" { ("step", "try") } else { field })
        .collect();
    let page = world.client.post(&here, &tried).await;
    assert_eq!(page.field("version"), Some(before), "{}", page.text());
    world.script.asked.lock().clear();
    let fields = [form, vec![("csrf", token.as_str()), ("version", now.as_str())]].concat();
    let answer = world.client.post(&here, &fields).await;
    assert_eq!(answer.location(), format!("{here}?done=policy-changed"));
    assert_eq!(sent(&world)[0].1["displayName"], "Un brouillon");
}

/// A page of what has this document when it has this name, and fields of its form.
async fn changed_by_somebody_else(
    (page, path): (&str, &str),
    document: impl Fn(&str) -> Value,
    fields: [(&str, &str); 2],
) {
    let (world, token) = with_token("/admin/users/new").await;
    let (here, path) = (format!("{page}/{ID}"), format!("{path}/{ID}"));
    let at = format!("GET /v1.0{path}");
    world.script.answer(&at, 200, document("Avant"));
    let before = world.client.get(&here).await.field("version").expect("a version");
    world.script.answer(&at, 200, document("Après"));
    let post = async |version: &str, step: [(&str, &str); 2]| {
        let carried = [("csrf", token.as_str()), ("version", version)];
        let answer = world.client.post(&here, &[carried, fields, step].concat()).await;
        answer.text().to_owned()
    };
    let save = [("step", "save"), ("name", "Le mien")];
    for step in [save, [("step", "delete"), ("sure", "yes")]] {
        let text = post(&before, step).await;
        assert!(
            text.contains("notice warning") && text.contains("value=\"Après\"") && !text.contains("Le mien"),
            "{text}"
        );
    }
    // What is refused otherwise is kept.
    let refused = json!({ "error": { "message": "displayName" } });
    world.script.answer(&format!("PATCH /v1.0{path}"), 400, refused);
    let now = world.client.get(&here).await.field("version").expect("a version");
    let text = post(&now, save).await;
    assert!(
        text.contains("notice danger") && text.contains("value=\"Le mien\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_place_or_a_strength_that_somebody_else_changed_is_shown_as_it_is() {
    let place = |name: &str| {
        json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "id": ID, "displayName": name,
            "ipRanges": [{ "cidrAddress": "192.0.2.0/24" }] })
    };
    let places = ("/admin/locations", "/identity/conditionalAccess/namedLocations");
    changed_by_somebody_else(places, place, [("kind", "ip"), ("lines", "198.51.100.0/24")]).await;
    let strength =
        |name: &str| json!({ "id": ID, "displayName": name, "policyType": "custom", "allowedCombinations": ["fido2"] });
    let strengths = ("/admin/strengths", "/policies/authenticationStrengthPolicies");
    changed_by_somebody_else(strengths, strength, [("combination", "fido2"), ("description", "")]).await;
}

#[tokio::test]
async fn a_document_that_is_refused_is_kept() {
    let (world, token) = with_token("/admin/users/new").await;
    modified(&world, &Value::Null);
    let path = format!("PATCH /v1.0/identity/conditionalAccess/policies/{ID}");
    let refused = json!({ "error": { "message": "conditions.users" } });
    world.script.answer(&path, 400, refused);
    for (document, kept) in [
        ("{ half a page", "{ half a page"),
        ("[\"of-hours\"]", "[&#34;of-hours&#34;]"),
    ] {
        let fields = [
            ("csrf", token.as_str()),
            ("step", "document"),
            ("version", ""),
            ("document", document),
        ];
        let page = world.client.post(&format!("/admin/policies/{ID}"), &fields).await;
        let text = page.text();
        assert!(text.contains("notice danger"), "{text}");
        assert!(
            text.contains(&format!("spellcheck=\"false\">{kept}</textarea>")),
            "{text}"
        );
        assert!(text.contains("<details class=\"more\" open>"), "{text}");
    }
}

#[tokio::test]
async fn what_was_typed_of_methods_and_trust_stores_is_kept() {
    let (world, token) = with_token("/admin/users/new").await;
    let path = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
    let document = |state: &str| json!({ "id": "Fido2", "state": state, "includeTargets": [], "excludeTargets": [] });
    world
        .script
        .answer(&format!("GET /v1.0{path}"), 200, document("enabled"));
    let refused = json!({ "error": { "message": "keyRestrictions.aaGuids[0]" } });
    for line in [
        format!("PATCH /v1.0{path}"),
        "POST /v1.0/directory/publicKey".to_owned(),
    ] {
        world.script.answer(&line, 400, refused.clone());
    }
    let here = "/admin/methods/Fido2";
    let before = world.client.get(here).await.field("version").expect("a version");
    let form = [
        ("csrf", token.as_str()),
        ("version", before.as_str()),
        ("step", "save"),
        ("state", "disabled"),
        ("who", "everybody"),
        ("models", "allow"),
        ("aaguids", "no model\r\nnor this"),
        ("option", "attestation"),
    ];
    let page = world.client.post(here, &form).await;
    let text = page.text();
    for kept in [
        "notice danger",
        "no model",
        "value=\"disabled\" selected",
        "value=\"allow\" selected",
        "value=\"attestation\" checked",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(!text.contains("value=\"self-service\" checked"), "{text}");
    // Somebody else changed it: what holds now is shown, and nothing is sent.
    world
        .script
        .answer(&format!("GET /v1.0{path}"), 200, document("disabled"));
    world.script.asked.lock().clear();
    let page = world.client.post(here, &form).await;
    let text = page.text();
    assert!(text.contains("notice warning") && !text.contains("no model"), "{text}");
    assert_eq!(sent(&world), []);
    let store = [
        ("csrf", token.as_str()),
        ("step", "create"),
        ("name", "IGC de la région"),
    ];
    let page = world.client.post("/admin/trust", &store).await;
    assert!(page.text().contains("value=\"IGC de la région\""), "{}", page.text());
}
