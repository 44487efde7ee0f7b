//! The embedded engine is an engine.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_store::Store;
use hygie_store::audit::Verified;
use hygie_store::blobs::{self, Blobs, open_on_disk};
use hygie_store::embedded::{Limits, Options, open, verify};
use hygie_store_conformance::blobs::Place;
use hygie_store_conformance::{self as conformance, Fixture, Instance, MIGRATIONS, ReplayChanges};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;

use crate::world::{Dir, cx, keyring, open_with, small};

/// With limits that make merging and waiting happen.
struct Embedded;

struct OnDisk(Dir);

impl Fixture for Embedded {
    fn create(&self, name: &str) -> Box<dyn Instance> {
        Box::new(OnDisk(Dir::new(&format!("conformance-{name}"))))
    }
}

impl Instance for OnDisk {
    fn open(&self) -> BoxFuture<'_, Store> {
        Box::pin(async {
            let keyring = keyring(self.0.path(), 1).expect("the keyring");
            let options = Options {
                directory: self.0.path(),
                heads: self.0.path(),
                instance: "test",
                keyring: &keyring,
                migrations: MIGRATIONS,
                replay: Some(Arc::new(ReplayChanges)),
                cx: &cx(1),
                limits: Limits {
                    queue: 512,
                    readers: 2,
                    cache_kib: 2048,
                    tail: 1500,
                },
            };
            open(options).expect("the instance opens")
        })
    }

    fn crashed(&self) -> BoxFuture<'_, Box<dyn Instance>> {
        Box::pin(async {
            let copy = Dir::new("conformance-crashed");
            copy_files(self.0.path(), copy.path());
            let instance: Box<dyn Instance> = Box::new(OnDisk(copy));
            instance
        })
    }

    fn verify(&self) -> BoxFuture<'_, Verified> {
        Box::pin(async {
            let keyring = keyring(self.0.path(), 1).expect("the keyring");
            verify(self.0.path(), self.0.path(), "test", &keyring).expect("verified")
        })
    }

    fn finds_foreign_awaits(&self) -> bool {
        true
    }
}

/// Copies the database before its log: what is moved from one to the other meanwhile is in both.
fn copy_files(from: &Path, to: &Path) {
    let mut names: Vec<_> = std::fs::read_dir(from)
        .expect("the directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            std::fs::create_dir(&target).expect("a directory");
            copy_files(&source, &target);
        } else if !name.to_string_lossy().ends_with("-shm") {
            std::fs::copy(source, target).expect("a copy");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_embedded_engine_passes_every_check() {
    conformance::run(&Embedded, &cx(1)).await;
}

/// Blobs on the local disk, or in memory, beside an embedded store.
struct BlobsBeside {
    is_on_disk: bool,
}

impl conformance::blobs::Fixture for BlobsBeside {
    fn create(&self, name: &str) -> BoxFuture<'_, Place> {
        let dir = Dir::new(&format!("blobs-{}-{name}", self.is_on_disk));
        Box::pin(async move {
            let store = open_with(dir.path(), small()).expect("the store");
            let keyring = keyring(dir.path(), 1).expect("the keyring");
            let (blobs, objects) = if self.is_on_disk {
                let blobs = open_on_disk(dir.path(), "test", &keyring).expect("the blobs");
                let disk = LocalFileSystem::new_with_prefix(dir.path().join("test.blobs")).expect("the directory");
                (blobs, Arc::new(disk) as Arc<dyn ObjectStore>)
            } else {
                let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let blobs = Blobs::open(blobs::Options {
                    objects: objects.clone(),
                    instance: "test",
                    keyring: &keyring,
                    part: 8 << 20,
                    uploads: None,
                });
                (blobs.expect("the blobs"), objects)
            };
            Place {
                blobs,
                store,
                objects,
                shows_uploads: self.is_on_disk,
                keep: Box::new(dir),
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn blobs_on_the_local_disk_pass_every_check() {
    conformance::blobs::run(&BlobsBeside { is_on_disk: true }, &cx(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn blobs_in_memory_pass_every_check() {
    conformance::blobs::run(&BlobsBeside { is_on_disk: false }, &cx(1)).await;
}
