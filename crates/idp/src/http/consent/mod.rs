//! The page that asks a person for their consent on the way to an application, and their answer.

pub mod admin;
pub mod own;
mod request;
mod show;

use axum::response::{IntoResponse, Response};
use hygie_directory::ForWhom;
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::token::{ConsentAsk, ConsentRequest, Verdict};
use hygie_oidc::{Aadsts, AuthorizeRequest, Prompt, Refusal};
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::flow::{Flow, Typed};
use super::prove::Proving;
use show::{Audience, Shown};

/// Whether consent may help after this refusal: something is not granted, or not there yet.
pub const fn may_help(code: Aadsts) -> bool {
    matches!(
        code,
        Aadsts::NoConsent | Aadsts::UnknownClient | Aadsts::UnknownResource
    )
}

impl Flow<'_> {
    /// Asks for consent where something lacks it, or says who can give it. Nothing where nothing lacks.
    pub async fn consent(
        &self,
        request: &AuthorizeRequest,
        signed_in: &SignedIn,
        warning: Option<&'static str>,
    ) -> Option<Response> {
        let asked = self.consent_ask(request, signed_in).await;
        match asked {
            Ok(None) => None,
            Ok(Some(ask)) if ask.verdict == Verdict::Nobody => Some(self.not_consentable(signed_in, &ask).await),
            Ok(Some(ask)) => Some((Note::recorded(), self.show_consent(signed_in, &ask, warning)).into_response()),
            Err(IdpError::Interrupted(interruption)) => Some(self.interrupted(signed_in, *interruption).await),
            Err(error) => Some((self.note_of(signed_in, &error), self.refuse(&error, request.prompt)).into_response()),
        }
    }

    async fn consent_ask(
        &self,
        request: &AuthorizeRequest,
        signed_in: &SignedIn,
    ) -> Result<Option<ConsentAsk>, IdpError> {
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        let request = ConsentRequest::Person(request);
        self.idp.consent_ask(&cx, (&self.asking, signed_in), request).await
    }

    fn show_consent(&self, signed_in: &SignedIn, ask: &ConsentAsk, warning: Option<&'static str>) -> Response {
        let (form, cookies) = self.form("consent");
        let form = form
            .carry("account", signed_in.account.session.to_string())
            .carry("asked", ask.fingerprint());
        let audience = match ask.verdict {
            Verdict::Administrator => Audience::PersonOrEverybody,
            _ => Audience::Person,
        };
        let shown = Shown {
            page: self.page(),
            form,
            account: &signed_in.account,
            ask,
            audience,
            warning,
        };
        (cookies, self.form_action(), shown.view()).into_response()
    }
}

impl Proving<'_, '_> {
    /// The answer: what is given is what was shown.
    pub async fn consent(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let whom = match self.params.get("answer") {
            Some("accept") => ForWhom::Person(signed_in.account.user),
            Some("everybody") => ForWhom::Everybody,
            _ => return Ok(self.declined(signed_in)),
        };
        match self.give(signed_in, whom).await {
            Ok(true) => {
                // It is answered: it is not asked again. A wish for a fresh sign-in stays.
                let prompt = match self.request.prompt {
                    Prompt::Consent => Prompt::AsNeeded,
                    other => other,
                };
                let settled = AuthorizeRequest {
                    prompt,
                    ..self.request.clone()
                };
                Ok(self.flow.finish(&settled, signed_in).await)
            }
            Ok(false) => {
                let again = self
                    .flow
                    .consent(self.request, signed_in, Some("consent-changed"))
                    .await;
                match again {
                    Some(page) => Ok(page),
                    None => Ok(self.flow.finish(self.request, signed_in).await),
                }
            }
            Err(IdpError::Interrupted(interruption)) => Ok(self.flow.interrupted(signed_in, *interruption).await),
            Err(error) => Err(self.flow.page_of(&error)),
        }
    }

    /// Gives it; false where something else is asked by now.
    async fn give(&self, signed_in: &SignedIn, whom: ForWhom) -> Result<bool, IdpError> {
        let ask = self.flow.consent_ask(self.request, signed_in).await?;
        let shown = self.params.get("asked").unwrap_or_default();
        let Some(ask) = ask.filter(|ask| ask.fingerprint() == shown) else {
            return Ok(false);
        };
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        self.flow.idp.give_consent(&cx, signed_in, (&ask, whom)).await?;
        Ok(true)
    }

    fn declined(&self, signed_in: &SignedIn) -> Response {
        let refusal = Refusal::new(Aadsts::Declined);
        let note = self.flow.note_of(signed_in, &refusal.clone().into());
        (note, self.flow.tell(&refusal)).into_response()
    }
}
