//! The embedded engine from outside.

mod audit;
mod conformance;
mod embedded;
mod world;
