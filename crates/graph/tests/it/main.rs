//! The directory API over its real router: two establishments, tokens of the provider, no socket.

mod agreements;
mod application_changes;
mod authentication;
mod authority;
mod batch;
mod conditional;
mod consent;
mod consent_requests;
mod delta;
mod federated;
mod group_changes;
mod logs;
mod names;
mod objects;
mod pages;
mod protection;
mod rights;
mod risk;
mod roles;
mod sign_ins;
mod trust;
mod user_changes;
mod world;
