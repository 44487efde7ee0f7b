//! Digests and comparisons that the protocols around tokens need.

use aws_lc_rs::{constant_time, digest};

/// SHA-256: PKCE `S256` (RFC 7636 §4.2), `x5t#S256`, `ath`, `at_hash`.
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes.as_ref()).as_ref());
    out
}

/// SHA-1, only to *name* a certificate (`x5t`, RFC 7515 §4.1.7); it proves nothing.
pub fn sha1(bytes: impl AsRef<[u8]>) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes.as_ref()).as_ref());
    out
}

/// Whether two values are equal, in a time that depends on their length only.
pub fn constant_time_eq(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    constant_time::verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkce_example_of_rfc_7636_appendix_b() {
        let challenge = crate::base64url::encode(sha256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn equality_looks_at_length_and_content() {
        assert!(constant_time_eq("same", "same"));
        assert!(!constant_time_eq("same", "sama"));
        assert!(!constant_time_eq("same", "sam"));
    }
}
