//! The certificate of the client: that of the TLS handshake, or what a trusted reverse proxy says of its own handshake.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use hygie_web::client::{ClientCertificate, Proxies};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

/// Larger certificates are none.
const LIMIT: usize = 16 * 1024;

/// How a reverse proxy writes a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertificateForm {
    /// RFC 9440: base64 between colons.
    Rfc9440,
    /// PEM, percent-encoded: nginx's `$ssl_client_escaped_cert`.
    Pem,
}

/// The header in which reverse proxies hand on a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHeader {
    /// Its name.
    pub name: HeaderName,
    /// How it is written.
    pub form: CertificateForm,
}

/// Whose word is taken on the certificate of a client.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// The reverse proxies in front of us.
    pub proxies: Proxies,
    /// What they write it in; nothing when they hand on none.
    pub header: Option<CertificateHeader>,
}

impl Forwarding {
    /// The certificate of the client of a request that came from `peer` over a connection with `own`.
    ///
    /// A proxy's own certificate is not its client's: from a proxy only the header counts, from everybody else only
    /// the handshake.
    pub fn certificate(
        &self,
        peer: IpAddr,
        own: Option<&ClientCertificate>,
        headers: &HeaderMap,
    ) -> Option<ClientCertificate> {
        let peer = peer.to_canonical();
        if !self.proxies.iter().any(|network| network.contains(peer)) {
            return own.cloned();
        }
        let header = self.header.as_ref()?;
        let mut values = headers.get_all(&header.name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let der = header.form.read(value.as_bytes())?;
        Some(ClientCertificate(der.into()))
    }
}

impl CertificateForm {
    fn read(self, value: &[u8]) -> Option<Vec<u8>> {
        if value.len() > LIMIT {
            return None;
        }
        let der = match self {
            Self::Rfc9440 => STANDARD.decode(value.strip_prefix(b":")?.strip_suffix(b":")?).ok()?,
            Self::Pem => CertificateDer::from_pem_slice(&percent_decoded(value)?).ok()?.to_vec(),
        };
        x509_parser::parse_x509_certificate(&der)
            .is_ok_and(|(rest, _)| rest.is_empty())
            .then_some(der)
    }
}

/// RFC 3986 §2.1. A plus sign is one: base64 has it.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.iter();
    while let Some(octet) = octets.next() {
        if *octet == b'%' {
            let digits = [*octets.next()?, *octets.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(*octet);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn certificate() -> (Vec<u8>, String) {
        let made = rcgen::generate_simple_self_signed(vec!["client.test".to_owned()]).expect("made");
        (made.cert.der().to_vec(), made.cert.pem())
    }

    fn escaped(pem: &str) -> String {
        let escape = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
            other => format!("%{:02X}", u32::from(other)),
        };
        pem.chars().map(escape).collect()
    }

    #[test]
    fn proxies_speak_for_their_clients_and_nobody_else_does() {
        let (der, pem) = certificate();
        let own = ClientCertificate(b"own".to_vec().into());
        let client = Some(ClientCertificate(der.clone().into()));
        let colons = format!(":{}:", STANDARD.encode(&der));
        let forwarding = |form| Forwarding {
            proxies: vec!["10.0.5.1".parse().expect("an address")],
            header: Some(CertificateHeader {
                name: HeaderName::from_static("client-cert"),
                form,
            }),
        };
        let (rfc, nginx) = (forwarding(CertificateForm::Rfc9440), forwarding(CertificateForm::Pem));
        let silent = Forwarding {
            header: None,
            ..rfc.clone()
        };
        let (proxy, stranger) = ("10.0.5.1", "10.0.5.2");
        for (forwarding, peer, values, expected) in [
            (&rfc, proxy, vec![colons.as_str()], client.clone()),
            (&rfc, "::ffff:10.0.5.1", vec![&colons], client.clone()),
            (&nginx, proxy, vec![&escaped(&pem)], client.clone()),
            // Whoever is no proxy has what its handshake gave, whatever it writes.
            (&rfc, stranger, vec![&colons], Some(own.clone())),
            (&silent, stranger, vec![], Some(own.clone())),
            // The proxy's own certificate is not its client's.
            (&rfc, proxy, vec![], None),
            (&silent, proxy, vec![&colons], None),
            // Two lines: one of them may be the client's.
            (&rfc, proxy, vec![&colons, &colons], None),
            (&rfc, proxy, vec![&escaped(&pem)], None),
            (&nginx, proxy, vec![&colons], None),
            (&rfc, proxy, vec!["::"], None),
            (&rfc, proxy, vec![":AAAA:"], None),
            (&rfc, proxy, vec![":"], None),
            (&nginx, proxy, vec!["%4"], None),
            (&nginx, proxy, vec!["%zz"], None),
            (&nginx, proxy, vec!["-----BEGIN%20CERTIFICATE-----"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append("client-cert", HeaderValue::from_str(value).expect("a header value"));
            }
            let peer = peer.parse().expect("an address");
            let found = forwarding.certificate(peer, Some(&own), &headers);
            assert_eq!(found, expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn nothing_larger_than_a_certificate_is_read() {
        let (der, _) = certificate();
        let padded = [der, vec![0]].concat();
        let with_rest = format!(":{}:", STANDARD.encode(padded));
        assert_eq!(CertificateForm::Rfc9440.read(with_rest.as_bytes()), None);
        let large = format!(":{}:", STANDARD.encode(vec![0; LIMIT]));
        assert_eq!(CertificateForm::Rfc9440.read(large.as_bytes()), None);
    }
}
