//! `hygie psc prepare`: what the Agence du Numérique en Santé asks an establishment for, made in its directory: the strength
//! `FA01-ProSantéConnect`, the policy `AC02-ProSantéConnect…`, and with a document `AC01-ProSantéConnect…` with its terms
//! of use. What is there is left as it is, so that it can be run again; at the end all of it is checked.
//!
//! It works over the directory API, because the databases are one process's: beside a live hygie, and as well for a tenant
//! of Entra ID.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use hygie_core::{AppId, ObjectId};
use hygie_policy::AgreementId;
use hygie_policy::agreement::{MAX_PDF, is_pdf};
use hygie_policy::psc::plan::{
    self, POLICIES, SECURITY_DEFAULTS, SESSION_LIFETIME, STRENGTHS, TOKEN_LIFETIMES, Wanted,
};
use hygie_policy::psc::{self, Application, Export, Language, MAX_EMERGENCY_ACCOUNTS, Report, SANDBOX, Verdict};
use hygie_policy::templates::ProSanteConnect;
use serde_json::{Value, json};

use super::Lang;
use super::remote::{Options as Place, Remote};
use crate::failure::Failure;
use crate::files;

/// Options of `psc prepare`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// The application of Pro Santé Connect in the tenant (default: that of the sandbox).
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// An emergency account, by name or id, that stays out of the policies; one or two.
    #[arg(long, value_name = "USER", required = true, num_args = 1)]
    exclude: Vec<String>,
    /// Terms of use (PDF) that everybody accepts first.
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
    /// The language of the report.
    #[arg(long, value_enum, default_value_t = Lang::Fr, conflicts_with = "json")]
    lang: Lang,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// They and policies exclude each other: said before anything is made.
async fn refuse_security_defaults(remote: &Remote) -> Result<(), Failure> {
    // Who may not read them learns it from the refusal of the policies.
    let is_on = remote
        .get(SECURITY_DEFAULTS)
        .await
        .is_ok_and(|found| found["isEnabled"] == true);
    if is_on {
        return Err(Failure::Failed(anyhow!(
            "the security defaults of the tenant are on, and exclude policies of its own: switch them off first (PATCH \
             {SECURITY_DEFAULTS} with {{\"isEnabled\": false}}, or in the portal)"
        )));
    }
    Ok(())
}

/// What was made, or was there.
struct Thing {
    name: String,
    id: String,
    is_new: bool,
}

/// Runs the command: it fails where what is there then does not conform.
pub async fn run(options: Options) -> Result<(), Failure> {
    if options.exclude.len() > MAX_EMERGENCY_ACCOUNTS {
        let message = format!("{MAX_EMERGENCY_ACCOUNTS} emergency accounts may be excluded at most");
        return Err(Failure::usage(message));
    }
    let pdf = options.terms.as_deref().map(read_terms).transpose()?;
    let remote = Remote::open(&options.place)?;
    refuse_security_defaults(&remote).await?;
    let app = options.app.unwrap_or(SANDBOX);
    require_application(&remote, app).await?;
    let emergency = accounts(&remote, &options.exclude).await?;
    let mut things = vec![ensure(&remote, &plan::strength()).await?];
    let strength = parsed(&things[0].id)?;
    let terms = match &pdf {
        Some((name, pdf)) => {
            let made = ensure(&remote, &plan::agreement(name, &STANDARD.encode(pdf))).await?;
            let id: AgreementId = parsed(&made.id)?;
            things.push(made);
            Some(id)
        }
        None => None,
    };
    let asked = ProSanteConnect {
        application: app,
        strength,
        emergency,
        terms,
    };
    for wanted in plan::policies(&asked) {
        things.push(ensure(&remote, &wanted).await?);
    }
    let report = checked(&remote, app).await?;
    if options.json {
        println!("{}", told(&things, &report));
    } else {
        print(&things, options.lang);
        super::tell(&super::text(&report, POLICIES, options.lang));
    }
    if report.verdict() == Verdict::DoesNotConform {
        Err(Failure::Reported)
    } else {
        Ok(())
    }
}

/// The name and the bytes of the terms of use.
fn read_terms(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let wrong = |why: &str| Failure::usage(format!("{}: {why}", path.display()));
    let pdf = files::read_limited(path, MAX_PDF as u64).map_err(|error| Failure::usage(format!("{error:#}")))?;
    if !is_pdf(&pdf) {
        return Err(wrong("the file is not a PDF"));
    }
    let name = path.file_name().and_then(std::ffi::OsStr::to_str);
    let name = name.ok_or_else(|| wrong("the name of the file is not UTF-8"))?;
    Ok((name.to_owned(), pdf))
}

fn parsed<T: std::str::FromStr>(id: &str) -> Result<T, Failure> {
    let wrong = || {
        Failure::from(anyhow::anyhow!(
            "the directory API answered with {id:?}, which is no id"
        ))
    };
    id.parse().map_err(|_| wrong())
}

async fn require_application(remote: &Remote, app: AppId) -> Result<(), Failure> {
    let path = format!("servicePrincipals?$filter=appId eq '{app}'&$select=id,appId");
    if remote.list(&path).await?.is_empty() {
        let message =
            format!("the tenant has no application {app}: add that of Pro Santé Connect first, or name it with --app");
        return Err(Failure::usage(message));
    }
    Ok(())
}

/// The emergency accounts, by name or id.
async fn accounts(remote: &Remote, names: &[String]) -> Result<BTreeSet<ObjectId>, Failure> {
    let mut found = BTreeSet::new();
    for name in names {
        let segment: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let segment = segment.replace('+', "%20");
        match remote.get(&format!("users/{segment}?$select=id")).await {
            Ok(user) => drop(found.insert(parsed(user["id"].as_str().unwrap_or_default())?)),
            Err(error) if error.is_missing() => return Err(Failure::usage(format!("there is no user {name}"))),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn thing(value: &Value, is_new: bool) -> Thing {
    Thing {
        name: text(value, "displayName").to_owned(),
        id: text(value, "id").to_owned(),
        is_new,
    }
}

/// The one that is there, or a new one.
async fn ensure(remote: &Remote, wanted: &Wanted) -> Result<Thing, Failure> {
    let all = remote.list(wanted.collection).await?;
    if let Some(found) = all.iter().find(|one| wanted.is(text(one, "displayName"))) {
        return Ok(thing(found, false));
    }
    Ok(thing(&remote.post(wanted.collection, &wanted.document).await?, true))
}

/// What is there now, against what is asked for.
async fn checked(remote: &Remote, app: AppId) -> Result<Report, Failure> {
    let policies = remote.list(POLICIES).await?;
    let strengths = remote.list(STRENGTHS).await?;
    let mut both = json!({ "policies": policies, "strengths": strengths });
    // A tenant of Entra ID has none.
    if let Ok(lifetime) = remote.get(SESSION_LIFETIME).await {
        both["sessionLifetimePolicy"] = lifetime;
    }
    // Who reads policies of conditional access need not read these.
    if let Ok(lifetimes) = remote.list(TOKEN_LIFETIMES).await {
        both["tokenLifetimePolicies"] = lifetimes.into();
    }
    let export = Export::read(both.to_string().as_bytes())?;
    Ok(psc::check(&export, Application::Named(app)))
}

fn print(things: &[Thing], lang: Lang) {
    for thing in things {
        let word = match (lang.language(), thing.is_new) {
            (Language::French, true) => "créé",
            (Language::French, false) => "présent",
            (Language::English, true) => "made",
            (Language::English, false) => "there",
        };
        println!("  {word:<8}  {}  {}", thing.id, thing.name);
    }
}

fn told(things: &[Thing], report: &Report) -> Value {
    let things = things.iter().map(
        |thing| json!({ "displayName": thing.name, "id": thing.id, "state": if thing.is_new { "made" } else { "there" } }),
    );
    json!({ "objects": things.collect::<Vec<_>>(), "check": report.to_json() })
}
