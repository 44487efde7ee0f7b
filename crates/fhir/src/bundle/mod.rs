//! batch and transaction: many interactions in one request. <http://hl7.org/fhir/R4/http.html#transaction>
//!
//! Entries are taken apart ([`entry`]), each becomes an interaction, and these run as [`batch`] (each alone) or
//! [`transaction`] (all or none), in the order DELETE, POST, PUT, PATCH, GET.
//!
//! # Deviations
//! - References are rewritten where the element is `reference`, `valueUri`, `valueUrl` or a `url` below the root; links
//!   in narratives stay as they are.
//! - A reference `urn:uuid:…` or `urn:oid:…` that no entry of a transaction has as its `fullUrl` is refused, as by HAPI;
//!   Microsoft's server stores it, and it names nothing.
//! - Conditional references, updates, patches and deletions see what was there before the transaction, not what it creates.

mod batch;
mod entry;
mod error;
mod references;
mod transaction;

use std::borrow::Cow;

use futures_util::future::try_join_all;
use hygie_core::{Cx, Fault};
use hygie_fhir_model::Name;
use hygie_fhir_model::json::{Document, Kind};
use hygie_fhir_store::search::Handling;
use hygie_store::audit::{Outcome, Record};
use hygie_web::audit::Note;

pub use error::BundleError;
pub use references::{Names, conditional, unresolved};

use self::entry::Entry;
use crate::interaction::{Answer, Error};
use crate::service::{Fhir, Mandate, beside};
use crate::wire::{Responses, Return};

/// What a bundle asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Batch,
    Transaction,
}

/// A bundle taken apart.
struct Bundle {
    mode: Mode,
    entries: Vec<Result<Entry, Error>>,
}

/// Entries from which on work is done beside the threads that answer requests.
const LARGE: usize = 32;

/// Bytes from which on parsing is.
const LARGE_BODY: usize = 256 * 1024;

/// Processes the bundle in `body`; the response bundle as JSON text.
pub async fn process(
    fhir: &Fhir,
    mandate: &Mandate,
    body: Vec<u8>,
    (handling, returns): (Handling, Return),
) -> Result<String, Error> {
    let is_large = body.len() > LARGE_BODY;
    let taken = fhir.clone();
    let Bundle { mode, entries } = beside(is_large, move || take_apart(&taken, body)).await?;
    let is_large = entries.len() > LARGE;
    let notes: Vec<Note> = entries.iter().map(note).collect();
    let (name, answers) = match mode {
        Mode::Batch => ("batch-response", batch::run(fhir, mandate, entries, handling).await),
        Mode::Transaction => {
            let entries = entries.into_iter().enumerate();
            let entries = entries.map(|(index, entry)| entry.map_err(|error| BundleError::entry(index, error)));
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let answers = transaction::run(fhir, mandate, entries, handling).await?;
            ("transaction-response", answers.into_iter().map(Ok).collect())
        }
    };
    record(fhir, &mandate.cx, notes, &answers).await?;
    let (fhir, cx) = (fhir.clone(), mandate.cx.clone());
    let text = beside(is_large, move || {
        let responses = Responses {
            base: fhir.base(),
            cx: &cx,
            returns,
        };
        responses.bundle(name, answers)
    });
    Ok(text.await)
}

fn take_apart(fhir: &Fhir, body: Vec<u8>) -> Result<Bundle, Error> {
    let limits = fhir.limits();
    let document = Document::parse(body, &limits.bundle_json())?;
    let root = document.root();
    if root.get_text(Name::RESOURCE_TYPE).as_deref() != Some("Bundle") {
        return Err(BundleError::NoBundle.into());
    }
    let mode = match root.get_text(Name::TYPE).as_deref() {
        Some("batch") => Mode::Batch,
        Some("transaction") => Mode::Transaction,
        _ => return Err(BundleError::Type.into()),
    };
    let list = root.find("entry");
    if list.is_some_and(|list| list.kind() != Kind::Array) {
        return Err(BundleError::Entries.into());
    }
    let items = || list.into_iter().flat_map(hygie_fhir_model::json::Json::items);
    if items().count() > limits.entries {
        return Err(BundleError::TooMany(limits.entries).into());
    }
    let entries = items().map(|item| Entry::read(fhir, item)).collect();
    Ok(Bundle { mode, entries })
}

fn note(entry: &Result<Entry, Error>) -> Note {
    match entry {
        Ok(entry) => entry.note(),
        Err(_) => Note::new("fhir.bundle-entry", ""),
    }
}

/// Records what the transactions did not: reads, refusals, failures.
async fn record(fhir: &Fhir, cx: &Cx, notes: Vec<Note>, answers: &[Result<Answer, Error>]) -> Result<(), Error> {
    let records = notes.into_iter().zip(answers).filter_map(|(note, answer)| {
        let mut record = Record::success(cx, "", note.object);
        record.action = note.action;
        match answer {
            Ok(answer) if answer.is_recorded() => return None,
            Ok(_) => {}
            Err(Error::Refused(refusal)) => record = record.ended(Outcome::Refused, refusal.reason().code()),
            Err(error) => record = record.ended(Outcome::Failed, error.code()),
        }
        Some(fhir.settings().store.record(record))
    });
    try_join_all(records).await?;
    Ok(())
}

/// The first segment and what follows it.
fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(head, rest)| (head, Some(rest)))
}

/// A text member of an object.
fn member<'d>(object: hygie_fhir_model::json::Json<'d>, key: &str) -> Option<Cow<'d, str>> {
    object.find(key)?.text()
}
