//! The identity provider over its real router: no socket, a clock that moves when told.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on panics")]

mod app_sign_ins;
mod assertion;
mod attempts;
mod audit;
mod authorize;
mod bound;
mod campaign;
mod certificates;
mod challenge;
mod ciba;
mod codes;
mod conditional;
mod consent;
mod consent_requests;
mod countries;
mod device;
mod exchange;
mod federated;
mod gate;
mod grants;
mod guard;
mod guests;
mod keeping;
mod keys;
mod managed;
mod metadata;
mod mixup;
mod on_behalf_of;
mod pages;
mod passkeys;
mod password;
mod presence;
mod professionals;
mod refresh;
mod revoke;
mod risk;
mod security;
mod signin;
mod signout;
mod token_lifetimes;
mod tokens;
mod userinfo;
mod world;
