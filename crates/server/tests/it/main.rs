//! The server over real sockets.

mod listeners;
mod verifiers;
mod world;
