//! `hygie serve`: the same chain as the demo, from a configuration, with the hospital's own addresses, certificates and
//! keys.

pub(crate) mod certauth;
mod exchanges;
mod issuers;
mod prepare;
mod running;

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::failure::Failure;
use crate::listen::Signals;
use crate::logs;
pub use running::Running;

/// Options of the command.
#[derive(Debug, Args)]
pub struct Options {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "hygie.toml")]
    config: PathBuf,
}

/// Runs the command until it is told to stop.
pub async fn run(options: Options) -> Result<(), Failure> {
    let config = Config::read(&options.config)?;
    logs::start(config.log.format, &config.log.filter)?;
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        running = Running::start(&config) => running?,
        () = signals.next() => return Ok(()),
    };
    tracing::info!("ready");
    signals.next().await;
    tracing::info!("stopping");
    tokio::select! {
        stopped = running.stop() => stopped,
        () = signals.next() => Err(Failure::Failed(anyhow::anyhow!("stopped at once, as asked twice"))),
    }
}
