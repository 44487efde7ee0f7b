//! Why a certificate proves nobody.

use hygie_jose::x509::PathFault;

/// Why a certificate proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// No certificate was shown.
    #[error("no certificate was shown")]
    Missing,
    /// It leads to no root that the establishment trusts.
    #[error(transparent)]
    Path(PathFault),
    /// Its authority has revoked it.
    #[error("the certificate has been revoked")]
    Revoked,
    /// An authority above it was revoked.
    #[error("an authority above the certificate has been revoked")]
    AuthorityRevoked,
    /// The revocation list of an authority cannot be fetched.
    #[error("the revocation list of an authority cannot be fetched")]
    ListUnavailable,
    /// What is at its address is no list of the authority.
    #[error("what is at the address of the revocation list is not the list of the authority")]
    ListInvalid,
    /// The last list of an authority has ended.
    #[error("the revocation list of an authority is out of date")]
    ListExpired,
    /// An authority has no list, and the establishment asks for one.
    #[error("an authority has no revocation list, and the establishment asks for one")]
    ListMissing,
    /// The list does not speak of such certificates.
    #[error("the revocation list of an authority does not speak of this certificate")]
    ListPartial,
    /// The authority is not for this person.
    #[error("certificates of this authority are not for this account")]
    OutOfScope,
    /// It is not that of the account.
    #[error("no binding matches the certificate with the account")]
    Unbound,
    /// It is bound to the account too loosely.
    #[error("no binding of high affinity matches the certificate with the account")]
    AffinityTooLow,
    /// It is that of several accounts.
    #[error("the certificate is that of several accounts")]
    Ambiguous,
}

impl CertificateRefusal {
    /// The reason in audit records and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "certificate-missing",
            Self::Path(fault) => match fault {
                PathFault::Unreadable => "certificate-unreadable",
                PathFault::UnknownIssuer => "certificate-unknown-issuer",
                PathFault::Signature => "certificate-signature",
                PathFault::NotYetValid => "certificate-not-yet-valid",
                PathFault::Expired => "certificate-expired",
                PathFault::AuthorityExpired => "certificate-authority-expired",
                PathFault::Usage => "certificate-usage",
                PathFault::NotPermitted => "certificate-not-permitted",
            },
            Self::Revoked => "certificate-revoked",
            Self::AuthorityRevoked => "certificate-authority-revoked",
            Self::ListUnavailable => "certificate-list-unavailable",
            Self::ListInvalid => "certificate-list-invalid",
            Self::ListExpired => "certificate-list-expired",
            Self::ListMissing => "certificate-list-missing",
            Self::ListPartial => "certificate-list-partial",
            Self::OutOfScope => "certificate-out-of-scope",
            Self::Unbound => "certificate-unbound",
            Self::AffinityTooLow => "certificate-affinity-too-low",
            Self::Ambiguous => "certificate-ambiguous",
        }
    }
}
