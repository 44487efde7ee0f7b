//! Resources, index and search over a real store, on the engine of this run.

mod amounts;
mod chains;
mod composites;
mod repo;
mod search;
mod sorts;
mod ways;
mod world;
