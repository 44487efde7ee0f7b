//! The embedded engine from outside.

mod audit;
mod conformance;
mod crash;
mod embedded;
mod first;
mod world;
