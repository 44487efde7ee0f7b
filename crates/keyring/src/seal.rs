//! AES-256-GCM (NIST SP 800-38D), as the keyring and the access log use it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::KEY_LEN;

/// Bytes of a nonce. Whoever seals gives each only once per key.
pub const NONCE_LEN: usize = 12;

/// Bytes that sealing adds.
pub const TAG_LEN: usize = 16;

/// A key ready to seal and open.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// With this key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key).expect("the key has the length of AES-256"),
        ))
    }

    /// Encrypts in place and appends the tag.
    pub fn seal(&self, nonce: [u8; NONCE_LEN], bound: &[u8], bytes: &mut Vec<u8>) {
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), bytes)
            .expect("what is sealed is far shorter than the limit of GCM");
    }

    /// Decrypts in place; `None` when key, nonce, bound bytes or content differ from those sealed.
    pub fn open<'b>(&self, nonce: [u8; NONCE_LEN], bound: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let opened = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(bound), bytes);
        opened.ok().map(|plain| &*plain)
    }
}
