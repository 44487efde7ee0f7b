//! A job is done by one at a time, goes on after a crash, and is never lost.

mod play;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use hygie_core::Cx;

pub use self::play::any_interleaving_of_two_workers_is_safe;
use super::{Bench, Moving, insert};
use hygie_store::jobs::{
    Cancel, Claim, Demand, Job, JobId, Jobs, KEPT, Lease, MAX_ATTEMPTS, MAX_BODY, Outcome, Progress, State, Step,
};
use hygie_store::{Owner, Store, StoreError};

const TTL: Duration = Duration::from_secs(30);
/// A millisecond less.
const NEARLY: Duration = Duration::from_millis(29_999);

/// The jobs of a store, each call in its own transaction.
#[derive(Clone)]
struct Board {
    store: Store,
    cx: Cx,
}

impl Board {
    fn of(bench: &Bench<'_>, cx: &Cx) -> Self {
        Self {
            store: bench.store.clone(),
            cx: cx.clone(),
        }
    }

    async fn submit(&self, kind: &'static str, input: &[u8]) -> JobId {
        let id = JobId::random(&*self.cx.random);
        let write = self
            .store
            .write(&self.cx, (id, input.to_vec()), move |(id, input), tx| {
                Box::pin(async move { Jobs(tx).submit(*id, kind, input).await })
            });
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("submitting: {error:?}"));
        id
    }

    async fn find(&self, id: JobId) -> Option<Job> {
        let read = self
            .store
            .read(&self.cx, id, |id, tx| Box::pin(async move { Jobs(tx).find(*id).await }));
        read.await
            .unwrap_or_else(|error: StoreError| panic!("finding: {error:?}"))
    }

    async fn claim(&self, kind: &'static str, owner: Owner) -> Option<Claim> {
        let write = self.store.write(&self.cx, owner, move |owner, tx| {
            Box::pin(async move { Jobs(tx).claim(kind, *owner, TTL).await })
        });
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("claiming: {error:?}"))
    }

    /// A claim by a new process, which must succeed.
    async fn claimed(&self, kind: &'static str) -> Claim {
        let claim = self.claim(kind, Owner::random(&*self.cx.random)).await;
        claim.unwrap_or_else(|| panic!("no {kind} to be claimed"))
    }

    async fn heartbeat(&self, lease: &Lease, step: Option<Step>) -> Result<Demand, StoreError> {
        let write = self.store.write(&self.cx, (lease.clone(), step), |(lease, step), tx| {
            Box::pin(async move { Jobs(tx).heartbeat(lease, TTL, step.as_ref()).await })
        });
        write.await
    }

    async fn finish(&self, lease: &Lease, outcome: Outcome) -> Result<(), StoreError> {
        let write = self
            .store
            .write(&self.cx, (lease.clone(), outcome), |(lease, outcome), tx| {
                Box::pin(async move { Jobs(tx).finish(lease, outcome, KEPT).await })
            });
        write.await
    }

    async fn release(&self, lease: &Lease, after: Duration) -> Result<(), StoreError> {
        let write = self
            .store
            .write(&self.cx, (lease.clone(), after), |(lease, after), tx| {
                Box::pin(async move { Jobs(tx).release(lease, *after).await })
            });
        write.await
    }

    async fn cancel(&self, id: JobId) -> Cancel {
        let write = self.store.write(&self.cx, id, |id, tx| {
            Box::pin(async move { Jobs(tx).cancel(*id).await })
        });
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("cancelling: {error:?}"))
    }

    async fn sweep(&self) -> u64 {
        let write = self
            .store
            .write(&self.cx, (), |(), tx| Box::pin(async move { Jobs(tx).sweep().await }));
        write
            .await
            .unwrap_or_else(|error: StoreError| panic!("sweeping: {error:?}"))
    }

    /// An effect of the lease's holder.
    async fn effect(&self, lease: &Lease, id: i64) -> Result<(), StoreError> {
        let write = self.store.write(&self.cx, (lease.clone(), id), |(lease, id), tx| {
            Box::pin(async move {
                insert(tx, *id, "effect").await?;
                Jobs(tx).hold(lease).await
            })
        });
        write.await
    }
}

fn step(done: u64) -> Step {
    Step {
        progress: Progress { done, total: Some(99) },
        checkpoint: done.to_be_bytes().to_vec(),
    }
}

fn assert_lost<T: std::fmt::Debug>(outcome: &Result<T, StoreError>, what: &str) {
    assert!(matches!(outcome, Err(StoreError::LeaseLost)), "{what}: {outcome:?}");
}

pub async fn a_job_is_claimed_worked_on_and_found(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let id = board.submit("export", b"input").await;
    let job = board.find(id).await.expect("the job");
    assert_eq!((job.id, job.tenant, job.kind.as_str()), (id, cx.tenant, "export"));
    assert_eq!(
        (job.state, job.input.as_slice(), job.checkpoint),
        (State::Queued, &b"input"[..], None)
    );
    assert_eq!(
        board.claim("import", Owner::random(&*cx.random)).await,
        None,
        "of another kind"
    );
    let claim = board.claimed("export").await;
    assert_eq!((claim.job.id, claim.job.state), (id, State::Running));
    assert_eq!(
        board.claim("export", Owner::random(&*cx.random)).await,
        None,
        "it is taken"
    );
    moving.pass(Duration::from_secs(5));
    assert_eq!(
        board.heartbeat(&claim.lease, Some(step(7))).await.expect("held"),
        Demand::Continue
    );
    let job = board.find(id).await.expect("the job");
    assert_eq!(job.progress, step(7).progress);
    assert_eq!((job.checkpoint, job.result), (Some(step(7).checkpoint), None));
    assert_eq!(job.changed_at.since(job.created_at), Duration::from_secs(5));
    board
        .finish(&claim.lease, Outcome::Succeeded(b"result".to_vec()))
        .await
        .expect("held");
    let job = board.find(id).await.expect("the job");
    assert_eq!((job.state, job.result), (State::Succeeded, Some(b"result".to_vec())));
    moving.pass(TTL * 2);
    assert_eq!(
        board.claim("export", Owner::random(&*cx.random)).await,
        None,
        "it has ended"
    );
    assert_lost(&board.heartbeat(&claim.lease, None).await, "a heartbeat after the end");
}

pub async fn jobs_are_claimed_in_order_by_one_each(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let mut submitted = Vec::new();
    for n in 0..3_u8 {
        submitted.push(board.submit("import", &[n]).await);
        moving.pass(Duration::from_millis(1));
    }
    for id in submitted {
        let claim = board.claimed("import").await;
        assert_eq!(claim.job.id, id);
        board
            .finish(&claim.lease, Outcome::Failed(b"reason".to_vec()))
            .await
            .expect("held");
        assert_eq!(board.find(id).await.expect("the job").state, State::Failed);
    }
    let mut wanted = BTreeSet::new();
    for _ in 0..40 {
        wanted.insert(board.submit("import", b"").await);
    }
    let workers = (0..6).map(|_| {
        let board = board.clone();
        tokio::spawn(async move {
            let owner = Owner::random(&*board.cx.random);
            let mut done = Vec::new();
            while let Some(claim) = board.claim("import", owner).await {
                board
                    .finish(&claim.lease, Outcome::Succeeded(Vec::new()))
                    .await
                    .expect("held");
                done.push(claim.job.id);
            }
            done
        })
    });
    let done = join_all(workers)
        .await
        .into_iter()
        .flat_map(|done| done.expect("a worker"));
    let done: Vec<JobId> = done.collect();
    assert_eq!(done.len(), 40, "none is done twice");
    assert_eq!(BTreeSet::from_iter(done), wanted);
}

pub async fn a_lost_lease_writes_nothing(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let id = board.submit("import", b"").await;
    let first = board.claimed("import").await.lease;
    moving.pass(NEARLY);
    assert_eq!(
        board.claim("import", Owner::random(&*cx.random)).await,
        None,
        "it is taken to its end"
    );
    moving.pass(Duration::from_millis(1));
    board.effect(&first, 1).await.expect("it ended, and nobody took it");
    board
        .heartbeat(&first, Some(step(1)))
        .await
        .expect("so it is prolonged");
    assert_eq!(board.claim("import", Owner::random(&*cx.random)).await, None);
    moving.pass(TTL);
    let second = board.claimed("import").await;
    assert!(second.lease.fence() > first.fence());
    assert_eq!(second.job.checkpoint, Some(step(1).checkpoint), "to go on from");
    assert_lost(&board.effect(&first, 2).await, "an effect");
    assert_lost(&board.heartbeat(&first, None).await, "a heartbeat");
    assert_lost(&board.heartbeat(&first, Some(step(2))).await, "a checkpoint");
    assert_lost(&board.release(&first, TTL).await, "a release");
    assert_lost(&board.finish(&first, Outcome::Cancelled).await, "an end");
    board.effect(&second.lease, 3).await.expect("held");
    let ids: Vec<i64> = bench.things(&cx).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [1, 3]);
    let job = board.find(id).await.expect("the job");
    assert_eq!((job.state, job.checkpoint), (State::Running, Some(step(1).checkpoint)));
    board.release(&second.lease, TTL).await.expect("held");
    assert_lost(
        &board.heartbeat(&second.lease, None).await,
        "a heartbeat after the release",
    );
    assert_eq!(board.claim("import", Owner::random(&*cx.random)).await, None, "not yet");
    moving.pass(TTL);
    assert_eq!(board.claimed("import").await.job.checkpoint, Some(step(1).checkpoint));
}

pub async fn a_job_is_cancelled_with_its_worker(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let id = board.submit("export", b"").await;
    assert_eq!(board.cancel(id).await, Cancel::Ended);
    assert_eq!(board.find(id).await.expect("the job").state, State::Cancelled);
    assert_eq!(board.cancel(id).await, Cancel::TooLate);
    assert_eq!(board.cancel(JobId::random(&*cx.random)).await, Cancel::NotFound);

    let id = board.submit("export", b"").await;
    let claim = board.claimed("export").await;
    assert_eq!(board.cancel(id).await, Cancel::Asked);
    assert_eq!(board.heartbeat(&claim.lease, None).await.expect("held"), Demand::Stop);
    board.release(&claim.lease, TTL * 100).await.expect("held");
    let next = board.claimed("export").await;
    assert!(next.job.is_cancelling, "the next one cleans up, at once");
    moving.pass(TTL);
    let last = board.claimed("export").await;
    assert!(last.job.is_cancelling, "and the next, when that one died");
    board.finish(&last.lease, Outcome::Cancelled).await.expect("held");
    assert_eq!(board.find(id).await.expect("the job").state, State::Cancelled);

    let id = board.submit("export", b"").await;
    let claim = board.claimed("export").await;
    board.release(&claim.lease, TTL * 100).await.expect("held");
    assert_eq!(board.cancel(id).await, Cancel::Asked, "it had begun");
    assert_eq!(
        board.claimed("export").await.job.id,
        id,
        "it does not wait to be cleaned up"
    );
}

pub async fn a_job_that_kills_its_workers_is_abandoned(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let id = board.submit("import", b"").await;
    for _ in 0..MAX_ATTEMPTS - 1 {
        board.claimed("import").await;
        moving.pass(TTL);
    }
    // It comes further: that counts anew.
    let claim = board.claimed("import").await;
    board.heartbeat(&claim.lease, Some(step(1))).await.expect("held");
    for _ in 0..MAX_ATTEMPTS - 1 {
        moving.pass(TTL);
        board.claimed("import").await;
    }
    moving.pass(TTL * 2);
    let after = board.submit("import", b"").await;
    assert_eq!(
        board.claimed("import").await.job.id,
        after,
        "it does not hold up others"
    );
    assert_eq!(board.find(id).await.expect("the job").state, State::Abandoned);
    // To give back is not to die.
    for _ in 0..3 * MAX_ATTEMPTS {
        board.submit("export", b"").await;
        let claim = board.claimed("export").await;
        board.release(&claim.lease, Duration::ZERO).await.expect("held");
    }
    board.claimed("export").await;
}

pub async fn results_are_kept_for_a_time(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let open = board.submit("open", b"").await;
    let id = board.submit("export", b"").await;
    let claim = board.claimed("export").await;
    board
        .finish(&claim.lease, Outcome::Succeeded(b"result".to_vec()))
        .await
        .expect("held");
    moving.pass(KEPT.saturating_sub(Duration::from_millis(1)));
    assert_eq!(board.sweep().await, 0);
    assert!(board.find(id).await.is_some(), "kept to the end");
    moving.pass(Duration::from_millis(1));
    assert!(board.find(id).await.is_none(), "kept long enough, swept or not");
    assert_eq!(board.sweep().await, 1);
    assert_eq!(board.sweep().await, 0);
    assert_eq!(board.find(open).await.expect("the open one").state, State::Queued);
}

pub async fn jobs_of_tenants_are_apart(bench: Bench<'_>) {
    let board = Board::of(&bench, bench.cx);
    let other = Board::of(&bench, &bench.tenant(5));
    let own = board.submit("export", b"").await;
    let others = other.submit("export", b"").await;
    assert!(board.find(others).await.is_none() && other.find(own).await.is_none());
    assert_eq!(other.cancel(own).await, Cancel::NotFound);
    let list = |board: Board| async move {
        let read = board.store.read(&board.cx, (), |(), tx| {
            Box::pin(async move { Jobs(tx).list(None, 9).await })
        });
        let jobs = read
            .await
            .unwrap_or_else(|error: StoreError| panic!("a list: {error:?}"));
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(list(board.clone()).await, [own]);
    assert_eq!(list(other.clone()).await, [others]);
    // A worker is of the instance: it gets both, and is told whose they are.
    let claims = [board.claimed("export").await, board.claimed("export").await];
    let tenants = claims.map(|claim| (claim.job.id, claim.job.tenant));
    assert!(tenants.contains(&(own, board.cx.tenant)) && tenants.contains(&(others, other.cx.tenant)));
}

pub async fn a_job_survives_a_crash(bench: Bench<'_>) {
    let (moving, cx) = Moving::of(bench.cx);
    let board = Board::of(&bench, &cx);
    let id = board.submit("import", b"input").await;
    let claim = board.claimed("import").await;
    board.heartbeat(&claim.lease, Some(step(3))).await.expect("held");
    let crashed = bench.instance.crashed().await;
    let after = Board {
        store: crashed.open().await,
        cx: cx.clone(),
    };
    assert_eq!(
        after.claim("import", Owner::random(&*cx.random)).await,
        None,
        "the dead one's lease goes on"
    );
    moving.pass(TTL);
    let next = after.claimed("import").await;
    assert_eq!((next.job.id, next.job.input.as_slice()), (id, &b"input"[..]));
    assert_eq!(
        (next.job.progress, next.job.checkpoint),
        (step(3).progress, Some(step(3).checkpoint))
    );
    after
        .finish(&next.lease, Outcome::Succeeded(Vec::new()))
        .await
        .expect("held");
    after.store.close().await.expect("closing");
}

pub async fn too_long_jobs_are_refused(bench: Bench<'_>) {
    let board = Board::of(&bench, bench.cx);
    let long = vec![0; MAX_BODY + 1];
    let id = JobId::random(&*bench.cx.random);
    let refused = bench.store.write(bench.cx, long.clone(), move |input, tx| {
        Box::pin(async move { Jobs(tx).submit(id, "import", input).await })
    });
    let refused = refused.await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    board.submit("import", &long[1..]).await;
    let claim = board.claimed("import").await;
    let step = Step {
        checkpoint: long.clone(),
        ..step(1)
    };
    let refused = board.heartbeat(&claim.lease, Some(step)).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    let refused = board.finish(&claim.lease, Outcome::Succeeded(long)).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    board
        .heartbeat(&claim.lease, None)
        .await
        .expect("the lease is held all the same");
}
