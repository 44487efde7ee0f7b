//! What comes with a page beyond its limit: where it goes on, as text for the link to `$includes`.
//!
//! It holds the numbers of the matches, so that it is about the same page whatever is written meanwhile, and the number
//! after which what they bring goes on. Whoever asks for it is asked like a search: the matches must still be some.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::candidate::Candidate;
use super::chain::Reach;
use super::error::SearchError;
use super::include::{Included, lowest};
use super::plan::asked;
use super::query::{MAX_COUNT, Query};
use crate::repo::{Resources, Version};

/// Where what comes with a page goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Numbers of the matches, ascending.
    matches: Vec<i64>,
    /// The number of the last that came.
    after: i64,
}

/// Bytes of a number, at most.
const LONGEST_NUMBER: usize = 10;

impl Rest {
    /// Of these matches, after this number.
    pub fn new(matches: &[Version], after: i64) -> Self {
        let mut matches: Vec<i64> = matches.iter().map(|version| version.rid).collect();
        matches.sort_unstable();
        Self { matches, after }
    }

    /// As text for a link: the numbers of the matches each by its distance from the one before.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        put(&mut bytes, self.after);
        let mut before = 0;
        for rid in &self.matches {
            put(&mut bytes, rid - before);
            before = *rid;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From the text of a link.
    pub fn decode(text: &str) -> Result<Self, SearchError> {
        if text.len() > 2 * LONGEST_NUMBER * (MAX_COUNT + 1) {
            return Err(SearchError::Continuation);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SearchError::Continuation)?;
        let mut rest = bytes.as_slice();
        let after = take(&mut rest).ok_or(SearchError::Continuation)?;
        let (mut matches, mut before) = (Vec::new(), 0_i64);
        while !rest.is_empty() && matches.len() < MAX_COUNT {
            let step = take(&mut rest).filter(|step| *step > 0);
            before = step
                .and_then(|step| before.checked_add(step))
                .ok_or(SearchError::Continuation)?;
            matches.push(before);
        }
        if rest.is_empty() {
            Ok(Self { matches, after })
        } else {
            Err(SearchError::Continuation)
        }
    }

    /// What comes next.
    pub async fn page(&self, resources: &mut Resources<'_, '_>, query: &Query) -> Result<Included, SearchError> {
        let asked = asked(resources, (query.kind, &query.filters), Reach::LATER).await?;
        let mut matches = Vec::with_capacity(self.matches.len());
        for rid in &self.matches {
            let mut candidate = Candidate::new(*rid);
            if candidate.passes(query.kind, &asked, None, resources).await? {
                matches.push(candidate.into_version(resources).await?);
            }
        }
        lowest(resources, query, &matches, self.after).await
    }
}

/// Seven bits a byte, the lowest first; the numbers are not negative.
fn put(out: &mut Vec<u8>, number: i64) {
    let mut rest = number.cast_unsigned();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn take(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0_i64;
    for shift in (0..63).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= i64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_round_trips(
            matches in prop::collection::btree_set(1..i64::MAX, 0..50),
            after in 0..i64::MAX,
        ) {
            let rest = Rest { matches: matches.into_iter().collect(), after };
            prop_assert_eq!(Rest::decode(&rest.encode()).ok(), Some(rest));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_-]{0,80}|.{0,40}") {
            let _any = Rest::decode(&text);
        }
    }

    #[test]
    fn a_full_page_fits_into_an_address() {
        let matches = (1..=1000).map(|n| 2_000_000_000 + n * 300).collect();
        let rest = Rest {
            matches,
            after: i64::MAX,
        };
        assert!(rest.encode().len() < 4000);
        let many = Rest {
            matches: (1..=1001).collect(),
            after: 0,
        };
        assert!(Rest::decode(&many.encode()).is_err());
    }
}
