//! The establishment and its professionals.

use serde_json::{Value, json};

use super::codes::PROFESSIONS;
use super::identifiers::{FINESS, RPPS, finess, rpps};
use super::names::{FAMILIES, MEN, WOMEN};
use super::reference_to;
use super::seed::Seeded;

/// Who cares for the patients.
pub struct Directory {
    establishment: Value,
    departments: Vec<Value>,
    practitioners: Vec<Value>,
    roles: Vec<Value>,
}

const DEPARTMENTS: &[&str] = &["Médecine polyvalente", "Cardiologie", "Urgences"];

impl Directory {
    pub fn make(chance: &mut Seeded) -> Self {
        let establishment = json!({
            "resourceType": "Organization", "id": chance.id(), "active": true,
            "identifier": [{ "use": "official", "system": FINESS, "value": finess(1) }],
            "type": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov" }] }],
            "name": "Centre hospitalier de Démonstration",
            "address": [{ "use": "work", "line": ["1 avenue de l’Hôpital"], "city": "Villeneuve-lès-Démo", "postalCode": "99100", "country": "FR" }],
        });
        let part_of = json!({ "reference": reference_to(&establishment), "display": establishment["name"] });
        let departments = DEPARTMENTS.iter().map(|name| {
            json!({ "resourceType": "Organization", "id": chance.id(), "active": true, "name": name, "partOf": part_of })
        });
        let departments: Vec<Value> = departments.collect();
        let (mut practitioners, mut roles) = (Vec::new(), Vec::new());
        for (number, profession) in PROFESSIONS.iter().enumerate() {
            let practitioner = practitioner(chance, number as u32, profession);
            roles.push(role(
                chance,
                &practitioner,
                chance_department(&departments, number),
                profession,
            ));
            practitioners.push(practitioner);
        }
        Self {
            establishment,
            departments,
            practitioners,
            roles,
        }
    }

    /// Everything, what is referred to first.
    pub fn resources(&self) -> Vec<Value> {
        let all = [
            std::slice::from_ref(&self.establishment),
            &self.departments,
            &self.practitioners,
            &self.roles,
        ];
        all.concat()
    }

    /// The establishment, to refer to.
    pub fn establishment(&self) -> Value {
        json!({ "reference": reference_to(&self.establishment), "display": self.establishment["name"] })
    }

    /// A physician, to refer to.
    pub fn physician(&self, chance: &mut Seeded) -> Value {
        let physicians = PROFESSIONS
            .iter()
            .zip(&self.practitioners)
            .filter(|(profession, _)| profession.0 == "10");
        let physicians: Vec<&Value> = physicians.map(|(_, practitioner)| practitioner).collect();
        let one = chance.pick(&physicians);
        json!({ "reference": reference_to(one), "display": one["name"][0]["text"] })
    }
}

fn chance_department(departments: &[Value], number: usize) -> &Value {
    &departments[number % departments.len()]
}

fn practitioner(chance: &mut Seeded, number: u32, (code, _, specialty): &(&str, &str, &str)) -> Value {
    let is_woman = chance.percent(55);
    let given = chance.pick(if is_woman { WOMEN } else { MEN });
    let family = chance.pick(FAMILIES);
    let prefix = match (*code, is_woman) {
        ("10", _) => "Dr",
        (_, true) => "Mme",
        (_, false) => "M.",
    };
    json!({
        "resourceType": "Practitioner", "id": chance.id(), "active": true,
        "identifier": [{ "use": "official", "system": RPPS, "value": rpps(number + 1) }],
        "name": [{ "use": "official", "text": format!("{prefix} {given} {family}"), "family": family, "given": [given], "prefix": [prefix] }],
        "gender": if is_woman { "female" } else { "male" },
        "qualification": [{ "code": { "text": specialty } }],
    })
}

fn role(chance: &mut Seeded, practitioner: &Value, department: &Value, profession: &(&str, &str, &str)) -> Value {
    let (code, label, specialty) = profession;
    json!({
        "resourceType": "PractitionerRole", "id": chance.id(), "active": true,
        "practitioner": { "reference": reference_to(practitioner), "display": practitioner["name"][0]["text"] },
        "organization": { "reference": reference_to(department), "display": department["name"] },
        "code": [{ "coding": [{ "system": "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante", "code": code, "display": label }] }],
        "specialty": [{ "text": specialty }],
    })
}
