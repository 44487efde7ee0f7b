//! Risk of people and of sign-ins.

use std::time::Duration;

use hygie_core::{Clock as _, ObjectId};
use hygie_directory::role;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, each, refusal, refused};

const USERS: &str = "/v1.0/identityProtection/riskyUsers";
const SUPPLIED: &str = "/v1.0/identityProtection/suppliedRisks";
const WRITE_USERS: &[&str] = &["IdentityRiskyUser.ReadWrite.All"];
const WRITE_EVENTS: &[&str] = &["IdentityRiskEvent.ReadWrite.All"];

fn of(user: ObjectId) -> Value {
    json!({ "userIds": [user] })
}

fn supplied(world: &World) -> Value {
    let end = (world.clock.now() + Duration::from_hours(1)).to_rfc3339();
    json!({ "riskLevel": "high", "riskEventType": "maliciousIPAddress", "endDateTime": end, "description": "Tor",
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24" }] })
}

#[tokio::test]
async fn who_is_said_to_be_compromised_is_risky_until_it_is_dismissed() {
    let world = World::new().await;
    let caller = world.app(WRITE_USERS);
    assert_eq!(caller.json(USERS).await["value"], json!([]));
    let one = format!("{USERS}/{}", world.nurse);
    let missing = refused(404, "Request_ResourceNotFound");
    assert_eq!(refusal(&caller.get(&one).await), missing);
    caller
        .changed(
            "POST",
            &format!("{USERS}/report"),
            &json!({ "userIds": [world.nurse], "riskLevel": "low" }),
        )
        .await;
    let low = caller.json(&one).await;
    assert_eq!(
        (&low["riskLevel"], &low["riskState"], &low["riskDetail"]),
        (&json!("low"), &json!("atRisk"), &json!("none"))
    );
    caller
        .changed("POST", &format!("{USERS}/confirmCompromised"), &of(world.nurse))
        .await;
    let page = caller.json(&format!("{USERS}?$filter=riskLevel%20eq%20'high'")).await;
    assert_eq!(each(&page, "userPrincipalName"), ["anna.martin@ch-demo.example"]);
    assert_eq!(each(&page, "riskState"), ["confirmedCompromised"]);
    assert_eq!(each(&page, "riskDetail"), ["adminConfirmedUserCompromised"]);
    caller
        .changed("POST", &format!("{USERS}/microsoft.graph.dismiss"), &of(world.nurse))
        .await;
    let after = caller.json(&one).await;
    assert_eq!(
        (&after["riskLevel"], &after["riskState"]),
        (&json!("none"), &json!("dismissed"))
    );
    // Each is in the log of changes.
    let log = world
        .app(&["AuditLog.Read.All"])
        .json("/v1.0/auditLogs/directoryAudits")
        .await;
    let names = each(&log, "activityDisplayName");
    for name in ["Report user risk", "Confirm user compromised", "Dismiss user risk"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
}

#[tokio::test]
async fn what_was_told_of_somebody_is_told_in_order() {
    let world = World::new().await;
    let caller = world.app(&["IdentityRiskyUser.ReadWrite.All", "IdentityRiskEvent.Read.All"]);
    let history = format!("{USERS}/{}/history", world.nurse);
    assert_eq!(caller.get(&history).await.status, 404, "nothing was ever told");
    let report = json!({ "userIds": [world.nurse], "riskLevel": "medium" });
    for (action, body) in [
        ("report", report.clone()),
        ("confirmCompromised", of(world.nurse)),
        ("confirmSafe", of(world.nurse)),
    ] {
        caller.changed("POST", &format!("{USERS}/{action}"), &body).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let page = caller.json(&history).await;
    assert_eq!(each(&page, "riskLevel"), ["medium", "high", "none"]);
    assert_eq!(
        each(&page, "riskState"),
        ["atRisk", "confirmedCompromised", "confirmedSafe"]
    );
    assert_eq!(page["value"][2]["activity"]["detail"], "adminConfirmedAccountSafe");
    assert_eq!(page["value"][0]["initiatedBy"], json!(Uuid::from_u128(99)));
    let now = caller.json(&format!("{USERS}/{}", world.nurse)).await;
    assert_eq!(now["riskState"], "confirmedSafe");
    // Of these the ones that told risk are detections.
    let detections = "/v1.0/identityProtection/riskDetections";
    let page = caller.json(detections).await;
    assert_eq!(
        each(&page, "riskEventType"),
        ["generic", "adminConfirmedUserCompromised"]
    );
    assert_eq!(each(&page, "userDisplayName"), ["Anna Martin"; 2]);
    let found = caller
        .json(&format!("{detections}?$filter=riskLevel%20eq%20'high'"))
        .await;
    let id = each(&found, "id").remove(0);
    assert_eq!(caller.json(&format!("{detections}/{id}")).await, {
        let mut one = found["value"][0].clone();
        one["@odata.context"] = json!(format!(
            "{}/v1.0/$metadata#identityProtection/riskDetections/$entity",
            crate::world::BASE
        ));
        one
    });
    assert_eq!(caller.get(&format!("{detections}/{}", world.nurse)).await.status, 404);
    let other = world.by(&json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse,
        "roles": ["IdentityRiskyUser.ReadWrite.All", "IdentityRiskEvent.Read.All"] }));
    assert_eq!(each(&other.json(detections).await, "id"), [""; 0]);
    assert_eq!(other.get(&history).await.status, 404);
    assert_eq!(other.get(&format!("{detections}/{id}")).await.status, 404);
    assert_eq!(world.app(&["User.Read.All"]).get(detections).await.status, 403);
    // A hundred are kept.
    for _ in 0..105 {
        caller.changed("POST", &format!("{USERS}/report"), &report).await;
    }
    let number = caller.json(&format!("{history}?$top=999")).await["value"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(number, 100);
}

#[tokio::test]
async fn a_detection_stands_as_was_said_of_it_since() {
    let world = World::new().await;
    let caller = world.app(&["IdentityRiskyUser.ReadWrite.All", "IdentityRiskEvent.Read.All"]);
    let detections = "/v1.0/identityProtection/riskDetections";
    let report = json!({ "userIds": [world.nurse], "riskLevel": "medium" });
    for (action, body) in [
        ("report", report.clone()),
        ("confirmCompromised", of(world.nurse)),
        ("confirmSafe", of(world.nurse)),
    ] {
        caller.changed("POST", &format!("{USERS}/{action}"), &body).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let page = caller.json(detections).await;
    assert_eq!(each(&page, "riskState"), ["confirmedSafe"; 2]);
    assert_eq!(each(&page, "riskDetail"), ["adminConfirmedAccountSafe"; 2]);
    // How high they were, and when, stays.
    assert_eq!(each(&page, "riskLevel"), ["medium", "high"]);
    let first = &page["value"][0];
    assert_ne!(first["lastUpdatedDateTime"], first["detectedDateTime"]);
    let one = format!("{detections}/{}", first["id"].as_str().unwrap());
    assert_eq!(caller.json(&one).await["riskState"], "confirmedSafe");
    caller.changed("POST", &format!("{USERS}/report"), &report).await;
    let page = caller.json(detections).await;
    assert_eq!(each(&page, "riskState"), ["confirmedSafe", "confirmedSafe", "atRisk"]);
}

#[tokio::test]
async fn what_is_said_of_nobody_or_wrongly_is_refused_whole() {
    let world = World::new().await;
    let caller = world.app(WRITE_USERS);
    let stranger = ObjectId::from_uuid(Uuid::from_u128(7));
    for (action, body) in [
        ("confirmCompromised", json!({ "userIds": [] })),
        ("confirmCompromised", json!({ "userIds": [world.nurse, stranger] })),
        (
            "confirmCompromised",
            json!({ "userIds": [world.nurse], "riskLevel": "high" }),
        ),
        ("dismiss", json!({ "userIds": vec![world.nurse; 61] })),
        ("dismiss", json!({ "users": [world.nurse] })),
        ("report", json!({ "userIds": [world.nurse] })),
        ("report", json!({ "userIds": [world.nurse], "riskLevel": "none" })),
        ("report", json!({ "userIds": [world.nurse], "riskLevel": "enormous" })),
    ] {
        let answer = caller.send("POST", &format!("{USERS}/{action}"), &body).await;
        assert_eq!(answer.status, 400, "{action} {body}: {}", answer.text());
    }
    assert_eq!(caller.json(USERS).await["value"], json!([]));
}

#[tokio::test]
async fn a_risk_of_sign_ins_is_supplied_and_taken_back() {
    let world = World::new().await;
    let caller = world.app(WRITE_EVENTS);
    let made = caller.made(SUPPLIED, &supplied(&world)).await;
    assert_eq!(made["riskEventType"], "maliciousIPAddress");
    assert!(made["createdDateTime"].is_string(), "{made}");
    let one = format!("{SUPPLIED}/{}", made["id"].as_str().unwrap());
    assert_eq!(caller.json(&one).await["ipRanges"][0]["cidrAddress"], "198.51.100.0/24");
    assert_eq!(caller.json(SUPPLIED).await["value"].as_array().unwrap().len(), 1);
    caller.changed("DELETE", &one, &Value::Null).await;
    let missing = refused(404, "Request_ResourceNotFound");
    assert_eq!(refusal(&caller.get(&one).await), missing);
    assert_eq!(refusal(&caller.send("DELETE", &one, &Value::Null).await), missing);
    for (name, value) in [
        ("riskLevel", json!("none")),
        ("endDateTime", json!("2001-01-01T00:00:00Z")),
        ("ipRanges", json!([])),
        ("userIds", json!([Uuid::from_u128(7)])),
        ("id", json!("mine")),
        ("colour", json!("red")),
    ] {
        let mut document = supplied(&world);
        document[name] = value;
        let answer = caller.send("POST", SUPPLIED, &document).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn who_may_say_what_is_risky() {
    let world = World::new().await;
    let denied = refused(403, "Authorization_RequestDenied");
    let scopes = "IdentityRiskyUser.ReadWrite.All IdentityRiskEvent.ReadWrite.All";
    let compromise = format!("{USERS}/confirmCompromised");
    let person = world.person(scopes);
    for path in [USERS, SUPPLIED] {
        assert_eq!(refusal(&person.get(path).await), denied, "{path} without a role");
        assert_eq!(refusal(&world.app(&["User.Read.All"]).get(path).await), denied);
    }
    let give = async |role| {
        let given = world
            .directory
            .assign_directory_role(&world.cx, world.nurse, role)
            .await;
        given.expect("a role").id
    };
    let reader = give(role::SECURITY_READER).await;
    assert_eq!(person.get(USERS).await.status, 200);
    assert_eq!(
        refusal(&person.send("POST", &compromise, &of(world.nurse)).await),
        denied
    );
    assert_eq!(refusal(&person.send("POST", SUPPLIED, &supplied(&world)).await), denied);
    world
        .directory
        .remove_role_assignment(&world.cx, reader)
        .await
        .expect("taken");
    give(role::SECURITY_OPERATOR).await;
    assert_eq!(person.send("POST", &compromise, &of(world.nurse)).await.status, 204);
    assert_eq!(person.send("POST", SUPPLIED, &supplied(&world)).await.status, 201);
    let only_read = world.app(&["IdentityRiskyUser.Read.All", "IdentityRiskEvent.Read.All"]);
    assert_eq!(only_read.get(USERS).await.status, 200);
    assert_eq!(
        refusal(&only_read.send("POST", &compromise, &of(world.nurse)).await),
        denied
    );
    assert_eq!(
        refusal(&only_read.send("POST", SUPPLIED, &supplied(&world)).await),
        denied
    );
}
