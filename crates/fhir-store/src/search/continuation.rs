//! The place in a search at which its next page begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::SearchError;

/// Names a walk through the index and the place in it. It holds no text of a patient but what the order is made of, and
/// is only understood together with the search that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuation {
    pub(super) plan: Plan,
    /// Where the walk goes on: after this place.
    pub(super) after: Vec<u8>,
    /// Number of all matches, when it was counted.
    pub(super) total: Option<u64>,
}

/// Which walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The matches of this filter, taken whole and sorted.
    List(u8),
    /// Along the ranges of this filter.
    Along(u8),
    /// Along the index of the sort parameter.
    Sorted,
    /// After [`Plan::Sorted`]: what has no value to sort by.
    Unsorted,
    /// Along the last updates.
    Updates,
    /// All matches, sorted by several keys.
    Whole,
    /// Through the ranges of this filter, one after the other.
    Through(u8),
}

const LONGEST: usize = 1024;

/// Added to the tag when eight bytes of the total follow.
const TOTAL: u8 = 0x80;

impl Continuation {
    /// As text for a link.
    pub fn encode(&self) -> String {
        let (tag, filter) = match self.plan {
            Plan::List(filter) => (0, filter),
            Plan::Along(filter) => (1, filter),
            Plan::Sorted => (2, 0),
            Plan::Unsorted => (3, 0),
            Plan::Updates => (4, 0),
            Plan::Whole => (5, 0),
            Plan::Through(filter) => (6, filter),
        };
        let mut bytes = match self.total {
            None => vec![tag, filter],
            Some(total) => [&[tag | TOTAL, filter], total.to_be_bytes().as_slice()].concat(),
        };
        bytes.extend_from_slice(&self.after);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From the text of a link.
    pub fn decode(text: &str) -> Result<Self, SearchError> {
        if text.len() > 2 * LONGEST {
            return Err(SearchError::Continuation);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SearchError::Continuation)?;
        let [tag, filter, ref rest @ ..] = bytes[..] else {
            return Err(SearchError::Continuation);
        };
        let plan = match (tag & !TOTAL, filter) {
            (0, filter) => Plan::List(filter),
            (1, filter) => Plan::Along(filter),
            (2, 0) => Plan::Sorted,
            (3, 0) => Plan::Unsorted,
            (4, 0) => Plan::Updates,
            (5, 0) => Plan::Whole,
            (6, filter) => Plan::Through(filter),
            _ => return Err(SearchError::Continuation),
        };
        let (total, after) = match rest.split_first_chunk() {
            _ if tag & TOTAL == 0 => (None, rest),
            Some((total, after)) => (Some(u64::from_be_bytes(*total)), after),
            None => return Err(SearchError::Continuation),
        };
        Ok(Self {
            plan,
            after: after.to_vec(),
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_round_trips(
            tag in 0_u8..7,
            filter in 0_u8..200,
            total in proptest::option::of(any::<u64>()),
            after in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let plan = match tag {
                0 => Plan::List(filter),
                1 => Plan::Along(filter),
                2 => Plan::Sorted,
                3 => Plan::Unsorted,
                4 => Plan::Updates,
                5 => Plan::Whole,
                _ => Plan::Through(filter),
            };
            let continuation = Continuation { plan, after, total };
            prop_assert_eq!(Continuation::decode(&continuation.encode()).ok(), Some(continuation));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}") {
            let _any = Continuation::decode(&text);
        }
    }
}
