//! A job as a row.

use super::{Job, JobId, Progress, State};
use crate::{Row, StoreError};

/// The columns of a job, in the order in which [`job`] takes them.
pub const COLUMNS: &str = "tenant, id, kind, state, input, state_saved, done, total, result, created_at, changed_at, \
                           cancelling";

/// Numbers of the states. Those up to 1 are not final.
const STATES: [State; 6] = [
    State::Queued,
    State::Running,
    State::Succeeded,
    State::Failed,
    State::Cancelled,
    State::Abandoned,
];

/// The number of a state.
pub fn number(state: State) -> i64 {
    let at = STATES.iter().position(|known| *known == state);
    at.expect("every state has a number") as i64
}

pub fn job(mut row: Row) -> Result<Job, StoreError> {
    let id: Vec<u8> = row.take(1)?;
    let state: i64 = row.take(3)?;
    let state = usize::try_from(state).ok().and_then(|at| STATES.get(at));
    let (done, total): (i64, Option<i64>) = (row.take(6)?, row.take(7)?);
    Ok(Job {
        id: JobId(id.try_into().map_err(|_| inconsistent("id"))?),
        tenant: row.take(0)?,
        kind: row.take(2)?,
        state: *state.ok_or_else(|| inconsistent("state"))?,
        input: row.take(4)?,
        checkpoint: row.take(5)?,
        progress: Progress {
            done: done.cast_unsigned(),
            total: total.map(i64::cast_unsigned),
        },
        result: row.take(8)?,
        created_at: row.take(9)?,
        changed_at: row.take(10)?,
        is_cancelling: row.take(11)?,
    })
}

fn inconsistent(column: &str) -> StoreError {
    StoreError::Inconsistent(format!("{column} of the table job"))
}
