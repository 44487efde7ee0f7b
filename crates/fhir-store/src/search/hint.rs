//! What compound keys say of a second filter: postings that cannot match are passed over without a look-up.
//!
//! A patient's chronology ends with a hash of the principal code, a code's with the patient (see [`Kind::PatientDate`]
//! and [`Kind::TokenDate`]). A hint only ever refuses; what it lets pass is checked as always.

use hygie_fhir_model::ResourceType;

use super::candidate::Asked;
use super::ranges::Range;
use crate::index::extract::principal;
use crate::index::key::{Kind, Parts};
use crate::index::rows::{SEVERAL_CODES, hash};

/// What the end of a key must say for its resource to be a possible match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hint {
    /// Nothing.
    #[default]
    Any,
    /// One of these hashes of codes, or that there are several codes.
    Codes(Vec<u32>),
    /// One of these patients, or none: then there may be several.
    Patients(Vec<i64>),
}

impl Hint {
    /// Whether a key with this end may name a match.
    pub fn allows(&self, mut end: Parts<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Codes(wanted) => end.hash().is_none_or(|found| wanted.contains(&found)),
            Self::Patients(wanted) => end.number().is_none_or(|found| wanted.contains(&found)),
        }
    }
}

/// Gives a range by patient what these filters ask of the code.
pub fn give_codes(kind: ResourceType, asked: &[Asked], range: &mut Range) {
    if is(range, Kind::PatientDate) {
        range.hint = codes(&principal_ranges(asked, principal(kind).code, Kind::TokenDate));
    }
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
fn codes(ranges: &[Range]) -> Hint {
    match ranges.iter().map(code_of).collect::<Option<Vec<_>>>() {
        Some(hashes) if !hashes.is_empty() => Hint::Codes([hashes.as_slice(), &[SEVERAL_CODES]].concat()),
        _ => Hint::Any,
    }
}

/// What the patients of these ranges ask of a key by code.
fn patients(ranges: &[Range]) -> Hint {
    match ranges.iter().map(patient_of).collect::<Option<Vec<_>>>() {
        Some(numbers) if !numbers.is_empty() => Hint::Patients([numbers.as_slice(), &[0]].concat()),
        _ => Hint::Any,
    }
}

/// Gives the ranges by patient what is asked of the code, and those by code what is asked of the patient.
pub fn give(kind: ResourceType, asked: &mut [Asked]) {
    let principal = principal(kind);
    let by_code = patients(&principal_ranges(asked, principal.patient, Kind::PatientDate));
    let by_patient = codes(&principal_ranges(asked, principal.code, Kind::TokenDate));
    let ranges = asked.iter_mut().filter_map(|one| one.ranges.as_mut());
    for range in ranges.flat_map(|found| &mut found.ranges) {
        if is(range, Kind::PatientDate) {
            range.hint = by_patient.clone();
        } else if is(range, Kind::TokenDate) {
            range.hint = by_code.clone();
        }
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
    use super::*;
    use crate::index::key::Key;
    use crate::index::rows::NO_CODE;

    fn allows(hint: &Hint, key: &Key) -> bool {
        hint.allows(Parts::after(key.as_bytes(), 1))
    }

    #[test]
    fn only_what_cannot_match_is_refused() {
        let key = || Key::new(Kind::PatientDate);
        let codes = Hint::Codes(vec![hash("8480-6", 3), SEVERAL_CODES]);
        assert!(allows(&codes, &key().hash(hash("8480-6", 3))));
        assert!(allows(&codes, &key().hash(SEVERAL_CODES)));
        assert!(!allows(&codes, &key().hash(hash("8480-6", 4))));
        assert!(!allows(&codes, &key().hash(NO_CODE)));
        let patients = Hint::Patients(vec![7, 0]);
        assert!(allows(&patients, &key().number(7)));
        assert!(allows(&patients, &key().number(0)));
        assert!(!allows(&patients, &key().number(8)));
        assert!(allows(&Hint::Any, &key()));
    }
}
