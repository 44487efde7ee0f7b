//! Credentials of the presence of an application in a tenant: good there, and nowhere else.

use std::time::Duration;

use hygie_core::{ObjectId, TenantId};
use hygie_directory::repo::Holder;
use hygie_testkit::Answer;

use crate::world::{World, code_of};

const YEAR: Duration = Duration::from_hours(24 * 365);

/// The portal by itself, in this tenant, by this secret.
async fn by_secret(world: &World, tenant: TenantId, secret: &str) -> Answer {
    let id = world.portal.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    world
        .browser()
        .post(&format!("/{tenant}/oauth2/v2.0/token"), &fields)
        .await
}

async fn secret_of(world: &World, tenant: TenantId, principal: ObjectId) -> (uuid::Uuid, String) {
    let made = world
        .idp
        .directory()
        .add_secret(&world.cx(tenant), Holder::Principal(principal), "own", YEAR)
        .await
        .expect("a secret");
    (made.id, made.value.expose().clone())
}

#[tokio::test]
async fn a_secret_of_a_service_principal_is_good_in_its_own_tenant_alone() {
    let world = World::new().await;
    let directory = world.idp.directory();
    let there = directory
        .create_service_principal(&world.cx(world.other), world.portal)
        .await;
    let there = there.expect("a presence").id;
    let here = directory.find_service_principal(&world.cx, world.portal).await;
    let here = here.expect("a read").expect("a presence").id;
    let (id, theirs) = secret_of(&world, world.other, there).await;
    let (_, ours) = secret_of(&world, world.tenant, here).await;
    for (tenant, secret, expected) in [
        (world.other, &theirs, 200),
        (world.tenant, &theirs, 401),
        (world.tenant, &ours, 200),
        (world.other, &ours, 401),
        (world.tenant, &world.secret, 200),
        (world.other, &world.secret, 200),
    ] {
        let answer = by_secret(&world, tenant, secret).await;
        assert_eq!(answer.status, expected, "{}", answer.text());
        if expected == 401 {
            assert_eq!(code_of(&answer), 7_000_215);
        }
    }
    let removed = directory
        .remove_secret(&world.cx(world.other), Holder::Principal(there), id)
        .await;
    removed.expect("it is taken away");
    assert_eq!(by_secret(&world, world.other, &theirs).await.status, 401);
    world.clock.advance(YEAR);
    assert_eq!(by_secret(&world, world.tenant, &ours).await.status, 401, "it has ended");
}

#[tokio::test]
async fn who_proves_by_it_learns_why_it_is_refused() {
    let world = World::new().await;
    let here = world
        .idp
        .directory()
        .find_service_principal(&world.cx, world.portal)
        .await;
    let (_, ours) = secret_of(&world, world.tenant, here.expect("a read").expect("a presence").id).await;
    let id = world.portal.to_string();
    let of = |secret: &str| {
        let fields = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", id.clone()),
            ("client_secret", secret.to_owned()),
            ("scope", "https://nowhere.example/.default".to_owned()),
        ];
        let world = &world;
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            code_of(&world.token(&fields).await)
        }
    };
    assert_eq!(of(&ours).await, 500_011, "no such resource");
    assert_eq!(of("wrong").await, 7_000_215, "who proves nothing is not told");
}
