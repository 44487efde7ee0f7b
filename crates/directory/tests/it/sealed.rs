//! What the tables hold of secrets: nothing that opens without the keyring, and nothing that opens in another place.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_directory::repo::{Deleted, DeletedRow, KeyRow, Keys, OathRow, Oaths, PassRow, Passes, Tenants, Users};
use hygie_directory::{Deps, Directory, DirectoryError, SEALED_COLUMNS};
use hygie_store::embedded::{Observer, Step};
use hygie_store::keys::{KeyState, Keyring, MasterKey, Purpose};
use hygie_store::{Store, StoreError, Unopened, Value, Vault};
use hygie_testkit::{SeededRandom, TestEngine};
use uuid::Uuid;

use crate::world::World;

const SEED: &[u8] = b"the seed of a maker of codes";
const PKCS8: &[u8] = b"a private key, as far as this is concerned";

fn oath(id: u128) -> OathRow {
    OathRow {
        id: Uuid::from_u128(id),
        display_name: "Phone".to_owned(),
        secret: Secret::new(SEED.to_vec()),
        algorithm: "SHA1".to_owned(),
        period: 30,
        used_step: 0,
        created_at: Timestamp::from_secs(1_795_249_800),
        used_at: None,
    }
}

fn signing_key(kid: &str) -> KeyRow {
    KeyRow {
        kid: kid.to_owned(),
        pkcs8: Secret::new(PKCS8.to_vec()),
        certificate: b"certificate".to_vec(),
        published_at: Timestamp::from_secs(1_795_249_800),
        active_from: None,
        retired_at: None,
    }
}

/// What stands for a hash of a pass, and of somebody who was deleted.
const PASS: &str = "$argon2id$of-a-pass";
const GONE: &str = "$argon2id$of-somebody-deleted";
const GONE_ID: ObjectId = ObjectId::from_uuid(Uuid::from_u128(0x60e));

fn pass() -> PassRow {
    let now = Timestamp::from_secs(1_795_249_800);
    PassRow {
        id: Uuid::from_u128(3),
        hash: Secret::new(PASS.to_owned()),
        is_usable_once: true,
        start_at: now,
        expires_at: now + Duration::from_hours(1),
        created_at: now,
        used_at: None,
    }
}

fn deleted() -> DeletedRow {
    DeletedRow {
        id: GONE_ID,
        kind: "user".to_owned(),
        content: "{}".to_owned(),
        password: Some(Secret::new(GONE.to_owned())),
        deleted_at: Timestamp::from_secs(1_795_249_800),
    }
}

/// Two seeds, two signing keys, a pass and somebody who was deleted; the nurse has a password.
async fn filled() -> World {
    let world = World::new().await;
    let written = world.directory.store().write(&world.cx, world.nurse, |nurse, tx| {
        Box::pin(async move {
            for id in [1, 2] {
                Oaths(tx).insert(*nurse, &oath(id)).await?;
            }
            Passes(tx).set(*nurse, &pass()).await?;
            Deleted(tx).insert(&deleted()).await?;
            Keys(tx).insert(&signing_key("one")).await?;
            Keys(tx).insert(&signing_key("two")).await
        })
    });
    written.await.expect("written");
    world
}

async fn execute(world: &World, sql: &'static str, values: &[Value]) -> u64 {
    let values = values.to_vec();
    let done = world.store.store.write(&world.cx, values, move |values, tx| {
        Box::pin(async move { tx.execute(sql, values).await })
    });
    done.await.expect("a statement")
}

async fn blobs(world: &World, sql: &'static str) -> Vec<Vec<u8>> {
    let found = world.store.store.read(&world.cx, (), move |(), tx| {
        Box::pin(async move {
            let rows = tx.query(sql, &[]).await?;
            rows.into_iter()
                .map(|mut row| row.take(0))
                .collect::<Result<Vec<Vec<u8>>, StoreError>>()
        })
    });
    found.await.expect("rows")
}

async fn seeds(world: &World) -> Result<Vec<Vec<u8>>, StoreError> {
    let listed = world.store.store.read(&world.cx, world.nurse, |nurse, tx| {
        Box::pin(async move { Oaths(tx).list(*nurse).await })
    });
    Ok(listed.await?.iter().map(|oath| oath.secret.expose().clone()).collect())
}

/// The hashes of the nurse's password, of her pass, and of who was deleted.
async fn hashes(world: &World) -> Result<[Option<String>; 3], StoreError> {
    let read = world.store.store.read(&world.cx, world.nurse, |nurse, tx| {
        Box::pin(async move {
            let long_ago = Timestamp::from_secs(0);
            Ok::<_, StoreError>([
                Users(tx).password(*nurse).await?,
                Passes(tx).find(*nurse).await?.map(|pass| pass.hash),
                Deleted(tx).find(GONE_ID, long_ago).await?.and_then(|row| row.password),
            ])
        })
    });
    Ok(read.await?.map(|hash| hash.map(|hash| hash.expose().clone())))
}

async fn private_keys(world: &World) -> Result<Vec<Vec<u8>>, StoreError> {
    let listed = world
        .store
        .store
        .read(&world.cx, (), |(), tx| Box::pin(async move { Keys(tx).list().await }));
    Ok(listed.await?.iter().map(|key| key.pkcs8.expose().clone()).collect())
}

fn is_altered<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(
        outcome,
        Err(StoreError::Sealed {
            why: Unopened::Altered,
            ..
        })
    )
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const HASHES: [&str; 3] = [
    "SELECT sealed_password FROM idp_user WHERE {i.is}sealed_password IS NOT NULL",
    "SELECT sealed_hash FROM idp_pass",
    "SELECT sealed_password FROM idp_deleted",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_secret_is_in_the_tables() {
    let world = filled().await;
    assert_eq!(seeds(&world).await.unwrap(), [SEED, SEED]);
    assert_eq!(private_keys(&world).await.unwrap(), [PKCS8, PKCS8]);
    let tenant = world.store.store.read(&world.cx, (), |(), tx| {
        Box::pin(async move { Tenants(tx).find().await })
    });
    let pairwise = tenant.await.unwrap().expect("the tenant").pairwise;
    for (sql, clear) in [
        ("SELECT secret FROM idp_oath", SEED),
        ("SELECT pkcs8 FROM idp_signing_key", PKCS8),
        ("SELECT pairwise FROM idp_tenant", pairwise.expose()),
    ] {
        let found = blobs(&world, sql).await;
        assert_eq!(found.len(), 2, "{sql}");
        assert_ne!(found[0], found[1], "{sql}");
        for sealed in found {
            assert!(!contains(&sealed, clear), "{sql}");
            assert_eq!(sealed[0], 1, "{sql}");
        }
    }
    let [password, pass, gone] = hashes(&world).await.unwrap();
    assert!(
        password.as_ref().is_some_and(|hash| hash.starts_with("$argon2id$")),
        "{password:?}"
    );
    assert_eq!((pass.as_deref(), gone.as_deref()), (Some(PASS), Some(GONE)));
    for sql in HASHES {
        let found = blobs(&world, sql).await;
        assert_eq!(found.len(), 1, "{sql}");
        assert!(!contains(&found[0], b"argon2id"), "{sql}");
    }
    // The root is nowhere read but where it is opened: its row is as long as 32 sealed bytes are.
    let root = blobs(&world, "SELECT secret FROM idp_root").await;
    assert_eq!(root.iter().map(Vec::len).collect::<Vec<_>>(), [1 + 8 + 12 + 32 + 16]);
    if TestEngine::of_this_run() == TestEngine::Postgres {
        let dump = world.store.psql(
            "SET xmlbinary TO hex;
             SELECT query_to_xml('SELECT * FROM hygie.' || tablename, true, false, '')
             FROM pg_tables WHERE schemaname = 'hygie'",
        );
        let dump = dump.to_lowercase();
        assert!(dump.contains("phone"), "the tables are read");
        assert!(dump.contains(&hex(b"certificate")), "bytes, too");
        for clear in [SEED, PKCS8, pairwise.expose(), b"argon2id"] {
            assert!(!contains(dump.as_bytes(), clear));
            assert!(!dump.contains(&hex(clear)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_value_opens_in_its_own_row_and_column_alone() {
    let world = filled().await;
    let of_oath = blobs(&world, "SELECT secret FROM idp_oath ORDER BY id").await;
    let of_key = blobs(&world, "SELECT pkcs8 FROM idp_signing_key ORDER BY kid").await;
    let oath = "UPDATE idp_oath SET secret = ?1 WHERE {i.is}id = ?2";
    let first: Value = Uuid::from_u128(1).into_bytes().into();
    // Of the other row, of another table, with one bit changed.
    let mut flipped = of_oath[0].clone();
    *flipped.last_mut().unwrap() ^= 1;
    for foreign in [&of_oath[1], &of_key[0], &flipped] {
        execute(&world, oath, &[foreign.into(), first.clone()]).await;
        assert!(is_altered(&seeds(&world).await));
    }
    execute(&world, oath, &[b"in clear".as_slice().into(), first.clone()]).await;
    let refused = seeds(&world).await.expect_err("it is not sealed");
    assert!(
        matches!(
            refused,
            StoreError::Sealed {
                why: Unopened::Form,
                ..
            }
        ),
        "{refused}"
    );
    execute(&world, oath, &[(&of_oath[0]).into(), first]).await;
    assert_eq!(seeds(&world).await.unwrap(), [SEED, SEED]);

    // Another person's, with everything else of the row.
    execute(
        &world,
        "UPDATE idp_oath SET user_id = ?1 WHERE {i.is}1 = 1",
        &[world.nurses.uuid().into_bytes().into()],
    )
    .await;
    let of_other = world.store.store.read(&world.cx, world.nurses.uuid(), |other, tx| {
        Box::pin(async move { Oaths(tx).list(hygie_core::ObjectId::from_uuid(*other)).await })
    });
    assert!(is_altered(&of_other.await));

    execute(
        &world,
        "UPDATE idp_signing_key SET pkcs8 = ?1 WHERE {i.is}kid = 'one'",
        &[(&of_key[1]).into()],
    )
    .await;
    assert!(is_altered(&private_keys(&world).await));
    let (opened, findings) = world
        .store
        .store
        .verify_sealed(&world.cx, SEALED_COLUMNS)
        .await
        .unwrap();
    assert_eq!(opened, 7, "the root, two tenants, a signing key, three hashes");
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(
        findings[0].starts_with("idp_signing_key.pkcs8: 1 sealed values do not open"),
        "{findings:?}"
    );
    assert!(
        findings[1].starts_with("idp_oath.secret: 2 sealed values do not open"),
        "{findings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_with_other_keys_does_not_open_and_says_why() {
    let world = filled().await;
    let open = |store: Store| {
        Directory::open(Deps {
            store,
            clock: world.clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            workers: 1,
        })
    };
    // The keyring of another installation, with a key for the same purpose.
    let foreign = World::new().await;
    let purpose = Purpose::columns("directory");
    let own = foreign.store.keyring().begin(&purpose).unwrap();
    foreign.store.keyring().promote(&purpose, KeyState::Leaving).unwrap();
    let before = foreign.store.keyring().in_state(&purpose, KeyState::Leaving);
    foreign.store.keyring().forget(&purpose, before[0].1.id).unwrap();
    assert_eq!(foreign.store.keyring().get(&purpose).unwrap().id, own.id);
    let vault = Vault::open(foreign.store.keyring().clone(), "directory").unwrap();
    let refused = open(world.store.store.clone().with_vault(vault)).await;
    let error = refused.err().expect("it does not open");
    let said = match &error {
        DirectoryError::Store(error) => error.to_string(),
        other => panic!("{other}"),
    };
    assert!(
        said.contains("`idp_root.secret` does not open") && said.contains("keys.json is of another"),
        "{said}"
    );
    assert!(open(world.store.store.clone()).await.is_ok());
}

/// A rotation that its process does not survive.
struct Killed(Step);

impl Observer for Killed {
    fn reached(&self, step: Step) {
        assert!(step != self.0, "killed at {step:?}");
    }
}

/// Goes on to the end.
struct Watched;

impl Observer for Watched {}

/// The keys as a process finds them that starts now; each makes other ones.
fn restarted(world: &World, seed: u64) -> Arc<Keyring> {
    let random = Arc::new(SeededRandom::new(seed));
    let master = MasterKey::from_text(&"5e".repeat(32).into(), "the test", random.clone()).unwrap();
    let path = world.store.path().join("keys.json");
    Arc::new(Keyring::open(path, Arc::new(master), world.clock.clone(), random).unwrap())
}

/// Ids of the keys under which something is sealed.
async fn keys_in_use(world: &World) -> Vec<[u8; 8]> {
    let mut ids = Vec::new();
    for sql in [
        "SELECT secret FROM idp_oath",
        "SELECT pkcs8 FROM idp_signing_key",
        "SELECT pairwise FROM idp_tenant",
        "SELECT secret FROM idp_root",
    ]
    .into_iter()
    .chain(HASHES)
    {
        ids.extend(
            blobs(world, sql)
                .await
                .iter()
                .map(|sealed| <[u8; 8]>::try_from(&sealed[1..9]).unwrap()),
        );
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_wherever_its_rotation_is_stopped_before() {
    let purpose = Purpose::columns("directory");
    for (seed, step) in [Step::Begun, Step::Switched, Step::Ready, Step::Removed, Step::Forgotten]
        .into_iter()
        .enumerate()
    {
        let world = filled().await;
        let old = world.store.keyring().get(&purpose).unwrap().id;
        let keyring = restarted(&world, 100 + seed as u64);
        let store = world
            .store
            .store
            .clone()
            .with_vault(Vault::open(keyring, "directory").unwrap());
        let cx = world.cx.clone();
        let killed = tokio::spawn(async move {
            let vault = store.vault().unwrap().clone();
            vault.replace_key(&store, (&cx, SEALED_COLUMNS), &Killed(step)).await
        });
        assert!(killed.await.is_err_and(|ended| ended.is_panic()), "{step:?}");

        let keyring = restarted(&world, 200 + seed as u64);
        let store = world
            .store
            .store
            .clone()
            .with_vault(Vault::open(keyring.clone(), "directory").unwrap());
        let (opened, findings) = store.verify_sealed(&world.cx, SEALED_COLUMNS).await.unwrap();
        assert_eq!((opened, findings), (10, Vec::new()), "{step:?}");
        let written = store.write(&world.cx, (), |(), tx| {
            Box::pin(async move { Keys(tx).insert(&signing_key("three")).await })
        });
        written.await.unwrap();
        let vault = store.vault().unwrap().clone();
        vault
            .replace_key(&store, (&world.cx, SEALED_COLUMNS), &Watched)
            .await
            .unwrap();
        let current = keyring.get(&purpose).unwrap().id;
        assert_ne!(current, old, "{step:?}");
        assert_eq!(keyring.find_all(&purpose).len(), 1, "{step:?}");
        assert_eq!(keys_in_use(&world).await, [current.0], "{step:?}");

        let keyring = restarted(&world, 300 + seed as u64);
        let store = world
            .store
            .store
            .clone()
            .with_vault(Vault::open(keyring, "directory").unwrap());
        let (opened, findings) = store.verify_sealed(&world.cx, SEALED_COLUMNS).await.unwrap();
        assert_eq!((opened, findings), (11, Vec::new()), "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_key_is_replaced_opens_afterwards() {
    let world = filled().await;
    let (store, cx) = (world.store.store.clone(), world.cx.clone());
    let writer = tokio::spawn(async move {
        for n in 0..40_u128 {
            let written = store.write(&cx, n, |n, tx| {
                let kid = format!("kid {n}");
                Box::pin(async move { Keys(tx).insert(&signing_key(&kid)).await })
            });
            written.await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let vault = world.store.store.vault().unwrap();
    for _ in 0..3 {
        vault
            .replace_key(&world.store.store, (&world.cx, SEALED_COLUMNS), &Watched)
            .await
            .unwrap();
        assert_eq!(seeds(&world).await.unwrap(), [SEED, SEED]);
    }
    writer.await.unwrap();
    assert_eq!(private_keys(&world).await.unwrap().len(), 42);
    let current = world.store.keyring().get(&Purpose::columns("directory")).unwrap().id;
    assert_eq!(keys_in_use(&world).await, [current.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_open_for_their_person_alone() {
    let world = filled().await;
    let other: Value = world.nurses.uuid().into_bytes().into();
    let sealed = blobs(&world, HASHES[0]).await.remove(0);
    let insert = "INSERT INTO idp_user ({i.col}tenant, id, upn, upn_key, display_name, enabled, valid_from, created_at,
                  sealed_password) SELECT {i.col}tenant, ?1, 'x@ch-demo.example', 'x@ch-demo.example', 'X', 1, 0, 0, ?2
                  FROM idp_tenant WHERE {i.is}tenant = :tenant";
    assert_eq!(execute(&world, insert, &[other, sealed.into()]).await, 1);
    let directory = &world.directory;
    let read = directory.store().read(&world.cx, (), |(), tx| {
        Box::pin(async move { Users(tx).find_by_name("x@ch-demo.example").await })
    });
    assert!(is_altered(&read.await), "whose password it is is bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_that_an_older_release_wrote_in_clear_are_sealed() {
    let world = filled().await;
    let before = hashes(&world).await.unwrap();
    for (table, clear, sealed, hash) in [
        ("idp_user", "password", "sealed_password", before[0].clone()),
        ("idp_pass", "clear_hash", "sealed_hash", before[1].clone()),
        ("idp_deleted", "password", "sealed_password", before[2].clone()),
    ] {
        let input = (
            format!(
                "UPDATE {table} SET {clear} = ?1, {sealed} = NULL WHERE {{i.is}}tenant = :tenant AND {sealed} IS NOT NULL"
            ),
            hash,
        );
        let written = world.store.store.write(&world.cx, input, |(sql, hash), tx| {
            Box::pin(async move { tx.execute(sql, &[hash.clone().into()]).await })
        });
        assert_eq!(written.await.unwrap(), 1, "{table}");
    }
    assert_eq!(hashes(&world).await.unwrap(), [None, None, None]);
    world.second().await;
    assert_eq!(hashes(&world).await.unwrap(), before);
    for sql in [
        "SELECT password FROM idp_user WHERE {i.is}password IS NOT NULL",
        "SELECT clear_hash FROM idp_pass WHERE {i.is}clear_hash IS NOT NULL",
        "SELECT password FROM idp_deleted WHERE {i.is}password IS NOT NULL",
    ] {
        let left = world.store.store.read(&world.cx, (), move |(), tx| {
            Box::pin(async move { Ok::<_, StoreError>(tx.query(sql, &[]).await?.len()) })
        });
        assert_eq!(left.await.unwrap(), 0, "{sql}");
    }
}
