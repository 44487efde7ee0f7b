//! Many resources at once: lines of NDJSON in, each under the id that it has, a transaction of the store for some hundred.
//! This is the entry that `hygie load --bulk` uses and that `$import` reads its files into (`docs/adr/0016-fhir-bulk.md`).
//!
//! Lines are cut from the body as it comes ([`lines`]), made ready beside the threads that answer requests ([`prepare`]),
//! and written in their order, a batch at a time ([`write`]), while the next batch is made ready. What is held does not
//! grow with the body. A line that is refused stops nothing; it is named in the [`Report`]. Where the store itself fails,
//! the error names the last line that is done.

mod error;
mod lines;
mod prepare;
mod report;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt, TryStreamExt, try_unfold};
use hygie_core::Cx;

pub use error::BulkError;
pub use report::Report;

use self::lines::{Batch, Lines};
use self::prepare::{Prepared, record_refused};
use crate::interaction::Error;
use crate::service::{Fhir, Mandate, beside};

/// Batches that are made ready while one is written.
const AHEAD: usize = 2;

/// Loads the resources in `body`, one a line.
pub async fn load(
    fhir: &Fhir,
    mandate: &Mandate,
    body: impl Stream<Item = Result<Bytes, Error>> + Unpin,
) -> Result<Report, Error> {
    let batches = try_unfold(Lines::new(body, fhir.limits()), |mut lines| async {
        Ok(lines.next_batch().await?.map(|batch| (batch, lines)))
    });
    // In their order, an error of the body too: what came before it is written.
    let prepared = batches
        .map(|batch: Result<_, Error>| async { Ok(prepared(fhir, mandate, batch?).await) })
        .buffered(AHEAD);
    let mut prepared = std::pin::pin!(prepared);
    let mut late = std::pin::pin!(tokio::time::sleep(fhir.limits().time / 4 * 3));
    let mut report = Report::default();
    loop {
        match select(prepared.try_next(), late.as_mut()).await {
            Either::Left((Ok(Some(batch)), _)) => one(fhir, mandate, batch, &mut report).await?,
            Either::Left((Ok(None), _)) => return Ok(report),
            Either::Left((Err(error), _)) => return Err(report.stopped_by(error)),
            Either::Right(_) => return Err(report.stopped_by(BulkError::Slow.into())),
        }
    }
}

async fn prepared(fhir: &Fhir, mandate: &Mandate, batch: Batch) -> Prepared {
    let (fhir, mandate) = (fhir.clone(), mandate.clone());
    beside(true, move || Prepared::of(&fhir, &mandate, batch)).await
}

/// Writes a batch and records what it refused, and puts both in the report.
async fn one(fhir: &Fhir, mandate: &Mandate, batch: Prepared, report: &mut Report) -> Result<(), Error> {
    // Of the batch, not of the request: one that goes on for minutes would write into the past.
    let cx = Cx {
        now: mandate.cx.clock.now(),
        ..mandate.cx.clone()
    };
    let last = batch.last;
    let recorded = record_refused(fhir, &cx, batch.refused.iter().map(|(_, error)| error)).await;
    recorded.map_err(|error| report.stopped_by(error))?;
    report.lines += batch.len();
    for (line, error) in batch.refused {
        report.refuse(line, &error);
    }
    write::all(fhir, &cx, Arc::new(batch.items), report).await?;
    report.done = last;
    Ok(())
}
