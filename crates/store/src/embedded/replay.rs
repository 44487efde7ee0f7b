//! The index made from the journal at start: what is after the merge mark, or all of it when the present release makes
//! keys of another form than those that are there.

use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use hygie_core::Cx;
use rusqlite::OptionalExtension;

use super::Replay;
use super::connection::{Db, fault};
use super::merge::Merge;
use super::session::WriteSession;
use crate::{StoreError, Tx};

/// Records read at a time.
const BATCH: i64 = 1000;

/// Records after which the log says how far it is.
const PROGRESS: i64 = 100_000;

/// The form of an index whose instance does not say: it was made before forms were marked.
const FIRST_FORM: i64 = 1;

/// Makes the index of the instance what the journal says.
pub fn replay(session: &mut WriteSession, merge: &mut Merge, replay: &dyn Replay, cx: &Cx) -> Result<(), StoreError> {
    let form = mark(&session.db, "form")?.unwrap_or(FIRST_FORM);
    if form != replay.form() {
        tracing::info!(
            from = form,
            to = replay.form(),
            "making the index again in another form"
        );
        begin_again(session, merge, replay, cx)?;
    }
    let upto = mark(&session.db, "merged")?.unwrap_or(0);
    each_record(session, merge, (upto, "indexing"), &mut |session, seq, record| {
        done(replay.replay(&mut Tx::new(session, cx), seq, record))?;
        session.tail.publish(&session.pending, seq);
        session.clear();
        Ok(())
    })
}

/// Empties the index, gives numbers to what had none, and marks it as one of the new form of which nothing is merged yet.
/// When it does not come so far, the next start begins again; numbers that were given twice do no harm, as none is used
/// before all are known.
fn begin_again(session: &mut WriteSession, merge: &mut Merge, replay: &dyn Replay, cx: &Cx) -> Result<(), StoreError> {
    session.begin()?;
    session.db.batch("DELETE FROM idx; DELETE FROM recent; COMMIT")?;
    each_record(session, merge, (0, "giving numbers"), &mut |session, _, record| {
        session.begin()?;
        done(replay.number(&mut Tx::new(session, cx), record))?;
        session.tail.publish(&session.pending, session.appended());
        session.clear();
        session.db.batch("COMMIT")
    })?;
    merge.start_when_idle(session);
    merge.run_alone(session)?;
    session.begin()?;
    let sql = "INSERT INTO mark (name, value) VALUES ('merged', 0), ('form', ?1)
               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    session.db.raw().execute(sql, [replay.form()]).map_err(fault)?;
    session.db.batch("COMMIT")
}

fn mark(db: &Db, name: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT value FROM mark WHERE name = ?1";
    db.raw()
        .query_row(sql, [name], |row| row.get(0))
        .optional()
        .map_err(fault)
}

type Take<'t> = dyn FnMut(&mut WriteSession, i64, &[u8]) -> Result<(), StoreError> + 't;

/// Gives each record after a number to `take`, up to the last that is there now.
fn each_record(
    session: &mut WriteSession,
    merge: &mut Merge,
    (mut upto, what): (i64, &'static str),
    take: &mut Take<'_>,
) -> Result<(), StoreError> {
    let last = session.appended();
    if upto < last {
        tracing::info!(what, journal_numbers = last - upto, "making the index from the journal");
    }
    let mut next = upto + PROGRESS;
    while upto < last {
        let records: Vec<(i64, Vec<u8>)> = {
            let sql = "SELECT seq, record FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
            let raw = session.db.raw();
            let mut select = raw.prepare_cached(sql).map_err(fault)?;
            let rows = select
                .query_map((upto, last, BATCH), |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(fault)?;
            rows.collect::<Result<_, _>>().map_err(fault)?
        };
        for (seq, record) in &records {
            take(session, *seq, record)?;
            upto = *seq;
        }
        if records.is_empty() {
            break;
        }
        if upto >= next {
            tracing::info!(what, upto, last, "making the index from the journal");
            next = upto + PROGRESS;
        }
        merge.start_when_full(session);
        merge.run_alone(session)?;
    }
    Ok(())
}

/// The outcome of a future that awaits its own transaction only: here that never waits.
fn done(mut future: BoxFuture<'_, Result<(), StoreError>>) -> Result<(), StoreError> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(StoreError::ForeignAwait),
    }
}
