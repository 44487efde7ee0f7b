//! Who cares for the patients of an area: a hospital with its departments, practices and pharmacies.

use uuid::Uuid;

use super::codes::{PROFESSION, SITES};
use super::json::Coding;
use super::reference::{Kind, Reference};
use super::sheaf::Sheaf;
use crate::identifiers::{FINESS, RPPS, finess, rpps};
use crate::names::{CITIES, FAMILIES, MEN, STREETS, WOMEN};
use crate::seed::Seeded;

/// Patients of one area. With the sites of [`SITES`] it gives the 34 organizations and practitioners for a hundred
/// patients of the sample.
pub const PATIENTS: u32 = 100;
/// Areas have numbers of their own beside those of patients.
const FIRST_STREAM: u64 = 1 << 40;

/// What a place does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Hospital,
    Department,
    Practice,
    Pharmacy,
}

/// An organization and the professional who works there.
pub struct Site {
    pub role: Role,
    number: u32,
    organization: Uuid,
    name: String,
    practitioner: Uuid,
    role_id: Uuid,
    is_woman: bool,
    given: &'static str,
    family: &'static str,
    full_name: String,
    profession: (&'static str, &'static str),
    specialty: &'static str,
}

impl Site {
    pub fn organization(&self) -> Reference<'_> {
        Reference {
            kind: Kind::Organization,
            id: self.organization,
            display: &self.name,
        }
    }

    pub fn practitioner(&self) -> Reference<'_> {
        Reference {
            kind: Kind::Practitioner,
            id: self.practitioner,
            display: &self.full_name,
        }
    }
}

pub struct Area {
    sites: Vec<Site>,
    place: (&'static str, &'static str),
}

impl Area {
    pub fn of(seed: u64, number: u32) -> Self {
        let mut chance = Seeded::of(seed, FIRST_STREAM + u64::from(number));
        let place = *chance.pick(CITIES);
        let mut sites = Vec::new();
        for (role, label, specialty, count) in SITES {
            for _ in 0..*count {
                let at = number * PATIENTS * 34 / 100 + sites.len() as u32 + 1;
                sites.push(site(&mut chance, at, (*role, label, specialty), place.0));
            }
        }
        Self { sites, place }
    }

    pub fn hospital(&self) -> &Site {
        &self.sites[0]
    }

    /// One of the places of a role.
    pub fn pick(&self, chance: &mut Seeded, role: Role) -> &Site {
        let first = self.sites.iter().position(|site| site.role == role).unwrap_or_default();
        let count = self.sites[first..].iter().take_while(|site| site.role == role).count();
        chance.pick(&self.sites[first..first + count.max(1)])
    }

    pub fn write(&self, sheaf: &mut Sheaf) {
        for site in &self.sites {
            self.write_organization(site, sheaf);
            write_practitioner(site, sheaf);
        }
    }

    fn write_organization(&self, site: &Site, sheaf: &mut Sheaf) {
        let kind = match site.role {
            Role::Department => "dept",
            _ => "prov",
        };
        sheaf.add(Kind::Organization, site.organization, |organization| {
            if matches!(site.role, Role::Hospital | Role::Pharmacy) {
                organization.one("identifier", |identifier| {
                    identifier.text("use", "official");
                    identifier.text("system", FINESS);
                    identifier.text("value", &finess(site.number));
                });
            }
            organization.flag("active", true);
            let system = "http://terminology.hl7.org/CodeSystem/organization-type";
            organization.concepts("type", Coding::new(system, kind, ""));
            organization.text("name", &site.name);
            if site.role == Role::Department {
                organization.reference("partOf", self.hospital().organization());
                return;
            }
            organization.one("address", |address| {
                address.text("use", "work");
                let street = STREETS[site.number as usize % STREETS.len()];
                address.texts("line", &[&format!("{} {street}", site.number % 97 + 1)]);
                address.text("city", self.place.0);
                address.text("postalCode", self.place.1);
                address.text("country", "FR");
            });
        });
    }
}

fn site(chance: &mut Seeded, number: u32, (role, label, specialty): (Role, &str, &'static str), city: &str) -> Site {
    let is_woman = chance.percent(55);
    let given = *chance.pick(if is_woman { WOMEN } else { MEN });
    let family = *chance.pick(FAMILIES);
    let name = match role {
        Role::Hospital => format!("{label} de {city}"),
        Role::Department => label.to_owned(),
        Role::Practice | Role::Pharmacy => format!("{label} {family}"),
    };
    let (prefix, profession) = match (role, is_woman) {
        (Role::Pharmacy, true) => ("Mme", ("21", "Pharmacien")),
        (Role::Pharmacy, false) => ("M.", ("21", "Pharmacien")),
        _ => ("Dr", ("10", "Médecin")),
    };
    Site {
        role,
        number,
        organization: chance.uuid(),
        name,
        practitioner: chance.uuid(),
        role_id: chance.uuid(),
        is_woman,
        given,
        family,
        full_name: format!("{prefix} {given} {family}"),
        profession,
        specialty,
    }
}

fn write_practitioner(site: &Site, sheaf: &mut Sheaf) {
    sheaf.add(Kind::Practitioner, site.practitioner, |practitioner| {
        practitioner.one("identifier", |identifier| {
            identifier.text("use", "official");
            identifier.text("system", RPPS);
            identifier.text("value", &rpps(site.number));
        });
        practitioner.flag("active", true);
        practitioner.one("name", |name| {
            name.text("use", "official");
            name.text("text", &site.full_name);
            name.text("family", site.family);
            name.texts("given", &[site.given]);
        });
        practitioner.text("gender", if site.is_woman { "female" } else { "male" });
        practitioner.one("qualification", |one| {
            one.object("code", |code| code.text("text", site.specialty));
        });
    });
    sheaf.add(Kind::PractitionerRole, site.role_id, |role| {
        role.flag("active", true);
        role.reference("practitioner", site.practitioner());
        role.reference("organization", site.organization());
        let (code, label) = site.profession;
        role.concepts("code", Coding::new(PROFESSION, code, label));
        role.one("specialty", |specialty| specialty.text("text", site.specialty));
    });
}
