//! The engine's own tables, migrations, and what is read at start.

use super::connection::{Db, fault};
use crate::audit;
use crate::{Dialect, Migration, StoreError, TABLES};

/// Tables of this engine alone; numbers below 10 are an engine's, below 100 the store's ([`TABLES`]).
const OWN: [Migration; 3] = [
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
        sql: audit::TABLE,
    },
    Migration {
        number: 3,
        title: "keys on their way into the ordered index",
        sql: "CREATE TABLE recent (k BLOB NOT NULL PRIMARY KEY, gone INTEGER NOT NULL) WITHOUT ROWID;",
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
    let mut wanted: Vec<&Migration> = OWN.iter().chain(TABLES).chain(migrations).collect();
    wanted.sort_by_key(|migration| migration.number);
    let applied = applied(db)?;
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
                let raw = db.raw();
                let mut insert = raw
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

fn applied(db: &Db) -> Result<Vec<u32>, StoreError> {
    let raw = db.raw();
    let mut select = raw.prepare("SELECT number FROM migration").map_err(fault)?;
    let numbers = select.query_map((), |row| row.get(0)).and_then(Iterator::collect);
    numbers.map_err(fault)
}

/// The last journal number, 0 in an empty journal.
pub fn last_journal(db: &Db) -> Result<i64, StoreError> {
    let last: Option<i64> = db
        .raw()
        .query_row("SELECT max(seq) FROM journal", (), |row| row.get(0))
        .map_err(fault)?;
    Ok(last.unwrap_or(0))
}
