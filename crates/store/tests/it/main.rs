//! The embedded engine from outside.

mod audit;
mod embedded;
mod world;
