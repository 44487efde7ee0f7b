//! The layers around a router, as a client sees them.

mod caller;
mod layers;
mod untrusted;
mod world;
