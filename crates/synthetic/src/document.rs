//! Letters: a structured summary of an encounter, and its plain text as a document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::{Coding, LOINC};
use super::mix::Account;
use super::patient::{Person, Visit};
use super::reference::Kind;
use super::sheaf::Sheaf;
use crate::seed::Seeded;

const SUMMARY: Coding<'static> = Coding::new(LOINC, "11506-3", "Compte rendu de consultation");

/// The documents that are due at this encounter.
pub fn write(chance: &mut Seeded, account: &mut Account, (person, visit): (&Person, &Visit), sheaf: &mut Sheaf) {
    if account.draw(Kind::Composition) {
        sheaf.add(Kind::Composition, chance.uuid(), |composition| {
            composition.text("status", "final");
            composition.concept("type", SUMMARY);
            composition.reference("subject", person.reference());
            composition.reference("encounter", visit.reference());
            composition.moment("date", visit.end);
            composition.references("author", [visit.site.practitioner()]);
            composition.text("title", SUMMARY.label);
            composition.reference("custodian", visit.site.organization());
            composition.one("section", |section| {
                section.text("title", "Problèmes");
                let mut present = person.present_on(visit.start.day).peekable();
                if present.peek().is_some() {
                    section.references("entry", present.map(super::patient::Suffered::reference));
                } else {
                    // A section without entries has a text (constraint cmp-1 of R4).
                    section.object("text", |text| {
                        text.text("status", "generated");
                        let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"fr\">Aucun problème connu.</div>";
                        text.text("div", div);
                    });
                    let reason = "http://terminology.hl7.org/CodeSystem/list-empty-reason";
                    section.concept("emptyReason", Coding::new(reason, "nilknown", ""));
                }
            });
        });
    }
    if account.draw(Kind::DocumentReference) {
        let letter = letter(person, visit);
        sheaf.add(Kind::DocumentReference, chance.uuid(), |document| {
            document.text("status", "current");
            document.text("docStatus", "final");
            document.concept("type", SUMMARY);
            document.reference("subject", person.reference());
            document.moment("date", visit.end);
            document.references("author", [visit.site.practitioner()]);
            document.reference("custodian", visit.site.organization());
            document.one("content", |content| {
                content.object("attachment", |attachment| {
                    attachment.text("contentType", "text/plain; charset=utf-8");
                    attachment.text("language", "fr");
                    attachment.text("data", &STANDARD.encode(&letter));
                    attachment.count("size", letter.len() as u32);
                    attachment.text("title", SUMMARY.label);
                    attachment.moment("creation", visit.end);
                });
            });
            document.object("context", |context| {
                context.references("encounter", [visit.reference()]);
                context.period("period", visit.start, visit.end);
            });
        });
    }
}

/// What the letter says.
fn letter(person: &Person, visit: &Visit) -> String {
    let problems: Vec<&str> = person
        .present_on(visit.start.day)
        .map(|one| one.illness.label)
        .collect();
    let problems = if problems.is_empty() {
        "néant".to_owned()
    } else {
        problems.join(" ; ")
    };
    format!(
        "{}\n\nPatient : {}\nDate : {}\nMédecin : {}\nProblèmes : {problems}\n\nDonnées fictives.\n",
        SUMMARY.label,
        person.full_name,
        visit.start.day,
        visit.site.practitioner().display,
    )
}
