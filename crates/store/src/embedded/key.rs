//! A key of the ordered index as the tail keeps it: short ones inline, so that a comparison follows no pointer.

use std::cmp::Ordering;

const INLINE: usize = 30;

/// An index key.
#[derive(Clone, Debug)]
pub enum Key {
    /// Up to 30 bytes, nearly all keys.
    Inline(u8, [u8; INLINE]),
    /// Longer ones.
    Heap(Box<[u8]>),
}

impl Key {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline(len, bytes) => &bytes[..usize::from(*len)],
            Self::Heap(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE {
            let mut inline = [0; INLINE];
            inline[..bytes.len()].copy_from_slice(bytes);
            Self::Inline(bytes.len() as u8, inline)
        } else {
            Self::Heap(bytes.into())
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}
