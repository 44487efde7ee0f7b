//! What happens to a patient: conditions by age, encounters over the last three years, observations that fit both.

use serde_json::{Value, json};
use time::{Date, Duration};

use super::codes::{HYPERTENSION, ILLNESSES, Illness, Test};
use super::directory::Directory;
use super::patient::Person;
use super::reference_to;
use super::seed::Seeded;

/// An illness that this patient has, since a day.
struct Suffered {
    illness: &'static Illness,
    since: Date,
}

/// One visit, as its observations refer to it.
struct Visit {
    day: Date,
    at: String,
    reference: Value,
    performer: Value,
}

/// Conditions, encounters and observations.
pub fn events(chance: &mut Seeded, directory: &Directory, person: &Person, until: Date) -> Vec<Value> {
    let suffered = suffered(chance, person, until);
    let height = height_of(chance, person, until);
    let mut resources = Vec::new();
    let count = 2 + suffered.len() as u32 / 2 + chance.between(0, 2);
    let span = u32::try_from((until - person.birth).whole_days())
        .unwrap_or(0)
        .clamp(60, 1095);
    let mut days: Vec<u32> = (0..count).map(|_| chance.between(1, span - 30)).collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    for ago in days {
        let day = until - Duration::days(i64::from(ago));
        let current: Vec<&Suffered> = suffered.iter().filter(|one| one.is_present_on(day)).collect();
        let (encounter, visit) = encounter(chance, directory, person, day, current.first().copied());
        resources.push(encounter);
        resources.extend(vital_signs(chance, person, &visit, &current, height));
        let tests = current.iter().flat_map(|one| one.illness.followed_by);
        resources.extend(tests.map(|test| laboratory(chance, person, &visit, test)));
    }
    resources.extend(
        suffered
            .iter()
            .map(|one| condition(chance, directory, person, one, until)),
    );
    resources
}

impl Suffered {
    fn ends(&self) -> Option<Date> {
        (!self.illness.chronic).then(|| self.since + Duration::days(28))
    }

    fn is_present_on(&self, day: Date) -> bool {
        self.since <= day && self.ends().is_none_or(|end| day <= end)
    }
}

fn suffered(chance: &mut Seeded, person: &Person, until: Date) -> Vec<Suffered> {
    let age = person.age_on(until);
    let mut found = Vec::new();
    for illness in ILLNESSES {
        if age <= illness.from_age || !chance.percent(illness.percent) {
            continue;
        }
        let years = if illness.chronic {
            (age - illness.from_age).min(20)
        } else {
            (age - illness.from_age).min(3)
        };
        let ago = chance.between(30, years.max(1) * 360);
        let since = until - Duration::days(i64::from(ago));
        found.push(Suffered {
            illness,
            since: since.max(person.birth + Duration::days(90)),
        });
    }
    found
}

fn condition(chance: &mut Seeded, directory: &Directory, person: &Person, suffered: &Suffered, until: Date) -> Value {
    let ended = suffered.ends().filter(|end| *end <= until);
    let status = if ended.is_some() { "resolved" } else { "active" };
    let mut condition = json!({
        "resourceType": "Condition", "id": chance.id(),
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": status }] },
        "verificationStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed" }] },
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "problem-list-item" }] }],
        "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10", "code": suffered.illness.code, "display": suffered.illness.label }], "text": suffered.illness.label },
        "subject": person.reference,
        "onsetDateTime": suffered.since.to_string(),
        "recordedDate": suffered.since.to_string(),
        "asserter": directory.physician(chance),
    });
    if let Some(end) = ended {
        condition["abatementDateTime"] = json!(end.to_string());
    }
    condition
}

fn encounter(
    chance: &mut Seeded,
    directory: &Directory,
    person: &Person,
    day: Date,
    reason: Option<&Suffered>,
) -> (Value, Visit) {
    let (class, label) = *chance.pick(&[
        ("AMB", "ambulatory"),
        ("AMB", "ambulatory"),
        ("EMER", "emergency"),
        ("IMP", "inpatient encounter"),
    ]);
    let hour = chance.between(8, 17);
    let at = format!("{day}T{hour:02}:{:02}:00+01:00", chance.between(0, 5) * 10);
    let end = match class {
        "IMP" => format!(
            "{}T11:00:00+01:00",
            day + Duration::days(i64::from(chance.between(1, 9)))
        ),
        _ => format!("{day}T{:02}:{:02}:00+01:00", hour + 1, chance.between(0, 5) * 10),
    };
    let performer = directory.physician(chance);
    let mut encounter = json!({
        "resourceType": "Encounter", "id": chance.id(), "status": "finished",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class, "display": label },
        "subject": person.reference,
        "participant": [{ "individual": performer }],
        "period": { "start": at, "end": end },
        "serviceProvider": directory.establishment(),
    });
    if let Some(reason) = reason {
        encounter["reasonCode"] = json!([{ "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10", "code": reason.illness.code, "display": reason.illness.label }] }]);
    }
    let reference = json!({ "reference": reference_to(&encounter) });
    (
        encounter,
        Visit {
            day,
            at,
            reference,
            performer,
        },
    )
}

/// Height in centimetres: grown people keep theirs.
fn height_of(chance: &mut Seeded, person: &Person, until: Date) -> f64 {
    let age = person.age_on(until);
    let grown = if person.is_woman { 164.0 } else { 177.0 };
    let middle = if age >= 18 {
        grown
    } else {
        72.0 + (grown - 72.0) * f64::from(age) / 18.0
    };
    chance.around(middle, if age >= 18 { 14.0 } else { 5.0 }).round()
}

fn vital_signs(chance: &mut Seeded, person: &Person, visit: &Visit, current: &[&Suffered], height: f64) -> Vec<Value> {
    let has = |code: &str| current.iter().any(|one| one.illness.code == code);
    let grown = person.age_on(visit.day) >= 18;
    let index = chance.around(if grown { 25.5 } else { 17.0 }, if grown { 6.5 } else { 2.0 });
    let metres = height / 100.0;
    let weight = (index * metres * metres * 10.0).round() / 10.0;
    let fever = has("J18.9") || has("N39.0") || has("J06.9");
    let raised = if has(HYPERTENSION) { 22.0 } else { 0.0 };
    let systolic = chance.around(if grown { 122.0 } else { 104.0 } + raised, 12.0).round();
    let diastolic = chance
        .around(if grown { 76.0 } else { 66.0 } + raised / 2.0, 8.0)
        .round();
    let saturation = chance
        .around(if has("J44.9") || has("J18.9") { 92.5 } else { 97.5 }, 1.5)
        .round();
    let simple = [
        ("29463-7", "Poids", weight, "kg", "kg"),
        ("8302-2", "Taille", height, "cm", "cm"),
        ("39156-5", "Indice de masse corporelle", index, "kg/m²", "kg/m2"),
        (
            "8867-4",
            "Fréquence cardiaque",
            chance.around(if fever { 96.0 } else { 74.0 }, 14.0).round(),
            "/min",
            "/min",
        ),
        (
            "8310-5",
            "Température",
            chance.around(if fever { 38.6 } else { 36.8 }, 0.5),
            "°C",
            "Cel",
        ),
        ("59408-5", "Saturation en oxygène", saturation, "%", "%"),
    ];
    let mut signs: Vec<Value> = simple
        .into_iter()
        .map(|(code, label, value, unit, ucum)| {
            let mut sign = observation(chance, person, visit, "vital-signs", (code, label));
            sign["valueQuantity"] = quantity(value, unit, ucum);
            sign
        })
        .collect();
    let mut pressure = observation(chance, person, visit, "vital-signs", ("85354-9", "Pression artérielle"));
    pressure["component"] = json!([
        { "code": loinc("8480-6", "Pression systolique"), "valueQuantity": quantity(systolic, "mmHg", "mm[Hg]") },
        { "code": loinc("8462-4", "Pression diastolique"), "valueQuantity": quantity(diastolic, "mmHg", "mm[Hg]") },
    ]);
    signs.push(pressure);
    signs
}

fn laboratory(chance: &mut Seeded, person: &Person, visit: &Visit, test: &Test) -> Value {
    let value = chance.around(test.value.0, test.value.1);
    let mut result = observation(chance, person, visit, "laboratory", (test.code, test.label));
    result["valueQuantity"] = quantity(value, test.unit, test.ucum);
    if let Some(high) = test.high {
        let code = if value > high { "H" } else { "N" };
        result["interpretation"] = json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": code }] }]);
        result["referenceRange"] = json!([{ "high": quantity(high, test.unit, test.ucum) }]);
    }
    result
}

fn observation(
    chance: &mut Seeded,
    person: &Person,
    visit: &Visit,
    category: &str,
    (code, label): (&str, &str),
) -> Value {
    json!({
        "resourceType": "Observation", "id": chance.id(), "status": "final",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": category }] }],
        "code": loinc(code, label),
        "subject": person.reference,
        "encounter": visit.reference,
        "effectiveDateTime": visit.at,
        "performer": [visit.performer],
    })
}

fn loinc(code: &str, label: &str) -> Value {
    json!({ "coding": [{ "system": "http://loinc.org", "code": code, "display": label }], "text": label })
}

fn quantity(value: f64, unit: &str, ucum: &str) -> Value {
    // Whole values are written without a fraction, as a person would.
    let value = if value.fract() == 0.0 {
        json!(value as i64)
    } else {
        json!(value)
    };
    json!({ "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": ucum })
}
