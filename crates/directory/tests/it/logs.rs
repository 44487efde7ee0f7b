//! The logs: changes with the values of before and after, what they are found by, alerts, and how long they are kept.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, Secret};
use hygie_directory::logs::{Alert, AlertKind, ChangeEntry, GapReport, LogEntry, LogQuery, mark, new_id};
use hygie_directory::repo::{SignIns, Users};
use hygie_directory::{
    Authentications, DirectoryError, Enabled, ExtraGrant, GroupChange, Kept, NewUser, RiskSaid, SignInEntry, Signals,
    UserChange, role,
};
use hygie_policy::Policy;
use hygie_policy::json::read;
use hygie_policy::strength::{Mode, Usage};
use hygie_store::outbox::{Consumers, Event};
use hygie_store::{Owner, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use crate::conditional::mfa;
use crate::world::World;

fn all() -> LogQuery {
    LogQuery {
        limit: 1_000,
        is_oldest_first: true,
        ..LogQuery::default()
    }
}

impl World {
    async fn log<E: LogEntry>(&self, query: LogQuery) -> Vec<E> {
        self.directory.list_log(&self.cx(self.tenant), query).await.unwrap()
    }

    /// What was logged of the changes that `act` makes, a second after everything before.
    async fn changes(&self, act: impl AsyncFnOnce(&Cx)) -> Vec<ChangeEntry> {
        self.clock.advance(Duration::from_secs(1));
        let cx = self.cx(self.tenant);
        act(&cx).await;
        let from = Some(cx.now);
        self.log(LogQuery { from, ..all() }).await
    }
}

/// Property, before and after.
fn modified(entry: &ChangeEntry) -> Vec<(&str, Option<&str>, Option<&str>)> {
    let properties = entry
        .target_resources
        .iter()
        .flat_map(|target| &target.modified_properties);
    properties
        .map(|one| (&*one.display_name, one.old_value.as_deref(), one.new_value.as_deref()))
        .collect()
}

fn sign_in(cx: &Cx, user: ObjectId, error_code: u32) -> SignInEntry {
    SignInEntry {
        id: new_id(cx),
        at: cx.now,
        correlation: Uuid::from_u128(7),
        user,
        user_principal_name: "Anna.Martin@ch-demo.example".to_owned(),
        user_display_name: "Anna Martin".to_owned(),
        app: AppId::from_uuid(Uuid::from_u128(5)),
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
        used: Authentications::of(Usage::of(Mode::Password), cx.now),
        error_code,
        failure_reason: None,
        status: "notApplied".to_owned(),
        applied: Vec::new(),
        is_emergency: false,
        refused_certificate: Vec::new(),
        signals: Signals {
            tenant: Some(cx.tenant),
            home: Some(cx.tenant),
            ..Signals::default()
        },
    }
}

#[tokio::test]
async fn a_change_tells_who_did_what_and_the_values_of_before_and_after() {
    let world = World::new().await;
    let actor = Principal {
        issuer: "https://login.example".to_owned(),
        tenant: world.tenant,
        subject: world.nurse,
        kind: PrincipalKind::User,
        app: None,
        groups: Vec::new(),
        app_roles: Vec::new(),
        scopes: Vec::new(),
        session: None,
        professional: None,
    };
    let entries = world
        .changes(async |cx| {
            let cx = Cx {
                principal: Some(Arc::new(actor)),
                client: Some([192, 0, 2, 9].into()),
                ..cx.clone()
            };
            let change = UserChange {
                display_name: Some("Anne Martin".to_owned()),
                state: Some(Enabled::No),
                profile: [("city".to_owned(), json!("Lyon"))].into_iter().collect(),
                ..UserChange::default()
            };
            world.directory.update_user(&cx, world.nurse, change).await.unwrap();
        })
        .await;
    let names: Vec<&str> = entries.iter().map(|one| &*one.activity_display_name).collect();
    assert_eq!(entries.len(), 2, "{names:?}");
    let update = entries
        .iter()
        .find(|one| one.activity_display_name == "Update user")
        .unwrap();
    assert!(names.contains(&"Disable account"), "{names:?}");
    assert_eq!((&*update.category, &*update.result), ("UserManagement", "success"));
    let user = update.initiated_by.user.as_ref().unwrap();
    assert_eq!(user.id, world.nurse.to_string());
    assert_eq!(user.user_principal_name.as_deref(), Some("Anna.Martin@ch-demo.example"));
    assert_eq!(user.ip_address.as_deref(), Some("192.0.2.9"));
    let modified = modified(update);
    for expected in [
        ("accountEnabled", Some("true"), Some("false")),
        ("city", None, Some("\"Lyon\"")),
        ("displayName", Some("\"Anna Martin\""), Some("\"Anne Martin\"")),
    ] {
        assert!(modified.contains(&expected), "{expected:?} in {modified:?}");
    }
    assert_eq!(update.target_resources[0].kind, "User");
}

#[tokio::test]
async fn no_secret_is_in_the_log() {
    let world = World::new().await;
    let password = "Correct horse battery 10";
    let mut secret = String::new();
    let entries = world
        .changes(async |cx| {
            let password = Secret::new(password.to_owned());
            let directory = &world.directory;
            directory.set_password(cx, world.nurse, password).await.unwrap();
            let year = Duration::from_hours(24 * 365);
            let made = directory.add_secret(cx, world.portal, "night", year).await.unwrap();
            secret.clone_from(made.value.expose());
        })
        .await;
    let names: Vec<&str> = entries.iter().map(|one| &*one.activity_display_name).collect();
    assert!(names.contains(&"Reset user password"), "{names:?}");
    let added = entries
        .iter()
        .find(|one| one.activity_display_name == "Update application – Certificates and secrets management")
        .unwrap();
    let (name, _, new) = modified(added)[0];
    assert_eq!(name, "KeyDescription");
    assert!(new.unwrap().contains("DisplayName=night"), "{new:?}");
    let everything = serde_json::to_string(&entries).unwrap();
    let cx = world.cx(world.tenant);
    let hash = world.directory.store().read(&cx, world.nurse, |user, tx| {
        Box::pin(async move { Users(tx).password(*user).await })
    });
    let hash: Option<Secret<String>> = hash.await.unwrap();
    for hidden in [password, &secret, &secret[..8], hash.unwrap().expose()] {
        assert!(!everything.contains(hidden), "{everything}");
    }
}

#[tokio::test]
async fn memberships_permissions_and_roles_tell_their_parties() {
    let world = World::new().await;
    let directory = &world.directory;
    let doctor = directory
        .create_user(
            &world.cx(world.tenant),
            NewUser {
                user_principal_name: "luc@ch-demo.example".to_owned(),
                display_name: "Luc".to_owned(),
                ..NewUser::default()
            },
        )
        .await
        .unwrap()
        .id;
    let entries = world
        .changes(async |cx| {
            let change = GroupChange {
                members: vec![doctor],
                ..GroupChange::default()
            };
            directory.update_group(cx, world.nurses, change).await.unwrap();
        })
        .await;
    assert_eq!(entries[0].activity_display_name, "Add member to group");
    let target = &entries[0].target_resources[0];
    assert_eq!(target.user_principal_name.as_deref(), Some("luc@ch-demo.example"));
    let group = format!("\"{}\"", world.nurses);
    let expected = ("Group.ObjectID", None, Some(&*group));
    assert!(modified(&entries[0]).contains(&expected), "{:?}", modified(&entries[0]));
    let entries = world
        .changes(async |cx| directory.remove_member(cx, world.nurses, doctor).await.unwrap())
        .await;
    assert_eq!(entries[0].activity_display_name, "Remove member from group");
    assert!(modified(&entries[0]).contains(&("Group.ObjectID", Some(&*group), None)));
    let entries = world
        .changes(async |cx| {
            directory
                .assign_app_role(cx, world.fhir, doctor, "Reader")
                .await
                .unwrap();
        })
        .await;
    assert_eq!(entries[0].activity_display_name, "Add app role assignment to user");
    assert!(modified(&entries[0]).contains(&("AppRole.Value", None, Some("\"Reader\""))));
    let entries = world
        .changes(async |cx| {
            let role = role::SECURITY_READER;
            directory.assign_directory_role(cx, doctor, role).await.unwrap();
        })
        .await;
    assert_eq!(entries[0].category, "RoleManagement");
    assert!(modified(&entries[0]).contains(&("Role.DisplayName", None, Some("\"Security Reader\""))));
    let entries = world
        .changes(async |cx| directory.delete_user(cx, doctor).await.unwrap())
        .await;
    let deleted = &entries[0];
    assert_eq!(deleted.activity_display_name, "Delete user");
    assert_eq!(deleted.target_resources[0].display_name.as_deref(), Some("Luc"));
}

#[tokio::test]
async fn what_is_refused_leaves_no_entry() {
    let world = World::new().await;
    let entries = world
        .changes(async |cx| {
            let change = UserChange {
                user_principal_name: Some("anna@elsewhere.example".to_owned()),
                ..UserChange::default()
            };
            let refused = world.directory.update_user(cx, world.nurse, change).await;
            assert!(
                matches!(refused, Err(DirectoryError::Value(_) | DirectoryError::NotFound(_))),
                "{refused:?}"
            );
        })
        .await;
    assert_eq!(entries, []);
}

#[tokio::test]
async fn a_tenant_sees_its_own_logs_alone() {
    let world = World::new().await;
    let (here, there) = (world.cx(world.tenant), world.cx(world.other));
    let entry = sign_in(&here, world.nurse, 0);
    world.directory.log_sign_in(&here, entry.clone()).await.unwrap();
    let query = LogQuery {
        mark: Some(mark("userId", &world.nurse.to_string())),
        ..all()
    };
    let directory = &world.directory;
    assert_eq!(
        directory.list_log::<SignInEntry>(&here, query.clone()).await.unwrap(),
        std::slice::from_ref(&entry)
    );
    assert_eq!(directory.list_log::<SignInEntry>(&there, query).await.unwrap(), []);
    assert_eq!(
        directory.find_log_entry::<SignInEntry>(&there, entry.id).await.unwrap(),
        None
    );
    assert_eq!(
        directory.find_log_entry(&here, entry.id).await.unwrap(),
        Some(entry.clone())
    );
    assert_eq!(directory.find_log_entry::<Alert>(&here, entry.id).await.unwrap(), None);
    let ours: Vec<ChangeEntry> = directory.list_log(&there, all()).await.unwrap();
    let names: Vec<&str> = ours.iter().map(|one| &*one.activity_display_name).collect();
    assert_eq!(names, ["Create company"]);
    // Retention of the one is not that of the other.
    directory.set_log_retention(&there, Some(1)).await.unwrap();
    assert_eq!(directory.log_retention(&here).await.unwrap(), 30);
    world.clock.advance(Duration::from_hours(48));
    directory.purge_logs().await.unwrap();
    assert_eq!(directory.find_log_entry(&here, entry.id).await.unwrap(), Some(entry));
    let ours: Vec<ChangeEntry> = directory.list_log(&there, all()).await.unwrap();
    assert_eq!(ours, [], "older than a day");
}

#[tokio::test]
async fn entries_are_found_by_marks_and_instants_in_both_orders() {
    let world = World::new().await;
    let mut made = Vec::new();
    for n in 0..5u32 {
        world.clock.advance(Duration::from_secs(10));
        let cx = world.cx(world.tenant);
        let entry = sign_in(&cx, world.nurse, if n % 2 == 0 { 50_126 } else { 0 });
        world.directory.log_sign_in(&cx, entry.clone()).await.unwrap();
        made.push(entry);
    }
    let ids = |entries: &[SignInEntry]| entries.iter().map(|one| one.id).collect::<Vec<_>>();
    let wrong = LogQuery {
        mark: Some(mark("status/errorCode", "50126")),
        ..all()
    };
    let found: Vec<SignInEntry> = world.log(wrong.clone()).await;
    assert_eq!(ids(&found), [made[0].id, made[2].id, made[4].id]);
    let latest = LogQuery {
        is_oldest_first: false,
        limit: 2,
        ..wrong.clone()
    };
    let found: Vec<SignInEntry> = world.log(latest.clone()).await;
    assert_eq!(ids(&found), [made[4].id, made[2].id]);
    let after = Some(made[2].id);
    assert_eq!(ids(&world.log(LogQuery { after, ..latest }).await), [made[0].id]);
    let between = LogQuery {
        from: Some(made[1].at),
        until: Some(made[3].at),
        ..all()
    };
    assert_eq!(ids(&world.log(between).await), [made[1].id, made[2].id]);
    let upper = LogQuery {
        mark: Some(mark("userPrincipalName", "ANNA.martin@ch-demo.example")),
        ..all()
    };
    assert_eq!(world.log::<SignInEntry>(upper).await.len(), 5, "whatever its case");
    // What is purged is found by nothing any more.
    world
        .clock
        .advance(Duration::from_hours(24 * 30 - 1) + Duration::from_mins(59) + Duration::from_secs(35));
    world.directory.purge_logs().await.unwrap();
    let left: Vec<SignInEntry> = world.log(all()).await;
    assert!(!left.is_empty() && left.len() < 5, "{}", left.len());
    let found: Vec<SignInEntry> = world.log(wrong).await;
    assert_eq!(found.len(), left.iter().filter(|one| one.error_code != 0).count());
    let cx = world.cx(world.tenant);
    let marks = world.directory.store().read(&cx, (), |(), tx| {
        Box::pin(async move {
            let sql = "SELECT COUNT(DISTINCT id) FROM idp_log_mark WHERE {i.is}tenant = :tenant AND log = 1";
            let mut row = tx.query_one(sql, &[]).await?.expect("a number");
            row.take::<i64>(0)
        })
    });
    let marks: Result<i64, StoreError> = marks.await;
    assert_eq!(marks.unwrap(), left.len() as i64);
}

#[tokio::test]
async fn what_somebody_should_look_at_is_an_alert() {
    let world = World::new().await;
    let directory = &world.directory;
    world.clock.advance(Duration::from_secs(1));
    let cx = world.cx(world.tenant);
    let since = LogQuery {
        from: Some(cx.now),
        ..all()
    };
    let year = Duration::from_hours(24 * 365);
    let made = directory.add_secret(&cx, world.portal, "night", year).await.unwrap();
    directory.remove_secret(&cx, world.portal, made.id).await.unwrap();
    let granted = directory.grant_scopes(&cx, (world.api, world.fhir), None, &["user_impersonation"]);
    granted.await.unwrap();
    let mut policy = mfa("MFA");
    policy["conditions"]["users"] = json!({ "includeUsers": ["All"], "excludeUsers": [world.nurse] });
    directory
        .create_rule::<Policy>(&cx, read(&policy).unwrap())
        .await
        .unwrap();
    directory
        .assign_directory_role(&cx, world.nurse, role::SECURITY_READER)
        .await
        .unwrap();
    directory.create_group(&cx, "Quiet").await.unwrap();
    let alerts: Vec<Alert> = world.log(since.clone()).await;
    let mut kinds: Vec<&str> = alerts.iter().map(|one| one.alert_type.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["consentGranted", "credentialAdded", "policyChanged", "roleAssigned"]
    );
    let credential = alerts
        .iter()
        .find(|one| one.alert_type == AlertKind::CredentialAdded)
        .unwrap();
    assert_eq!(credential.target_resources[0].display_name.as_deref(), Some("Portal"));
    let source: Option<ChangeEntry> = directory.find_log_entry(&cx, credential.source_id).await.unwrap();
    assert_eq!(source.unwrap().operation_type, "Update");
    // The nurse is kept out of every policy for all users.
    assert!(directory.is_emergency_account(&cx, world.nurse).await.unwrap());
    let entry = SignInEntry {
        is_emergency: true,
        ..sign_in(&cx, world.nurse, 50_126)
    };
    directory.log_sign_in(&cx, entry.clone()).await.unwrap();
    let used = LogQuery {
        mark: Some(mark("alertType", "emergencyAccountUsed")),
        ..since
    };
    let alerts: Vec<Alert> = world.log(used).await;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].source_id, &*alerts[0].severity), (entry.id, "high"));
}

#[tokio::test]
async fn an_emergency_account_is_kept_out_of_each_policy_for_all() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, world.cx(world.tenant));
    assert!(
        !directory.is_emergency_account(&cx, world.nurse).await.unwrap(),
        "no policy"
    );
    let mut by_group = mfa("By group");
    by_group["conditions"]["users"] = json!({ "includeUsers": ["All"], "excludeGroups": [world.nurses] });
    directory
        .create_rule::<Policy>(&cx, read(&by_group).unwrap())
        .await
        .unwrap();
    assert!(directory.is_emergency_account(&cx, world.nurse).await.unwrap());
    let mut other = mfa("Other");
    other["conditions"]["users"] = json!({ "includeUsers": ["All"] });
    other["state"] = json!("disabled");
    let other: Policy = directory.create_rule(&cx, read(&other).unwrap()).await.unwrap();
    assert!(
        directory.is_emergency_account(&cx, world.nurse).await.unwrap(),
        "a disabled policy is none"
    );
    let key = Kept::key(&other).unwrap();
    let change = json!({ "state": "enabledForReportingButNotEnforced" });
    directory.update_rule::<Policy>(&cx, &key, change).await.unwrap();
    assert!(!directory.is_emergency_account(&cx, world.nurse).await.unwrap());
}

/// What waits for the consumer.
async fn waiting(store: &Store, cx: &Cx) -> Vec<Event> {
    let owner = Owner::random(&*cx.random);
    let events: Result<Vec<Event>, StoreError> = store
        .write(cx, owner, |owner, tx| {
            Box::pin(async move {
                let lease = Consumers(tx).lease("siem", *owner, Duration::from_secs(30)).await?;
                Consumers(tx).next(&lease.expect("nobody else has it"), 10).await
            })
        })
        .await;
    events.unwrap()
}

#[tokio::test]
async fn each_entry_leaves_by_the_outbox_in_order() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let store = world.directory.store().clone();
    let added: Result<(), StoreError> = store
        .write(&cx, (), |(), tx| {
            Box::pin(async move { Consumers(tx).add("siem", "hygie.").await })
        })
        .await;
    added.unwrap();
    for n in [0, 50_126] {
        world
            .directory
            .log_sign_in(&cx, sign_in(&cx, world.nurse, n))
            .await
            .unwrap();
    }
    // With more policies than an event has room for.
    let applied = hygie_directory::AppliedPolicy {
        id: None,
        display_name: "é".repeat(200),
        result: "success".to_owned(),
        grant_controls: Vec::new(),
        session_controls: Vec::new(),
        unmet: Vec::new(),
    };
    let long = SignInEntry {
        applied: vec![applied; 195],
        ..sign_in(&cx, world.nurse, 0)
    };
    let written: Result<(), StoreError> = store
        .write(&cx, long, |entry, tx| {
            Box::pin(async move { SignIns(tx).insert(entry).await })
        })
        .await;
    written.unwrap();
    world.directory.create_group(&cx, "Quiet").await.unwrap();
    let events = waiting(&store, &cx).await;
    let told: Vec<serde_json::Value> = events
        .iter()
        .map(|one| serde_json::from_slice(&one.body).unwrap())
        .collect();
    let kinds: Vec<&str> = events.iter().map(|one| &*one.kind).collect();
    assert_eq!(
        kinds,
        [
            "hygie.SignInLogs",
            "hygie.SignInLogs",
            "hygie.SignInLogs",
            "hygie.AuditLogs"
        ]
    );
    assert_eq!(told[1]["properties"]["status"]["errorCode"], 50_126);
    assert_eq!(told[1]["tenantId"], world.tenant.to_string());
    assert_eq!(told[2]["properties"]["isTruncated"], true);
    assert_eq!(told[3]["operationName"], "Add group");
}

#[tokio::test]
async fn gaps_are_sign_ins_that_succeeded_with_one_factor() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let mut report = GapReport::default();
    let mut both = sign_in(&cx, world.nurse, 0);
    both.used.add(Usage::of(Mode::SoftwareOath), cx.now);
    let silent = SignInEntry {
        is_interactive: false,
        ..sign_in(&cx, world.nurse, 0)
    };
    for entry in [
        sign_in(&cx, world.nurse, 0),
        both,
        silent,
        sign_in(&cx, world.nurse, 50_126),
    ] {
        report.count(&entry, &[]);
    }
    assert_eq!((report.all.sign_ins, report.all.single_factor), (2, 1));
    let user = &report.users[&Some(world.nurse.to_string())];
    assert_eq!((user.sign_ins, user.single_factor), (2, 1));
    assert_eq!(report.platforms[&Some("windows".to_owned())].sign_ins, 2);
    assert_eq!(report.locations[&None].sign_ins, 2);
}

#[tokio::test]
async fn what_an_older_release_wrote_is_moved() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let entry = sign_in(&cx, world.nurse, 50_126);
    let mut old = serde_json::to_value(&entry).unwrap();
    for member in ["contexts", "is_emergency"] {
        old.as_object_mut().unwrap().remove(member);
    }
    let row = (entry.id, world.nurse, old.to_string());
    let written: Result<u64, StoreError> = world
        .directory
        .store()
        .write(&cx, row, |(id, user, json), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let sql = "INSERT INTO idp_sign_in ({i.col}tenant, id, user_id, at, entry_json)
                           VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
                let id = id.as_bytes().to_vec();
                tx.execute(sql, &[id.into(), (*user).into(), now.into(), json.into()])
                    .await
            })
        })
        .await;
    written.unwrap();
    let deps = hygie_directory::Deps {
        store: world.store.store.clone(),
        clock: world.clock.clone(),
        random: cx.random.clone(),
        workers: 1,
    };
    let again = hygie_directory::Directory::open(deps).await.unwrap();
    let query = LogQuery {
        mark: Some(mark("status/errorCode", "50126")),
        ..all()
    };
    assert_eq!(again.list_log::<SignInEntry>(&cx, query).await.unwrap(), [entry]);
}

/// Who may have people's passwords, how long sessions last, and what takes a risk away: somebody should look at each.
#[tokio::test]
async fn what_weakens_sign_ins_is_an_alert() {
    let world = World::new().await;
    let directory = &world.directory;
    world.clock.advance(Duration::from_secs(1));
    let cx = world.cx(world.tenant);
    let found = directory.find_application(&cx, world.portal).await.unwrap().unwrap();
    let (name, mut definition) = (found.display_name.clone(), (*found.definition).clone());
    definition.allow(ExtraGrant::Password, true);
    let changed = directory.update_application(&cx, found, (name, definition), None).await;
    changed.unwrap();
    let change = json!({ "inactivityTimeoutInMinutes": 20 });
    directory.change_session_lifetime(&cx, change).await.unwrap();
    let said = [RiskSaid::Compromised, RiskSaid::Dismissed];
    for said in said {
        directory.say_risk(&cx, vec![world.nurse], said).await.unwrap();
    }
    let end = (cx.now + Duration::from_hours(1)).to_rfc3339();
    let supplied = json!({ "riskLevel": "high", "riskEventType": "maliciousIPAddress", "endDateTime": end,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24" }] });
    let (id, _) = directory.supply_risk(&cx, read(&supplied).unwrap()).await.unwrap();
    directory.withdraw_risk(&cx, id).await.unwrap();
    let since = LogQuery {
        from: Some(cx.now),
        ..all()
    };
    let alerts: Vec<Alert> = world.log(since).await;
    let mut kinds: Vec<&str> = alerts.iter().map(|one| one.alert_type.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["credentialAdded", "policyChanged", "policyChanged", "policyChanged"]
    );
}
