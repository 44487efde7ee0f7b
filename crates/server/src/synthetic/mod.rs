//! Synthetic, coherent, French-looking records: an establishment with its professionals, and patients whose encounters,
//! conditions and observations fit each other. Everything follows from a seed and a date, so that a world made twice is
//! the same; nobody in it exists: identifiers are of the ranges reserved for tests or plainly invented.

mod care;
mod codes;
mod directory;
mod identifiers;
mod names;
mod patient;
mod seed;

use serde_json::{Value, json};
use time::Date;

use directory::Directory;
use seed::Seeded;

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Where chance begins.
    pub seed: u64,
    /// Patients.
    pub patients: usize,
    /// The last day on which anything happens.
    pub until: Date,
}

/// Transaction bundles, in the order in which they refer to each other: the establishment and its professionals first,
/// then one bundle for each patient. Every entry is a `PUT`, so that they can be sent again.
pub fn bundles(request: Request) -> impl Iterator<Item = Value> {
    let mut chance = Seeded::new(request.seed);
    let directory = Directory::make(&mut chance);
    let first = transaction(directory.resources());
    let patients = (0..request.patients).map(move |number| {
        // A generator of its own for each patient: asking for more patients changes none of the earlier ones.
        let mut chance = Seeded::of(request.seed, number as u64 + 1);
        transaction(patient::record(&mut chance, &directory, number, request.until))
    });
    std::iter::once(first).chain(patients)
}

fn transaction(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources
        .into_iter()
        .map(|resource| {
            let url = reference_to(&resource);
            json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
        })
        .collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

/// `Type/id` of a resource that we made.
fn reference_to(resource: &Value) -> String {
    let text = |member: &str| resource[member].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("resourceType"), text("id"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::date;

    use super::*;

    const REQUEST: Request = Request {
        seed: 7,
        patients: 40,
        until: date!(2026 - 11 - 21),
    };

    fn resources() -> Vec<Value> {
        let entries = bundles(REQUEST).flat_map(|bundle| bundle["entry"].as_array().cloned().unwrap_or_default());
        entries.map(|entry| entry["resource"].clone()).collect()
    }

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_same_request_makes_the_same_world_and_more_patients_change_none() {
        assert!(bundles(REQUEST).eq(bundles(REQUEST)));
        let fewer = Request { patients: 5, ..REQUEST };
        assert!(bundles(fewer).eq(bundles(REQUEST).take(6)));
        assert!(!bundles(Request { seed: 8, ..REQUEST }).eq(bundles(REQUEST)));
    }

    #[test]
    fn every_reference_resolves_and_ids_are_unique() {
        let resources = resources();
        let known: HashSet<String> = resources.iter().map(reference_to).collect();
        assert_eq!(known.len(), resources.len());
        let mut found = Vec::new();
        for resource in &resources {
            references(resource, &mut found);
        }
        assert!(found.len() > resources.len());
        for reference in found {
            assert!(known.contains(&reference), "{reference}");
        }
    }

    #[test]
    fn nothing_happens_before_birth_or_after_the_last_day() {
        let resources = resources();
        let until = REQUEST.until.to_string();
        let of = |kind: &'static str| {
            resources
                .iter()
                .filter(move |resource| resource["resourceType"] == kind)
        };
        for patient in of("Patient") {
            let subject = reference_to(patient);
            let birth = patient["birthDate"].as_str().expect("a birth date");
            let mut events = 0;
            for (kind, member) in [
                ("Encounter", "/period/start"),
                ("Observation", "/effectiveDateTime"),
                ("Condition", "/onsetDateTime"),
            ] {
                for resource in of(kind).filter(|resource| resource["subject"]["reference"] == *subject) {
                    let at = resource.pointer(member).and_then(Value::as_str).expect("a date");
                    assert!(
                        at > birth && at[..10] <= *until,
                        "{kind} at {at} of somebody born on {birth}"
                    );
                    events += 1;
                }
            }
            assert!(events >= 5, "{subject} has {events} events");
        }
    }
}
