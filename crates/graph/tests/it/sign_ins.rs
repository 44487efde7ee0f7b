//! The log of sign-ins.

use hygie_core::{ObjectId, Timestamp};
use hygie_directory::logs::new_id;
use hygie_directory::{AppliedPolicy, Authentications, SignInEntry, Signals, role};
use hygie_policy::strength::{Mode, Usage};
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, each, refusal, refused};

const LOG: &str = "/v1.0/auditLogs/signIns";

pub fn entry(world: &World, n: u128, error_code: u32) -> SignInEntry {
    let at = Timestamp::from_secs(1_795_000_000 + n as i64);
    SignInEntry {
        id: Uuid::from_u128(u128::try_from(at.millis()).expect("after 1970") << 80),
        at,
        correlation: Uuid::from_u128(n),
        user: world.nurse,
        user_principal_name: "anna.martin@ch-demo.example".to_owned(),
        user_display_name: "Anna Martin".to_owned(),
        app: hygie_directory::DIRECTORY_API,
        app_display_name: "Portal".to_owned(),
        targets: Vec::new(),
        contexts: Vec::new(),
        resource: None,
        address: Some([192, 0, 2, 7].into()),
        user_agent: Some("Mozilla/5.0 (Windows NT 10.0; Win64; x64)".to_owned()),
        client_app: "Browser".to_owned(),
        is_by_device_code: false,
        protocol: hygie_directory::SignInProtocol::default(),
        is_interactive: true,
        session: None,
        used: Authentications::of(Usage::of(Mode::Password), at),
        error_code,
        failure_reason: (error_code > 0).then(|| "refused".to_owned()),
        status: "failure".to_owned(),
        applied: vec![AppliedPolicy {
            id: Some(Uuid::from_u128(9).to_string()),
            display_name: "AC02".to_owned(),
            result: "failure".to_owned(),
            grant_controls: vec!["mfa".to_owned()],
            session_controls: Vec::new(),
            unmet: vec!["users".to_owned(), "location".to_owned()],
        }],
        is_emergency: false,
        refused_certificate: Vec::new(),
        signals: Signals::default(),
    }
}

/// An entry of now of somebody: whether they were there, and the number of the error.
pub async fn signed_in(world: &World, user: ObjectId, (is_interactive, error_code): (bool, u32)) {
    let cx = world.here();
    let entry = SignInEntry {
        id: new_id(&cx),
        at: cx.now,
        user,
        is_interactive,
        ..entry(world, 1, error_code)
    };
    world.directory.log_sign_in(&cx, entry).await.expect("an entry");
}

#[tokio::test]
async fn sign_ins_are_shown_the_latest_first() {
    let world = World::new().await;
    for n in 1..=5 {
        let entry = entry(&world, n, if n == 2 { 53_003 } else { 0 });
        world.directory.log_sign_in(&world.cx, entry).await.unwrap();
    }
    let caller = world.app(&["AuditLog.Read.All"]);
    let all = caller.json(LOG).await;
    let mut ids = each(&all, "id");
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");
    let first = &all["value"][0];
    assert_eq!(first["status"]["errorCode"], 0);
    assert_eq!(first["deviceDetail"]["operatingSystem"], "Windows10");
    assert_eq!(first["appliedConditionalAccessPolicies"][0]["displayName"], "AC02");
    assert_eq!(
        first["appliedConditionalAccessPolicies"][0]["analysisReasons"],
        "users,location"
    );
    assert_eq!(first["authenticationDetails"][0]["authenticationMethod"], "password");
    assert_eq!(first["ipAddress"], "192.0.2.7");
    let here = json!(world.tenant);
    assert_eq!((&first["resourceTenantId"], &first["homeTenantId"]), (&here, &here));
    assert_eq!(
        (&first["servicePrincipalId"], &first["servicePrincipalName"]),
        (&json!(""), &json!(null))
    );
    assert_eq!(first["authenticationAppDeviceDetails"], json!(null));
    let asked = caller
        .json(&format!("{LOG}?$orderby=createdDateTime%20desc&$top=2"))
        .await;
    assert_eq!(each(&asked, "id"), ids[..2]);
    let next = caller.json(asked["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(each(&next, "id"), ids[2..4]);
    let refused_ones = caller
        .json(&format!("{LOG}?$filter=status/errorCode%20eq%2053003"))
        .await;
    assert_eq!(each(&refused_ones, "id").len(), 1);
    let one = caller.json(&format!("{LOG}/{}", ids.remove(0))).await;
    assert_eq!(one["userPrincipalName"], "anna.martin@ch-demo.example");
    let stranger =
        json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": ["AuditLog.Read.All"] });
    assert_eq!(world.by(&stranger).json(LOG).await["value"], json!([]));
}

#[tokio::test]
async fn who_may_read_the_log() {
    let world = World::new().await;
    let denied = refused(403, "Authorization_RequestDenied");
    assert_eq!(refusal(&world.app(&["User.Read.All"]).get(LOG).await), denied);
    let person = world.person("AuditLog.Read.All");
    assert_eq!(
        refusal(&person.get(LOG).await),
        denied,
        "a scope of the program is no role of the person"
    );
    let directory = &world.directory;
    directory
        .assign_directory_role(&world.cx, world.nurse, role::SECURITY_READER)
        .await
        .unwrap();
    assert_eq!(person.get(LOG).await.status, 200);
    let missing = world
        .app(&["AuditLog.Read.All"])
        .get(&format!("{LOG}/{}", Uuid::from_u128(1)))
        .await;
    assert_eq!(refusal(&missing), refused(404, "Request_ResourceNotFound"));
}
