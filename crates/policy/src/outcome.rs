//! What follows from policies, as values: for the person, and for the log of sign-ins.

use crate::applies::Reasons;
use crate::json::vocabulary;
use crate::policy::AuthenticationType;
use crate::session::Effects;
use crate::strength::Combination;
use crate::{AgreementId, PolicyId, StrengthId};

vocabulary! {
    /// What a policy did in a sign-in, as the log of sign-ins says it.
    PolicyResult {
        Success = "success",
        Failure = "failure",
        NotApplied = "notApplied",
        NotEnabled = "notEnabled",
        Unknown = "unknown",
        /// It would have let the person pass without a question.
        ReportOnlySuccess = "reportOnlySuccess",
        /// It would have refused.
        ReportOnlyFailure = "reportOnlyFailure",
        ReportOnlyNotApplied = "reportOnlyNotApplied",
        /// It would have asked something.
        ReportOnlyInterrupted = "reportOnlyInterrupted",
    }
    /// What all policies did together.
    Status { Success = "success", Failure = "failure", NotApplied = "notApplied", }
}

/// What follows for a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What each policy did, in the order of the policies.
    pub applied: Vec<Applied>,
    /// What all did together.
    pub status: Status,
    /// What comes next.
    pub outcome: Outcome,
}

/// What a policy did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Which.
    pub policy: Option<PolicyId>,
    /// Its name.
    pub display_name: String,
    /// What it did.
    pub result: PolicyResult,
    /// What kept it away.
    pub unmet: Reasons,
    /// Its grant controls, if it applied.
    pub grant_controls: Vec<String>,
    /// Its session controls, if it applied.
    pub session_controls: Vec<String>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on, with this done to the session.
    Granted(Effects),
    /// It ends here.
    Block {
        /// By which policy.
        policy: Option<PolicyId>,
        /// Why.
        why: BlockReason,
    },
    /// Something is asked first; then it is decided anew.
    Interrupt(Ask),
    /// The person has no method that is enough, and may register one.
    NeedsRegistration {
        /// For which strength.
        strength: StrengthId,
        /// What would be enough, of what may be registered.
        combinations: Vec<Combination>,
    },
}

/// Why a sign-in ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockReason {
    /// A policy blocks.
    Policy,
    /// Neither has the person methods for the strength, nor may register them.
    OutOfReach,
    /// The policy asks for a strength that does not exist.
    NoSuchStrength,
    /// The policy asks for a control of others.
    CustomFactor,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Fresh credentials.
    Reauthenticate {
        /// Of which factors.
        factors: AuthenticationType,
        /// What is enough for the strengths too; empty where none is asked for.
        combinations: Vec<Combination>,
    },
    /// More methods.
    Authenticate {
        /// For which strengths.
        strengths: Vec<StrengthId>,
        /// What is enough, of the methods that the person has.
        combinations: Vec<Combination>,
    },
    /// A device that obeys its policies.
    CompliantDevice,
    /// A device of the establishment's domain.
    DomainJoinedDevice,
    /// An approved program.
    ApprovedApplication,
    /// A protected program.
    CompliantApplication,
    /// Another password.
    PasswordChange,
    /// What takes the risk away.
    RiskRemediation,
    /// Acceptance of these terms.
    TermsOfUse(AgreementId),
}
