//! Something that one process of a database does at a time.

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object};
use hygie_store::StoreError;

use super::connect::Database;
use super::error::fault;

/// What waits asks so often.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Held until it is dropped, or its process ends: it is a lock of a session, on a connection of its own.
pub struct Exclusive(#[expect(dead_code, reason = "the lock lives as long as its connection")] ClientWrapper);

impl Database {
    /// Waits until no other process does what this number names, and keeps others from it.
    ///
    /// Not in one statement: it would be ended by the time limit of statements.
    pub async fn exclusively(&self, what: i32) -> Result<Exclusive, StoreError> {
        let client = Object::take(self.client().await?);
        // Locks of two numbers are others than those of one, which the migrations take.
        let sql = "SELECT pg_try_advisory_lock(hashtext(current_schema()::text), $1)";
        loop {
            let row = client.query_one(sql, &[&what]).await.map_err(fault)?;
            if row.try_get(0).map_err(fault)? {
                return Ok(Exclusive(client));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}
