//! Sign-ins that end before policies are asked: at a wrong password, a lock-out, a wrong second factor. They are entries of the
//! log, of people whom the tenant knows; what is tried with other names is counted by address in the audit trail.

use hygie_core::Cx;
use hygie_directory::repo::{SignIns, Users};
use hygie_directory::{Authentications, SignInEntry, User};
use hygie_oidc::Refusal;
use hygie_policy::client::logged;
use hygie_policy::decide::Status;

use super::{SignedIn, client_app_of};
use crate::token::Asking;
use crate::{Idp, IdpError};

impl Idp {
    /// Tells the log that somebody who is known by a session did not prove more.
    pub async fn log_unproved(
        &self,
        cx: &Cx,
        asking: &Asking,
        signed_in: &SignedIn,
        refusal: &Refusal,
    ) -> Result<(), IdpError> {
        let id = signed_in.account.user;
        let found = self.directory().find_user_by_id(cx, id).await?;
        let Some(user) = found else { return Ok(()) };
        let entry = SignInEntry {
            session: Some(signed_in.account.session),
            used: signed_in.used.clone(),
            ..self.attempt(cx, asking, &user).await?
        };
        Ok(self.directory().log_sign_in(cx, refused(entry, refusal)).await?)
    }

    /// The entry of somebody who tries to sign in.
    pub(super) async fn attempt(&self, cx: &Cx, asking: &Asking, user: &User) -> Result<SignInEntry, IdpError> {
        let arrival = &asking.arrival;
        Ok(SignInEntry {
            id: hygie_directory::logs::new_id(cx),
            at: cx.now,
            correlation: cx.request.uuid(),
            user: user.id,
            user_principal_name: user.user_principal_name.clone(),
            user_display_name: user.display_name.clone(),
            app: asking.application.app,
            app_display_name: asking.application.display_name.clone(),
            targets: Vec::new(),
            contexts: Vec::new(),
            resource: None,
            address: arrival.address,
            user_agent: arrival.user_agent.clone(),
            client_app: logged(client_app_of(arrival, asking.platform)).to_owned(),
            is_by_device_code: arrival.is_by_device_code,
            protocol: arrival.protocol(),
            is_interactive: true,
            session: None,
            used: Authentications::default(),
            error_code: 0,
            failure_reason: None,
            status: Status::NotApplied.as_str().to_owned(),
            applied: Vec::new(),
            is_emergency: self.directory().is_emergency_account(cx, user.id).await?,
            refused_certificate: Vec::new(),
            signals: self.directory().signals_of(arrival.address),
        })
    }

    /// Writes the entry of a password that came while the account is locked. A name that nobody has costs the same write: by
    /// the time of the answer nobody learns who is known.
    pub(super) async fn log_locked(
        &self,
        cx: &Cx,
        id: hygie_core::ObjectId,
        entry: Option<SignInEntry>,
    ) -> Result<(), IdpError> {
        self.inner()
            .store
            .write(cx, (id, entry), |(id, entry), tx| {
                Box::pin(async move {
                    let lockout = Users(tx).lockout(*id).await?;
                    Users(tx).set_lockout(*id, &lockout).await?;
                    if let Some(entry) = entry {
                        SignIns(tx).insert(entry).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// The entry with why it was refused.
pub(super) fn refused(entry: SignInEntry, refusal: &Refusal) -> SignInEntry {
    SignInEntry {
        error_code: refusal.code().number(),
        failure_reason: Some(refusal.text().to_owned()),
        ..entry
    }
}
