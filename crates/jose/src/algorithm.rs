//! The signature algorithms we make and accept — RFC 7518 §3.1.

use std::fmt;

use aws_lc_rs::signature::{self, RsaParameters, VerificationAlgorithm};
use serde::{Deserialize, Serialize};

/// A signature algorithm. Only asymmetric ones: a key document can be published without giving away what signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what Entra signs with.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384; verified only.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512; verified only.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256; verified only (MSAL signs client assertions with it).
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384; verified only.
    #[serde(rename = "ES384")]
    Es384,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Es256,
        Self::Es384,
    ];

    /// Its `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// The algorithm of this `alg` value, if we accept it.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// How an RSA key verifies by it; `None` for elliptic curves.
    pub(crate) fn rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Self::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Es256 | Self::Es384 => None,
        }
    }

    /// How a curve's key verifies by it, the name of the curve and the octets of a coordinate; `None` for RSA.
    pub(crate) fn curve(self) -> Option<(&'static dyn VerificationAlgorithm, &'static str, usize)> {
        match self {
            Self::Es256 => Some((&signature::ECDSA_P256_SHA256_FIXED, "P-256", 32)),
            Self::Es384 => Some((&signature::ECDSA_P384_SHA384_FIXED, "P-384", 48)),
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
