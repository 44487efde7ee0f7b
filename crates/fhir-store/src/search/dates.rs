//! Dates: the ranges of keys that the matches of a date search are in. <http://hl7.org/fhir/R4/search.html#date>

use hygie_fhir_model::{Interval, ResourceType};
use hygie_store::{IndexRange, successor};

use super::criteria::{Criterion, Filter, Prefix, Test};
use super::ranges::{Accept, Layout, Range, all_of};
use crate::index::When;
use crate::index::extract::principal;
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

/// Whether it is a filter on the date that keys have.
pub fn is_principal(filter: &Filter, kind: ResourceType) -> bool {
    principal(kind).date == Some(filter.parameter.number.get()) && matches!(filter.test, Test::Any(_))
}

/// Whether a filter on the principal date holds, as far as keys tell that date.
pub fn holds(filter: &Filter, when: When) -> Option<bool> {
    let Test::Any(values) = &filter.test else { return None };
    let mut passes = Some(false);
    for value in values {
        let Criterion::Date { prefix, interval } = value else {
            return None;
        };
        match decided(*prefix, *interval, when) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => passes = None,
        }
    }
    passes
}

/// Whether a date passes, as far as keys tell it. Where that is the least beginning of intervals alone: none ends before it
/// begins.
fn decided(prefix: Prefix, asked: Interval, when: When) -> Option<bool> {
    if !when.is_known() {
        return None;
    }
    if let Some(only) = when.only() {
        return Some(prefix.holds(only, asked));
    }
    let least = when.low;
    let (begins_before, begins_after) = (least < asked.low, least > asked.high);
    match prefix {
        Prefix::Lt => Some(begins_before),
        Prefix::Ge => (!begins_before).then_some(true),
        Prefix::Gt | Prefix::Sa => begins_after.then_some(true),
        Prefix::Le if begins_before => Some(true),
        Prefix::Ne if begins_before || begins_after => Some(true),
        Prefix::Eq | Prefix::Ap | Prefix::Le if begins_after => Some(false),
        Prefix::Eb if !begins_before => Some(false),
        Prefix::Eq | Prefix::Ap | Prefix::Le | Prefix::Ne | Prefix::Eb => None,
    }
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
        hint: None,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIXES: [Prefix; 9] = [
        Prefix::Eq,
        Prefix::Ne,
        Prefix::Gt,
        Prefix::Lt,
        Prefix::Ge,
        Prefix::Le,
        Prefix::Sa,
        Prefix::Eb,
        Prefix::Ap,
    ];

    fn intervals() -> impl Strategy<Value = Interval> {
        (0..30_i64, 0..10_i64).prop_map(|(low, width)| Interval { low, high: low + width })
    }

    proptest! {
        #[test]
        fn what_is_decided_is_what_the_intervals_say(
            values in prop::collection::vec(intervals(), 1..4),
            asked in intervals(),
        ) {
            let when = values[1..].iter().fold(When::of(values[0]), |when, value| when.and(*value));
            for prefix in PREFIXES {
                let holds = values.iter().any(|value| prefix.holds(*value, asked));
                let decided = decided(prefix, asked, when);
                prop_assert!(when.only().is_none() || decided.is_some());
                prop_assert!(decided.is_none_or(|decided| decided == holds), "{prefix:?} {asked:?} {values:?}");
            }
        }
    }

    #[test]
    fn most_of_a_range_is_decided() {
        let asked = Interval { low: 10, high: 19 };
        for (prefix, expected) in [
            (Prefix::Ge, [None, Some(true), Some(true)]),
            (Prefix::Le, [Some(true), None, Some(false)]),
            (Prefix::Lt, [Some(true), Some(false), Some(false)]),
            (Prefix::Gt, [None, None, Some(true)]),
        ] {
            assert_eq!(
                [5, 15, 25].map(|low| decided(prefix, asked, When::of(Interval { low, high: low + 7 }))),
                expected,
                "{prefix:?}"
            );
        }
    }
}
