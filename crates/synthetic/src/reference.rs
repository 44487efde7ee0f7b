//! The kinds of resources that are made, and references to them.

use uuid::Uuid;

use super::json;

/// What is made, in the order in which the kinds refer to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Organization,
    Practitioner,
    PractitionerRole,
    Patient,
    Encounter,
    Condition,
    AllergyIntolerance,
    Goal,
    CarePlan,
    Observation,
    DiagnosticReport,
    Procedure,
    ImagingStudy,
    Immunization,
    MedicationRequest,
    Claim,
    ExplanationOfBenefit,
    DocumentReference,
    Composition,
}

impl Kind {
    pub const ALL: [Self; 19] = [
        Self::Organization,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::Patient,
        Self::Encounter,
        Self::Condition,
        Self::AllergyIntolerance,
        Self::Goal,
        Self::CarePlan,
        Self::Observation,
        Self::DiagnosticReport,
        Self::Procedure,
        Self::ImagingStudy,
        Self::Immunization,
        Self::MedicationRequest,
        Self::Claim,
        Self::ExplanationOfBenefit,
        Self::DocumentReference,
        Self::Composition,
    ];

    /// The type of the resource.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::Patient => "Patient",
            Self::Encounter => "Encounter",
            Self::Condition => "Condition",
            Self::AllergyIntolerance => "AllergyIntolerance",
            Self::Goal => "Goal",
            Self::CarePlan => "CarePlan",
            Self::Observation => "Observation",
            Self::DiagnosticReport => "DiagnosticReport",
            Self::Procedure => "Procedure",
            Self::ImagingStudy => "ImagingStudy",
            Self::Immunization => "Immunization",
            Self::MedicationRequest => "MedicationRequest",
            Self::Claim => "Claim",
            Self::ExplanationOfBenefit => "ExplanationOfBenefit",
            Self::DocumentReference => "DocumentReference",
            Self::Composition => "Composition",
        }
    }
}

/// `Type/id`, with what a person reads (none when empty).
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    pub kind: Kind,
    pub id: Uuid,
    pub display: &'a str,
}

impl Reference<'static> {
    pub const fn to(kind: Kind, id: Uuid) -> Self {
        let display = "";
        Self { kind, id, display }
    }
}

impl Reference<'_> {
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.kind.name().as_bytes());
        out.push(b'/');
        json::uuid(out, self.id);
    }
}
