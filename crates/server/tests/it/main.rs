//! The server over real sockets.

mod listeners;
mod load;
mod verifiers;
mod world;
