//! Graceful stop: no new connection, running requests end, and what is left after the deadline is cut.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The stop of the whole program, shared by listeners and background tasks.
#[derive(Clone, Default)]
pub struct Stop {
    begin: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Stop {
    /// One that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns when the stop begins: take no new work.
    pub async fn begun(&self) {
        self.begin.cancelled().await;
    }

    /// Returns when the deadline has passed: give up.
    pub async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// A token for tasks that end as soon as the stop begins.
    pub fn token(&self) -> CancellationToken {
        self.begin.clone()
    }

    /// Whether the stop has begun.
    pub fn has_begun(&self) -> bool {
        self.begin.is_cancelled()
    }

    /// Starts a task that [`Stop::complete`] waits for.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Begins the stop, waits for the tasks until `deadline`, then cuts what is left. Tells whether all ended by
    /// themselves.
    pub async fn complete(&self, deadline: Duration) -> bool {
        self.begin.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok();
        self.cut.cancel();
        if !ended {
            // Tasks that do not listen for the cut (a handler that waits) end with the process.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        }
        ended
    }
}

/// SIGTERM and SIGINT. One that comes while nobody waits is kept for the next who does.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on they no longer end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns at the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
