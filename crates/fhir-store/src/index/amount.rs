//! Amounts in index keys: numbers, and ranges of them, written so that byte order is the order of the values.
//!
//! An end is one byte for its class, then for numbers other than 0 the power of ten of the first digit (two bytes) and
//! the digits, two to a byte, with their end. What is negative is complemented. Equal values are written alike, whatever
//! their precision, and no end is the beginning of another.

use std::cmp::Ordering;

use hygie_fhir_model::Decimal;

/// An end of an amount.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Open below.
    Below,
    /// This value.
    At(Decimal),
    /// Open above.
    Above,
}

impl Ord for End {
    fn cmp(&self, other: &Self) -> Ordering {
        let class = |end: &Self| match end {
            Self::Below => 0,
            Self::At(_) => 1,
            Self::Above => 2,
        };
        match (self, other) {
            (Self::At(a), Self::At(b)) => a.compare(*b),
            _ => class(self).cmp(&class(other)),
        }
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for End {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for End {}

/// What an amount may be: all from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub low: End,
    /// The greatest.
    pub high: End,
}

impl Span {
    /// One value.
    pub fn point(value: Decimal) -> Self {
        Self::between(Some(value), Some(value))
    }

    /// From one value to another; `None` is open.
    pub fn between(low: Option<Decimal>, high: Option<Decimal>) -> Self {
        Self {
            low: low.map_or(End::Below, End::At),
            high: high.map_or(End::Above, End::At),
        }
    }

    /// Whether it is one value.
    pub fn is_point(&self) -> bool {
        self.low == self.high
    }
}

const SAME: u8 = 0;
const BELOW: u8 = 1;
const NEGATIVE: u8 = 2;
const ZERO: u8 = 3;
const POSITIVE: u8 = 4;
const ABOVE: u8 = 5;

/// Appends an end.
pub fn write(end: End, out: &mut Vec<u8>) {
    let value = match end {
        End::Below => return out.push(BELOW),
        End::Above => return out.push(ABOVE),
        End::At(value) => value.scientific(),
    };
    let flip = match value.sign {
        Ordering::Less => u8::MAX,
        Ordering::Equal => return out.push(ZERO),
        Ordering::Greater => 0,
    };
    out.push(if flip == 0 { POSITIVE } else { NEGATIVE });
    // Shifted, so that negative powers come before positive ones.
    let power = (value.power ^ i16::MIN).to_be_bytes();
    let digits = value.digits.to_string();
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let digit = |at: usize| pair.get(at).map_or(0, |digit| digit - b'0');
        1 + 10 * digit(0) + digit(1)
    });
    out.extend(power.into_iter().chain(pairs).chain([0]).map(|byte| byte ^ flip));
}

/// Appends both ends; the second of one value is a single byte.
pub fn write_span(span: &Span, out: &mut Vec<u8>) {
    write(span.low, out);
    if span.is_point() {
        out.push(SAME);
    } else {
        write(span.high, out);
    }
}

/// The bytes of an end, and those after it.
fn read(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = match *bytes.first()? {
        BELOW | ZERO | ABOVE => return bytes.split_at_checked(1),
        NEGATIVE => u8::MAX,
        POSITIVE => 0,
        _ => return None,
    };
    let digits = bytes.get(3..)?;
    let end = digits.iter().position(|byte| *byte == last)?;
    bytes.split_at_checked(3 + end + 1)
}

/// The bytes of the lower and the upper end.
pub type Ends<'k> = (&'k [u8], &'k [u8]);

/// The bytes of both ends, and those after them.
pub fn read_span(bytes: &[u8]) -> Option<(Ends<'_>, &[u8])> {
    let (low, rest) = read(bytes)?;
    if let Some(rest) = rest.strip_prefix(&[SAME]) {
        return Some(((low, low), rest));
    }
    let (high, rest) = read(rest)?;
    Some(((low, high), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(end: End) -> Vec<u8> {
        let mut out = Vec::new();
        write(end, &mut out);
        out
    }

    fn end() -> impl Strategy<Value = End> {
        let number = "-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{12,17})(\\.[0-9]{1,8})?(e-?[1-9][0-9]?)?";
        prop_oneof![
            1 => Just(End::Below),
            1 => Just(End::Above),
            9 => number.prop_map(|text| End::At(Decimal::parse(&text).expect("a number"))),
        ]
    }

    proptest! {
        #[test]
        fn byte_order_is_the_order_of_values(a in end(), b in end()) {
            prop_assert_eq!(bytes(a).cmp(&bytes(b)), a.cmp(&b), "{:?} {:?}", a, b);
        }

        #[test]
        fn spans_are_read_as_written(a in end(), b in end(), rest in proptest::collection::vec(any::<u8>(), 0..4)) {
            let span = Span { low: a.min(b), high: a.max(b) };
            let mut out = Vec::new();
            write_span(&span, &mut out);
            out.extend_from_slice(&rest);
            let (low, high) = (bytes(span.low), bytes(span.high));
            prop_assert_eq!(read_span(&out), Some(((low.as_slice(), high.as_slice()), rest.as_slice())));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _any = read_span(&bytes);
        }
    }

    #[test]
    fn the_layout_is_frozen() {
        let at = |text: &str| bytes(End::At(Decimal::parse(text).expect("a number")));
        assert_eq!(at("120.50"), [4, 0x80, 2, 13, 6, 0]);
        assert_eq!(at("120.5"), at("1205e-1"));
        assert_eq!(at("-7"), [2, 0x7f, 0xff, 255 - 71, 255]);
        assert_eq!(at("-0.0"), [3]);
    }
}
