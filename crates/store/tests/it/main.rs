//! The embedded engine from outside.

mod audit;
mod backup;
mod conformance;
mod crash;
mod embedded;
mod failing;
mod first;
mod full;
mod reading;
mod rotation;
mod world;
