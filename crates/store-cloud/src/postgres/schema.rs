//! The engine's own tables, the services' migrations, and the instances of a database.

use std::collections::BTreeSet;

use hygie_store::{Dialect, Migration, StoreError, TABLES};
use tokio_postgres::Transaction;

use super::error::fault;
use super::link::{sequence, turn};

/// Tables of this engine alone; numbers below 10 are an engine's, below 100 the store's ([`TABLES`]).
const OWN: [Migration; 4] = [
    Migration {
        number: 1,
        title: "instances, journal and ordered index",
        // `xact` orders records by commit for those who follow the journal: see docs/adr/0008-postgresql.md.
        sql: "CREATE TABLE instance (
                number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                name TEXT NOT NULL UNIQUE,
                form BIGINT NOT NULL);
              CREATE TABLE journal (
                {i.def}seq {int} NOT NULL,
                xact XID8 NOT NULL DEFAULT pg_current_xact_id(),
                record {blob} NOT NULL,
                PRIMARY KEY ({i.col}seq));
              ALTER TABLE journal ALTER COLUMN record SET STORAGE EXTERNAL;
              CREATE TABLE idx ({i.def}k {blob} NOT NULL, PRIMARY KEY ({i.col}k));",
    },
    Migration {
        number: 2,
        title: "audit chains of writes and of accesses",
        sql: "CREATE TABLE chain (
                {i.def}trail TEXT NOT NULL,
                name TEXT NOT NULL,
                PRIMARY KEY ({i.col}trail, name));
              CREATE TABLE audit (
                {i.def}chain TEXT NOT NULL,
                seq {int} NOT NULL,
                link {blob} NOT NULL,
                entry {blob} NOT NULL,
                PRIMARY KEY ({i.col}chain, seq));
              CREATE TABLE access (
                {i.def}chain TEXT NOT NULL,
                seq {int} NOT NULL,
                link {blob} NOT NULL,
                entry {blob} NOT NULL,
                PRIMARY KEY ({i.col}chain, seq));",
    },
    Migration {
        number: 3,
        title: "wrapped data keys",
        // Of all instances: the master key, which is not here, opens them.
        sql: "CREATE TABLE data_key (
                purpose TEXT NOT NULL,
                number BIGINT GENERATED ALWAYS AS IDENTITY,
                id TEXT NOT NULL,
                entry TEXT NOT NULL,
                PRIMARY KEY (purpose, number),
                UNIQUE (purpose, id));",
    },
    Migration {
        number: 4,
        title: "marks of transactions that recorded nothing",
        sql: "ALTER TABLE chain ADD COLUMN mark {blob}",
    },
];

/// Each crate numbers its migrations within a hundred of its own.
const RANGE: i32 = 100;

/// What all processes lock that change the schema: "hygie" in ASCII.
const LOCK: i64 = 0x0068_7967_6965;

/// Brings the schema up to date, and gives the number of the instance; a new one has an index of this form. Of
/// several processes that start at once, one does the work and the others wait until its transaction ends.
pub async fn prepare(
    transaction: &Transaction<'_>,
    schema: &str,
    (instance, form): (&str, i64),
    migrations: &[Migration],
) -> Result<i64, StoreError> {
    lock(transaction).await?;
    make_schema(transaction, schema).await?;
    migrate(transaction, migrations).await?;
    number_of(transaction, instance, form).await
}

/// Lets one process at a time make what all have in common, until the end of the transaction.
pub async fn lock(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let begin = format!("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCK})");
    transaction.batch_execute(&begin).await.map_err(fault)
}

async fn make_schema(transaction: &Transaction<'_>, schema: &str) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    if transaction.query_opt(sql, &[&schema]).await.map_err(fault)?.is_none() {
        let create = format!("CREATE SCHEMA \"{schema}\"");
        transaction.batch_execute(&create).await.map_err(fault)?;
    }
    let create = "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, title TEXT NOT NULL)";
    transaction.batch_execute(create).await.map_err(fault)
}

async fn migrate(transaction: &Transaction<'_>, migrations: &[Migration]) -> Result<(), StoreError> {
    let mut wanted: Vec<(i32, &Migration)> = OWN
        .iter()
        .chain(TABLES)
        .chain(migrations)
        .map(|migration| (migration.number as i32, migration))
        .collect();
    wanted.sort_by_key(|(number, _)| *number);
    let applied = transaction
        .query("SELECT number FROM migration", &[])
        .await
        .map_err(fault)?;
    let applied: BTreeSet<i32> = applied.iter().map(|row| row.get(0)).collect();
    // Other instances have tables of other crates: only those of ours can be newer than we know.
    let unknown = applied.iter().find(|applied| {
        let is_ours = wanted.iter().any(|(number, _)| number / RANGE == **applied / RANGE);
        is_ours && wanted.iter().all(|(number, _)| number != *applied)
    });
    if let Some(unknown) = unknown {
        return Err(StoreError::Inconsistent(format!(
            "migration {unknown} comes from a newer release"
        )));
    }
    for (number, migration) in wanted {
        if applied.contains(&number) {
            continue;
        }
        let sql = Dialect::Postgres.render(migration.sql).sql;
        if let Err(error) = transaction.batch_execute(&sql).await {
            tracing::error!(number, title = migration.title, "a migration failed");
            return Err(fault(error));
        }
        let insert = "INSERT INTO migration (number, title) VALUES ($1, $2)";
        let inserted = transaction.execute(insert, &[&number, &migration.title]).await;
        inserted.map_err(fault)?;
    }
    Ok(())
}

async fn number_of(transaction: &Transaction<'_>, instance: &str, form: i64) -> Result<i64, StoreError> {
    let sql = "SELECT number FROM instance WHERE name = $1";
    if let Some(row) = transaction.query_opt(sql, &[&instance]).await.map_err(fault)? {
        let number = row.try_get(0).map_err(fault)?;
        make_turn(transaction, number).await?;
        return Ok(number);
    }
    let sql = "INSERT INTO instance (name, form) VALUES ($1, $2) RETURNING number";
    let row = transaction.query_one(sql, &[&instance, &form]).await.map_err(fault)?;
    let number: i64 = row.try_get(0).map_err(fault)?;
    let create = format!("CREATE SEQUENCE {}", sequence(number));
    transaction.batch_execute(&create).await.map_err(fault)?;
    make_turn(transaction, number).await?;
    Ok(number)
}

/// The table that writes lock (`docs/adr/0019-group-commit-on-postgresql.md`): instances of older releases have none.
async fn make_turn(transaction: &Transaction<'_>, number: i64) -> Result<(), StoreError> {
    let create = format!("CREATE TABLE IF NOT EXISTS {} ()", turn(number));
    transaction.batch_execute(&create).await.map_err(fault)
}
