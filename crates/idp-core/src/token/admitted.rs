//! Asking policies at each issuance for a person, and what the log of sign-ins is told of it.

use std::net::IpAddr;

use hygie_core::{AppId, Cx, Timestamp};
use hygie_directory::{Authorization, SignInEntry};
use hygie_policy::client::logged;
use hygie_policy::policy::PersistentBrowserMode;

use super::Asking;
use super::party::{Parties, Wanted};
use crate::signin::{Candidate, Occasion, Purpose, SignedIn, client_app_of};
use crate::{Idp, IdpError};

/// A sign-in that policies let pass.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    /// No token of it lives longer.
    pub until: Option<Timestamp>,
    /// Whether the session stays when the browser closes, where policies say so.
    pub persistent: Option<PersistentBrowserMode>,
    /// What the log is told of it.
    pub entry: SignInEntry,
}

/// What those who sign in are called.
pub(super) struct Names<'a> {
    pub user_principal_name: &'a str,
    pub user: &'a str,
    pub app: &'a str,
}

impl<'a> Names<'a> {
    /// Of a request in a browser.
    pub fn asked(asking: &'a Asking, signed_in: &'a SignedIn) -> Self {
        Self {
            user_principal_name: &signed_in.account.user_principal_name,
            user: &signed_in.account.display_name,
            app: &asking.application.display_name,
        }
    }

    /// Of the parties of a token.
    pub fn of(parties: &'a Parties) -> Self {
        let user = parties.subject.as_ref().map(|subject| &subject.user);
        Self {
            user_principal_name: user.map_or("", |user| &user.user_principal_name),
            user: user.map_or("", |user| &user.display_name),
            app: &parties.client.application.display_name,
        }
    }
}

impl Idp {
    /// Lets policies judge a person who is there, for these resources.
    pub(super) async fn admit_browser(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        resources: Vec<AppId>,
        entry: SignInEntry,
    ) -> Result<Admitted, IdpError> {
        let candidate = Candidate::of(authorization, authorization.arrival.address);
        let purpose = Purpose::tokens(authorization, resources)?;
        self.admitted(cx, (&candidate, purpose, Occasion::Browser), entry).await
    }

    /// The same where an application exchanges what it was given before, for the resource of `parties`. Who asks for nothing
    /// but to know who signs in gets a token for the user endpoint: policies were asked about the application alone, and are here.
    pub(super) async fn admit_exchange(
        &self,
        cx: &Cx,
        authorization: &Authorization,
        (parties, wanted): (&Parties, &Wanted),
        address: Option<IpAddr>,
    ) -> Result<Admitted, IdpError> {
        let resource = &parties.resource.party.application;
        let candidate = Candidate::of(authorization, address);
        let is_resource = !wanted.is_of_the_user_endpoint();
        let resources = is_resource.then_some(resource.app).into_iter().collect();
        let purpose = Purpose::tokens(authorization, resources)?;
        let mut entry = self.entry(cx, authorization, &Names::of(parties));
        entry.is_interactive = false;
        entry.address = address;
        entry.signals = self.directory().signals_of(address);
        entry.resource = Some((resource.app, resource.display_name.clone()));
        let admitted = self
            .admitted(cx, (&candidate, purpose, Occasion::Exchange), entry.clone())
            .await;
        self.logged(cx, entry, admitted).await
    }

    async fn admitted(
        &self,
        cx: &Cx,
        (candidate, purpose, occasion): (&Candidate<'_>, Purpose, Occasion),
        mut entry: SignInEntry,
    ) -> Result<Admitted, IdpError> {
        if let Purpose::Tokens { targets, .. } = &purpose {
            entry.targets.clone_from(targets);
        }
        let judged = self.admit(cx, candidate, purpose, occasion).await?;
        Ok(Admitted {
            until: judged.effects.tokens_until,
            persistent: judged.effects.persistent_browser,
            entry: SignInEntry {
                signals: judged.signals,
                ..entry.judged(judged.status, &judged.applied)
            },
        })
    }

    /// Tells the log what was refused.
    pub(super) async fn logged<T>(
        &self,
        cx: &Cx,
        mut entry: SignInEntry,
        outcome: Result<T, IdpError>,
    ) -> Result<T, IdpError> {
        let Err(error) = &outcome else { return outcome };
        if let IdpError::Interrupted(interruption) = error {
            entry.targets.clone_from(&interruption.targets);
            entry = entry.judged(interruption.status, &interruption.applied);
            entry.signals = interruption.signals.clone();
        }
        let refusal = error.refusal();
        entry.error_code = refusal.code().number();
        entry.failure_reason = Some(refusal.text().to_owned());
        self.directory().log_sign_in(cx, entry).await?;
        outcome
    }

    /// What the log is told of a sign-in, before it is judged.
    pub(super) fn entry(&self, cx: &Cx, authorization: &Authorization, names: &Names<'_>) -> SignInEntry {
        let arrival = &authorization.arrival;
        SignInEntry {
            id: hygie_directory::logs::new_id(cx),
            at: cx.now,
            correlation: cx.request.uuid(),
            user: authorization.user,
            user_principal_name: names.user_principal_name.to_owned(),
            user_display_name: names.user.to_owned(),
            app: authorization.client,
            app_display_name: names.app.to_owned(),
            targets: Vec::new(),
            contexts: authorization.claims.contexts.clone(),
            resource: None,
            address: arrival.address,
            user_agent: arrival.user_agent.clone(),
            client_app: logged(client_app_of(arrival, authorization.platform)).to_owned(),
            is_by_device_code: arrival.is_by_device_code,
            protocol: arrival.protocol(),
            is_interactive: true,
            session: Some(authorization.session),
            used: authorization.used.clone(),
            error_code: 0,
            failure_reason: None,
            status: hygie_policy::decide::Status::NotApplied.as_str().to_owned(),
            applied: Vec::new(),
            is_emergency: false,
            refused_certificate: Vec::new(),
            signals: self.directory().signals_of(arrival.address),
        }
    }
}
