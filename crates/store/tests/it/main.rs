//! The embedded engine from outside.

mod embedded;
mod world;
