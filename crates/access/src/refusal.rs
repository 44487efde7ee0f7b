//! Why a caller is refused: one reason for the audit, nothing to learn for the caller.

use std::fmt;
use std::sync::Arc;

use hygie_core::{ErrorKind, Fault};
use hygie_jose::JoseError;

use crate::Revoked;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $kind:ident;)*) => {
        /// Why a caller is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {$(
            $(#[$doc])*
            $variant,
        )*}

        impl Reason {
            /// Its code in audit records; stable.
            pub const fn code(self) -> &'static str {
                match self {$(
                    Self::$variant => $code,
                )*}
            }

            /// What it means to the caller.
            pub const fn kind(self) -> ErrorKind {
                match self {$(
                    Self::$variant => ErrorKind::$kind,
                )*}
            }
        }
    };
}

reasons! {
    /// No `Authorization` header, or another scheme than `Bearer`.
    NoToken = "no_token", Unauthenticated;
    /// Larger or deeper than a token may be.
    TooLarge = "token_too_large", Unauthenticated;
    /// Not a signed JWT, or a claim has a wrong type.
    Malformed = "token_malformed", Unauthenticated;
    /// `none`, a symmetric algorithm, or another one than that of the key.
    Algorithm = "token_algorithm", Unauthenticated;
    /// No issuer, or one that this workspace does not trust.
    Issuer = "token_issuer", Unauthenticated;
    /// `tid` is not the tenant of the issuer.
    Tenant = "token_tenant", Unauthenticated;
    /// The issuer has no key of this name.
    UnknownKey = "token_unknown_key", Unauthenticated;
    /// The key signs for another issuer.
    KeyIssuer = "token_key_issuer", Unauthenticated;
    /// The signature does not verify.
    Signature = "token_signature", Unauthenticated;
    /// Past its `exp`, or without.
    Expired = "token_expired", Unauthenticated;
    /// Before its `nbf`.
    NotYetValid = "token_not_yet_valid", Unauthenticated;
    /// For somebody else.
    Audience = "token_audience", Unauthenticated;
    /// For another kind of data service.
    OtherKind = "token_other_kind", Unauthenticated;
    /// Another type of token: id token, logout token, proof.
    TokenType = "token_type", Unauthenticated;
    /// `ver` is not that of the issuer.
    Version = "token_version", Unauthenticated;
    /// Neither a person's token nor an application's, or both at once.
    Actor = "token_actor", Unauthenticated;
    /// Lacks a claim that an access token has, or has it in another form.
    MissingClaim = "token_missing_claim", Unauthenticated;
    /// Bound to a certificate (`cnf`), and the connection has none.
    Bound = "token_bound", Unauthenticated;
    /// Bound to another certificate than that of the connection.
    OtherCertificate = "token_other_certificate", Unauthenticated;
    /// Bound (`cnf`) in a way or form that is not the one of the issuer.
    Confirmation = "token_confirmation", Unauthenticated;
    /// The tenant is closed.
    TenantRevoked = "tenant_revoked", Unauthenticated;
    /// The user's tokens are revoked.
    UserRevoked = "user_revoked", Unauthenticated;
    /// The session is revoked.
    SessionRevoked = "session_revoked", Unauthenticated;
    /// The grant that the token came of is revoked.
    GrantRevoked = "grant_revoked", Unauthenticated;
    /// The keys of the issuer cannot be had.
    KeysUnavailable = "keys_unavailable", Unavailable;
    /// The role assignments cannot be had.
    AssignmentsUnavailable = "assignments_unavailable", Unavailable;
    /// No role at all on this service.
    NoRole = "no_role", Forbidden;
    /// No role that allows it.
    Role = "role_missing", Forbidden;
    /// The token lacks the delegated scope of the service.
    Scope = "scope_missing", Forbidden;
    /// The SMART scopes do not allow it.
    SmartScope = "smart_scope_missing", Forbidden;
    /// SMART scopes of the contexts patient and user need compartments, which are not built yet.
    SmartContext = "smart_context_unsupported", Forbidden;
    /// SMART scopes with a query are not built yet.
    SmartQuery = "smart_query_unsupported", Forbidden;
    /// The SMART scopes contradict each other or their grammar.
    SmartMalformed = "smart_scope_malformed", Invalid;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<Revoked> for Reason {
    fn from(revoked: Revoked) -> Self {
        match revoked {
            Revoked::Tenant => Self::TenantRevoked,
            Revoked::User => Self::UserRevoked,
            Revoked::Session => Self::SessionRevoked,
            Revoked::Grant => Self::GrantRevoked,
        }
    }
}

impl From<JoseError> for Reason {
    fn from(error: JoseError) -> Self {
        match error {
            JoseError::TooLarge | JoseError::TooDeep => Self::TooLarge,
            JoseError::Algorithm | JoseError::AlgorithmMismatch => Self::Algorithm,
            JoseError::UnknownKey => Self::UnknownKey,
            JoseError::Signature => Self::Signature,
            JoseError::Expired => Self::Expired,
            JoseError::NotYetValid => Self::NotYetValid,
            JoseError::Malformed(_)
            | JoseError::Critical
            | JoseError::Key(_)
            | JoseError::Certificate(_)
            | JoseError::Sign(_) => Self::Malformed,
        }
    }
}

/// A refusal, with the challenge that its answer carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused: {reason}")]
pub struct Refusal {
    reason: Reason,
    challenge: Option<Arc<str>>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, challenge: Option<Arc<str>>) -> Self {
        Self { reason, challenge }
    }

    /// Why, for the audit only.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The value of `WWW-Authenticate` (RFC 6750 §3), which every 401 carries.
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason, None)
    }
}

impl Fault for Refusal {
    fn kind(&self) -> ErrorKind {
        self.reason.kind()
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Unauthenticated => "invalid_token",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::Unavailable => "unavailable",
            _ => "invalid_scope",
        }
    }

    fn public(&self) -> String {
        match self.reason {
            // About the caller's own scopes, hence no hint of what exists.
            Reason::SmartContext => "SMART scopes of the contexts patient and user are not supported yet.",
            Reason::SmartQuery => "SMART scopes with a query are not supported yet.",
            Reason::SmartMalformed => "The SMART scopes of the token are malformed or contradict each other.",
            _ => match self.kind() {
                ErrorKind::Unauthenticated => "Authentication failed.",
                ErrorKind::Unavailable => "Authorization cannot be decided at the moment; try again.",
                _ => "Authorization failed.",
            },
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_cannot_tell_one_reason_from_another() {
        for (one, other) in [
            (Reason::Expired, Reason::Signature),
            (Reason::Issuer, Reason::UserRevoked),
            (Reason::NoRole, Reason::Role),
        ] {
            let (one, other) = (Refusal::from(one), Refusal::from(other));
            assert_eq!(
                (one.kind(), one.code(), one.public()),
                (other.kind(), other.code(), other.public())
            );
        }
    }
}
