//! The worker's side of a job: claiming, holding, ending.

use std::time::Duration;

use hygie_core::TenantId;

use super::row::{COLUMNS, job, number};
use super::{Job, JobId, Jobs, KEPT, MAX_ATTEMPTS, Progress, State, check_len};
use crate::lease::held;
use crate::{Owner, StoreError, Value};

/// The right to work on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    tenant: TenantId,
    job: JobId,
    owner: Owner,
    fence: i64,
}

impl Lease {
    /// Rises with each claim of the job: what carries a lower one comes from somebody who lost it.
    pub fn fence(&self) -> i64 {
        self.fence
    }

    fn values(&self) -> [Value; 4] {
        [
            self.tenant.into(),
            self.job.into(),
            self.owner.into(),
            self.fence.into(),
        ]
    }
}

/// A job that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job, with the checkpoint from which to go on.
    pub job: Job,
    /// The right to work on it.
    pub lease: Lease,
}

/// What a worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Work on.
    Continue,
    /// Clean up and end the job as cancelled.
    Stop,
}

/// What a worker has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How far it is.
    pub progress: Progress,
    /// From where whoever comes next is to go on.
    pub checkpoint: Vec<u8>,
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, with this result.
    Succeeded(Vec<u8>),
    /// It cannot be done, for this reason.
    Failed(Vec<u8>),
    /// It ended because somebody wanted it to.
    Cancelled,
}

/// The row of a lease, if it is still held.
macro_rules! held_row {
    ($set:literal) => {
        concat!(
            "UPDATE job SET ",
            $set,
            " WHERE {i.is}tenant = ?1 AND id = ?2 AND owner = ?3 AND fence = ?4 AND state = 1"
        )
    };
}

impl Jobs<'_, '_> {
    /// Claims the job of this kind that has waited longest: one that nobody has, or whose lease has ended.
    pub async fn claim(&mut self, kind: &str, owner: Owner, ttl: Duration) -> Result<Option<Claim>, StoreError> {
        let now = self.now();
        let due = "SELECT tenant, id, fence, attempts FROM job \
                   WHERE {i.is}due_at <= ?2 AND state <= 1 AND kind = ?1 ORDER BY due_at, id LIMIT 1";
        let take = format!(
            "UPDATE job SET state = 1, owner = ?4, due_at = ?5, changed_at = ?6, fence = fence + 1, \
             attempts = attempts + 1 WHERE {{i.is}}tenant = ?1 AND id = ?2 AND fence = ?3 RETURNING {COLUMNS}"
        );
        loop {
            let Some(mut row) = self.0.query_one(due, &[kind.into(), now.into()]).await? else {
                return Ok(None);
            };
            let (tenant, id, fence): (TenantId, Vec<u8>, i64) = (row.take(0)?, row.take(1)?, row.take(2)?);
            let attempts: u32 = row.take(3)?;
            if attempts >= MAX_ATTEMPTS {
                self.abandon(tenant, &id, fence).await?;
                continue;
            }
            let until = now + ttl;
            let values = [
                tenant.into(),
                id.into(),
                fence.into(),
                owner.into(),
                until.into(),
                now.into(),
            ];
            // None: another transaction was faster. Look again.
            if let Some(row) = self.0.query_one(&take, &values).await? {
                let job = job(row)?;
                let lease = Lease {
                    tenant,
                    job: job.id,
                    owner,
                    fence: fence + 1,
                };
                return Ok(Some(Claim { job, lease }));
            }
        }
    }

    /// Ends a job that kills its workers.
    async fn abandon(&mut self, tenant: TenantId, id: &[u8], fence: i64) -> Result<(), StoreError> {
        let now = self.now();
        let sql = "UPDATE job SET state = 5, owner = NULL, fence = fence + 1, changed_at = ?4, due_at = ?5 \
                   WHERE {i.is}tenant = ?1 AND id = ?2 AND fence = ?3";
        let values = [tenant.into(), id.into(), fence.into(), now.into(), (now + KEPT).into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Makes sure that the lease is still held when this transaction commits: what else it writes belongs to its holder.
    pub async fn hold(&mut self, lease: &Lease) -> Result<(), StoreError> {
        let sql = held_row!("fence = fence");
        held(self.0.execute(sql, &lease.values()).await?)
    }

    /// Prolongs the lease, and records what was done since, if anything. It tells when the job is to be stopped.
    pub async fn heartbeat(&mut self, lease: &Lease, ttl: Duration, step: Option<&Step>) -> Result<Demand, StoreError> {
        let now = self.now();
        let times = [(now + ttl).into(), now.into()];
        let prolong = held_row!("due_at = ?5, changed_at = ?6");
        let values = [&lease.values()[..], &times].concat();
        held(self.0.execute(prolong, &values).await?)?;
        if let Some(step) = step {
            self.record(lease, step).await?;
        }
        let sql = "SELECT cancelling FROM job WHERE {i.is}tenant = ?1 AND id = ?2";
        let row = self.0.query_one(sql, &lease.values()[..2]).await?;
        let is_cancelling = row.map_or(Ok(false), |mut row| row.take(0))?;
        Ok(if is_cancelling { Demand::Stop } else { Demand::Continue })
    }

    async fn record(&mut self, lease: &Lease, step: &Step) -> Result<(), StoreError> {
        check_len(&step.checkpoint)?;
        let total = step.progress.total.map(u64::cast_signed);
        let step = [
            step.progress.done.cast_signed().into(),
            total.into(),
            step.checkpoint.as_slice().into(),
        ];
        // It has come further: what kills workers later is another thing than before.
        let sql = held_row!("done = ?5, total = ?6, state_saved = ?7, attempts = 1");
        let values = [&lease.values()[..], &step].concat();
        held(self.0.execute(sql, &values).await?)
    }

    /// Ends the job; it can be found for as long as it is to be kept.
    pub async fn finish(&mut self, lease: &Lease, outcome: &Outcome, keep: Duration) -> Result<(), StoreError> {
        let (state, result) = match outcome {
            Outcome::Succeeded(result) => (State::Succeeded, Some(result)),
            Outcome::Failed(reason) => (State::Failed, Some(reason)),
            Outcome::Cancelled => (State::Cancelled, None),
        };
        check_len(result.map_or(&[], |bytes| bytes))?;
        let now = self.now();
        let ended = [number(state).into(), result.into(), now.into(), (now + keep).into()];
        let sql = held_row!("state = ?5, result = ?6, changed_at = ?7, due_at = ?8, owner = NULL");
        let values = [&lease.values()[..], &ended].concat();
        held(self.0.execute(sql, &values).await?)
    }

    /// Gives the job back, to be claimed again after a while (at once, if it is only to be cleaned up): this process ends,
    /// or something is not there just now. It does not count as an attempt.
    pub async fn release(&mut self, lease: &Lease, after: Duration) -> Result<(), StoreError> {
        let now = self.now();
        let times = [now.into(), (now + after).into()];
        let sql = held_row!(
            "state = 0, owner = NULL, changed_at = ?5, attempts = attempts - 1, \
             due_at = CASE WHEN cancelling = 1 THEN CAST(?5 AS {int}) ELSE CAST(?6 AS {int}) END"
        );
        let values = [&lease.values()[..], &times].concat();
        held(self.0.execute(sql, &values).await?)
    }
}
