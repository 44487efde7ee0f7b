//! What is said of people and of sign-ins.

use std::time::Duration;

use hygie_core::Clock;
use serde_json::json;

use crate::sheets::{ID, sent, with_token};

#[tokio::test]
async fn somebody_is_reported_or_known_to_be_compromised() {
    for (level, action, body) in [
        ("medium", "report", json!({ "userIds": [ID], "riskLevel": "medium" })),
        ("compromised", "confirmCompromised", json!({ "userIds": [ID] })),
    ] {
        let (world, token) = with_token("/admin/users/new").await;
        let fields = [
            ("csrf", token.as_str()),
            ("person", "anna@ch-demo.example"),
            ("level", level),
        ];
        let answer = world.client.post("/admin/risk/report", &fields).await;
        assert_eq!(answer.location(), "/admin/risk?done=risk-said");
        let address = format!("POST /identityProtection/riskyUsers/{action}");
        assert_eq!(sent(&world), [(address, body)]);
    }
}

#[tokio::test]
async fn nobody_is_reported_by_a_name_that_is_not_there() {
    let (world, token) = with_token("/admin/users/new").await;
    world.script.answer("GET /v1.0/users/", 404, json!({}));
    let fields = [
        ("csrf", token.as_str()),
        ("person", "nobody@ch-demo.example"),
        ("level", "low"),
    ];
    let page = world.client.post("/admin/risk/report", &fields).await;
    let text = page.text();
    assert!(
        text.contains("notice danger") && text.contains("value=\"nobody@ch-demo.example\""),
        "{text}"
    );
    assert_eq!(sent(&world), []);
}

#[tokio::test]
async fn a_risk_of_sign_ins_has_an_end_and_is_withdrawn() {
    let (world, token) = with_token("/admin/users/new").await;
    let fields = [
        ("csrf", token.as_str()),
        ("ranges", "192.0.2.0/24\r\n2001:db8::/32"),
        ("supplied-level", "high"),
        ("days", "90"),
        ("description", "Bulletin 42"),
    ];
    let answer = world.client.post("/admin/risk/supply", &fields).await;
    assert_eq!(answer.location(), "/admin/risk?done=risk-supplied", "{}", answer.text());
    let made = sent(&world);
    let (line, body) = &made[0];
    assert_eq!(line, "POST /identityProtection/suppliedRisks");
    assert_eq!(body["ipRanges"][1]["@odata.type"], "#microsoft.graph.iPv6CidrRange");
    assert_eq!(
        (&body["riskLevel"], &body["userIds"], &body["description"]),
        (&json!("high"), &json!([]), &json!("Bulletin 42"))
    );
    let end = world.clock.now() + Duration::from_hours(24 * 90);
    assert_eq!(body["endDateTime"], end.to_rfc3339());
    world.script.asked.lock().clear();
    let fields = [("csrf", token.as_str()), ("step", "withdraw"), ("item", "a/b")];
    world.client.post("/admin/risk/withdraw", &fields).await;
    assert_eq!(sent(&world)[0].0, "DELETE /identityProtection/suppliedRisks/a%2Fb");
}

#[tokio::test]
async fn a_risk_ends_when_the_page_offers_it() {
    let (world, token) = with_token("/admin/users/new").await;
    for days in ["many", "", "0", "2", "100000", "-1"] {
        let fields = [
            ("csrf", token.as_str()),
            ("supplied-level", "high"),
            ("days", days),
            ("description", "Bulletin 42"),
        ];
        let page = world.client.post("/admin/risk/supply", &fields).await;
        let text = page.text();
        assert!(
            text.contains("Choisissez une des durées") && text.contains("Bulletin 42"),
            "{days}: {text}"
        );
        assert_eq!(sent(&world), [], "{days}");
    }
}

#[tokio::test]
async fn a_risk_is_of_people_and_of_no_group() {
    let (world, token) = with_token("/admin/users/new").await;
    world
        .script
        .answer("GET /v1.0/groups", 200, json!({ "value": [{ "id": "a1" }] }));
    for (page, field) in [("report", "person"), ("supply", "people")] {
        let fields = [
            ("csrf", token.as_str()),
            (field, "anna@ch-demo.example\r\nSoins"),
            ("level", "high"),
            ("supplied-level", "high"),
            ("days", "7"),
        ];
        let page = world.client.post(&format!("/admin/risk/{page}"), &fields).await;
        let text = page.text();
        assert!(text.contains("n’est pas un nom d’utilisateur"), "{text}");
        assert_eq!(sent(&world), []);
    }
}

#[tokio::test]
async fn a_risk_is_dismissed_and_a_compromise_wants_the_box() {
    let (world, token) = with_token("/admin/users/new").await;
    let page = format!("/admin/risk/{ID}");
    let fields = [("csrf", token.as_str()), ("step", "confirm")];
    assert_eq!(world.client.post(&page, &fields).await.status, 404);
    assert_eq!(sent(&world), []);
    for (fields, action) in [
        (vec![("step", "dismiss")], "dismiss"),
        (vec![("step", "safe")], "confirmSafe"),
        (vec![("step", "confirm"), ("sure", "yes")], "confirmCompromised"),
    ] {
        let fields = [vec![("csrf", token.as_str())], fields].concat();
        let answer = world.client.post(&page, &fields).await;
        assert_eq!(answer.location(), format!("{page}?done=risk-said"));
        let address = format!("POST /identityProtection/riskyUsers/{action}");
        assert_eq!(sent(&world), [(address, json!({ "userIds": [ID] }))]);
        world.script.asked.lock().clear();
    }
}

#[tokio::test]
async fn the_history_of_somebody_has_the_last_first() {
    let (world, _) = with_token("/admin/users/new").await;
    let told = |at: &str, level: &str, detail: &str| json!({ "riskLastUpdatedDateTime": at, "riskLevel": level, "riskState": "atRisk", "riskDetail": detail });
    let all = [
        told("2026-11-01T08:00:00Z", "high", "none"),
        told("2026-11-02T08:00:00Z", "none", "adminConfirmedAccountSafe"),
    ];
    let person = format!("GET /v1.0/identityProtection/riskyUsers/{ID}");
    world
        .script
        .answer(&format!("{person}/history"), 200, json!({ "value": all }));
    let page = world.client.get(&format!("/admin/risk/{ID}")).await;
    let text = page.text();
    let places = ["a confirmé que le compte est sûr", "Risque élevé"].map(|told| text.find(told).expect(told));
    assert!(places[0] < places[1], "{text}");
}
