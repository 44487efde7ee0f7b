//! What became of everything that was sent.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::client::SendError;
use super::{Entrance, Parcel};

/// Failures that are kept; more are only counted.
const KEPT: usize = 100;
/// Failures that a person is shown.
const SHOWN: usize = 20;

/// One thing that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// File, and line or entry.
    pub place: String,
    /// HTTP status, when there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why.
    pub message: String,
}

/// The end of the story.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Resources written: created and updated.
    pub resources: u64,
    /// Of these, new ones.
    pub created: u64,
    /// Of these, new versions of what was there.
    pub updated: u64,
    /// Resources or files that failed.
    pub failed: u64,
    /// How long it took.
    pub seconds: f64,
    /// The first of what failed.
    pub failures: Vec<Failed>,
}

#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    failed: u64,
    failures: Vec<Failed>,
}

impl Counts {
    fn keep(&mut self, failed: Failed) {
        if self.failures.len() < KEPT {
            self.failures.push(failed);
        }
    }
}

/// Counts from several tasks.
pub struct Tally {
    files: usize,
    counts: Mutex<Counts>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    entry: Vec<AnswerEntry>,
}

/// What the bulk entry answers.
#[derive(Deserialize)]
struct Report {
    created: u64,
    updated: u64,
    refused: u64,
    errors: Vec<RefusedLine>,
}

#[derive(Deserialize)]
struct RefusedLine {
    line: usize,
    status: u16,
    message: String,
}

#[derive(Deserialize)]
struct AnswerEntry {
    response: AnswerResponse,
}

#[derive(Deserialize)]
struct AnswerResponse {
    status: String,
    outcome: Option<Outcome>,
}

/// The part of an `OperationOutcome` that a person reads.
#[derive(Deserialize)]
pub struct Outcome {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    severity: String,
    diagnostics: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    text: Option<String>,
}

impl Outcome {
    /// The texts of its errors, in one line.
    pub fn text(&self) -> String {
        let texts = self
            .issue
            .iter()
            .filter(|issue| matches!(issue.severity.as_str(), "error" | "fatal"));
        let texts = texts.filter_map(|issue| {
            let details = issue.details.as_ref().and_then(|details| details.text.as_deref());
            issue.diagnostics.as_deref().or(details)
        });
        texts.collect::<Vec<_>>().join("; ").replace('\n', " ")
    }
}

impl Tally {
    /// Of so many files.
    pub fn new(files: usize) -> Arc<Self> {
        Arc::new(Self {
            files,
            counts: Mutex::default(),
        })
    }

    /// Counts something that failed.
    pub fn fail(&self, place: String, status: Option<u16>, message: String) {
        self.fail_many(1, place, status, message);
    }

    fn fail_many(&self, count: u64, place: String, status: Option<u16>, message: String) {
        let mut counts = self.counts.lock();
        counts.failed += count;
        counts.keep(Failed { place, status, message });
    }

    /// Counts what became of a parcel and tells how many resources were written.
    pub fn count(&self, parcel: &Parcel, outcome: Result<Vec<u8>, SendError>) -> u64 {
        let written = outcome.map(|body| match parcel.entrance {
            Entrance::Bundles => {
                let answer = serde_json::from_slice(&body).ok();
                answer.map(|answer| self.count_entries(parcel, &answer))
            }
            Entrance::Bulk => {
                let report = serde_json::from_slice(&body).ok();
                report.map(|report| self.count_lines(parcel, report))
            }
        });
        let (status, message) = match written {
            Ok(Some(written)) => return written,
            Ok(None) => (
                None,
                "the answer is not one to what was sent: is this the address of a FHIR service?".to_owned(),
            ),
            Err(error) => (error.status(), error.to_string()),
        };
        self.fail_many(
            parcel.places.len().max(1) as u64,
            parcel.places.whole(),
            status,
            message,
        );
        0
    }

    fn count_entries(&self, parcel: &Parcel, answer: &Answer) -> u64 {
        let mut written = 0;
        for at in 0..parcel.places.len().max(answer.entry.len()) {
            let response = answer.entry.get(at).map(|entry| &entry.response);
            let status: Option<u16> = response.and_then(|response| response.status.get(..3)?.parse().ok());
            match status {
                Some(201) => self.counts.lock().created += 1,
                Some(200..=299) => self.counts.lock().updated += 1,
                _ => {
                    let text = response.and_then(|response| Some(response.outcome.as_ref()?.text()));
                    let message = text.unwrap_or_else(|| "no answer for this entry".to_owned());
                    self.fail(parcel.places.name(at), status, message);
                    continue;
                }
            }
            written += 1;
        }
        written
    }

    fn count_lines(&self, parcel: &Parcel, report: Report) -> u64 {
        let written = report.created + report.updated;
        let mut counts = self.counts.lock();
        counts.created += report.created;
        counts.updated += report.updated;
        counts.failed += report.refused;
        let unanswered = (parcel.places.len() as u64).saturating_sub(written + report.refused);
        for one in report.errors {
            counts.keep(Failed {
                place: parcel.places.name(one.line.saturating_sub(1)),
                status: Some(one.status),
                message: one.message,
            });
        }
        drop(counts);
        if unanswered > 0 {
            let message = format!("no answer for {unanswered} of these lines");
            self.fail_many(unanswered, parcel.places.whole(), None, message);
        }
        written
    }

    /// What became of everything.
    pub fn summary(&self, took: Duration) -> Summary {
        let counts = self.counts.lock();
        Summary {
            files: self.files,
            resources: counts.created + counts.updated,
            created: counts.created,
            updated: counts.updated,
            failed: counts.failed,
            seconds: took.as_secs_f64(),
            failures: counts.failures.clone(),
        }
    }
}

impl Summary {
    /// Shows it to a person: failures on standard error, the figures on standard output.
    pub fn print(&self) {
        for failed in self.failures.iter().take(SHOWN) {
            eprintln!("hygie: {}", failed.line());
        }
        let shown = self.failures.len().min(SHOWN);
        if self.failed > shown as u64 && shown == SHOWN {
            eprintln!("hygie: more failed; --json lists the first {KEPT}");
        }
        let rate = if self.seconds > 0.0 {
            format!(
                ", {:.0} a second",
                f64::from(u32::try_from(self.resources).unwrap_or(u32::MAX)) / self.seconds
            )
        } else {
            String::new()
        };
        println!(
            "{} resources of {} files in {:.1} s{rate}: {} created, {} updated, {} failed",
            self.resources, self.files, self.seconds, self.created, self.updated, self.failed
        );
    }
}

impl Failed {
    fn line(&self) -> String {
        let mut line = format!("{}: ", self.place);
        if let Some(status) = self.status {
            write!(line, "{status}: ").expect("writing to a string");
        }
        line.push_str(&self.message);
        line
    }
}
