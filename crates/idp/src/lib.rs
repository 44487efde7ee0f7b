//! The endpoints and pages of the identity provider, with the protocol surface of Microsoft Entra ID: OAuth 2.0 and
//! OpenID Connect of both versions, sign-in, the page *Informations de sécurité*.
//!
//! - `http`: one file per endpoint: parse, call, render.
//! - `wire`: small bodies.
//!
//! What is decided, kept and signed is in `hygie_idp_core`.
//!
//! To add an endpoint: a file in `http` with a function named after the verb, a line in [`router`], a story in
//! `tests/it`.

mod http;
mod wire;

use hygie_web::i18n::Source;

pub use http::{
    alone, back_channel_router, certauth_router, cors, is_token_endpoint, is_user_info, managed_identity_router,
    router, user_info_router,
};
pub use hygie_idp_core::{Certauth, Deps, Exchanges, Idp, IdpError, PscClient, Rotation, TrustedPsc, keys, token};

/// The messages of our pages.
pub const MESSAGES: Source = Source {
    fr: include_str!("../i18n/fr.ftl"),
    en: include_str!("../i18n/en.ftl"),
};
