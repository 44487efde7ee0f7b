//! Software cards and the authorities that issue them, of the shape of the CPx cards of the French health sector, with names
//! that nobody takes for theirs.

use std::time::Duration;

use hygie_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    RevocationReason, RevokedCertParams, SanType, SerialNumber, SigningKey,
};

/// A day.
pub const DAY: Duration = Duration::from_hours(24);
/// The policy of the certificates of people: `1.2.250.1.213.1.7.2.1.1.1.1`.
pub const CARD_POLICY: &str = "1.2.250.1.213.1.7.2.1.1.1.1";
/// The same in a `certificatePolicies`.
const CARD_POLICIES: &[u8] = &[
    0x30, 0x11, 0x30, 0x0f, 0x06, 0x0d, 0x2a, 0x81, 0x7a, 0x01, 0x81, 0x55, 0x01, 0x07, 0x02, 0x01, 0x01, 0x01, 0x01,
];
const SMART_CARD_LOGON: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 2];
const PRINCIPAL_NAME: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

/// An authority with its key.
pub struct CardAuthority {
    /// Its certificate (DER).
    pub certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A card: a certificate and its key.
pub struct SoftwareCard {
    /// The certificate (DER).
    pub certificate: Vec<u8>,
    /// The certificate in PEM form.
    pub pem: String,
    /// The key in PEM form (PKCS #8).
    pub key: String,
    /// The serial number.
    pub serial: Vec<u8>,
}

/// What a card to be made is like.
#[derive(Clone, Debug)]
pub struct CardOf {
    /// The principal name.
    pub principal_name: String,
    /// The mail address, where it has one.
    pub mail: Option<String>,
    /// `CN` of the subject.
    pub common_name: String,
    /// The serial number.
    pub serial: Vec<u8>,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// What it is for.
    pub usages: Vec<KeyUsagePurpose>,
    /// What it is for, as purposes.
    pub purposes: Vec<ExtendedKeyUsagePurpose>,
}

impl CardOf {
    /// A card to sign in with, of the professional with this national identifier, valid for three years from yesterday.
    pub fn professional(national_id: &str, now: Timestamp) -> Self {
        let (kind, number) = national_id.split_at(1);
        Self {
            principal_name: format!("{kind}.{number}@carte-cps.fr"),
            mail: None,
            common_name: national_id.to_owned(),
            serial: [&[0x4a, 0x01][..], number.as_bytes()].concat(),
            not_before: now - DAY,
            not_after: now + DAY * 1_095,
            usages: vec![KeyUsagePurpose::DigitalSignature],
            purposes: vec![
                ExtendedKeyUsagePurpose::ClientAuth,
                ExtendedKeyUsagePurpose::Other(SMART_CARD_LOGON.to_vec()),
            ],
        }
    }
}

impl CardAuthority {
    /// One that vouches for itself, valid for ten years from a year ago.
    pub fn root(common_name: &str, now: Timestamp) -> Self {
        let (params, key) = authority(common_name, now);
        let certificate = params.self_signed(&key).expect("a root").der().to_vec();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// One that this one vouches for.
    #[must_use]
    pub fn intermediate(&self, common_name: &str, now: Timestamp) -> Self {
        let (mut params, key) = authority(common_name, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("an authority")
            .der()
            .to_vec();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A card.
    pub fn card(&self, of: &CardOf) -> SoftwareCard {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let title = DnType::CustomDnType(vec![2, 5, 4, 12]);
        for (kind, value) in [
            (DnType::CountryName, "FR"),
            (title, "Médecin"),
            (DnType::CommonName, of.common_name.as_str()),
        ] {
            params.distinguished_name.push(kind, value);
        }
        params.serial_number = Some(SerialNumber::from_slice(&of.serial));
        params.not_before = of.not_before.to_utc().into();
        params.not_after = of.not_after.to_utc().into();
        params.key_usages.clone_from(&of.usages);
        params.extended_key_usages.clone_from(&of.purposes);
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = vec![SanType::OtherName((
            PRINCIPAL_NAME.to_vec(),
            of.principal_name.as_str().into(),
        ))];
        let mail = of.mail.as_deref().map(|mail| mail.try_into().expect("ASCII"));
        params.subject_alt_names.extend(mail.map(SanType::Rfc822Name));
        params.is_ca = IsCa::ExplicitNoCa;
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            &[2, 5, 29, 32],
            CARD_POLICIES.to_vec(),
        )];
        let made = params.signed_by(&key, &self.issuer).expect("a card");
        SoftwareCard {
            certificate: made.der().to_vec(),
            pem: made.pem(),
            key: key.serialize_pem(),
            serial: of.serial.clone(),
        }
    }

    /// A list that revokes these serial numbers, made at an instant, which is its number, and good for so long.
    pub fn list(&self, revoked: &[&[u8]], at: Timestamp, good_for: Duration) -> Vec<u8> {
        self.whole(revoked, &[], at, good_for)
    }

    /// What changed from one instant, that of a list, to another: what is revoked, and what is revoked no more.
    pub fn delta(
        &self,
        (revoked, removed): (&[&[u8]], &[&[u8]]),
        (since, at): (Timestamp, Timestamp),
        good_for: Duration,
    ) -> Vec<u8> {
        let whole = self.whole(revoked, removed, at, good_for);
        let parts = elements(content(&whole));
        let (signed, algorithm) = (parts[0], parts[1]);
        let mut fields = elements(content(signed));
        let extensions = content(content(fields.pop().expect("extensions")));
        // RFC 5280 §5.2.4, critical.
        let number = wrapped(0x02, &[&[0][..], &since.secs().to_be_bytes()].concat());
        let indicator = [
            &[0x06, 0x03, 0x55, 0x1d, 0x1b, 0x01, 0x01, 0xff][..],
            &wrapped(0x04, &minimal(&number)),
        ]
        .concat();
        let extensions = [extensions, &wrapped(0x30, &indicator)].concat();
        let extensions = wrapped(0xa0, &wrapped(0x30, &extensions));
        let signed = wrapped(0x30, &[&fields.concat()[..], &extensions].concat());
        let signature = self.issuer.key().sign(&signed).expect("a signature");
        let signature = wrapped(0x03, &[&[0][..], &signature].concat());
        wrapped(0x30, &[&signed[..], algorithm, &signature].concat())
    }

    fn whole(&self, revoked: &[&[u8]], removed: &[&[u8]], at: Timestamp, good_for: Duration) -> Vec<u8> {
        let reasons = revoked.iter().map(|serial| (serial, None));
        let reasons = reasons.chain(
            removed
                .iter()
                .map(|serial| (serial, Some(RevocationReason::RemoveFromCrl))),
        );
        let params = CertificateRevocationListParams {
            this_update: at.to_utc().into(),
            next_update: (at + good_for).to_utc().into(),
            crl_number: SerialNumber::from(u64::try_from(at.secs()).unwrap_or_default()),
            issuing_distribution_point: None,
            revoked_certs: reasons
                .map(|(serial, reason_code)| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(serial),
                    revocation_time: at.to_utc().into(),
                    reason_code,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a list").der().to_vec()
    }
}

/// An element of DER around octets, as our own encoder writes lengths.
fn wrapped(tag: u8, octets: &[u8]) -> Vec<u8> {
    let length = octets.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, octets.to_vec()].concat()
}

/// The length of the head of an element, and of what is in it.
fn lengths(element: &[u8]) -> (usize, usize) {
    match element[1] {
        0x81 => (3, usize::from(element[2])),
        0x82 => (4, usize::from(element[2]) << 8 | usize::from(element[3])),
        length => (2, usize::from(length)),
    }
}

/// What is in an element.
fn content(element: &[u8]) -> &[u8] {
    let (head, length) = lengths(element);
    &element[head..head + length]
}

/// The elements that follow each other.
fn elements(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !octets.is_empty() {
        let (head, length) = lengths(octets);
        let (element, rest) = octets.split_at(head + length);
        found.push(element);
        octets = rest;
    }
    found
}

/// A positive INTEGER in its shortest form.
fn minimal(integer: &[u8]) -> Vec<u8> {
    let octets = content(integer);
    let zeros = octets
        .iter()
        .take_while(|octet| **octet == 0)
        .count()
        .min(octets.len() - 1);
    let octets = &octets[zeros..];
    let sign: &[u8] = if octets[0] & 0x80 == 0 { &[] } else { &[0] };
    wrapped(0x02, &[sign, octets].concat())
}

fn authority(common_name: &str, now: Timestamp) -> (CertificateParams, KeyPair) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "FR"),
        (DnType::OrganizationName, "HYGIE-TEST"),
        (DnType::CommonName, common_name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - DAY * 365).to_utc().into();
    params.not_after = (now + DAY * 3_650).to_utc().into();
    (params, key)
}
