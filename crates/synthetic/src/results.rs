//! Observations: the results of laboratory reports and vital signs, in the number that the mix asks for.
//! <http://hl7.org/fhir/R4/observation-vitalsigns.html>

use uuid::Uuid;

use super::codes::{Analyte, PANELS, Panel};
use super::json::{Coding, Decimal, LOINC, Object, Unit};
use super::mix::Account;
use super::patient::{Person, Visit};
use super::reference::{Kind, Reference};
use super::sheaf::Sheaf;
use crate::illness::{HYPERTENSION, Test};
use crate::seed::Seeded;

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// Observations of one set of vital signs.
const VITAL_SIGNS: u32 = 7;

/// Reports with their results first, then vital signs when observations are still owed.
pub fn write(chance: &mut Seeded, account: &mut Account, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    while account.draw(Kind::DiagnosticReport) {
        let results = report(chance, (person, visit), sheaf);
        account.take(Kind::Observation, results);
    }
    while account.owes(Kind::Observation, VITAL_SIGNS) {
        account.take(Kind::Observation, VITAL_SIGNS);
        vital_signs(chance, (person, visit), sheaf);
    }
}

fn panel(chance: &mut Seeded) -> &'static Panel {
    let mut at = chance.between(1, 100);
    for panel in PANELS {
        if at <= panel.percent {
            return panel;
        }
        at -= panel.percent;
    }
    &PANELS[0]
}

/// A report with its results, those that the present illnesses ask for included; how many there are.
fn report(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) -> u32 {
    let panel = panel(chance);
    let mut results = Vec::new();
    let illness = person.present_on(visit.start.day).next_back().map(|one| one.illness);
    let followed: &[Test] = illness.map_or(&[], |one| one.followed_by);
    for test in followed {
        let id = chance.uuid();
        followed_result(chance, (person, visit), (id, test), sheaf);
        results.push((id, test.label));
    }
    // What follows the illness stands for the healthy value of the same quantity.
    let is_followed = |analyte: &&Analyte| followed.iter().all(|test| test.code != analyte.code);
    for analyte in panel.analytes.iter().filter(is_followed) {
        let id = chance.uuid();
        result(chance, (person, visit), (id, analyte), sheaf);
        results.push((id, analyte.label));
    }
    sheaf.add(Kind::DiagnosticReport, chance.uuid(), |report| {
        report.text("status", "final");
        let category = "http://terminology.hl7.org/CodeSystem/v2-0074";
        report.concepts("category", Coding::new(category, "LAB", "Laboratory"));
        report.concept("code", panel.coding);
        report.reference("subject", person.reference());
        report.reference("encounter", visit.reference());
        report.moment("effectiveDateTime", visit.start);
        report.moment("issued", visit.end);
        report.references("performer", [person.area.hospital().organization()]);
        let kind = Kind::Observation;
        report.references(
            "result",
            results.iter().map(|(id, display)| Reference { kind, id: *id, display }),
        );
    });
    results.len() as u32
}

/// Mostly within the range of healthy people, sometimes a little outside.
fn result(chance: &mut Seeded, of: (&Person, &Visit), (id, analyte): (Uuid, &Analyte), sheaf: &mut Sheaf) {
    let (low, high) = analyte.range;
    let margin = (high - low) / 12;
    let value = chance.between(low - margin, high + margin);
    let code = if value > high {
        "H"
    } else if value < low {
        "L"
    } else {
        "N"
    };
    let number = |digits| Decimal::new(digits, analyte.places);
    observation(of, (id, "laboratory", analyte.code, analyte.label), sheaf, |result| {
        result.quantity("valueQuantity", number(value), analyte.unit);
        result.concepts("interpretation", Coding::new(INTERPRETATION, code, ""));
        result.one("referenceRange", |range| {
            range.quantity("low", number(low), analyte.unit);
            range.quantity("high", number(high), analyte.unit);
        });
    });
}

/// A quantity that an illness disturbs.
fn followed_result(chance: &mut Seeded, of: (&Person, &Visit), (id, test): (Uuid, &Test), sheaf: &mut Sheaf) {
    let value = chance.around(test.value.0, test.value.1).max(0.1);
    let tenths = |value: f64| Decimal::new((value * 10.0).round() as u32, 1);
    let unit = (test.unit, test.ucum);
    observation(of, (id, "laboratory", test.code, test.label), sheaf, |result| {
        result.quantity("valueQuantity", tenths(value), unit);
        if let Some(high) = test.high {
            let code = if value > high { "H" } else { "N" };
            result.concepts("interpretation", Coding::new(INTERPRETATION, code, ""));
            result.one("referenceRange", |range| range.quantity("high", tenths(high), unit));
        }
    });
}

/// Height in centimetres, weight in tenths of a kilogram, body mass index in tenths.
fn build(chance: &mut Seeded, person: &Person, visit: &Visit) -> (u32, u32, u32) {
    let age = person.age_on(visit.start.day);
    let height = if age >= 18 {
        person.height
    } else {
        72 + (person.height - 72) * age / 18
    };
    let index = if age >= 18 {
        chance.between(190, 320)
    } else {
        chance.between(150, 190)
    };
    let weight = index * height * height / 10_000;
    (height, weight, index)
}

fn vital_signs(chance: &mut Seeded, of: (&Person, &Visit), sheaf: &mut Sheaf) {
    for (code, label, value, unit) in signs(chance, of) {
        observation(of, (chance.uuid(), "vital-signs", code, label), sheaf, |sign| {
            sign.quantity("valueQuantity", value, unit);
        });
    }
    blood_pressure(chance, of, sheaf);
}

/// Code, label, value and unit of the simple vital signs; fever and breathlessness come from the illnesses of the day.
fn signs(chance: &mut Seeded, (person, visit): (&Person, &Visit)) -> [(&'static str, &'static str, Decimal, Unit); 6] {
    let (height, weight, index) = build(chance, person, visit);
    let fever = ["J18.9", "N39.0", "J06.9"].iter().any(|code| has(person, visit, code));
    let breathless = ["J44.9", "J18.9"].iter().any(|code| has(person, visit, code));
    let mut within = |(low, high)| chance.between(low, high);
    let pulse = within(if fever { (84, 110) } else { (58, 88) });
    let temperature = within(if fever { (381, 392) } else { (362, 372) });
    let saturation = within(if breathless { (90, 95) } else { (96, 100) });
    let whole = |value| Decimal::new(value, 0);
    let tenths = |value| Decimal::new(value, 1);
    [
        ("8302-2", "Taille", whole(height), ("cm", "cm")),
        ("29463-7", "Poids", tenths(weight), ("kg", "kg")),
        (
            "39156-5",
            "Indice de masse corporelle",
            tenths(index),
            ("kg/m²", "kg/m2"),
        ),
        ("8867-4", "Fréquence cardiaque", whole(pulse), ("/min", "/min")),
        ("8310-5", "Température", tenths(temperature), ("°C", "Cel")),
        ("2708-6", "Saturation en oxygène", whole(saturation), ("%", "%")),
    ]
}

fn has(person: &Person, visit: &Visit, code: &str) -> bool {
    person.present_on(visit.start.day).any(|one| one.illness.code == code)
}

fn blood_pressure(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let raised = if has(person, visit, HYPERTENSION) { 22 } else { 0 };
    let parts = [
        ("8480-6", "Pression systolique", chance.between(104, 132) + raised),
        ("8462-4", "Pression diastolique", chance.between(62, 82) + raised / 2),
    ];
    let test = (chance.uuid(), "vital-signs", "85354-9", "Pression artérielle");
    observation((person, visit), test, sheaf, |sign| {
        sign.list("component", |components| {
            for (code, label, value) in parts {
                components.item(|component| {
                    component.concept("code", Coding::new(LOINC, code, label));
                    component.quantity("valueQuantity", Decimal::new(value, 0), ("mmHg", "mm[Hg]"));
                });
            }
        });
    });
}

/// What observations have in common; `value` adds what was observed.
fn observation(
    (person, visit): (&Person, &Visit),
    (id, category, code, label): (Uuid, &str, &str, &str),
    sheaf: &mut Sheaf,
    value: impl FnOnce(&mut Object),
) {
    sheaf.add(Kind::Observation, id, |observation| {
        observation.text("status", "final");
        observation.concepts("category", Coding::new(CATEGORY, category, ""));
        observation.concept("code", Coding::new(LOINC, code, label));
        observation.reference("subject", person.reference());
        observation.reference("encounter", visit.reference());
        observation.moment("effectiveDateTime", visit.start);
        observation.moment("issued", visit.end);
        observation.references("performer", [visit.site.practitioner()]);
        value(observation);
    });
}
