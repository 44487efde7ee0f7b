//! The server over real sockets.

mod demo;
mod listeners;
mod load;
mod verifiers;
mod world;
