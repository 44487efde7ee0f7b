//! What the binary `hygie` is made of: command line, configuration, listeners with TLS, the wiring of the services,
//! the demo world and verification.

pub mod backup;
pub mod breached;
pub mod cli;
pub mod config;
pub mod demo;
pub mod front;
pub mod generate;
pub mod geo;
pub mod health;
pub mod keys;
pub mod listen;
pub mod logs;
pub mod place;
pub mod portal;
pub mod psc;
pub mod serve;
pub mod tls;
pub mod verify;
pub mod wiring;

pub use hygie_command::{ambient, failure, files};
