//! `hygie demo`: the whole chain on one machine, with a demo world and nothing to configure.

mod cards;
mod certificate;
mod conditional;
mod fill;
pub mod folder;
mod layout;
mod people;
mod running;
mod settle;
mod table;
mod terms;
mod world;

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::listen::Signals;
use crate::logs;
pub use hygie_command::document;
pub use running::Running;

const DEFAULT_BASE_PORT: u16 = 8440;
/// The demo shows a table; its log tells what goes wrong.
const LOG_FILTER: &str = "warn";

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// Directory of the demo world; made on first start.
    #[arg(long, value_name = "DIR", default_value = document::DEFAULT_DIR)]
    pub data: PathBuf,
    /// First of the block of ports that the services listen on, on this machine only (default 8440).
    #[arg(long, value_name = "PORT")]
    pub base_port: Option<u16>,
    /// Give every service its own host below this domain; fixed when the world is made.
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Throw the existing demo world away and make a new one.
    #[arg(long)]
    pub fresh: bool,
}

/// Runs the command until it is told to stop.
pub async fn run(options: Options) -> Result<(), Failure> {
    logs::start(logs::Format::Auto, LOG_FILTER)?;
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        running = Running::start(&options) => running?,
        () = signals.next() => return Ok(()),
    };
    print!(
        "{}",
        table::render(running.document(), &options.data.display().to_string())
    );
    println!("\n  Ready. Stop with Ctrl-C.");
    signals.next().await;
    tokio::select! {
        stopped = running.stop() => stopped,
        () = signals.next() => Err(Failure::Failed(anyhow::anyhow!("stopped at once, as asked twice"))),
    }
}
