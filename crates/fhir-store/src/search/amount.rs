//! Amounts: what a search for a number or quantity asks, and the ranges of keys that its matches are in.
//! <http://hl7.org/fhir/R4/search.html#number>, <http://hl7.org/fhir/R4/search.html#quantity>
//!
//! - Without prefix, and with `ne`, a value stands for all that round to it at its precision: `100` for 99.5 up to (but
//!   not including) 100.5. With `ap` it stands for a tenth to either side. With the other prefixes it is exact.
//!   One rule for all: the specification's examples in exponential form (`1e2` for 95 up to 105, `5.40e-3` for 0.00535 up
//!   to 0.00545) contradict it and one another.
//! - The precision of what is stored does not count: 100.0 is found by `100` as 100 is by `100.0`.
//! - Units are compared as written, `mg` never with `g`.

use hygie_fhir_model::Decimal;
use hygie_store::{IndexRange, StoreError, successor};

use super::criteria::{Prefix, System};
use super::ranges::{Accept, Layout, Range, Ranges};
use crate::index::amount::{self, End, Span};
use crate::index::key::{Key, Kind, Parts, is_whole};
use crate::repo::Resources;

/// What is asked of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How it is compared.
    pub prefix: Prefix,
    /// What the value of the search stands for.
    pub span: Span,
}

impl Amount {
    /// Reads a number with an optional prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, number) = Prefix::split(text);
        let value = Decimal::parse(number)?;
        let (low, high) = match prefix {
            Prefix::Eq | Prefix::Ne => value.range(),
            Prefix::Ap => value.approximation(),
            _ => (value, value),
        };
        let span = Span::between(Some(low), Some(high));
        Some(Self { prefix, span })
    }

    /// Whether an amount passes.
    pub fn admits(&self, found: &Span) -> bool {
        self.prefix
            .admits((&found.low, &found.high), (&self.span.low, &self.span.high))
    }

    /// The keys after `start` that can pass, when they are those of one value each or of ranges. Where a bound itself
    /// does not pass, the keys say so ([`Accept::Amount`]).
    fn range(&self, start: &Key, is_range: bool) -> Range {
        let (low, high) = (Some(self.span.low), Some(self.span.high));
        let (from, to) = match (self.prefix, is_range) {
            (Prefix::Eq, _) | (Prefix::Ap, false) => (low, high),
            (Prefix::Sa, _) | (Prefix::Gt | Prefix::Ge, false) => (low, None),
            (Prefix::Lt | Prefix::Le | Prefix::Eb, _) | (Prefix::Ap, true) => (None, high),
            (Prefix::Ne, _) | (Prefix::Gt | Prefix::Ge, true) => (None, None),
        };
        let at = |end: Option<End>| end.map_or_else(|| start.clone(), |end| start.clone().span_start(end));
        Range {
            keys: IndexRange {
                from: at(from).finish(),
                to: successor(at(to).as_bytes()),
            },
            prefix: start.as_bytes().len(),
            layout: Layout::Amount,
            accept: Accept::Amount(self.prefix, bytes(self.span.low), bytes(self.span.high)),
            hint: None,
        }
    }
}

fn bytes(end: End) -> Vec<u8> {
    let mut bytes = Vec::new();
    amount::write(end, &mut bytes);
    bytes
}

/// Where numbers that pass are.
pub fn number(parameter: u16, asked: &Amount) -> Range {
    asked.range(&Key::new(Kind::Number).short(parameter), false)
}

/// Most units that a search without system and code goes through; with more it asks each resource.
const MAX_UNITS: usize = 256;

/// Where quantities that pass are; `None` when the unit is open and there are too many of them.
pub async fn quantity(
    parameter: u16,
    asked: &Amount,
    (system, code): (&System, Option<&str>),
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Ranges>, StoreError> {
    let mut found = Ranges {
        ranges: Vec::new(),
        exact: code.is_none_or(is_whole),
    };
    let sid = match system {
        System::Any => None,
        System::Absent => Some(0),
        System::Is(uri) => match resources.find_system(uri).await? {
            Some(sid) => Some(sid),
            None => return Ok(Some(found)),
        },
    };
    for (kind, is_range) in [(Kind::Quantity, false), (Kind::QuantityRange, true)] {
        let start = Key::new(kind).short(parameter);
        let units = match (code, sid) {
            (Some(code), Some(sid)) => Some(vec![start.text(code).number(sid)]),
            (Some(code), None) => units(&start.text(code), Unit::Named, resources).await?,
            (None, sid) => units(&start, Unit::Open(sid), resources).await?,
        };
        let Some(units) = units else { return Ok(None) };
        let ranges = units.iter().map(|unit| asked.range(unit, is_range));
        found.ranges.extend(ranges);
    }
    Ok(Some(found))
}

/// What of a unit is open.
#[derive(Clone, Copy)]
enum Unit {
    /// Its system.
    Named,
    /// Its code; and the system, when no number is given.
    Open(Option<i64>),
}

/// The beginnings of keys, up to the unit, that are in the index.
async fn units(start: &Key, unit: Unit, resources: &mut Resources<'_, '_>) -> Result<Option<Vec<Key>>, StoreError> {
    let mut found = Vec::new();
    let mut range = IndexRange::prefix(start.as_bytes());
    for _ in 0..MAX_UNITS {
        let Some(key) = resources.first_in(&range).await? else {
            return Ok(Some(found));
        };
        let mut parts = Parts::after(&key, start.as_bytes().len());
        let wanted = match unit {
            Unit::Named => None,
            Unit::Open(sid) => {
                parts.text();
                sid
            }
        };
        let Some(sid) = parts.number() else {
            return Err(StoreError::Inconsistent("a quantity key without unit".to_owned()));
        };
        let beginning = key[..key.len() - parts.left()].to_vec();
        range.from = successor(&beginning);
        if wanted.is_none_or(|wanted| wanted == sid) {
            found.push(Key::from(beginning));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(asked: &str, low: Option<&str>, high: Option<&str>) -> bool {
        let decimal = |text: &str| Decimal::parse(text).expect("a number");
        let found = Span::between(low.map(decimal), high.map(decimal));
        Amount::parse(asked).expect("a search value").admits(&found)
    }

    /// The examples of the specification, and what is at the borders of the intervals that it names.
    #[test]
    fn the_precision_of_the_search_is_an_interval() {
        let cases = [
            ("100", "99.5", true),
            ("100", "100.49999", true),
            ("100", "100.5", false),
            ("100", "99.49999", false),
            ("100.00", "99.995", true),
            ("100.00", "100.005", false),
            ("100.00", "100", true),
            ("1e2", "50", true),
            ("1e2", "149.9", true),
            ("1e2", "150", false),
            ("lt100", "99.999", true),
            ("lt100", "100.0", false),
            ("le100", "100", true),
            ("gt100", "100.4", true),
            ("gt100", "100", false),
            ("ge100", "99.9", false),
            ("ge100", "100.00", true),
            ("ne100", "100.4", false),
            ("ne100", "100.5", true),
            ("gt8e-1", "0.8", false),
            ("gt8e-1", "0.81", true),
            ("5.40e-3", "0.00540", true),
            ("5.40e-3", "0.005405", false),
            ("ap5.4", "5.94", true),
            ("ap5.4", "5.95", false),
            ("ap-5.4", "-5.94", true),
            ("sa-1", "0", true),
            ("eb-1", "-1", false),
            ("eb-1", "-1.01", true),
            ("5", "5", true),
            ("5.5", "5", false),
        ];
        for (asked, value, expected) in cases {
            assert_eq!(admits(asked, Some(value), Some(value)), expected, "{asked} {value}");
        }
    }

    #[test]
    fn ranges_are_compared_as_the_prefixes_say() {
        let cases = [
            ("10", (Some("9.6"), Some("10.4")), true),
            ("10", (Some("9.6"), Some("10.5")), false),
            ("10", (None, Some("10")), false),
            ("gt10", (Some("1"), None), true),
            ("gt10", (None, Some("10")), false),
            ("lt10", (None, Some("30")), true),
            ("ge10", (Some("10"), Some("10")), true),
            ("sa10", (Some("10.1"), None), true),
            ("sa10", (Some("10"), None), false),
            ("eb10", (None, Some("9")), true),
            ("eb10", (None, Some("10")), false),
            ("ap10", (Some("11"), None), true),
            ("ap10", (Some("11.1"), None), false),
        ];
        for (asked, (low, high), expected) in cases {
            assert_eq!(admits(asked, low, high), expected, "{asked} {low:?} to {high:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "gt", "x5", "5x", "1e999", "gt gt5", "é5", "5,4"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }
}
