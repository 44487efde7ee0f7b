//! Dates: the ranges of keys that the matches of a date search are in. <http://hl7.org/fhir/R4/search.html#date>

use hygie_fhir_model::{Interval, ResourceType};
use hygie_store::{IndexRange, successor};

use super::criteria::Prefix;
use super::hint::Hint;
use super::ranges::{Accept, Layout, Range, all_of};
use crate::index::key::{Key, Kind, SHORT_MS};

/// The keys of dates and periods that may pass, in both widths.
pub fn dates(parameter: u16, prefix: Prefix, asked: Interval) -> Vec<Range> {
    let (from, to) = lows(prefix, asked, SHORT_MS);
    let short = date_range(Kind::Date, parameter, (from, to), (prefix, asked));
    let (from, to) = lows(prefix, asked, i64::MAX);
    vec![
        short,
        date_range(Kind::LongDate, parameter, (from, to), (prefix, asked)),
    ]
}

/// Where the low ends of matching intervals can be, when none is wider than `width`.
pub fn lows(prefix: Prefix, asked: Interval, width: i64) -> (i64, i64) {
    match prefix {
        Prefix::Eq => (asked.low, asked.high),
        Prefix::Ne => (i64::MIN, i64::MAX),
        Prefix::Gt | Prefix::Ge => (asked.low.saturating_sub(width), i64::MAX),
        Prefix::Lt | Prefix::Le => (i64::MIN, asked.high),
        Prefix::Sa => (asked.high, i64::MAX),
        Prefix::Eb => (i64::MIN, asked.low),
        Prefix::Ap => (asked.low.saturating_sub(width), asked.high),
    }
}

/// The keys of wide intervals that may pass.
pub fn long_dates(parameter: u16, prefix: Prefix, asked: Interval) -> IndexRange {
    date_range(
        Kind::LongDate,
        parameter,
        lows(prefix, asked, i64::MAX),
        (prefix, asked),
    )
    .keys
}

/// How wide an interval can be, when there are wide ones or none.
pub fn width(has_long: bool) -> i64 {
    if has_long { i64::MAX } else { SHORT_MS }
}

fn date_range(kind: Kind, parameter: u16, (from, to): (i64, i64), (prefix, asked): (Prefix, Interval)) -> Range {
    let start = Key::new(kind).short(parameter);
    let keys = IndexRange {
        from: start.clone().date(from).finish(),
        to: successor(start.clone().date(to).as_bytes()),
    };
    Range {
        keys,
        prefix: start.as_bytes().len(),
        layout: Layout::Interval,
        accept: Accept::Date(prefix, asked),
        hint: Hint::Any,
    }
}

/// The part of a type in order of last update that passes.
pub fn updated(kind: ResourceType, prefix: Prefix, asked: Interval) -> Range {
    let mut range = all_of(kind);
    // An instant is an interval of one millisecond: what passes is a range, but for "not".
    let (from, to) = match prefix {
        Prefix::Eq | Prefix::Ap => (asked.low, asked.high),
        Prefix::Ne => (i64::MIN, i64::MAX),
        Prefix::Gt | Prefix::Sa => (asked.high.saturating_add(1), i64::MAX),
        Prefix::Ge => (asked.low, i64::MAX),
        Prefix::Lt | Prefix::Eb => (i64::MIN, asked.low.saturating_sub(1)),
        Prefix::Le => (i64::MIN, asked.high),
    };
    let start = Key::new(Kind::Updated).kind_of(kind);
    range.keys.from = start.clone().date(from).finish();
    range.keys.to = successor(start.date(to).as_bytes());
    range
}
