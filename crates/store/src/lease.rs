//! Leases: of several processes one at a time, for a while.
//!
//! A lease has an owner, an end and a **fence**, a number that rises each time somebody else gets it. Who holds it is
//! asked in the transaction that matters: the row of the lease is written there, so that on an engine with concurrent
//! transactions a change of the holder meanwhile makes one of the two fail and run again. An owner whose lease has ended
//! still has it while nobody else took it.
//!
//! The ends are compared with the clocks of other processes, which must not differ by much of a lease. Where they do, the
//! fence still keeps two from writing; only their work outside of the database may overlap.

use hygie_core::Random;

use crate::{StoreError, Value};

/// A process that may hold leases: random, another one after each start, unless there is only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// A new one.
    pub fn random(random: &dyn Random) -> Self {
        Self(hygie_core::random_array(random))
    }

    /// The one process that there can be, over its restarts: what the one before it held, and did not give back, is its own.
    /// Only where nobody else can have the database open.
    pub const fn only() -> Self {
        Self([0; 16])
    }
}

impl From<Owner> for Value {
    fn from(owner: Owner) -> Self {
        owner.0.into()
    }
}

/// What it means how many rows of leases were written.
pub fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
