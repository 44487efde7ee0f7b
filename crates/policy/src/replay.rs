//! A draft of a policy on sign-ins that were: the action `replay` [ours]. What each would come to is decided twice by what is
//! known of the person now, without the draft and with it, so that what differs is the draft's alone.

use serde_json::Value;

use crate::decide::{Outcome, PolicyResult, Rules, evaluate};
use crate::json::{ReadError, read, record};
use crate::policy::Policy;
use crate::signin::SignIn;

record! {
    /// The question.
    Request {
        /// The draft. With the id of a policy it takes its place; otherwise it comes beside the others.
        policy: Policy = "policy",
    }
}

impl Request {
    /// Reads it as a client posts it: strictly.
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        read(document)
    }

    /// The policies with the draft, and its place among them.
    pub fn among(&self, policies: &[Policy]) -> (Vec<Policy>, usize) {
        let mut all = policies.to_vec();
        let known = all.iter().position(|one| one.id.is_some() && one.id == self.policy.id);
        let place = known.unwrap_or(all.len());
        if known.is_some() {
            all[place] = self.policy.clone();
        } else {
            all.push(self.policy.clone());
        }
        (all, place)
    }
}

/// What a sign-in comes to, in a word.
pub const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Granted(_) => "granted",
        Outcome::Block { .. } => "blocked",
        Outcome::Interrupt(_) => "interrupted",
        Outcome::NeedsRegistration { .. } => "registrationRequired",
    }
}

/// What a sign-in would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// As policies are.
    pub before: &'static str,
    /// With the draft.
    pub after: &'static str,
    /// What the draft itself does.
    pub result: PolicyResult,
}

/// Decides a sign-in without and with the draft, which is at `place` of `drafted`.
pub fn replay(rules: &Rules<'_>, (drafted, place): (&[Policy], usize), sign_in: &SignIn) -> Replayed {
    let with = Rules {
        policies: drafted,
        ..*rules
    };
    let before = evaluate(rules, sign_in);
    let after = evaluate(&with, sign_in);
    Replayed {
        before: word(&before.outcome),
        after: word(&after.outcome),
        result: after.applied[place].result,
    }
}
