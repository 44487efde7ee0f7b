//! The certificate by which an application of the demo world may prove itself instead of by its secret.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_core::Cx;
use hygie_jose::Certificate;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize};

use crate::files;

/// The directory of these files, in that of the world.
pub const DIR: &str = "apps";

/// As long as anybody keeps a demo.
const LIFE: Duration = Duration::from_hours(24 * 365 * 10);
/// Clocks may differ.
const DAY: Duration = Duration::from_hours(24);

/// Makes a key with a self-signed certificate and writes both in PEM form to `apps/{name}.pem` of the world; gives the
/// certificate, and where the file is.
pub fn make(cx: &Cx, world: &Path, name: &str) -> Result<(Certificate, String)> {
    // Client libraries of Microsoft sign assertions with RSA only.
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = (cx.now - DAY).to_utc().into();
    params.not_after = (cx.now + LIFE).to_utc().into();
    let certificate = params.self_signed(&key)?;
    let file = format!("{DIR}/{name}.pem");
    files::create_private_dir(&world.join(DIR))?;
    let text = format!("{}{}", key.serialize_pem(), certificate.pem());
    files::write_private(&world.join(&file), text.as_bytes())?;
    let certificate = Certificate::from_der(certificate.der()).context("our own certificate")?;
    Ok((certificate, file))
}
