//! The ids that only policies speak of, one type each.

use std::fmt;
use std::str::FromStr;

use hygie_core::{AppId, GroupId, ObjectId, TenantId};
use uuid::Uuid;

use crate::json::texts;

/// A GUID that was not written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID with its four hyphens")]
pub struct NotAGuid;

/// A GUID in the one form that Graph uses: braces, `urn:uuid:` and bare digits would compare unequal elsewhere.
pub(crate) fn guid(text: &str) -> Result<Uuid, NotAGuid> {
    let is_hyphenated = text.len() == 36;
    let parsed = Uuid::try_parse(text).ok().filter(|_| is_hyphenated);
    parsed.ok_or(NotAGuid)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that holds this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAGuid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                guid(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A conditional access policy.
    PolicyId;
    /// A template that a policy was made from.
    TemplateId;
    /// A named location.
    LocationId;
    /// An authentication strength.
    StrengthId;
    /// The terms of use of an agreement.
    AgreementId;
    /// A file of an agreement.
    AgreementFileId;
    /// A role of the directory, by its template: the same in every tenant.
    RoleTemplateId;
    /// A model of authenticator (AAGUID, WebAuthn Level 2 §6.5.1).
    Aaguid;
    /// A policy for the lifetime of tokens.
    TokenLifetimePolicyId;
}

texts! {
    PolicyId: "a GUID";
    TemplateId: "a GUID";
    LocationId: "a GUID";
    StrengthId: "a GUID";
    AgreementId: "a GUID";
    AgreementFileId: "a GUID";
    RoleTemplateId: "a GUID";
    Aaguid: "a GUID";
    TokenLifetimePolicyId: "a GUID";
    TenantId: "a GUID";
    AppId: "a GUID";
    GroupId: "a GUID";
    ObjectId: "a GUID";
}
