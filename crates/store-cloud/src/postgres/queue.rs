//! The writes that wait, and who may write at this moment: each transaction has an audit chain of this process for itself,
//! and there are only so many.
//!
//! One transaction at a time takes what waits: two of one process would be in each other's way. Only when it takes long a
//! second one begins beside it, so that a slow write does not hold the others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::Cx;
use hygie_store::{StoreError, Work};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::chain::Lane;

/// A transaction that has lasted so long is slow: another one begins beside it.
pub const SLOW: Duration = Duration::from_millis(50);

/// A place in the order in which writes came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// A write that waits or runs.
pub struct Job {
    /// Where it stands.
    pub ticket: Ticket,
    /// The context of its transaction.
    pub cx: Cx,
    /// What to run.
    pub work: Box<dyn Work>,
    /// Takes the answer, after the commit.
    pub done: oneshot::Sender<Result<(), StoreError>>,
    /// Whether no other write shares its transaction.
    pub is_alone: bool,
}

impl Job {
    /// Answers it, if somebody still waits.
    pub fn answer(self, answer: Result<(), StoreError>) {
        let _unheard = self.done.send(answer);
    }
}

/// Writes in the order in which they came, and the chains that no transaction has.
pub struct Queue {
    state: Mutex<State>,
    returned: Notify,
    max_waiting: usize,
}

struct State {
    waiting: BTreeMap<Ticket, Job>,
    last: Ticket,
    idle: Vec<Lane>,
    /// All chains, on loan or not.
    lanes: usize,
    /// The chains on loan, by a number of the loan, and when their transactions began.
    running: BTreeMap<u64, Instant>,
    loans: u64,
    is_closed: bool,
}

/// A chain on loan.
pub struct Lent {
    queue: Arc<Queue>,
    loan: u64,
    lane: Option<Lane>,
}

/// A write that was taken in.
pub struct Taken {
    /// Its place.
    pub ticket: Ticket,
    /// Its answer.
    pub answer: oneshot::Receiver<Result<(), StoreError>>,
    /// A chain, when nobody works: whoever gets it works until nothing waits.
    pub lent: Option<Lent>,
}

impl State {
    /// Whether a transaction runs that will soon take what waits.
    fn is_served(&self) -> bool {
        self.running.values().any(|began| began.elapsed() < SLOW)
    }
}

impl Queue {
    /// Of these chains, the first of which is used most. So many writes may wait.
    pub fn new(mut lanes: Vec<Lane>, max_waiting: usize) -> Self {
        lanes.reverse();
        let state = State {
            waiting: BTreeMap::new(),
            last: Ticket::default(),
            lanes: lanes.len(),
            idle: lanes,
            running: BTreeMap::new(),
            loans: 0,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            returned: Notify::new(),
            max_waiting,
        }
    }

    /// Takes a write in, or [`StoreError::Busy`] when too many wait.
    pub fn push(self: &Arc<Self>, cx: &Cx, work: Box<dyn Work>) -> Result<Taken, StoreError> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(StoreError::Unavailable(None));
        }
        // Who would begin a transaction takes what waits along.
        let begins = !state.is_served() && !state.idle.is_empty();
        if !begins && state.waiting.len() >= self.max_waiting {
            return Err(StoreError::Busy);
        }
        state.last.0 += 1;
        let (ticket, (done, answer)) = (state.last, oneshot::channel());
        let job = Job {
            ticket,
            cx: cx.clone(),
            work,
            done,
            is_alone: false,
        };
        state.waiting.insert(ticket, job);
        let lent = if state.is_served() { None } else { self.lend(&mut state) };
        Ok(Taken { ticket, answer, lent })
    }

    /// A chain for a write that waits behind slow ones.
    pub fn help(self: &Arc<Self>, ticket: Ticket) -> Option<Lent> {
        let mut state = self.state.lock();
        if !state.waiting.contains_key(&ticket) || state.is_served() {
            return None;
        }
        self.lend(&mut state)
    }

    fn lend(self: &Arc<Self>, state: &mut State) -> Option<Lent> {
        let lane = state.idle.pop()?;
        state.loans += 1;
        let loan = state.loans;
        state.running.insert(loan, Instant::now());
        Some(Lent {
            queue: self.clone(),
            loan,
            lane: Some(lane),
        })
    }

    /// Takes a write out that still waits; whether it did.
    pub fn withdraw(&self, ticket: Ticket) -> bool {
        self.state.lock().waiting.remove(&ticket).is_some()
    }

    /// The next write for a transaction that has some already.
    pub fn take_more(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let first = state.waiting.first_entry()?;
        (!first.get().is_alone).then(|| first.remove())
    }

    /// Puts writes back to where they stood: each will have a transaction for itself.
    pub fn put_back(&self, jobs: Vec<Job>) {
        let mut state = self.state.lock();
        for job in jobs {
            let job = Job { is_alone: true, ..job };
            state.waiting.insert(job.ticket, job);
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// A chain that nobody uses, whose signature may be lost with the power.
    pub fn take_unsynced(self: &Arc<Self>) -> Option<Lent> {
        let mut state = self.state.lock();
        let at = state.idle.iter().position(Lane::is_unsynced)?;
        let last = state.idle.len() - 1;
        state.idle.swap(at, last);
        let lent = self.lend(&mut state)?;
        // It serves nobody.
        state.running.remove(&lent.loan);
        Some(lent)
    }

    /// Takes no more writes, waits until those that are here are answered, and gives the chains out of hand.
    pub async fn close(&self) -> Vec<Lane> {
        self.state.lock().is_closed = true;
        loop {
            let returned = self.returned.notified();
            {
                let mut state = self.state.lock();
                if state.waiting.is_empty() && state.idle.len() == state.lanes {
                    state.lanes = 0;
                    return std::mem::take(&mut state.idle);
                }
            }
            returned.await;
        }
    }
}

impl Lent {
    /// The chain.
    pub fn lane(&mut self) -> Result<&mut Lane, StoreError> {
        self.lane.as_mut().ok_or(StoreError::Unavailable(None))
    }

    /// The next write; `None` when none waits, or another transaction will take it: then the chain is given back.
    pub fn next(&mut self) -> Option<Job> {
        let mut state = self.queue.state.lock();
        state.running.remove(&self.loan);
        if !state.is_served()
            && let Some((_, job)) = state.waiting.pop_first()
        {
            state.running.insert(self.loan, Instant::now());
            return Some(job);
        }
        state.idle.extend(self.lane.take());
        self.queue.returned.notify_waiters();
        None
    }

    /// Makes the last signature durable, on a thread that may wait for the disk.
    pub async fn sync(mut self) -> Option<Self> {
        let synced = tokio::task::spawn_blocking(move || {
            if let Some(lane) = &mut self.lane {
                lane.sync();
            }
            self
        });
        synced.await.ok()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(mut lane) = self.lane.take() {
            // In the middle of a transaction, by a panic.
            lane.unknown();
            let mut state = self.queue.state.lock();
            state.running.remove(&self.loan);
            state.idle.push(lane);
            self.queue.returned.notify_waiters();
        }
    }
}
