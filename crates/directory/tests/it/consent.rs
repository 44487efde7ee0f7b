//! Consent, its revocation, and guests.

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory::repo::{Consents, GrantsOf, Guests, LowImpactRow, Publisher, Publishers, RolesOf};
use hygie_directory::{
    AppRole, Application, Audience, Cursor, DIRECTORY_API, Definition, DirectoryError, Enabled, ForWhom, MemberTypes,
    NewApplication, NewInvitation, NewUser, Permissions, Scope, User, UserType,
};
use hygie_policy::consent::{GrantPolicy, InvitesFrom};
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

const EVERYTHING: Cursor = Cursor { after: None, limit: 99 };
const ROLE: Uuid = Uuid::from_u128(21);

/// An application of this tenant.
async fn register(world: &World, cx: &Cx, definition: Definition) -> Application {
    let new = NewApplication {
        app: None,
        display_name: "Agenda".to_owned(),
        definition,
    };
    world.directory.create_application(cx, new).await.unwrap().0
}

/// For several tenants, with a scope and a role.
fn shared() -> Definition {
    Definition {
        sign_in_audience: Audience::Tenants,
        scopes: vec![Scope {
            id: Uuid::from_u128(20),
            value: "Use".to_owned(),
            display_name: "Use it".to_owned(),
            ..Scope::default()
        }],
        app_roles: vec![AppRole {
            id: ROLE,
            value: "Work".to_owned(),
            display_name: "Work".to_owned(),
            members: MemberTypes::Application,
            ..AppRole::default()
        }],
        ..Definition::default()
    }
}

fn permissions(resource: AppId, scopes: &[&str], roles: &[Uuid]) -> Permissions {
    Permissions {
        resource,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        roles: roles.to_vec(),
    }
}

#[tokio::test]
async fn an_administrator_consents_for_everybody() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    let there = world.cx(world.other);
    let app = register(&world, &there, shared()).await;
    assert_eq!(app.definition.publisher_domain.as_deref(), Some("ch-autre.example"));
    let wanted = vec![
        permissions(DIRECTORY_API, &["User.Read", "openid"], &[]),
        permissions(world.fhir, &["user_impersonation"], &[Uuid::from_u128(11)]),
    ];
    let consent = (ForWhom::Everybody, wanted);
    let made = directory.consent(&here, app.app, consent.clone()).await.unwrap();
    assert!(made.is_new);
    let again = directory.consent(&here, app.app, consent).await.unwrap();
    assert_eq!((again.client, again.is_new), (made.client, false));
    let grants = directory
        .page_grants(&here, GrantsOf::Client(made.client), EVERYTHING)
        .await
        .unwrap();
    assert_eq!(grants.len(), 2, "{grants:?}");
    assert!(grants.iter().all(|grant| grant.user.is_none()));
    // What comes later is added to what was there.
    let more = (
        ForWhom::Everybody,
        vec![permissions(DIRECTORY_API, &["Group.Read.All"], &[])],
    );
    directory.consent(&here, app.app, more).await.unwrap();
    let grants = directory
        .page_grants(&here, GrantsOf::Client(made.client), EVERYTHING)
        .await
        .unwrap();
    let words: Vec<String> = grants.into_iter().flat_map(|grant| grant.scopes).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    let roles = directory
        .page_app_role_assignments(&here, RolesOf::Principal(made.client), EVERYTHING)
        .await
        .unwrap();
    assert_eq!(roles.len(), 1);
    // Nothing of it is in the home tenant.
    let home = directory
        .find_service_principal(&there, app.app)
        .await
        .unwrap()
        .unwrap();
    let elsewhere = directory
        .page_grants(&there, GrantsOf::Client(home.id), EVERYTHING)
        .await
        .unwrap();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[tokio::test]
async fn what_cannot_be_consented_to_leaves_nothing_behind() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    let there = world.cx(world.other);
    let own = register(&world, &there, Definition::default()).await;
    let app = register(&world, &there, shared()).await;
    // The publisher's API, which does not name the application as its client.
    let api = register(&world, &there, shared()).await;
    let person = ForWhom::Person(world.nurse);
    let nobody = ForWhom::Person(ObjectId::from_uuid(Uuid::from_u128(404)));
    for (client, whom, wanted) in [
        (
            own.app,
            ForWhom::Everybody,
            permissions(DIRECTORY_API, &["User.Read"], &[]),
        ),
        (
            app.app,
            ForWhom::Everybody,
            permissions(DIRECTORY_API, &["Everything"], &[]),
        ),
        (app.app, ForWhom::Everybody, permissions(api.app, &["Use"], &[])),
        (
            app.app,
            ForWhom::Everybody,
            permissions(world.fhir, &[], &[Uuid::from_u128(404)]),
        ),
        (app.app, person, permissions(world.fhir, &[], &[Uuid::from_u128(11)])),
        (app.app, nobody, permissions(DIRECTORY_API, &["User.Read"], &[])),
    ] {
        let refused = directory.consent(&here, client, (whom, vec![wanted])).await;
        assert!(
            matches!(refused, Err(DirectoryError::NotFound(_) | DirectoryError::Value(_))),
            "{refused:?}"
        );
    }
    assert_eq!(directory.find_service_principal(&here, app.app).await.unwrap(), None);
    // One that does comes with it, and its role is for programs.
    let known = Definition {
        known_client_applications: vec![app.app],
        ..shared()
    };
    let api = register(&world, &there, known).await;
    let wanted = vec![permissions(api.app, &["Use"], &[ROLE])];
    directory
        .consent(&here, app.app, (ForWhom::Everybody, wanted))
        .await
        .unwrap();
    assert!(
        directory
            .find_service_principal(&here, api.app)
            .await
            .unwrap()
            .is_some()
    );
    directory.set_app_enabled(&here, app.app, Enabled::No).await.unwrap();
    let wanted = vec![permissions(DIRECTORY_API, &["User.Read"], &[])];
    let refused = directory.consent(&here, app.app, (person, wanted)).await;
    assert!(matches!(refused, Err(DirectoryError::Fixed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_person_consents_and_takes_it_back() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    let app = register(&world, &world.cx(world.other), shared()).await;
    let wanted = vec![permissions(DIRECTORY_API, &["User.Read"], &[])];
    let made = directory
        .consent(&here, app.app, (ForWhom::Person(world.nurse), wanted))
        .await
        .unwrap();
    let own = directory.own_consents(&here, world.nurse).await.unwrap();
    assert_eq!((own.len(), own[0].client.id), (1, made.client));
    assert_eq!(own[0].grants[0].1, ["User.Read"]);
    let elsewhere = directory
        .revoke_own_consent(&world.cx(world.other), world.nurse, made.client)
        .await;
    assert!(matches!(elsewhere, Err(DirectoryError::NotFound(_))), "{elsewhere:?}");
    directory
        .revoke_own_consent(&here, world.nurse, made.client)
        .await
        .unwrap();
    assert!(directory.own_consents(&here, world.nurse).await.unwrap().is_empty());
    let again = directory.revoke_own_consent(&here, world.nurse, made.client).await;
    assert!(matches!(again, Err(DirectoryError::NotFound(_))), "{again:?}");
}

#[tokio::test]
async fn settings_of_consent_are_a_tenants_own() {
    let world = World::new().await;
    let (directory, here, there) = (&world.directory, world.cx(world.tenant), world.cx(world.other));
    let change = json!({ "allowInvitesFrom": "everyone", "defaultUserRolePermissions": {
        "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"] } });
    directory.change_authorization_policy(&here, change).await.unwrap();
    let policy = directory.authorization_policy(&here).await.unwrap();
    assert_eq!(
        (policy.invites_from, policy.self_consent.as_slice()),
        (InvitesFrom::Everyone, &[GrantPolicy::Legacy][..])
    );
    let other = directory.authorization_policy(&there).await.unwrap();
    assert_eq!(other.self_consent, [GrantPolicy::Low]);
    let fhir = directory
        .find_service_principal(&here, world.fhir)
        .await
        .unwrap()
        .unwrap()
        .id;
    let by_word = (None, Some("user_impersonation".to_owned()));
    let low = directory.classify_low(&here, fhir, by_word.clone()).await.unwrap();
    assert_eq!(low.permission, Uuid::from_u128(1));
    let twice = directory.classify_low(&here, fhir, by_word).await;
    assert!(matches!(twice, Err(DirectoryError::Exists)), "{twice:?}");
    let unknown = directory.classify_low(&here, fhir, (None, None)).await;
    assert!(matches!(unknown, Err(DirectoryError::NotFound(_))), "{unknown:?}");
    let seen = within(&world, &there, (fhir, low.id)).await;
    assert!(!seen);
    let listed = directory.low_impact(&here, fhir).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&low));
    directory.declassify(&here, fhir, low.id).await.unwrap();
    assert!(directory.low_impact(&here, fhir).await.unwrap().is_empty());
}

/// Whether another tenant sees or changes what is of low impact.
async fn within(world: &World, cx: &Cx, what: (ObjectId, ObjectId)) -> bool {
    world
        .store
        .store
        .write(cx, what, |(resource, id), tx| {
            Box::pin(async move {
                let listed = Consents(tx).list_low(*resource).await?;
                Ok::<_, DirectoryError>(!listed.is_empty() || Consents(tx).remove_low(*resource, *id).await?)
            })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_publisher_is_vouched_for_by_the_operator() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    let app = register(&world, &here, shared()).await;
    let mark = Some("pub-1".to_owned());
    let early = directory.set_verified_publisher(&here, app.id, mark.clone()).await;
    assert!(matches!(early, Err(DirectoryError::NotFound(_))), "{early:?}");
    let publisher = Publisher {
        id: "pub-1".to_owned(),
        display_name: "Éditeur de démonstration".to_owned(),
    };
    directory.vouch_for_publisher(&here, publisher.clone()).await.unwrap();
    directory.vouch_for_publisher(&here, publisher).await.unwrap();
    directory.set_verified_publisher(&here, app.id, mark).await.unwrap();
    let seen = directory.find_application(&here, app.app).await.unwrap().unwrap();
    let shown = seen.definition.verified_publisher.clone().unwrap();
    assert_eq!(shown.display_name, "Éditeur de démonstration");
    let elsewhere = world
        .store
        .store
        .read(&world.cx(world.other), (), |(), tx| {
            Box::pin(async move { Publishers(tx).find("pub-1").await })
        })
        .await
        .unwrap();
    assert_eq!(elsewhere, None);
    directory.set_verified_publisher(&here, app.id, None).await.unwrap();
    let seen = directory.find_application(&here, app.app).await.unwrap().unwrap();
    assert_eq!(seen.definition.verified_publisher, None);
}

/// Somebody of the other establishment.
async fn outsider(world: &World) -> User {
    let new = NewUser {
        user_principal_name: "Paul@ch-autre.example".to_owned(),
        display_name: "Paul Durand".to_owned(),
        ..NewUser::default()
    };
    world.directory.create_user(&world.cx(world.other), new).await.unwrap()
}

fn invitation(address: &str) -> NewInvitation {
    NewInvitation {
        address: address.to_owned(),
        display_name: None,
        redirect: "https://portal.example/".to_owned(),
        user_type: UserType::Guest,
        resets: false,
        message: None,
    }
}

#[tokio::test]
async fn who_cannot_be_invited() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    for address in [
        "paul@nowhere.example",
        "anna.martin@ch-demo.example",
        "paul",
        "p@ch-autre.example x",
    ] {
        let refused = directory.invite(&here, invitation(address)).await;
        assert!(
            matches!(refused, Err(DirectoryError::Value(_))),
            "{address}: {refused:?}"
        );
    }
    let script = NewInvitation {
        redirect: "javascript:alert(1)".to_owned(),
        ..invitation("paul@ch-autre.example")
    };
    let refused = directory.invite(&here, script).await;
    assert!(
        matches!(refused, Err(DirectoryError::Value("inviteRedirectUrl"))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_guest_is_invited_and_accepts() {
    let world = World::new().await;
    let (directory, here) = (&world.directory, world.cx(world.tenant));
    let paul = outsider(&world).await;
    let made = directory
        .invite(&here, invitation("paul@ch-autre.example"))
        .await
        .unwrap();
    assert!(made.is_pending);
    assert_eq!(
        made.user.user_principal_name,
        "paul_ch-autre.example#EXT#@ch-demo.example"
    );
    let found = directory
        .find_invited(&here, made.ticket.expose())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.user.id, found.home), (made.user.id, world.other));
    let elsewhere = directory
        .find_invited(&world.cx(world.other), made.ticket.expose())
        .await;
    assert_eq!(elsewhere.unwrap(), None);
    let known = directory.find_guest(&here, world.other, &paul).await.unwrap().unwrap();
    assert!(known.is_pending);
    // Nobody else's account takes it: of another name, or of another tenant that says the same name.
    let stranger = User {
        user_principal_name: "other@ch-autre.example".to_owned(),
        ..paul.clone()
    };
    for (home, account) in [(world.other, &stranger), (world.tenant, &paul)] {
        let refused = directory.accept_invitation(&here, made.user.id, (home, account)).await;
        assert!(matches!(refused, Err(DirectoryError::NotFound(_))), "{refused:?}");
    }
    let guest = directory
        .accept_invitation(&here, made.user.id, (world.other, &paul))
        .await
        .unwrap();
    assert_eq!(guest.display_name, "Paul Durand");
    assert_eq!(guest.profile.external_user_state.as_deref(), Some("Accepted"));
    let found = directory.find_guest(&here, world.other, &paul).await.unwrap().unwrap();
    assert!(!found.is_pending);
    assert_eq!(directory.find_invited(&here, made.ticket.expose()).await.unwrap(), None);
    // Invited again they stay who they are; reset, they accept again, with the account that has the address then.
    let again = directory
        .invite(&here, invitation("paul@ch-autre.example"))
        .await
        .unwrap();
    assert_eq!((again.user.id, again.is_pending), (made.user.id, false));
    let reset = NewInvitation {
        resets: true,
        ..invitation("paul@ch-autre.example")
    };
    let reset = directory.invite(&here, reset).await.unwrap();
    assert_eq!((reset.user.id, reset.is_pending), (made.user.id, true));
    directory.delete_user(&here, made.user.id).await.unwrap();
    assert_eq!(directory.find_guest(&here, world.other, &paul).await.unwrap(), None);
}

#[tokio::test]
async fn an_invitation_is_good_for_thirty_days() {
    let world = World::new().await;
    let paul = outsider(&world).await;
    let directory = &world.directory;
    let made = directory
        .invite(&world.cx(world.tenant), invitation("paul@ch-autre.example"))
        .await
        .unwrap();
    world.clock.advance(std::time::Duration::from_hours(24 * 31));
    let later = world.cx(world.tenant);
    assert_eq!(
        directory.find_invited(&later, made.ticket.expose()).await.unwrap(),
        None
    );
    let late = directory
        .accept_invitation(&later, made.user.id, (world.other, &paul))
        .await;
    assert!(matches!(late, Err(DirectoryError::NotFound(_))), "{late:?}");
}

#[tokio::test]
async fn guests_and_classifications_of_two_tenants_are_apart() {
    let world = World::new().await;
    let here = world.cx(world.tenant);
    let paul = outsider(&world).await;
    let made = world
        .directory
        .invite(&here, invitation("paul@ch-autre.example"))
        .await
        .unwrap();
    let row = LowImpactRow {
        id: made.user.id,
        resource: made.user.id,
        permission: Uuid::from_u128(1),
    };
    let seen = world
        .store
        .store
        .write(
            &world.cx(world.other),
            (made.user.id, paul.id, row),
            |(guest, paul, row), tx| {
                Box::pin(async move {
                    let home = tx.cx().tenant;
                    let seen = Guests(tx).find(*guest).await?.is_some()
                        || !Guests(tx).list_invited(home, "paul@ch-autre.example").await?.is_empty()
                        || !Guests(tx).list_of(home, *paul).await?.is_empty()
                        || Guests(tx).accept(*guest, *paul).await?;
                    Consents(tx).insert_low(row).await?;
                    Ok::<_, DirectoryError>(seen)
                })
            },
        )
        .await
        .unwrap();
    assert!(!seen);
    let found = world.directory.find_guest(&here, world.other, &paul).await.unwrap();
    assert!(found.is_some_and(|found| found.is_pending));
}
