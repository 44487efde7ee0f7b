//! Compression of bodies: zstd, with a dictionary where one is given.
//!
//! A body begins with a byte that names its dictionary (0: none), so that dictionaries can be added and none is ever
//! taken away. Contexts are kept for reuse: making one costs more than compressing a resource.

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};

/// Level 3: the ratio of higher levels does not pay for their time on bodies of this size (measured).
const LEVEL: i32 = 3;

/// Largest body that is taken back, so that a damaged record cannot ask for all memory.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Contexts kept for reuse.
const KEPT: usize = 8;

/// The byte before a body without dictionary.
const NONE: u8 = 0;

/// Compresses and decompresses bodies.
#[derive(Default)]
pub struct Codec {
    compressors: Mutex<Vec<Compressor<'static>>>,
    decompressors: Mutex<Vec<Decompressor<'static>>>,
}

impl Codec {
    /// The compressed form of `body`.
    pub fn compress(&self, body: &[u8]) -> Vec<u8> {
        let mut out = vec![NONE];
        if body.is_empty() {
            return out;
        }
        let kept = self.compressors.lock().pop();
        let mut compressor = kept.unwrap_or_else(|| Compressor::new(LEVEL).expect("level 3 exists"));
        let packed = compressor
            .compress(body)
            .expect("memory suffices for the bound of the length");
        out.extend_from_slice(&packed);
        keep(&self.compressors, compressor);
        out
    }

    /// The body whose compressed form this is; `None` when it is none.
    pub fn decompress(&self, packed: &[u8]) -> Option<Vec<u8>> {
        let (dictionary, packed) = packed.split_first()?;
        if *dictionary != NONE {
            return None;
        }
        if packed.is_empty() {
            return Some(Vec::new());
        }
        let size = usize::try_from(zstd::zstd_safe::get_frame_content_size(packed).ok()??).ok()?;
        if size > MAX_BODY {
            return None;
        }
        let kept = self.decompressors.lock().pop();
        let mut decompressor = kept.or_else(|| Decompressor::new().ok())?;
        let body = decompressor.decompress(packed, size).ok();
        keep(&self.decompressors, decompressor);
        body
    }
}

fn keep<C>(contexts: &Mutex<Vec<C>>, context: C) {
    let mut contexts = contexts.lock();
    if contexts.len() < KEPT {
        contexts.push(context);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_body_comes_back(body in prop::collection::vec(any::<u8>(), 0..5000)) {
            let codec = Codec::default();
            let packed = codec.compress(&body);
            prop_assert_eq!(codec.decompress(&packed), Some(body));
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _either = Codec::default().decompress(&bytes);
        }
    }

    #[test]
    fn an_unknown_dictionary_is_told() {
        assert_eq!(Codec::default().decompress(&[9, 1, 2]), None);
    }
}
