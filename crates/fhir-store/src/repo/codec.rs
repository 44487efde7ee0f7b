//! Compression of bodies: zstd with a dictionary, which makes small resources four times smaller than without.
//!
//! A body begins with a byte that names its dictionary (0: none), so that dictionaries can be added and none is ever
//! changed or taken away. The built-in one is trained on synthetic patients (`crates/server/examples/dictionary.rs`).
//! Contexts are kept for reuse: making one costs more than compressing a resource.

use std::sync::OnceLock;

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// Level 3: the ratio of higher levels does not pay for their time on bodies of this size (measured).
const LEVEL: i32 = 3;

/// Largest body that is taken back, so that a damaged record cannot ask for all memory.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Contexts of each kind kept for reuse.
const KEPT: usize = 8;

/// The byte before a body without dictionary.
const NONE: u8 = 0;

/// The byte before a body with the built-in dictionary.
const BUILT_IN: u8 = 1;

/// The built-in dictionary, digested once.
fn built_in() -> &'static (EncoderDictionary<'static>, DecoderDictionary<'static>) {
    static DIGESTED: OnceLock<(EncoderDictionary<'static>, DecoderDictionary<'static>)> = OnceLock::new();
    DIGESTED.get_or_init(|| {
        let bytes = include_bytes!("../../dictionaries/1.zstd-dictionary");
        (EncoderDictionary::copy(bytes, LEVEL), DecoderDictionary::copy(bytes))
    })
}

/// Compresses and decompresses bodies.
#[derive(Default)]
pub struct Codec {
    compressors: Mutex<Vec<Compressor<'static>>>,
    decompressors: Mutex<Vec<Decompressor<'static>>>,
}

impl Codec {
    /// The compressed form of `body`.
    pub fn compress(&self, body: &[u8]) -> Vec<u8> {
        if body.is_empty() {
            return vec![NONE];
        }
        let kept = self.compressors.lock().pop();
        let mut compressor = kept.unwrap_or_else(|| {
            Compressor::with_prepared_dictionary(&built_in().0).expect("the built-in dictionary is one")
        });
        let packed = compressor
            .compress(body)
            .expect("memory suffices for the bound of the length");
        keep(&self.compressors, compressor);
        let mut out = Vec::with_capacity(packed.len() + 1);
        out.push(BUILT_IN);
        out.extend_from_slice(&packed);
        out
    }

    /// The body whose compressed form this is; `None` when it is none.
    pub fn decompress(&self, packed: &[u8]) -> Option<Vec<u8>> {
        let (dictionary, packed) = packed.split_first()?;
        if packed.is_empty() {
            return Some(Vec::new());
        }
        if *dictionary != BUILT_IN {
            return None;
        }
        let size = usize::try_from(zstd::zstd_safe::get_frame_content_size(packed).ok()??).ok()?;
        if size > MAX_BODY {
            return None;
        }
        let kept = self.decompressors.lock().pop();
        let mut decompressor = kept.or_else(|| Decompressor::with_prepared_dictionary(&built_in().1).ok())?;
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
