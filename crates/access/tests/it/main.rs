//! The gate, the roles and the outgoing client, from outside.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod assignments;
mod discovered;
mod forward;
mod gate;
mod issuers;
mod matrix;
mod never_panics;
mod outgoing;
mod server;
mod world;
