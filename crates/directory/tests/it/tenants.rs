//! Two tenants: what one writes, the other neither reads nor changes, repository by repository.

use std::time::Duration;

use hygie_core::{AppId, GroupId, ObjectId, Secret, SessionId, Timestamp};
use hygie_directory::repo::{
    Activities, Applications, AtRisk, Backchannels, Campaigns, Codes, ConsentRequests, Familiar, FederatedCredentials,
    FirstPasswords, Grants, Groups, Lockout, Managers, Outsiders, PolicyTargets, Principals, Refreshes, RiskEvent,
    RiskEvents, Risks, Roles, SecretRow, SessionRow, Sessions, Tenants, Users,
};
use hygie_directory::{
    Arrival, AskedConsent, Authentications, Authorization, ConsentRequestStatus, Definition, DirectoryError,
    FederatedCredential, GLOBAL_ADMINISTRATOR, Group, GroupProfile, NewApplication, User,
};
use hygie_jose::{Algorithm, Certificate, SigningKey};
use hygie_oidc::{ClaimsRequest, Platform, Scopes, Version};
use hygie_policy::methods::PutOff;
use hygie_policy::risk::{SuppliedRisk, UserRisk};
use hygie_policy::strength::{Mode, Usage};
use uuid::Uuid;

use crate::world::World;

/// Runs `$body` in a write transaction of a tenant.
macro_rules! within {
    ($world:expr, $tenant:expr, $input:expr, |$bound:ident, $tx:ident| $body:expr) => {
        $world
            .store
            .store
            .write(&$world.cx($tenant), $input, move |$bound, $tx| {
                Box::pin(async move {
                    let _ = &$bound;
                    Ok::<_, DirectoryError>($body)
                })
            })
            .await
            .unwrap()
    };
}

fn password() -> Authentications {
    Authentications::of(Usage::of(Mode::Password), Timestamp::from_secs(1))
}

fn authorization(user: ObjectId, session: SessionId, client: AppId) -> Authorization {
    Authorization {
        root: None,
        client,
        platform: Platform::Web,
        version: Version::V2,
        user,
        session,
        auth_time: Timestamp::from_secs(1),
        used: password(),
        arrival: Arrival::default(),
        scopes: Scopes::default(),
        claims: ClaimsRequest::default(),
        redirect_uri: None,
        nonce: None,
        challenge: None,
    }
}

#[tokio::test]
async fn tenants_and_domains() {
    let world = World::new().await;
    let domains = within!(world, world.tenant, (), |_none, tx| Tenants(tx).list_domains().await?);
    assert_eq!(domains, ["ch-demo.example"]);
    let other = within!(world, world.other, (), |_none, tx| Tenants(tx).find().await?).unwrap();
    assert_eq!(other.display_name, "CH Autre");
    let first = within!(world, world.tenant, (), |_none, tx| Tenants(tx).find().await?).unwrap();
    assert_ne!(first.pairwise.expose(), other.pairwise.expose());
}

#[tokio::test]
async fn users() {
    let world = World::new().await;
    let nurse = world.nurse;
    let name = "anna.martin@ch-demo.example";
    assert!(
        within!(world, world.tenant, (), |_none, tx| Users(tx)
            .find_by_name(name)
            .await?)
        .is_some()
    );
    assert!(within!(world, world.other, (), |_none, tx| Users(tx).find_by_name(name).await?).is_none());
    assert!(within!(world, world.other, nurse, |id, tx| Users(tx).find(*id).await?).is_none());
    assert!(within!(world, world.other, (), |_none, tx| Users(tx).list().await?).is_empty());
    let changed = within!(world, world.other, nurse, |id, tx| {
        let hash = Secret::new("x".to_owned());
        let at = Timestamp::from_secs(9);
        Users(tx).set_password(*id, &hash, at).await?
            || Users(tx).set_enabled(*id, false).await?
            || Users(tx).revoke_sessions(*id, at).await?
    });
    assert!(!changed);
    let locked = Lockout {
        failures: 3,
        ..Lockout::default()
    };
    within!(world, world.other, (nurse, locked), |it, tx| Users(tx)
        .set_lockout(it.0, &it.1)
        .await?);
    let seen = within!(world, world.tenant, nurse, |id, tx| Users(tx).lockout(*id).await?);
    assert_eq!(seen, Lockout::default());
    within!(world, world.tenant, nurse, |id, tx| Users(tx)
        .clear_lockout(*id)
        .await?);
    assert_eq!(
        within!(world, world.other, nurse, |id, tx| Users(tx).lockout(*id).await?).failures,
        3
    );
    // The same name and id may exist in the other tenant.
    let user: User = within!(world, world.tenant, nurse, |id, tx| Users(tx).find(*id).await?).unwrap();
    within!(world, world.other, user, |user, tx| Users(tx)
        .insert(user, None)
        .await?);
}

#[tokio::test]
async fn groups() {
    let world = World::new().await;
    let (nurse, nurses) = (world.nurse, world.nurses);
    assert!(within!(world, world.other, nurses, |id, tx| Groups(tx).find(*id).await?).is_none());
    assert!(
        within!(world, world.other, nurse, |id, tx| Groups(tx)
            .list_transitive(*id, 10)
            .await?)
        .is_empty()
    );
    assert!(within!(world, world.other, nurse, |id, tx| Groups(tx).list_direct(*id).await?).is_empty());
    assert!(!within!(world, world.other, (nurses, nurse), |it, tx| Groups(tx)
        .remove_member(it.0, it.1)
        .await?));
    // A membership of the same ids in the other tenant, with another group above.
    let above = Group {
        id: GroupId::from_uuid(Uuid::from_u128(77)),
        display_name: "Above".to_owned(),
        created_at: Timestamp::from_secs(1),
        profile: GroupProfile::default(),
    };
    within!(world, world.other, (above.clone(), nurses), |it, tx| {
        Groups(tx).insert(&it.0).await?;
        Groups(tx).add_member(it.0.id, ObjectId::from_uuid(it.1.uuid())).await?;
    });
    let found = within!(world, world.tenant, nurse, |id, tx| Groups(tx)
        .list_transitive(*id, 10)
        .await?);
    assert!(!found.contains(&above.id) && found.len() == 2, "{found:?}");
}

#[tokio::test]
async fn certificates() {
    let world = World::new().await;
    let app = world.portal;
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let at = Timestamp::from_secs;
    let certificate = Certificate::self_signed(&key, "other", at(1), at(2)).unwrap();
    within!(world, world.other, (app, certificate), |it, tx| Applications(tx)
        .insert_certificate(it.0, (Uuid::from_u128(6), "other"), &it.1, Timestamp::from_secs(1))
        .await?);
    for (tenant, count) in [(world.tenant, 0), (world.other, 1)] {
        let found = within!(world, tenant, app, |app, tx| Applications(tx)
            .credentials(&[(*app).into()])
            .await?);
        assert_eq!(found.certificates.len(), count);
    }
    let removed = within!(world, world.tenant, app, |app, tx| Applications(tx)
        .remove_certificate(*app, Uuid::from_u128(6))
        .await?);
    assert!(!removed);
}

#[tokio::test]
async fn applications_and_principals() {
    let world = World::new().await;
    let app = world.portal;
    assert!(within!(world, world.other, app, |app, tx| Applications(tx).find(*app).await?).is_none());
    assert!(within!(world, world.other, (), |_none, tx| Applications(tx).list().await?).is_empty());
    assert!(
        within!(world, world.other, app, |app, tx| Applications(tx)
            .credentials(&[(*app).into()])
            .await?)
        .secrets
        .is_empty()
    );
    let secret = SecretRow {
        id: Uuid::from_u128(5),
        display_name: "other".to_owned(),
        hint: "abc".to_owned(),
        digest: [1; 32],
        created_at: Timestamp::from_secs(1),
        expires_at: Timestamp::from_secs(2),
    };
    within!(world, world.other, (app, secret), |it, tx| Applications(tx)
        .insert_secret(it.0, &it.1)
        .await?);
    assert_eq!(
        within!(world, world.tenant, app, |app, tx| Applications(tx)
            .credentials(&[(*app).into()])
            .await?)
        .secrets
        .len(),
        1
    );
    let removed = within!(world, world.tenant, app, |app, tx| Applications(tx)
        .remove_secret(*app, Uuid::from_u128(5))
        .await?);
    assert!(!removed);
    let principal = within!(world, world.tenant, app, |app, tx| Principals(tx)
        .find_by_app(*app)
        .await?)
    .unwrap();
    assert!(
        within!(world, world.other, app, |app, tx| Principals(tx)
            .find_by_app(*app)
            .await?)
        .is_none()
    );
    assert!(
        within!(world, world.other, principal.id, |id, tx| Principals(tx)
            .find(*id)
            .await?)
        .is_none()
    );
    let by_name = within!(world, world.other, (), |_none, tx| Principals(tx)
        .find_by_name(crate::world::FHIR)
        .await?);
    assert!(by_name.is_none());
    let changed = within!(world, world.other, principal.id, |id, tx| {
        Principals(tx).set_enabled(*id, false).await? || Principals(tx).set_requires_assignment(*id, true).await?
    });
    assert!(!changed);
}

#[tokio::test]
async fn federated_credentials_and_requests_for_people() {
    let world = World::new().await;
    let (app, nurse) = (world.portal, world.nurse);
    let credential = FederatedCredential {
        id: Uuid::from_u128(6),
        name: "robot".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        subject: "robot".to_owned(),
        audiences: vec!["api://AzureADTokenExchange".to_owned()],
        description: None,
        created_at: Timestamp::from_secs(1),
    };
    within!(world, world.tenant, (app, credential.clone()), |it, tx| {
        FederatedCredentials(tx).insert(it.0, &it.1).await?;
    });
    let other = FederatedCredential {
        subject: "another".to_owned(),
        ..credential.clone()
    };
    let (found, listed, changed, removed) = within!(world, world.other, (app, other), |it, tx| {
        (
            FederatedCredentials(tx).find(it.0, it.1.id).await?,
            FederatedCredentials(tx).list(it.0).await?.len(),
            FederatedCredentials(tx).update(it.0, &it.1).await?,
            FederatedCredentials(tx).remove(it.0, it.1.id).await?,
        )
    });
    assert_eq!((found, listed, changed, removed), (None, 0, false, false));
    let found = within!(world, world.tenant, app, |app, tx| FederatedCredentials(tx)
        .find_by_name(*app, "robot")
        .await?);
    assert_eq!(found, Some(credential));
    let later = Timestamp::from_secs(i64::from(u32::MAX));
    within!(world, world.tenant, (nurse, later), |it, tx| Backchannels(tx)
        .insert(it.0, (&[7; 32], "BCDFGHJKL"), it.1)
        .await?);
    for (tenant, expected) in [(world.tenant, 1), (world.other, 0)] {
        let found = within!(world, tenant, nurse, |nurse, tx| Backchannels(tx)
            .list(*nurse, Timestamp::from_secs(1), 9)
            .await?);
        assert_eq!(found.len(), expected);
    }
}

#[tokio::test]
async fn a_name_belongs_to_one_application_with_and_without_slash() {
    let world = World::new().await;
    for (name, is_free) in [
        (crate::world::FHIR.to_owned(), false),
        (format!("{}/", crate::world::FHIR), false),
        (world.api.to_string(), false),
        ("https://graph.microsoft.com".to_owned(), false),
        (format!("{}/x", crate::world::FHIR), true),
    ] {
        let new = NewApplication {
            app: None,
            display_name: "Twin".to_owned(),
            definition: Definition {
                identifier_uris: vec![name.clone()],
                ..Definition::default()
            },
        };
        let made = world.directory.create_application(&world.cx, new).await;
        assert_eq!(made.is_ok(), is_free, "{name}");
    }
}

#[tokio::test]
async fn permissions() {
    let world = World::new().await;
    let nurse = world.nurse;
    let ids = within!(world, world.tenant, (world.portal, world.fhir), |it, tx| {
        let client = Principals(tx).find_by_app(it.0).await?.unwrap().id;
        (client, Principals(tx).find_by_app(it.1).await?.unwrap().id)
    });
    let scopes = within!(world, world.tenant, (ids, nurse), |it, tx| Grants(tx)
        .list_scopes(it.0.0, it.0.1, it.1)
        .await?);
    assert_eq!(scopes, ["user_impersonation"]);
    let other = within!(world, world.other, (ids, nurse), |it, tx| {
        let found = Grants(tx).list_scopes(it.0.0, it.0.1, it.1).await?;
        let at = Timestamp::from_secs(1);
        Grants(tx)
            .set_scopes(it.0, None, &["everything".to_owned()], (Uuid::from_u128(1), at))
            .await?;
        Grants(tx)
            .assign_role(it.0.1, it.1, Uuid::from_u128(11), (Uuid::from_u128(2), at))
            .await?;
        found
    });
    assert!(other.is_empty());
    let (scopes, roles) = within!(world, world.tenant, (ids, nurse), |it, tx| {
        let scopes = Grants(tx).list_scopes(it.0.0, it.0.1, it.1).await?;
        (scopes, Grants(tx).list_roles(it.0.1, &[it.1]).await?)
    });
    assert_eq!(
        (scopes.as_slice(), roles.len()),
        (["user_impersonation".to_owned()].as_slice(), 0)
    );
}

#[tokio::test]
async fn sessions_codes_and_refresh_tokens() {
    let world = World::new().await;
    let session = SessionRow {
        id: SessionId::from_uuid(Uuid::from_u128(3)),
        browser: [3; 32],
        user: world.nurse,
        used: password(),
        auth_time: Timestamp::from_secs(1),
        began_at: Timestamp::from_secs(1),
        expires_at: Timestamp::from_secs(1 << 40),
    };
    let granted = authorization(world.nurse, session.id, world.portal);
    let json = serde_json::to_string(&granted).unwrap();
    let family = Uuid::from_u128(4);
    let at = Timestamp::from_secs(2);
    let input = (session.clone(), json, world.portal, world.nurse);
    within!(world, world.tenant, input, |it, tx| {
        Sessions(tx).insert(&it.0).await?;
        let (idle, longest) = (Duration::from_mins(1), Duration::from_mins(10));
        Sessions(tx).used(it.0.id, it.2, at, (idle, longest)).await?;
        Codes(tx).insert(&[5; 32], family, &it.1, at).await?;
        Refreshes(tx)
            .insert_family(family, (it.3, it.0.id), &it.1, (at, at))
            .await?;
        Refreshes(tx).insert(&[6; 32], family, at).await?;
    });
    let touched = within!(world, world.other, (session.id, world.nurse), |it, tx| {
        let found = Codes(tx).find(&[5; 32]).await?.is_some() || Refreshes(tx).find(&[6; 32]).await?.is_some();
        Codes(tx).redeemed(&[5; 32], at).await?;
        Refreshes(tx).rotated(&[6; 32], at).await?;
        found
            || !Sessions(tx).list_apps(it.0).await?.is_empty()
            || Sessions(tx).end(it.0, at).await?
            || Sessions(tx).revoke(it.0, at).await?
            || Sessions(tx).revoke_all_of(it.1, at).await? > 0
            || Refreshes(tx).revoke(family, at).await?
            || Refreshes(tx).revoke_all_of(it.1, at).await? > 0
    });
    assert!(!touched);
    let (code, token) = within!(world, world.tenant, (), |_none, tx| {
        (
            Codes(tx).find(&[5; 32]).await?.unwrap(),
            Refreshes(tx).find(&[6; 32]).await?.unwrap(),
        )
    });
    assert_eq!(
        (code.redeemed_at, token.rotated_at, token.revoked_at),
        (None, None, None)
    );
    assert_eq!((code.authorization, token.authorization), (granted.clone(), granted));
}

#[tokio::test]
async fn people_of_no_directory() {
    let world = World::new().await;
    let person = ObjectId::from_uuid(Uuid::from_u128(7));
    let (first, later) = (Timestamp::from_secs(2), Timestamp::from_secs(3));
    let found = async |tenant| {
        within!(world, tenant, person, |it, tx| Outsiders(tx)
            .find_revocation(*it)
            .await?)
    };
    within!(world, world.tenant, person, |it, tx| Outsiders(tx)
        .revoke(*it, first)
        .await?);
    assert_eq!(found(world.other).await, None);
    within!(world, world.other, person, |it, tx| Outsiders(tx)
        .revoke(*it, later)
        .await?);
    assert_eq!(
        (found(world.tenant).await, found(world.other).await),
        (Some(first), Some(later))
    );
    within!(world, world.tenant, person, |it, tx| Outsiders(tx)
        .revoke(*it, later)
        .await?);
    assert_eq!(found(world.tenant).await, Some(later));
}

#[tokio::test]
async fn directory_roles() {
    let world = World::new().await;
    let given = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, GLOBAL_ADMINISTRATOR)
        .await
        .unwrap();
    let again = world
        .directory
        .assign_directory_role(&world.cx, world.nurse, GLOBAL_ADMINISTRATOR)
        .await;
    assert!(matches!(again, Err(DirectoryError::Exists)), "{again:?}");
    let seen = within!(world, world.other, given, |given, tx| {
        let mut roles = Roles(tx);
        roles.find(given.id).await?.is_some()
            || roles.find_of(given.role, given.principal).await?.is_some()
            || !roles.list_of(given.principal).await?.is_empty()
            || !roles.page(None, 9).await?.is_empty()
            || !roles.page_members(given.role, None, 9).await?.is_empty()
            || roles.is_last_administrator(given.principal).await?
            || roles.remove(given.id).await?
    });
    assert!(!seen);
    assert!(within!(world, world.tenant, given, |given, tx| Roles(tx)
        .is_last_administrator(given.principal)
        .await?));
    let elsewhere = world.cx.for_tenant(world.other);
    let taken = world.directory.remove_role_assignment(&elsewhere, given.id).await;
    assert!(matches!(taken, Err(DirectoryError::NotFound(_))), "{taken:?}");
    let last = world.directory.remove_role_assignment(&world.cx, given.id).await;
    assert!(matches!(last, Err(DirectoryError::LastAdministrator)), "{last:?}");
}

#[tokio::test]
async fn risks() {
    let world = World::new().await;
    let now = world.cx(world.tenant).now;
    let (compromised, dismissed) = (UserRisk::compromised(now), UserRisk::dismissed(now));
    let supplied = serde_json::json!({ "riskLevel": "high", "userIds": [world.nurse],
        "endDateTime": (now + Duration::from_hours(1)).to_rfc3339() });
    let supplied: SuppliedRisk = hygie_policy::json::read(&supplied).unwrap();
    let made = world
        .directory
        .supply_risk(&world.cx(world.tenant), supplied)
        .await
        .unwrap();
    within!(world, world.tenant, (world.nurse, compromised), |it, tx| Risks(tx)
        .put(AtRisk::User, it.0, &it.1)
        .await?);
    let seen = within!(world, world.other, (world.nurse, made.0), |it, tx| {
        let now = tx.cx().now;
        let mut risks = Risks(tx);
        let seen = risks.find(AtRisk::User, it.0).await?.is_some()
            || !risks.list(AtRisk::User, None, 9).await?.is_empty()
            || !risks.list_supplied(now).await?.is_empty()
            || risks.remove_supplied(it.1).await?;
        risks.forget(AtRisk::User, it.0).await?;
        seen
    });
    assert!(!seen);
    within!(world, world.other, (world.nurse, dismissed), |it, tx| Risks(tx)
        .put(AtRisk::User, it.0, &it.1)
        .await?);
    let here = world.cx(world.tenant);
    assert_eq!(
        world.directory.user_risk(&here, world.nurse).await.unwrap(),
        Some(compromised)
    );
    assert_eq!(
        world.directory.list_supplied_risks(&here).await.unwrap(),
        std::slice::from_ref(&made)
    );
    assert_eq!(
        world.directory.access_rules(&here).await.unwrap().supplied_risks,
        [made.1]
    );
    // What has ended is there no more.
    world.clock.advance(Duration::from_hours(1));
    let later = world.cx(world.tenant);
    assert_eq!(world.directory.list_supplied_risks(&later).await.unwrap(), []);
}

#[tokio::test]
async fn managers_and_what_was_told() {
    let world = World::new().await;
    let now = world.cx(world.tenant).now;
    let manager = ObjectId::from_uuid(Uuid::from_u128(31));
    let event = RiskEvent {
        id: ObjectId::from_uuid(Uuid::from_u128(32)),
        user: world.nurse,
        risk: UserRisk::compromised(now),
        event: Some("generic".to_owned()),
        told_by: None,
    };
    within!(world, world.tenant, (world.nurse, manager, event.clone()), |it, tx| {
        Managers(tx).put(it.0, it.1).await?;
        RiskEvents(tx, AtRisk::User).insert(&it.2).await?;
        RiskEvents(tx, AtRisk::ServicePrincipal).insert(&it.2).await?;
    });
    let seen = within!(world, world.other, (world.nurse, manager, event.id), |it, tx| {
        let managers = Managers(tx).find(it.0).await?.is_some()
            || !Managers(tx).page_reports(it.1, None, 9).await?.is_empty()
            || Managers(tx).remove(it.0).await?;
        let mut events = RiskEvents(tx, AtRisk::User);
        let told = events.find(it.2).await?.is_some()
            || !events.list_of(it.0).await?.is_empty()
            || !events.page_detections(None, 9).await?.is_empty();
        events.forget(it.0).await?;
        let mut events = RiskEvents(tx, AtRisk::ServicePrincipal);
        let told = told || events.find(it.2).await?.is_some() || !events.page_detections(None, 9).await?.is_empty();
        events.forget(it.0).await?;
        Activities(tx).forget(it.0).await?;
        managers || told || !Activities(tx).list_of(&[it.0]).await?.is_empty()
    });
    assert!(!seen);
    let kept = within!(world, world.tenant, (world.nurse, manager), |it, tx| (
        Managers(tx).find(it.0).await?,
        Managers(tx).page_reports(it.1, None, 9).await?,
        [
            RiskEvents(tx, AtRisk::User).list_of(it.0).await?,
            RiskEvents(tx, AtRisk::ServicePrincipal).list_of(it.0).await?
        ]
    ));
    let once = || vec![event.clone()];
    assert_eq!(kept, (Some(manager), vec![world.nurse], [once(), once()]));
}

#[tokio::test]
async fn familiar_browsers_and_first_passwords() {
    let world = World::new().await;
    let (nurse, browser, at) = (world.nurse, [7; 32], Timestamp::from_secs(1_000_000));
    within!(world, world.tenant, (nurse, browser), |it, tx| {
        let now = tx.cx().now;
        Familiar(tx).signed_in(it.0, &it.1, now).await?;
        FirstPasswords(tx).given(it.0, Timestamp::from_secs(1_000_000)).await?;
    });
    let there = within!(world, world.other, (nurse, browser), |it, tx| {
        Familiar(tx)
            .failed(
                it.0,
                &it.1,
                &Lockout {
                    failures: 3,
                    ..Lockout::default()
                },
            )
            .await?;
        Familiar(tx).forget(it.0).await?;
        Familiar(tx).forget_others(it.0, &[8; 32]).await?;
        FirstPasswords(tx).remove(it.0).await?;
        (
            Familiar(tx).find(it.0, &it.1).await?,
            FirstPasswords(tx).find(it.0).await?,
        )
    });
    assert_eq!(there, (None, None));
    let here = within!(world, world.tenant, (nurse, browser), |it, tx| {
        (
            Familiar(tx).find(it.0, &it.1).await?,
            FirstPasswords(tx).find(it.0).await?,
        )
    });
    assert_eq!(here, (Some(Lockout::default()), Some(at)));
    // Of many browsers the last twenty.
    let kept = within!(world, world.tenant, nurse, |nurse, tx| {
        for n in 0..30u8 {
            Familiar(tx)
                .signed_in(*nurse, &[n; 32], Timestamp::from_secs(2_000_000_000 + i64::from(n)))
                .await?;
        }
        let mut kept = Vec::new();
        for n in 0..30u8 {
            kept.extend(Familiar(tx).find(*nurse, &[n; 32]).await?.map(|_| n));
        }
        kept
    });
    assert_eq!(kept, (10..30).collect::<Vec<u8>>());
}

#[tokio::test]
async fn requests_to_consent() {
    let world = World::new().await;
    let asked = AskedConsent {
        id: ObjectId::from_uuid(Uuid::from_u128(71)),
        app: AppId::from_uuid(Uuid::from_u128(72)),
        app_display_name: "Agenda".to_owned(),
        user: world.nurse,
        permissions: Vec::new(),
        reason: "For the ward".to_owned(),
        status: ConsentRequestStatus::Awaited,
        justification: None,
        created_at: world.cx(world.tenant).now,
        ends_at: world.cx(world.tenant).now + Duration::from_hours(1),
    };
    within!(world, world.tenant, asked.clone(), |asked, tx| ConsentRequests(tx)
        .put(asked)
        .await?);
    let there = within!(world, world.other, asked.clone(), |asked, tx| {
        let now = tx.cx().now;
        let denied = (ConsentRequestStatus::Denied, None);
        let decided = ConsentRequests(tx).decide(asked.id, denied, now).await?;
        let lists = [
            ConsentRequests(tx).list(9).await?,
            ConsentRequests(tx).list_of(asked.user).await?,
            ConsentRequests(tx).list_awaited(asked.app).await?,
        ];
        let none = (ObjectId::from_uuid(Uuid::nil()), asked.app);
        (
            decided,
            lists.concat(),
            ConsentRequests(tx).count_awaited_beside(none).await?,
        )
    });
    assert_eq!(there, (false, Vec::new(), 0));
    let here = within!(world, world.tenant, asked.clone(), |asked, tx| ConsentRequests(tx)
        .list_of(asked.user)
        .await?);
    assert_eq!(here, [asked]);
}

#[tokio::test]
async fn policies_that_applications_were_given() {
    let world = World::new().await;
    let (object, policy) = (world.nurse, Uuid::from_u128(5));
    within!(world, world.tenant, (object, policy), |bound, tx| {
        PolicyTargets(tx).insert(bound.0, bound.1).await?;
    });
    let read = |tenant| {
        let world = &world;
        async move {
            within!(world, tenant, (object, policy), |bound, tx| (
                PolicyTargets(tx).list_of(&[bound.0]).await?,
                PolicyTargets(tx).page(bound.1, None, 10).await?,
            ))
        }
    };
    assert_eq!(read(world.other).await, (vec![], vec![]));
    let removed = within!(world, world.other, (object, policy), |bound, tx| {
        PolicyTargets(tx).remove_policy(bound.1).await?;
        PolicyTargets(tx).remove(bound.0, bound.1).await?
    });
    assert!(!removed);
    assert_eq!(read(world.tenant).await, (vec![(object, policy)], vec![object]));
}

#[tokio::test]
async fn what_people_put_off() {
    let world = World::new().await;
    let now = PutOff {
        times: 2,
        at: Timestamp::from_secs(5),
        session: SessionId::from_uuid(Uuid::from_u128(7)),
    };
    let mine = (world.nurse, now);
    within!(world, world.tenant, mine, |mine, tx| Campaigns(tx)
        .put_off(mine.0, &mine.1)
        .await?);
    let other = within!(world, world.other, mine, |mine, tx| Campaigns(tx).find(mine.0).await?);
    assert_eq!(other, None);
    let theirs = (world.nurse, PutOff { times: 9, ..now });
    within!(world, world.other, theirs, |theirs, tx| Campaigns(tx)
        .put_off(theirs.0, &theirs.1)
        .await?);
    let found = within!(world, world.tenant, mine, |mine, tx| Campaigns(tx).find(mine.0).await?);
    assert_eq!(found, Some(now));
}
