//! What follows from the policies for a sign-in: it is granted, blocked, or something is asked first.
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>
//!
//! Every enforced policy that applies must be satisfied. One that blocks ends it; otherwise what is missing is asked in
//! one order: fresh credentials, methods, device, application, password, remediation, terms of use. A report-only policy
//! is judged and never asks.
//!
//! # Deviations
//!
//! - Without an operator, all controls are needed.
//! - Of the controls of an `OR`, none of which is met, the first is asked that the person can meet here and now.
//! - A strength is met by what the sign-in frequency of its policy has not yet asked anew, and tokens end with it: a card of
//!   this morning and a password of just now are not a card.
//! - A strength that does not exist, or that the person can neither meet nor register for, blocks.

use std::collections::BTreeSet;

use hygie_core::Timestamp;

use crate::applies::{Reasons, reasons};
pub use crate::outcome::{Applied, Ask, BlockReason, Decision, Outcome, PolicyResult, Status};

use crate::controls::{Control, Standing};
use crate::location::{Located, NamedLocation, locate};
use crate::policy::{AuthenticationType, GrantControls, Operator, Policy, SessionControls, State};
use crate::session::{Effects, Frequency};
use crate::signin::{Session, SignIn, Used};
use crate::strength::{AuthenticationStrength, Combination, Details, Mode, Usage, built_ins};
use crate::{Aaguid, StrengthId};

/// What is decided by.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The policies of the tenant.
    pub policies: &'a [Policy],
    /// Its own strengths; the built-in ones are known.
    pub strengths: &'a [AuthenticationStrength],
    /// Its named locations.
    pub locations: &'a [NamedLocation],
    /// Models of passkeys that count as Windows Hello for Business.
    pub windows_hello: &'a [Aaguid],
}

/// Evaluates all policies for a sign-in.
pub fn evaluate(rules: &Rules<'_>, sign_in: &SignIn) -> Decision {
    let judge = Judge {
        rules,
        sign_in,
        located: locate(&sign_in.conditions.whereabouts, rules.locations),
        built_ins: built_ins(),
    };
    let judged: Vec<Judged<'_>> = rules.policies.iter().map(|policy| judge.policy(policy)).collect();
    let enforced: Vec<&Judged<'_>> = judged.iter().filter(|judged| judged.is_enforced()).collect();
    let status = match enforced.as_slice() {
        [] => Status::NotApplied,
        some if some.iter().all(|judged| judged.is_satisfied()) => Status::Success,
        _ => Status::Failure,
    };
    Decision {
        status,
        outcome: judge.outcome(&enforced),
        applied: judged.iter().map(Judged::applied).collect(),
    }
}

/// What was found of a policy.
struct Judged<'a> {
    policy: &'a Policy,
    reasons: Reasons,
    /// Strengths that are met, or that are to be.
    strengths: Vec<StrengthId>,
    unmet: Vec<(Control<'a>, Standing)>,
    /// Factors that its frequency asks for anew.
    stale: Option<AuthenticationType>,
}

impl Judged<'_> {
    fn is_enforced(&self) -> bool {
        self.reasons.is_empty() && self.policy.state == State::Enabled
    }

    fn is_satisfied(&self) -> bool {
        self.unmet.is_empty() && self.stale.is_none()
    }

    fn result(&self) -> PolicyResult {
        let applies = self.reasons.is_empty();
        let is_refused = self.unmet.iter().any(|(_, standing)| *standing >= Standing::Elsewhere);
        match self.policy.state {
            State::Disabled => PolicyResult::NotEnabled,
            State::Enabled if !applies => PolicyResult::NotApplied,
            State::Enabled if self.is_satisfied() => PolicyResult::Success,
            State::Enabled => PolicyResult::Failure,
            State::ReportOnly if !applies => PolicyResult::ReportOnlyNotApplied,
            State::ReportOnly if self.is_satisfied() => PolicyResult::ReportOnlySuccess,
            State::ReportOnly if is_refused => PolicyResult::ReportOnlyFailure,
            State::ReportOnly => PolicyResult::ReportOnlyInterrupted,
        }
    }

    fn applied(&self) -> Applied {
        let applies = self.reasons.is_empty();
        let grants = self.policy.grant_controls.as_ref().filter(|_| applies);
        let session = self.policy.session_controls.as_ref().filter(|_| applies);
        Applied {
            policy: self.policy.id,
            display_name: self.policy.display_name.clone(),
            result: self.result(),
            unmet: self.reasons.clone(),
            grant_controls: grants.map(GrantControls::names).unwrap_or_default(),
            session_controls: session.map(SessionControls::names).unwrap_or_default(),
        }
    }
}

/// How often a policy asks anew.
fn frequency(policy: &Policy) -> Option<Frequency> {
    let control = policy.session_controls.as_ref()?.sign_in_frequency.as_ref()?;
    Frequency::of(control)
}

struct Judge<'a> {
    rules: &'a Rules<'a>,
    sign_in: &'a SignIn,
    located: Located,
    built_ins: [AuthenticationStrength; 3],
}

impl<'a> Judge<'a> {
    fn session(&self) -> &'a Session {
        &self.sign_in.session
    }

    fn policy(&self, policy: &'a Policy) -> Judged<'a> {
        let reasons = reasons(policy, self.sign_in, &self.located);
        let mut judged = Judged {
            policy,
            reasons,
            strengths: Vec::new(),
            unmet: Vec::new(),
            stale: None,
        };
        if !judged.reasons.is_empty() {
            return judged;
        }
        let frequency = frequency(policy);
        if let Some(grants) = &policy.grant_controls {
            let counting = self.counting(frequency);
            let standing = |control| (control, self.standing(control, &counting));
            let mut standings: Vec<(Control<'a>, Standing)> = grants.controls().into_iter().map(standing).collect();
            if grants.operator == Some(Operator::Or) {
                // Stable: of those that stand alike, the first in the order of the questions.
                standings.sort_by_key(|(_, standing)| *standing);
                standings.truncate(1);
            }
            let strengths = standings.iter().filter_map(|(control, _)| match control {
                Control::Strength(id) => Some(*id),
                _ => None,
            });
            judged.strengths = strengths.collect();
            judged.unmet = standings
                .into_iter()
                .filter(|(_, standing)| *standing != Standing::Met)
                .collect();
        }
        let over = frequency.filter(|one| one.is_over(self.session(), self.sign_in.now));
        judged.stale = over.map(|frequency| frequency.factors);
        judged
    }

    fn standing(&self, control: Control<'_>, counting: &[Usage]) -> Standing {
        let (session, around) = (self.session(), &self.sign_in.conditions);
        let (is_met, otherwise) = match control {
            Control::Block | Control::Custom(_) => (false, Standing::Impossible),
            Control::Strength(id) => return self.strength_standing(id, counting),
            Control::CompliantDevice => (
                around.device.as_ref().is_some_and(|device| device.is_compliant),
                Standing::Elsewhere,
            ),
            Control::DomainJoinedDevice => (
                around.device.as_ref().is_some_and(|device| device.is_domain_joined),
                Standing::Elsewhere,
            ),
            Control::ApprovedApplication => (around.program.is_approved, Standing::Elsewhere),
            Control::CompliantApplication => (around.program.is_protected, Standing::Elsewhere),
            Control::PasswordChange => (session.has_changed_password, Standing::Askable),
            Control::RiskRemediation => (session.has_remediated_risk, Standing::Askable),
            Control::TermsOfUse(id) => (session.accepted.contains(&id), Standing::Askable),
        };
        if is_met { Standing::Met } else { otherwise }
    }

    fn strength_standing(&self, id: StrengthId, counting: &[Usage]) -> Standing {
        let Some(strength) = self.strength(id) else {
            return Standing::Impossible;
        };
        if strength.satisfied_by(counting, self.rules.windows_hello).is_some() {
            return Standing::Met;
        }
        let can = |methods: &[Usage]| {
            strength
                .within_reach(methods, self.rules.windows_hello)
                .next()
                .is_some()
        };
        if can(&self.methods()) {
            Standing::Askable
        } else if can(&self.methods_and_registrable()) {
            Standing::Registrable
        } else {
            Standing::Impossible
        }
    }

    fn strength(&self, id: StrengthId) -> Option<&AuthenticationStrength> {
        self.built_ins
            .iter()
            .chain(self.rules.strengths)
            .find(|strength| strength.id == Some(id))
    }

    /// What was used and is not asked anew.
    fn counting(&self, frequency: Option<Frequency>) -> Vec<Usage> {
        let counts = |used: &&Used| frequency.is_none_or(|frequency| frequency.counts(used, self.sign_in.now));
        self.session()
            .used
            .iter()
            .filter(counts)
            .map(|used| used.usage.clone())
            .collect()
    }

    /// What the person has.
    fn methods(&self) -> Vec<Usage> {
        let session = self.session();
        let used = session.used.iter().map(|used| &used.usage);
        used.chain(&session.registered).cloned().collect()
    }

    fn methods_and_registrable(&self) -> Vec<Usage> {
        let chosen = |mode: &Mode| Usage {
            mode: *mode,
            details: Details::ToBeChosen,
        };
        self.methods()
            .into_iter()
            .chain(self.session().registrable.iter().map(chosen))
            .collect()
    }

    fn outcome(&self, enforced: &[&Judged<'a>]) -> Outcome {
        if let Some(block) = self.block(enforced) {
            return block;
        }
        let unmet = || enforced.iter().flat_map(|judged| &judged.unmet);
        let stale = enforced.iter().filter_map(|judged| judged.stale);
        // Both factors are more than the second alone, and come first in their order.
        if let Some(factors) = stale.min() {
            let strengths = enforced
                .iter()
                .flat_map(|judged| judged.strengths.iter().copied())
                .collect::<Vec<_>>();
            let combinations = self.offer(&strengths, &[]);
            return Outcome::Interrupt(Ask::Reauthenticate { factors, combinations });
        }
        let strengths = |wanted| {
            let of = move |(control, standing): &(Control<'a>, Standing)| match control {
                Control::Strength(id) if *standing == wanted => Some(*id),
                _ => None,
            };
            let found: BTreeSet<StrengthId> = unmet().filter_map(of).collect();
            found.into_iter().collect::<Vec<_>>()
        };
        let strictest = enforced.iter().filter_map(|judged| frequency(judged.policy)).min();
        let askable = strengths(Standing::Askable);
        if !askable.is_empty() {
            let combinations = self.offer(&askable, &self.counting(strictest));
            return Outcome::Interrupt(Ask::Authenticate {
                strengths: askable,
                combinations,
            });
        }
        if let [strength, ..] = strengths(Standing::Registrable).as_slice() {
            let methods = self.methods_and_registrable();
            let found = self.strength(*strength);
            let combinations = found.map(|found| {
                found
                    .within_reach(&methods, self.rules.windows_hello)
                    .cloned()
                    .collect()
            });
            return Outcome::NeedsRegistration {
                strength: *strength,
                combinations: combinations.unwrap_or_default(),
            };
        }
        let next = unmet().map(|(control, _)| *control).min().and_then(Control::ask);
        next.map_or_else(|| Outcome::Granted(self.effects(enforced)), Outcome::Interrupt)
    }

    /// A policy that blocks goes before one that cannot be met.
    fn block(&self, enforced: &[&Judged<'a>]) -> Option<Outcome> {
        let impossible = enforced.iter().flat_map(|judged| {
            let impossible = judged
                .unmet
                .iter()
                .filter(|(_, standing)| *standing == Standing::Impossible);
            impossible.map(|(control, _)| (*control, judged.policy.id))
        });
        let (control, policy) = impossible.min_by_key(|(control, _)| *control)?;
        let why = match control {
            Control::Strength(id) if self.strength(id).is_none() => BlockReason::NoSuchStrength,
            Control::Strength(_) => BlockReason::OutOfReach,
            Control::Custom(_) => BlockReason::CustomFactor,
            _ => BlockReason::Policy,
        };
        Some(Outcome::Block { policy, why })
    }

    /// The combinations of the first strength that the person can make, and of these, where there are any, those that
    /// are enough for the others too, so that nobody is asked twice.
    fn offer(&self, strengths: &[StrengthId], used: &[Usage]) -> Vec<Combination> {
        let (methods, hello) = (self.methods(), self.rules.windows_hello);
        let found: Vec<&AuthenticationStrength> = strengths.iter().filter_map(|id| self.strength(*id)).collect();
        let Some((first, others)) = found.split_first() else {
            return Vec::new();
        };
        let reachable: Vec<&Combination> = first.within_reach(&methods, hello).collect();
        let is_enough_for_all = |combination: &&&Combination| {
            let is_part = |usage: &&Usage| combination.modes().any(|mode| usage.counts_as(mode, hello));
            let after: Vec<Usage> = methods.iter().filter(is_part).chain(used).cloned().collect();
            others.iter().all(|other| other.satisfied_by(&after, hello).is_some())
        };
        let mut best: Vec<Combination> = reachable
            .iter()
            .filter(is_enough_for_all)
            .map(|one| (*one).clone())
            .collect();
        if best.is_empty() {
            best = reachable.into_iter().cloned().collect();
        }
        best
    }

    /// Since when a strength is met: the latest instant after which what was used is enough for it.
    fn met_since(&self, id: StrengthId, frequency: Frequency) -> Option<Timestamp> {
        let strength = self.strength(id)?;
        let now = self.sign_in.now;
        let used: Vec<(Timestamp, &Usage)> = self
            .session()
            .used
            .iter()
            .map(|used| (frequency.since_use(used, now), &used.usage))
            .collect();
        let is_enough = |since: &Timestamp| {
            let after: Vec<Usage> = used
                .iter()
                .filter(|(at, _)| at >= since)
                .map(|(_, one)| (*one).clone())
                .collect();
            strength.satisfied_by(&after, self.rules.windows_hello).is_some()
        };
        used.iter().map(|(at, _)| *at).filter(is_enough).max()
    }

    fn effects(&self, enforced: &[&Judged<'a>]) -> Effects {
        let mut effects = Effects::default();
        for judged in enforced {
            let Some(controls) = &judged.policy.session_controls else {
                continue;
            };
            effects.add(controls, self.session());
            let Some(frequency) = frequency(judged.policy) else {
                continue;
            };
            let since = judged
                .strengths
                .iter()
                .filter_map(|id| self.met_since(*id, frequency))
                .min();
            effects.end(since.map(|since| since + frequency.reach()));
        }
        effects
    }
}
