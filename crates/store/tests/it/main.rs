//! The embedded engine from outside.

mod audit;
mod conformance;
mod crash;
mod embedded;
mod failing;
mod first;
mod reading;
mod world;
