//! Terms of use, as policies ask for them: the page, the document (`GET /{tenant}/terms/{agreement}/{file}`) and the answer.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use hygie_core::ErrorKind;
use hygie_directory::agreements::{Answer, Shown};
use hygie_oidc::{Aadsts, Refusal};
use hygie_policy::{AgreementFileId, AgreementId};
use hygie_web::audit::Note;
use hygie_web::cookie::{self, Cookie, SameSite};
use hygie_web::error::Failure;
use hygie_web::ui::{Form, Notice, Page, Tone, View};

use super::SESSION_COOKIE;
use super::flow::{Flow, Typed, set_cookie};
use super::inbound::Inbound;
use super::prove::Proving;
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::{Idp, IdpError};

/// The file that was opened last in this browser: what must be opened before it is accepted was.
const OPENED_COOKIE: &str = "__Host-hygie-terms";

#[derive(Template)]
#[template(path = "terms.html")]
struct TermsPage {
    page: Page,
    title: String,
    form: Form,
    document: String,
    language: String,
    must_be_viewed: bool,
    warning: Option<Notice>,
    account: String,
}

impl Flow<'_> {
    /// Asks for the acceptance of an agreement.
    pub async fn terms(&self, signed_in: &SignedIn, agreement: AgreementId, error: Option<&'static str>) -> Response {
        let page = self.page();
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        let languages = [self.inbound.asked.lang().tag()];
        let shown = self.idp.directory().agreement_for(&cx, agreement, &languages).await;
        let shown = match shown {
            Ok(Some(shown)) => shown,
            // A policy names terms that have no document any more: nobody can accept them.
            Ok(None) => {
                return self
                    .page_of(&Refusal::new(Aadsts::ExternalChallenge).into())
                    .into_response();
            }
            Err(error) => return self.page_of(&IdpError::from(error)).into_response(),
        };
        let (form, cookies) = self.form("terms");
        let tenant = signed_in.account.tenant;
        let view = View(TermsPage {
            title: shown.display_name.clone(),
            form: form
                .carry("account", signed_in.account.session.to_string())
                .carry("agreement", agreement.to_string())
                .carry("file", shown.file.to_string()),
            document: format!("/{tenant}/terms/{agreement}/{}", shown.file),
            language: shown.language,
            must_be_viewed: shown.must_be_viewed,
            warning: error.map(|key| Notice::new(&page, Tone::Danger, page.t(key))),
            account: signed_in.account.user_principal_name.clone(),
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }
}

impl Proving<'_, '_> {
    /// Accepted or declined.
    pub async fn terms(&self) -> Result<Response, Failure> {
        let ids = self
            .params
            .get("agreement")
            .and_then(|id| id.parse::<AgreementId>().ok())
            .zip(
                self.params
                    .get("file")
                    .and_then(|id| id.parse::<AgreementFileId>().ok()),
            );
        let (Some(signed_in), Some((agreement, file))) = (self.known(), ids) else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let is_accepted = self.params.get("answer") == Some("accept");
        if is_accepted && self.must_still_open(signed_in, agreement, file).await? {
            return Ok(self.flow.terms(signed_in, agreement, Some("terms-open-first")).await);
        }
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let cx = hygie_core::Cx {
            principal: Some(self.flow.idp.person(&signed_in.account, None).into()),
            ..cx
        };
        let answer = if is_accepted {
            Answer::Accepted
        } else {
            Answer::Declined
        };
        let directory = self.flow.idp.directory();
        let answered = directory
            .answer_agreement(&cx, signed_in.account.user, (agreement, file), answer)
            .await;
        if let Err(error) = answered {
            tracing::debug!(%error, "terms of use were not answered");
            return Ok(self.flow.terms(signed_in, agreement, Some("terms-changed")).await);
        }
        if !is_accepted {
            return Ok((Note::recorded(), self.flow.tell(&Refusal::new(Aadsts::Declined))).into_response());
        }
        Ok(self.flow.finish(self.request, signed_in).await)
    }

    async fn must_still_open(
        &self,
        signed_in: &SignedIn,
        agreement: AgreementId,
        file: AgreementFileId,
    ) -> Result<bool, Failure> {
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let languages = [self.flow.inbound.asked.lang().tag()];
        let shown = self
            .flow
            .idp
            .directory()
            .agreement_for(&cx, agreement, &languages)
            .await;
        let shown = shown.map_err(|error| self.flow.page_of(&error.into()))?;
        let must = shown.is_some_and(|shown: Shown| shown.must_be_viewed);
        let opened = cookie::get(&self.flow.inbound.headers, OPENED_COOKIE);
        Ok(must && opened != Some(file.to_string().as_str()))
    }
}

/// The document, for whoever is signed in in this tenant.
pub async fn get(
    State(idp): State<Idp>,
    Path((tenant, agreement, file)): Path<(String, String, String)>,
    inbound: Inbound,
) -> Result<Response, Failure> {
    let missing = || Failure::new(ErrorKind::NotFound, "not-found", "there is no such document");
    let ids = (
        tenant.parse(),
        agreement.parse::<AgreementId>(),
        file.parse::<AgreementFileId>(),
    );
    let (Ok(tenant), Ok(agreement), Ok(file)) = ids else {
        return Err(missing());
    };
    let cx = inbound.asked.cx(tenant);
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let accounts = idp.accounts(&cx, cookie, Some(tenant)).await;
    let fail = |error: IdpError| super::refused::page(&idp, &inbound, &error);
    if accounts.map_err(fail)?.is_empty() {
        return Err(missing());
    }
    let found = idp.directory().agreement_pdf(&cx, agreement, file).await;
    let pdf = found.map_err(|error| fail(error.into()))?.ok_or_else(missing)?;
    let opened = set_cookie(&Cookie::session(OPENED_COOKIE, &file.to_string(), SameSite::Lax));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static("inline; filename=\"terms.pdf\""),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    let note = Note::new("idp.terms.read", format!("agreement/{agreement}"));
    Ok((headers, AppendHeaders([(SET_COOKIE, opened)]), note, pdf).into_response())
}
