//! `hygie load BASE-URL FILE|DIR…`: FHIR bundles and NDJSON into a FHIR service, repeatable, several requests at once,
//! in memory that does not grow with the input. With `--bulk` by the service's entry for many resources at once.
//!
//! One thread reads and prepares ([`source`], [`bundle`], [`lines`]), a few tasks send ([`client`]), one tally counts
//! ([`tally`]).

pub mod bundle;
pub mod client;
mod lines;
mod places;
pub mod progress;
mod source;
mod tally;
pub mod token;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clap::Args;
use hygie_core::Clock;
use tokio::sync::{Mutex, mpsc};
use url::Url;

use client::Client;
use hygie_command::ambient::SystemClock;
use hygie_command::document;
use hygie_command::failure::Failure;
use progress::{Counted, Progress};
use tally::Tally;
use token::Tokens;

/// Requests on their way at once: enough to keep two cores of a server busy while one waits for the disk.
const IN_FLIGHT: usize = 8;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// Base address of the FHIR service, such as https://localhost:8446/demo/fhir.
    #[arg(value_name = "BASE-URL")]
    base: String,
    /// Bundles (.json), resources (.json) or NDJSON (.ndjson); directories are walked.
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,
    /// Send entries unchanged instead of turning `POST` with `urn:uuid:` into `PUT` with a derived id.
    #[arg(long)]
    as_is: bool,
    /// Send resources to the service's bulk entry, as an Importer or a Contributor: faster, without conditions or patches.
    #[arg(long, conflicts_with = "as_is")]
    bulk: bool,
    /// Demo world whose authority is trusted and whose `fhir-writer` (with --bulk `fhir-importer`) signs in (default
    /// ./hygie-demo without --token-file).
    #[arg(long, value_name = "DIR", conflicts_with = "token_file")]
    data: Option<PathBuf>,
    /// File with an access token; it is read again when the token is refused.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certification authority to trust, in PEM form, instead of the public ones.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What a service is sent, and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Bundles.
    Bundles,
    /// NDJSON, to its bulk entry.
    Bulk,
}

impl Entrance {
    /// The application of a demo world that may use it.
    pub const fn demo_app(self) -> &'static str {
        match self {
            Self::Bundles => "fhir-writer",
            Self::Bulk => "fhir-importer",
        }
    }
}

/// What is sent in one request: a bundle or lines, and where its entries come from.
#[derive(Debug)]
pub struct Parcel {
    /// For which it is made.
    pub entrance: Entrance,
    /// The bundle, or the lines.
    pub body: Bytes,
    /// Where each entry comes from, in order.
    pub places: places::Places,
    /// Bytes of input that it stands for.
    pub input_bytes: u64,
}

/// Runs the command.
pub async fn run(options: Options) -> Result<(), Failure> {
    let base = parse_base(&options.base)?;
    let files = source::find(&options.files)?;
    let entrance = if options.bulk {
        Entrance::Bulk
    } else {
        Entrance::Bundles
    };
    let client = Client::new(client_options(&options, &base, entrance)?, base)?;
    let progress = Progress::start(Counted::Bytes, files.iter().map(|file| file.bytes).sum(), options.json);
    let began = SystemClock.now();
    let tally = Tally::new(files.len());
    let form = match (entrance, options.as_is) {
        (Entrance::Bulk, _) => source::Form::Lines,
        (Entrance::Bundles, true) => source::Form::Bundles(bundle::Handling::AsIs),
        (Entrance::Bundles, false) => source::Form::Bundles(bundle::Handling::Repeatable),
    };
    let sent = send_all(source::Reader::new(files, form), client, &tally, &progress).await;
    progress.finish();
    sent?;
    let summary = tally.summary(SystemClock.now().since(began));
    if options.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        summary.print();
    }
    if summary.failed == 0 {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

/// Reads on a thread of its own, sends from several tasks, counts in `tally`.
async fn send_all(
    reader: source::Reader,
    client: Client,
    tally: &Arc<Tally>,
    progress: &Arc<Progress>,
) -> Result<(), Failure> {
    let (parcels, waiting) = mpsc::channel(2 * IN_FLIGHT);
    let reading = {
        let tally = tally.clone();
        tokio::task::spawn_blocking(move || reader.read(&parcels, &tally))
    };
    let (waiting, client) = (Arc::new(Mutex::new(waiting)), Arc::new(client));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (waiting, client) = (waiting.clone(), client.clone());
        let (tally, progress) = (tally.clone(), progress.clone());
        senders.spawn(async move {
            loop {
                let next = waiting.lock().await.recv().await;
                let Some(parcel) = next else { return };
                let outcome = client.send(&parcel.body).await;
                let resources = tally.count(&parcel, outcome);
                progress.advance(parcel.input_bytes, resources);
            }
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended?;
    }
    reading.await?;
    Ok(())
}

fn parse_base(text: &str) -> Result<Url, Failure> {
    let refuse = |why: &str| Failure::usage(format!("{text:?} {why} (example: https://localhost:8446/demo/fhir)"));
    let mut base = Url::parse(text).map_err(|_| refuse("is not the address of a FHIR service"))?;
    let is_local = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if base.scheme() != "https" && !(base.scheme() == "http" && is_local) {
        return Err(refuse("must begin with https://, since a token is sent to it"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(refuse("must not have a query"));
    }
    let path = base.path().trim_end_matches('/').to_owned();
    base.set_path(&path);
    Ok(base)
}

fn client_options(options: &Options, base: &Url, entrance: Entrance) -> Result<client::Options, Failure> {
    let ca = options.ca.clone();
    if let Some(file) = &options.token_file {
        return Ok(client::Options {
            entrance,
            ca,
            tokens: Tokens::of_file(file.clone())?,
            loopback: Vec::new(),
        });
    }
    let dir = options
        .data
        .clone()
        .unwrap_or_else(|| PathBuf::from(document::DEFAULT_DIR));
    let world = document::read(&dir)?;
    let (account, hosts) = token::demo_account(&world, base, entrance.demo_app())?;
    Ok(client::Options {
        entrance,
        ca: ca.or_else(|| Some(dir.join(&world.ca_certificate))),
        tokens: Tokens::of_account(account),
        loopback: hosts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_address_is_checked() {
        let cases = [
            (
                "https://localhost:8446/demo/fhir/",
                Some("https://localhost:8446/demo/fhir"),
            ),
            ("http://127.0.0.1:8080/fhir", Some("http://127.0.0.1:8080/fhir")),
            ("http://fhir.example/", None),
            ("https://fhir.example/?a=b", None),
            ("patients.json", None),
        ];
        for (text, expected) in cases {
            let parsed = parse_base(text).ok();
            assert_eq!(parsed.as_ref().map(Url::as_str), expected, "{text}");
        }
    }
}
