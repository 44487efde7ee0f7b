//! One patient: who they are, then their encounters with all that follows from each.

use time::{Date, Duration};
use uuid::Uuid;

use super::area::{Area, Role, Site};
use super::mix::{Account, ENCOUNTERS_OF_PATIENT};
use super::reference::{Kind, Reference};
use super::sheaf::Sheaf;
use super::{billing, care, document, results};
use crate::identifiers::{INS_TEST, nir};
use crate::illness::Illness;
use crate::names::{CITIES, FAMILIES, MEN, STREETS, WOMEN};
use crate::seed::Seeded;

use super::json::Coding;
use super::moment::Moment;

/// The record goes back so many days at most.
const HISTORY: u32 = 12 * 365;

/// An illness that this patient has, since an encounter.
pub struct Suffered {
    pub id: Uuid,
    pub illness: &'static Illness,
    pub since: Date,
}

impl Suffered {
    /// The last day; chronic ones have none.
    pub fn ends(&self) -> Option<Date> {
        (!self.illness.chronic).then(|| self.since + Duration::days(28))
    }

    pub fn reference(&self) -> Reference<'static> {
        Reference {
            kind: Kind::Condition,
            id: self.id,
            display: self.illness.label,
        }
    }
}

/// What the parts of the record need to know.
pub struct Person<'a> {
    pub id: Uuid,
    pub full_name: String,
    pub is_woman: bool,
    pub birth: Date,
    /// Height in centimetres when grown up.
    pub height: u32,
    pub area: &'a Area,
    pub practice: &'a Site,
    pub suffered: Vec<Suffered>,
    /// The last day of the record.
    pub until: Date,
}

impl Person<'_> {
    pub fn reference(&self) -> Reference<'_> {
        Reference {
            kind: Kind::Patient,
            id: self.id,
            display: &self.full_name,
        }
    }

    /// Age on a day, in full years of 365.25 days.
    pub fn age_on(&self, day: Date) -> u32 {
        u32::try_from((day - self.birth).whole_days() * 100 / 36_525).unwrap_or(0)
    }

    /// Illnesses of a day, the latest last.
    pub fn present_on(&self, day: Date) -> impl DoubleEndedIterator<Item = &Suffered> {
        let is_present = move |one: &&Suffered| one.ends().is_none_or(|end| day <= end);
        self.suffered.iter().filter(is_present)
    }
}

/// How a patient is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Ambulatory,
    Emergency,
    Inpatient,
}

impl Class {
    pub const fn coding(self) -> Coding<'static> {
        let (code, label) = match self {
            Self::Ambulatory => ("AMB", "ambulatory"),
            Self::Emergency => ("EMER", "emergency"),
            Self::Inpatient => ("IMP", "inpatient encounter"),
        };
        Coding::new("http://terminology.hl7.org/CodeSystem/v3-ActCode", code, label)
    }

    /// What the invoice says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ambulatory => "Consultation",
            Self::Emergency => "Passage aux urgences",
            Self::Inpatient => "Hospitalisation",
        }
    }
}

/// One encounter, as what follows from it refers to it.
pub struct Visit<'a> {
    pub id: Uuid,
    pub class: Class,
    pub start: Moment,
    pub end: Moment,
    pub site: &'a Site,
}

impl Visit<'_> {
    pub fn reference(&self) -> Reference<'static> {
        Reference::to(Kind::Encounter, self.id)
    }
}

/// Writes the whole record of the patient of this number.
pub fn write(chance: &mut Seeded, area: &Area, number: u32, until: Date, sheaf: &mut Sheaf) {
    let mut person = person(chance, area, until);
    write_patient(chance, &person, number, sheaf);
    let mut account = Account::open(chance);
    let count = chance.between(ENCOUNTERS_OF_PATIENT.0, ENCOUNTERS_OF_PATIENT.1);
    let age = u32::try_from((until - person.birth).whole_days()).unwrap_or(0);
    let history = (age - 1).min(HISTORY);
    // Each encounter has a span of its own of at least nine days: it begins in the first half and ends within.
    let width = history / count;
    for at in 0..count {
        let first = until - Duration::days(i64::from(history - at * width));
        let day = first + Duration::days(i64::from(chance.between(0, width / 2)));
        let visit = visit(chance, area, person.practice, (day, width / 2 - 1));
        account.add_encounter();
        encounter(chance, &mut account, (&mut person, &visit), sheaf);
    }
}

/// An encounter and what follows from it.
fn encounter(chance: &mut Seeded, account: &mut Account, (person, visit): (&mut Person, &Visit), sheaf: &mut Sheaf) {
    care::conditions(chance, account, (person, visit), sheaf);
    let person = &*person;
    write_encounter(person, visit, sheaf);
    care::lasting(chance, account, (person, visit), sheaf);
    results::write(chance, account, (person, visit), sheaf);
    care::acts(chance, account, (person, visit), sheaf);
    billing::encounter(chance, (person, visit), sheaf);
    document::write(chance, account, (person, visit), sheaf);
}

fn person<'a>(chance: &mut Seeded, area: &'a Area, until: Date) -> Person<'a> {
    let is_woman = chance.percent(52);
    let given = *chance.pick(if is_woman { WOMEN } else { MEN });
    let family = *chance.pick(FAMILIES);
    Person {
        id: chance.uuid(),
        full_name: format!("{given} {family}"),
        is_woman,
        birth: until - Duration::days(i64::from(chance.between(500, 34_000))),
        height: if is_woman {
            chance.between(152, 176)
        } else {
            chance.between(164, 190)
        },
        area,
        practice: area.pick(chance, Role::Practice),
        suffered: Vec::new(),
        until,
    }
}

fn visit<'a>(chance: &mut Seeded, area: &'a Area, practice: &'a Site, (day, longest): (Date, u32)) -> Visit<'a> {
    let start = Moment::new(day, 8 * 60 + 5 * chance.between(0, 120));
    let (class, minutes, site) = match chance.between(1, 100) {
        1..=78 => (Class::Ambulatory, 5 * chance.between(3, 8), practice),
        79..=90 => (Class::Emergency, 5 * chance.between(12, 60), area.hospital()),
        _ => {
            let days = chance.between(1, longest.clamp(1, 9));
            (Class::Inpatient, days * 1440, area.pick(chance, Role::Department))
        }
    };
    Visit {
        id: chance.uuid(),
        class,
        start,
        end: start.after(minutes),
        site,
    }
}

fn write_patient(chance: &mut Seeded, person: &Person, number: u32, sheaf: &mut Sheaf) {
    let (given, family) = person.full_name.split_once(' ').unwrap_or_default();
    let (city, post_code) = *chance.pick(CITIES);
    let line = format!("{} {}", chance.between(1, 98), chance.pick(STREETS));
    let nir = nir(
        number,
        person.is_woman,
        person.birth.year(),
        person.birth.month().into(),
    );
    sheaf.add(Kind::Patient, person.id, |patient| {
        patient.list("identifier", |identifiers| {
            identifiers.item(|ins| {
                ins.text("use", "official");
                let system = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";
                ins.concept("type", Coding::new(system, "INS-NIR-TEST", ""));
                ins.text("system", INS_TEST);
                ins.text("value", &nir);
            });
            identifiers.item(|ipp| {
                ipp.text("use", "usual");
                let system = "http://terminology.hl7.org/CodeSystem/v2-0203";
                ipp.concept("type", Coding::new(system, "PI", ""));
                ipp.text("system", "https://ch-demo.example/ipp");
                ipp.text("value", &format!("8{number:08}"));
            });
        });
        patient.flag("active", true);
        patient.one("name", |name| {
            name.text("use", "official");
            name.text("text", &person.full_name);
            name.text("family", family);
            name.texts("given", &[given]);
        });
        patient.one("telecom", |phone| {
            phone.text("system", "phone");
            let (tens, ones) = (number / 100 % 100, number % 100);
            phone.text("value", &format!("+33 1 99 00 {tens:02} {ones:02}"));
            phone.text("use", "home");
        });
        patient.text("gender", if person.is_woman { "female" } else { "male" });
        patient.date("birthDate", person.birth);
        patient.one("address", |address| {
            address.text("use", "home");
            address.texts("line", &[&line]);
            address.text("city", city);
            address.text("postalCode", post_code);
            address.text("country", "FR");
        });
        patient.references("generalPractitioner", [person.practice.practitioner()]);
        patient.reference("managingOrganization", person.area.hospital().organization());
    });
}

fn write_encounter(person: &Person, visit: &Visit, sheaf: &mut Sheaf) {
    sheaf.add(Kind::Encounter, visit.id, |encounter| {
        encounter.text("status", "finished");
        encounter.coding("class", visit.class.coding());
        encounter.one("type", |kind| kind.text("text", visit.class.label()));
        encounter.reference("subject", person.reference());
        encounter.one("participant", |one| {
            one.reference("individual", visit.site.practitioner());
        });
        encounter.period("period", visit.start, visit.end);
        if let Some(reason) = person.present_on(visit.start.day).next_back() {
            encounter.references("reasonReference", [reason.reference()]);
        }
        encounter.reference("serviceProvider", visit.site.organization());
    });
}
