//! Certificates that come together: a bundle of PKCS #7 (RFC 2315 §9, RFC 5652 §5.1), in DER or PEM, as `p7b` files have it, and
//! certificates one after the other in PEM. Nothing of a bundle is a proof: only its certificates are taken from it.

use super::der::{CONTEXT_0, INTEGER, NotDer, OID, Reader, SEQUENCE, only};
use crate::base64url;

/// Certificates of a bundle at most.
pub const MAX_BUNDLED: usize = 250;
/// `1.2.840.113549.1.7.2`: signed data.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

const SET: u8 = 0x31;

/// What is no bundle of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bundle of 1 to {MAX_BUNDLED} certificates (PKCS #7 or PEM)")]
pub struct NotBundle;

/// The certificates of a bundle, in DER, in their order.
pub fn bundle(octets: &[u8]) -> Result<Vec<Vec<u8>>, NotBundle> {
    let found = match std::str::from_utf8(octets) {
        Ok(text) if text.trim_start().starts_with("-----BEGIN ") => of_pem(text)?,
        _ => of_pkcs7(octets)?,
    };
    if (1..=MAX_BUNDLED).contains(&found.len()) {
        Ok(found)
    } else {
        Err(NotBundle)
    }
}

fn of_pem(text: &str) -> Result<Vec<Vec<u8>>, NotBundle> {
    let mut all = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (label, after) = rest
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.split_once("-----"))
            .ok_or(NotBundle)?;
        let (body, after) = after.split_once(&format!("-----END {label}-----")).ok_or(NotBundle)?;
        let body: String = body.split_whitespace().collect();
        // The alphabet of PEM is another one, with its padding.
        let body = body.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let der = base64url::decode(&body).map_err(|_| NotBundle)?;
        match label {
            "CERTIFICATE" => all.push(der),
            "PKCS7" | "CMS" => all.extend(of_pkcs7(&der)?),
            _ => return Err(NotBundle),
        }
        if all.len() > MAX_BUNDLED {
            return Err(NotBundle);
        }
        rest = after.trim_start();
    }
    Ok(all)
}

fn of_pkcs7(octets: &[u8]) -> Result<Vec<Vec<u8>>, NotBundle> {
    let read = || -> Result<Vec<Vec<u8>>, NotDer> {
        let mut content = Reader::new(only(octets, SEQUENCE)?.content);
        if content.expect(OID)?.content != SIGNED_DATA {
            return Err(NotDer);
        }
        let explicit = content.expect(CONTEXT_0)?;
        let mut signed = Reader::new(only(explicit.content, SEQUENCE)?.content);
        signed.expect(INTEGER)?;
        signed.expect(SET)?;
        signed.expect(SEQUENCE)?;
        let mut certificates = Reader::new(signed.expect(CONTEXT_0)?.content);
        let mut all = Vec::new();
        while certificates.peek().is_some() && all.len() <= MAX_BUNDLED {
            all.push(certificates.expect(SEQUENCE)?.whole.to_vec());
        }
        Ok(all)
    };
    read().map_err(|_| NotBundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        let head = if length < 0x80 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [&head[..], content].concat()
    }

    fn pkcs7(certificates: &[&[u8]]) -> Vec<u8> {
        let signed = [
            element(INTEGER, &[1]),
            element(SET, &[]),
            element(
                SEQUENCE,
                &element(OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]),
            ),
            element(CONTEXT_0, &certificates.concat()),
            element(SET, &[]),
        ]
        .concat();
        let content = [
            element(OID, SIGNED_DATA),
            element(CONTEXT_0, &element(SEQUENCE, &signed)),
        ]
        .concat();
        element(SEQUENCE, &content)
    }

    #[test]
    fn certificates_are_taken_from_bundles() {
        let (one, other) = (element(SEQUENCE, &[1, 2]), element(SEQUENCE, &[3]));
        let both = vec![one.clone(), other.clone()];
        let der = pkcs7(&[&one, &other]);
        assert_eq!(bundle(&der), Ok(both.clone()));
        let text = |label: &str, der: &[u8]| {
            let body = base64url::encode(der).replace('-', "+").replace('_', "/");
            format!("-----BEGIN {label}-----\r\n{body}\r\n-----END {label}-----\r\n")
        };
        assert_eq!(bundle(text("PKCS7", &der).as_bytes()), Ok(both.clone()));
        let pem = [text("CERTIFICATE", &one), text("CERTIFICATE", &other)].concat();
        assert_eq!(bundle(pem.as_bytes()), Ok(both));
        for wrong in [
            Vec::new(),
            b"certificate".to_vec(),
            pkcs7(&[]),
            pkcs7(&[&[0x02, 0x01, 0x05]]),
            der[..der.len() - 1].to_vec(),
            one.clone(),
            text("PRIVATE KEY", &one).into_bytes(),
            b"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----".to_vec(),
            text("CERTIFICATE", &one).repeat(MAX_BUNDLED + 1).into_bytes(),
        ] {
            assert_eq!(bundle(&wrong), Err(NotBundle), "{wrong:?}");
        }
    }
}
