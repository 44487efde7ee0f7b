//! Lines of a body that comes in pieces, some hundred at a time. <https://github.com/ndjson/ndjson-spec>

use bytes::{Buf, Bytes};
use futures_util::stream::{Stream, StreamExt};

use crate::interaction::Error;
use crate::service::Limits;

/// Lines of a batch, at most. The store writes a batch at once and others wait meanwhile, some ten milliseconds.
const MAX_LINES: usize = 500;

/// Bytes of a batch, at which it takes no further line.
const MAX_BYTES: usize = 1 << 20;

/// What some editors put before the first line; no part of it (RFC 8259 §8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line that is not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the body, from 1.
    pub number: u64,
    /// Its bytes, without its end; none when it is longer than a resource may be.
    pub text: Option<Vec<u8>>,
}

/// Lines that are worked on together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In their order.
    pub lines: Vec<Line>,
    /// The number of the last line, blank ones included.
    pub last: u64,
    bytes: usize,
}

/// The lines of a body.
pub struct Lines<S> {
    body: S,
    /// What came and is not cut yet.
    rest: Bytes,
    /// The beginning of a line whose end did not come yet.
    line: Vec<u8>,
    /// Whether that line is too long: then it is not kept.
    is_long: bool,
    number: u64,
    read: usize,
    limits: Limits,
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Lines<S> {
    /// Of this body.
    pub fn new(body: S, limits: Limits) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            line: Vec::new(),
            is_long: false,
            number: 0,
            read: 0,
            limits,
        }
    }

    /// The next lines; `None` after the last.
    pub async fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        let mut batch = Batch::default();
        loop {
            while let Some(at) = self.rest.iter().position(|byte| *byte == b'\n') {
                self.take(at);
                self.rest.advance(1);
                self.end_line(&mut batch);
                if batch.is_full() {
                    return Ok(Some(batch));
                }
            }
            self.take(self.rest.len());
            let Some(more) = self.body.next().await.transpose()? else {
                if self.is_long || !self.line.is_empty() {
                    self.end_line(&mut batch);
                }
                return Ok((!batch.lines.is_empty()).then_some(batch));
            };
            self.read += more.len();
            if self.read > self.limits.bundle {
                return Err(Error::TooLarge(self.limits.bundle));
            }
            self.rest = more;
        }
    }

    /// Moves bytes to the line that is being read.
    fn take(&mut self, len: usize) {
        let part = self.rest.split_to(len);
        self.is_long |= self.line.len() + part.len() > self.limits.resource;
        if self.is_long {
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(&part);
        }
    }

    fn end_line(&mut self, batch: &mut Batch) {
        self.number += 1;
        let mut text = std::mem::take(&mut self.line);
        let is_long = std::mem::take(&mut self.is_long);
        if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        batch.last = self.number;
        if is_long || !text.trim_ascii().is_empty() {
            batch.bytes += text.len();
            batch.lines.push(Line {
                number: self.number,
                text: (!is_long).then_some(text),
            });
        }
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_LINES || self.bytes >= MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream::iter;
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        resource: 12,
        bundle: 400,
        binary: 0,
        entries: 1,
        time: Duration::from_mins(2),
    };

    /// All lines of a body that comes in these pieces.
    fn lines(pieces: Vec<Vec<u8>>) -> Result<Vec<Line>, Error> {
        let body = iter(pieces.into_iter().map(|piece| Ok(Bytes::from(piece))));
        let mut lines = Lines::new(body, LIMITS);
        let mut found = Vec::new();
        futures_util::FutureExt::now_or_never(async {
            while let Some(batch) = lines.next_batch().await? {
                assert!(batch.lines.len() <= MAX_LINES && batch.lines.iter().all(|line| line.number <= batch.last));
                found.extend(batch.lines);
            }
            Ok(found)
        })
        .expect("nothing is waited for")
    }

    fn line(number: u64, text: &str) -> Line {
        let text = (!text.is_empty()).then(|| text.as_bytes().to_vec());
        Line { number, text }
    }

    #[test]
    fn lines_have_their_numbers_in_the_body() {
        let body = b"\xef\xbb\xbf{1}\r\n\n  \t\n{2}\nlonger than the limit\n{3}".to_vec();
        let expected = [line(1, "{1}\r"), line(4, "{2}"), line(5, ""), line(6, "{3}")];
        assert_eq!(lines(vec![body]).expect("lines"), expected);
        assert_eq!(lines(vec![]).expect("no lines"), []);
        assert_eq!(lines(vec![b"\n\n".to_vec()]).expect("no lines"), []);
    }

    #[test]
    fn a_batch_ends_at_its_bounds() {
        let limits = Limits {
            resource: MAX_BYTES,
            bundle: 1 << 30,
            entries: 1,
            ..LIMITS
        };
        let sizes = |line: usize, count: usize| {
            let body = [vec![b'x'; line], vec![b'\n']].concat().repeat(count);
            let mut lines = Lines::new(iter([Ok(Bytes::from(body))]), limits);
            let mut sizes = Vec::new();
            while let Some(Ok(Some(batch))) = futures_util::FutureExt::now_or_never(lines.next_batch()) {
                sizes.push(batch.lines.len());
            }
            sizes
        };
        assert_eq!(sizes(3, 1200), [500, 500, 200]);
        assert_eq!(sizes(MAX_BYTES / 2, 5), [2, 2, 1]);
        assert_eq!(sizes(MAX_BYTES, 2), [1, 1]);
    }

    #[test]
    fn a_body_beyond_the_limit_ends_there() {
        let error = lines(vec![vec![b'\n'; 300], vec![b'\n'; 101]]).expect_err("too much");
        assert!(matches!(error, Error::TooLarge(400)));
    }

    proptest! {
        /// Wherever the body is cut into pieces, the lines are the same.
        #[test]
        fn pieces_make_no_difference(
            body in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..LIMITS.bundle),
            cuts in prop::collection::vec(0..LIMITS.bundle, 0..10),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < body.len()).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| body[cut[0]..cut[1]].to_vec()).collect();
            let whole = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&body);
            let plain: Vec<Line> = whole
                .split(|byte| *byte == b'\n')
                .zip(1..)
                .filter(|(text, _)| !text.trim_ascii().is_empty())
                .map(|(text, number)| Line {
                    number,
                    text: (text.len() <= LIMITS.resource).then(|| text.to_vec()),
                })
                .collect();
            prop_assert_eq!(lines(pieces).expect("lines"), plain);
        }
    }
}
