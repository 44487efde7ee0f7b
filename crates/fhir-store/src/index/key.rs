//! The keys of a FHIR service's ordered index: what each begins with, and how its parts are written so that byte order
//! is the order wanted.
//!
//! | kind | parts | what it answers |
//! |---|---|---|
//! | `Ident` | type, id, `rid` | which resource number an id has (given when it is first created *or referenced*) |
//! | `Current` | `rid`, `seq`, type, flags, date, width, patient | where its current version is, and what sorts and joins need |
//! | `History` | `rid`, version number, `seq` | superseded versions |
//! | `Updated` | type, last updated, `rid` | a type in order of last update |
//! | `System` | URI, `sid` | which number a code system or identifier namespace has |
//! | `Past` | type, last updated, `rid`, `seq` | superseded versions and deletions of a type in order of time |
//! | `Token` | parameter, code, `sid`, `rid` | code or identifier, with or without system |
//! | `TokenDate` | parameter, code, `sid`, date, `rid`, width, patient | the same where the type has a date: replaces `Token` |
//! | `PatientDate` | patient, type, date, `rid`, width, hash of the code | a patient's resources in order of date; the compartment |
//! | `Reference` | parameter, target `rid`, `rid` | what refers to a resource |
//! | `External` | parameter, text, `rid` | references that leave the server: absolute, canonical, `urn:` |
//! | `Date` | parameter, low, high, `rid` | dates and periods up to [`SHORT_MS`] |
//! | `LongDate` | parameter, low, high, `rid` | longer periods |
//! | `Text` | parameter, folded text, `rid` | strings |
//! | `Number` | parameter, amount, `rid` | numbers |
//! | `Quantity` | parameter, unit, `sid`, amount, `rid` | quantities of one value; the unit as code and as people read it |
//! | `QuantityRange` | parameter, unit, `sid`, amount, `rid` | ranges, and quantities with a comparator |
//! | `Absent` | parameter, `rid` | resources without a value of a parameter that its type is sorted by |
//!
//! Numbers are given by the journal's sequence: `rid` to a resource, `seq` to a version, `sid` to a system. The width is that of
//! the date ([`super::When`]).

use hygie_fhir_model::ResourceType;

use super::amount::{self, End, Ends, Span};

/// What a key begins with. The numbers are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Id → resource number.
    Ident = 0x01,
    /// Resource number → current version.
    Current = 0x02,
    /// Resource number and version number → superseded version.
    History = 0x03,
    /// Type in order of last update.
    Updated = 0x04,
    /// URI → system number.
    System = 0x05,
    /// Superseded versions and deletions of a type in order of time.
    Past = 0x06,
    /// Token without date.
    Token = 0x10,
    /// Token of a type with a date.
    TokenDate = 0x11,
    /// Patient's resources by date.
    PatientDate = 0x12,
    /// Reference to a resource of this server.
    Reference = 0x13,
    /// Reference to elsewhere.
    External = 0x14,
    /// Short date range.
    Date = 0x15,
    /// Long date range.
    LongDate = 0x16,
    /// Folded string.
    Text = 0x17,
    /// Number.
    Number = 0x18,
    /// Quantity of one value.
    Quantity = 0x19,
    /// Quantity that is a range.
    QuantityRange = 0x1A,
    /// No value.
    Absent = 0x1B,
}

impl Kind {
    /// Whether keys that begin with this byte come in no order while resources come one patient after the other: by ids, codes,
    /// dates and texts. The others come in the order of numbers and time, or are near their patient.
    pub fn scatters(first: u8) -> bool {
        const KINDS: [Kind; 9] = [
            Kind::Ident,
            Kind::Token,
            Kind::TokenDate,
            Kind::Date,
            Kind::LongDate,
            Kind::Text,
            Kind::Number,
            Kind::Quantity,
            Kind::QuantityRange,
        ];
        KINDS.iter().any(|kind| *kind as u8 == first)
    }
}

/// Ranges up to this width are `Date` keys: 25 hours hold a day in any zone.
pub const SHORT_MS: i64 = 25 * 3600 * 1000;

/// Longest part of free text in a key, in bytes; longer values are cut there and compared in the resource.
pub const MAX_TEXT: usize = 128;

/// Longest URI of a system in a key, in bytes: two that begin alike for so long are one.
pub const MAX_LONG_TEXT: usize = 512;

/// Milliseconds of 0001-01-01, the least date that is written; dates take seven bytes from there.
pub const FIRST_MS: i64 = -62_135_596_800_000;

/// The greatest date that is written, which also stands for "no end".
pub const LAST_MS: i64 = FIRST_MS + (1 << 56) - 1;

/// Writes a key part by part.
#[derive(Clone, Debug)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key of this kind.
    pub fn new(kind: Kind) -> Self {
        let mut bytes = Vec::with_capacity(40);
        bytes.push(kind as u8);
        Self(bytes)
    }

    /// Appends the number of a type or parameter: two bytes.
    #[must_use]
    pub fn short(mut self, number: u16) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Appends a type.
    #[must_use]
    pub fn kind_of(self, kind: ResourceType) -> Self {
        self.short(kind.number())
    }

    /// Appends a number of the sequence: one byte of length, then as many bytes as it needs.
    #[must_use]
    pub fn number(mut self, number: i64) -> Self {
        let bytes = number.to_be_bytes();
        let skip = (number.leading_zeros() / 8) as usize;
        self.0.push((8 - skip) as u8);
        self.0.extend_from_slice(&bytes[skip..]);
        self
    }

    /// Appends free text and its end. Text longer than [`MAX_TEXT`] is cut at a character.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(cut(text).as_bytes());
        self.0.push(0);
        self
    }

    /// Appends text of which much must be kept, and its end: cut at [`MAX_LONG_TEXT`].
    #[must_use]
    pub fn long_text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(cut_at(text, MAX_LONG_TEXT).as_bytes());
        self.0.push(0);
        self
    }

    /// Appends the beginning of free text, for a range of all texts that begin so.
    #[must_use]
    pub fn text_start(mut self, text: &str) -> Self {
        self.0.extend_from_slice(cut(text).as_bytes());
        self
    }

    /// Appends an instant in milliseconds: seven bytes, clamped to the years 0001 to 2285000.
    #[must_use]
    pub fn date(mut self, millis: i64) -> Self {
        let offset = millis.clamp(FIRST_MS, LAST_MS) - FIRST_MS;
        self.0.extend_from_slice(&offset.to_be_bytes()[1..]);
        self
    }

    /// Appends an amount.
    #[must_use]
    pub fn span(mut self, span: &Span) -> Self {
        amount::write_span(span, &mut self.0);
        self
    }

    /// Appends the lower end of an amount, for a range of all that begin there.
    #[must_use]
    pub fn span_start(mut self, low: End) -> Self {
        amount::write(low, &mut self.0);
        self
    }

    /// Appends four bytes.
    #[must_use]
    pub fn hash(mut self, hash: u32) -> Self {
        self.0.extend_from_slice(&hash.to_be_bytes());
        self
    }

    /// Appends one byte.
    #[must_use]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The finished key.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// `text` up to [`MAX_TEXT`] bytes, ending at a character, without the byte that ends texts.
pub fn cut(text: &str) -> &str {
    cut_at(text, MAX_TEXT)
}

/// Whether a key holds this text, and no other text that was cut is the same in a key: a cut one can be three bytes
/// shorter than [`MAX_TEXT`], as characters are not divided.
pub fn is_whole(text: &str) -> bool {
    text.len() + 3 < MAX_TEXT
}

fn cut_at(text: &str, max: usize) -> &str {
    let text = text.split('\0').next().unwrap_or_default();
    &text[..text.floor_char_boundary(max)]
}

impl From<Vec<u8>> for Key {
    /// Goes on with a key that was begun.
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Reads a key part by part, in the order in which it was written.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'k>(&'k [u8]);

impl<'k> Parts<'k> {
    /// Of this key, after `prefix` bytes.
    pub fn after(key: &'k [u8], prefix: usize) -> Self {
        Self(key.get(prefix..).unwrap_or_default())
    }

    /// Bytes that are not read yet.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    fn bytes(&mut self, len: usize) -> Option<&'k [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    /// The number of a type or parameter.
    pub fn short(&mut self) -> Option<u16> {
        self.bytes(2)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u16::from_be_bytes)
    }

    /// A number of the sequence.
    pub fn number(&mut self) -> Option<i64> {
        let len = usize::from(*self.bytes(1)?.first()?);
        let bytes = self.bytes(len)?;
        (len <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
    }

    /// Free text.
    pub fn text(&mut self) -> Option<&'k [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Some(text)
    }

    /// An instant in milliseconds.
    pub fn date(&mut self) -> Option<i64> {
        let bytes = self.bytes(7)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)) + FIRST_MS)
    }

    /// The ends of an amount, as bytes in their order.
    pub fn span(&mut self) -> Option<Ends<'k>> {
        let (ends, rest) = amount::read_span(self.0)?;
        self.0 = rest;
        Some(ends)
    }

    /// Four bytes.
    pub fn hash(&mut self) -> Option<u32> {
        self.bytes(4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_be_bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_keep_their_order(a in 0_i64.., b in 0_i64..) {
            let (x, y) = (Key::new(Kind::Ident).number(a).finish(), Key::new(Kind::Ident).number(b).finish());
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(Parts::after(&x, 1).number(), Some(a));
        }

        #[test]
        fn dates_keep_their_order(a in FIRST_MS..LAST_MS, b in FIRST_MS..LAST_MS) {
            let (x, y) = (Key::new(Kind::Date).date(a).finish(), Key::new(Kind::Date).date(b).finish());
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
            prop_assert_eq!(Parts::after(&x, 1).date(), Some(a));
        }

        #[test]
        fn texts_keep_their_order_and_bounds(a in ".{0,200}", number in 0_i64..) {
            let key = Key::new(Kind::Text).text(&a).number(number).finish();
            let mut parts = Parts::after(&key, 1);
            prop_assert_eq!(parts.text(), Some(cut(&a).as_bytes()));
            prop_assert_eq!(parts.number(), Some(number));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut parts = Parts::after(&bytes, 1);
            let _any = (parts.short(), parts.number(), parts.text(), parts.date(), parts.hash(), parts.byte());
        }
    }

    #[test]
    fn dates_beyond_the_range_are_clamped() {
        let key = |ms| Key::new(Kind::Date).date(ms).finish();
        assert_eq!(key(i64::MIN), key(FIRST_MS));
        assert_eq!(key(i64::MAX), key(LAST_MS));
    }
}
