//! The embedded engine from outside.

mod audit;
mod backup;
mod conformance;
mod crash;
mod embedded;
mod failing;
mod first;
mod reading;
mod world;
