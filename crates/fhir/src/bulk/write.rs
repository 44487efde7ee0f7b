//! The writing of a batch: every resource in one transaction, and one entry of the trail for all of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::Cx;
use hygie_fhir_store::repo::{Change, Resources, Version, Write};
use hygie_store::StoreError;
use hygie_store::audit::Record;

use super::Report;
use super::prepare::{Item, record_refused};
use crate::interaction::Error;
use crate::service::{Fhir, Work};

/// What the audit trail says of it.
pub const ACTION: &str = "fhir.bulk";

/// Writes the items and adds them to the report. What is too much for one transaction is written in halves.
pub async fn all(fhir: &Fhir, cx: &Cx, items: Arc<Vec<Item>>, report: &mut Report) -> Result<(), Error> {
    // What is still to be written, the next part last.
    let mut parts = Vec::new();
    parts.push(0..items.len());
    while let Some(range) = parts.pop() {
        if range.is_empty() {
            continue;
        }
        let part = Part {
            items: items.clone(),
            range: range.clone(),
        };
        match fhir.run(cx, part).await {
            Ok(written) => {
                report.created += written.created;
                report.updated += written.updated;
            }
            // It looks at too much: less of it does not.
            Err(Error::Store(StoreError::TooCostly)) if range.len() > 1 => {
                let middle = range.start + range.len() / 2;
                parts.extend([middle..range.end, range.start..middle]);
                continue;
            }
            Err(error @ Error::Store(StoreError::TooCostly)) => {
                let recorded = record_refused(fhir, cx, std::iter::once(&error)).await;
                recorded.map_err(|error| report.stopped_by(error))?;
                report.refuse(items[range.start].line, &error);
            }
            Err(error) => return Err(report.stopped_by(error)),
        }
        report.done = items[range.end - 1].line;
    }
    Ok(())
}

/// Items that are written together.
struct Part {
    items: Arc<Vec<Item>>,
    range: Range<usize>,
}

/// What was written.
#[derive(Default)]
struct Written {
    created: u64,
    updated: u64,
    /// Numbers of the first and the last record of the journal.
    records: Option<(i64, i64)>,
    /// By type.
    counts: BTreeMap<&'static str, u32>,
}

impl Work for Part {
    type Outcome = Written;

    fn is_write(&self) -> bool {
        true
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Written, Error>> {
        Box::pin(async move {
            let mut written = Written::default();
            for item in &self.items[self.range.clone()] {
                let current = resources.find(item.kind, &item.id).await?;
                let change = Change {
                    kind: item.kind,
                    id: &item.id,
                    updated: resources.tx().cx().now,
                    write: Write::Update(&item.content),
                };
                let version = resources.put(&change, current.as_ref()).await?;
                written.add(&version, current.as_ref());
            }
            let mut record = Record::success(resources.tx().cx(), ACTION, written.object());
            record.count = self.range.len() as u32;
            resources.tx().audit(&record).await?;
            Ok(written)
        })
    }
}

impl Written {
    fn add(&mut self, version: &Version, before: Option<&Version>) {
        if before.is_some_and(Version::is_there) {
            self.updated += 1;
        } else {
            self.created += 1;
        }
        let (first, _) = *self.records.get_or_insert((version.seq, version.seq));
        self.records = Some((first, version.seq));
        *self.counts.entry(version.kind.name()).or_default() += 1;
    }

    /// What the trail names: how many of each type, and where they are in the journal, which names each.
    fn object(&self) -> String {
        let mut object = String::new();
        for (kind, count) in &self.counts {
            write!(object, "{kind}:{count} ").expect("writing to a string");
        }
        let (first, last) = self.records.unwrap_or_default();
        write!(object, "journal:{first}-{last}").expect("writing to a string");
        object
    }
}
