//! Nobody saws off the branch they sit on: somebody who administers can always sign in.

use hygie_core::{Fault, GroupId, ObjectId};
use hygie_directory::{
    DIRECTORY_API, DirectoryError, Enabled, GLOBAL_ADMINISTRATOR, GroupProfile, Kept, NewGroup, NewUser, UserChange,
    role,
};
use hygie_policy::json::read;
use hygie_policy::{NamedLocation, Policy};
use serde_json::{Value, json};

use crate::conditional::policy;
use crate::world::World;

const REFUSED: &str = "nobody who administers could sign in any more, by 'Block'";

/// Somebody of the house, who administers it or not.
async fn somebody(world: &World, name: &str, roles: &[hygie_policy::RoleTemplateId]) -> ObjectId {
    let cx = world.cx(world.tenant);
    let new = NewUser {
        user_principal_name: format!("{name}@ch-demo.example"),
        display_name: name.to_owned(),
        ..NewUser::default()
    };
    let made = world.directory.create_user(&cx, new).await.unwrap().id;
    for role in roles {
        world.directory.assign_directory_role(&cx, made, *role).await.unwrap();
    }
    made
}

/// A policy that blocks, with these conditions instead of those for everybody and everything.
fn block(conditions: &[(&str, Value)]) -> Value {
    let mut document = policy("Block", &json!({ "operator": "OR", "builtInControls": ["block"] }));
    for (at, value) in conditions {
        let (parent, member) = at.rsplit_once('/').unwrap();
        document["conditions"].pointer_mut(parent).unwrap()[member] = value.clone();
    }
    document
}

async fn make(world: &World, document: &Value) -> Result<Policy, String> {
    let new: Policy = read(document).unwrap();
    let made = world.directory.create_rule(&world.cx(world.tenant), new).await;
    made.map_err(|error| error.public())
}

fn is_refused<T: std::fmt::Debug>(outcome: &Result<T, DirectoryError>) -> bool {
    matches!(outcome, Err(error @ DirectoryError::LockOut(_)) if error.public().starts_with(REFUSED))
}

#[tokio::test]
async fn a_policy_keeps_out_nobody_who_alone_administers() {
    let world = World::new().await;
    let admin = somebody(&world, "admin", &[GLOBAL_ADMINISTRATOR]).await;
    let emergency = somebody(&world, "secours", &[GLOBAL_ADMINISTRATOR]).await;
    let portals = json!(["MicrosoftAdminPortals"]);
    let everybody = json!([admin, emergency, world.nurse]);
    for (conditions, is_refused) in [
        (vec![], true),
        // Nobody holds it, or nobody who administers.
        (
            vec![("/users/excludeRoles", json!([role::HELPDESK_ADMINISTRATOR.to_string()]))],
            true,
        ),
        (vec![("/users/excludeUsers", json!([world.nurse]))], true),
        (vec![("/users/excludeGroups", json!([world.nurses]))], true),
        (vec![("/users/includeUsers", everybody)], true),
        (vec![("/users/includeUsers", json!([admin, world.nurse]))], false),
        (
            vec![("/users/excludeRoles", json!([GLOBAL_ADMINISTRATOR.to_string()]))],
            false,
        ),
        (vec![("/users/excludeUsers", json!([emergency]))], false),
        (
            vec![
                ("/users/includeUsers", json!([])),
                ("/users/includeRoles", json!([GLOBAL_ADMINISTRATOR.to_string()])),
            ],
            true,
        ),
        (vec![("/applications/excludeApplications", json!([world.portal]))], true),
        (
            vec![("/applications/includeApplications", json!([DIRECTORY_API]))],
            true,
        ),
        (vec![("/applications/includeApplications", portals.clone())], true),
        (
            vec![("/applications/includeApplications", json!([world.portal]))],
            false,
        ),
        (
            vec![(
                "/applications/excludeApplications",
                json!(["MicrosoftAdminPortals", DIRECTORY_API]),
            )],
            false,
        ),
    ] {
        let outcome = make(&world, &block(&conditions)).await;
        assert_eq!(outcome.is_err(), is_refused, "{conditions:?}: {outcome:?}");
        if let Ok(made) = outcome {
            let cx = world.cx(world.tenant);
            world
                .directory
                .delete_rule::<Policy>(&cx, &made.key().unwrap())
                .await
                .unwrap();
        }
    }
    // Each is let in by one policy and kept out by the other.
    let out = |who: ObjectId| block(&[("/users/excludeUsers", json!([who]))]);
    make(&world, &out(admin)).await.unwrap();
    let both = make(&world, &out(emergency)).await.unwrap_err();
    assert!(both.starts_with(REFUSED), "{both}");
}

#[tokio::test]
async fn the_only_administrator_who_gets_in_stays_and_stays_out_of_the_policy() {
    let world = World::new().await;
    let (cx, directory) = (world.cx(world.tenant), &world.directory);
    somebody(&world, "admin", &[GLOBAL_ADMINISTRATOR]).await;
    let emergency = somebody(&world, "secours", &[GLOBAL_ADMINISTRATOR]).await;
    let other = somebody(&world, "autre", &[GLOBAL_ADMINISTRATOR]).await;
    let out = directory.create_group(&cx, "Out").await.unwrap().id;
    let blocked = directory.create_group(&cx, "Blocked").await.unwrap().id;
    directory.add_member(&cx, out, emergency).await.unwrap();
    make(&world, &block(&[("/users/excludeGroups", json!([out]))]))
        .await
        .unwrap();
    let more = [
        ("/users/includeUsers", json!([])),
        ("/users/includeGroups", json!([blocked])),
    ];
    make(&world, &block(&more)).await.unwrap();

    assert!(is_refused(&directory.delete_user(&cx, emergency).await));
    assert!(is_refused(
        &directory.set_user_enabled(&cx, emergency, Enabled::No).await
    ));
    let off = || UserChange {
        state: Some(Enabled::No),
        ..UserChange::default()
    };
    assert!(is_refused(&directory.update_user(&cx, emergency, off()).await));
    assert!(is_refused(&directory.remove_member(&cx, out, emergency).await));
    assert!(is_refused(&directory.delete_group(&cx, out).await));
    assert!(is_refused(
        &directory
            .remove_directory_role(&cx, emergency, GLOBAL_ADMINISTRATOR)
            .await
    ));
    assert!(is_refused(&directory.add_member(&cx, blocked, emergency).await));
    // Who is kept out already is no loss; nor is anybody once another one gets in.
    directory.add_member(&cx, blocked, other).await.unwrap();
    directory.remove_member(&cx, blocked, other).await.unwrap();
    directory.add_member(&cx, out, other).await.unwrap();
    directory.remove_member(&cx, out, emergency).await.unwrap();
    assert!(is_refused(&directory.update_user(&cx, other, off()).await));
    assert!(directory.find_user_by_id(&cx, other).await.unwrap().unwrap().is_enabled);
}

#[tokio::test]
async fn who_administers_by_a_group_counts() {
    let world = World::new().await;
    let (cx, directory) = (world.cx(world.tenant), &world.directory);
    somebody(&world, "admin", &[GLOBAL_ADMINISTRATOR]).await;
    let emergency = somebody(&world, "secours", &[]).await;
    let new = NewGroup {
        display_name: "Administrators".to_owned(),
        profile: GroupProfile {
            is_assignable_to_role: true,
            ..GroupProfile::default()
        },
        members: vec![emergency],
        owners: Vec::new(),
    };
    let group: GroupId = directory.create_group_with(&cx, new).await.unwrap().id;
    let document = block(&[("/users/excludeUsers", json!([emergency]))]);
    assert!(make(&world, &document).await.is_err());
    let holder = ObjectId::from_uuid(group.uuid());
    directory
        .assign_directory_role(&cx, holder, GLOBAL_ADMINISTRATOR)
        .await
        .unwrap();
    make(&world, &document).await.unwrap();
    assert!(is_refused(&directory.remove_member(&cx, group, emergency).await));
    assert!(is_refused(&directory.delete_group(&cx, group).await));
}

/// Everywhere but where nothing is: the classic mistake of a house that has no trusted places yet.
#[tokio::test]
async fn a_policy_for_all_places_but_those_that_are_none_is_for_all() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    somebody(&world, "admin", &[GLOBAL_ADMINISTRATOR]).await;
    let but_trusted = json!({ "includeLocations": ["All"], "excludeLocations": ["AllTrusted"] });
    let document = block(&[("/locations", but_trusted)]);
    let create = || world.directory.create_rule::<Policy>(&cx, read(&document).unwrap());
    let refused = create().await.unwrap_err().public();
    assert!(refused.starts_with(REFUSED), "{refused}");
    let house = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "House", "isTrusted": true,
        "ipRanges": [{ "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24" }] });
    let house: NamedLocation = world.directory.create_rule(&cx, read(&house).unwrap()).await.unwrap();
    create().await.unwrap();
    // Nor is the last of them taken away, or trusted no more.
    let id = house.id.unwrap().to_string();
    let untrusted = json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false });
    let changed = world.directory.update_rule::<NamedLocation>(&cx, &id, untrusted).await;
    let refused = changed.unwrap_err().public();
    assert!(refused.starts_with(REFUSED), "{refused}");
}
