//! One type per kind of id: parsed at the edge, never passed inward as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Random;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that holds this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A new random id (UUID version 4).
            pub fn random(random: &dyn Random) -> Self {
                Self(uuid::Builder::from_random_bytes(crate::random_array(random)).into_uuid())
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
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: one establishment's directory (`tid`).
    TenantId;
    /// An application registration's client id (`appid`, `azp`, `client_id`).
    AppId;
    /// An object of a directory: user, group or service principal (`oid`).
    ObjectId;
    /// A group of a directory.
    GroupId;
    /// A browser session of the identity provider (`sid`).
    SessionId;
    /// One request, from the listener to the audit record and the log.
    RequestId;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Random for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn random_ids_are_version_4() {
        assert_eq!(
            TenantId::random(&Zero).to_string(),
            "00000000-0000-4000-8000-000000000000"
        );
    }

    #[test]
    fn text_round_trips() {
        let id: ObjectId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().expect("a UUID");
        assert_eq!(id.to_string().parse::<ObjectId>().expect("its own text"), id);
        assert!("not-a-guid".parse::<ObjectId>().is_err());
    }
}
