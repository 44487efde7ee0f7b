//! The fields of a certificate by which accounts and rules name it.
//! <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-certificateuserids>

use std::collections::BTreeSet;

use hygie_core::Timestamp;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Extension};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::{MAX_CERTIFICATE, der};
use crate::digest;

/// `userPrincipalName` of Microsoft among the alternative names.
const PRINCIPAL_NAME: &str = "1.3.6.1.4.1.311.20.2.3";
/// Alternative names and policies that are looked at.
const MAX_NAMES: usize = 64;

/// What is no certificate, or more than is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate")]
pub struct NotCertificate;

/// Who a certificate names. Names are written most general part first, without blanks between their parts; octets in
/// lower-case hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// The serial number, its octets in reverse order, as mappings to accounts write it.
    pub serial: String,
    /// Its principal names of Microsoft.
    pub principal_names: Vec<String>,
    /// Its mail addresses.
    pub rfc822_names: Vec<String>,
    /// Subject key identifier.
    pub subject_key_identifier: Option<String>,
    /// SHA-1 of the octets of its public key (RFC 5280 §4.2.1.2, method 1).
    pub sha1_public_key: String,
    /// Its policies, as OIDs with dots.
    pub policy_oids: BTreeSet<String>,
    /// SHA-1 of the certificate.
    pub thumbprint: String,
    /// When it begins.
    pub not_before: Option<Timestamp>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
}

impl Holder {
    /// Reads a certificate; whether anybody vouches for it is another question.
    pub fn of(certificate: &[u8]) -> Result<Self, NotCertificate> {
        let parsed = read(certificate)?;
        let mut serial = parsed.raw_serial().to_vec();
        serial.reverse();
        let mut holder = Self {
            subject: name(parsed.subject()),
            issuer: name(parsed.issuer()),
            serial: hex(&serial),
            sha1_public_key: hex(&digest::sha1(&parsed.public_key().subject_public_key.data)),
            thumbprint: hex(&digest::sha1(certificate)),
            not_before: Some(Timestamp::from_secs(parsed.validity().not_before.timestamp())),
            not_after: Some(Timestamp::from_secs(parsed.validity().not_after.timestamp())),
            ..Self::default()
        };
        for extension in parsed.extensions() {
            holder.take(extension)?;
        }
        Ok(holder)
    }

    fn take(&mut self, extension: &X509Extension<'_>) -> Result<(), NotCertificate> {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                if names.general_names.len() > MAX_NAMES {
                    return Err(NotCertificate);
                }
                for name in &names.general_names {
                    match name {
                        GeneralName::RFC822Name(address) => self.rfc822_names.push((*address).to_owned()),
                        GeneralName::OtherName(kind, value) if kind.to_id_string() == PRINCIPAL_NAME => {
                            self.principal_names.extend(principal_name(value));
                        }
                        _ => {}
                    }
                }
            }
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key_identifier = Some(hex(identifier.0));
            }
            ParsedExtension::CertificatePolicies(policies) => {
                if policies.len() > MAX_NAMES {
                    return Err(NotCertificate);
                }
                let oids = policies.iter().map(|policy| policy.policy_id.to_id_string());
                self.policy_oids.extend(oids);
            }
            ParsedExtension::ParseError { .. } => return Err(NotCertificate),
            _ => {}
        }
        Ok(())
    }
}

/// A certificate and nothing after it.
pub fn read(certificate: &[u8]) -> Result<X509Certificate<'_>, NotCertificate> {
    if certificate.len() > MAX_CERTIFICATE {
        return Err(NotCertificate);
    }
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(NotCertificate),
    }
}

/// The text of `[0] EXPLICIT UTF8String`.
fn principal_name(value: &[u8]) -> Option<String> {
    let outer = der::only(value, der::CONTEXT_0).ok()?;
    let mut reader = der::Reader::new(outer.content);
    let inner = reader.next().ok()?;
    reader.end().ok()?;
    der::text(&inner).map(str::to_owned)
}

/// Octets in hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A distinguished name in the order of its encoding, which begins with the most general part. Values with signs that
/// have a meaning are quoted, so that no value makes parts of a name.
pub fn name(name: &X509Name<'_>) -> String {
    let parts = name.iter_rdn().map(|part| {
        let attributes: Vec<String> = part.iter().map(attribute).collect();
        attributes.join("+")
    });
    parts.collect::<Vec<_>>().join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let value = match attribute.as_str() {
        Ok(text) => quoted(text),
        // In an encoding of former times: its octets are what it is known by.
        Err(_) => format!("#{}", hex(attribute.attr_value().data)),
    };
    format!("{}={value}", keyword(&oid).unwrap_or(&oid))
}

/// How Windows calls the types, after which accounts are written.
fn keyword(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "S",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "T",
        "2.5.4.42" => "G",
        "2.5.4.43" => "I",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "E",
        _ => return None,
    })
}

fn quoted(text: &str) -> String {
    let has_meaning = |c: char| ",+=\"<>#;\\".contains(c) || c.is_control();
    if text.contains(has_meaning) || text.trim() != text || text.is_empty() {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
