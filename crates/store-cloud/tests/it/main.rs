//! The engines of this crate on real servers.

mod conformance;
mod failing;
mod processes;
mod world;
