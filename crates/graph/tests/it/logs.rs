//! The logs of changes and sign-ins as they are asked for: filters, exports, alerts, the report on second factors, and a draft
//! of a policy on what was recorded.

use std::time::Duration;

use hygie_directory::logs::new_id;
use hygie_directory::{Authentications, DIRECTORY_API, SignInEntry};
use hygie_policy::strength::{Mode, Usage};
use hygie_testkit::Answer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::sign_ins::entry;
use crate::world::{By, World, each, refusal, refused, user};

const SIGN_INS: &str = "/v1.0/auditLogs/signIns";
const CHANGES: &str = "/v1.0/auditLogs/directoryAudits";
const ALERTS: &str = "/v1.0/auditLogs/alerts";
const GAPS: &str = "/v1.0/reports/multiFactorGaps";
const REPLAY: &str = "/v1.0/identity/conditionalAccess/replay";
const ADMINISTRATOR: &[&str] = &[
    "AuditLog.Read.All",
    "User.ReadWrite.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
];

fn with(path: &str, filter: &str) -> String {
    format!("{path}?$filter={}", filter.replace(' ', "%20").replace('\'', "%27"))
}

impl By<'_> {
    /// Everything that a filter finds, a line each.
    async fn lines(&self, path: &str) -> Vec<Value> {
        let answer = self.accepting(path, "application/x-ndjson").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/x-ndjson");
        let lines = answer
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        lines.collect()
    }
}

impl World {
    /// Sign-ins of the nurse, ten seconds apart.
    async fn signed_in(&self, count: u32, make: impl Fn(u32, SignInEntry) -> SignInEntry) {
        for n in 0..count {
            self.clock.advance(Duration::from_secs(10));
            let cx = self.here();
            let made = SignInEntry {
                id: new_id(&cx),
                at: cx.now,
                used: Authentications::of(Usage::of(Mode::Password), cx.now),
                ..entry(self, 1, 0)
            };
            let written = self.directory.log_sign_in(&cx, make(n, made)).await;
            written.expect("an entry");
        }
    }
}

#[tokio::test]
async fn a_change_by_the_directory_api_is_in_the_log() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    world.clock.advance(Duration::from_mins(1));
    let since = world.here().now.to_rfc3339();
    let nurse = format!("/v1.0/users/{}", world.nurse);
    admin
        .changed("PATCH", &nurse, &json!({ "jobTitle": "Cadre de santé" }))
        .await;
    let group = json!({ "displayName": "Bloc", "mailEnabled": false, "mailNickname": "bloc", "securityEnabled": true });
    admin.made("/v1.0/groups", &group).await;
    let all = admin
        .json(&with(CHANGES, &format!("activityDateTime ge {since}")))
        .await;
    let mut names = each(&all, "activityDisplayName");
    names.sort_unstable();
    assert_eq!(names, ["Add group", "Update user"]);
    let of_nurse = format!(
        "targetResources/any(t:t/id eq '{}') and activityDateTime ge {since}",
        world.nurse
    );
    let found = admin.json(&with(CHANGES, &of_nurse)).await;
    let change = &found["value"][0];
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
    assert_eq!(change["category"], "UserManagement");
    assert_eq!(change["result"], "success");
    assert_eq!(change["loggedByService"], "Core Directory");
    assert_eq!(
        change["targetResources"][0]["modifiedProperties"],
        json!([{ "displayName": "jobTitle", "oldValue": null, "newValue": "\"Cadre de santé\"" }])
    );
    let app = change["initiatedBy"]["app"]["servicePrincipalId"].as_str();
    assert!(app.is_some() && change["initiatedBy"]["user"].is_null(), "{change}");
    let one = admin
        .json(&format!("{CHANGES}/{}", change["id"].as_str().unwrap()))
        .await;
    assert_eq!(one["targetResources"], change["targetResources"]);
}

#[tokio::test]
async fn changes_are_filtered_and_shown_to_few() {
    let world = World::new().await;
    let admin = world.app(ADMINISTRATOR);
    world.clock.advance(Duration::from_mins(1));
    let since = world.here().now.to_rfc3339();
    let nurse = format!("/v1.0/users/{}", world.nurse);
    admin
        .changed("PATCH", &nurse, &json!({ "jobTitle": "Cadre de santé" }))
        .await;
    let group = json!({ "displayName": "Bloc", "mailEnabled": false, "mailNickname": "bloc", "securityEnabled": true });
    admin.made("/v1.0/groups", &group).await;
    for (filter, expected) in [
        (
            "category eq 'GroupManagement' and activityDisplayName eq 'Add group'",
            true,
        ),
        ("category eq 'RoleManagement'", false),
        ("result eq 'failure'", false),
        ("startsWith(activityDisplayName,'Update us')", true),
        ("initiatedBy/user/userPrincipalName eq 'nobody@ch-demo.example'", false),
    ] {
        let found = admin
            .json(&with(CHANGES, &format!("{filter} and activityDateTime ge {since}")))
            .await;
        assert_eq!(!each(&found, "id").is_empty(), expected, "{filter}");
    }
    let unknown = admin.get(&with(CHANGES, "colour eq 'blue'")).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text());
    let stranger =
        json!({ "tid": world.other, "oid": world.nurse, "sub": world.nurse, "roles": ["AuditLog.Read.All"] });
    let theirs = world.by(&stranger).json(CHANGES).await;
    assert_eq!(
        each(&theirs, "activityDisplayName").first().map(String::as_str),
        Some("Create company")
    );
    let denied = refused(403, "Authorization_RequestDenied");
    for path in [CHANGES, ALERTS, GAPS] {
        assert_eq!(
            refusal(&world.app(&["User.Read.All"]).get(path).await),
            denied,
            "{path}"
        );
    }
}

#[tokio::test]
async fn sign_ins_are_filtered_and_paged_both_ways() {
    let world = World::new().await;
    let luc = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    world
        .signed_in(8, |n, entry| SignInEntry {
            user: if n == 3 { luc } else { entry.user },
            user_principal_name: if n == 3 {
                "luc.petit@ch-demo.example".into()
            } else {
                entry.user_principal_name
            },
            error_code: if n % 4 == 1 { 50_126 } else { 0 },
            status: if n == 6 { "failure".into() } else { "success".into() },
            ..entry
        })
        .await;
    let caller = world.app(&["AuditLog.Read.All"]);
    let all = caller.json(&format!("{SIGN_INS}?$orderby=createdDateTime")).await;
    let ids = each(&all, "id");
    let times = each(&all, "createdDateTime");
    assert_eq!(ids.len(), 8);
    assert!(ids.is_sorted());
    let find = async |filter: String| each(&caller.json(&with(SIGN_INS, &filter)).await, "id");
    assert_eq!(
        find("status/errorCode eq 50126".into()).await,
        [ids[5].clone(), ids[1].clone()]
    );
    assert_eq!(find("status/errorCode eq 0".into()).await.len(), 6);
    assert_eq!(find(format!("userId eq '{luc}'")).await, ids[3..4]);
    assert_eq!(
        find("userPrincipalName eq 'LUC.petit@ch-demo.example'".into()).await,
        ids[3..4]
    );
    assert_eq!(find("startsWith(userPrincipalName,'luc.')".into()).await, ids[3..4]);
    assert_eq!(find("conditionalAccessStatus eq 'failure'".into()).await, ids[6..7]);
    assert_eq!(
        find(format!("appId eq '{DIRECTORY_API}' and isInteractive eq true"))
            .await
            .len(),
        8
    );
    assert_eq!(find("ipAddress eq '198.51.100.1'".into()).await.len(), 0);
    let between = format!("createdDateTime ge {} and createdDateTime lt {}", times[2], times[5]);
    assert_eq!(
        find(between.clone()).await,
        [ids[4].clone(), ids[3].clone(), ids[2].clone()]
    );
    assert_eq!(find(format!("createdDateTime gt {}", times[6])).await, ids[7..]);
    // Pages go on with the filter and the order that they began with.
    let rising = format!("{}&$orderby=createdDateTime%20asc&$top=2", with(SIGN_INS, &between));
    let first = caller.json(&rising).await;
    assert_eq!(each(&first, "id"), ids[2..4]);
    let next = caller.json(first["@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(
        (each(&next, "id"), &next["@odata.nextLink"]),
        (ids[4..5].to_vec(), &Value::Null)
    );
}

#[tokio::test]
async fn an_export_is_everything_that_a_filter_finds() {
    let world = World::new().await;
    // More than are read at once.
    world
        .signed_in(1_100, |n, entry| SignInEntry {
            error_code: if n % 100 == 0 { 50_126 } else { 0 },
            correlation: Uuid::from_u128(n.into()),
            ..entry
        })
        .await;
    let caller = world.app(&["AuditLog.Read.All"]);
    let all = caller.lines(SIGN_INS).await;
    assert_eq!(all.len(), 1_100);
    assert_eq!(all[0]["userPrincipalName"], "anna.martin@ch-demo.example");
    let mut ids: Vec<&str> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one > next), "the latest first, none twice");
    ids.dedup();
    assert_eq!(ids.len(), 1_100);
    let wrong = with(SIGN_INS, "status/errorCode ne 0");
    let wrong = caller
        .lines(&format!("{wrong}&$select=id,status&$orderby=createdDateTime"))
        .await;
    assert_eq!(wrong.len(), 11);
    assert_eq!(wrong[0].as_object().unwrap().len(), 2);
    let none = caller.lines(&with(SIGN_INS, "userId eq 'nobody'")).await;
    assert_eq!(none, Vec::<Value>::new());
    for options in ["?$top=5", "?$count=true", "?$orderby=appId"] {
        let refused = caller
            .accepting(&format!("{SIGN_INS}{options}"), "application/x-ndjson")
            .await;
        assert_eq!(refused.status, 400, "{options}");
    }
    let changes = caller.lines(CHANGES).await;
    assert!(changes.iter().any(|one| one["activityDisplayName"] == "Create company"));
    let denied = world
        .app(&["User.Read.All"])
        .accepting(SIGN_INS, "application/x-ndjson")
        .await;
    assert_eq!(denied.status, 403);
}

#[tokio::test]
async fn gaps_are_told_by_what_has_most_of_them() {
    let world = World::new().await;
    let luc = user(&world.directory, &world.cx, ("Luc", "Petit", "ch-demo.example")).await;
    world
        .signed_in(6, |n, mut entry| {
            if n % 3 == 0 {
                entry.user = luc;
                entry.user_principal_name = "luc.petit@ch-demo.example".to_owned();
                entry.used.add(Usage::of(Mode::SoftwareOath), entry.at);
            }
            entry.error_code = if n == 5 { 50_126 } else { 0 };
            entry
        })
        .await;
    let caller = world.app(&["AuditLog.Read.All"]);
    let report = caller.json(GAPS).await;
    assert_eq!((&report["signIns"], &report["singleFactor"]), (&json!(5), &json!(3)));
    assert_eq!(
        report["byUser"],
        json!([
            { "id": world.nurse, "displayName": "anna.martin@ch-demo.example", "signIns": 3, "singleFactor": 3 },
            { "id": luc, "displayName": "luc.petit@ch-demo.example", "signIns": 2, "singleFactor": 0 },
        ])
    );
    assert_eq!(report["byPlatform"][0]["id"], "windows");
    let filtered = caller.json(&with(GAPS, &format!("userId eq '{luc}'"))).await;
    assert_eq!(
        (&filtered["signIns"], &filtered["singleFactor"]),
        (&json!(2), &json!(0))
    );
    let refused = caller.get(&format!("{GAPS}?$orderby=appId")).await;
    assert_eq!(refused.status, 400);
}

fn draft(grant: &Value) -> Value {
    json!({ "policy": {
        "displayName": "Draft", "state": "enabled",
        "conditions": { "applications": { "includeApplications": ["All"] }, "users": { "includeUsers": ["All"] } },
        "grantControls": grant,
    } })
}

#[tokio::test]
async fn a_draft_is_replayed_on_what_was_recorded() {
    let world = World::new().await;
    world
        .signed_in(4, |n, mut entry| {
            if n == 0 {
                entry.used.add(Usage::of(Mode::SoftwareOath), entry.at);
            }
            // Nothing was asked of policies where the password was wrong.
            entry.targets = if n == 3 { Vec::new() } else { vec![DIRECTORY_API] };
            entry
        })
        .await;
    let admin = world.app(ADMINISTRATOR);
    let replay = async |path: String, document: &Value| -> Answer { admin.send("POST", &path, document).await };
    let mfa = draft(&json!({ "operator": "OR", "builtInControls": ["mfa"] }));
    let answer = replay(REPLAY.to_owned(), &mfa).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    assert_eq!(
        (&told["signIns"], &told["skipped"], &told["isTruncated"]),
        (&json!(3), &json!(1), &json!(false))
    );
    let count = |before: &str, after: &str| {
        let counts = told["counts"].as_array().unwrap().iter();
        let mut found = counts.filter(|one| one["before"] == before && one["after"] == after);
        found.next().map(|one| one["signIns"].clone())
    };
    assert_eq!(count("granted", "granted"), Some(json!(1)), "{told}");
    let asked: u64 = told["counts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["after"] != "granted")
        .map(|one| one["signIns"].as_u64().unwrap())
        .sum();
    assert_eq!(asked, 2, "{told}");
    let with_two = told["value"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&with_two["before"], &with_two["after"]),
        (&json!("granted"), &json!("granted"))
    );
    assert_eq!(with_two["result"], "success");
    let block = draft(&json!({ "operator": "OR", "builtInControls": ["block"] }));
    let told = replay(format!("{REPLAY}?$top=1"), &block).await.json();
    assert_eq!(
        told["counts"],
        json!([{ "before": "granted", "after": "blocked", "signIns": 3 }])
    );
    assert_eq!(told["value"].as_array().unwrap().len(), 1);
    // Nothing of it stays.
    assert_eq!(
        admin.json("/v1.0/identity/conditionalAccess/policies").await["value"],
        json!([])
    );
    for wrong in [
        json!({ "policy": { "displayName": "Draft", "state": "on" } }),
        json!({ "policy": {}, "more": 1 }),
        json!({}),
    ] {
        assert_eq!(replay(REPLAY.to_owned(), &wrong).await.status, 400, "{wrong}");
    }
    let reader = world.app(&["AuditLog.Read.All"]);
    assert_eq!(reader.send("POST", REPLAY, &mfa).await.status, 403);
}

#[tokio::test]
async fn alerts_are_listed_by_kind() {
    let world = World::new().await;
    let granted = world
        .directory
        .grant_scopes(&world.cx, (world.portal.0, DIRECTORY_API), None, &["User.Read"]);
    granted.await.unwrap();
    let caller = world.app(&["AuditLog.Read.All"]);
    let found = caller.json(&with(ALERTS, "alertType eq 'consentGranted'")).await;
    let first = &found["value"][0];
    assert_eq!(first["targetResources"][0]["displayName"], "PSC_BAS");
    let source = first["sourceId"].as_str().unwrap();
    let change = caller.json(&format!("{CHANGES}/{source}")).await;
    assert_eq!(change["activityDisplayName"], "Add delegated permission grant");
    let modified = change["targetResources"][0]["modifiedProperties"].to_string();
    assert!(modified.contains("DelegatedPermissionGrant.Scope"), "{modified}");
}
