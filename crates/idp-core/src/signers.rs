//! The threads that sign.
//!
//! An RS256 signature takes some 0.3 ms of a core, sixty times a bearer check. Made where the request is, a burst of sign-ins
//! would hold every worker of the runtime and all reads behind it; so it has threads of its own, one for each core, and the
//! scheduler of the system shares the cores between them and the workers. Whoever has signed takes the next at once: while
//! many wait, nobody sleeps or is woken for a signature. On the blocking pool of the runtime, with a semaphore before it, each
//! took two wake-ups more, and two cores made a fifth fewer tokens.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// What waits, oldest first.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    /// The next one, once there is one; nothing after the end.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.is_closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            self.changed.wait(&mut waiting);
        }
    }
}

/// The threads; they end when this is dropped.
pub struct Signers(Arc<Queue>);

impl Drop for Signers {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.is_closed = true;
        // Who still waits learns it now: the threads hold the queue until they have seen it.
        let left = std::mem::take(&mut waiting.jobs);
        drop(waiting);
        self.0.changed.notify_all();
        drop(left);
    }
}

impl Signers {
    /// Starts so many threads.
    pub fn start(count: usize) -> io::Result<Self> {
        let signers = Self(Arc::default());
        for _ in 0..count {
            let queue = signers.0.clone();
            std::thread::Builder::new().name("signer".to_owned()).spawn(move || {
                while let Some(job) = queue.next() {
                    // What panicked has dropped the way to its caller, who is told by that; the thread goes on.
                    let _panicked = catch_unwind(AssertUnwindSafe(job));
                }
            })?;
        }
        Ok(signers)
    }

    /// Runs `work` on one of the threads, unless its caller has gone away before its turn. Nothing where it panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, told) = oneshot::channel();
        let job = move || {
            if !done.is_closed() {
                // A caller that went away meanwhile needs no answer.
                let _ = done.send(work());
            }
        };
        self.0.waiting.lock().jobs.push_back(Box::new(job));
        self.0.changed.notify_one();
        told.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn as_many_at_once_as_there_are_threads_and_the_others_in_turn() {
        let signers = Signers::start(2).unwrap();
        let both = Arc::new(Barrier::new(2));
        let meet = || {
            let both = both.clone();
            signers.run(move || both.wait().is_leader())
        };
        let met = tokio::join!(meet(), meet(), meet(), meet());
        let leaders = [met.0, met.1, met.2, met.3].map(Option::unwrap);
        assert_eq!(leaders.into_iter().filter(|is_leader| *is_leader).count(), 2);
    }

    #[tokio::test]
    async fn a_panic_is_told_and_its_thread_goes_on() {
        let signers = Signers::start(1).unwrap();
        assert_eq!(signers.run(|| -> u8 { panic!("as a test") }).await, None);
        assert_eq!(signers.run(|| 7).await, Some(7));
    }

    #[tokio::test]
    async fn nothing_is_made_for_who_went_away() {
        let signers = Signers::start(1).unwrap();
        let (go, wait) = channel::<()>();
        let first = signers.run(move || wait.recv().is_ok());
        let was_made = Arc::new(AtomicBool::new(false));
        let made = was_made.clone();
        let second = signers.run(move || made.store(true, Ordering::Relaxed));
        let gives_up = async {
            // Both are in the queue, in this order; the second caller goes before the first is done.
            tokio::select! {
                biased;
                _ = second => panic!("it cannot be its turn"),
                () = std::future::ready(()) => {}
            }
            go.send(()).unwrap();
        };
        assert_eq!(tokio::join!(biased; first, gives_up).0, Some(true));
        assert_eq!(signers.run(|| 7).await, Some(7));
        assert!(!was_made.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn the_threads_end_with_it() {
        let signers = Signers::start(2).unwrap();
        let queue = Arc::downgrade(&signers.0);
        drop(signers);
        while queue.strong_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
