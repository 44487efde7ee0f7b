//! The way to the page: signing in to it, as to an application of our own. Nothing is issued; policies are asked about the
//! registration of means.

use axum::response::{IntoResponse, Response};
use hygie_oidc::{Platform, Version};
use hygie_policy::policy::UserAction;
use hygie_web::audit::Note;

use super::super::authorize;
use super::super::flow::{Flow, redirect};
use super::super::ways::{Way, Whom};
use super::{RECENT, is_strong_enough};
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::{Candidate, Occasion, Purpose, SECURITY_INFO, SignedIn};

/// Where the person signs in to the page. Who just did is not asked again: a pass that is good once would be lost.
pub fn address(segment: &str) -> String {
    let app = SECURITY_INFO.to_string();
    let pairs = [
        ("client_id", app.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    authorize::address(segment, Version::V2, pairs)
}

impl Flow<'_> {
    /// To the page, once it is known well enough who it is.
    pub async fn to_security_info(&self, signed_in: &SignedIn) -> Response {
        match self.may_change_means(signed_in).await {
            Ok(None) => {
                let address = format!(
                    "/{}/securityinfo?account={}",
                    signed_in.account.tenant, signed_in.account.session
                );
                (Note::recorded(), redirect(&self.inbound.asked, &address)).into_response()
            }
            Ok(Some(ways)) => match ways.first().copied() {
                Some(way) => (Note::recorded(), self.ask(way, &Whom::signed_in(signed_in, ways)).await).into_response(),
                None => self.sign_in(&super::super::flow::Typed::default()),
            },
            Err(IdpError::Interrupted(interruption)) => self.interrupted(signed_in, *interruption).await,
            Err(error) => self.page_of(&error).into_response(),
        }
    }

    /// What is asked first, if anything is.
    async fn may_change_means(&self, signed_in: &SignedIn) -> Result<Option<Vec<Way>>, IdpError> {
        if let Some(ways) = self.ways_to_change(signed_in).await? {
            return Ok(Some(ways));
        }
        let account = &signed_in.account;
        let cx = self.inbound.asked.cx(account.tenant);
        let candidate = Candidate {
            user: account.user,
            used: &signed_in.used,
            arrival: &self.asking.arrival,
            address: cx.client,
            platform: Platform::Web,
        };
        let purpose = Purpose::Action(UserAction::RegisterSecurityInfo);
        self.idp.admit(&cx, &candidate, purpose, Occasion::Browser).await?;
        Ok(None)
    }

    /// The ways in which somebody proves again who they are before they change what they prove it by; none where they have
    /// lately, by enough.
    pub async fn ways_to_change(&self, signed_in: &SignedIn) -> Result<Option<Vec<Way>>, IdpError> {
        let account = &signed_in.account;
        let cx = self.inbound.asked.cx(account.tenant);
        let methods = self.idp.means().methods_of(&cx, account.user).await?;
        if is_strong_enough(signed_in, &methods, cx.now) {
            return Ok(None);
        }
        // First what is first: a code of now and a password of this morning are not two factors of now.
        let is_first_recent = signed_in.used.primary_at().is_some_and(|at| cx.now.since(at) <= RECENT);
        let left_out = if is_first_recent { Way::Password } else { Way::Code };
        let modes = methods.registered.iter().map(|usage| usage.mode);
        let mut ways: Vec<Way> = modes.filter_map(Way::of).filter(|way| *way != left_out).collect();
        ways.sort();
        ways.dedup();
        Ok(Some(if ways.is_empty() { vec![Way::Password] } else { ways }))
    }
}
