//! PostgreSQL's errors as the store's, and what to do after them.

use std::error::Error as _;

use deadpool_postgres::{PoolError, TimeoutType};
use hygie_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What an error means for the transaction that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Another transaction was in the way: run it again.
    Again,
    /// The connection is gone, with what it had not committed.
    Reconnect,
    /// The same would happen again.
    None,
}

/// Name of the constraint that keeps two entries of one chain from having one number.
const CHAIN_KEYS: [&str; 2] = ["audit_pkey", "access_pkey"];

/// What can be done after this error.
pub fn remedy(error: &Error) -> Remedy {
    let Some(db) = error.as_db_error() else {
        // Without an answer of the server: the connection's fault, or a value of ours that cannot be sent.
        let is_lost = error.is_closed() || matches!(error.source(), Some(source) if source.is::<std::io::Error>());
        return if is_lost { Remedy::Reconnect } else { Remedy::None };
    };
    let code = db.code();
    let lost_a_race = *code == SqlState::UNIQUE_VIOLATION && db.constraint().is_some_and(|it| CHAIN_KEYS.contains(&it));
    if lost_a_race || [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        Remedy::Again
    } else if ends_connection(code) {
        Remedy::Reconnect
    } else {
        Remedy::None
    }
}

fn ends_connection(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::DATABASE_DROPPED,
        // A primary that became a standby: the next connection goes to the new primary.
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ]
    .contains(code)
        || code.code().starts_with("08")
}

/// What the server said, without the values that it quotes in its details: they would come into the log.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({code})")]
struct Said {
    code: String,
    message: String,
}

/// The store's error for one of PostgreSQL.
pub fn fault(error: Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        return match remedy(&error) {
            Remedy::None => StoreError::Engine(Box::new(error)),
            _ => StoreError::Unavailable(Some(Box::new(error))),
        };
    };
    let code = db.code();
    let said = Box::new(Said {
        code: code.code().to_owned(),
        message: db.message().to_owned(),
    });
    // Out of memory, of connections or of locks; a statement that took too long.
    let is_exhausted = code.code().starts_with("53") || *code == SqlState::QUERY_CANCELED;
    match remedy(&error) {
        Remedy::Reconnect => StoreError::Unavailable(Some(said)),
        _ if *code == SqlState::UNIQUE_VIOLATION => StoreError::Duplicate(said),
        _ if *code == SqlState::DISK_FULL => StoreError::Full(said),
        _ if is_exhausted => StoreError::Unavailable(Some(said)),
        _ => StoreError::Engine(said),
    }
}

/// The store's error when no connection can be had.
pub fn pool_fault(error: PoolError) -> StoreError {
    match error {
        // All are in use.
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Busy,
        other => StoreError::Unavailable(Some(Box::new(other))),
    }
}
