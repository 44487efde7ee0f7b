//! What can be wrong with a token or a key.

use hygie_core::{ErrorKind, Fault};

/// Why a token or key is not taken. No variant holds text of the token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The token or key document is larger than its limit.
    #[error("larger than its limit")]
    TooLarge,
    /// Its JSON nests deeper than its limit.
    #[error("JSON nests too deep")]
    TooDeep,
    /// Not in the form that the specification asks for.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// `alg` is `none`, symmetric or not known.
    #[error("algorithm not accepted")]
    Algorithm,
    /// `alg` is not the one of the key that the token names.
    #[error("algorithm is not the one of the key")]
    AlgorithmMismatch,
    /// The header has `crit`: extensions that we do not understand (RFC 7515 §4.1.11).
    #[error("critical header extension not understood")]
    Critical,
    /// No key of the set has this name.
    #[error("unknown key")]
    UnknownKey,
    /// The signature does not verify.
    #[error("wrong signature")]
    Signature,
    /// `exp` is absent or past.
    #[error("expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("not yet valid")]
    NotYetValid,
    /// A key that cannot be used: broken, too small, of an unknown kind.
    #[error("unusable key: {0}")]
    Key(&'static str),
    /// A certificate that cannot be read, made, or is of another key.
    #[error("unusable certificate: {0}")]
    Certificate(&'static str),
    /// Claims that are not a JSON object, or a signer that failed.
    #[error("cannot sign: {0}")]
    Sign(&'static str),
}

impl Fault for JoseError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Sign(_) => ErrorKind::Internal,
            Self::Key(_) | Self::Certificate(_) => ErrorKind::Invalid,
            _ => ErrorKind::Unauthenticated,
        }
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Internal => "server_error",
            ErrorKind::Invalid => "invalid_request",
            _ => "invalid_token",
        }
    }

    fn public(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => "an internal error occurred",
            ErrorKind::Invalid => "the key or certificate cannot be used",
            _ => "the token is not valid",
        }
        .to_owned()
    }
}
