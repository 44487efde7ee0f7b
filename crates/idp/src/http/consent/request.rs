//! The page on which somebody who cannot consent asks administrators to (AADSTS90095), and their request.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow>

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_directory::DirectoryError;
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::token::{AskedPermission, ConsentAsk};
use hygie_oidc::{Aadsts, AuthorizeRequest, Refusal};
use hygie_web::audit::Note;
use hygie_web::error::Failure;
use hygie_web::ui::{Field, Form, Page, Summary, View};

use super::own;
use super::show::word_of;
use crate::http::flow::{Flow, Typed};
use crate::http::prove::Proving;

const REASON: &str = "reason";

#[derive(Template)]
#[template(path = "consent-request.html")]
struct RequestPage {
    page: Page,
    form: Form,
    summary: Summary,
    reason: Field,
    app: String,
    account: String,
    permissions: Vec<String>,
}

#[derive(Template)]
#[template(path = "consent-requested.html")]
struct RequestedPage {
    page: Page,
    app: String,
    own: String,
}

impl Flow<'_> {
    /// What somebody is told who cannot consent: to ask an administrator, here where the tenant lets them.
    pub(super) async fn not_consentable(&self, signed_in: &SignedIn, ask: &ConsentAsk) -> Response {
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        match self.idp.may_ask_administrators(&cx, ask).await {
            Ok(true) => {
                let note = self.note_of(signed_in, &approval_needed(ask));
                (note, self.ask_administrators(signed_in, ask, ("", None))).into_response()
            }
            Ok(false) => {
                let error = IdpError::from(Refusal::from(ask));
                (self.note_of(signed_in, &error), self.page_of(&error)).into_response()
            }
            Err(error) => self.page_of(&error).into_response(),
        }
    }

    fn ask_administrators(
        &self,
        signed_in: &SignedIn,
        ask: &ConsentAsk,
        (typed, error): (&str, Option<&'static str>),
    ) -> Response {
        let page = self.page();
        let reason = Field::text(&page, REASON, page.t("consent-request-reason"))
            .hint(page.t("consent-request-reason-hint"))
            .value(typed)
            .error(error.map(|key| page.t(key)))
            .focus();
        let (form, cookies) = self.form("consent-request");
        let form = form
            .carry("account", signed_in.account.session.to_string())
            .carry("asked", ask.fingerprint());
        let view = View(RequestPage {
            summary: Summary::of(&page, [&reason]),
            permissions: words(&page, ask),
            app: ask.application.display_name.clone(),
            account: signed_in.account.user_principal_name.clone(),
            form,
            reason,
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }
}

fn approval_needed(ask: &ConsentAsk) -> IdpError {
    Refusal::about(Aadsts::ApprovalNeeded, &[&ask.application.app.to_string()]).into()
}

/// What is asked for, in words.
fn words(page: &Page, ask: &ConsentAsk) -> Vec<String> {
    let of = |asked: &AskedPermission| match word_of(page, asked.resource, &asked.value) {
        word if word == asked.value => format!("{} – {}", asked.display_name, asked.resource_name),
        word => word,
    };
    ask.permissions.iter().map(of).collect()
}

impl Proving<'_, '_> {
    /// The request of who cannot consent: for what was shown.
    pub async fn request_consent(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let ask = match self.flow.consent_ask(self.request, signed_in).await {
            Ok(ask) => ask,
            Err(IdpError::Interrupted(interruption)) => {
                return Ok(self.flow.interrupted(signed_in, *interruption).await);
            }
            Err(error) => return Err(self.flow.page_of(&error)),
        };
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let Some(ask) = ask else {
            // Somebody consented meanwhile.
            return Ok(self.flow.finish(self.request, signed_in).await);
        };
        let may_ask = self.flow.idp.may_ask_administrators(&cx, &ask).await;
        let is_shown = self.params.get("asked") == Some(ask.fingerprint().as_str());
        if !may_ask.map_err(|error| self.flow.page_of(&error))? || !is_shown {
            return Ok(self.consent_again(signed_in).await);
        }
        let typed = self.params.get(REASON).unwrap_or_default();
        match self.flow.idp.ask_administrators(&cx, signed_in, (&ask, typed)).await {
            Ok(()) => Ok(self.requested(signed_in, &ask)),
            Err(DirectoryError::Value(_)) => {
                let again = (typed, Some("consent-request-reason-wrong"));
                Ok(self.flow.ask_administrators(signed_in, &ask, again))
            }
            Err(DirectoryError::Fixed(_)) => {
                let again = (typed, Some("consent-request-full"));
                Ok(self.flow.ask_administrators(signed_in, &ask, again))
            }
            Err(DirectoryError::Store(error)) => Err(self.flow.page_of(&error.into())),
            Err(_) => Err(self.flow.page_of(&Refusal::new(Aadsts::ServiceFault).into())),
        }
    }

    async fn consent_again(&self, signed_in: &SignedIn) -> Response {
        let request: &AuthorizeRequest = self.request;
        match self.flow.consent(request, signed_in, Some("consent-changed")).await {
            Some(page) => page,
            None => self.flow.finish(request, signed_in).await,
        }
    }

    fn requested(&self, signed_in: &SignedIn, ask: &ConsentAsk) -> Response {
        let view = View(RequestedPage {
            page: self.flow.page(),
            app: ask.application.display_name.clone(),
            own: own::address_of(&signed_in.account),
        });
        (Note::recorded(), view).into_response()
    }
}
