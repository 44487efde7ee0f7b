//! Means of identification: what one tenant keeps, the other neither reads nor changes.

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_directory::repo::{
    Attempts, Guessed, Lockout, MethodsPolicies, NoticeRow, Notices, OathRow, Oaths, PassRow, Passes, PasskeyRow,
    Passkeys,
};
use hygie_directory::{DirectoryError, UserChange};
use hygie_policy::methods::Method;
use serde_json::{Map, json};
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

const ID: Uuid = Uuid::from_u128(5);

fn oath() -> OathRow {
    OathRow {
        id: ID,
        display_name: "Téléphone".to_owned(),
        secret: Secret::new(vec![1, 2, 3]),
        algorithm: "SHA1".to_owned(),
        period: 30,
        used_step: 7,
        created_at: Timestamp::from_secs(1),
        used_at: None,
    }
}

fn passkey(user: ObjectId) -> PasskeyRow {
    PasskeyRow {
        id: vec![9; 20],
        user,
        display_name: "Clé".to_owned(),
        credential: "{}".to_owned(),
        aaguid: ID,
        is_synced: false,
        is_attested: true,
        counter: 4,
        created_at: Timestamp::from_secs(1),
        used_at: None,
    }
}

fn pass() -> PassRow {
    PassRow {
        id: ID,
        hash: Secret::new("x".to_owned()),
        is_usable_once: true,
        start_at: Timestamp::from_secs(1),
        expires_at: Timestamp::from_secs(9),
        created_at: Timestamp::from_secs(1),
        used_at: None,
    }
}

#[tokio::test]
async fn makers_of_codes() {
    let world = World::new().await;
    let nurse = world.nurse;
    within!(world, world.tenant, nurse, |user, tx| Oaths(tx)
        .insert(*user, &oath())
        .await?);
    let now = Timestamp::from_secs(2);
    let elsewhere = within!(world, world.other, nurse, |user, tx| {
        let steps = Oaths(tx).take_step((*user, ID), 8, now).await?;
        let renamed = Oaths(tx).rename(*user, ID, "x").await?;
        (
            Oaths(tx).list(*user).await?.len(),
            steps,
            renamed,
            Oaths(tx).remove(*user, ID).await?,
        )
    });
    assert_eq!(elsewhere, (0, false, false, false));
    let taken = within!(world, world.tenant, nurse, |user, tx| {
        let mut taken = Vec::new();
        for step in [7, 8, 8, 6, 9] {
            taken.push(Oaths(tx).take_step((*user, ID), step, now).await?);
        }
        taken
    });
    assert_eq!(taken, [false, true, false, false, true], "none up to the last one");
}

#[tokio::test]
async fn passkeys() {
    let world = World::new().await;
    let nurse = world.nurse;
    within!(world, world.tenant, nurse, |user, tx| Passkeys(tx)
        .insert(&passkey(*user))
        .await?);
    let id = vec![9; 20];
    let now = Timestamp::from_secs(2);
    let elsewhere = within!(world, world.other, (nurse, id.clone()), |it, tx| {
        let counter = Passkeys(tx).take_counter(&it.1, 9, now).await?;
        let removed = Passkeys(tx).remove(it.0, &it.1).await?;
        (Passkeys(tx).find(&it.1).await?.is_none(), counter, removed)
    });
    assert_eq!(elsewhere, (true, false, false));
    // The same id may exist in the other tenant.
    within!(world, world.other, nurse, |user, tx| Passkeys(tx)
        .insert(&passkey(*user))
        .await?);
    let counted = within!(world, world.tenant, id, |id, tx| {
        let mut counted = Vec::new();
        for counter in [4, 0, 5, 5] {
            counted.push(Passkeys(tx).take_counter(id, counter, now).await?);
        }
        counted
    });
    assert_eq!(counted, [false, false, true, false]);
}

#[tokio::test]
async fn passes_and_attempts() {
    let world = World::new().await;
    let nurse = world.nurse;
    within!(world, world.tenant, nurse, |user, tx| Passes(tx)
        .set(*user, &pass())
        .await?);
    let now = Timestamp::from_secs(2);
    let elsewhere = within!(world, world.other, nurse, |user, tx| {
        let taken = Passes(tx).take(*user, ID, now).await?;
        (
            Passes(tx).find(*user).await?.is_none(),
            taken,
            Passes(tx).remove(*user, ID).await?,
        )
    });
    assert_eq!(elsewhere, (true, false, false));
    let twice = within!(world, world.tenant, nurse, |user, tx| {
        (
            Passes(tx).take(*user, ID, now).await?,
            Passes(tx).take(*user, ID, now).await?,
        )
    });
    assert_eq!(twice, (true, false), "good once");
    let locked = Lockout {
        failures: 3,
        locked_until: Some(now),
        ..Lockout::default()
    };
    within!(world, world.tenant, (nurse, locked.clone()), |it, tx| {
        Attempts(tx).set(it.0, Guessed::Code, &it.1).await?;
    });
    let seen = within!(world, world.tenant, nurse, |user, tx| {
        (
            Attempts(tx).find(*user, Guessed::Code).await?,
            Attempts(tx).find(*user, Guessed::Pass).await?,
        )
    });
    assert_eq!(seen, (locked, Lockout::default()));
    let there = within!(world, world.other, nurse, |user, tx| Attempts(tx)
        .find(*user, Guessed::Code)
        .await?);
    assert_eq!(there, Lockout::default());
}

#[tokio::test]
async fn challenges_and_changes() {
    let world = World::new().await;
    let nurse = world.nurse;
    let now = Timestamp::from_secs(2);
    within!(world, world.tenant, nurse, |user, tx| Passes(tx)
        .set(*user, &pass())
        .await?);
    let digests = within!(world, world.tenant, nurse, |_user, tx| {
        (
            Attempts(tx).take_challenge(&[1; 32], now).await?,
            Attempts(tx).take_challenge(&[1; 32], now).await?,
        )
    });
    assert_eq!(digests, (true, false));
    for n in 1..=5_u32 {
        let notice = NoticeRow {
            id: Uuid::from_u128(u128::from(n)),
            user: nurse,
            change: "codes-added".to_owned(),
            about: n.to_string(),
            is_own: true,
            at: Timestamp::from_secs(i64::from(n)),
        };
        within!(world, world.tenant, notice, |notice, tx| Notices(tx)
            .insert(notice, 3)
            .await?);
    }
    let kept = within!(world, world.tenant, nurse, |user, tx| Notices(tx)
        .list(*user, 9)
        .await?);
    let about: Vec<&str> = kept.iter().map(|notice| notice.about.as_str()).collect();
    assert_eq!(about, ["5", "4", "3"], "the last ones");
    assert!(within!(world, world.other, nurse, |user, tx| Notices(tx).list(*user, 9).await?).is_empty());
    within!(world, world.tenant, nurse, |user, tx| Attempts(tx)
        .forget(*user)
        .await?);
    let left = within!(world, world.tenant, nurse, |user, tx| {
        (
            Passes(tx).find(*user).await?.is_some(),
            Notices(tx).list(*user, 9).await?.len(),
        )
    });
    assert_eq!(left, (false, 0), "all is forgotten");
}

/// Every way of another password or card: the notice is in the transaction of the change.
#[tokio::test]
async fn who_has_another_password_or_card_is_told_with_the_change() {
    let world = World::new().await;
    let (cx, nurse) = (world.cx(world.tenant), world.nurse);
    let told = async || -> Vec<String> {
        let kept = within!(world, world.tenant, nurse, |user, tx| Notices(tx)
            .list(*user, 9)
            .await?);
        kept.into_iter().map(|notice| notice.change).collect()
    };
    let password = |text: &str| Secret::new(text.to_owned());
    let weak = world.directory.set_password(&cx, nurse, password("short")).await;
    assert!(weak.is_err());
    assert!(told().await.is_empty(), "what was refused is not told");
    let chosen = world
        .directory
        .set_password(&cx, nurse, password("Cerisier-bleu-42-nuage"));
    chosen.await.unwrap();
    assert_eq!(told().await, ["password-changed"]);
    let cards = UserChange {
        profile: Map::from_iter([("certificateUserIds".to_owned(), json!(["X509:<SKI>ab"]))]),
        ..UserChange::default()
    };
    world.directory.update_user(&cx, nurse, cards).await.unwrap();
    let mut both = told().await;
    both.sort_unstable();
    assert_eq!(both, ["certificates-changed", "password-changed"]);
    world
        .directory
        .update_user(&cx, nurse, UserChange::default())
        .await
        .unwrap();
    assert_eq!(told().await.len(), 2);
}

#[tokio::test]
async fn each_tenant_has_its_policy() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let off = json!({"state": "disabled"});
    world.directory.configure_method(&cx, Method::Fido2, off).await.unwrap();
    let model = "90a3ccdf-635c-4729-a248-9b709135078f".parse().unwrap();
    world.directory.set_windows_hello(&cx, vec![model]).await.unwrap();
    let mine = within!(world, world.tenant, (), |_none, tx| MethodsPolicies(tx).get().await?);
    let theirs = within!(world, world.other, (), |_none, tx| MethodsPolicies(tx).get().await?);
    assert_ne!(mine.policy, theirs.policy);
    assert_eq!((mine.windows_hello.len(), theirs.windows_hello.len()), (1, 0));
    let refused = world
        .directory
        .configure_method(&cx, Method::Sms, json!({"state": "enabled"}))
        .await;
    assert!(refused.is_err());
}
