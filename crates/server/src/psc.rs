//! `hygie psc check`: whether exported policies of conditional access are what Pro Santé Connect asks for.
//! `hygie psc prepare` makes them.

mod prepare;
mod remote;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use hygie_core::AppId;
use hygie_policy::psc::{Application, Export, Language, MAX_EXPORT, Report, Verdict, check};

use crate::failure::Failure;

/// What can be asked about Pro Santé Connect.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check exported conditional-access policies, ours or those of a tenant of Entra ID.
    Check(Options),
    /// Make what Pro Santé Connect asks for in a directory, ours or a tenant of Entra ID, where it is not there; then check it.
    Prepare(prepare::Options),
}

/// Options of `psc check`.
#[derive(Debug, Args)]
pub struct Options {
    /// What ListerStrategiesAccesPSC.ps1 wrote, or policies as Microsoft Graph answers them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The application of Pro Santé Connect (default: that of the sandbox).
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// The language of the report.
    #[arg(long, value_enum, default_value_t = Lang::Fr, conflicts_with = "json")]
    lang: Lang,
    /// Print the report as JSON, with both languages.
    #[arg(long)]
    json: bool,
}

/// A language of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// Français.
    Fr,
    /// English.
    En,
}

impl Lang {
    const fn language(self) -> Language {
        match self {
            Self::Fr => Language::French,
            Self::En => Language::English,
        }
    }
}

/// Runs the command.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(options) => run_check(&options),
        Command::Prepare(options) => prepare::run(options).await,
    }
}

/// It fails where a point does not conform, not where an export does not tell.
fn run_check(options: &Options) -> Result<(), Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", options.file.display()));
    let bytes = read(&options.file).map_err(|error| wrong(error.to_string()))?;
    let export = Export::read(&bytes).map_err(|error| wrong(chain(&error)))?;
    let report = check(&export, options.app.map_or(Application::Assumed, Application::Named));
    if options.json {
        tell(&format!("{}\n", report.to_json()));
    } else {
        tell(&text(&report, &options.file.display().to_string(), options.lang));
    }
    if report.verdict() == Verdict::DoesNotConform {
        Err(Failure::Reported)
    } else {
        Ok(())
    }
}

/// One byte more than an export may have tells that it has more.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_EXPORT as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// Writes to the standard output. Who stops reading (`| head`) has what they want: the status stays that of the report.
fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn text(report: &Report, place: &str, lang: Lang) -> String {
    let language = lang.language();
    let mut text = format!("Pro Santé Connect: {place}\n");
    for point in &report.points {
        let mark = match point.verdict {
            Verdict::Conforms => "ok",
            Verdict::CannotTell => "??",
            Verdict::DoesNotConform => "NON",
        };
        let mark = if lang == Lang::En && mark == "NON" { "NO" } else { mark };
        let line = format!("  {mark:<3}  {:<18}  {}\n", point.id, point.message(language));
        text.push_str(&line);
    }
    text + &conclusion(report, language) + "\n"
}

fn conclusion(report: &Report, language: Language) -> String {
    let count = |verdict| report.points.iter().filter(|point| point.verdict == verdict).count();
    let (wrong, open) = (count(Verdict::DoesNotConform), count(Verdict::CannotTell));
    match (report.verdict(), language) {
        (Verdict::Conforms, Language::French) => "Conforme.".to_owned(),
        (Verdict::Conforms, Language::English) => "It conforms.".to_owned(),
        (Verdict::CannotTell, Language::French) => {
            format!("Rien de contraire, mais cet export ne suffit pas à juger : points à vérifier : {open}.")
        }
        (Verdict::CannotTell, Language::English) => {
            format!("Nothing is wrong, but this export does not tell everything: points to look up: {open}.")
        }
        (Verdict::DoesNotConform, Language::French) => {
            format!("NON CONFORME : points à corriger : {wrong}, à vérifier : {open}.")
        }
        (Verdict::DoesNotConform, Language::English) => {
            format!("DOES NOT CONFORM: points to correct: {wrong}, to look up: {open}.")
        }
    }
}
