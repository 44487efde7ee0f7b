//! Whether the policies of the tenant let a token be issued for a person: conditional access, asked at each issuance.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>
//!
//! # Deviations
//!
//! - The targets of a sign-in are its resources, and the application itself where it gets an id token or asks for no
//!   resource; of installed applications too, which Entra ID does not let policies name.
//! - A code is redeemed under the conditions of the browser that got it. A refresh token is judged by the address that
//!   sends it and by the browser that the person authorized it in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory::repo::{Groups, Users};
use hygie_directory::{AccessRules, Arrival, Authentications, Authorization, Signals, guest_of, suite_of};
use hygie_oidc::{Aadsts, Platform, Refusal};
use hygie_policy::client::{Entry, client_app, platform};
use hygie_policy::decide::{Applied, Ask, Decision, Outcome, PolicyResult, Rules, Status, evaluate};
use hygie_policy::policy::{ClientAppType, ContextId, Policy, TransferMethod, UserAction};
use hygie_policy::session::Effects;
use hygie_policy::signin::{Application, Guest, Identity, Session, SignIn, SignInConditions, Target, User};
use hygie_policy::strength::{MFA, Mode, PHISHING_RESISTANT};
use hygie_policy::templates::{is_security_default, named, requested};
use hygie_policy::{PolicyId, StrengthId};
use hygie_store::StoreError;

use super::KnownSignals;
use crate::{Idp, IdpError};

/// Groups that a person may be in and still be judged; beyond it nothing is issued, as in Entra ID.
const MAX_GROUPS: u32 = 2_048;

/// What policies ask before they let something be issued.
#[derive(Clone, Debug)]
pub struct Interruption {
    /// As programs are told.
    pub refusal: Refusal,
    /// What comes first.
    pub outcome: Outcome,
    /// What policies were asked about.
    pub targets: Vec<AppId>,
    /// What the person has registered.
    pub registered: Vec<Mode>,
    /// What all policies did together.
    pub status: Status,
    /// What each did.
    pub applied: Vec<Applied>,
    /// What was known of it.
    pub signals: Signals,
}

/// What policies that let something be issued do.
#[derive(Clone, Debug)]
pub struct Judged {
    /// To the session.
    pub effects: Effects,
    /// All together.
    pub status: Status,
    /// Each.
    pub applied: Vec<Applied>,
    /// What was known of it.
    pub signals: Signals,
}

/// When policies are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The person is there, or was when the code was made.
    Browser,
    /// An application exchanges what it was given.
    Exchange,
}

/// For what policies are asked.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// Tokens for these applications, in these authentication contexts.
    Tokens {
        /// The resources; the application itself where it signs in to itself.
        targets: Vec<AppId>,
        /// What was asked for by `acrs`.
        contexts: BTreeSet<ContextId>,
        /// Policies that are to be met whatever they are for, by `polids`.
        policies: BTreeSet<PolicyId>,
        /// What the application asks for by itself, by `acr_values`.
        strength: Option<StrengthId>,
    },
    /// Something that the person does to its own account.
    Action(UserAction),
}

/// Who is judged, and by what they have done.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The person.
    pub user: ObjectId,
    /// What they have done.
    pub used: &'a Authentications,
    /// How they came.
    pub arrival: &'a Arrival,
    /// From where the request comes.
    pub address: Option<IpAddr>,
    /// The kind of program.
    pub platform: Platform,
}

impl<'a> Candidate<'a> {
    /// Of what was authorized.
    pub fn of(authorization: &'a Authorization, address: Option<IpAddr>) -> Self {
        Self {
            user: authorization.user,
            used: &authorization.used,
            arrival: &authorization.arrival,
            address,
            platform: authorization.platform,
        }
    }
}

impl Purpose {
    /// Tokens of what was authorized, for these resources.
    pub fn tokens(authorization: &Authorization, resources: Vec<AppId>) -> Result<Self, Refusal> {
        let contexts = authorization.claims.contexts.iter();
        let contexts: Result<_, _> = contexts.map(|context| context.parse()).collect();
        Ok(Self::Tokens {
            targets: targets(authorization, resources),
            contexts: contexts.map_err(|_| Refusal::bad("claims"))?,
            // One that is not there asks for nothing.
            policies: authorization
                .claims
                .policies
                .iter()
                .filter_map(|id| id.parse().ok())
                .collect(),
            strength: authorization.claims.acr.iter().find_map(|acr| strength(acr)),
        })
    }
}

/// What the directory knows of a person that policies ask about.
struct Facts {
    groups: BTreeSet<hygie_core::GroupId>,
    roles: BTreeSet<hygie_policy::RoleTemplateId>,
    guest: Option<Guest>,
    session: Session,
}

impl Idp {
    /// What follows for the session when policies let these tokens be issued.
    pub async fn admit(
        &self,
        cx: &Cx,
        candidate: &Candidate<'_>,
        purpose: Purpose,
        occasion: Occasion,
    ) -> Result<Judged, IdpError> {
        let kept = self.directory().access_rules(cx).await?;
        if !purpose.is_known(&kept) {
            return Err(Refusal::bad("claims").into());
        }
        let who = (candidate.user, candidate.address);
        let signals = self.known_signals(cx, &kept, who).await?;
        let is_proved = candidate.used.multi_factor_since().is_some();
        if matches!(purpose, Purpose::Action(UserAction::RegisterSecurityInfo)) && signals.is_risky() && !is_proved {
            return Err(Refusal::new(Aadsts::RegistrationBlocked).into());
        }
        let mut rules = kept.rules();
        let asked = purpose.asked(rules.policies);
        if let Some(policies) = &asked {
            rules.policies = policies;
        }
        if rules.policies.is_empty() {
            return Ok(Judged {
                effects: Effects::default(),
                status: Status::NotApplied,
                applied: Vec::new(),
                signals: signals.logged,
            });
        }
        let sign_in = self.sign_in_of(cx, candidate, (purpose, &signals)).await?;
        judged(&rules, &sign_in, (signals, occasion))
    }

    /// What policies are asked.
    async fn sign_in_of(
        &self,
        cx: &Cx,
        candidate: &Candidate<'_>,
        (purpose, signals): (Purpose, &KnownSignals),
    ) -> Result<SignIn, IdpError> {
        let facts = self.facts_of(cx, candidate).await?;
        let conditions = SignInConditions {
            whereabouts: self.directory().whereabouts(candidate.address),
            sign_in_risk: Some(signals.sign_in_risk),
            user_risk: Some(signals.user_risk),
            platform: candidate.arrival.user_agent.as_deref().and_then(platform),
            client_app: Some(client_app_of(candidate.arrival, candidate.platform)),
            transfer: candidate
                .arrival
                .goes_elsewhere()
                .then_some(TransferMethod::DeviceCodeFlow),
            ..SignInConditions::default()
        };
        Ok(SignIn {
            identity: Identity::User(User {
                id: candidate.user,
                groups: facts.groups,
                roles: facts.roles,
                guest: facts.guest,
            }),
            target: target(purpose),
            conditions,
            session: facts.session,
            now: cx.now,
        })
    }

    async fn facts_of(&self, cx: &Cx, candidate: &Candidate<'_>) -> Result<Facts, IdpError> {
        let user = candidate.user;
        let (groups, known) = self
            .inner()
            .store
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let groups = Groups(tx).list_transitive(*user, MAX_GROUPS + 1).await?;
                    Ok::<_, StoreError>((groups, Users(tx).find(*user).await?))
                })
            })
            .await?;
        if groups.len() > MAX_GROUPS as usize {
            return Err(Refusal::new(Aadsts::Blocked).into());
        }
        let directory = self.directory();
        let methods = self.means().methods_of(cx, user).await?;
        let used = candidate.used;
        Ok(Facts {
            groups: groups.into_iter().collect(),
            roles: directory.roles_of(cx, user).await?,
            guest: known.as_ref().and_then(guest_of),
            session: Session {
                used: used.used().to_vec(),
                primary_at: used.primary_at(),
                secondary_at: used.secondary_at(),
                registered: methods.registered,
                registrable: methods.registrable,
                accepted: directory.accepted_agreements(cx, user).await?,
                has_changed_password: false,
                has_remediated_risk: false,
            },
        })
    }
}

/// What follows for a sign-in.
pub(crate) fn judged(
    rules: &Rules<'_>,
    sign_in: &SignIn,
    (signals, occasion): (KnownSignals, Occasion),
) -> Result<Judged, IdpError> {
    let Decision {
        applied,
        status,
        outcome,
    } = evaluate(rules, sign_in);
    let targets = targets_of(&sign_in.target);
    let is_risky = signals.is_risky();
    let signals = signals.logged;
    match outcome {
        Outcome::Granted(effects) => Ok(Judged {
            effects,
            status,
            applied,
            signals,
        }),
        outcome => Err(IdpError::Interrupted(Box::new(Interruption {
            refusal: match outcome {
                // Whoever took somebody's password would register a means of their own.
                Outcome::NeedsRegistration { .. } if is_risky => Refusal::new(Aadsts::RegistrationBlocked),
                _ => refusal(&outcome, occasion, &targets),
            }
            .with_claims(claims_for(&applied, &contexts_of(&sign_in.target))),
            outcome,
            targets,
            registered: sign_in.session.registered.iter().map(|usage| usage.mode).collect(),
            status,
            applied,
            signals,
        }))),
    }
}

fn targets_of(target: &Target) -> Vec<AppId> {
    match target {
        Target::Resources { applications, .. } => applications.iter().map(|application| application.id).collect(),
        Target::Action(_) => Vec::new(),
    }
}

fn contexts_of(target: &Target) -> Vec<String> {
    match target {
        Target::Resources { contexts, .. } => contexts.iter().map(ToString::to_string).collect(),
        Target::Action(_) => Vec::new(),
    }
}

/// The kind of program that somebody came by.
pub fn client_app_of(arrival: &Arrival, platform: Platform) -> ClientAppType {
    client_app(match platform {
        _ if arrival.is_by_device_code => Entry::DeviceCode,
        _ if arrival.is_by_password => Entry::Password,
        Platform::PublicClient => Entry::Installed,
        Platform::Web | Platform::Spa => Entry::Page,
    })
}

impl Purpose {
    /// Whether the tenant has the authentication contexts that are asked for, for applications: what nobody says the rules
    /// of is not told as met.
    fn is_known(&self, kept: &AccessRules) -> bool {
        let Self::Tokens { contexts, .. } = self else {
            return true;
        };
        contexts.iter().all(|id| {
            let mut known = kept.contexts.iter();
            known.any(|context| context.id == *id && context.is_available == Some(true))
        })
    }

    /// The policies with what is asked for beyond them, where anything is: those that are named stand for any application,
    /// and what the application asks for by itself is one more.
    fn asked(&self, all: &[Policy]) -> Option<Vec<Policy>> {
        let Self::Tokens { policies, strength, .. } = self else {
            return None;
        };
        if policies.is_empty() && strength.is_none() {
            return None;
        }
        let is_named = |policy: &Policy| policy.id.is_some_and(|id| policies.contains(&id));
        let stands = |policy: &Policy| {
            if is_named(policy) {
                named(policy)
            } else {
                policy.clone()
            }
        };
        Some(all.iter().map(stands).chain(strength.map(requested)).collect())
    }
}

/// The applications that policies are asked about: the resources, and the application that gets an id token.
fn targets(authorization: &Authorization, mut targets: Vec<AppId>) -> Vec<AppId> {
    // What acts for people at a portal is meant itself, whatever it asks for.
    let signs_in = authorization.scopes.oidc.openid
        || authorization.scopes.resources.is_empty()
        || suite_of(authorization.client).is_some();
    if signs_in && !targets.contains(&authorization.client) {
        targets.push(authorization.client);
    }
    targets
}

fn target(purpose: Purpose) -> Target {
    match purpose {
        Purpose::Tokens { targets, contexts, .. } => Target::Resources {
            applications: targets
                .into_iter()
                .map(|id| Application {
                    id,
                    suite: suite_of(id),
                })
                .collect(),
            contexts,
        },
        Purpose::Action(action) => Target::Action(action),
    }
}

/// The classes of authentication of a request that are known here: the first is what is asked for, and told.
pub fn known_acr(asked: &[String]) -> Vec<String> {
    asked.iter().filter(|acr| strength(acr).is_some()).cloned().collect()
}

/// The strength of a class of authentication: those of OpenID Connect Extended Authentication Profile §4 (`phr`, `phrh`), and
/// `mfa`; others are passed over.
fn strength(acr: &str) -> Option<StrengthId> {
    match acr {
        "mfa" => Some(MFA),
        "phr" | "phrh" => Some(PHISHING_RESISTANT),
        _ => None,
    }
}

/// What a client sends to the authorization endpoint to come to a page that asks for what is missing: the policies that
/// were not satisfied, and the authentication contexts that were asked for.
fn claims_for(applied: &[Applied], contexts: &[String]) -> String {
    let unsatisfied = applied.iter().filter(|policy| policy.result == PolicyResult::Failure);
    let ids: Vec<String> = unsatisfied
        .filter_map(|policy| policy.policy)
        .map(|id| id.to_string())
        .collect();
    let mut asked = serde_json::json!({ "polids": { "essential": true, "values": ids } });
    if !contexts.is_empty() {
        asked["acrs"] = serde_json::json!({ "essential": true, "values": contexts });
    }
    serde_json::json!({ "access_token": asked }).to_string()
}

/// As programs are told what is asked first, for which of these resources.
fn refusal(outcome: &Outcome, occasion: Occasion, targets: &[AppId]) -> Refusal {
    let code = match outcome {
        Outcome::Granted(_) => Aadsts::ServiceFault,
        Outcome::Block { policy: Some(id), .. } if is_security_default(*id) => Aadsts::BlockedByDefaults,
        Outcome::Block { .. } => Aadsts::Blocked,
        Outcome::NeedsRegistration { .. } => Aadsts::MfaEnrolment,
        Outcome::Interrupt(ask) => match ask {
            Ask::Reauthenticate { .. } if occasion == Occasion::Exchange => Aadsts::RefreshTooOld,
            Ask::Reauthenticate { .. } => Aadsts::SessionTooOld,
            Ask::Authenticate { .. } => Aadsts::MfaRequired,
            Ask::CompliantDevice => Aadsts::DeviceNotCompliant,
            Ask::DomainJoinedDevice => Aadsts::DeviceNotJoined,
            Ask::ApprovedApplication => Aadsts::AppNotApproved,
            Ask::CompliantApplication => Aadsts::AppNotProtected,
            Ask::PasswordChange => Aadsts::PasswordChangeRequired,
            Ask::RiskRemediation => Aadsts::RiskRemediation,
            Ask::TermsOfUse(_) => Aadsts::ExternalChallenge,
        },
    };
    let resource = targets.first().map(AppId::to_string).unwrap_or_default();
    Refusal::about(code, &[&resource])
}
