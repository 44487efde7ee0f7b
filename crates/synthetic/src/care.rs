//! Conditions, what is lasting (allergies, goals, care plans), and what is done: procedures, images, vaccines,
//! prescriptions.

use super::billing;
use super::codes::{ALLERGIES, ATC, CCAM, CIM10, MEDICINES, PROCEDURES, SNOMED, VACCINES};
use super::json::Coding;
use super::mix::Account;
use super::patient::{Class, Person, Suffered, Visit};
use super::reference::{Kind, Reference};
use super::sheaf::Sheaf;
use crate::illness::{ILLNESSES, Illness};
use crate::seed::Seeded;

/// Conditions found at this encounter: the reason of it, and lasting ones.
pub fn conditions(
    chance: &mut Seeded,
    account: &mut Account,
    (person, visit): (&mut Person, &Visit),
    sheaf: &mut Sheaf,
) {
    while account.draw(Kind::Condition) {
        let suffered = Suffered {
            id: chance.uuid(),
            illness: illness(chance, person, visit),
            since: visit.start.day,
        };
        write_condition(person, visit, &suffered, sheaf);
        person.suffered.push(suffered);
    }
}

/// One that begins at this age and that the patient does not have now; frequent ones more often.
fn illness(chance: &mut Seeded, person: &Person, visit: &Visit) -> &'static Illness {
    let age = person.age_on(visit.start.day);
    let is_new = |illness: &Illness| {
        person
            .present_on(visit.start.day)
            .all(|one| one.illness.code != illness.code)
    };
    let mut possible: Vec<&Illness> = ILLNESSES
        .iter()
        .filter(|one| one.from_age <= age && is_new(one))
        .collect();
    if possible.is_empty() {
        possible = ILLNESSES.iter().filter(|one| one.from_age == 0).collect();
    }
    let total: u32 = possible.iter().map(|one| one.percent).sum();
    let mut at = chance.between(1, total.max(1));
    for one in &possible {
        if at <= one.percent {
            return one;
        }
        at -= one.percent;
    }
    possible[0]
}

fn write_condition(person: &Person, visit: &Visit, suffered: &Suffered, sheaf: &mut Sheaf) {
    let ended = suffered.ends().filter(|end| *end <= person.until);
    let code = if ended.is_some() { "resolved" } else { "active" };
    sheaf.add(Kind::Condition, suffered.id, |condition| {
        let status = "http://terminology.hl7.org/CodeSystem/condition-clinical";
        condition.concept("clinicalStatus", Coding::new(status, code, ""));
        let verified = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
        condition.concept("verificationStatus", Coding::new(verified, "confirmed", ""));
        let category = "http://terminology.hl7.org/CodeSystem/condition-category";
        condition.concepts("category", Coding::new(category, "problem-list-item", ""));
        condition.concept(
            "code",
            Coding::new(CIM10, suffered.illness.code, suffered.illness.label),
        );
        condition.reference("subject", person.reference());
        condition.reference("encounter", visit.reference());
        condition.date("onsetDateTime", suffered.since);
        if let Some(end) = ended {
            condition.date("abatementDateTime", end);
        }
        condition.date("recordedDate", suffered.since);
        condition.reference("asserter", visit.site.practitioner());
    });
}

/// Allergies, goals and care plans; the last two wait for an illness that they are about.
pub fn lasting(chance: &mut Seeded, account: &mut Account, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    if account.draw(Kind::AllergyIntolerance) {
        allergy(chance, (person, visit), sheaf);
    }
    let Some(about) = person.present_on(visit.start.day).next_back() else {
        return;
    };
    let mut goal = None;
    if account.draw(Kind::Goal) {
        let id = chance.uuid();
        sheaf.add(Kind::Goal, id, |goal| {
            goal.text("lifecycleStatus", "active");
            let system = "http://terminology.hl7.org/CodeSystem/goal-achievement";
            goal.concept("achievementStatus", Coding::new(system, "in-progress", ""));
            goal.object("description", |text| {
                text.text("text", &format!("Équilibre de la maladie : {}", about.illness.label));
            });
            goal.reference("subject", person.reference());
            goal.date("startDate", visit.start.day);
            goal.references("addresses", [about.reference()]);
        });
        goal = Some(Reference::to(Kind::Goal, id));
    }
    if account.draw(Kind::CarePlan) {
        let id = chance.uuid();
        sheaf.add(Kind::CarePlan, id, |plan| {
            plan.text("status", "active");
            plan.text("intent", "plan");
            plan.text("title", &format!("Suivi : {}", about.illness.label));
            plan.reference("subject", person.reference());
            plan.reference("encounter", visit.reference());
            plan.object("period", |period| period.date("start", visit.start.day));
            plan.reference("author", visit.site.practitioner());
            plan.references("addresses", [about.reference()]);
            if let Some(goal) = goal {
                plan.references("goal", [goal]);
            }
        });
    }
}

fn allergy(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let (code, category, label) = *chance.pick(ALLERGIES);
    sheaf.add(Kind::AllergyIntolerance, chance.uuid(), |allergy| {
        let status = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
        allergy.concept("clinicalStatus", Coding::new(status, "active", ""));
        let verified = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
        allergy.concept("verificationStatus", Coding::new(verified, "confirmed", ""));
        allergy.text("type", "allergy");
        allergy.texts("category", &[category]);
        allergy.concept("code", Coding::new(SNOMED, code, label));
        allergy.reference("patient", person.reference());
        allergy.reference("encounter", visit.reference());
        allergy.moment("recordedDate", visit.start);
        allergy.reference("recorder", visit.site.practitioner());
    });
}

/// What is done at this encounter.
pub fn acts(chance: &mut Seeded, account: &mut Account, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    while account.draw(Kind::Procedure) {
        procedure(chance, (person, visit), sheaf);
    }
    if account.draw(Kind::ImagingStudy) {
        images(chance, (person, visit), sheaf);
    }
    while account.draw(Kind::Immunization) {
        vaccine(chance, (person, visit), sheaf);
    }
    let ill = person.present_on(visit.start.day).next_back();
    if let Some(reason) = ill {
        while account.draw(Kind::MedicationRequest) {
            prescription(chance, (person, visit), reason, sheaf);
        }
    }
}

fn procedure(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let age = person.age_on(visit.start.day);
    let suited = PROCEDURES.partition_point(|(youngest, _, _)| *youngest <= age);
    let (_, code, label) = *chance.pick(&PROCEDURES[..suited]);
    sheaf.add(Kind::Procedure, chance.uuid(), |procedure| {
        procedure.text("status", "completed");
        procedure.concept("code", Coding::new(CCAM, code, label));
        procedure.reference("subject", person.reference());
        procedure.reference("encounter", visit.reference());
        procedure.period("performedPeriod", visit.start.after(5), visit.start.after(15));
        procedure.one("performer", |performer| {
            performer.reference("actor", visit.site.practitioner());
        });
    });
}

/// A radiograph of the chest, with its identifiers in the form of a UUID (DICOM PS3.5 §B.2).
fn images(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let [study, series, instance] = [(); 3].map(|()| format!("2.25.{}", chance.uuid().as_u128()));
    let place = person.area.hospital();
    sheaf.add(Kind::ImagingStudy, chance.uuid(), |images| {
        images.one("identifier", |identifier| {
            identifier.text("use", "official");
            identifier.text("system", "urn:dicom:uid");
            identifier.text("value", &format!("urn:oid:{study}"));
        });
        images.text("status", "available");
        images.reference("subject", person.reference());
        images.reference("encounter", visit.reference());
        images.moment("started", visit.start.after(10));
        images.references("interpreter", [place.practitioner()]);
        images.count("numberOfSeries", 1);
        images.count("numberOfInstances", 1);
        images.concepts("procedureCode", Coding::new(CCAM, "ZBQK002", "Radiographie du thorax"));
        images.one("series", |one| {
            one.text("uid", &series);
            one.count("number", 1);
            let system = "http://dicom.nema.org/resources/ontology/DCM";
            one.coding("modality", Coding::new(system, "DX", "Digital Radiography"));
            one.count("numberOfInstances", 1);
            one.moment("started", visit.start.after(10));
            one.one("instance", |image| {
                image.text("uid", &instance);
                let class = "urn:oid:1.2.840.10008.5.1.4.1.1.1.1";
                image.coding("sopClass", Coding::new("urn:ietf:rfc:3986", class, ""));
                image.count("number", 1);
            });
        });
    });
}

fn vaccine(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let age = person.age_on(visit.start.day);
    let count = VACCINES
        .iter()
        .filter(|(from, to, ..)| (*from..=*to).contains(&age))
        .count() as u32;
    let mut possible = VACCINES.iter().filter(|(from, to, ..)| (*from..=*to).contains(&age));
    let at = chance.between(0, count.max(1) - 1);
    let Some((.., code, label)) = possible.nth(at as usize) else {
        return;
    };
    sheaf.add(Kind::Immunization, chance.uuid(), |vaccine| {
        vaccine.text("status", "completed");
        vaccine.concept("vaccineCode", Coding::new(ATC, code, label));
        vaccine.reference("patient", person.reference());
        vaccine.reference("encounter", visit.reference());
        vaccine.moment("occurrenceDateTime", visit.start);
        vaccine.flag("primarySource", true);
        vaccine.text("lotNumber", &format!("LOT{:05}", chance.between(0, 99_999)));
        vaccine.one("performer", |performer| {
            performer.reference("actor", visit.site.practitioner());
        });
    });
}

/// A prescription for an illness, and the claim of the pharmacy that dispensed it.
fn prescription(chance: &mut Seeded, (person, visit): (&Person, &Visit), reason: &Suffered, sheaf: &mut Sheaf) {
    let of_illness = MEDICINES.iter().find(|(illness, ..)| *illness == reason.illness.code);
    let (code, label) = of_illness.map_or(("N02BE01", "Paracétamol"), |(_, code, label)| (*code, *label));
    let id = chance.uuid();
    sheaf.add(Kind::MedicationRequest, id, |request| {
        let is_ended = !reason.illness.chronic;
        request.text("status", if is_ended { "completed" } else { "active" });
        request.text("intent", "order");
        request.concept("medicationCodeableConcept", Coding::new(ATC, code, label));
        request.reference("subject", person.reference());
        request.reference("encounter", visit.reference());
        request.moment("authoredOn", visit.start);
        request.reference("requester", visit.site.practitioner());
        request.references("reasonReference", [reason.reference()]);
        request.one("dosageInstruction", |dosage| {
            dosage.count("sequence", 1);
            dosage.object("timing", |timing| {
                timing.object("repeat", |repeat| {
                    repeat.count("frequency", chance.between(1, 3));
                    repeat.count("period", 1);
                    repeat.text("periodUnit", "d");
                });
            });
            dosage.flag("asNeededBoolean", visit.class == Class::Emergency);
        });
    });
    let medicine = Coding::new(ATC, code, label);
    billing::prescription(
        chance,
        (person, visit),
        (Reference::to(Kind::MedicationRequest, id), medicine),
        sheaf,
    );
}
