//! A certification authority, as an administrator trusts it.

use hygie_core::Timestamp;
use webpki::EndEntityCert;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::X509Certificate;

use super::names::{hex, name, read};
use super::path::signed_by;
use crate::digest;

/// What is no certification authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthority {
    /// Not a certificate.
    #[error("not an X.509 certificate")]
    Unreadable,
    /// It may not issue certificates.
    #[error("the certificate is not that of a certification authority")]
    NotIssuer,
    /// It says that it was signed by itself, and was not.
    #[error("the certificate is not signed by its own key")]
    Signature,
}

/// Where an authority stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It vouches for itself.
    Root,
    /// Another one vouches for it.
    Intermediate,
}

/// A certification authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub(super) der: Vec<u8>,
    /// Its subject as it is encoded: the issuer in what it signs.
    pub(super) subject: Vec<u8>,
    /// Its subject, most general part first.
    pub name: String,
    /// Who issued it, most general part first.
    pub issuer: String,
    /// The last part of its name that is meant to be read.
    pub display_name: String,
    /// Subject key identifier in hexadecimal.
    pub subject_key_identifier: Option<String>,
    /// SHA-1 of its certificate in hexadecimal.
    pub thumbprint: String,
    /// When its certificate begins.
    pub not_before: Timestamp,
    /// When its certificate ends.
    pub not_after: Timestamp,
    /// Where it stands.
    pub position: Position,
    /// Whether it may sign revocation lists (RFC 5280 §4.2.1.3).
    pub may_sign_lists: bool,
}

impl Authority {
    /// Reads the certificate of an authority.
    pub fn from_der(der: &[u8]) -> Result<Self, NotAuthority> {
        let parsed = read(der).map_err(|_| NotAuthority::Unreadable)?;
        let (may_issue, may_sign_lists) = uses(&parsed);
        if !may_issue {
            return Err(NotAuthority::NotIssuer);
        }
        let is_root = parsed.subject().as_raw() == parsed.issuer().as_raw();
        let common = parsed.subject().iter_common_name().last();
        let full_name = name(parsed.subject());
        let identifier = parsed
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(identifier) => Some(hex(identifier.0)),
                _ => None,
            });
        let authority = Self {
            subject: parsed.subject().as_raw().to_vec(),
            display_name: common
                .and_then(|common| common.as_str().ok())
                .unwrap_or(&full_name)
                .to_owned(),
            name: full_name,
            issuer: name(parsed.issuer()),
            subject_key_identifier: identifier,
            thumbprint: hex(&digest::sha1(der)),
            not_before: Timestamp::from_secs(parsed.validity().not_before.timestamp()),
            not_after: Timestamp::from_secs(parsed.validity().not_after.timestamp()),
            position: if is_root {
                Position::Root
            } else {
                Position::Intermediate
            },
            may_sign_lists,
            der: der.to_vec(),
        };
        if is_root && !authority.has_signed(der) {
            return Err(NotAuthority::Signature);
        }
        Ok(authority)
    }

    /// Its certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its subject as it is encoded: what a server names in the handshake to the holders of its certificates.
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Whether its certificate is valid at this instant.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// Whether it signed this certificate.
    fn has_signed(&self, certificate: &[u8]) -> bool {
        let der = certificate.into();
        EndEntityCert::try_from(&der).is_ok() && signed_by(self, certificate).is_some()
    }
}

/// Whether a certificate may issue others, and may sign revocation lists.
fn uses(parsed: &X509Certificate<'_>) -> (bool, bool) {
    let is_authority = matches!(parsed.basic_constraints(), Ok(Some(basic)) if basic.value.ca);
    match parsed.key_usage() {
        Ok(Some(usage)) => (is_authority && usage.value.key_cert_sign(), usage.value.crl_sign()),
        Ok(None) => (is_authority, true),
        Err(_) => (false, false),
    }
}
