//! Where every step of the pages ends: the answer to the application, or what is asked before it.

use axum::response::{IntoResponse, Response};
use hygie_core::TenantId;
use hygie_oidc::{Aadsts, AuthorizeRequest, Prompt, Refusal, is_too_old};
use hygie_policy::decide::{Ask, Outcome};
use hygie_web::audit::Note;

use super::flow::{Flow, Typed, redirect};
use super::new_password::asks_password;
use super::security::RECENT;
use super::ways::{Whom, ways_on};
use super::{consent, device, redeem};
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::{
    ADMIN_CONSENT, APPROVALS, INVITATIONS, Interruption, MY_APPLICATIONS, SECURITY_INFO, SignedIn, Standing,
};

impl Flow<'_> {
    /// The answer to the application, for this account or for the guest that it is here; for a device first the question
    /// whether it is this person's.
    /// Whatever step leads here, an application that wants a first factor younger than this session's gets no other.
    pub async fn finish(&self, request: &AuthorizeRequest, signed_in: &SignedIn) -> Response {
        if is_too_old(request, signed_in.account.auth_time, self.inbound.asked.now(), RECENT) {
            return self.password(&Typed::named(signed_in.account.user_principal_name.clone()));
        }
        match self.asking.place.tenant() {
            Some(tenant) if tenant != signed_in.account.tenant => {
                match self.as_guest(request, signed_in, tenant).await {
                    Ok(guest) => self.finish_here(request, &guest).await,
                    Err(response) => *response,
                }
            }
            _ => self.finish_here(request, signed_in).await,
        }
    }

    /// The session of a guest, for an account of another tenant; the page of the invitation for who has not accepted.
    async fn as_guest(
        &self,
        request: &AuthorizeRequest,
        signed_in: &SignedIn,
        tenant: TenantId,
    ) -> Result<SignedIn, Box<Response>> {
        let cx = self.inbound.asked.cx(tenant);
        match self.idp.standing(&cx, signed_in, &self.app_name()).await {
            Ok(Standing::Guest(guest)) => Ok(*guest),
            Ok(Standing::Invited(_)) if request.prompt != Prompt::None => {
                let session = signed_in.account.session.to_string();
                let asking = self.asking.device.is_none().then(|| redeem::carried(&self.asking));
                let address = redeem::address(tenant, (None, Some(&session)), asking.as_ref());
                Err(Box::new(
                    (Note::recorded(), redirect(&self.inbound.asked, &address)).into_response(),
                ))
            }
            Ok(Standing::Invited(_)) => {
                let words = [tenant.to_string(), self.app_name()];
                let refusal = Refusal::about(Aadsts::OtherTenant, &[&words[0], &words[1]]);
                Err(Box::new(self.refuse(&refusal.into(), request.prompt)))
            }
            Err(error) => Err(Box::new(
                (self.note_of(signed_in, &error), self.refuse(&error, request.prompt)).into_response(),
            )),
        }
    }

    async fn finish_here(&self, request: &AuthorizeRequest, signed_in: &SignedIn) -> Response {
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        if self.asking.application.app == SECURITY_INFO {
            return self.to_security_info(signed_in).await;
        }
        match self.asking.application.app {
            ADMIN_CONSENT => return self.to_admin_consent(signed_in).await,
            INVITATIONS => return self.to_invitation(signed_in),
            APPROVALS => return self.to_approvals(signed_in),
            MY_APPLICATIONS => return self.to_my_applications(signed_in),
            _ => {}
        }
        if request.prompt == Prompt::Consent
            && let Some(asked) = self.consent(request, signed_in, None).await
        {
            return asked;
        }
        if let Some(way) = &self.asking.device {
            let signed_in = &match device::counting(self, way, signed_in).await {
                Ok(counting) => counting,
                Err(asked) => return *asked,
            };
            return match self.idp.check_device(&cx, (&self.asking, way), signed_in).await {
                Ok(()) => device::confirm(self, way, signed_in),
                Err(IdpError::Refused(refusal)) if consent::may_help(refusal.code()) => {
                    self.consent_or(request, signed_in, refusal).await
                }
                Err(IdpError::Interrupted(interruption)) => self.interrupted(signed_in, *interruption).await,
                Err(error) => (self.note_of(signed_in, &error), self.page_of(&error)).into_response(),
            };
        }
        let person = (signed_in, self.inbound.browser(self.idp));
        match self.idp.authorize(&cx, &self.asking, request, person).await {
            Ok(answer) => {
                let response = (Note::recorded(), self.deliver(answer)).into_response();
                self.keeping(signed_in, response).await
            }
            Err(IdpError::Refused(refusal)) if refusal.code() == Aadsts::KeepSignedIn => self.ask_keeping(signed_in),
            Err(IdpError::Refused(refusal)) if refusal.code() == Aadsts::RegistrationCampaign => {
                self.ask_to_register(signed_in).await
            }
            Err(IdpError::Refused(refusal))
                if refusal.code() == Aadsts::PasswordExpired && request.prompt != Prompt::None =>
            {
                (Note::recorded(), self.change_password_first(signed_in).await).into_response()
            }
            Err(IdpError::Interrupted(interruption)) if request.prompt != Prompt::None => {
                self.interrupted(signed_in, *interruption).await
            }
            Err(IdpError::Refused(refusal)) if consent::may_help(refusal.code()) && request.prompt != Prompt::None => {
                self.consent_or(request, signed_in, refusal).await
            }
            Err(error) => (self.note_of(signed_in, &error), self.refuse(&error, request.prompt)).into_response(),
        }
    }

    /// The page that asks for consent; where it would not help, this refusal.
    async fn consent_or(&self, request: &AuthorizeRequest, signed_in: &SignedIn, refusal: Refusal) -> Response {
        if let Some(asked) = self.consent(request, signed_in, None).await {
            return asked;
        }
        let error = IdpError::from(refusal);
        (self.note_of(signed_in, &error), self.refuse(&error, request.prompt)).into_response()
    }

    /// What policies ask of the person first.
    pub async fn interrupted(&self, signed_in: &SignedIn, interruption: Interruption) -> Response {
        if let Outcome::Interrupt(ask) = &interruption.outcome {
            if let Ask::TermsOfUse(agreement) = ask {
                return (Note::recorded(), self.terms(signed_in, *agreement, None).await).into_response();
            }
            if asks_password(ask, &interruption.registered) {
                return (Note::recorded(), self.change_password_first(signed_in).await).into_response();
            }
            let ways = ways_on(ask, signed_in, &interruption.registered);
            if let Some(way) = ways.first().copied() {
                let whom = Whom::signed_in(signed_in, ways);
                return (Note::recorded(), self.ask(way, &whom).await).into_response();
            }
        }
        let error = IdpError::Interrupted(Box::new(interruption));
        (self.note_of(signed_in, &error), self.page_for(signed_in, &error)).into_response()
    }
}
