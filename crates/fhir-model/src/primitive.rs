//! The primitive datatypes and the form of their values. <http://hl7.org/fhir/R4/datatypes.html#primitive>

use crate::date::DateTime;
use crate::json::{Json, Kind};
use crate::{id, narrative};

/// A primitive datatype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the names of the specification")]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// Largest string: 1 MiB, the limit that the specification sets.
const STRING_BYTES: usize = 1 << 20;

impl Primitive {
    /// All of them, in the order of the variants.
    pub const ALL: &'static [Self] = &[
        Self::Base64Binary,
        Self::Boolean,
        Self::Canonical,
        Self::Code,
        Self::Date,
        Self::DateTime,
        Self::Decimal,
        Self::Id,
        Self::Instant,
        Self::Integer,
        Self::Markdown,
        Self::Oid,
        Self::PositiveInt,
        Self::String,
        Self::Time,
        Self::UnsignedInt,
        Self::Uri,
        Self::Url,
        Self::Uuid,
        Self::Xhtml,
    ];

    /// Its name in the specification.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Base64Binary => "base64Binary",
            Self::Boolean => "boolean",
            Self::Canonical => "canonical",
            Self::Code => "code",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Decimal => "decimal",
            Self::Id => "id",
            Self::Instant => "instant",
            Self::Integer => "integer",
            Self::Markdown => "markdown",
            Self::Oid => "oid",
            Self::PositiveInt => "positiveInt",
            Self::String => "string",
            Self::Time => "time",
            Self::UnsignedInt => "unsignedInt",
            Self::Uri => "uri",
            Self::Url => "url",
            Self::Uuid => "uuid",
            Self::Xhtml => "xhtml",
        }
    }

    /// The kind of JSON value that carries it.
    pub const fn json(self) -> Kind {
        match self {
            Self::Boolean => Kind::Boolean,
            Self::Decimal | Self::Integer | Self::PositiveInt | Self::UnsignedInt => Kind::Number,
            _ => Kind::String,
        }
    }

    /// Whether a JSON value of the right kind has the right form.
    pub fn accepts(self, value: Json<'_>) -> bool {
        match value.kind() {
            Kind::Number => self.accepts_number(value.raw()),
            Kind::String => value.text().is_some_and(|text| self.accepts_text(&text)),
            _ => true,
        }
    }

    fn accepts_number(self, digits: &str) -> bool {
        let integer = || digits.parse::<i32>().ok();
        match self {
            Self::Integer => integer().is_some(),
            Self::UnsignedInt => integer().is_some_and(|n| n >= 0),
            Self::PositiveInt => integer().is_some_and(|n| n > 0),
            // Precision beyond this is no measurement; a limit keeps comparisons cheap.
            _ => crate::decimal::Decimal::parse(digits).is_some(),
        }
    }

    fn accepts_text(self, text: &str) -> bool {
        match self {
            Self::Code => is_code(text),
            Self::Id => id::is_id(text),
            Self::Uri | Self::Url | Self::Canonical => !text.is_empty() && !text.contains(char::is_whitespace),
            Self::Oid => is_oid(text),
            Self::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
            Self::Date => DateTime::parse(text).is_some_and(|date| date.is_date()),
            Self::DateTime => DateTime::parse(text).is_some_and(|date| date.is_date_time()),
            Self::Instant => DateTime::parse(text).is_some_and(|date| date.is_instant()),
            Self::Time => is_time(text),
            Self::Base64Binary => is_base64(text),
            Self::Xhtml => narrative::check(text).is_ok(),
            _ => !text.is_empty() && text.len() <= STRING_BYTES && !text.bytes().all(|b| b.is_ascii_whitespace()),
        }
    }
}

/// `[^\s]+(\s[^\s]+)*`
fn is_code(text: &str) -> bool {
    let mut before = true;
    for c in text.chars() {
        let space = c.is_whitespace();
        if space && before {
            return false;
        }
        before = space;
    }
    !before
}

/// `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`
fn is_oid(text: &str) -> bool {
    let Some(oid) = text.strip_prefix("urn:oid:") else {
        return false;
    };
    let mut arcs = oid.split('.');
    let first = arcs.next().is_some_and(|arc| matches!(arc, "0" | "1" | "2"));
    let number =
        |arc: &str| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'));
    first && oid.contains('.') && arcs.all(number)
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `hh:mm:ss(.s+)?`
fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else {
        return false;
    };
    let fraction = rest.is_empty()
        || rest
            .strip_prefix('.')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let two = |at: usize, max: u8| {
        clock.get(at..at + 2).is_some_and(|digits| {
            digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u8>().is_ok_and(|number| number <= max)
        })
    };
    fraction && two(0, 23) && two(3, 59) && two(6, 60) && [2, 5].iter().all(|at| clock.as_bytes()[*at] == b':')
}

/// Base64 with its padding; white space is allowed between the characters.
fn is_base64(text: &str) -> bool {
    let mut count = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => count += 1,
            b'=' => padding += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => return false,
        }
    }
    count > 0 && padding <= 2 && (count + padding).is_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_form_of_their_type() {
        use Primitive::*;
        let cases: &[(Primitive, &str, bool)] = &[
            (Code, "final", true),
            (Code, "two words", true),
            (Code, " final", false),
            (Code, "two  spaces", false),
            (Code, "", false),
            (Id, "a-1.B", true),
            (Id, "a_b", false),
            (Uri, "urn:x", true),
            (Uri, "a b", false),
            (Oid, "urn:oid:1.2.250.1", true),
            (Oid, "urn:oid:1.02", false),
            (Oid, "urn:oid:3.1", false),
            (Oid, "urn:oid:1", false),
            (Uuid, "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", true),
            (Uuid, "c757873d-ec9a-4326-a141-556f43239520", false),
            (Date, "2024-02-29", true),
            (Date, "2023-02-29", false),
            (Date, "2024-02-01T00:00:00Z", false),
            (DateTime, "2024-02-01T10:00:00+01:00", true),
            (DateTime, "2024-02-01T10:00:00", false),
            (DateTime, "2024", true),
            (Instant, "2024-02-01T10:00:00.123Z", true),
            (Instant, "2024-02-01", false),
            (Time, "23:59:60.5", true),
            (Time, "24:00:00", false),
            (Time, "12:00", false),
            (Base64Binary, "AA==", true),
            (Base64Binary, "AA=", false),
            (Base64Binary, "A*==", false),
            (Xhtml, "<div>x</div>", true),
            (Xhtml, "hello", false),
            (String, "a", true),
            (String, "  ", false),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(kind.accepts_text(text), *expected, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn numbers_keep_their_range() {
        let cases = [
            (Primitive::Integer, "-5", true),
            (Primitive::Integer, "2147483648", false),
            (Primitive::Integer, "1.0", false),
            (Primitive::UnsignedInt, "0", true),
            (Primitive::UnsignedInt, "-1", false),
            (Primitive::PositiveInt, "0", false),
            (Primitive::Decimal, "1.00", true),
            (Primitive::Decimal, "1e3", true),
        ];
        for (kind, digits, expected) in cases {
            assert_eq!(kind.accepts_number(digits), expected, "{kind:?} {digits}");
        }
    }

    #[test]
    fn all_are_in_the_order_of_the_variants() {
        for (position, primitive) in Primitive::ALL.iter().enumerate() {
            assert_eq!(*primitive as usize, position);
        }
    }
}
