//! Structured logs on standard error: for eyes on a terminal, JSON lines otherwise. They hold no secret, no token and
//! no patient datum: what is logged are ids, codes and the chain of sources of faults.

use std::fmt;
use std::io::{self, IsTerminal};

use hygie_core::Clock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::ambient::SystemClock;
use crate::failure::Failure;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged unless the configuration says otherwise.
pub const DEFAULT_FILTER: &str = "info";

/// Starts logging for the whole process; a second call changes nothing (tests start several servers).
pub fn start(format: Format, filter: &str) -> Result<(), Failure> {
    let filter = parse_filter(filter)?;
    let terminal = io::stderr().is_terminal();
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(Utc)
        .with_writer(io::stderr);
    // An error means that a subscriber is there already, which is the state that is asked for.
    let _ = match format {
        Format::Json => base.json().flatten_event(true).try_init(),
        Format::Auto if !terminal => base.json().flatten_event(true).try_init(),
        Format::Auto | Format::Text => base.with_ansi(terminal).with_target(false).try_init(),
    };
    Ok(())
}

/// RFC 3339 in UTC, like every instant that the program shows.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, line: &mut Writer<'_>) -> fmt::Result {
        line.write_str(&SystemClock.now().to_rfc3339())
    }
}

/// A filter such as `info` or `info,hygie_fhir=debug`.
pub fn parse_filter(filter: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(filter).map_err(|_| {
        Failure::usage(format!(
            "log filter {filter:?} is not one (example: info,hygie_fhir=debug)"
        ))
    })
}
