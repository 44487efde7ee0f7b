//! A transaction of several writes (`docs/adr/0019-group-commit-on-postgresql.md`): run one after another until nothing more
//! waits, committed together with their audit entries, run again when others were in the way, and answered honestly.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::Random;
use hygie_store::{StoreError, Verdict};
use tokio::time::Instant;

use super::Database;
use super::chain::{Addition, Lane};
use super::error::Remedy;
use super::link::{Link, Mode};
use super::queue::Job;
use super::session::WriteSession;
use super::work::{RUNS, pause, run};
use super::writers::Writers;

/// After so long a transaction takes in no more writes.
const INTAKE: Duration = Duration::from_millis(20);

/// How long a write may take while others of its transaction wait for it; afterwards it gets one for itself.
const PATIENCE: Duration = Duration::from_millis(250);

/// After so many losses against others a transaction goes first: others wait for it.
const LOSSES: u32 = 3;

/// How often, and how far apart, the server is asked what became of a commit that it did not answer.
const QUESTIONS: (u32, Duration) = (20, Duration::from_millis(250));

/// How a run of a transaction ended.
enum Ended {
    /// Each write has this answer, in their order.
    Answered(Vec<Result<(), StoreError>>),
    /// All have this one.
    Failed(StoreError),
    /// Without effect, because of another transaction: it may be run again.
    Lost,
    /// Without effect, with the connection: it may be run again.
    Cut(StoreError),
    /// Without effect, and it is not known because of which write.
    Apart,
}

/// What became of a transaction.
enum Fate {
    Committed,
    Aborted,
    Unknown,
}

/// How one write of a transaction ended.
enum One {
    /// It wants its effects.
    Kept,
    /// It has left nothing behind.
    Refused(Result<(), StoreError>),
    /// It took too long.
    Slow,
    /// The transaction has.
    All(Ended),
}

/// The writes of a transaction.
struct Group<'w> {
    writers: &'w Arc<Writers>,
    random: Arc<dyn Random>,
    jobs: Vec<Job>,
    /// Whether more may join.
    is_open: bool,
    losses: u32,
}

/// Runs a transaction that begins with `first`, until it is answered.
pub async fn run_group(writers: &Arc<Writers>, lane: &mut Lane, first: Job) {
    let mut group = Group {
        writers,
        random: first.cx.random.clone(),
        is_open: !first.is_alone,
        jobs: vec![first],
        losses: 0,
    };
    group.run(lane).await;
}

impl Group<'_> {
    async fn run(&mut self, lane: &mut Lane) {
        for attempt in 0..RUNS {
            match self.once(lane).await {
                Ended::Answered(answers) => {
                    for (job, answer) in self.jobs.drain(..).zip(answers) {
                        job.answer(answer);
                    }
                    return;
                }
                Ended::Failed(error) => return self.answer_all(&error),
                Ended::Apart => return self.writers.queue.put_back(std::mem::take(&mut self.jobs)),
                Ended::Lost => {
                    tracing::debug!(attempt, writes = self.jobs.len(), "a transaction lost against another");
                    self.losses += 1;
                }
                Ended::Cut(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(attempt, error, "a transaction lost its connection");
                }
            }
            // What comes meanwhile need not be run again with it.
            self.is_open = false;
            pause(attempt, &self.random).await;
        }
        self.answer_all(&StoreError::Busy);
    }

    fn answer_all(&mut self, error: &StoreError) {
        for job in self.jobs.drain(..) {
            job.answer(Err(repeated(error)));
        }
    }

    async fn once(&mut self, lane: &mut Lane) -> Ended {
        let database = &self.writers.database;
        let client = match database.client().await {
            Ok(client) => client,
            Err(error) => return Ended::Failed(error),
        };
        let mode = if self.losses < LOSSES { Mode::Write } else { Mode::First };
        let link = Link::new(client, database.catalogue(), self.writers.instance, mode);
        let mut session = WriteSession::new(link, self.jobs.len() + self.writers.queue.waiting());
        let begun = if self.jobs.len() > 1 {
            begin(&mut session).await
        } else {
            Ok(())
        };
        let ran = match begun {
            Ok(()) => self.run_all(&mut session).await,
            Err(ended) => Err(ended),
        };
        match ran {
            Ok(answers) => self.end(session, lane, answers).await,
            Err(Ended::Cut(error)) => {
                drop(session);
                database.forget_idle();
                Ended::Cut(error)
            }
            Err(ended) => {
                session.link.roll_back().await;
                ended
            }
        }
    }

    /// Runs the writes, and those that come meanwhile. Each has `None` for an answer when it wants its effects.
    async fn run_all(&mut self, session: &mut WriteSession) -> Result<Vec<Option<Result<(), StoreError>>>, Ended> {
        let begun = Instant::now();
        let mut answers = Vec::with_capacity(self.jobs.len());
        loop {
            if answers.len() == self.jobs.len() && !self.takes_more(session, begun) {
                return Ok(answers);
            }
            let at = answers.len();
            if self.jobs[at].done.is_closed() {
                self.jobs.remove(at);
                continue;
            }
            match self.one(session, at).await {
                One::Kept => answers.push(None),
                One::Refused(answer) => {
                    answers.push(Some(answer));
                    if session.link.has_begun() && !session.link.is_guarded() {
                        // Nothing can follow it in this transaction.
                        return Ok(answers);
                    }
                }
                One::Slow => {
                    self.is_open = false;
                    let slow = self.jobs.remove(at);
                    self.writers.queue.put_back(vec![slow]);
                    if !session.link.is_certain() {
                        return Err(Ended::Cut(StoreError::Unavailable(None)));
                    }
                }
                One::All(ended) => return Err(ended),
            }
        }
    }

    fn takes_more(&mut self, session: &WriteSession, begun: Instant) -> bool {
        let has_room = self.jobs.len() < self.writers.max_group && !session.is_full();
        if !self.is_open || !has_room || begun.elapsed() > INTAKE {
            return false;
        }
        let more = self.writers.queue.take_more();
        let is_more = more.is_some();
        self.jobs.extend(more);
        is_more
    }

    /// Runs one write. Alone it needs no savepoint, and all the time.
    async fn one(&mut self, session: &mut WriteSession, at: usize) -> One {
        let is_alone = self.jobs.len() == 1;
        if !is_alone {
            session.link.guard();
        }
        let waits = session.link.waits();
        let job = &mut self.jobs[at];
        let ran = run(&mut *job.work, session, &waits, &job.cx);
        let ran = if is_alone {
            ran.await
        } else {
            match tokio::time::timeout(PATIENCE, ran).await {
                Ok(ran) => ran,
                Err(_elapsed) => return undone(session, One::Slow).await,
            }
        };
        // A conflict or a lost connection is the cause, whatever the work made of it.
        match session.link.remedy() {
            Some(Remedy::Again) => return One::All(Ended::Lost),
            Some(Remedy::Reconnect) => return One::All(Ended::Cut(StoreError::Unavailable(None))),
            Some(Remedy::None) | None => {}
        }
        let refused = match ran {
            Ok(Verdict::Commit) => match session.check_rules() {
                Ok(()) => {
                    session.settle();
                    return One::Kept;
                }
                Err(error) => Err(error),
            },
            Ok(Verdict::Rollback) => Ok(()),
            Err(error) => Err(error),
        };
        undone(session, One::Refused(refused)).await
    }

    /// Commits what is to be kept, with what was recorded as entries of this chain.
    async fn end(
        &mut self,
        mut session: WriteSession,
        lane: &mut Lane,
        answers: Vec<Option<Result<(), StoreError>>>,
    ) -> Ended {
        let keeps = answers.iter().any(Option::is_none);
        let answers = answers.into_iter().map(|answer| answer.unwrap_or(Ok(()))).collect();
        if !keeps {
            session.link.roll_back().await;
            return Ended::Answered(answers);
        }
        if session.is_untouched() {
            session.link.give_back();
            return Ended::Answered(answers);
        }
        let recorded = session.audited().to_vec();
        let added = match session.link.client() {
            Ok(client) => lane.add(client, &recorded, &*self.random).await,
            Err(error) => Err(error),
        };
        let addition = match added {
            Ok(addition) => addition,
            Err(error) => {
                session.link.roll_back().await;
                return Ended::Cut(error);
            }
        };
        match session.commit(&addition).await {
            Ok(()) => {
                session.link.give_back();
                lane.committed();
                Ended::Answered(answers)
            }
            Err(error) => match self.not_committed(session, (lane, &addition), error).await {
                Some(ended) => ended,
                None => Ended::Answered(answers),
            },
        }
    }

    /// After an error in the commit: how the transaction ended, or `None` when it is committed all the same.
    async fn not_committed(
        &mut self,
        session: WriteSession,
        (lane, addition): (&mut Lane, &Addition),
        error: StoreError,
    ) -> Option<Ended> {
        Some(match session.link.remedy() {
            Some(Remedy::Reconnect) => {
                let xact = session.link.xact().map(str::to_owned);
                drop(session);
                self.writers.database.forget_idle();
                lane.unknown();
                match fate(&self.writers.database, xact.as_deref(), (lane, addition)).await {
                    Fate::Committed => return None,
                    Fate::Aborted => Ended::Cut(error),
                    Fate::Unknown => Ended::Failed(unknown(&error)),
                }
            }
            Some(Remedy::Again) => {
                session.link.roll_back().await;
                // Another process may write this chain, or what was lost in a commit came through after all.
                lane.unknown();
                Ended::Lost
            }
            Some(Remedy::None) | None => {
                session.link.roll_back().await;
                lane.unknown();
                if self.jobs.len() > 1 {
                    Ended::Apart
                } else {
                    Ended::Failed(error)
                }
            }
        })
    }
}

/// Begins a transaction of several writes by itself: it may have to wait for its turn, and that is no write's slowness.
async fn begin(session: &mut WriteSession) -> Result<(), Ended> {
    session.link.begin().await.map_err(|error| match session.link.remedy() {
        Some(Remedy::Again) => Ended::Lost,
        Some(Remedy::Reconnect) => Ended::Cut(error),
        Some(Remedy::None) | None => Ended::Failed(error),
    })
}

/// Asks what became of a transaction whose commit was not answered.
async fn fate(database: &Database, xact: Option<&str>, (lane, addition): (&mut Lane, &Addition)) -> Fate {
    let Some(xact) = xact else {
        // It did not even begin.
        return Fate::Aborted;
    };
    let (questions, apart) = QUESTIONS;
    for _ in 0..questions {
        match is_committed(database, xact, (lane, addition)).await {
            Ok(Some(true)) => {
                lane.committed();
                return Fate::Committed;
            }
            Ok(Some(false)) => return Fate::Aborted,
            // Still in progress, or there is no connection yet.
            Ok(None) | Err(_) => tokio::time::sleep(apart).await,
        }
    }
    lane.unknown();
    Fate::Unknown
}

/// Whether a transaction was committed; `None` while it goes on.
async fn is_committed(
    database: &Database,
    xact: &str,
    (lane, addition): (&mut Lane, &Addition),
) -> Result<Option<bool>, StoreError> {
    let client = database.client().await?;
    if !Database::has_ended(&client, xact).await? {
        return Ok(None);
    }
    lane.has(&client, addition).await.map(Some)
}

/// Undoes the present write; what it ended with, unless the whole transaction has.
async fn undone(session: &mut WriteSession, one: One) -> One {
    if session.undo().await.is_ok() {
        return one;
    }
    One::All(match session.link.remedy() {
        Some(Remedy::Again) => Ended::Lost,
        Some(Remedy::Reconnect) => Ended::Cut(StoreError::Unavailable(None)),
        Some(Remedy::None) | None => Ended::Apart,
    })
}

fn unknown(error: &StoreError) -> StoreError {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the connection was lost in a commit, and what became of it cannot be learned"
    );
    StoreError::Unavailable(Some("whether the write was committed is not known".into()))
}

/// The error of a transaction, for each who waits for it.
fn repeated(error: &StoreError) -> StoreError {
    let text = error.to_string();
    match error {
        StoreError::Busy => StoreError::Busy,
        StoreError::Full(_) => StoreError::Full(text.into()),
        StoreError::Unavailable(_) => StoreError::Unavailable(Some(text.into())),
        StoreError::Duplicate(_) => StoreError::Duplicate(text.into()),
        _ => StoreError::Engine(text.into()),
    }
}
