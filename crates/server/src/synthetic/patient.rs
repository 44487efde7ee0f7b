//! One patient: who they are, then what happened to them.

use serde_json::{Value, json};
use time::{Date, Duration};

use super::care;
use super::directory::Directory;
use super::identifiers::{INS_TEST, nir};
use super::names::{CITIES, FAMILIES, MEN, STREETS, WOMEN};
use super::seed::Seeded;

/// What the rest of the record needs to know.
pub struct Person {
    pub reference: Value,
    pub is_woman: bool,
    pub birth: Date,
}

impl Person {
    /// Age on a day, in full years of 365.25 days.
    pub fn age_on(&self, day: Date) -> u32 {
        u32::try_from((day - self.birth).whole_days() * 100 / 36525).unwrap_or(0)
    }
}

/// The whole record of a patient, who they are first.
pub fn record(chance: &mut Seeded, directory: &Directory, number: usize, until: Date) -> Vec<Value> {
    let is_woman = chance.percent(52);
    let birth = until - Duration::days(i64::from(chance.between(400, 34_000)));
    let id = chance.id();
    let given = *chance.pick(if is_woman { WOMEN } else { MEN });
    let family = *chance.pick(FAMILIES);
    let (city, post_code) = chance.pick(CITIES);
    let line = format!("{} {}", chance.between(1, 98), chance.pick(STREETS));
    let resource = json!({
        "resourceType": "Patient", "id": id, "active": true,
        "identifier": [
            { "use": "official", "type": { "coding": [{ "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203", "code": "INS-NIR-TEST" }] },
              "system": INS_TEST, "value": nir(chance, is_woman, birth.year(), birth.month().into()) },
            { "use": "usual", "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PI" }] },
              "system": "https://ch-demo.example/ipp", "value": format!("8{number:08}") },
        ],
        "name": [{ "use": "official", "text": format!("{given} {family}"), "family": family, "given": [given] }],
        "telecom": [{ "system": "phone", "value": format!("+33 1 99 00 {:02} {:02}", number / 100 % 100, number % 100), "use": "home" }],
        "gender": if is_woman { "female" } else { "male" },
        "birthDate": birth.to_string(),
        "address": [{ "use": "home", "line": [line], "city": city, "postalCode": post_code, "country": "FR" }],
        "generalPractitioner": [directory.physician(chance)],
        "managingOrganization": directory.establishment(),
    });
    let person = Person {
        reference: json!({ "reference": format!("Patient/{id}"), "display": format!("{given} {family}") }),
        is_woman,
        birth,
    };
    let mut resources = vec![resource];
    resources.extend(care::events(chance, directory, &person, until));
    resources
}
