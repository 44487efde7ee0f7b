//! The command line. Exit status: 0 success, 1 failed, 2 wrong usage.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::failure::Failure;
use crate::{backup, demo, generate, keys, psc, serve, tls, verify};
use hygie_load as load;

/// Identity provider and health data services for hospitals.
#[derive(Debug, Parser)]
#[command(name = "hygie", version, about, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole chain with a demo world; nothing to configure.
    Demo(demo::Options),
    /// Run the services of a configuration: production.
    Serve(serve::Options),
    /// Check a configuration file and explain what is wrong.
    CheckConfig(CheckConfig),
    /// Make synthetic data for demos and benches.
    #[command(subcommand)]
    Generate(generate::Command),
    /// Load FHIR bundles or NDJSON into a FHIR service; repeatable.
    Load(load::Options),
    /// Show and replace the keys that protect the data.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Copy an installation to a directory, beside a live process or without.
    Backup(backup::Options),
    /// Put a copy in the place of data that were lost.
    Restore(backup::Options),
    /// Walk storage and audit chains, beside a live process or without.
    Verify(verify::Options),
    /// What Pro Santé Connect asks of an establishment.
    #[command(subcommand)]
    Psc(psc::Command),
}

#[derive(Debug, Args)]
struct CheckConfig {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "hygie.toml")]
    config: PathBuf,
    /// Reach the database, the brokers of events and the buckets as well, where they are named.
    #[arg(long)]
    online: bool,
    /// Print the problems as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command line and gives the exit status of the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    tls::install_provider();
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Reported) {
                eprintln!("hygie: {failure}");
            }
            ExitCode::from(failure.exit_status())
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(options) => block_on(demo::run(options)),
        Command::Serve(options) => block_on(serve::run(options)),
        Command::CheckConfig(options) => block_on(check_config(options)),
        Command::Generate(what) => generate::run(what),
        Command::Load(options) => block_on(load::run(options)),
        Command::Keys(what) => block_on(keys::run(what)),
        Command::Backup(options) => block_on(backup::back_up(options)),
        Command::Restore(options) => block_on(backup::restore(options)),
        Command::Verify(options) => block_on(verify::run(options)),
        Command::Psc(what) => block_on(psc::run(what)),
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(command)
}

/// Help and version go to standard output; a wrong option gets one line.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprint!("{error}");
        return ExitCode::from(2);
    }
    eprintln!("hygie: {} (see hygie --help)", one_line(&error.to_string()));
    ExitCode::from(2)
}

/// The first paragraph of a message of the parser, without its label.
fn one_line(message: &str) -> String {
    let lines = message.lines().take_while(|line| !line.trim().is_empty());
    let joined = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    joined.strip_prefix("error: ").unwrap_or(&joined).to_owned()
}

async fn check_config(options: CheckConfig) -> Result<(), Failure> {
    let mut problems = Config::problems(&options.config)?;
    if options.online && problems.is_empty() {
        problems = Config::problems_online(&options.config).await?;
    }
    if options.json {
        println!(
            "{}",
            serde_json::json!({ "ok": problems.is_empty(), "problems": problems })
        );
    } else if problems.is_empty() {
        println!("{}: nothing is wrong", options.config.display());
    } else {
        for line in problems.lines(&options.config) {
            println!("{line}");
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_option_gets_one_line() {
        let error = Cli::try_parse_from(["hygie", "check-config", "--colour"]).expect_err("no such option");
        assert_eq!(one_line(&error.to_string()), "unexpected argument '--colour' found");
    }
}
