//! What was valid when it was issued and is no more.

use hygie_core::{ObjectId, SessionId, TenantId, Timestamp};

/// What a revocation can hit in a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The tenant.
    pub tenant: TenantId,
    /// The user or service principal.
    pub subject: ObjectId,
    /// The session of the identity provider (`sid`).
    pub session: Option<SessionId>,
    /// When it was issued (`iat`): a user's revocation hits what was issued before it.
    pub issued_at: Option<Timestamp>,
    /// What the issuer revalidates the token by (`rh`): opaque to everybody else.
    pub rh: Option<Box<str>>,
}

/// What is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The whole tenant.
    Tenant,
    /// The user's tokens up to an instant.
    User,
    /// The session.
    Session,
    /// What a person authorized: its code or refresh token was used by two.
    Grant,
}

/// Revocations that the identity provider publishes. They are asked at every use of a token, known ones included, and
/// know within one second: an implementation answers from memory.
pub trait Revocations: Send + Sync {
    /// Whether, and by what, a token of this origin is revoked.
    fn revoked(&self, origin: &Origin) -> Option<Revoked>;
}
