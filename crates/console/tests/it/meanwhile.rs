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
            json!({ "isEnabled": false, "requestDurationInDays": 30 }),
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
    let before = world.client.get(&here).await.field("modified").expect("when it was");
    assert_eq!(before, "");
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
    for fields in [
        form.clone(),
        vec![("step", "state"), ("state", "enabled")],
        vec![("step", "document"), ("document", "{}")],
    ] {
        let fields = [vec![("csrf", token.as_str()), ("modified", before.as_str())], fields].concat();
        let page = world.client.post(&here, &fields).await;
        let text = page.text();
        assert!(text.contains("modifiée depuis que vous l’avez ouverte"), "{text}");
        assert_eq!(sent(&world), []);
        if fields.contains(&("step", "save")) {
            assert!(
                text.contains("value=\"Un brouillon\""),
                "what was typed is kept: {text}"
            );
        }
        // Who was told may save over it.
        assert_eq!(page.field("modified").as_deref(), Some(at));
    }
    // To try a draft does not make it one of what is there now.
    let replay = json!({ "signIns": 0, "counts": [], "value": [] });
    world
        .script
        .answer("POST /v1.0/identity/conditionalAccess/replay", 200, replay);
    let tried = [form.clone(), vec![("csrf", token.as_str()), ("modified", "")]].concat();
    let tried: Vec<_> = tried
        .into_iter()
        .map(|field| if field.0 == "step" { ("step", "try") } else { field })
        .collect();
    let page = world.client.post(&here, &tried).await;
    assert_eq!(page.field("modified").as_deref(), Some(""), "{}", page.text());
    world.script.asked.lock().clear();
    let fields = [form, vec![("csrf", token.as_str()), ("modified", at)]].concat();
    let answer = world.client.post(&here, &fields).await;
    assert_eq!(answer.location(), format!("{here}?done=policy-changed"));
    assert_eq!(sent(&world)[0].1["displayName"], "Un brouillon");
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
            ("modified", ""),
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
