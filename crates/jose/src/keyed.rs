//! Keyed SHA-256 (HMAC, RFC 2104) for what is stored and later compared: client secrets, codes, refresh tokens,
//! session ids. They have 256 random bits, so that no slow hash is needed; the key makes a stolen table useless.

use aws_lc_rs::hmac;
use hygie_core::{Random, Secret, random_array};

use crate::base64url;

/// A key for digests of stored secrets, of one purpose.
#[derive(Clone)]
pub struct Keyed(hmac::Key);

impl Keyed {
    /// With this key. Give each purpose its own, by [`Keyed::derive`].
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The key of one purpose, so that a digest made for one cannot stand for another.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        Self::new(&Secret::new(self.digest(purpose)))
    }

    /// The digest to store and to look up by.
    pub fn digest(&self, secret: impl AsRef<[u8]>) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.0, secret.as_ref()).as_ref());
        out
    }

    /// Whether `stored` is the digest of `secret`, in constant time.
    pub fn matches(&self, secret: impl AsRef<[u8]>, stored: &[u8]) -> bool {
        hmac::verify(&self.0, secret.as_ref(), stored).is_ok()
    }
}

/// A new secret of 256 random bits, as 43 characters that need no escaping in a form or URL.
pub fn random_secret(random: &dyn Random) -> Secret<String> {
    let bytes = Secret::new(random_array::<32>(random));
    Secret::new(base64url::encode(bytes.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_of_rfc_4231() {
        // Test case 2 has a key of four octets, which HMAC pads with zeros as it does ours.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let digest = Keyed::new(&Secret::new(key)).digest("what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let octets = (0..32).map(|at| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).unwrap());
        assert_eq!(digest.to_vec(), octets.collect::<Vec<_>>());
    }

    #[test]
    fn purposes_do_not_mix() {
        let root = Keyed::new(&Secret::new([7; 32]));
        let codes = root.derive("code");
        let stored = codes.digest("secret");
        assert!(codes.matches("secret", &stored));
        assert!(!codes.matches("Secret", &stored));
        assert!(!codes.matches("secret", &stored[..31]));
        assert!(!root.derive("refresh").matches("secret", &stored));
    }
}
