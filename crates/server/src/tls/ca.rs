//! The local certification authority: made once per data directory, able to vouch only for the machine itself and the
//! domain it was made for (RFC 5280 §4.2.1.10, critical name constraints), so that trusting it in a browser gives its
//! key no power over any other site.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::digest;
use hygie_core::{Random, Timestamp, random_array};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::{GeneralName, ParsedExtension};

use crate::files;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
const DAY: Duration = Duration::from_hours(24);
/// An authority outlives the machine it runs on; browsers have no limit for local ones.
const AUTHORITY_LIFE: Duration = Duration::from_hours(24 * 3650);
/// Server certificates are short-lived, since making one costs a millisecond.
pub const SERVER_LIFE: Duration = Duration::from_hours(24 * 7);
const PEM_LIMIT: u64 = 64 * 1024;

/// A certification authority with its key.
pub struct LocalCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl LocalCa {
    /// Opens the authority of `dir`, or makes it on first use, for the machine and for `domains` with what is below
    /// them.
    pub fn open_or_create(dir: &Path, domains: &[String], now: Timestamp, random: &dyn Random) -> Result<Self> {
        if dir.join(CERTIFICATE).exists() {
            return Self::open(dir, domains, now);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("cannot make a key")?;
        let params = authority_params(&key, domains, now, random);
        let pem = params.self_signed(&key).context("cannot sign the authority")?.pem();
        files::write_private(&dir.join(KEY), key.serialize_pem().as_bytes())?;
        files::write_public(&dir.join(CERTIFICATE), pem.as_bytes())?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    fn open(dir: &Path, domains: &[String], now: Timestamp) -> Result<Self> {
        let (certificate, key_file) = (dir.join(CERTIFICATE), dir.join(KEY));
        let pem = String::from_utf8(files::read_limited(&certificate, PEM_LIMIT)?)
            .with_context(|| format!("{} is not a certificate in PEM form", certificate.display()))?;
        let key = String::from_utf8(files::read_limited(&key_file, PEM_LIMIT)?)
            .ok()
            .and_then(|text| KeyPair::from_pem(&text).ok())
            .with_context(|| format!("{} is not a private key in PEM form", key_file.display()))?;
        check_authority(&pem, domains, now).with_context(|| certificate.display().to_string())?;
        // Only the name and the key usages are taken from these parameters; both follow from the key.
        let issuer = Issuer::new(named_params(&key), key);
        Ok(Self { issuer, pem })
    }

    /// The authority's certificate, as clients trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these host names and addresses, valid for [`SERVER_LIFE`], with a fresh key.
    pub fn issue(
        &self,
        hosts: &[String],
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, hosts.first().cloned().unwrap_or_default());
        params.subject_alt_names = hosts.iter().map(|host| subject_name(host)).collect::<Result<_>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(serial(random));
        params.not_before = (now - DAY).to_utc().into();
        params.not_after = (now + SERVER_LIFE).to_utc().into();
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| anyhow!("{error}"))?;
        Ok((vec![certificate.der().clone()], key))
    }
}

fn authority_params(key: &KeyPair, domains: &[String], now: Timestamp, random: &dyn Random) -> CertificateParams {
    let mut params = named_params(key);
    params.serial_number = Some(serial(random));
    params.not_before = (now - DAY).to_utc().into();
    params.not_after = (now + AUTHORITY_LIFE).to_utc().into();
    // RFC 5280 asks for the identifier in all but self-signed certificates; strict verifiers want it here too.
    params.use_authority_key_identifier_extension = true;
    let names = std::iter::once("localhost".to_owned()).chain(domains.iter().cloned());
    let mut permitted: Vec<_> = names.map(GeneralSubtree::DnsName).collect();
    permitted.push(address_subtree(Ipv4Addr::LOCALHOST.into()));
    permitted.push(address_subtree(Ipv6Addr::LOCALHOST.into()));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    params
}

/// What issuer and authority must agree on. The name holds a digest of the key, so that two authorities never share one.
fn named_params(key: &KeyPair) -> CertificateParams {
    let digest = digest::digest(&digest::SHA256, key.public_key_raw());
    let mark = digest
        .as_ref()
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "hygie");
    params
        .distinguished_name
        .push(DnType::CommonName, format!("hygie local CA {mark:08x}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn address_subtree(address: IpAddr) -> GeneralSubtree {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
}

fn subject_name(host: &str) -> Result<SanType> {
    match host.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(
            host.try_into()
                .with_context(|| format!("{host:?} is not a host name"))?,
        )),
    }
}

/// 16 random bytes, positive: RFC 5280 §4.1.2.2.
fn serial(random: &dyn Random) -> SerialNumber {
    let mut bytes = random_array::<16>(random);
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    SerialNumber::from_slice(&bytes)
}

/// Checks that the authority is still valid and may vouch for each of `domains`.
fn check_authority(pem: &str, domains: &[String], now: Timestamp) -> Result<()> {
    let der =
        CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| anyhow!("is not a certificate in PEM form"))?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(&der).map_err(|_| anyhow!("is not an X.509 certificate"))?;
    ensure!(
        certificate.validity().not_after.timestamp() > now.secs(),
        "has expired; remove it and ca.key to have a new one made"
    );
    let permitted: Vec<&str> = certificate
        .extensions()
        .iter()
        .filter_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => constraints.permitted_subtrees.as_ref(),
            _ => None,
        })
        .flatten()
        .filter_map(|subtree| match subtree.base {
            GeneralName::DNSName(name) => Some(name),
            _ => None,
        })
        .collect();
    for domain in domains {
        ensure!(
            permitted.iter().any(|name| is_within(domain, name)),
            "was not made for {domain}; remove it and ca.key to have a new one made"
        );
    }
    Ok(())
}

/// Whether `host` is `domain` or below it.
pub fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{SystemClock, SystemRandom};
    use hygie_core::Clock;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn reopened_it_is_the_same_and_still_signs() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = SystemClock.now();
        let made = LocalCa::open_or_create(dir.path(), &[], now, &SystemRandom).expect("made");
        let opened = LocalCa::open_or_create(dir.path(), &[], now, &SystemRandom).expect("opened");
        assert_eq!(made.pem(), opened.pem());
        assert!(!files::is_open_to_others(&dir.path().join(KEY)).expect("metadata"));
        let (chain, _) = opened
            .issue(&strings(&["localhost", "127.0.0.1"]), now, &SystemRandom)
            .expect("issued");
        let authority = CertificateDer::from_pem_slice(opened.pem().as_bytes()).expect("PEM");
        let (_, authority) = x509_parser::parse_x509_certificate(&authority).expect("X.509");
        let (_, leaf) = x509_parser::parse_x509_certificate(&chain[0]).expect("X.509");
        assert_eq!(leaf.issuer(), authority.subject());
    }

    #[test]
    fn it_refuses_a_domain_it_was_not_made_for_and_an_expired_authority() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = SystemClock.now();
        let domains = strings(&["hygie.test"]);
        LocalCa::open_or_create(dir.path(), &domains, now, &SystemRandom).expect("made");
        LocalCa::open_or_create(dir.path(), &strings(&["fhir.hygie.test"]), now, &SystemRandom).expect("below it");
        let error = LocalCa::open_or_create(dir.path(), &strings(&["other.test"]), now, &SystemRandom).err();
        assert!(format!("{:#}", error.expect("refused")).contains("was not made for other.test"));
        let late = now + AUTHORITY_LIFE + DAY;
        assert!(LocalCa::open_or_create(dir.path(), &domains, late, &SystemRandom).is_err());
    }

    #[test]
    fn below_a_domain_means_below_a_dot() {
        let cases = [
            ("a.test", "a.test", true),
            ("b.a.test", "a.test", true),
            ("ba.test", "a.test", false),
            ("test", "a.test", false),
        ];
        for (host, domain, expected) in cases {
            assert_eq!(is_within(host, domain), expected, "{host} within {domain}");
        }
    }
}
