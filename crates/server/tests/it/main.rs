//! The server over real sockets.

mod back_channel;
mod backup;
mod breached;
mod demo;
mod exchange;
mod geo;
mod installation;
mod issuer_hints;
mod keys;
mod listeners;
mod load;
mod prepare;
mod psc;
mod verifiers;
mod verify;
mod world;
