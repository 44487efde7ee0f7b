//! Whether the policies of a tenant are what the Agence du Numérique en Santé asks of an establishment that signs its people
//! in at Pro Santé Connect: a policy `AC02-ProSantéConnect…` for the application of Pro Santé Connect, with the strength
//! `FA01-ProSantéConnect` and a sign-in frequency of four hours at most, for everybody but the emergency accounts.
//!
//! Read are the file that the script `ListerStrategiesAccesPSC.ps1` of the guide writes, and what Graph answers.

mod export;
pub mod plan;
mod points;
mod sessions;

use hygie_core::AppId;
use serde_json::{Value, json};
use uuid::Uuid;

pub use export::{Export, MAX_EXPORT, NotAnExport, Origin};

use crate::json::vocabulary;
use crate::policy::{AppTarget, Policy, State};
use crate::strength::Mode;

/// The application of Pro Santé Connect in its sandbox (`PSC_BAS`); that of production has no published id yet.
pub const SANDBOX: AppId = AppId::from_uuid(Uuid::from_u128(0x9938_3c77_0bb9_41f0_96e1_b72a_d6ec_a607));
/// How the name of the policy begins, whatever the establishment's own convention.
pub const POLICY_PREFIX: &str = "AC02-ProSantéConnect";
/// How the name of the optional policy for terms of use begins.
pub const TERMS_PREFIX: &str = "AC01-ProSantéConnect";
/// What the terms of use are called.
pub const TERMS_NAME: &str = "CGU-ProSantéConnect";
/// What the strength is called; the guide has both spellings.
pub const STRENGTH_NAMES: [&str; 2] = ["FA01-ProSantéConnect", "FA-ProSantéConnect"];
/// The means of identification that are good enough.
pub const MEANS: [Mode; 3] = [
    Mode::WindowsHelloForBusiness,
    Mode::Fido2,
    Mode::X509CertificateMultiFactor,
];
/// The longest time between two authentications.
pub const MAX_HOURS: u32 = 4;
/// So many accounts may be out: those for emergencies.
pub const MAX_EMERGENCY_ACCOUNTS: usize = 2;

vocabulary! {
    /// What is said of a point.
    Verdict {
        Conforms = "conforms",
        /// It cannot be told from this export.
        CannotTell = "cannot_tell",
        DoesNotConform = "does_not_conform",
    }
    /// The language of a message.
    Language { French = "fr", English = "en", }
}

/// One of the things that are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name, which stays.
    pub id: &'static str,
    /// What is said of it.
    pub verdict: Verdict,
    french: String,
    english: String,
}

impl Point {
    /// What was found, and what to do.
    pub fn message(&self, language: Language) -> &str {
        match language {
            Language::French => &self.french,
            Language::English => &self.english,
        }
    }
}

/// What is said of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The application that was looked for.
    pub application: AppId,
    /// The policy that was looked at.
    pub policy: Option<String>,
    /// Point by point.
    pub points: Vec<Point>,
}

impl Report {
    /// The worst of all points.
    pub fn verdict(&self) -> Verdict {
        self.points
            .iter()
            .map(|point| point.verdict)
            .max()
            .unwrap_or(Verdict::DoesNotConform)
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let points = self.points.iter().map(|point| {
            json!({ "id": point.id, "verdict": point.verdict.as_str(),
                "message": { "fr": point.french, "en": point.english } })
        });
        json!({ "verdict": self.verdict().as_str(), "application": self.application.to_string(),
            "policy": self.policy, "points": points.collect::<Vec<_>>() })
    }
}

/// Which application is that of Pro Santé Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// This one.
    Named(AppId),
    /// That of the sandbox; another that the policy is for may be it as well.
    Assumed,
}

/// Looks at an export.
pub fn check(export: &Export, application: Application) -> Report {
    let app = match application {
        Application::Named(app) => app,
        Application::Assumed => SANDBOX,
    };
    let mut points = Vec::new();
    let policy = find(export, app);
    points.push(points::presence(policy, app));
    if let Some(policy) = policy {
        points.extend([
            points::name(policy),
            points::enabled(policy),
            points::application(policy, app, application),
            points::users(policy),
            points::exclusions(policy),
            points::emergency_account(policy),
            points::conditions(policy),
        ]);
        points.extend(points::strength(policy, export));
        points.extend([points::alternatives(policy), points::sign_in_frequency(policy)]);
    }
    points.push(points::terms_of_use(export, app));
    points.extend(export.lifetime.as_ref().map(sessions::lifetime));
    points.extend(sessions::tokens(&export.token_lifetimes));
    points.extend(points::unread(export));
    Report {
        application: app,
        policy: policy.map(|policy| policy.display_name.clone()),
        points,
    }
}

/// The policy that is meant: by its name, else by its application; of several one that is enforced there.
fn find(export: &Export, app: AppId) -> Option<&Policy> {
    let rank = |policy: &&Policy| {
        let is_named = begins_with(&policy.display_name, POLICY_PREFIX);
        let is_other = begins_with(&policy.display_name, TERMS_PREFIX);
        let is_for_it = targets(policy, app);
        (is_named || (is_for_it && !is_other)).then_some((is_named, is_for_it, policy.state == State::Enabled))
    };
    let ranked = export
        .policies
        .iter()
        .filter_map(|policy| rank(&policy).map(|rank| (rank, policy)));
    // Of those that rank alike the first one.
    ranked.rev().max_by_key(|(rank, _)| *rank).map(|(_, policy)| policy)
}

/// Whether a policy names the application.
fn targets(policy: &Policy, app: AppId) -> bool {
    let applications = policy.conditions.applications.as_ref();
    applications.is_some_and(|applications| applications.include_applications.contains(&AppTarget::App(app)))
}

/// Whether a name begins so, its accents written as one sign or as two.
pub fn begins_with(name: &str, prefix: &str) -> bool {
    composed(name).starts_with(prefix)
}

fn composed(name: &str) -> String {
    name.trim().replace("e\u{301}", "é")
}
