//! The directory API over its real router: two establishments, tokens of the provider, no socket.

mod application_changes;
mod authority;
mod batch;
mod delta;
mod group_changes;
mod names;
mod objects;
mod pages;
mod rights;
mod roles;
mod user_changes;
mod world;
