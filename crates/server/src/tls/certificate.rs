//! The certificate of one host, replaced while connections are served.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use arc_swap::ArcSwap;
use hygie_core::{Random, Timestamp};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{LocalCa, ca};
use crate::files;

const PEM_LIMIT: u64 = 1024 * 1024;

/// Where a certificate comes from.
#[derive(Clone)]
pub enum Source {
    /// Made by the local authority, for these hosts.
    Local {
        /// The authority.
        ca: Arc<LocalCa>,
        /// Names and addresses, the most usual first.
        hosts: Vec<String>,
    },
    /// Files in PEM form, which somebody else renews.
    Files {
        /// The certificate and those between it and its authority.
        chain: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// A certificate with its key, as the handshakes take it.
pub struct Certificate {
    source: Source,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Makes or reads it for the first time.
    pub fn load(source: Source, now: Timestamp, random: &dyn Random) -> Result<Self> {
        let current = ArcSwap::new(Arc::new(make(&source, now, random)?));
        Ok(Self { source, current })
    }

    /// Makes or reads it again when that is due: local ones in the last third of their life, files when their content
    /// changed. Tells whether it was replaced; on an error the current one stays.
    pub fn renew(&self, now: Timestamp, random: &dyn Random) -> Result<bool> {
        if let Source::Local { .. } = self.source {
            let left = expiry(&self.current.load().cert)?.since(now);
            if left > ca::SERVER_LIFE / 3 {
                return Ok(false);
            }
        }
        let next = make(&self.source, now, random)?;
        if next.cert == self.current.load().cert {
            return Ok(false);
        }
        self.current.store(Arc::new(next));
        Ok(true)
    }

    /// When it ends.
    pub fn expires_at(&self) -> Result<Timestamp> {
        expiry(&self.current.load().cert)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

fn make(source: &Source, now: Timestamp, random: &dyn Random) -> Result<CertifiedKey> {
    let (chain, key) = match source {
        Source::Local { ca, hosts } => ca.issue(hosts, now, random)?,
        Source::Files { chain, key } => read(chain, key)?,
    };
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match source {
        Source::Files { chain, key } => {
            anyhow!(
                "{} and {} do not belong together: {error}",
                chain.display(),
                key.display()
            )
        }
        Source::Local { .. } => error.into(),
    })
}

fn read(chain: &Path, key: &Path) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let certificates = CertificateDer::pem_slice_iter(&files::read_limited(chain, PEM_LIMIT)?)
        .collect::<Result<Vec<_>, _>>()
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .with_context(|| format!("{} holds no certificate in PEM form", chain.display()))?;
    let key_der = PrivateKeyDer::from_pem_slice(&files::read_limited(key, PEM_LIMIT)?)
        .ok()
        .with_context(|| format!("{} holds no private key in PEM form", key.display()))?;
    Ok((certificates, key_der))
}

fn expiry(chain: &[CertificateDer<'_>]) -> Result<Timestamp> {
    let leaf = chain.first().context("the chain is empty")?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(leaf).map_err(|_| anyhow!("not an X.509 certificate"))?;
    Ok(Timestamp::from_secs(certificate.validity().not_after.timestamp()))
}

/// The first certificate of a file in PEM form.
pub fn read_certificate(file: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(&files::read_limited(file, PEM_LIMIT)?)
        .ok()
        .with_context(|| format!("{} holds no certificate in PEM form", file.display()))
}

/// Checks that certificate files can serve `host` at `now`; for `check-config`.
pub fn check_files(chain: &Path, key: &Path, host: &str, now: Timestamp) -> Result<()> {
    let (certificates, key_der) = read(chain, key)?;
    let ends = expiry(&certificates)?;
    ensure!(ends > now, "{} has expired on {}", chain.display(), ends.to_rfc3339());
    let leaf = certificates.first().context("the chain is empty")?;
    let name = rustls::pki_types::ServerName::try_from(host).with_context(|| format!("{host:?} is not a host name"))?;
    let parsed = rustls::server::ParsedCertificate::try_from(leaf)?;
    rustls::client::verify_server_name(&parsed, &name)
        .map_err(|_| anyhow!("{} is not a certificate for {host}", chain.display()))?;
    CertifiedKey::from_der(certificates, key_der, &aws_lc_rs::default_provider()).map_err(|error| {
        anyhow!(
            "{} and {} do not belong together: {error}",
            chain.display(),
            key.display()
        )
    })?;
    Ok(())
}

/// Whether the certificate of a file names this host.
pub fn names(chain: &Path, host: &str) -> Result<bool> {
    let leaf = read_certificate(chain)?;
    let name = rustls::pki_types::ServerName::try_from(host).with_context(|| format!("{host:?} is not a host name"))?;
    let parsed = rustls::server::ParsedCertificate::try_from(&leaf)?;
    Ok(rustls::client::verify_server_name(&parsed, &name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{SystemClock, SystemRandom};
    use hygie_core::Clock;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn a_local_certificate_is_renewed_in_the_last_third_of_its_life() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = SystemClock.now();
        let ca = Arc::new(LocalCa::open_or_create(dir.path(), &[], now, &SystemRandom).expect("made"));
        let source = Source::Local {
            ca,
            hosts: vec!["localhost".to_owned()],
        };
        let certificate = Certificate::load(source, now, &SystemRandom).expect("issued");
        let early = now + Duration::from_hours(24 * 4);
        assert!(!certificate.renew(early, &SystemRandom).expect("asked"));
        let late = now + Duration::from_hours(24 * 5);
        assert!(certificate.renew(late, &SystemRandom).expect("asked"));
        assert!(certificate.expires_at().expect("read") > late + Duration::from_hours(24 * 6));
    }

    #[test]
    fn files_are_read_again_and_checked() {
        let dir = tempfile::tempdir().expect("a directory");
        let (chain, key) = (dir.path().join("a.pem"), dir.path().join("a.key"));
        let write = |name: &str| {
            let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("made");
            fs::write(&chain, made.cert.pem()).expect("written");
            fs::write(&key, made.signing_key.serialize_pem()).expect("written");
        };
        write("fhir.test");
        let now = SystemClock.now();
        check_files(&chain, &key, "fhir.test", now).expect("serves its name");
        assert!(check_files(&chain, &key, "login.test", now).is_err());
        let source = Source::Files {
            chain: chain.clone(),
            key: key.clone(),
        };
        let certificate = Certificate::load(source, now, &SystemRandom).expect("read");
        assert!(!certificate.renew(now, &SystemRandom).expect("unchanged"));
        write("fhir.test");
        assert!(certificate.renew(now, &SystemRandom).expect("changed"));
        fs::write(&key, "no key").expect("written");
        assert!(certificate.renew(now, &SystemRandom).is_err());
    }
}
