//! Sealed columns of processes that share a database, and the key of them replaced by one beside the others.

use std::sync::Arc;

use hygie_core::Secret;
use hygie_store::embedded::Observer;
use hygie_store::keys::{Keyring, Purpose};
use hygie_store::{SealedColumn, Store, StoreError, Value, Vault};
use hygie_store_cloud::postgres::share_keys;
use hygie_store_conformance::MIGRATIONS;

use crate::world::{INSTANCE, World, cx};

const COLUMNS: &[SealedColumn] = &[SealedColumn {
    table: "thing",
    column: "body",
    key: &["tenant", "id"],
}];

struct Watched;

impl Observer for Watched {}

fn row(id: i64) -> [Value; 2] {
    [cx().tenant.into(), id.into()]
}

/// A process, with the keys that it finds when it starts.
async fn process(world: &World, name: &str) -> (Store, Arc<Keyring>) {
    let store = world.open(name, MIGRATIONS).await.expect("the instance opens");
    let keyring = keys(world).await;
    let vault = Vault::shared(keyring.clone(), INSTANCE).expect("a key");
    (store.with_vault(vault), keyring)
}

async fn keys(world: &World) -> Arc<Keyring> {
    let (database, keyring) = (world.database().await, world.keyring());
    let shared = share_keys(&database, &keyring, &[Purpose::columns(INSTANCE)]).await;
    shared.expect("the keys are shared");
    keyring
}

async fn put(store: &Store, id: i64, body: &'static str) {
    let written = store.write(cx(), id, move |id, tx| {
        Box::pin(async move {
            let sealed = tx.seal(&COLUMNS[0], &row(*id), body.as_bytes()).await?;
            let sql = "INSERT INTO thing ({i.col}tenant, id, body) VALUES ({i.val}:tenant, ?1, ?2)";
            tx.execute(sql, &[(*id).into(), sealed.into()]).await
        })
    });
    written.await.expect("a write");
}

async fn get(store: &Store, id: i64) -> Result<String, StoreError> {
    let read = store.read(cx(), id, |id, tx| {
        Box::pin(async move {
            let sql = "SELECT body FROM thing WHERE {i.is}tenant = :tenant AND id = ?1";
            let mut found = tx.query_one(sql, &[(*id).into()]).await?.expect("the row");
            let sealed: Vec<u8> = found.take(0)?;
            tx.unseal(&COLUMNS[0], &row(*id), &sealed).await
        })
    });
    let opened: Secret<Vec<u8>> = read.await?;
    Ok(String::from_utf8_lossy(opened.expose()).into_owned())
}

async fn replace(store: &Store) -> Result<u64, StoreError> {
    let vault = store.vault().expect("a vault").clone();
    vault.replace_key(store, (cx(), COLUMNS), &Watched).await
}

fn shared_ids(world: &World) -> Vec<String> {
    let sql = format!("SELECT id FROM hygie.data_key WHERE purpose = 'columns:{INSTANCE}'");
    world
        .server
        .psql(&world.address, &sql)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_open_what_the_others_sealed_also_while_one_replaces_the_key() {
    let world = World::new();
    let (other, late) = (world.beside(), world.beside());
    let (one, one_keys) = process(&world, "one").await;
    let (two, two_keys) = process(&other, "two").await;
    // It is stopped now, and starts again when everything is under other keys.
    drop(keys(&late).await);
    put(&one, 1, "of one").await;
    put(&two, 2, "of two").await;
    assert_eq!(
        (get(&two, 1).await.unwrap(), get(&one, 2).await.unwrap()),
        ("of one".into(), "of two".into())
    );
    let purpose = Purpose::columns(INSTANCE);
    let first = one_keys.get(&purpose).unwrap().id;
    assert_eq!(two_keys.get(&purpose).unwrap().id, first);

    let writer = {
        let two = two.clone();
        tokio::spawn(async move {
            for id in 10..40 {
                put(&two, id, "meanwhile").await;
            }
        })
    };
    assert!(replace(&one).await.unwrap() >= 2);
    writer.await.unwrap();
    let second = one_keys.get(&purpose).unwrap().id;
    assert_ne!(first, second);
    assert_eq!(
        shared_ids(&world),
        [second.to_string()],
        "of the one before nothing is left"
    );
    put(&two, 3, "afterwards").await;
    for store in [&one, &two] {
        let (opened, findings) = store.verify_sealed(cx(), COLUMNS).await.unwrap();
        assert_eq!((opened, findings), (33, Vec::new()));
        assert_eq!(get(store, 3).await.unwrap(), "afterwards");
    }
    // The other process can do it, too, although nobody told it.
    assert_eq!(replace(&two).await.unwrap(), 33);
    assert_eq!(shared_ids(&world).len(), 1);
    assert_ne!(shared_ids(&world), [second.to_string()]);
    assert_eq!(get(&one, 1).await.unwrap(), "of one");
    put(&one, 4, "under the third").await;
    assert_eq!(get(&two, 4).await.unwrap(), "under the third");

    let (third, third_keys) = process(&late, "three").await;
    let ids: Vec<_> = third_keys
        .find_all(&purpose)
        .iter()
        .map(|key| key.id.to_string())
        .collect();
    assert_eq!(ids, shared_ids(&world), "what others replaced is taken over");
    assert_eq!(get(&third, 4).await.unwrap(), "under the third");
    for store in [one, two, third] {
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_replace_the_key_at_once_leave_one_key() {
    let world = World::new();
    let other = world.beside();
    let (one, _) = process(&world, "one").await;
    let (two, _) = process(&other, "two").await;
    for id in 1..20 {
        put(&one, id, "a secret").await;
    }
    let outcomes = futures_util::future::join(replace(&one), replace(&two)).await;
    assert!(outcomes.0.is_ok() || outcomes.1.is_ok(), "{outcomes:?}");
    // Whoever was overtaken does it again.
    replace(&two).await.unwrap();
    assert_eq!(shared_ids(&world).len(), 1);
    for store in [&one, &two] {
        assert_eq!(store.verify_sealed(cx(), COLUMNS).await.unwrap(), (19, Vec::new()));
    }
}
