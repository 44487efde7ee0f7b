//! Signed tokens: JWS (RFC 7515), JWK (RFC 7517), JWA (RFC 7518) and JWT (RFC 7519), with the members that Microsoft
//! Entra ID adds, and the digests that the protocols around them need.
//!
//! No other crate names the cryptographic library. The rules that hold everywhere:
//!
//! - The **key** decides the algorithm, never the token; `none` and the HMAC family do not exist here.
//! - Keys are parsed once ([`SigningKey`], [`KeySet`]) and used many times.
//! - A token, its nesting and a key document have limits that are checked before they are parsed.
//! - Verifying tells that the issuer said it ([`Verified`]); whether it concerns us (issuer, audience, instants) is
//!   decided in `access` and `oidc`.
#![warn(missing_docs)]

mod algorithm;
pub mod base64url;
mod certificate;
mod claims;
pub mod digest;
mod error;
mod header;
pub mod json;
mod jwk;
mod keyed;
mod keyset;
mod signing;
mod token;
pub mod x509;

pub use algorithm::Algorithm;
pub use certificate::Certificate;
pub use claims::Claims;
pub use error::JoseError;
pub use header::{Header, Protected};
pub use jwk::{Jwk, Jwks};
pub use keyed::{Keyed, random_secret};
pub use keyset::KeySet;
pub use signing::SigningKey;
pub use token::{MAX_TOKEN, Untrusted, Verified, verify};
