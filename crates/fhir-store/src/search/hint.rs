//! What compound keys say of the other filters: postings that cannot match are passed over without a look-up.
//!
//! A patient's chronology ends with a hash of the principal code, a code's with the patient, both with how long the date is
//! (see [`Kind::PatientDate`] and [`Kind::TokenDate`]). A hint only ever refuses; what it lets pass is checked as always.

use std::sync::Arc;

use hygie_fhir_model::ResourceType;

use super::candidate::Asked;
use super::criteria::Filter;
use super::dates;
use super::ranges::Range;
use crate::index::When;
use crate::index::extract::principal;
use crate::index::key::{Kind, Parts};
use crate::index::rows::{SEVERAL_CODES, hash};

/// What a key must say for its resource to be a possible match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Filters on its date.
    dates: Vec<Filter>,
    end: End,
}

/// What a key must end with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// Anything.
    Any,
    /// One of these hashes of codes, or that there are several codes.
    Codes(Vec<u32>),
    /// One of these patients, or none: then there may be several.
    Patients(Vec<i64>),
}

impl Hint {
    /// Whether a key with this date, and this after its resource number, may name a match.
    pub fn allows(&self, date: i64, mut rest: Parts<'_>) -> bool {
        let when = When::read(date, &mut rest);
        let ends = match &self.end {
            End::Any => true,
            End::Codes(wanted) => rest.hash().is_none_or(|found| wanted.contains(&found)),
            End::Patients(wanted) => rest.number().is_none_or(|found| wanted.contains(&found)),
        };
        ends && self
            .dates
            .iter()
            .all(|filter| dates::holds(filter, when) != Some(false))
    }
}

/// What the filters of a type ask of its keys.
struct Hints {
    by_patient: Option<Arc<Hint>>,
    by_code: Option<Arc<Hint>>,
}

impl Hints {
    fn of(kind: ResourceType, asked: &[Asked]) -> Self {
        let principal = principal(kind);
        let codes = codes(&principal_ranges(asked, principal.code, Kind::TokenDate));
        let patients = patients(&principal_ranges(asked, principal.patient, Kind::PatientDate));
        let dates = asked.iter().map(|one| &one.filter);
        let dates: Vec<_> = dates
            .filter(|filter| dates::is_principal(filter, kind))
            .cloned()
            .collect();
        let hint = |end| {
            let says = end != End::Any || !dates.is_empty();
            says.then(|| {
                Arc::new(Hint {
                    dates: dates.clone(),
                    end,
                })
            })
        };
        Self {
            by_patient: hint(codes),
            by_code: hint(patients),
        }
    }

    fn give(&self, range: &mut Range) {
        if is(range, Kind::PatientDate) {
            range.hint.clone_from(&self.by_patient);
        } else if is(range, Kind::TokenDate) {
            range.hint.clone_from(&self.by_code);
        }
    }
}

/// Gives the ranges of filters what the others ask.
pub fn give(kind: ResourceType, asked: &mut [Asked]) {
    let hints = Hints::of(kind, asked);
    let ranges = asked.iter_mut().filter_map(|one| one.ranges.as_mut());
    for range in ranges.flat_map(|found| &mut found.ranges) {
        hints.give(range);
    }
}

/// Gives a range what these filters ask.
pub fn give_to(kind: ResourceType, asked: &[Asked], range: &mut Range) {
    Hints::of(kind, asked).give(range);
}

/// The ranges of the filter on a principal parameter, when all are keys of this kind.
fn principal_ranges(asked: &[Asked], number: Option<u16>, wanted: Kind) -> Vec<Range> {
    let ranges = asked
        .iter()
        .filter(|one| Some(one.filter.parameter.number.get()) == number)
        .filter_map(|one| one.ranges.as_ref().map(|found| &found.ranges))
        .find(|ranges| !ranges.is_empty() && ranges.iter().all(|range| is(range, wanted)));
    ranges.cloned().unwrap_or_default()
}

/// What the codes of these ranges ask of a key by patient.
fn codes(ranges: &[Range]) -> End {
    match ranges.iter().map(code_of).collect::<Option<Vec<_>>>() {
        Some(hashes) if !hashes.is_empty() => End::Codes([hashes.as_slice(), &[SEVERAL_CODES]].concat()),
        _ => End::Any,
    }
}

/// What the patients of these ranges ask of a key by code.
fn patients(ranges: &[Range]) -> End {
    match ranges.iter().map(patient_of).collect::<Option<Vec<_>>>() {
        Some(numbers) if !numbers.is_empty() => End::Patients([numbers.as_slice(), &[0]].concat()),
        _ => End::Any,
    }
}

fn is(range: &Range, kind: Kind) -> bool {
    range.keys.from.first() == Some(&(kind as u8))
}

/// The hash of the one code that a range is of.
fn code_of(range: &Range) -> Option<u32> {
    let mut parts = Parts::after(range.keys.from.get(..range.prefix)?, 1);
    parts.short()?;
    let code = std::str::from_utf8(parts.text()?).ok()?;
    Some(hash(code, parts.number()?))
}

/// The patient that a range is of.
fn patient_of(range: &Range) -> Option<i64> {
    Parts::after(range.keys.from.get(..range.prefix)?, 1).number()
}

#[cfg(test)]
mod tests {
    use hygie_fhir_model::Interval;
    use hygie_fhir_model::search::SearchParameter;

    use super::super::criteria::filter;
    use super::*;
    use crate::index::key::Key;
    use crate::index::rows::NO_CODE;

    const DAY: i64 = 86_400_000;

    fn allows(hint: &Hint, when: When, end: impl FnOnce(Key) -> Key) -> bool {
        let key = end(when.width(Key::new(Kind::PatientDate)));
        hint.allows(when.low, Parts::after(key.as_bytes(), 1))
    }

    #[test]
    fn only_what_cannot_match_is_refused() {
        let hint = |end| Hint { dates: Vec::new(), end };
        let codes = hint(End::Codes(vec![hash("8480-6", 3), SEVERAL_CODES]));
        for (code, expected) in [
            (hash("8480-6", 3), true),
            (SEVERAL_CODES, true),
            (hash("8480-6", 4), false),
            (NO_CODE, false),
        ] {
            assert_eq!(allows(&codes, When::NEVER, |key| key.hash(code)), expected);
        }
        let patients = hint(End::Patients(vec![7, 0]));
        for (patient, expected) in [(7, true), (0, true), (8, false)] {
            assert_eq!(allows(&patients, When::NEVER, |key| key.number(patient)), expected);
        }
    }

    #[test]
    fn dates_that_keys_tell_whole_are_decided_there() {
        let kind = ResourceType::find("Observation").expect("a type");
        let date = SearchParameter::find(kind, "date").expect("a parameter");
        let dates = ["ge1970-01-11", "le1970-01-20"].map(|text| filter(date, None, text, 0).expect("a filter"));
        let hint = Hint {
            dates: dates.to_vec(),
            end: End::Any,
        };
        let from = |low: i64, width: i64| When::of(Interval { low, high: low + width });
        for (when, expected) in [
            (from(10 * DAY - 1, 0), false),
            (from(10 * DAY, DAY - 1), true),
            (from(20 * DAY - 1, 0), true),
            (from(20 * DAY, DAY - 1), false),
            // It may reach into the range.
            (from(9 * DAY, DAY), true),
            (
                from(5 * DAY, 0).and(Interval {
                    low: 15 * DAY,
                    high: 15 * DAY,
                }),
                true,
            ),
            (When::NEVER, true),
        ] {
            assert_eq!(allows(&hint, when, |key| key), expected, "{when:?}");
        }
    }
}
