//! What a sync that fails leaves of replacing keys: the old key in force or the new one, and nothing answered that a power
//! loss could take back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygie_core::SeededRandom;
use hygie_store::embedded::{Control, Observer, Step, settle};
use hygie_store::keys::{KeyError, KeyId, KeyProvider, KeyState, Keyring, MasterKey, Purpose};
use hygie_store::{Store, StoreError};
use parking_lot::Mutex;

use crate::disk::{Disk, run_on_it};
use crate::rotation::{count, databases, is_clean, keyring, open, write, write_many};
use crate::world::Dir;

const KEYS: &str = "keys.json";

struct Nobody;

impl Observer for Nobody {}

fn key_of(ring: &Keyring) -> KeyId {
    ring.get(&Purpose::database("test")).expect("the key").id
}

/// A new store with some rows.
async fn filled(dir: &Path) -> (Store, Control, Arc<Keyring>) {
    let opened = open(dir).expect("a new store");
    write_many(&opened.0, 300).await;
    opened
}

/// Run only by the test below, on a disk whose syncs fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_cannot_sync_a_copy() {
    let Some((disk, dir)) = Disk::of_this_process() else {
        return;
    };
    let (store, control, ring) = filled(&dir).await;
    let before = key_of(&ring);
    // Only the first: the next one would succeed, and say nothing about what that one has lost.
    disk.fail_syncs("test.????????????????.db", 1);
    let refused = control.replace_database_key(&ring, Arc::new(Nobody)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(disk.failed(), 1);
    assert_eq!(key_of(&ring), before);
    assert_eq!(databases(&dir), ["test.db"]);
    write(&store, 300).await.expect("it goes on");
    let replaced = control.replace_database_key(&ring, Arc::new(Nobody)).await;
    replaced.expect("the disk works again");
    assert_ne!(key_of(&ring), before);
    assert_eq!(count(&store).await, 301);
    store.close().await.expect("closing");
    assert_eq!(is_clean(&dir, &ring), 301);
}

#[test]
fn a_copy_that_could_not_be_synced_beside_the_writer_is_not_taken() {
    let dir = Dir::new("unsynced-copy");
    run_on_it("unsynced::child_cannot_sync_a_copy", dir.path());
}

/// From when the copy is ready on, so many names in the directory cannot be made durable.
struct FromReady {
    disk: Arc<Disk>,
    limit: i64,
    dir: PathBuf,
    /// The list of keys before the switch.
    before: Mutex<Vec<u8>>,
}

impl Observer for FromReady {
    fn reached(&self, step: Step) {
        if step == Step::Ready {
            *self.before.lock() = std::fs::read(self.dir.join(KEYS)).expect("the list");
            self.disk.fail_syncs(".", self.limit);
        }
    }
}

/// Run only by the test below, on a disk whose syncs fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_cannot_make_a_switch_durable() {
    let Some((disk, dir)) = Disk::of_this_process() else {
        return;
    };
    let disk = Arc::new(disk);
    let failing = |limit| {
        Arc::new(FromReady {
            disk: disk.clone(),
            limit,
            dir: dir.clone(),
            before: Mutex::default(),
        })
    };
    let (store, control, ring) = filled(&dir).await;
    let first = key_of(&ring);
    // For a moment: it is tried until it is durable.
    let switched = control.replace_database_key(&ring, failing(3)).await;
    switched.expect("the disk works again");
    assert_eq!(disk.failed(), 3);
    let second = key_of(&ring);
    assert_ne!(second, first);
    write(&store, 300).await.expect("it goes on");

    // For longer: nobody knows which file counts after a power loss, and nothing is taken that only one of them has.
    let observer = failing(-1);
    let refused = control.replace_database_key(&ring, observer.clone()).await;
    assert!(matches!(refused, Err(StoreError::Key(_))), "{refused:?}");
    assert_ne!(key_of(&ring), second, "what the file says");
    assert_eq!(databases(&dir).len(), 2, "either may be the one");
    disk.work();
    let refused = write(&store, 301).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(count(&store).await, 301, "reading goes on");
    drop(control);
    drop(store);

    // Either one has all that was answered.
    if dir.ends_with("taken-back") {
        let before = observer.before.lock().clone();
        std::fs::write(dir.join(KEYS), before).expect("as a power loss leaves it");
    }
    let found = keyring(&dir).expect("the keyring");
    assert_eq!(key_of(&found) == second, dir.ends_with("taken-back"));
    settle(&dir, "test", &found).expect("settled");
    let (store, _, ring) = open(&dir).expect("the store opens");
    assert_eq!(databases(&dir).len(), 1);
    assert_eq!(count(&store).await, 301);
    write(&store, 301).await.expect("it goes on");
    store.close().await.expect("closing");
    assert_eq!(is_clean(&dir, &ring), 302);
}

#[test]
fn a_switch_that_is_not_durable_is_made_so_or_nothing_more_is_taken() {
    let parent = Dir::new("unsynced-switch");
    for name in ["kept", "taken-back"] {
        let dir = parent.path().join(name);
        std::fs::create_dir(&dir).expect("a directory");
        run_on_it("unsynced::child_cannot_make_a_switch_durable", &dir);
    }
}

/// Run only by the test below, on a disk whose syncs fail.
#[test]
fn child_cannot_make_a_list_of_keys_durable() {
    let Some((disk, dir)) = Disk::of_this_process() else {
        return;
    };
    let ring = keyring(&dir).expect("a new keyring");
    let purpose = Purpose::database("test");
    let old = ring.get_or_create(&purpose).expect("a key");
    let next = ring.begin(&purpose).expect("another");
    let in_file = || key_of(&keyring(&dir).expect("the list is whole"));

    // Its content is not durable: the list stays as it was.
    disk.fail_syncs("keys.json.new", 1);
    let failed = ring.promote(&purpose, KeyState::Leaving);
    assert!(matches!(failed, Err(KeyError::File { .. })), "{failed:?}");
    assert_eq!((key_of(&ring), in_file()), (old.id, old.id));

    // Its name is not durable: it is the one that everybody reads, and so the one that counts here.
    disk.fail_syncs(".", 1);
    let failed = ring.promote(&purpose, KeyState::Leaving);
    assert!(matches!(failed, Err(KeyError::File { .. })), "{failed:?}");
    assert_eq!((key_of(&ring), in_file()), (next.id, next.id));
    ring.sync().expect("durable");

    // So is the master key that wraps it.
    let text = "22".repeat(32).into();
    let master = MasterKey::from_text(&text, "the test", Arc::new(SeededRandom::new(9))).expect("a key");
    let master: Arc<dyn KeyProvider> = Arc::new(master);
    disk.fail_syncs(".", 1);
    let failed = ring.rewrap(&master);
    assert!(matches!(failed, Err(KeyError::File { .. })), "{failed:?}");
    assert_eq!(ring.master(), master.id());
    ring.forget(&purpose, old.id).expect("changed under the new master key");
    assert_eq!(key_of(&ring), next.id);
}

#[test]
fn a_list_of_keys_whose_name_is_not_durable_counts_for_everybody() {
    let dir = Dir::new("unsynced-keys");
    run_on_it("unsynced::child_cannot_make_a_list_of_keys_durable", dir.path());
}
