//! `GET|POST /{tenant}/myapplications` — the applications that a person consented to, and taking it back.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, ObjectId, TenantId};
use hygie_directory::{AskedConsent, ConsentRequestStatus, DirectoryError, OwnConsent};
use hygie_idp_core::signin::{MY_APPLICATIONS, SignedIn};
use hygie_idp_core::{Idp, IdpError};
use hygie_oidc::{Aadsts, Account, Params, Refusal, Version};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::ui::{Empty, Form, Link, Notice, Page, Tone, View};

use super::show::word_of;
use crate::http::flow::{self, Flow, redirect};
use crate::http::inbound::Inbound;
use crate::http::{SESSION_COOKIE, approvals, authorize, refused};

const ACCOUNT: &str = "account";
const CLIENT: &str = "client";
const DONE: &str = "done";

#[derive(Template)]
#[template(path = "myapplications.html")]
struct ListPage {
    page: Page,
    account: String,
    done: Option<Notice>,
    empty: Option<Empty>,
    apps: Vec<Shown>,
    requests: Vec<Asked>,
    /// Where requests of applications wait for the person.
    waiting: Option<Link>,
}

/// What administrators were asked for.
struct Asked {
    name: String,
    at: String,
    status: String,
    justification: Option<String>,
}

/// An application.
struct Shown {
    name: String,
    /// What it may do, by the name of the resource.
    resources: Vec<(String, Vec<String>)>,
    form: Form,
}

/// Who is here.
struct Visit<'a> {
    idp: &'a Idp,
    inbound: &'a Inbound,
    cx: Cx,
    signed_in: SignedIn,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    let (tenant, visit) = visit(&idp, &inbound, params).await.map_err(fail)?;
    match visit {
        Some(visit) => visit.list(params.get(DONE).is_some()).await.map_err(fail),
        None => Ok(redirect(&inbound.asked, &sign_in(tenant))),
    }
}

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    flow::check_form(&idp, &inbound).map_err(fail)?;
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    let (tenant, visit) = visit(&idp, &inbound, params).await.map_err(fail)?;
    let Some(visit) = visit else {
        return Ok(redirect(&inbound.asked, &sign_in(tenant)));
    };
    let client = params.get(CLIENT).and_then(|id| id.parse::<ObjectId>().ok());
    let client = client.ok_or_else(|| fail(Refusal::bad(CLIENT).into()))?;
    visit.revoke(client).await.map_err(fail)
}

async fn visit<'a>(
    idp: &'a Idp,
    inbound: &'a Inbound,
    params: &Params,
) -> Result<(TenantId, Option<Visit<'a>>), IdpError> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    let tenant = place.tenant().ok_or_else(|| Refusal::new(Aadsts::NoTenant))?;
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let accounts = idp.accounts(&inbound.asked.cx(tenant), cookie, Some(tenant)).await?;
    let mut accounts = accounts.into_iter();
    let found = match params.get(ACCOUNT) {
        Some(session) => accounts.find(|known| known.account.session.to_string() == session),
        None => accounts.next(),
    };
    let visit = found.map(|signed_in| Visit {
        cx: Cx {
            principal: Some(idp.person(&signed_in.account, None).into()),
            ..inbound.asked.cx(tenant)
        },
        idp,
        inbound,
        signed_in,
    });
    Ok((tenant, visit))
}

impl Visit<'_> {
    async fn list(&self, is_done: bool) -> Result<Response, IdpError> {
        let account = &self.signed_in.account;
        let page = self.inbound.asked.page().at(self.address());
        let consents = self.idp.directory().own_consents(&self.cx, account.user).await?;
        let requests = self
            .idp
            .directory()
            .own_consent_requests(&self.cx, account.user)
            .await?;
        let (form, cookies) = flow::form(self.idp, self.inbound, format!("/{}/myapplications", account.tenant));
        let form = form.carry(ACCOUNT, account.session.to_string());
        let empty = consents.is_empty().then(|| Empty {
            title: page.t("myapplications-none"),
            text: page.t("myapplications-none-text"),
            action: None,
        });
        let view = View(ListPage {
            account: account.user_principal_name.clone(),
            done: is_done.then(|| Notice::new(&page, Tone::Success, page.t("myapplications-revoked"))),
            empty,
            waiting: approvals::waiting(self.idp, (&self.cx, &page), &self.signed_in).await?,
            requests: requests.into_iter().map(|asked| asked_before(&page, asked)).collect(),
            apps: consents
                .into_iter()
                .map(|consent| shown(&page, &form, consent))
                .collect(),
            page,
        });
        let note = Note::new("idp.consent.read", format!("user/{}", account.user));
        let note = note.by(&self.idp.person(account, None));
        Ok((cookies, note, view).into_response())
    }

    async fn revoke(&self, client: ObjectId) -> Result<Response, IdpError> {
        let user = self.signed_in.account.user;
        match self.idp.directory().revoke_own_consent(&self.cx, user, client).await {
            // Taken back in another window: it is what the person wants.
            Ok(()) | Err(DirectoryError::NotFound(_)) => {}
            Err(DirectoryError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(Refusal::bad(CLIENT).into()),
        }
        let address = format!("{}&{DONE}=1", self.address());
        Ok((Note::recorded(), redirect(&self.inbound.asked, &address)).into_response())
    }

    fn address(&self) -> String {
        let account = &self.signed_in.account;
        address(account.tenant, &account.session.to_string())
    }
}

fn asked_before(page: &Page, asked: AskedConsent) -> Asked {
    let status = match asked.status {
        ConsentRequestStatus::Awaited => "consent-request-awaited",
        ConsentRequestStatus::Approved => "consent-request-approved",
        ConsentRequestStatus::Denied => "consent-request-denied",
    };
    Asked {
        name: asked.app_display_name,
        at: asked.created_at.to_rfc3339(),
        status: page.t(status),
        justification: asked.justification,
    }
}

fn shown(page: &Page, form: &Form, consent: OwnConsent) -> Shown {
    let resources = consent.grants.into_iter().map(|(resource, scopes)| {
        let words = scopes.iter().map(|scope| word_of(page, resource.app, scope)).collect();
        (resource.display_name, words)
    });
    Shown {
        resources: resources.collect(),
        form: form.clone().carry(CLIENT, consent.client.id.to_string()),
        name: consent.client.display_name,
    }
}

/// The page of this account.
pub(super) fn address_of(account: &Account) -> String {
    address(account.tenant, &account.session.to_string())
}

fn address(tenant: TenantId, session: &str) -> String {
    format!("/{tenant}/myapplications?{ACCOUNT}={session}")
}

/// Where somebody signs in to come here.
fn sign_in(tenant: TenantId) -> String {
    let app = MY_APPLICATIONS.to_string();
    let pairs = [
        ("client_id", app.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    authorize::address(&tenant.to_string(), Version::V2, pairs)
}

impl Flow<'_> {
    /// To the page, signed in.
    pub fn to_my_applications(&self, signed_in: &SignedIn) -> Response {
        let account = &signed_in.account;
        let address = address(account.tenant, &account.session.to_string());
        (Note::recorded(), redirect(&self.inbound.asked, &address)).into_response()
    }
}
