//! The directory API over its real router: two establishments, tokens of the provider, no socket.

mod authentication;
mod objects;
mod pages;
mod rights;
mod world;
