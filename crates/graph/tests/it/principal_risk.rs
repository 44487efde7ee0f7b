//! Risk of service principals.

use std::time::Duration;

use hygie_directory::logs::AlertKind;
use hygie_directory::role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, each, refusal, refused};

const PRINCIPALS: &str = "/v1.0/identityProtection/riskyServicePrincipals";
const DETECTIONS: &str = "/v1.0/identityProtection/servicePrincipalRiskDetections";
const WRITE: &[&str] = &["IdentityRiskyServicePrincipal.ReadWrite.All"];

fn of(world: &World) -> Value {
    json!({ "servicePrincipalIds": [world.portal.1.id] })
}

#[tokio::test]
async fn a_service_principal_is_at_risk_until_it_is_dismissed() {
    let world = World::new().await;
    let caller = world.app(WRITE);
    let one = format!("{PRINCIPALS}/{}", world.portal.1.id);
    assert_eq!(
        refusal(&caller.get(&one).await),
        refused(404, "Request_ResourceNotFound")
    );
    let mut report = of(&world);
    report["riskLevel"] = json!("medium");
    for (action, body, expected) in [
        ("report", &report, ["medium", "atRisk", "none"]),
        (
            "confirmCompromised",
            &of(&world),
            [
                "high",
                "confirmedCompromised",
                "adminConfirmedServicePrincipalCompromised",
            ],
        ),
        (
            "report",
            &report,
            [
                "high",
                "confirmedCompromised",
                "adminConfirmedServicePrincipalCompromised",
            ],
        ),
        (
            "microsoft.graph.dismiss",
            &of(&world),
            ["none", "dismissed", "adminDismissedAllRiskForServicePrincipal"],
        ),
    ] {
        caller.changed("POST", &format!("{PRINCIPALS}/{action}"), body).await;
        let now = caller.json(&one).await;
        let seen = ["riskLevel", "riskState", "riskDetail"].map(|name| now[name].as_str().unwrap_or("?").to_owned());
        assert_eq!(seen, expected, "{action}");
        world.clock.advance(Duration::from_secs(1));
    }
    let all = caller
        .json(&format!("{PRINCIPALS}?$filter=riskLevel%20eq%20'none'"))
        .await;
    let shown = &all["value"][0];
    assert_eq!(
        (
            &shown["appId"],
            &shown["displayName"],
            &shown["servicePrincipalType"],
            &shown["isEnabled"]
        ),
        (
            &json!(world.portal.0),
            &json!("PSC_BAS"),
            &json!("Application"),
            &json!(true)
        )
    );
}

/// A report, a confirmation and a dismissal.
async fn tell(world: &World) {
    let caller = world.app(WRITE);
    let mut report = of(world);
    report["riskLevel"] = json!("medium");
    for (action, body) in [
        ("report", report.clone()),
        ("confirmCompromised", of(world)),
        ("report", report),
        ("dismiss", of(world)),
    ] {
        caller.changed("POST", &format!("{PRINCIPALS}/{action}"), &body).await;
        world.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn what_was_told_of_a_service_principal_is_told_in_order() {
    let world = World::new().await;
    tell(&world).await;
    let caller = world.app(WRITE);
    let one = format!("{PRINCIPALS}/{}", world.portal.1.id);
    let history = caller.json(&format!("{one}/history")).await;
    assert_eq!(each(&history, "riskLevel"), ["medium", "high", "medium", "none"]);
    assert_eq!(
        each(&history, "servicePrincipalId"),
        vec![world.portal.1.id.to_string(); 4]
    );
    assert_eq!(history["value"][0]["initiatedBy"], json!(Uuid::from_u128(99)));
    let detections = caller.json(DETECTIONS).await;
    assert_eq!(
        each(&detections, "riskEventType"),
        ["generic", "adminConfirmedServicePrincipalCompromised", "generic"]
    );
    assert_eq!(each(&detections, "servicePrincipalDisplayName"), ["PSC_BAS"; 3]);
    assert_eq!(each(&detections, "riskState"), ["dismissed"; 3]);
    let first = &detections["value"][0];
    let found = caller
        .json(&format!("{DETECTIONS}/{}", first["id"].as_str().expect("an id")))
        .await;
    assert_eq!(found["activity"], "servicePrincipal");
}

#[tokio::test]
async fn risks_of_service_principals_are_apart() {
    let world = World::new().await;
    tell(&world).await;
    let one = format!("{PRINCIPALS}/{}", world.portal.1.id);
    // People have theirs apart, and so has every tenant.
    let people = world.app(&["IdentityRiskyUser.Read.All", "IdentityRiskEvent.Read.All"]);
    for path in ["riskyUsers", "riskDetections"] {
        assert_eq!(
            people.json(&format!("/v1.0/identityProtection/{path}")).await["value"],
            json!([])
        );
    }
    let other = json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": WRITE });
    for path in [PRINCIPALS, DETECTIONS] {
        assert_eq!(world.by(&other).json(path).await["value"], json!([]));
    }
    assert_eq!(world.by(&other).get(&one).await.status, 404);
    // What takes a risk away is an alert.
    let alerts = world.app(&["AuditLog.Read.All"]).json("/v1.0/auditLogs/alerts").await;
    assert_eq!(each(&alerts, "alertType")[0], AlertKind::PolicyChanged.as_str());
}

#[tokio::test]
async fn who_may_say_which_service_principals_are_risky() {
    let world = World::new().await;
    let said = of(&world);
    let denied = refused(403, "Authorization_RequestDenied");
    let dismiss = format!("{PRINCIPALS}/dismiss");
    let reader = world.app(&["IdentityRiskyServicePrincipal.Read.All"]);
    assert_eq!(reader.get(PRINCIPALS).await.status, 200);
    assert_eq!(refusal(&reader.send("POST", &dismiss, &said).await), denied);
    let of_people = world.app(&["IdentityRiskyUser.ReadWrite.All", "IdentityRiskEvent.ReadWrite.All"]);
    assert_eq!(refusal(&of_people.get(PRINCIPALS).await), denied);
    assert_eq!(refusal(&of_people.get(DETECTIONS).await), denied);
    let person = world.person("IdentityRiskyServicePrincipal.ReadWrite.All");
    assert_eq!(refusal(&person.send("POST", &dismiss, &said).await), denied);
    let directory = &world.directory;
    let given = directory
        .assign_directory_role(&world.cx, world.nurse, role::SECURITY_READER)
        .await;
    given.expect("a role");
    assert_eq!(person.get(DETECTIONS).await.status, 200);
    assert_eq!(refusal(&person.send("POST", &dismiss, &said).await), denied);
    let caller = world.app(WRITE);
    for (action, body) in [
        ("dismiss", json!({ "servicePrincipalIds": [] })),
        ("dismiss", json!({ "servicePrincipalIds": [world.nurse] })),
        ("dismiss", json!({ "userIds": [world.portal.1.id] })),
        ("dismiss", json!({ "servicePrincipalIds": vec![world.portal.1.id; 61] })),
        (
            "report",
            json!({ "servicePrincipalIds": [world.portal.1.id], "riskLevel": "none" }),
        ),
        ("report", json!({ "servicePrincipalIds": [world.portal.1.id] })),
    ] {
        let answer = caller.send("POST", &format!("{PRINCIPALS}/{action}"), &body).await;
        assert_eq!(answer.status, 400, "{action} {body}");
    }
    assert_eq!(caller.json(PRINCIPALS).await["value"], json!([]), "all or none");
}

#[tokio::test]
async fn a_policy_for_workloads_at_risk_is_enabled_and_asked_about() {
    let world = World::new().await;
    let admin = world.app(&[
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.Read.All",
        "Application.Read.All",
    ]);
    let policy = json!({
        "displayName": "Workloads at risk",
        "state": "enabled",
        "conditions": {
            "applications": { "includeApplications": ["All"] },
            "clientApplications": { "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] },
            "clientAppTypes": ["all"],
            "servicePrincipalRiskLevels": ["medium", "high"],
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    });
    let made = admin.made("/v1.0/identity/conditionalAccess/policies", &policy).await;
    assert_eq!(
        made["conditions"]["servicePrincipalRiskLevels"],
        json!(["medium", "high"])
    );
    let ask = |id: Value, risk: &str| {
        json!({ "appliedPoliciesOnly": true,
            "signInIdentity": { "@odata.type": "#microsoft.graph.servicePrincipalSignIn", "servicePrincipalId": id },
            "signInContext": { "@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": [world.portal.0] },
            "signInConditions": { "servicePrincipalRiskLevel": risk } })
    };
    // Graph names it by the id of its application.
    for (id, risk, expected) in [
        (json!(world.portal.1.id), "high", vec!["Workloads at risk"]),
        (json!(world.portal.0), "medium", vec!["Workloads at risk"]),
        (json!(world.portal.0), "low", vec![]),
        (json!(world.portal.0), "none", vec![]),
    ] {
        let answer = admin
            .send("POST", "/v1.0/identity/conditionalAccess/evaluate", &ask(id, risk))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(each(&answer.json(), "displayName"), expected, "{risk}");
    }
}
