//! What the commands of the program share: how one ends that does not succeed, private files, the machine's clock and randomness,
//! and what is told of a demo world. The only crate that reads the environment, the system's clock and its randomness.

pub mod ambient;
pub mod document;
pub mod failure;
pub mod files;
