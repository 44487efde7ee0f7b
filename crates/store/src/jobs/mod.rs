//! Jobs: work that outlives its request, and the process that began it.
//!
//! A job is a row. A process **claims** it with a lease ([`Jobs::claim`]) and prolongs the lease while it works
//! ([`Jobs::heartbeat`]); when it dies, the lease ends, and another claims the job and goes on from the last checkpoint. A
//! worker's effects belong into the transaction of its checkpoint, after [`Jobs::hold`]: then they are there as often as
//! the checkpoint is, once. Whoever lost the lease writes nothing more: each claim raises the fence, and every call with an
//! older lease is [`crate::StoreError::LeaseLost`].
//!
//! ```text
//! submit → queued → claim → running → finish → succeeded, failed, cancelled
//!            ↑ release ←──────┤
//!            └ lease ended ←──┘        after [`MAX_ATTEMPTS`] without a checkpoint: abandoned
//! ```
//!
//! To cancel a job that was never claimed ends it. Otherwise its worker is told at its next heartbeat, or the next one at
//! its claim, and ends the job when it has cleaned up. What has ended is kept for a time.

mod claims;
mod row;

use std::fmt;
use std::time::Duration;

pub use claims::{Claim, Demand, Lease, Outcome, Step};
use hygie_core::{Random, TenantId, Timestamp, random_array};

use self::row::{COLUMNS, job};
use crate::{StoreError, Tx, Value};

/// The table of jobs, in every instance.
///
/// `due_at` is when something is to be done with the row: before it a queued job is not claimed, a running one has its
/// lease, and what has ended is kept.
pub const TABLE: &str = "CREATE TABLE job (
    {i.def}tenant {blob} NOT NULL,
    id {blob} NOT NULL,
    kind TEXT NOT NULL,
    state {int} NOT NULL,
    input {blob} NOT NULL,
    state_saved {blob},
    done {int} NOT NULL,
    total {int},
    result {blob},
    created_at {int} NOT NULL,
    changed_at {int} NOT NULL,
    due_at {int} NOT NULL,
    owner {blob},
    fence {int} NOT NULL,
    attempts {int} NOT NULL,
    cancelling {int} NOT NULL,
    PRIMARY KEY ({i.col}tenant, id)
) {clustered};
CREATE INDEX job_due ON job ({i.col}due_at);";

/// Claims of a job without a checkpoint in between, after which it is given up: it kills its workers.
pub const MAX_ATTEMPTS: u32 = 5;
/// How long a job is kept that ended without a worker to say so.
pub const KEPT: Duration = Duration::from_hours(24 * 7);
/// Longest input, checkpoint and result.
pub const MAX_BODY: usize = 1 << 20;

/// Names a job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub [u8; 16]);

impl JobId {
    /// A new one.
    pub fn random(random: &dyn Random) -> Self {
        Self(random_array(random))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl From<JobId> for Value {
    fn from(id: JobId) -> Self {
        id.0.into()
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for a worker.
    Queued,
    /// A worker has it, or had it and died.
    Running,
    /// It ended well.
    Succeeded,
    /// Its worker could not do it.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its workers died again and again.
    Abandoned,
}

impl State {
    /// Whether nothing comes after it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How far a job is, in units of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// So much is done.
    pub done: u64,
    /// Of so much, when that is known.
    pub total: Option<u64>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What kind of work it is: which workers claim it.
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// What is to be done.
    pub input: Vec<u8>,
    /// What the last worker recorded, to go on from.
    pub checkpoint: Option<Vec<u8>>,
    /// How far it is.
    pub progress: Progress,
    /// What it came to.
    pub result: Option<Vec<u8>>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its row changed last.
    pub changed_at: Timestamp,
    /// Whether somebody wants it to end.
    pub is_cancelling: bool,
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// No worker had it: it has ended.
    Ended,
    /// Its worker will be told.
    Asked,
    /// It had ended before.
    TooLate,
    /// There is no such job.
    NotFound,
}

/// The jobs of the transaction's tenant; claims are for those of all tenants of the instance.
pub struct Jobs<'t, 'e>(pub &'t mut Tx<'e>);

impl Jobs<'_, '_> {
    /// Adds a job.
    pub async fn submit(&mut self, id: JobId, kind: &str, input: &[u8]) -> Result<(), StoreError> {
        check_len(input)?;
        let now = self.now();
        let sql = "INSERT INTO job ({i.col}tenant, id, kind, state, input, done, created_at, changed_at, due_at, fence, \
                   attempts, cancelling) VALUES ({i.val}:tenant, ?1, ?2, 0, ?3, 0, ?4, ?4, ?4, 0, 0, 0)";
        let values = [id.into(), kind.into(), input.into(), now.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The job, until it has been kept long enough.
    pub async fn find(&mut self, id: JobId) -> Result<Option<Job>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM job WHERE {{i.is}}tenant = :tenant AND id = ?1 AND (state <= 1 OR due_at > ?2)"
        );
        let row = self.0.query_one(&sql, &[id.into(), self.now().into()]).await?;
        row.map(job).transpose()
    }

    /// Jobs in the order of their ids, after the one given.
    pub async fn list(&mut self, after: Option<JobId>, limit: u32) -> Result<Vec<Job>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM job WHERE {{i.is}}tenant = :tenant AND id > ?1 AND (state <= 1 OR due_at > ?2) \
             ORDER BY id LIMIT ?3"
        );
        let after = after.map_or(Value::Blob(Vec::new()), Value::from);
        let values = [after, self.now().into(), i64::from(limit).into()];
        let rows = self.0.query(&sql, &values).await?;
        rows.into_iter().map(job).collect()
    }

    /// Ends a job, or asks its worker to.
    pub async fn cancel(&mut self, id: JobId) -> Result<Cancel, StoreError> {
        let now = self.now();
        let never_claimed = "UPDATE job SET state = 4, cancelling = 1, changed_at = ?2, due_at = ?3 \
                             WHERE {i.is}tenant = :tenant AND id = ?1 AND state = 0 AND fence = 0";
        let values = [id.into(), now.into(), (now + KEPT).into()];
        if self.0.execute(never_claimed, &values).await? > 0 {
            return Ok(Cancel::Ended);
        }
        // One that waits to be claimed again need not wait longer: there is only cleaning up to be done.
        let begun = "UPDATE job SET cancelling = 1, changed_at = ?2, \
                     due_at = CASE WHEN state = 0 THEN ?2 ELSE due_at END \
                     WHERE {i.is}tenant = :tenant AND id = ?1 AND state <= 1";
        if self.0.execute(begun, &values[..2]).await? > 0 {
            return Ok(Cancel::Asked);
        }
        Ok(match self.find(id).await? {
            Some(_) => Cancel::TooLate,
            None => Cancel::NotFound,
        })
    }

    /// Deletes what has been kept long enough, of all tenants; tells how many.
    pub async fn sweep(&mut self) -> Result<u64, StoreError> {
        let sql = "DELETE FROM job WHERE {i.is}state > 1 AND due_at <= ?1";
        let now = self.now();
        self.0.execute(sql, &[now.into()]).await
    }

    fn now(&self) -> Timestamp {
        self.0.cx().clock.now()
    }
}

fn check_len(body: &[u8]) -> Result<(), StoreError> {
    if body.len() > MAX_BODY {
        return Err(StoreError::Inconsistent(format!("a job with {} bytes", body.len())));
    }
    Ok(())
}
