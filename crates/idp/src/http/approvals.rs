//! `GET /{tenant}/approvals` — what applications ask of a person whom they named (OpenID CIBA), for who is signed in. Each
//! request leads to its own page, after a proof that is younger than it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, TenantId};
use hygie_idp_core::signin::{APPROVALS, SignedIn};
use hygie_idp_core::token::DeviceWay;
use hygie_idp_core::{Idp, IdpError};
use hygie_oidc::{Aadsts, Refusal, Version};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::ui::{Empty, Form, Link, Page, View};

use super::flow::{self, Flow, redirect};
use super::inbound::Inbound;
use super::{DEVICE, SESSION_COOKIE, authorize, device, refused};

const ACCOUNT: &str = "account";

#[derive(Template)]
#[template(path = "approvals.html")]
struct ListPage {
    page: Page,
    account: String,
    empty: Option<Empty>,
    asked: Vec<Shown>,
}

/// A request.
struct Shown {
    app: String,
    message: Option<String>,
    at: String,
    form: Form,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    list(&idp, &inbound)
        .await
        .map_err(|error| refused::page(&idp, &inbound, &error))
}

async fn list(idp: &Idp, inbound: &Inbound) -> Result<Response, IdpError> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    let tenant = place.tenant().ok_or_else(|| Refusal::new(Aadsts::NoTenant))?;
    let cx = inbound.asked.cx(tenant);
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let mut accounts = idp.accounts(&cx, cookie, Some(tenant)).await?.into_iter();
    let found = match inbound.params()?.get(ACCOUNT) {
        Some(session) => accounts.find(|known| known.account.session.to_string() == session),
        None => accounts.next(),
    };
    match found {
        Some(signed_in) => shown(idp, inbound, (&cx, &signed_in)).await,
        None => Ok(redirect(&inbound.asked, &sign_in(tenant))),
    }
}

async fn shown(idp: &Idp, inbound: &Inbound, (cx, signed_in): (&Cx, &SignedIn)) -> Result<Response, IdpError> {
    let account = &signed_in.account;
    let page = inbound.asked.page().at(address(signed_in));
    let (form, cookies) = flow::form(idp, inbound, DEVICE.to_owned());
    let mut asked = Vec::new();
    for (way, app) in answerable(idp, cx, signed_in).await? {
        asked.push(Shown {
            app,
            message: message_of(&way),
            at: way.row.created_at.to_rfc3339(),
            form: form.clone().carry(device::USER_CODE, way.user_code.as_str()),
        });
    }
    let view = View(ListPage {
        account: account.user_principal_name.clone(),
        empty: asked.is_empty().then(|| Empty {
            title: page.t("approvals-none"),
            text: page.t("approvals-none-text"),
            action: None,
        }),
        asked,
        page,
    });
    let note = Note::new("idp.device.read", format!("user/{}", account.user));
    Ok((cookies, note.by(&idp.person(account, None)), view).into_response())
}

/// The requests that the person can answer, with the names of their applications: of one that is gone or refused there is nothing to
/// answer.
async fn answerable(idp: &Idp, cx: &Cx, signed_in: &SignedIn) -> Result<Vec<(DeviceWay, String)>, IdpError> {
    let mut found = Vec::new();
    for way in idp.waiting_for(cx, signed_in.account.user).await? {
        match idp.asking_name(cx, &way).await {
            Ok(app) => found.push((way, app)),
            Err(IdpError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// What both screens show.
pub fn message_of(way: &DeviceWay) -> Option<String> {
    way.backchannel().and_then(|asked| asked.binding_message.clone())
}

/// The way to the page, where something waits for the person.
pub async fn waiting(idp: &Idp, (cx, page): (&Cx, &Page), signed_in: &SignedIn) -> Result<Option<Link>, IdpError> {
    let count = answerable(idp, cx, signed_in).await?.len();
    let text = || page.t1("approvals-waiting", "count", &count.to_string());
    Ok((count > 0).then(|| Link::new(address(signed_in), text())))
}

/// The page of who is signed in so.
pub fn address(signed_in: &SignedIn) -> String {
    let account = &signed_in.account;
    format!("/{}/approvals?{ACCOUNT}={}", account.tenant, account.session)
}

/// Where somebody signs in to come here.
fn sign_in(tenant: TenantId) -> String {
    let app = APPROVALS.to_string();
    let pairs = [
        ("client_id", app.as_str()),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    authorize::address(&tenant.to_string(), Version::V2, pairs)
}

impl Flow<'_> {
    /// To the page, signed in.
    pub fn to_approvals(&self, signed_in: &SignedIn) -> Response {
        (Note::recorded(), redirect(&self.inbound.asked, &address(signed_in))).into_response()
    }
}
