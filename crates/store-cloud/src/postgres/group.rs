//! A write: run until it is not in conflict with another, committed with its audit entries, and answered honestly.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::Cx;
use hygie_store::{StoreError, Verdict, Work};

use super::Shared;
use super::chain::Lane;
use super::error::Remedy;
use super::lanes::Lent;
use super::link::{Link, Mode};
use super::session::WriteSession;
use super::work::{RUNS, pause, run};

/// How often, and how far apart, the server is asked what became of a commit that it did not answer.
const QUESTIONS: (u32, Duration) = (20, Duration::from_millis(250));

/// How a run ended.
enum Ended {
    /// With this answer.
    Answered(Result<(), StoreError>),
    /// Without effect, and it may be run again.
    Again(StoreError),
}

/// What became of a transaction.
enum Fate {
    Committed,
    Aborted,
    Unknown,
}

/// Runs `work` until it is answered.
pub async fn write(shared: &Arc<Shared>, cx: &Cx, mut work: Box<dyn Work>, mut lent: Lent) -> Result<(), StoreError> {
    for attempt in 0..RUNS {
        match once(shared, cx, &mut *work, lent.lane()?).await {
            Ended::Answered(answer) => return answer,
            Ended::Again(error) => {
                tracing::debug!(
                    attempt,
                    error = &error as &dyn std::error::Error,
                    "a write is run again"
                );
                pause(attempt, &cx.random).await;
            }
        }
    }
    // Others were in the way each time.
    Err(StoreError::Busy)
}

async fn once(shared: &Arc<Shared>, cx: &Cx, work: &mut dyn Work, lane: &mut Lane) -> Ended {
    let client = match shared.database.client().await {
        Ok(client) => client,
        Err(error) => return Ended::Answered(Err(error)),
    };
    let link = Link::new(client, shared.database.catalogue(), shared.instance, Mode::Write);
    let mut session = WriteSession::new(link);
    let waits = session.link.waits();
    let ran = run(work, &mut session, &waits, cx).await;
    let refused = match ran {
        // A conflict or a lost connection is the cause, whatever the work made of it.
        _ if session.link.remedy() == Some(Remedy::Again) => {
            session.link.roll_back().await;
            return Ended::Again(StoreError::Busy);
        }
        _ if session.link.remedy() == Some(Remedy::Reconnect) => {
            drop(session);
            shared.database.forget_idle();
            return Ended::Again(StoreError::Unavailable(None));
        }
        Ok(Verdict::Commit) => match session.check_rules() {
            Ok(()) => return commit(shared, session, lane).await,
            Err(error) => Err(error),
        },
        Ok(Verdict::Rollback) => Ok(()),
        Err(error) => Err(error),
    };
    session.link.roll_back().await;
    Ended::Answered(refused)
}

/// Commits, with what the work recorded as entries of this chain.
async fn commit(shared: &Arc<Shared>, mut session: WriteSession, lane: &mut Lane) -> Ended {
    let recorded = session.audited().to_vec();
    if !session.link.has_begun() && recorded.is_empty() {
        session.link.give_back();
        return Ended::Answered(Ok(()));
    }
    let mut entries = Vec::new();
    if !recorded.is_empty() {
        let resumed = match session.link.client() {
            Ok(client) => lane.resume(client).await,
            Err(error) => Err(error),
        };
        match resumed.and_then(|()| lane.extend(&recorded)) {
            Ok(made) => entries = made,
            Err(error) => {
                session.link.roll_back().await;
                return Ended::Again(error);
            }
        }
    }
    let committed = session.commit(lane.name(), &entries).await;
    conclude(shared, session, lane, committed).await
}

async fn conclude(
    shared: &Arc<Shared>,
    session: WriteSession,
    lane: &mut Lane,
    committed: Result<(), StoreError>,
) -> Ended {
    let Err(error) = committed else {
        session.link.give_back();
        lane.committed();
        return Ended::Answered(Ok(()));
    };
    match session.link.remedy() {
        Some(Remedy::Reconnect) => {
            let xact = session.link.xact().map(str::to_owned);
            drop(session);
            shared.database.forget_idle();
            lane.unknown();
            match fate(shared, xact.as_deref()).await {
                Fate::Committed => Ended::Answered(Ok(())),
                Fate::Aborted => Ended::Again(error),
                Fate::Unknown => Ended::Answered(Err(unknown(&error))),
            }
        }
        Some(Remedy::Again) => {
            session.link.roll_back().await;
            // Another process may write this chain, or what was lost in a commit came through after all.
            lane.unknown();
            Ended::Again(error)
        }
        _ => {
            session.link.roll_back().await;
            lane.rolled_back();
            Ended::Answered(Err(error))
        }
    }
}

/// Asks what became of a transaction whose commit was not answered.
async fn fate(shared: &Arc<Shared>, xact: Option<&str>) -> Fate {
    let Some(xact) = xact else {
        // It did not even begin.
        return Fate::Aborted;
    };
    let (questions, apart) = QUESTIONS;
    for _ in 0..questions {
        match shared.database.status_of(xact).await.as_deref() {
            Some("committed") => return Fate::Committed,
            Some("aborted") => return Fate::Aborted,
            // Still in progress, or there is no connection yet.
            _ => tokio::time::sleep(apart).await,
        }
    }
    Fate::Unknown
}

fn unknown(error: &StoreError) -> StoreError {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the connection was lost in a commit, and what became of it cannot be learned"
    );
    StoreError::Unavailable(Some("whether the write was committed is not known".into()))
}
