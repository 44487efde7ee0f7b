//! The directory API over its real router: two establishments, tokens of the provider, no socket.

mod agreements;
mod conditional;
mod application_changes;
mod group_changes;
mod names;
mod authentication;
mod objects;
mod pages;
mod rights;
mod roles;
mod user_changes;
mod world;
