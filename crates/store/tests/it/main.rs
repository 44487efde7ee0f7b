//! The embedded engine from outside.

mod audit;
mod backup;
mod conformance;
mod crash;
mod disk;
mod embedded;
mod failing;
mod first;
mod full;
mod reading;
mod rotation;
mod unsynced;
mod world;
