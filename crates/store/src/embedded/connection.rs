//! One SQLCipher connection: opening, statements, errors.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use hygie_core::{Secret, TenantId};
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, ffi};

use crate::dialect::Rendered;
use crate::files;
use crate::{Dialect, Row, StoreError, Value};

/// Pages of 8 KiB: half the overhead of 4 KiB for compressed bodies (measured, ADR 1).
const PAGE_SIZE: u32 = 8192;

/// What authenticates a page. SQLCipher's default, HMAC-SHA512, takes three times as long where the processor has
/// instructions for SHA-256, and was a third of the work of a large load.
const PAGE_HMAC: &str = "HMAC_SHA256";

/// The log is copied into the file when it has so many pages (128 MiB): see [`super::checkpoint`].
pub const CHECKPOINT_PAGES: u32 = 16_384;

/// The writer copies by itself when the log has grown so long all the same.
const OVERGROWN_PAGES: u32 = 8 * CHECKPOINT_PAGES;

/// Whether a connection may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The one writer.
    Write,
    /// A reader of snapshots.
    Read,
    /// The target of a copy, which is synced afterwards and thrown away when it fails.
    Copy,
}

/// A connection and the statements it has rendered.
pub struct Db {
    /// In a lock that its one thread may take again: while the writer's database is copied, the copy watches the connection
    /// through which the writer goes on ([`super::succession`]).
    connection: Arc<ReentrantMutex<Connection>>,
    statements: HashMap<String, Arc<Rendered>>,
    /// Told of the transactions: of the writer's connection.
    watch: Option<Arc<dyn Watch>>,
}

/// Who is told of the transactions of a connection.
pub trait Watch: Send + Sync {
    /// One may begin now.
    fn begins(&self);

    /// None is open any more, and whoever looks from now on sees what it left.
    fn ended(&self);
}

/// Statements kept rendered; beyond it the table starts anew.
const MAX_STATEMENTS: usize = 1024;

/// SQLite counts as initialized before SQLCipher is: a second thread could open a file meanwhile, and its key would be
/// refused. So the first connection is opened alone; should it fail, the next one tells why. SQLCipher's own messages,
/// which it writes past every logger, are turned off: the errors that come with them are ours to tell.
fn initialize() {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        let first = Connection::open_in_memory();
        let _later = first.and_then(|connection| connection.execute_batch("PRAGMA cipher_log_level = NONE"));
    });
}

impl Db {
    /// Opens or creates the file with this raw key.
    pub fn open(path: &Path, key: &Secret<[u8; 32]>, access: Access, cache_kib: u32) -> Result<Self, StoreError> {
        initialize();
        if access != Access::Read {
            // SQLite gives its own files the mode of the database: nobody else reads them, even encrypted.
            let made = files::private().write(true).create(true).truncate(false).open(path);
            made.map_err(|error| StoreError::Unavailable(Some(Box::new(error))))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        let hex = Secret::new(key.expose().iter().fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string");
            hex
        }));
        let pragma_key = Secret::new(format!("PRAGMA key = \"x'{}'\";", hex.expose()));
        connection.execute_batch(pragma_key.expose()).map_err(fault)?;
        let settings = format!(
            "PRAGMA cipher_hmac_algorithm = {PAGE_HMAC}; PRAGMA cipher_page_size = {PAGE_SIZE}; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -{cache_kib}; PRAGMA busy_timeout = 10000;"
        );
        let first = match access {
            Access::Write => format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = {OVERGROWN_PAGES};"
            ),
            Access::Read => "SELECT count(*) FROM sqlite_schema; PRAGMA query_only = ON;".to_owned(),
            Access::Copy => "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;".to_owned(),
        };
        let opened = connection
            .execute_batch(&settings)
            .and_then(|()| connection.execute_batch(&first));
        opened.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::WrongKey(path.display().to_string()),
            _ => fault(error),
        })?;
        // Without this guarantee SQLite compiles a statement with a bound LIMIT anew whenever it is bound, to plan by
        // the value: that costs more than the scan.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(fault)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(Self {
            connection: Arc::new(ReentrantMutex::new(connection)),
            statements: HashMap::new(),
            watch: None,
        })
    }

    /// Tells of the transactions from now on; none is open.
    pub fn tell(&mut self, watch: Arc<dyn Watch>) {
        watch.ended();
        self.watch = Some(watch);
    }

    /// Whether no transaction is open.
    pub fn is_outside(&self) -> bool {
        self.raw().is_autocommit()
    }

    /// Runs statements that need neither values nor answer. Transactions begin and end here.
    pub fn batch(&self, sql: &str) -> Result<(), StoreError> {
        if let Some(watch) = self.watch.as_ref().filter(|_| self.is_outside()) {
            watch.begins();
        }
        let outcome = self.raw().execute_batch(sql).map_err(fault);
        if let Some(watch) = self.watch.as_ref().filter(|_| self.is_outside()) {
            watch.ended();
        }
        outcome
    }

    /// Runs a portable query.
    pub fn query(&mut self, sql: &str, tenant: TenantId, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let rendered = self.rendered(sql);
        let name: Arc<str> = Arc::from(sql);
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&rendered.sql).map_err(fault)?;
        bind(&mut statement, &rendered, tenant, values)?;
        let columns = statement.column_count();
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(fault)? {
            let values = (0..columns)
                .map(|at| row.get_ref(at).map(owned))
                .collect::<Result<_, _>>()
                .map_err(fault)?;
            found.push(Row::new(name.clone(), values));
        }
        Ok(found)
    }

    /// Runs a portable statement; the number of rows it changed.
    pub fn execute(&mut self, sql: &str, tenant: TenantId, values: &[Value]) -> Result<u64, StoreError> {
        let rendered = self.rendered(sql);
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&rendered.sql).map_err(fault)?;
        bind(&mut statement, &rendered, tenant, values)?;
        statement.raw_execute().map(|changed| changed as u64).map_err(fault)
    }

    /// Bytes of the database that are in use, without its log.
    pub fn size(&self) -> Result<u64, StoreError> {
        let raw = self.raw();
        let count = |pragma: &str| -> rusqlite::Result<i64> {
            let mut pages = raw.prepare_cached(pragma)?;
            pages.query_row((), |row| row.get(0))
        };
        let pages = count("PRAGMA page_count").map_err(fault)?;
        let free = count("PRAGMA freelist_count").map_err(fault)?;
        Ok((pages - free).max(0) as u64 * u64::from(PAGE_SIZE))
    }

    /// Closing does not copy the log into the file: for one that is removed.
    pub fn keep_log(&self) -> Result<(), StoreError> {
        let set = self
            .raw()
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        set.map(drop).map_err(fault)
    }

    /// The connection itself, for the engine's own statements.
    pub fn raw(&self) -> ReentrantMutexGuard<'_, Connection> {
        self.connection.lock()
    }

    /// The same, for what goes on beside other uses on the same thread.
    pub fn handle(&self) -> Arc<ReentrantMutex<Connection>> {
        self.connection.clone()
    }

    /// The same, for what changes it, where nobody else has a handle.
    pub fn raw_mut(&mut self) -> Option<&mut Connection> {
        Arc::get_mut(&mut self.connection).map(ReentrantMutex::get_mut)
    }

    fn rendered(&mut self, sql: &str) -> Arc<Rendered> {
        if let Some(found) = self.statements.get(sql) {
            return found.clone();
        }
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
        }
        let rendered = Arc::new(Dialect::Embedded.render(sql));
        self.statements.insert(sql.to_owned(), rendered.clone());
        rendered
    }
}

fn bind(
    statement: &mut rusqlite::Statement<'_>,
    rendered: &Rendered,
    tenant: TenantId,
    values: &[Value],
) -> Result<(), StoreError> {
    for (at, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(at + 1, Bound(value)).map_err(fault)?;
    }
    if let Some(at) = rendered.tenant {
        statement
            .raw_bind_parameter(at, tenant.uuid().as_bytes().as_slice())
            .map_err(fault)?;
    }
    Ok(())
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Blob(value.to_vec()),
    }
}

/// The log of a database.
pub fn log_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// The store's error for one of SQLite.
pub fn fault(error: rusqlite::Error) -> StoreError {
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation)
            if matches!(
                extended,
                ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE
            ) =>
        {
            StoreError::Duplicate(Box::new(error))
        }
        Some(ErrorCode::DiskFull) => StoreError::Full(Box::new(error)),
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory,
        ) => StoreError::Unavailable(Some(Box::new(error))),
        _ => StoreError::Engine(Box::new(error)),
    }
}
