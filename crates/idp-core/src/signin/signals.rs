//! What is known of a sign-in beside what its request says: the country of its address, and the risk that others told.

use std::net::IpAddr;

use hygie_core::{Cx, ObjectId};
use hygie_directory::{AccessRules, Signals};
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::{UserRisk, is_risk, of_sign_in};

use crate::{Idp, IdpError};

/// It, as policies ask for it and as the log tells it.
#[derive(Clone, Debug)]
pub struct KnownSignals {
    /// Risk of the sign-in.
    pub sign_in_risk: RiskLevel,
    /// Risk of the person.
    pub user_risk: RiskLevel,
    /// For the log.
    pub logged: Signals,
}

impl KnownSignals {
    /// Whether anything says that somebody else acts.
    pub(super) fn is_risky(&self) -> bool {
        is_risk(self.sign_in_risk) || is_risk(self.user_risk)
    }
}

impl Idp {
    /// What is known of a sign-in of somebody of the directory.
    pub(super) async fn known_signals(
        &self,
        cx: &Cx,
        kept: &AccessRules,
        (user, address): (ObjectId, Option<IpAddr>),
    ) -> Result<KnownSignals, IdpError> {
        let risk = self.directory().user_risk(cx, user).await?;
        Ok(self.signals_with(cx, kept, (user, address), risk))
    }

    /// The same where the risk of the person is known.
    pub(crate) fn signals_with(
        &self,
        cx: &Cx,
        kept: &AccessRules,
        who: (ObjectId, Option<IpAddr>),
        risk: Option<UserRisk>,
    ) -> KnownSignals {
        let (sign_in_risk, events) = of_sign_in(&kept.supplied_risks, who, cx.now);
        let word = |level: RiskLevel| level.as_str().to_owned();
        KnownSignals {
            sign_in_risk,
            user_risk: risk.map_or(RiskLevel::None, |risk| risk.level),
            logged: Signals {
                sign_in_risk: is_risk(sign_in_risk).then(|| word(sign_in_risk)),
                risk_events: events,
                user_risk: risk.map(|risk| {
                    (
                        word(risk.level),
                        risk.state.as_str().to_owned(),
                        risk.detail.as_str().to_owned(),
                    )
                }),
                ..self.directory().signals_of(who.1)
            },
        }
    }
}
