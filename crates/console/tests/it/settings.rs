//! What holds for the whole establishment, what each sign-in met, and drafts that are tried.

use serde_json::{Value, json};

use crate::sheets::{ID, sent, with_token};

#[tokio::test]
async fn each_setting_is_changed_alone() {
    let lifetime = json!({ "maximumLifetimeInMinutes": 480, "inactivityTimeoutInMinutes": "many",
        "isStaySignedInOffered": true });
    let authorization = |policies: Value| {
        json!({ "allowInvitesFrom": "none",
        "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": policies } })
    };
    let low = json!(["ManagePermissionGrantsForSelf.microsoft-user-default-low"]);
    let of_people = ["/policies/authorizationPolicy"; 2];
    for (fields, path, body) in [
        (
            vec![
                ("step", "sessions"),
                ("longest", "480"),
                ("idle", "many"),
                ("option", "stay"),
            ],
            "/policies/sessionLifetimePolicy",
            lifetime,
        ),
        (
            vec![
                ("step", "people"),
                ("inviters", "none"),
                ("consent", "microsoft-user-default-low"),
            ],
            of_people[0],
            authorization(low),
        ),
        (
            vec![("step", "people"), ("inviters", "none"), ("consent", "")],
            of_people[1],
            authorization(json!([])),
        ),
        (
            vec![("step", "claims"), ("claim", "acr"), ("claim", "auth_time")],
            "/policies/tokenClaimsPolicy",
            json!({ "isAcrIncluded": true, "isAmrIncluded": false, "isAuthTimeIncluded": true }),
        ),
        (
            vec![("step", "defaults"), ("state", "off")],
            "/policies/identitySecurityDefaultsEnforcementPolicy",
            json!({ "isEnabled": false }),
        ),
    ] {
        let (world, token) = with_token("/admin/settings").await;
        let fields = [vec![("csrf", token.as_str())], fields].concat();
        let answer = world.client.post("/admin/settings", &fields).await;
        assert_eq!(answer.location(), "/admin/settings?done=settings");
        assert_eq!(sent(&world), [(format!("PATCH {path}"), body)]);
    }
}

#[tokio::test]
async fn whether_people_may_ask_for_consent_is_a_setting() {
    let (world, token) = with_token("/admin/settings").await;
    let path = "/policies/adminConsentRequestPolicy";
    let found = json!({ "isEnabled": false, "notifyReviewers": true, "requestDurationInDays": 30 });
    world.script.answer(&format!("GET /v1.0{path}"), 200, found);
    let text = world.client.get("/admin/settings").await;
    assert!(text.text().contains("value=\"off\" selected"), "{}", text.text());
    let fields = [
        ("csrf", token.as_str()),
        ("step", "requests"),
        ("asking", "on"),
        ("days", "10"),
        ("option", "mail"),
    ];
    let answer = world.client.post("/admin/settings", &fields).await;
    assert_eq!(answer.location(), "/admin/settings?done=settings");
    let body = json!({ "isEnabled": true, "notifyReviewers": true, "requestDurationInDays": 10 });
    assert_eq!(sent(&world), [(format!("PUT {path}"), body)]);
    // What is refused is told, with what was typed.
    let refused = json!({ "error": { "message": "requestDurationInDays" } });
    world.script.answer(&format!("PUT /v1.0{path}"), 400, refused);
    let page = world.client.post("/admin/settings", &fields).await;
    let text = page.text();
    assert!(
        text.contains("notice danger") && text.contains("value=\"10\"") && text.contains("value=\"on\" selected"),
        "{text}"
    );
}

#[tokio::test]
async fn what_a_role_does_not_see_of_the_settings_is_left_out() {
    let (world, _) = with_token("/admin/users/new").await;
    world
        .script
        .answer("GET /v1.0/policies/sessionLifetimePolicy", 403, json!({}));
    let text = world.client.get("/admin/settings").await;
    assert!(!text.text().contains("name=\"longest\"") && text.text().contains("name=\"consent\""));
    world
        .script
        .answer("GET /v1.0/policies/authorizationPolicy", 403, json!({}));
    world.script.answer(
        "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy",
        403,
        json!({}),
    );
    for path in ["adminConsentRequestPolicy", "tokenClaimsPolicy"] {
        world
            .script
            .answer(&format!("GET /v1.0/policies/{path}"), 403, json!({}));
    }
    assert_eq!(world.client.get("/admin/settings").await.status, 403);
}

#[tokio::test]
async fn a_sign_in_tells_each_policy_with_its_result_and_why() {
    let (world, _) = with_token("/admin/users/new").await;
    let policy = |name: &str, result: &str, reasons: &str, controls: Value| {
        json!({ "id": name, "displayName": name,
        "result": result, "analysisReasons": reasons, "enforcedGrantControls": controls })
    };
    let proof =
        |at: &str| json!({ "authenticationStepDateTime": at, "authenticationMethod": "fido2", "succeeded": true });
    let entry = json!({ "id": ID, "userDisplayName": "Anna Martin", "userId": ID, "createdDateTime": "2026-11-01T08:00:00Z",
        "status": { "errorCode": 53003, "failureReason": "Blocked" }, "location": { "countryOrRegion": "FR" },
        "riskLevelDuringSignIn": "medium", "riskLevelAggregated": "none",
        "authenticationDetails": [proof("2026-11-01T07:00:00Z"), proof("2026-11-01T07:59:00Z")],
        "appliedConditionalAccessPolicies": [
            policy("far", "notApplied", "users,location", json!([])),
            policy("near", "failure", "", json!(["Block"])),
        ] });
    world
        .script
        .answer(&format!("GET /v1.0/auditLogs/signIns/{ID}"), 200, entry);
    let page = world.client.get(&format!("/admin/sign-ins/{ID}")).await;
    let text = page.text();
    for told in [
        "la personne, le lieu",
        "blocage",
        "FR",
        "Le risque de la connexion était moyen.",
        "Clé de sécurité ou clé d’accès, <time datetime=\"2026-11-01T07:59:00Z\"",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("2026-11-01T07:00:00Z"), "each method once: {text}");
    assert!(text.find("near") < text.find("far"), "what decided comes first: {text}");
}

#[tokio::test]
async fn a_draft_is_tried_and_not_saved() {
    let (world, token) = with_token("/admin/users/new").await;
    let item = |before: &str| {
        json!({ "id": "s1", "userPrincipalName": "anna@ch-demo.example", "appDisplayName": "Dossier",
        "createdDateTime": "2026-11-01T08:00:00Z", "before": before, "after": "blocked" })
    };
    let replay = json!({ "signIns": 7, "counts": [{ "before": "granted", "after": "blocked", "signIns": 3 }],
        "value": [item("blocked"), item("granted")] });
    world
        .script
        .answer("POST /v1.0/identity/conditionalAccess/replay", 200, replay);
    let document = json!({ "id": ID, "displayName": "Pays", "state": "disabled", "conditions": {
        "users": { "includeUsers": ["All"] }, "applications": { "includeApplications": ["All"] },
        "clientAppTypes": ["all"] }, "grantControls": { "operator": "OR", "builtInControls": ["mfa"] } });
    let path = format!("GET /v1.0/identity/conditionalAccess/policies/{ID}");
    world.script.answer(&path, 200, document);
    let fields = [
        ("csrf", token.as_str()),
        ("step", "try"),
        ("name", "Un brouillon"),
        ("state", "enabledForReportingButNotEnforced"),
        ("who", "everybody"),
        ("what", "all"),
        ("grant", "block"),
    ];
    for (address, id) in [
        ("/admin/policies/new".to_owned(), Value::Null),
        (format!("/admin/policies/{ID}"), ID.into()),
    ] {
        world.script.asked.lock().clear();
        let page = world.client.post(&address, &fields).await;
        let text = page.text();
        assert!(text.contains("7 connexions évaluées"), "{text}");
        assert_eq!(text.matches("href=\"/admin/sign-ins/s1\"").count(), 1, "{text}");
        assert!(
            text.contains("value=\"Un brouillon\""),
            "what was typed is kept: {text}"
        );
        let sent = sent(&world);
        let [(line, body)] = &sent[..] else { panic!("{sent:?}") };
        assert!(line.starts_with("POST /identity/conditionalAccess/replay"), "{line}");
        assert_eq!(
            (&body["policy"]["state"], &body["policy"]["id"]),
            (&json!("enabled"), &id)
        );
    }
}
