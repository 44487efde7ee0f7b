//! Means of identification over a real store: what is registered, what proves somebody, and what does not.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on panics")]

mod certificates;
mod codes;
mod passes;
mod passkeys;
mod world;
