//! What comes with a page beyond its limit: where it goes on, as text for the link to `$includes`.
//!
//! It holds the numbers of the matches, so that it is about the same page whatever is written meanwhile, and the place among
//! what they bring. Whoever asks for it is asked like a search: the matches must still be some.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::SearchError;
use super::query::MAX_COUNT;

/// Where what comes with a page goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Numbers of the matches, ascending.
    pub(super) matches: Vec<i64>,
    /// What came last.
    pub(super) place: Place,
}

/// A place among what matches bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among what they refer to: this number.
    Referred(i64),
    /// Among what refers to them: of which match, by which of the references that are followed to it, and where in the index
    /// of that; at no place when nothing of it came yet.
    Referring { at: usize, step: usize, after: Vec<u8> },
}

/// Bytes of a number, at most.
const LONGEST_NUMBER: usize = 10;

/// Bytes of a place in the index, at most: a date and a number.
const LONGEST_PLACE: usize = 32;

impl Rest {
    /// As text for a link: the numbers of the matches each by its distance from the one before.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::new();
        match &self.place {
            Place::Referred(number) => {
                bytes.push(0);
                put(&mut bytes, *number);
            }
            Place::Referring { at, step, after } => {
                bytes.push(1);
                for number in [*at, *step, after.len()] {
                    put(&mut bytes, number as i64);
                }
                bytes.extend_from_slice(after);
            }
        }
        let mut before = 0;
        for rid in &self.matches {
            put(&mut bytes, rid - before);
            before = *rid;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// From the text of a link.
    pub fn decode(text: &str) -> Result<Self, SearchError> {
        if text.len() > 2 * (LONGEST_NUMBER * (MAX_COUNT + 3) + LONGEST_PLACE) {
            return Err(SearchError::Continuation);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SearchError::Continuation)?;
        let mut rest = bytes.as_slice();
        let place = place(&mut rest).ok_or(SearchError::Continuation)?;
        let (mut matches, mut before) = (Vec::new(), 0_i64);
        while !rest.is_empty() && matches.len() < MAX_COUNT {
            let step = take(&mut rest).filter(|step| *step > 0);
            before = step
                .and_then(|step| before.checked_add(step))
                .ok_or(SearchError::Continuation)?;
            matches.push(before);
        }
        if rest.is_empty() && !matches.is_empty() {
            Ok(Self { matches, place })
        } else {
            Err(SearchError::Continuation)
        }
    }
}

fn place(rest: &mut &[u8]) -> Option<Place> {
    let (tag, tail) = rest.split_first()?;
    *rest = tail;
    if *tag == 0 {
        return take(rest).map(Place::Referred);
    }
    let mut number = || usize::try_from(take(rest)?).ok();
    let (at, step, len) = (number()?, number()?, number()?);
    let is_known = *tag == 1 && len <= LONGEST_PLACE;
    let (after, tail) = rest.split_at_checked(len).filter(|_| is_known)?;
    *rest = tail;
    let after = after.to_vec();
    Some(Place::Referring { at, step, after })
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
            matches in prop::collection::btree_set(1..i64::MAX, 1..50),
            number in 0..i64::MAX,
            reverse in prop::option::of((0..1000_usize, 0..200_usize, prop::collection::vec(any::<u8>(), 0..32))),
        ) {
            let place = match reverse {
                None => Place::Referred(number),
                Some((at, step, after)) => Place::Referring { at, step, after },
            };
            let rest = Rest { matches: matches.into_iter().collect(), place };
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
        let place = Place::Referring {
            at: 999,
            step: 1000,
            after: vec![0xff; LONGEST_PLACE],
        };
        let rest = Rest { matches, place };
        assert!(rest.encode().len() < 4000);
        let many = Rest {
            matches: (1..=1001).collect(),
            place: Place::Referred(0),
        };
        assert!(Rest::decode(&many.encode()).is_err());
    }
}
