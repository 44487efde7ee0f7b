//! The engines of this crate on real servers.

mod conformance;
mod failing;
mod groups;
mod kafka;
mod objects;
mod processes;
mod sealed;
mod servers;
mod world;
