//! The server over real sockets.

mod backup;
mod demo;
mod installation;
mod listeners;
mod load;
mod verifiers;
mod verify;
mod world;
