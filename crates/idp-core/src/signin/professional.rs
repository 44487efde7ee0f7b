//! What policies say to a health professional who is in no directory: who signed in with Pro Santé Connect, and whose token an
//! application exchanges for one of ours.
//!
//! They count as external users of another kind (`otherExternalUser`) who are at home in no tenant: policies for everybody are
//! for them, and those for guests that name this kind. Pro Santé Connect asks for two factors, whatever they are, so that
//! they are signed in by `federatedMultiFactor`: that is multifactor authentication, and no means that resists phishing. There
//! is nobody to answer a question: whatever a policy asks beyond it is a refusal.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory::{Arrival, Authentications, suite_of};
use hygie_oidc::Platform;
use hygie_policy::policy::GuestType;
use hygie_policy::signin::{Application, Guest, Identity, Session, SignIn, SignInConditions, Target, User};

use super::admission::{Judged, judged};
use super::{Occasion, client_app_of};
use crate::{Idp, IdpError};

/// A professional, as Pro Santé Connect vouches for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouched<'a> {
    /// Their id in our tokens.
    pub person: ObjectId,
    /// How and when they signed in there.
    pub used: &'a Authentications,
    /// From where the application asks.
    pub address: Option<IpAddr>,
}

impl Idp {
    /// What follows when policies let a token for this resource be issued.
    pub(crate) async fn admit_professional(
        &self,
        cx: &Cx,
        vouched: Vouched<'_>,
        resource: AppId,
    ) -> Result<Judged, IdpError> {
        let kept = self.directory().access_rules(cx).await?;
        let who = (vouched.person, vouched.address);
        let signals = self.signals_with(cx, &kept, who, None);
        let sign_in = SignIn {
            identity: Identity::User(User {
                id: vouched.person,
                groups: BTreeSet::new(),
                roles: BTreeSet::new(),
                guest: Some(Guest {
                    kind: GuestType::OtherExternalUser,
                    home: None,
                }),
            }),
            target: Target::Resources {
                applications: vec![Application {
                    id: resource,
                    suite: suite_of(resource),
                }],
                contexts: BTreeSet::new(),
            },
            conditions: SignInConditions {
                whereabouts: self.directory().whereabouts(vouched.address),
                sign_in_risk: Some(signals.sign_in_risk),
                user_risk: Some(signals.user_risk),
                client_app: Some(client_app_of(&Arrival::default(), Platform::Web)),
                ..SignInConditions::default()
            },
            session: Session {
                used: vouched.used.used().to_vec(),
                primary_at: vouched.used.primary_at(),
                secondary_at: vouched.used.secondary_at(),
                ..Session::default()
            },
            now: cx.now,
        };
        judged(&kept.rules(), &sign_in, (signals, Occasion::Exchange))
    }
}
