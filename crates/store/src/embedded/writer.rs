//! The one writer: runs waiting work in savepoints, many per commit, and answers after the commit is durable.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hygie_core::Cx;
use tokio::sync::oneshot;

use super::checkpoint::Checkpoints;
use super::heads::ChainHead;
use super::merge::Merge;
use super::session::{Savepoint, WriteSession};
use super::succession::Succession;
use crate::{Space, StoreError, Tx, Verdict, Work};

/// What the writer is asked to do.
pub enum Command {
    /// Run this in a transaction.
    Write {
        /// The context of the transaction.
        cx: Cx,
        /// What to run.
        work: Box<dyn Work>,
        /// Takes the answer, after the commit.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Go over to another file.
    Succeed(Box<Succession>),
    /// Merge what waits, copy the log into the file, and end.
    Close(oneshot::Sender<Result<(), StoreError>>),
}

impl Command {
    /// Answers that it is not done.
    fn refuse(self, error: StoreError) {
        match self {
            Self::Write { done, .. } | Self::Close(done) => drop(done.send(Err(error))),
            Self::Succeed(succession) => drop(succession.done.send(Err(error))),
        }
    }
}

/// Works in one commit at most.
const GROUP: usize = 512;

/// Index changes after which a group takes no more work.
const GROUP_CHANGES: usize = 50_000;

/// An idle writer begins to merge after this time.
const IDLE: Duration = Duration::from_millis(250);

/// Keys that an idle writer merges per commit.
const IDLE_SLICE: usize = 8192;

/// The writer's thread.
pub struct Writer {
    /// Connection, chain and pending changes.
    pub session: WriteSession,
    /// The merge of the tail.
    pub merge: Merge,
    /// Where the head of the audit chain is signed.
    pub head: ChainHead,
    /// What the instance takes.
    pub space: Arc<Space>,
    /// What copies the log into the file.
    pub checkpoints: Checkpoints,
    /// Whether the last commit failed.
    pub is_failing: bool,
    /// Whether nobody is answered any more: which file counts after a crash is not known.
    pub is_halted: bool,
    /// A change of the file that was asked for in the middle of a group.
    pub waiting: Option<Box<Succession>>,
}

type Answer = (oneshot::Sender<Result<(), StoreError>>, Result<(), StoreError>);

impl Writer {
    /// Works until it is closed or nobody can ask any more.
    pub fn run(mut self, queue: &Receiver<Command>) {
        loop {
            self.checkpoint();
            if let Some(succession) = self.waiting.take() {
                if let Some(done) = self.succeed(*succession, queue) {
                    let closed = self.finish(&done);
                    let _unheard = done.send(closed);
                    return;
                }
                continue;
            }
            let command = match queue.recv_timeout(IDLE) {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout) => match self.idle(queue) {
                    Some(command) => command,
                    None => continue,
                },
                Err(RecvTimeoutError::Disconnected) => {
                    // Dropped without being closed: what waits in the tail is made again at the next start.
                    self.head.sync();
                    return;
                }
            };
            let close = match command {
                Command::Close(done) => Some(done),
                Command::Succeed(succession) => self.succeed(*succession, queue),
                Command::Write { .. } => self.group(command, queue),
            };
            if let Some(done) = close {
                let closed = self.finish(&done);
                let _unheard = done.send(closed);
                return;
            }
        }
    }

    /// Merges while nobody asks; the command that ended the pause, if any.
    fn idle(&mut self, queue: &Receiver<Command>) -> Option<Command> {
        self.head.sync();
        while self.merge.has_work(&self.session) {
            let merged = self.merge_alone(IDLE_SLICE);
            self.log_change(merged.as_ref().err());
            if merged.is_err() {
                return None;
            }
            match queue.try_recv() {
                Ok(command) => return Some(command),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    fn merge_alone(&mut self, keys: usize) -> Result<(), StoreError> {
        self.session.begin()?;
        let outcome = self
            .merge
            .slice_when_idle(&self.session, keys)
            .and_then(|()| self.session.db.batch("COMMIT"));
        match outcome {
            Ok(()) => {
                self.merge.committed(&self.session.tail);
                Ok(())
            }
            Err(error) => {
                self.merge.rolled_back();
                let _already = self.session.db.batch("ROLLBACK");
                Err(error)
            }
        }
    }

    /// Copies what was written while the rest of the log was copied, so that it begins anew.
    pub fn checkpoint(&self) {
        if self.checkpoints.is_due()
            && let Err(error) = self.session.db.batch("PRAGMA wal_checkpoint(PASSIVE)")
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "copying the log");
        }
    }

    /// Merges what waits and copies the log into the file, as long as somebody waits for it.
    fn finish(&mut self, done: &oneshot::Sender<Result<(), StoreError>>) -> Result<(), StoreError> {
        self.checkpoints.stop();
        // What is in the table `recent` can stay there.
        while self.merge.has_tail(&self.session) && !done.is_closed() {
            self.merge_alone(IDLE_SLICE)?;
        }
        self.head.sync();
        if done.is_closed() {
            return Ok(());
        }
        self.session.db.batch("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Runs a group that begins with `first`; the answer to a close that came meanwhile.
    pub fn group(
        &mut self,
        first: Command,
        queue: &Receiver<Command>,
    ) -> Option<oneshot::Sender<Result<(), StoreError>>> {
        if let Err(error) = self.begin() {
            self.log_change(Some(&error));
            first.refuse(error);
            return None;
        }
        let start = self.session.here();
        let mut answers = Vec::new();
        let mut close = None;
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Close(done) => close = Some(done),
                // After the group.
                Command::Succeed(succession) => self.waiting = Some(succession),
                Command::Write { cx, mut work, done } => {
                    if !done.is_closed() {
                        let outcome = self.one(&cx, &mut *work);
                        answers.push((done, outcome));
                    }
                }
            }
            if self.session.is_lost() || self.waiting.is_some() {
                break;
            }
            if close.is_none() && answers.len() < GROUP && self.session.pending.len() < GROUP_CHANGES {
                next = queue.try_recv().ok();
            }
        }
        self.end(start, answers);
        close
    }

    fn begin(&self) -> Result<(), StoreError> {
        if self.is_halted {
            return Err(StoreError::Unavailable(Some(
                "the switch to another key is not durable".into(),
            )));
        }
        self.session.begin()
    }

    /// Runs one unit of work in a savepoint. Afterwards the transaction may be lost: then nothing of the group is kept.
    fn one(&mut self, cx: &Cx, work: &mut dyn Work) -> Result<(), StoreError> {
        let savepoint = self.session.savepoint().inspect_err(|_| self.session.abandon())?;
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| poll_once(work, &mut self.session, cx)));
        let failure = match outcome {
            Ok(Ok(Verdict::Commit)) if self.session.is_lost() => Err(lost()),
            Ok(Ok(Verdict::Commit)) => match self.session.check_rules(&savepoint) {
                Ok(()) => return self.session.release().inspect_err(|_| self.session.abandon()),
                Err(error) => Err(error),
            },
            Ok(Ok(Verdict::Rollback)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_panic) => Err(StoreError::Engine("a transaction panicked".into())),
        };
        if !self.session.is_lost() {
            self.session
                .roll_back(savepoint)
                .inspect_err(|_| self.session.abandon())?;
        }
        failure
    }

    /// Commits the group and answers.
    fn end(&mut self, start: Savepoint, mut answers: Vec<Answer>) {
        if self.session.is_lost() {
            // The one that lost it has its own error to tell.
            let last = answers.pop();
            let error = lost();
            self.log_change(Some(&error));
            self.give_up(start, answers, &error);
            if let Some((done, outcome)) = last {
                let _unheard = done.send(outcome);
            }
            return;
        }
        let committed = self.commit();
        self.log_change(committed.as_ref().err());
        match committed {
            Ok(()) => {
                self.head.advance(&self.session.chain);
                self.measure();
                self.session.clear();
                for (done, outcome) in answers {
                    let _unheard = done.send(outcome);
                }
            }
            Err(error) => self.give_up(start, answers, &error),
        }
    }

    /// Logs the first failure and the recovery: a full disk must not fill up with messages about it.
    fn log_change(&mut self, failure: Option<&StoreError>) {
        match failure {
            Some(error) if !self.is_failing => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "the database cannot be written"
                );
            }
            None if self.is_failing => tracing::warn!("the database can be written again"),
            _ => {}
        }
        self.is_failing = failure.is_some();
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let added = self.session.pending.len();
        let tag = self.session.appended();
        self.merge.start_when_full(&self.session);
        let merged = self.merge.slice_beside(&self.session.db, added);
        if added > 0 {
            self.session.tail.publish(&self.session.pending, tag);
        }
        match merged.and_then(|()| self.session.db.batch("COMMIT")) {
            Ok(()) => {
                self.merge.committed(&self.session.tail);
                Ok(())
            }
            Err(error) => {
                self.session.tail.retract(&self.session.pending, tag);
                self.merge.rolled_back();
                Err(error)
            }
        }
    }

    /// Tells how large the database is.
    pub fn measure(&mut self) {
        match self.session.db.size() {
            Ok(bytes) => self.space.set_database(bytes),
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "measuring the database"),
        }
    }

    /// Keeps nothing of the group and tells everybody in it: who was refused by a rule may have been so because of
    /// another's write that is gone now.
    fn give_up(&mut self, start: Savepoint, answers: Vec<Answer>, error: &StoreError) {
        self.session.abandon();
        self.session.forget(start);
        self.session.clear();
        for (done, _) in answers {
            let _unheard = done.send(Err(repeated(error)));
        }
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable(Some("the engine gave the transaction up".into()))
}

fn poll_once(work: &mut dyn Work, session: &mut WriteSession, cx: &Cx) -> Result<Verdict, StoreError> {
    let mut tx = Tx::new(session, cx);
    let mut future = work.run(&mut tx);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(verdict) => Ok(verdict),
        Poll::Pending => Err(StoreError::ForeignAwait),
    }
}

/// The error of a commit, for each of those who wait for it.
fn repeated(error: &StoreError) -> StoreError {
    let text = error.to_string();
    match error {
        StoreError::Full(_) => StoreError::Full(text.into()),
        StoreError::Unavailable(_) => StoreError::Unavailable(Some(text.into())),
        _ => StoreError::Engine(text.into()),
    }
}
