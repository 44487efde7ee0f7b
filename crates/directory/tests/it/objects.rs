//! Two tenants: what is owned, deleted, given and changed in one, the other neither sees nor touches.

use hygie_core::ObjectId;
use hygie_directory::repo::{
    Became, ByName, Changes, Deleted, Followed, Grants, GrantsOf, Groups, Owners, Principals, RolesOf, Users,
};
use hygie_directory::{DeletedKind, DirectoryError, NewAppRole, NewGrant, UserChange};
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

const CARD: &str = "X509:<PN>8.99700434378@carte-cps.fr";

#[tokio::test]
async fn names_and_certificates() {
    let world = World::new().await;
    let profile = serde_json::json!({ "certificateUserIds": [CARD] });
    let change = UserChange {
        profile: profile.as_object().cloned().unwrap_or_default(),
        ..UserChange::default()
    };
    let nurse = world.nurse;
    world.directory.update_user(&world.cx, nurse, change).await.unwrap();
    let by_name = ByName {
        limit: 9,
        ..ByName::default()
    };
    let seen = within!(world, world.other, (nurse, by_name.clone()), |it, tx| {
        !Users(tx).page_by_name(&it.1).await?.is_empty()
            || !Groups(tx).page_by_name(&it.1).await?.is_empty()
            || Users(tx).count().await? + Groups(tx).count().await? > 0
            || Users(tx).find_by_certificate_user_id(CARD).await?.is_some()
            || !Users(tx).list_by_ids(&[it.0]).await?.is_empty()
            || Users(tx).password(it.0).await?.is_some()
            || Users(tx).remove(it.0).await?
    });
    assert!(!seen);
    let mut user = world
        .directory
        .find_user_by_id(&world.cx, nurse)
        .await
        .unwrap()
        .unwrap();
    user.profile.certificate_user_ids.clear();
    assert!(!within!(world, world.other, user, |user, tx| Users(tx)
        .update(user)
        .await?));
    let found = within!(world, world.tenant, by_name, |at, tx| {
        let found = Users(tx).find_by_certificate_user_id(CARD).await?;
        (found.map(|user| user.id), Users(tx).page_by_name(at).await?.len())
    });
    assert_eq!(found, (Some(nurse), 1));
}

#[tokio::test]
async fn owners() {
    let world = World::new().await;
    let group = ObjectId::from_uuid(world.nurses.uuid());
    world.directory.add_owner(&world.cx, group, world.nurse).await.unwrap();
    let again = world.directory.add_owner(&world.cx, group, world.nurse).await;
    assert!(matches!(again, Err(DirectoryError::Exists)), "{again:?}");
    let elsewhere = world.cx.for_tenant(world.other);
    let taken = world.directory.add_owner(&elsewhere, group, world.nurse).await;
    assert!(matches!(taken, Err(DirectoryError::NotFound(_))), "{taken:?}");
    let seen = within!(world, world.other, (group, world.nurse), |it, tx| {
        Owners(tx).has(it.0, it.1).await?
            || !Owners(tx).page(it.0, None, 9).await?.is_empty()
            || Owners(tx).remove(it.0, it.1).await?
    });
    assert!(!seen);
    assert!(within!(world, world.tenant, (group, world.nurse), |it, tx| Owners(tx)
        .has(it.0, it.1)
        .await?));
}

#[tokio::test]
async fn deleted_objects_and_changes() {
    let world = World::new().await;
    world.directory.delete_user(&world.cx, world.nurse).await.unwrap();
    let start = hygie_core::Timestamp::from_secs(0);
    let seen = within!(world, world.other, (world.nurse, start, world.cx.now), |it, tx| {
        let page = Deleted(tx).page("user", it.1, (None, 9)).await?;
        Deleted(tx).unlink(it.0).await?;
        !page.is_empty()
            || Deleted(tx).find(it.0, it.1).await?.is_some()
            || !Deleted(tx).list_before(it.2, 9).await?.is_empty()
            || Deleted(tx).remove(it.0).await?
            || Changes(tx).last().await? > 0
            || !Changes(tx).page(Followed::Users, 0, 9).await?.is_empty()
    });
    assert!(!seen);
    let changes = within!(world, world.tenant, (), |_none, tx| Changes(tx)
        .page(Followed::Users, 0, 9)
        .await?);
    let last = changes.last().map(|change| (change.object, change.became));
    assert_eq!(last, Some((world.nurse, Became::Deleted)));
    let elsewhere = world.cx.for_tenant(world.other);
    for refused in [
        world.directory.restore(&elsewhere, world.nurse).await.map(drop),
        world.directory.forget(&elsewhere, world.nurse).await,
    ] {
        assert!(matches!(refused, Err(DirectoryError::NotFound(_))), "{refused:?}");
    }
    world.directory.restore(&world.cx, world.nurse).await.unwrap();
}

#[tokio::test]
async fn what_is_deleted_for_thirty_days_is_gone() {
    let world = World::new().await;
    world.directory.delete_user(&world.cx, world.nurse).await.unwrap();
    world.clock.advance(std::time::Duration::from_hours(24 * 30 + 1));
    let cx = world.cx(world.tenant);
    let at = hygie_directory::Cursor { after: None, limit: 9 };
    assert!(
        world
            .directory
            .page_deleted(&cx, DeletedKind::User, at)
            .await
            .unwrap()
            .is_empty()
    );
    let refused = world.directory.restore(&cx, world.nurse).await;
    assert!(matches!(refused, Err(DirectoryError::NotFound(_))), "{refused:?}");
    // Cleared away by the next deletion, with what referred to it.
    world.directory.delete_group(&cx, world.nurses).await.unwrap();
    let start = hygie_core::Timestamp::from_secs(0);
    let left = within!(world, world.tenant, (world.nurse, world.nurses, start), |it, tx| {
        let is_kept = Deleted(tx).find(it.0, it.2).await?.is_some();
        is_kept || Groups(tx).has_member(it.1, it.0).await?
    });
    assert!(!left);
}

#[tokio::test]
async fn roles_and_grants_by_their_ids() {
    let world = World::new().await;
    let directory = &world.directory;
    let client = directory
        .find_service_principal(&world.cx, world.portal)
        .await
        .unwrap()
        .unwrap()
        .id;
    let resource = directory
        .find_service_principal(&world.cx, world.fhir)
        .await
        .unwrap()
        .unwrap()
        .id;
    let new = NewAppRole {
        resource,
        principal: world.nurse,
        role: Uuid::nil(),
    };
    let role = directory.create_app_role_assignment(&world.cx, new).await.unwrap();
    let elsewhere = world.cx.for_tenant(world.other);
    let refused = directory.create_app_role_assignment(&elsewhere, new).await;
    assert!(matches!(refused, Err(DirectoryError::NotFound(_))), "{refused:?}");
    let new = NewGrant {
        client,
        resource,
        user: Some(world.nurse),
        scopes: vec!["openid".to_owned()],
    };
    let grant = directory.create_grant(&world.cx, new).await.unwrap();
    let seen = within!(world, world.other, (role, grant), |it, tx| {
        let (role, grant) = it;
        let mut grants = Grants(tx);
        grants.find_role(role.id).await?.is_some()
            || grants.has_role(role.resource, role.principal, role.role).await?
            || !grants
                .page_roles(RolesOf::Resource(role.resource), (None, 9))
                .await?
                .is_empty()
            || !grants.page_grants(GrantsOf::Everything, (None, 9)).await?.is_empty()
            || grants.find_grant(grant.id).await?.is_some()
            || grants.remove_role(role.id).await?
            || grants.remove_grant(grant.id).await?
            || Principals(tx).rename(role.resource, "x").await?
            || Principals(tx).remove(role.resource).await?
    });
    assert!(!seen);
    directory.remove_app_role_assignment(&world.cx, role.id).await.unwrap();
}

#[tokio::test]
async fn names_that_an_older_release_wrote_get_their_keys() {
    let world = World::new().await;
    within!(world, world.tenant, (), |_none, tx| {
        for table in ["idp_user", "idp_group"] {
            let sql = format!("UPDATE {table} SET name_key = NULL WHERE {{i.is}}tenant = :tenant");
            tx.execute(&sql, &[]).await?;
        }
    });
    let deps = hygie_directory::Deps {
        store: world.store.store.clone(),
        clock: world.clock.clone(),
        random: world.cx.random.clone(),
        workers: 1,
    };
    let directory = hygie_directory::Directory::open(deps).await.unwrap();
    let by_name = ByName {
        prefix: "n".to_owned(),
        limit: 9,
        ..ByName::default()
    };
    let groups = directory.page_groups_by_name(&world.cx, by_name.clone()).await.unwrap();
    assert_eq!(groups.len(), 1);
    let users = directory
        .page_users_by_name(
            &world.cx,
            ByName {
                prefix: "ANNA".to_owned(),
                ..by_name
            },
        )
        .await
        .unwrap();
    assert_eq!(users.len(), 1);
}
