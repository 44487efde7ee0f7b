//! The directory over a real store: what one tenant sees of another, and what administers it.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on panics")]

mod agreements;
mod conditional;
mod consent;
mod documents;
mod letters;
mod lock_out;
mod logs;
mod means;
mod objects;
mod places;
mod records;
mod sealed;
mod tenants;
mod trust;
mod world;
