//! What a browser keeps for us and may neither read nor change: AES-256-GCM under a key that all processes of a service
//! share.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hygie_core::{Random, Secret, random_array};

/// Seals and opens texts under one key.
pub struct Seal(LessSafeKey);

impl Seal {
    /// Under this key.
    pub fn new(key: &Secret<[u8; 32]>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).expect("the key has the length of AES-256");
        Self(LessSafeKey::new(key))
    }

    /// The content as base64url; it opens for the same purpose only. Nonces are random: a key is good for some four
    /// thousand million texts (NIST SP 800-38D §8.3).
    pub fn seal(&self, random: &dyn Random, purpose: &str, content: &[u8]) -> String {
        let nonce: [u8; NONCE_LEN] = random_array(random);
        let mut sealed = content.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .expect("a cookie is far below the limit of the cipher");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What was sealed for this purpose; `None` for anything else.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let content = self
            .0
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), sealed)
            .ok()?;
        Some(content.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    #[test]
    fn it_opens_for_its_purpose_and_unchanged() {
        let (random, seal) = (Counting(0.into()), Seal::new(&Secret::new([7; 32])));
        let text = seal.seal(&random, "session", b"content");
        assert_ne!(text, seal.seal(&random, "session", b"content"));
        assert_eq!(seal.open("session", &text).as_deref(), Some(&b"content"[..]));
        assert_eq!(seal.open("other", &text), None);
        assert_eq!(Seal::new(&Secret::new([8; 32])).open("session", &text), None);
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(seal.open("session", &changed), None, "{place}");
        }
        for text in ["", "AA", "%", &text[..20]] {
            assert_eq!(seal.open("session", text), None, "{text}");
        }
    }
}
