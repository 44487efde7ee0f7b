//! The index of an instance made again from its journal, when the present release makes keys of another form.

use hygie_core::{Cx, TenantId};
use hygie_store::embedded::Replay;
use hygie_store::{StoreError, Tx};

use super::connect::Database;
use super::link::{Commit, Link, Mode};
use super::session::WriteSession;

/// The next records after a number.
const PAGE: &str = "SELECT seq, record FROM journal WHERE {i.is}seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT 1000";

/// Records after which the log says how far it is.
const PROGRESS: i64 = 100_000;

/// Which of its two walks a record is given to.
#[derive(Clone, Copy, Debug)]
enum Walk {
    /// What has no number yet gets one.
    Number,
    /// Its keys are added and removed.
    Replay,
}

/// Makes the index one of `replay`'s form, unless it is. All of it is one transaction, in which no process writes to the
/// database: what is cut off begins again.
pub async fn bring_to_form(database: &Database, instance: i64, replay: &dyn Replay, cx: &Cx) -> Result<(), StoreError> {
    let link = Link::new(database.client().await?, database.catalogue(), instance, Mode::Alone);
    let mut session = WriteSession::new(link, 1);
    let done = remake(&mut session, replay, cx).await;
    if done.is_ok() {
        session.link.give_back();
    } else {
        session.link.roll_back().await;
    }
    done
}

async fn remake(session: &mut WriteSession, replay: &dyn Replay, cx: &Cx) -> Result<(), StoreError> {
    run(session, "SET LOCAL statement_timeout = 0").await?;
    // Every write adds to it; who waits for this lock sees afterwards that there is nothing left to do.
    run(session, "LOCK TABLE journal IN EXCLUSIVE MODE").await?;
    let from = number(session, "SELECT form FROM instance WHERE number = :instance").await?;
    if from != replay.form() {
        let to = replay.form();
        tracing::info!(from, to, "making the index again in another form");
        run(session, "DELETE FROM idx WHERE {i.is}1 = 1").await?;
        let last = number(session, "SELECT COALESCE(max(seq), 0) FROM journal WHERE {i.is}1 = 1").await?;
        for walk in [Walk::Number, Walk::Replay] {
            // Numbers that the first walk gave are in records of their own, which the second meets too.
            let last = match walk {
                Walk::Number => last,
                Walk::Replay => number(session, "SELECT COALESCE(max(seq), 0) FROM journal WHERE {i.is}1 = 1").await?,
            };
            walk_journal(session, (walk, last), replay, cx).await?;
        }
        let mark = format!("UPDATE instance SET form = {to} WHERE number = :instance");
        run(session, &mark).await?;
    }
    session.send_waiting(Commit::Now).await
}

async fn walk_journal(
    session: &mut WriteSession,
    (walk, last): (Walk, i64),
    replay: &dyn Replay,
    cx: &Cx,
) -> Result<(), StoreError> {
    let (mut upto, mut next) = (0, PROGRESS);
    loop {
        let rows = session.link.query(PAGE, nobody(), &[upto.into(), last.into()]).await?;
        if rows.is_empty() {
            return session.send_waiting(Commit::Later).await;
        }
        for mut row in rows {
            let record: Vec<u8> = row.take(1)?;
            upto = row.take(0)?;
            let mut tx = Tx::new(session, cx);
            match walk {
                Walk::Number => replay.number(&mut tx, &record).await?,
                Walk::Replay => replay.replay(&mut tx, upto, &record).await?,
            }
        }
        if upto >= next {
            tracing::info!(?walk, upto, last, "making the index from the journal");
            next = upto + PROGRESS;
        }
    }
}

/// The journal is the instance's, whatever the tenant.
fn nobody() -> TenantId {
    TenantId::from_uuid(uuid::Uuid::nil())
}

async fn run(session: &mut WriteSession, sql: &str) -> Result<(), StoreError> {
    session.link.execute(sql, nobody(), &[]).await.map(drop)
}

async fn number(session: &mut WriteSession, sql: &str) -> Result<i64, StoreError> {
    let rows = session.link.query(sql, nobody(), &[]).await?;
    let row = rows.into_iter().next();
    row.ok_or_else(|| StoreError::Inconsistent("an instance that is not there".to_owned()))?
        .take(0)
}
