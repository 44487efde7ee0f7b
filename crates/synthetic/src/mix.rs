//! How many resources of each kind a patient has.

use super::reference::Kind;
use crate::seed::Seeded;

/// Patients of the sample behind the table.
#[cfg(test)]
const PATIENTS: u32 = 298;

/// Resources of each kind among 298 patients of Synthea: the R4 part of smart-on-fhir/generated-sample-data (Synthea
/// v2.4, 2019), counted. Organizations and practitioners (102 each) are made by area, encounters set the pace, and
/// claims follow: one for each encounter and each prescription, as in the sample (8,664 + 2,147 = 10,811).
const SAMPLE: &[(Kind, u32)] = &[
    (Kind::Condition, 2_154),
    (Kind::AllergyIntolerance, 206),
    (Kind::Goal, 503),
    (Kind::CarePlan, 813),
    (Kind::Observation, 42_216),
    (Kind::DiagnosticReport, 2_919),
    (Kind::Procedure, 6_544),
    (Kind::ImagingStudy, 150),
    (Kind::Immunization, 3_653),
    (Kind::MedicationRequest, 2_147),
    // The sample has no documents; a French record has them.
    (Kind::DocumentReference, 596),
    (Kind::Composition, 298),
];
/// Encounters of the sample.
pub const ENCOUNTERS: u32 = 8_664;

/// Fewest and most encounters of a patient; the middle is that of the sample (29.07).
pub const ENCOUNTERS_OF_PATIENT: (u32, u32) = (17, 41);

/// What the mix still owes to one patient, in parts of 8,664 of a resource. Each encounter adds its share; what is made
/// is taken away, so that counts stay true to the mix though events follow from each other.
pub struct Account([i64; Kind::ALL.len()]);

impl Account {
    /// Begins anywhere between none and one of each, so that patients differ.
    pub fn open(chance: &mut Seeded) -> Self {
        let mut owed = [0; Kind::ALL.len()];
        for (kind, _) in SAMPLE {
            owed[*kind as usize] = i64::from(chance.between(0, ENCOUNTERS - 1));
        }
        Self(owed)
    }

    /// One more encounter.
    pub fn add_encounter(&mut self) {
        for (kind, count) in SAMPLE {
            self.0[*kind as usize] += i64::from(*count);
        }
    }

    /// Whether so many are due.
    pub fn owes(&self, kind: Kind, count: u32) -> bool {
        self.0[kind as usize] >= i64::from(count) * i64::from(ENCOUNTERS)
    }

    /// So many were made.
    pub fn take(&mut self, kind: Kind, count: u32) {
        self.0[kind as usize] -= i64::from(count) * i64::from(ENCOUNTERS);
    }

    /// Takes one that is due.
    pub fn draw(&mut self, kind: Kind) -> bool {
        let is_due = self.owes(kind, 1);
        if is_due {
            self.take(kind, 1);
        }
        is_due
    }
}

/// Resources of a kind for a thousand patients, for those that follow the table.
#[cfg(test)]
pub fn of_thousand(kind: Kind) -> Option<u32> {
    let count = |kind| SAMPLE.iter().find(|(one, _)| *one == kind).map(|(_, count)| *count);
    let count = match kind {
        Kind::Encounter | Kind::ExplanationOfBenefit => ENCOUNTERS,
        Kind::Claim => ENCOUNTERS + count(Kind::MedicationRequest)?,
        Kind::Patient => PATIENTS,
        _ => count(kind)?,
    };
    Some(count * 1000 / PATIENTS)
}
