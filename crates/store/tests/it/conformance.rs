//! The embedded engine is an engine.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_store::Store;
use hygie_store::audit::Verified;
use hygie_store::conformance::{self, Fixture, Instance, MIGRATIONS, ReplayChanges};
use hygie_store::embedded::{Limits, Options, open, verify};

use crate::world::{Dir, cx, keyring};

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
