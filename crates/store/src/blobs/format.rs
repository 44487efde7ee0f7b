//! What a sealed blob looks like: a header, then chunks of AES-256-GCM in the manner of STREAM (Hoang, Reyhanitabar,
//! Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015).
//!
//! Every blob has a key of its own, derived from the container's key and from header, container and name. So a blob
//! that was renamed, moved to another container or given another header does not open. The nonce of a chunk is its
//! index and whether it is the last, so chunks cannot change places, and none can be cut off or added unnoticed.

use std::ops::Range;

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::keys::{DataKey, KEY_LEN, KeyId, NONCE_LEN, Sealer, TAG_LEN};

/// Bytes of the header: magic 4, version 1, binary logarithm of the chunk size 1, zero 2, key id 8, salt 32.
pub const HEADER_LEN: usize = 48;
/// Bytes of the random salt that makes the key of each blob another one.
pub const SALT_LEN: usize = 32;
const MAGIC: [u8; 4] = *b"HYGB";
const VERSION: u8 = 1;
/// Chunks of 4 KiB to 4 MiB: the upper limit bounds what a forged header can make a reader allocate.
const CHUNK_LOG2: std::ops::RangeInclusive<u8> = 12..=22;
/// Binary logarithm of the size of the chunks that are written: 64 KiB.
pub const CHUNK: u8 = 16;
const LABEL: &[u8] = b"hygie sealed blob";

/// Why a blob does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The header is not one of this format.
    #[error("it has no header of a sealed blob")]
    NotABlob,
    /// The header names a key that the container does not have: the header was altered, or the keyring is not the one.
    #[error("its key {0} is not known")]
    UnknownKey(KeyId),
    /// A newer program wrote it.
    #[error("it has the format {0}, which this program does not know")]
    UnknownVersion(u8),
    /// The length is none that sealing makes.
    #[error("its length is none of a sealed blob: it was cut off or added to")]
    Length,
    /// A chunk was altered, moved or cut off, or the blob belongs elsewhere.
    #[error("chunk {0} was altered, moved or cut off")]
    Altered(u64),
}

/// The first bytes of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    chunk_log2: u8,
    /// Names the container's key.
    pub key: KeyId,
    salt: [u8; SALT_LEN],
}

impl Header {
    /// For a new blob, in chunks of 64 KiB. The salt is random and never used twice.
    pub fn new(key: KeyId, salt: [u8; SALT_LEN]) -> Self {
        Self {
            chunk_log2: CHUNK,
            key,
            salt,
        }
    }

    /// The same with chunks of `1 << log2` bytes, which [`Header::parse`] accepts from 4 KiB to 4 MiB.
    #[must_use]
    pub fn in_chunks_of(self, log2: u8) -> Self {
        Self {
            chunk_log2: log2,
            ..self
        }
    }

    /// For the same blob under another key, in the same chunks.
    #[must_use]
    pub fn renewed(&self, key: KeyId, salt: [u8; SALT_LEN]) -> Self {
        Self::new(key, salt).in_chunks_of(self.chunk_log2)
    }

    /// As bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[5] = self.chunk_log2;
        bytes[8..16].copy_from_slice(&self.key.0);
        bytes[16..].copy_from_slice(&self.salt);
        bytes
    }

    /// Reads what [`Header::to_bytes`] wrote. Nothing in it is trusted before a chunk has opened.
    pub fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, FormatError> {
        if bytes[..4] != MAGIC {
            return Err(FormatError::NotABlob);
        }
        if bytes[4] != VERSION {
            return Err(FormatError::UnknownVersion(bytes[4]));
        }
        if !CHUNK_LOG2.contains(&bytes[5]) || bytes[6..8] != [0, 0] {
            return Err(FormatError::NotABlob);
        }
        let mut header = Self::new(KeyId([0; 8]), [0; SALT_LEN]);
        header.chunk_log2 = bytes[5];
        header.key.0.copy_from_slice(&bytes[8..16]);
        header.salt.copy_from_slice(&bytes[16..]);
        Ok(header)
    }

    /// Bytes of content in each chunk but the last.
    pub fn chunk_len(&self) -> u64 {
        1 << self.chunk_log2
    }

    /// The layout of a blob of this many sealed bytes, header included.
    pub fn layout(&self, sealed_len: u64) -> Result<Layout, FormatError> {
        let sealed_chunk = self.chunk_len() + TAG_LEN as u64;
        let body = sealed_len.checked_sub(HEADER_LEN as u64).ok_or(FormatError::Length)?;
        let chunks = body.div_ceil(sealed_chunk);
        let content = body.checked_sub(chunks * TAG_LEN as u64).ok_or(FormatError::Length)?;
        // An empty blob is one empty chunk; no other blob ends with one.
        if chunks == 0 || content.div_ceil(self.chunk_len()).max(1) != chunks {
            return Err(FormatError::Length);
        }
        Ok(Layout {
            chunk: self.chunk_len(),
            chunks,
            content,
        })
    }
}

/// Where the chunks of a blob lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    chunk: u64,
    /// How many chunks; at least one.
    pub chunks: u64,
    /// Bytes of content.
    pub content: u64,
}

impl Layout {
    /// The chunks that hold a range of the content, which is cut to the content.
    pub fn chunks_of(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.min(self.content);
        if range.start >= end {
            return 0..0;
        }
        range.start / self.chunk..end.div_ceil(self.chunk)
    }

    /// Where the content of a chunk starts.
    pub fn start(&self, index: u64) -> u64 {
        index * self.chunk
    }

    /// The sealed bytes of a chunk.
    pub fn sealed(&self, index: u64) -> Range<u64> {
        let start = HEADER_LEN as u64 + index * (self.chunk + TAG_LEN as u64);
        let content = self.content.saturating_sub(index * self.chunk).min(self.chunk);
        start..start + content + TAG_LEN as u64
    }
}

/// Seals and opens the chunks of one blob.
pub struct Chunks(Sealer);

impl Chunks {
    /// Derives the key of a blob: NIST SP 800-108r1 §4.1 (counter mode, one block) with HMAC-SHA-256.
    pub fn new(key: &DataKey, header: &Header, container: &str, name: &str) -> Self {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.key.expose()));
        mac.update(&1_u32.to_be_bytes());
        mac.update(LABEL);
        mac.update(&[0]);
        mac.update(&header.to_bytes());
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        mac.update(&(container.len() as u64).to_be_bytes());
        mac.update(container.as_bytes());
        mac.update(name.as_bytes());
        mac.update(&(KEY_LEN as u32 * 8).to_be_bytes());
        let mut derived = Zeroizing::new([0; KEY_LEN]);
        derived.copy_from_slice(mac.sign().as_ref());
        Self(Sealer::new(&derived))
    }

    /// Seals a chunk in place and appends its tag.
    pub fn seal(&self, index: u64, last: bool, chunk: &mut Vec<u8>) {
        self.0.seal(nonce(index, last), &[], chunk);
    }

    /// Opens a chunk in place.
    pub fn open<'b>(&self, index: u64, last: bool, chunk: &'b mut [u8]) -> Result<&'b [u8], FormatError> {
        let opened = self.0.open(nonce(index, last), &[], chunk);
        opened.ok_or(FormatError::Altered(index))
    }
}

fn nonce(index: u64, last: bool) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}

#[cfg(test)]
mod tests {
    use hygie_core::Secret;
    use proptest::prelude::*;

    use super::*;

    fn key() -> DataKey {
        DataKey {
            id: KeyId([7; 8]),
            key: Secret::new([9; KEY_LEN]),
        }
    }

    fn header() -> Header {
        Header::new(KeyId([7; 8]), [3; SALT_LEN])
    }

    #[test]
    fn a_chunk_opens_only_where_it_was_sealed() {
        let mut sealed = b"image".to_vec();
        Chunks::new(&key(), &header(), "a", "bc").seal(2, false, &mut sealed);
        let open = |header: &Header, container: &str, name: &str, index, last| {
            let mut bytes = sealed.clone();
            let chunks = Chunks::new(&key(), header, container, name);
            chunks.open(index, last, &mut bytes).map(<[u8]>::to_vec)
        };
        assert_eq!(open(&header(), "a", "bc", 2, false), Ok(b"image".to_vec()));
        let salted = Header::new(KeyId([7; 8]), [4; SALT_LEN]);
        for wrong in [
            open(&header(), "ab", "c", 2, false),
            open(&header(), "a", "bd", 2, false),
            open(&header(), "a", "bc", 2, true),
            open(&salted, "a", "bc", 2, false),
        ] {
            assert_eq!(wrong, Err(FormatError::Altered(2)));
        }
        assert_eq!(open(&header(), "a", "bc", 3, false), Err(FormatError::Altered(3)));
    }

    #[test]
    fn a_header_of_another_kind_is_refused() {
        let bytes = header().to_bytes();
        assert_eq!(Header::parse(&bytes), Ok(header()));
        for (at, value, error) in [
            (0, 0, FormatError::NotABlob),
            (4, 2, FormatError::UnknownVersion(2)),
            (5, 23, FormatError::NotABlob),
            (6, 1, FormatError::NotABlob),
        ] {
            let mut other = bytes;
            other[at] = value;
            assert_eq!(Header::parse(&other), Err(error));
        }
    }

    proptest! {
        #[test]
        fn a_layout_is_found_from_the_sealed_length(chunks in 0_u64..4, around in 0_u64..40) {
            let content = (chunks * 65_536 + around).saturating_sub(20);
            let count = content.div_ceil(65_536).max(1);
            let sealed = HEADER_LEN as u64 + content + count * TAG_LEN as u64;
            let layout = header().layout(sealed).unwrap();
            prop_assert_eq!((layout.content, layout.chunks), (content, count));
            prop_assert_eq!(layout.sealed(count - 1).end, sealed);
        }
    }
}
