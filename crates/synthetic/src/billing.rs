//! Claims and what health insurance made of them: 70 % for consultations, the share of the *régime obligatoire*.

use uuid::Uuid;

use super::area::Role;
use super::json::{Coding, Object};
use super::patient::{Class, Person, Visit};
use super::reference::{Kind, Reference};
use super::sheaf::Sheaf;
use crate::seed::Seeded;

const INSURER: &str = "Assurance maladie";

/// The claim for an encounter and the explanation of its benefit.
pub fn encounter(chance: &mut Seeded, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    let claim = chance.uuid();
    let cents = match visit.class {
        Class::Ambulatory => 3_000,
        Class::Emergency => 10 * chance.between(600, 2_500),
        Class::Inpatient => 100 * chance.between(600, 4_500),
    };
    let provider = visit.site.organization();
    sheaf.add(Kind::Claim, claim, |claim| {
        head(claim, visit, ("professional", person.reference()));
        claim.reference("provider", provider);
        claim.concept("priority", priority());
        insurance(claim);
        claim.one("item", |item| {
            item.count("sequence", 1);
            item.object("productOrService", |service| service.text("text", visit.class.label()));
            item.money("net", cents);
            item.references("encounter", [visit.reference()]);
        });
        claim.money("total", cents);
    });
    explanation(chance.uuid(), (person, visit), (claim, cents), sheaf);
}

/// The claim of a pharmacy for what was prescribed.
pub fn prescription(
    chance: &mut Seeded,
    (person, visit): (&Person, &Visit),
    (request, medicine): (Reference, Coding),
    sheaf: &mut Sheaf,
) {
    let cents = chance.between(198, 4_200);
    let pharmacy = person.area.pick(chance, Role::Pharmacy);
    sheaf.add(Kind::Claim, chance.uuid(), |claim| {
        head(claim, visit, ("pharmacy", person.reference()));
        claim.reference("provider", pharmacy.organization());
        claim.concept("priority", priority());
        claim.reference("prescription", request);
        insurance(claim);
        claim.one("item", |item| {
            item.count("sequence", 1);
            item.concept("productOrService", medicine);
            item.money("net", cents);
        });
        claim.money("total", cents);
    });
}

fn head(resource: &mut Object, visit: &Visit, (kind, patient): (&str, Reference)) {
    resource.text("status", "active");
    let system = "http://terminology.hl7.org/CodeSystem/claim-type";
    resource.concept("type", Coding::new(system, kind, ""));
    resource.text("use", "claim");
    resource.reference("patient", patient);
    resource.period("billablePeriod", visit.start, visit.end);
    resource.moment("created", visit.end);
}

const fn priority() -> Coding<'static> {
    Coding::new("http://terminology.hl7.org/CodeSystem/processpriority", "normal", "")
}

fn insurance(claim: &mut Object) {
    claim.one("insurance", |insurance| {
        insurance.count("sequence", 1);
        insurance.flag("focal", true);
        insurance.object("coverage", |coverage| coverage.text("display", INSURER));
    });
}

fn explanation(id: Uuid, (person, visit): (&Person, &Visit), (claim, cents): (Uuid, u32), sheaf: &mut Sheaf) {
    let paid = cents * 70 / 100;
    let amounts = [
        ("submitted", cents),
        ("eligible", cents),
        ("copay", cents - paid),
        ("benefit", paid),
    ];
    sheaf.add(Kind::ExplanationOfBenefit, id, |benefit| {
        head(benefit, visit, ("professional", person.reference()));
        benefit.object("insurer", |insurer| insurer.text("display", INSURER));
        benefit.reference("provider", visit.site.practitioner());
        benefit.reference("claim", Reference::to(Kind::Claim, claim));
        benefit.text("outcome", "complete");
        benefit.one("careTeam", |team| {
            team.count("sequence", 1);
            team.reference("provider", visit.site.practitioner());
            let system = "http://terminology.hl7.org/CodeSystem/claimcareteamrole";
            team.concept("role", Coding::new(system, "primary", ""));
        });
        benefit.one("insurance", |insurance| {
            insurance.flag("focal", true);
            insurance.object("coverage", |coverage| coverage.text("display", INSURER));
        });
        benefit.one("item", |item| {
            item.count("sequence", 1);
            item.object("productOrService", |service| service.text("text", visit.class.label()));
            item.period("servicedPeriod", visit.start, visit.end);
            item.money("net", cents);
            item.references("encounter", [visit.reference()]);
            item.list("adjudication", |list| {
                for (code, cents) in amounts {
                    list.item(|one| {
                        let system = "http://terminology.hl7.org/CodeSystem/adjudication";
                        one.concept("category", Coding::new(system, code, ""));
                        one.money("amount", cents);
                    });
                }
            });
        });
        benefit.object("payment", |payment| {
            payment.date("date", visit.end.day);
            payment.money("amount", paid);
        });
    });
}
