//! Certificates and revocation lists as files have them: DER, or PEM (RFC 7468) with one of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The octets of the first object with this label; of a file that is no PEM all of it.
pub fn der(file: &[u8], label: &str) -> Option<Vec<u8>> {
    let Some(text) = std::str::from_utf8(file)
        .ok()
        .filter(|text| text.contains("-----BEGIN "))
    else {
        return (!file.is_empty()).then(|| file.to_vec());
    };
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let (_, after) = text.split_once(&begin)?;
    let (content, _) = after.split_once(&end)?;
    let base64: String = content.split_ascii_whitespace().collect();
    STANDARD.decode(base64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let text = b"x\n-----BEGIN CERTIFICATE-----\r\nAQID\r\nBA==\r\n-----END CERTIFICATE-----\n";
        assert_eq!(der(text, "CERTIFICATE"), Some(vec![1, 2, 3, 4]));
        assert_eq!(der(text, "X509 CRL"), None);
        assert_eq!(
            der(
                b"-----BEGIN CERTIFICATE-----\nAQ*=\n-----END CERTIFICATE-----",
                "CERTIFICATE"
            ),
            None
        );
        assert_eq!(der(b"-----BEGIN CERTIFICATE-----\nAQID", "CERTIFICATE"), None);
        assert_eq!(der(&[0x30, 0x82, 0xff], "CERTIFICATE"), Some(vec![0x30, 0x82, 0xff]));
        assert_eq!(der(b"", "CERTIFICATE"), None);
    }
}
