//! Policies for the lifetime of tokens, and what they are given to.

use hygie_directory::GLOBAL_ADMINISTRATOR;
use serde_json::{Value, json};

use crate::world::{World, each, refusal, refused};

const POLICIES: &str = "/v1.0/policies/tokenLifetimePolicies";
const ADMINISTRATOR: &[&str] = &[
    "Policy.ReadWrite.ApplicationConfiguration",
    "Application.ReadWrite.All",
    "AuditLog.Read.All",
];

fn policy(name: &str, lifetime: &str) -> Value {
    let definition = json!({ "TokenLifetimePolicy": { "Version": 1, "AccessTokenLifetime": lifetime } });
    json!({ "displayName": name, "definition": [definition.to_string()], "isOrganizationDefault": false })
}

/// The body that refers to a policy.
fn reference(id: &Value) -> Value {
    json!({ "@odata.id": format!("https://graph.microsoft.com{POLICIES}/{}", id.as_str().expect("an id")) })
}

#[tokio::test]
async fn policies_are_made_changed_and_removed() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let made = caller.made(POLICIES, &policy("Web", "4:00:00")).await;
    let names = ["displayName", "description", "isOrganizationDefault", "deletedDateTime"];
    let of = |shown: &Value| json!(names.map(|name| shown[name].clone()));
    assert_eq!(of(&made), json!(["Web", null, false, null]));
    let one = format!("{POLICIES}/{}", made["id"].as_str().expect("an id"));
    caller
        .changed("PATCH", &one, &json!({ "isOrganizationDefault": true }))
        .await;
    let second = caller.made(POLICIES, &policy("Short", "00:10:00")).await;
    let two = format!("{POLICIES}/{}", second["id"].as_str().expect("an id"));
    let clash = caller
        .send("PATCH", &two, &json!({ "isOrganizationDefault": true }))
        .await;
    assert_eq!(refusal(&clash), refused(400, "BadRequest"));
    assert!(clash.text().contains("'Web' is the policy for all"), "{}", clash.text());
    let listed = caller
        .json(&format!("{POLICIES}?$filter=isOrganizationDefault%20eq%20true"))
        .await;
    assert_eq!(each(&listed, "displayName"), ["Web"]);
    caller.changed("DELETE", &one, &Value::Null).await;
    assert_eq!(caller.get(&one).await.status, 404);
    let left = caller.json(POLICIES).await;
    assert_eq!(each(&left, "displayName"), ["Short"]);
}

#[tokio::test]
async fn what_entra_retired_and_what_is_no_lifetime_is_refused_with_its_reason() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let old = r#"{"TokenLifetimePolicy":{"Version":1,"MaxInactiveTime":"30.00:00:00"}}"#;
    for (change, why) in [
        (json!({ "definition": [] }), "definition must have one text"),
        (
            json!({ "definition": ["04:00:00"] }),
            "definition[0] must be the text of a JSON object",
        ),
        (json!({ "definition": [old] }), "MaxInactiveTime was retired"),
        (policy("A day and more", "1.00:00:01"), "from ten minutes"),
        (policy("Nine minutes", "00:09:00"), "from ten minutes"),
        (policy("", "04:00:00"), "displayName"),
        (json!({ "lifetime": 4 }), "lifetime: there is no such member"),
        (
            json!({ "id": "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009" }),
            "id: cannot be changed",
        ),
    ] {
        let mut body = policy("Web", "4:00:00");
        let members = body.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        let answer = caller.send("POST", POLICIES, &body).await;
        assert_eq!(answer.status, 400, "{change}");
        assert!(answer.text().contains(why), "{change}: {}", answer.text());
    }
    assert_eq!(each(&caller.json(POLICIES).await, "id"), Vec::<String>::new());
}

#[tokio::test]
async fn an_application_and_a_principal_are_given_one_policy_each() {
    let world = World::new().await;
    let caller = world.app(ADMINISTRATOR);
    let [web, short] = [("Web", "4:00:00"), ("Short", "00:10:00")].map(|(name, life)| policy(name, life));
    let (web, short) = (caller.made(POLICIES, &web).await, caller.made(POLICIES, &short).await);
    let application = caller.json("/v1.0/applications").await["value"][0]["id"].clone();
    let application = format!("/v1.0/applications/{}", application.as_str().expect("an id"));
    let principal = format!("/v1.0/servicePrincipals/{}", world.portal.1.id);
    for of in [&application, &principal] {
        let given = format!("{of}/tokenLifetimePolicies");
        caller
            .changed("POST", &format!("{given}/$ref"), &reference(&web["id"]))
            .await;
        assert_eq!(each(&caller.json(&given).await, "displayName"), ["Web"]);
        let another = caller
            .send("POST", &format!("{given}/$ref"), &reference(&short["id"]))
            .await;
        assert_eq!(refusal(&another), refused(400, "BadRequest"));
    }
    let by_key = format!(
        "/v1.0/servicePrincipals(appId='{}')/tokenLifetimePolicies",
        world.portal.0
    );
    assert_eq!(each(&caller.json(&by_key).await, "displayName"), ["Web"]);
    let web = web["id"].as_str().expect("an id");
    let applies = format!("{POLICIES}/{web}/appliesTo");
    let mut kinds = each(&caller.json(&applies).await, "@odata.type");
    kinds.sort();
    assert_eq!(
        kinds,
        ["#microsoft.graph.application", "#microsoft.graph.servicePrincipal"]
    );
    let taken = format!("{principal}/tokenLifetimePolicies/{web}/$ref");
    caller.changed("DELETE", &taken, &Value::Null).await;
    assert_eq!(caller.send("DELETE", &taken, &Value::Null).await.status, 404);
    assert_eq!(
        each(&caller.json(&applies).await, "@odata.type"),
        ["#microsoft.graph.application"]
    );
    // A policy that is removed is no longer the application's, and its place is free.
    caller
        .changed("DELETE", &format!("{POLICIES}/{web}"), &Value::Null)
        .await;
    let given = format!("{application}/tokenLifetimePolicies");
    assert_eq!(each(&caller.json(&given).await, "id"), Vec::<String>::new());
    caller
        .changed("POST", &format!("{given}/$ref"), &reference(&short["id"]))
        .await;
    let log = caller.json("/v1.0/auditLogs/directoryAudits").await;
    let told = each(&log, "activityDisplayName");
    for activity in [
        "Add policy",
        "Add policy to application",
        "Add policy to service principal",
        "Remove policy from service principal",
        "Delete policy",
    ] {
        assert!(told.iter().any(|one| one == activity), "{activity} in {told:?}");
    }
    let alerts = caller.get("/v1.0/auditLogs/alerts").await;
    assert!(alerts.text().contains("policyChanged"), "{}", alerts.text());
}

#[tokio::test]
async fn who_may_not_changes_nothing() {
    let world = World::new().await;
    let reader = world.app(&["Policy.Read.All", "Application.ReadWrite.All"]);
    assert_eq!(
        reader.send("POST", POLICIES, &policy("Web", "4:00:00")).await.status,
        403
    );
    assert_eq!(reader.get(POLICIES).await.status, 200);
    assert_eq!(world.app(&["Application.Read.All"]).get(POLICIES).await.status, 403);
    let scopes = "Policy.ReadWrite.ApplicationConfiguration Application.ReadWrite.All";
    assert_eq!(world.person(scopes).get(POLICIES).await.status, 403, "without a role");
    let directory = &world.directory;
    let assigned = directory
        .assign_directory_role(&world.here(), world.nurse, GLOBAL_ADMINISTRATOR)
        .await;
    assigned.expect("a role");
    let made = world.person(scopes).made(POLICIES, &policy("Web", "4:00:00")).await;
    // Who may give policies may not give them to any application.
    let writer = world.app(&["Policy.ReadWrite.ApplicationConfiguration", "Application.Read.All"]);
    let of = format!(
        "/v1.0/servicePrincipals/{}/tokenLifetimePolicies/$ref",
        world.portal.1.id
    );
    assert_eq!(writer.send("POST", &of, &reference(&made["id"])).await.status, 403);
    let missing = json!("5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0009");
    let owner = world.app(ADMINISTRATOR);
    assert_eq!(owner.send("POST", &of, &reference(&missing)).await.status, 404);
    let elsewhere = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{}", world.nurse) });
    assert_eq!(owner.send("POST", &of, &elsewhere).await.status, 400);
}
