//! Lines made ready to be written: parsed, judged, with the keys of their index, as an update under their id would be.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use hygie_access::Interaction as Permitted;
use hygie_core::{Cx, Fault};
use hygie_fhir_model::json::Document;
use hygie_fhir_model::{Id, Name, ResourceType, validate};
use hygie_fhir_store::repo::Content;
use hygie_store::audit::{Outcome, Record};

use super::lines::{Batch, Line};
use super::{BulkError, write};
use crate::bundle::{Names, conditional, unresolved};
use crate::interaction::Error;
use crate::service::{Fhir, Mandate};

/// A resource that is ready.
pub struct Item {
    /// Its line.
    pub line: u64,
    /// Its type.
    pub kind: ResourceType,
    /// Its id.
    pub id: Id,
    /// Its body and keys.
    pub content: Content,
}

/// A batch that is ready.
pub struct Prepared {
    /// What is to be written, in the order of the lines.
    pub items: Vec<Item>,
    /// Lines that are refused, and why.
    pub refused: Vec<(u64, Error)>,
    /// The number of its last line.
    pub last: u64,
}

impl Prepared {
    /// Of these lines.
    pub fn of(fhir: &Fhir, mandate: &Mandate, batch: Batch) -> Self {
        let mut prepared = Self {
            items: Vec::with_capacity(batch.lines.len()),
            refused: Vec::new(),
            last: batch.last,
        };
        for line in batch.lines {
            let number = line.number;
            match item(fhir, mandate, line) {
                Ok(item) => prepared.items.push(item),
                Err(error) => prepared.refused.push((number, error)),
            }
        }
        prepared
    }

    /// Number of lines.
    pub fn len(&self) -> u64 {
        (self.items.len() + self.refused.len()) as u64
    }
}

/// Records what is refused: one entry for each reason.
pub async fn record_refused<'e>(fhir: &Fhir, cx: &Cx, errors: impl Iterator<Item = &'e Error>) -> Result<(), Error> {
    let mut counts: BTreeMap<&'static str, (Outcome, u32)> = BTreeMap::new();
    for error in errors {
        let (outcome, reason) = match error {
            Error::Refused(refusal) => (Outcome::Refused, refusal.reason().code()),
            error => (Outcome::Failed, error.code()),
        };
        counts.entry(reason).or_insert((outcome, 0)).1 += 1;
    }
    let records = counts.into_iter().map(|(reason, (outcome, count))| {
        let mut record = Record::success(cx, write::ACTION, "").ended(outcome, reason);
        record.count = count;
        fhir.settings().store.record(record)
    });
    try_join_all(records).await?;
    Ok(())
}

fn item(fhir: &Fhir, mandate: &Mandate, line: Line) -> Result<Item, Error> {
    let limits = fhir.limits();
    let text = line.text.ok_or(BulkError::Line(limits.resource))?;
    let document = Document::parse(text, &limits.json())?;
    let kind = validate(&document)?;
    if kind.name() == "SearchParameter" {
        return Err(BulkError::SearchParameter.into());
    }
    mandate.check(Permitted::Import, kind)?;
    let id = document.root().get_text(Name::ID).and_then(|id| id.parse().ok());
    let id = id.ok_or(BulkError::Id)?;
    if !conditional(&document).is_empty() {
        return Err(BulkError::Reference.into());
    }
    if let Some(entry) = unresolved(&document, &Names::new()) {
        return Err(BulkError::Entry(entry).into());
    }
    Ok(Item {
        line: line.number,
        kind,
        id,
        content: fhir.settings().repository.content(kind, document),
    })
}
