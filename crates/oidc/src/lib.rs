//! The OAuth 2.0 and OpenID Connect engine of a provider: messages, client authentication, PKCE, redirect URIs, scopes,
//! grants, discovery and errors. Pure: it decides from stored values, a service loads and saves them.
//!
//! Specifications: RFC 6749 (OAuth 2.0), RFC 7636 (PKCE), RFC 8628 (device authorization), RFC 8693 (token exchange), RFC 9700 (security practice), OpenID Connect Core, Discovery
//! and RP-Initiated Logout 1.0; where they leave room, the behaviour is that of Microsoft Entra ID, whose error codes
//! ([`Aadsts`]) are used throughout.
//!
//! The way of a request: [`Params`] (pairs, no duplicates, bounded) → [`AuthorizeTarget`] then [`AuthorizeRequest`], or
//! [`TokenRequest`] → decisions ([`interact`], [`grant`]) → [`Response`] or [`Refusal`].
#![warn(missing_docs)]

mod aadsts;
pub mod assertion;
mod authorize;
pub mod ciba;
mod claims;
mod client;
pub mod device;
pub mod discovery;
pub mod federation;
pub mod grant;
mod interact;
mod params;
mod pkce;
pub mod psc;
mod redirect;
mod refusal;
mod response;
mod scope;
mod token;

pub use aadsts::Aadsts;
pub use authorize::{AuthorizeRequest, AuthorizeTarget, Prompt, ResponseMode, ResponseType};
pub use claims::ClaimsRequest;
pub use client::{ClientAuth, Credential};
pub use interact::{Account, Interaction, interact, is_too_old};
pub use params::Params;
pub use pkce::{Challenge, ChallengeMethod};
pub use redirect::{Platform, RedirectUris, RuleBroken};
pub use refusal::{ErrorBody, Occurrence, Refusal};
pub use response::{Delivery, Response};
pub use scope::{Names, OidcScopes, ResourceScopes, Scopes};
pub use token::{Endpoint, Grant, TOKEN_EXCHANGE, TokenRequest, TokenResponse};

/// Which family of endpoints a request came in by: it decides the parameters, the form of the response and the version
/// of the id token, never the version of the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// `/{tenant}/oauth2/…`: `resource`, strings in numbers.
    V1,
    /// `/{tenant}/oauth2/v2.0/…`: `scope`.
    V2,
}
