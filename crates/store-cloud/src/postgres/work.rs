//! Running a unit of work: once, watched, and again after a conflict.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use hygie_core::{Cx, Random, random_array};
use hygie_store::{Session, StoreError, Tx, Verdict, Work};

/// How often work is run at most.
pub const RUNS: u32 = 16;

/// The pause after the first conflict is about so long, and doubles up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(250));

/// Runs `work` on `session`. What waits for something else than `waits` tells is refused; a panic is an error.
pub async fn run(
    work: &mut dyn Work,
    session: &mut dyn Session,
    waits: &AtomicBool,
    cx: &Cx,
) -> Result<Verdict, StoreError> {
    let mut tx = Tx::new(session, cx);
    let watched = Watched {
        work: work.run(&mut tx),
        waits,
    };
    let ran = AssertUnwindSafe(watched).catch_unwind().await;
    ran.unwrap_or_else(|_panic| Err(StoreError::Engine("a transaction panicked".into())))
}

/// Work that may wait for its own transaction only.
struct Watched<'a, F> {
    work: F,
    waits: &'a AtomicBool,
}

impl<F: Future<Output = Verdict> + Unpin> Future for Watched<'_, F> {
    type Output = Result<Verdict, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match pin!(&mut self.work).poll(context) {
            Poll::Ready(verdict) => Poll::Ready(Ok(verdict)),
            Poll::Pending if self.waits.load(Ordering::Relaxed) => Poll::Pending,
            Poll::Pending => Poll::Ready(Err(StoreError::ForeignAwait)),
        }
    }
}

/// Waits before the run after `run` (from 0), between half and the whole of its pause, so that two that met do not meet
/// again.
pub async fn pause(run: u32, random: &Arc<dyn Random>) {
    let (first, longest) = PAUSES;
    let whole = first.saturating_mul(1 << run.min(16)).min(longest);
    let part = f64::from(u16::from_be_bytes(random_array(&**random))) / f64::from(u16::MAX);
    tokio::time::sleep(whole.mul_f64(0.5 + part / 2.0)).await;
}
