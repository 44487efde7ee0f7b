//! PostgreSQL is an engine.

use std::fs;

use futures_util::future::BoxFuture;
use hygie_store::Store;
use hygie_store::audit::{Report, Trail, Verified};
use hygie_store_cloud::postgres::VerifiedChain;
use hygie_store_conformance::{self as conformance, Fixture, Instance, MIGRATIONS};

use crate::world::{World, cx};

struct Postgres;

impl Fixture for Postgres {
    fn create(&self, _name: &str) -> Box<dyn Instance> {
        Box::new(World::new())
    }
}

impl Instance for World {
    fn open(&self) -> BoxFuture<'_, Store> {
        Box::pin(async { World::open(self, "one", MIGRATIONS).await.expect("the instance opens") })
    }

    /// What another process would find if this one ended now: its commits, and the heads as they are.
    fn crashed(&self) -> BoxFuture<'_, Box<dyn Instance>> {
        Box::pin(async {
            let files = tempfile::tempdir().expect("a temporary directory");
            for entry in fs::read_dir(self.heads()).expect("the directory") {
                let entry = entry.expect("an entry");
                fs::copy(entry.path(), files.path().join(entry.file_name())).expect("a copy");
            }
            let copy = World {
                server: self.server,
                address: self.server.copy_database(&self.address),
                files,
                seed: self.seed,
            };
            let copy: Box<dyn Instance> = Box::new(copy);
            copy
        })
    }

    fn verify(&self) -> BoxFuture<'_, Verified> {
        Box::pin(async {
            let chains = self.verified("one").await;
            Verified {
                writes: together(&chains, Trail::Writes),
                accesses: together(&chains, Trail::Accesses),
            }
        })
    }

    fn finds_foreign_awaits(&self) -> bool {
        true
    }
}

/// What was found in all chains of a trail.
fn together(chains: &[VerifiedChain], trail: Trail) -> Report {
    let mut all = Report::default();
    for chain in chains.iter().filter(|chain| chain.trail == trail) {
        all.entries += chain.report.entries;
        all.findings.extend(chain.report.findings.clone());
        all.more += chain.report.more;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn postgresql_passes_every_check() {
    conformance::run(&Postgres, cx()).await;
}
