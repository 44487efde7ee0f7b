//! Synthetic records: coherent, French-looking patients in any number, for demos, tests and benches (`docs/synthetic-data.md`).
//!
//! Each patient follows from the seed, the last day and their number: [`patient`] walks through the encounters, and
//! [`care`], [`results`], [`billing`] and [`document`] write what follows from each, in the proportions of [`mix`].
//! Text goes straight to bytes ([`json`], [`sheaf`]); [`stream`] spreads the work over the cores and keeps the order.
//! Nobody in it exists: identifiers are of the ranges reserved for tests or plainly invented.

mod area;
mod billing;
mod care;
mod codes;
mod document;
mod identifiers;
mod illness;
mod json;
mod mix;
mod moment;
mod names;
mod patient;
mod reference;
mod results;
mod seed;
mod sheaf;
mod stream;

use time::Date;

pub use identifiers::NIR_NUMBERS;
pub use reference::Kind;
pub use sheaf::Format;
pub use stream::{Way, WriteError, Written, write};

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Where chance begins.
    pub seed: u64,
    /// How many patients, [`NIR_NUMBERS`] at most.
    pub patients: u32,
    /// The last day on which anything happens.
    pub until: Date,
}

/// The transactions of [`Format::Bundle`] in the order in which they refer to each other. Every entry is a `PUT`, so that
/// they can be sent again.
pub fn bundles(request: Request) -> impl Iterator<Item = Vec<u8>> {
    stream::bundles(request).map(|piece| piece.text)
}
