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

/// Gives the ranges by patient what is asked of the code, and those by code what is asked of the patient.
pub fn give(kind: ResourceType, asked: &mut [Asked]) {
    let principal = principal(kind);
    let of = |number: Option<u16>, wanted: Kind| {
        let ranges = asked
            .iter()
            .filter(|one| Some(one.filter.parameter.number.get()) == number)
            .filter_map(|one| one.ranges.as_ref().map(|found| &found.ranges))
            .find(|ranges| !ranges.is_empty() && ranges.iter().all(|range| is(range, wanted)));
        ranges.cloned().unwrap_or_default()
    };
    let (patients, codes) = (
        of(principal.patient, Kind::PatientDate),
        of(principal.code, Kind::TokenDate),
    );
    let hashes = codes.iter().map(code_of).collect::<Option<Vec<_>>>();
    let numbers = patients.iter().map(patient_of).collect::<Option<Vec<_>>>();
    for range in asked
        .iter_mut()
        .filter_map(|one| one.ranges.as_mut())
        .flat_map(|found| &mut found.ranges)
    {
        if is(range, Kind::PatientDate)
            && let Some(hashes) = hashes.as_ref().filter(|hashes| !hashes.is_empty())
        {
            range.hint = Hint::Codes([hashes.as_slice(), &[SEVERAL_CODES]].concat());
        } else if is(range, Kind::TokenDate)
            && let Some(numbers) = numbers.as_ref().filter(|numbers| !numbers.is_empty())
        {
            range.hint = Hint::Patients([numbers.as_slice(), &[0]].concat());
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
