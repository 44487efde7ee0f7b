//! From a resource to what its search parameters say.

use std::collections::HashMap;
use std::sync::OnceLock;

use hygie_fhir_model::json::Document;
use hygie_fhir_model::search::{
    ParameterKind, Quantity, Reference, SearchParameter, Token, Value, extract as values_of,
};
use hygie_fhir_model::{ResourceType, Target, fold};

use super::amount::Span;
use super::{Entry, Extract, Measured, When};

/// The parameters of a type that a clinician asks by: whose, what, when. They decide which compound keys it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// Reference to the patient.
    pub patient: Option<u16>,
    /// The code of what was observed, done, prescribed…
    pub code: Option<u16>,
    /// When.
    pub date: Option<u16>,
}

/// Types with their principal date and code. Part of the stored layout: a change needs a new index.
const PRINCIPAL: [(&str, &str, &str); 33] = [
    ("AllergyIntolerance", "date", "code"),
    ("Appointment", "date", "service-type"),
    ("CarePlan", "date", "category"),
    ("Claim", "created", "use"),
    ("ClinicalImpression", "date", "status"),
    ("Communication", "sent", "category"),
    ("Composition", "date", "type"),
    ("Condition", "recorded-date", "code"),
    ("Consent", "date", "category"),
    ("DetectedIssue", "identified", "code"),
    ("DiagnosticReport", "date", "code"),
    ("DocumentReference", "date", "type"),
    ("Encounter", "date", "type"),
    ("ExplanationOfBenefit", "created", "status"),
    ("FamilyMemberHistory", "date", "code"),
    ("Flag", "date", "identifier"),
    ("Goal", "start-date", "category"),
    ("ImagingStudy", "started", "modality"),
    ("Immunization", "date", "vaccine-code"),
    ("List", "date", "code"),
    ("Media", "created", "type"),
    ("MedicationAdministration", "effective-time", "code"),
    ("MedicationDispense", "whenhandedover", "code"),
    ("MedicationRequest", "authoredon", "code"),
    ("MedicationStatement", "effective", "code"),
    ("NutritionOrder", "datetime", "status"),
    ("Observation", "date", "code"),
    ("Procedure", "date", "code"),
    ("QuestionnaireResponse", "authored", "questionnaire"),
    ("RiskAssessment", "date", "method"),
    ("ServiceRequest", "authored", "code"),
    ("SupplyDelivery", "identifier", "status"),
    ("Task", "authored-on", "code"),
];

/// The principal parameters of a type.
pub fn principal(kind: ResourceType) -> Principal {
    static TABLE: OnceLock<HashMap<ResourceType, Principal>> = OnceLock::new();
    let table = TABLE.get_or_init(|| ResourceType::all().map(|kind| (kind, principal_of(kind))).collect());
    table.get(&kind).copied().unwrap_or_default()
}

fn principal_of(kind: ResourceType) -> Principal {
    let of_kind = |code: &str, wanted: ParameterKind| {
        let parameter = SearchParameter::find(kind, code)?;
        (parameter.kind == wanted && parameter.base == Some(kind)).then(|| parameter.number.get())
    };
    let row = PRINCIPAL.iter().find(|(name, _, _)| *name == kind.name());
    Principal {
        patient: of_kind("patient", ParameterKind::Reference),
        code: row.and_then(|(_, _, code)| of_kind(code, ParameterKind::Token)),
        date: row.and_then(|(_, date, _)| of_kind(date, ParameterKind::Date)),
    }
}

/// Dates that a type is often sorted by: what has none comes after all others, and is indexed as such. Part of the stored
/// layout, as [`PRINCIPAL`].
pub fn sorting_dates(kind: ResourceType) -> impl Iterator<Item = u16> {
    let birthdate = SearchParameter::find(kind, "birthdate").map(|parameter| parameter.number.get());
    principal(kind).date.into_iter().chain(birthdate)
}

/// Parameters that the server answers from what it knows itself, not from the body.
const OWN: [&str; 2] = ["_id", "_lastUpdated"];

/// What the search parameters of a resource say.
pub fn extract(kind: ResourceType, document: &Document) -> Extract {
    let mut gather = Gather {
        principal: principal(kind),
        out: Extract::default(),
    };
    values_of(document, kind, &mut |number, value| {
        let own = number
            .parameter()
            .is_some_and(|parameter| OWN.contains(&parameter.code));
        if !own {
            gather.take(number.get(), value);
        }
    });
    for parameter in sorting_dates(kind) {
        let is_it = |entry: &Entry| matches!(entry, Entry::Date { parameter: of, .. } if *of == parameter);
        if !gather.out.entries.iter().any(is_it) {
            gather.push(Entry::Absent { parameter });
        }
    }
    gather.out
}

struct Gather {
    principal: Principal,
    out: Extract,
}

impl Gather {
    fn take(&mut self, parameter: u16, value: Value<'_>) {
        match value {
            Value::Token(token) => self.token(parameter, token),
            Value::TokenText(text) | Value::String(text) => {
                let text = fold(text).into_owned();
                self.push(Entry::Text { parameter, text });
            }
            Value::Date(interval) => {
                if self.principal.date == Some(parameter) {
                    let known = self.out.date;
                    self.out.date = Some(known.map_or(When::of(interval), |when| when.and(interval)));
                }
                self.push(Entry::Date {
                    parameter,
                    low: interval.low,
                    high: interval.high,
                });
            }
            Value::Uri(uri) => self.push(Entry::External {
                parameter,
                url: uri.to_owned(),
            }),
            Value::Reference(reference) => self.reference(parameter, reference),
            Value::Number(value) => self.push(Entry::Number {
                parameter,
                amount: Span::point(value),
            }),
            Value::Quantity(quantity) => self.quantity(parameter, quantity),
        }
    }

    fn token(&mut self, parameter: u16, token: Token<'_>) {
        let system = token
            .system
            .filter(|system| !system.is_empty())
            .map(|system| self.system(system));
        let code = token.code.to_owned();
        let dated = self.principal.code == Some(parameter) && self.principal.date.is_some();
        self.push(if dated {
            Entry::DatedToken {
                parameter,
                code,
                system,
            }
        } else {
            Entry::Token {
                parameter,
                code,
                system,
            }
        });
    }

    /// Under its coded unit, and under the one that people read when that is another.
    fn quantity(&mut self, parameter: u16, quantity: Quantity<'_>) {
        let amount = Span::between(quantity.low, quantity.high);
        let system = quantity.system.filter(|system| !system.is_empty());
        let system = system.map(|system| self.system(system));
        let entry = |unit: &str, system| {
            Entry::Quantity(Measured {
                parameter,
                unit: unit.to_owned(),
                system,
                amount,
            })
        };
        if quantity.code.is_some() || system.is_some() || quantity.unit.is_none() {
            self.push(entry(quantity.code.unwrap_or_default(), system));
        }
        if let Some(unit) = quantity.unit.filter(|unit| Some(*unit) != quantity.code) {
            self.push(entry(unit, None));
        }
    }

    fn reference(&mut self, parameter: u16, reference: Reference<'_>) {
        match reference {
            Reference::Literal(Target::Local { kind, id, .. }) => {
                let target = self.target(kind, id);
                let is_patient = self.principal.patient == Some(parameter) && kind.name() == "Patient";
                if is_patient && !self.out.patients.contains(&target) {
                    self.out.patients.push(target);
                }
                // The patient's chronology answers what the plain reference would.
                if !is_patient {
                    self.push(Entry::Reference { parameter, target });
                }
            }
            Reference::Literal(Target::Absolute { base, kind, id, .. }) => {
                self.push(Entry::External {
                    parameter,
                    url: format!("{base}/{kind}/{id}"),
                });
            }
            Reference::Literal(Target::Uri(uri)) => self.push(Entry::External {
                parameter,
                url: uri.to_owned(),
            }),
            Reference::Literal(Target::Conditional { .. } | Target::Contained(_)) => {}
            Reference::Canonical { url, version } => {
                if let Some(version) = version {
                    self.push(Entry::External {
                        parameter,
                        url: format!("{url}|{version}"),
                    });
                }
                self.push(Entry::External {
                    parameter,
                    url: url.to_owned(),
                });
            }
            Reference::Identifier { token, .. } => self.token(parameter, token),
        }
    }

    fn push(&mut self, entry: Entry) {
        if !self.out.entries.contains(&entry) {
            self.out.entries.push(entry);
        }
    }

    fn system(&mut self, uri: &str) -> u32 {
        let systems = &mut self.out.systems;
        let at = systems.iter().position(|known| known == uri).unwrap_or_else(|| {
            systems.push(uri.to_owned());
            systems.len() - 1
        });
        at as u32
    }

    fn target(&mut self, kind: ResourceType, id: &str) -> u32 {
        let targets = &mut self.out.targets;
        let at = targets
            .iter()
            .position(|(known, with)| *known == kind && with == id)
            .unwrap_or_else(|| {
                targets.push((kind, id.to_owned()));
                targets.len() - 1
            });
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use hygie_fhir_model::Interval;
    use hygie_fhir_model::json::Limits;

    use super::*;

    fn kind(name: &str) -> ResourceType {
        ResourceType::find(name).expect("a resource type")
    }

    #[test]
    fn every_principal_parameter_that_is_named_exists() {
        for (name, date, code) in PRINCIPAL {
            let found = principal(kind(name));
            let is_date = SearchParameter::find(kind(name), date).is_some_and(|p| p.kind == ParameterKind::Date);
            assert_eq!(found.date.is_some(), is_date, "{name}.{date}");
            let is_token = SearchParameter::find(kind(name), code).is_some_and(|p| p.kind == ParameterKind::Token);
            assert_eq!(found.code.is_some(), is_token, "{name}.{code}");
        }
    }

    #[test]
    fn an_observation_has_its_compound_entries() {
        let body = br#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},
            "subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-01-02"}"#;
        let document = Document::parse(body.to_vec(), &Limits::default()).expect("JSON");
        let extract = extract(kind("Observation"), &document);
        assert_eq!(extract.targets, [(kind("Patient"), "p1".to_owned())]);
        assert_eq!(extract.patients, [0]);
        let day = Interval {
            low: 1_767_312_000_000,
            high: 1_767_398_399_999,
        };
        assert_eq!(extract.date.and_then(When::only), Some(day));
        let dated = |entry: &&Entry| matches!(entry, Entry::DatedToken { code, .. } if code == "8480-6");
        assert_eq!(extract.entries.iter().filter(dated).count(), 1);
    }
}
