//! The directory API over its real router: two establishments, tokens of the provider, no socket.

mod agreements;
mod application_changes;
mod application_keys;
mod authentication;
mod authority;
mod batch;
mod conditional;
mod consent;
mod consent_requests;
mod deleted;
mod delta;
mod federated;
mod group_changes;
mod logs;
mod names;
mod objects;
mod pages;
mod protection;
mod relations;
mod rights;
mod risk;
mod roles;
mod sign_ins;
mod trust;
mod user_changes;
mod world;
