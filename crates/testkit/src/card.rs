//! Software cards and the authorities that issue them, of the shape of the CPx cards of the French health sector, with names
//! that nobody takes for theirs.

use std::time::Duration;

use hygie_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    RevokedCertParams, SanType, SerialNumber,
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

    /// A list that revokes these serial numbers, made at an instant, good for so long.
    pub fn list(&self, revoked: &[&[u8]], at: Timestamp, good_for: Duration) -> Vec<u8> {
        let params = CertificateRevocationListParams {
            this_update: at.to_utc().into(),
            next_update: (at + good_for).to_utc().into(),
            crl_number: SerialNumber::from(u64::try_from(at.secs()).unwrap_or_default()),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from_slice(serial),
                    revocation_time: at.to_utc().into(),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a list").der().to_vec()
    }
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
