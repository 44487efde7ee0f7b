//! Sign-ins of applications by themselves in the log of sign-ins.

use hygie_core::{ObjectId, Timestamp};
use hygie_directory::{AppSignInEntry, Signals};
use uuid::Uuid;

use crate::sign_ins::signed_in;
use crate::world::{World, each, refusal, refused};

const LOG: &str = "/v1.0/auditLogs/signIns";

fn entry(world: &World, n: u128, is_managed: bool) -> AppSignInEntry {
    let at = Timestamp::from_secs(1_795_000_000 + n as i64);
    AppSignInEntry {
        id: Uuid::from_u128(u128::try_from(at.millis()).expect("after 1970") << 80),
        at,
        count: 3,
        correlation: Uuid::from_u128(n),
        principal: ObjectId::from_uuid(Uuid::from_u128(n)),
        app: world.portal.0,
        display_name: format!("App {n}"),
        is_managed,
        resource: Some((hygie_directory::DIRECTORY_API, "Directory API".to_owned())),
        address: Some([192, 0, 2, 9].into()),
        credential: "clientSecret".to_owned(),
        error_code: if n == 2 { 7_000_215 } else { 0 },
        failure_reason: None,
        status: "notApplied".to_owned(),
        applied: Vec::new(),
        signals: Signals::default(),
    }
}

fn filter(text: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("$filter", text)
        .finish();
    format!("{LOG}?{query}")
}

#[tokio::test]
async fn sign_ins_of_applications_are_told_to_who_asks_for_them() {
    let world = World::new().await;
    signed_in(&world, world.nurse, (true, 0)).await;
    let entries = vec![entry(&world, 1, false), entry(&world, 2, false), entry(&world, 3, true)];
    let id = entries[0].id;
    let logged = world.directory.log_app_sign_ins(&world.here(), entries).await;
    logged.expect("they are written");
    let caller = world.app(&["AuditLog.Read.All"]);
    let people = caller.json(LOG).await;
    assert_eq!(each(&people, "userPrincipalName"), ["anna.martin@ch-demo.example"]);
    for (text, expected) in [
        ("signInEventTypes/any(t: t eq 'interactiveUser')", vec!["?"]),
        ("signInEventTypes/any(t: t eq 'nonInteractiveUser')", vec![]),
        (
            "signInEventTypes/any(t: t eq 'servicePrincipal')",
            vec!["App 2", "App 1"],
        ),
        ("signInEventTypes/any(t: t eq 'managedIdentity')", vec!["App 3"]),
        (
            "signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'managedIdentity')",
            vec!["App 3", "App 2", "App 1"],
        ),
        (
            "signInEventTypes/any(t: t eq 'servicePrincipal') and status/errorCode eq 7000215",
            vec!["App 2"],
        ),
        (
            "signInEventTypes/any(t: t eq 'servicePrincipal') and servicePrincipalName eq 'App 1'",
            vec!["App 1"],
        ),
    ] {
        let page = caller.json(&filter(text)).await;
        assert_eq!(each(&page, "servicePrincipalName"), expected, "{text}");
    }
    let one = caller.json(&format!("{LOG}/{id}")).await;
    assert_eq!(one["signInEventTypes"], serde_json::json!(["servicePrincipal"]));
    let told = ["signInCount", "clientCredentialType", "isInteractive", "userId"].map(|name| one[name].clone());
    assert_eq!(
        serde_json::json!(told),
        serde_json::json!([3, "clientSecret", false, null])
    );
    for wrong in [
        "signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'interactiveUser')",
        "signInEventTypes/any(t: t ne 'servicePrincipal')",
        "signInEventTypes/any(t: t eq 'robot')",
    ] {
        let answer = caller.get(&filter(wrong)).await;
        assert_eq!(refusal(&answer).0, 400, "{wrong}: {}", answer.text());
    }
    let nobody = world.app(&["User.Read.All"]).get(LOG).await;
    assert_eq!(refusal(&nobody), refused(403, "Authorization_RequestDenied"));
}
