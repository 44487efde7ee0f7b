//! Content as base64, as it comes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

/// The base64 form of a stream, piece by piece: what does not make a whole group of three waits for the next.
pub fn encoded<E: Send + 'static>(bytes: BoxStream<'static, Result<Bytes, E>>) -> BoxStream<'static, Result<Bytes, E>> {
    let begin = Some((bytes, Vec::new()));
    let pieces = stream::try_unfold(begin, |state| async move {
        let Some((mut bytes, mut waiting)) = state else {
            return Ok(None);
        };
        Ok(Some(match bytes.try_next().await? {
            Some(piece) => {
                waiting.extend_from_slice(&piece);
                let later = waiting.split_off(waiting.len() - waiting.len() % 3);
                (Bytes::from(STANDARD.encode(&waiting)), Some((bytes, later)))
            }
            None => (Bytes::from(STANDARD.encode(&waiting)), None),
        }))
    });
    pieces.boxed()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_make_the_form_of_the_whole(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9)) {
            let whole = STANDARD.encode(pieces.concat());
            let pieces = stream::iter(pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece))));
            let all = encoded(pieces.boxed()).try_collect::<Vec<_>>().now_or_never().expect("all is there");
            prop_assert_eq!(all.expect("no error").concat(), whole.into_bytes());
        }
    }
}
