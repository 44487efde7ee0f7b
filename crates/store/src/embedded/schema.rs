//! The engine's own tables, migrations, and what is read at start.

use hygie_core::Cx;

use super::Replay;
use super::connection::{Db, fault};
use super::merge::Merge;
use super::session::WriteSession;
use crate::audit::TABLE;
use crate::{Dialect, Migration, StoreError, Tx};

/// Tables of the engine; numbers below 100 are the store's.
const OWN: [Migration; 2] = [
    Migration {
        number: 1,
        title: "journal and ordered index",
        sql: "CREATE TABLE journal (seq INTEGER PRIMARY KEY, record BLOB NOT NULL);
              CREATE TABLE idx (k BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
              CREATE TABLE mark (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
              INSERT INTO mark (name, value) VALUES ('merged', 0);",
    },
    Migration {
        number: 2,
        title: "audit chain of writes",
        sql: TABLE,
    },
];

/// Whether the database has no table yet.
pub fn is_new(db: &Db) -> Result<bool, StoreError> {
    let count: Result<i64, _> = db
        .raw()
        .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0));
    count.map(|count| count == 0).map_err(fault)
}

/// Applies what is not applied yet, each migration in its own transaction.
pub fn migrate(db: &mut Db, migrations: &[Migration]) -> Result<(), StoreError> {
    db.batch("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, title TEXT NOT NULL)")?;
    let mut wanted: Vec<&Migration> = OWN.iter().chain(migrations).collect();
    wanted.sort_by_key(|migration| migration.number);
    let mut select = db.raw().prepare("SELECT number FROM migration").map_err(fault)?;
    let applied: Vec<u32> = select
        .query_map((), |row| row.get(0))
        .and_then(Iterator::collect)
        .map_err(fault)?;
    drop(select);
    if let Some(unknown) = applied
        .iter()
        .find(|number| wanted.iter().all(|known| known.number != **number))
    {
        return Err(StoreError::Inconsistent(format!(
            "migration {unknown} comes from a newer release"
        )));
    }
    for migration in wanted
        .into_iter()
        .filter(|migration| !applied.contains(&migration.number))
    {
        let sql = Dialect::Embedded.render(migration.sql).sql;
        let done = db
            .batch("BEGIN IMMEDIATE")
            .and_then(|()| db.batch(&sql))
            .and_then(|()| {
                let mut insert = db
                    .raw()
                    .prepare("INSERT INTO migration (number, title) VALUES (?1, ?2)")
                    .map_err(fault)?;
                insert.execute((migration.number, migration.title)).map_err(fault)?;
                db.batch("COMMIT")
            });
        if let Err(error) = done {
            let _already = db.batch("ROLLBACK");
            tracing::error!(number = migration.number, title = migration.title, "a migration failed");
            return Err(error);
        }
    }
    Ok(())
}

/// The last journal number, 0 in an empty journal.
pub fn last_journal(db: &Db) -> Result<i64, StoreError> {
    let last: Option<i64> = db
        .raw()
        .query_row("SELECT max(seq) FROM journal", (), |row| row.get(0))
        .map_err(fault)?;
    Ok(last.unwrap_or(0))
}

/// Records read at a time when the tail is rebuilt.
const BATCH: i64 = 1000;

/// Rebuilds the tail from the journal after the merge mark.
pub fn replay(session: &mut WriteSession, merge: &mut Merge, replay: &dyn Replay, cx: &Cx) -> Result<(), StoreError> {
    let mark = "SELECT value FROM mark WHERE name = 'merged'";
    let mut upto: i64 = session.db.raw().query_row(mark, (), |row| row.get(0)).map_err(fault)?;
    let last = session.appended();
    if upto < last {
        tracing::info!(records = last - upto, "rebuilding the index tail from the journal");
    }
    while upto < last {
        let records: Vec<(i64, Vec<u8>)> = {
            let sql = "SELECT seq, record FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let mut select = session.db.raw().prepare_cached(sql).map_err(fault)?;
            let rows = select
                .query_map((upto, BATCH), |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(fault)?;
            rows.collect::<Result<_, _>>().map_err(fault)?
        };
        for (seq, record) in &records {
            replay_one(session, replay, cx, (*seq, record))?;
            upto = *seq;
        }
        if records.is_empty() {
            break;
        }
        merge.start_when_full(session);
        merge.run_alone(session)?;
    }
    Ok(())
}

fn replay_one(
    session: &mut WriteSession,
    replay: &dyn Replay,
    cx: &Cx,
    (seq, record): (i64, &[u8]),
) -> Result<(), StoreError> {
    {
        let mut tx = Tx::new(session, cx);
        let mut future = replay.replay(&mut tx, seq, record);
        match future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
        {
            std::task::Poll::Ready(outcome) => outcome?,
            std::task::Poll::Pending => return Err(StoreError::ForeignAwait),
        }
    }
    session.tail.publish(&session.pending, seq);
    session.clear();
    Ok(())
}
