//! What the binary `hygie` is made of: command line, configuration, listeners with TLS, the wiring of the services,
//! the demo world, loading and verification. The only crate that reads the environment, the system's clock and its
//! randomness.

pub mod ambient;
pub mod backup;
pub mod breached;
pub mod cli;
pub mod config;
pub mod demo;
pub mod failure;
pub mod files;
pub mod front;
pub mod generate;
pub mod geo;
pub mod health;
pub mod keys;
pub mod listen;
pub mod load;
pub mod logs;
pub mod place;
pub mod portal;
pub mod psc;
pub mod serve;
pub mod tls;
pub mod verify;
pub mod wiring;
