//! `GET|POST /device` — where a person types the code that a device shows (RFC 8628 §3.3), and the pages on which they
//! confirm it. In between they sign in as for any application.
//!
//! No link of another site fills in the code (§3.3.1, §5.4): people would be sent the code of somebody else's device, and
//! confirm it without having typed anything.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, ObjectId};
use hygie_oidc::Aadsts;
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::ui::{Field, Form, Notice, Page, Summary, Tone, View};

use super::flow::{self, Flow, Typed};
use super::inbound::Inbound;
use super::{DEVICE, SESSION_COOKIE, approvals, refused};
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::token::DeviceWay;
use hygie_idp_core::{Idp, IdpError};

/// The parameter with the code.
pub const USER_CODE: &str = "user_code";

/// From where a browser comes, in words that pages cannot change (Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";

#[derive(Template)]
#[template(path = "device.html")]
struct CodePage {
    page: Page,
    form: Form,
    summary: Summary,
    code: Field,
    warning: Notice,
}

#[derive(Template)]
#[template(path = "device-confirm.html")]
struct ConfirmPage {
    page: Page,
    form: Form,
    app: String,
    code: String,
    account: (String, String),
    address: Option<String>,
    at: String,
    warning: Notice,
}

#[derive(Template)]
#[template(path = "device-done.html")]
struct DonePage {
    page: Page,
    title: String,
    text: String,
}

/// The question of a client that named the person.
#[derive(Template)]
#[template(path = "approval-confirm.html")]
struct ApprovalPage {
    page: Page,
    form: Form,
    app: String,
    message: Option<String>,
    account: (String, String),
    address: Option<String>,
    at: String,
    warning: Notice,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Response {
    let typed = inbound.params().ok().and_then(|params| params.get(USER_CODE));
    // The language switch brings back what was typed, another site does not; what is no code is not repeated.
    let is_ours = inbound
        .headers
        .get(FETCH_SITE)
        .is_some_and(|site| site.as_bytes() == b"same-origin");
    let typed = typed.filter(|typed| is_ours && hygie_oidc::device::UserCode::parse(typed).is_some());
    ask(&idp, &inbound, typed.unwrap_or_default(), None)
}

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    // Only refusals are recorded here, and counted: who is not signed in could fill the trail with typed codes.
    // Approval and refusal by the person record themselves.
    let refuse = |error: IdpError| {
        inbound.asked.note(Note::new("idp.device.code", "device"));
        refused::page_on_way(&idp, &inbound, &error, again())
    };
    let typed = typed(&idp, &inbound).map_err(refuse)?;
    if typed.is_empty() {
        return Ok(ask(&idp, &inbound, "", Some("device-code-missing")));
    }
    let who = person(&idp, &inbound).await.map_err(refuse)?;
    match idp.asking_for_device(&inbound.cx(), &typed).await {
        Ok(asking) => {
            let (idp, inbound) = (&idp, &inbound);
            Flow::new(idp, inbound, asking).begin().await
        }
        Err(IdpError::Refused(refusal)) if refusal.code() == Aadsts::DeviceCodeExpired => {
            if let Some((cx, user)) = who {
                idp.count_person(&cx, user).await.map_err(refuse)?;
            }
            let note = Note::new("idp.device.code", "device").refused("AADSTS70018");
            Ok((note, ask(&idp, &inbound, &typed, Some("device-code-wrong"))).into_response())
        }
        Err(error) => Err(refuse(error)),
    }
}

/// Who types, where one person is signed in: refused after too many wrong codes, at whatever address. Of several it is not known
/// which one does, and the address alone counts.
async fn person(idp: &Idp, inbound: &Inbound) -> Result<Option<(Cx, ObjectId)>, IdpError> {
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let accounts = idp.accounts(&inbound.cx(), cookie, None).await?;
    let [SignedIn { account, .. }] = &accounts[..] else {
        return Ok(None);
    };
    let cx = inbound.asked.cx(account.tenant);
    idp.check_person(account.tenant, account.user, &cx)?;
    Ok(Some((cx, account.user)))
}

/// The code of a form that is ours.
fn typed(idp: &Idp, inbound: &Inbound) -> Result<String, IdpError> {
    flow::check_form(idp, inbound)?;
    let typed = inbound.params()?.get(USER_CODE).unwrap_or_default().trim();
    // What is no code is shown again, but not at any length.
    Ok(typed.chars().take(64).collect())
}

/// Where a person begins again.
fn again() -> refused::Way<'static> {
    refused::Way {
        again: Some(DEVICE.to_owned()),
        ..refused::Way::default()
    }
}

fn ask(idp: &Idp, inbound: &Inbound, typed: &str, error: Option<&'static str>) -> Response {
    let page = inbound.asked.page().at(address(typed));
    let code = Field::text(&page, USER_CODE, page.t("device-code"))
        .hint(page.t("device-code-hint"))
        .autocomplete("off")
        .value(typed)
        .error(error.map(|key| page.t(key)))
        .focus();
    let (form, cookies) = flow::form(idp, inbound, DEVICE.to_owned());
    let view = View(CodePage {
        summary: Summary::of(&page, [&code]),
        form,
        code,
        warning: Notice::new(&page, Tone::Warning, page.t("device-warning")),
        page,
    });
    (cookies, view).into_response()
}

/// The page with this code.
pub fn address(typed: &str) -> String {
    if typed.is_empty() {
        return DEVICE.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(USER_CODE, typed)
        .finish();
    format!("{DEVICE}?{query}")
}

/// Asks whether it is this application that the person wants, with this account, on the device that shows this code.
pub fn confirm(flow: &Flow<'_>, way: &DeviceWay, signed_in: &SignedIn) -> Response {
    let page = flow.page();
    let (form, cookies) = flow.form("device");
    let account = &signed_in.account;
    let form = form.carry("account", account.session.to_string());
    let name = (account.display_name.clone(), account.user_principal_name.clone());
    let address = way.row.ask.address.map(|address| address.to_string());
    let at = way.row.created_at.to_rfc3339();
    if way.backchannel().is_some() {
        let view = View(ApprovalPage {
            form,
            app: flow.app_name(),
            message: approvals::message_of(way),
            account: name,
            address,
            at,
            warning: Notice::new(&page, Tone::Warning, page.t("approval-warning")),
            page,
        });
        return (cookies, view).into_response();
    }
    let view = View(ConfirmPage {
        form,
        app: flow.app_name(),
        code: way.user_code.grouped(),
        account: name,
        address,
        at,
        warning: Notice::new(&page, Tone::Warning, page.t("device-warning")),
        page,
    });
    (cookies, view).into_response()
}

/// The person as far as what they proved counts for the answer; the page that asks for more where it does not.
pub async fn counting(flow: &Flow<'_>, way: &DeviceWay, signed_in: &SignedIn) -> Result<SignedIn, Box<Response>> {
    let cx = flow.inbound.asked.cx(signed_in.account.tenant);
    let counting = flow.idp.counting(&cx, way, signed_in).await;
    counting.map_err(|error| {
        Box::new(match error {
            IdpError::Refused(refusal) if refusal.code() == Aadsts::SessionTooOld => {
                flow.password(&Typed::named(signed_in.account.user_principal_name.clone()))
            }
            error => (flow.note_of(signed_in, &error), flow.page_of(&error)).into_response(),
        })
    })
}

/// The answer of the person.
pub async fn answered(flow: &Flow<'_>, way: &DeviceWay, signed_in: &SignedIn, says: Says) -> Response {
    let cx = flow.inbound.asked.cx(signed_in.account.tenant);
    let signed_in = &match counting(flow, way, signed_in).await {
        Ok(counting) => counting,
        Err(asked) => return *asked,
    };
    let done = match says {
        Says::Yes => flow.idp.approve_device(&cx, (&flow.asking, way), signed_in).await,
        Says::No => flow.idp.decline_device(&cx, way, signed_in).await,
    };
    match done {
        Ok(()) => {}
        Err(IdpError::Interrupted(interruption)) => return flow.interrupted(signed_in, *interruption).await,
        Err(error) => return flow.page_of(&error).into_response(),
    }
    let (address, what) = match way.backchannel() {
        Some(_) => (approvals::address(signed_in), "approval"),
        None => (DEVICE.to_owned(), "device"),
    };
    let page = flow.inbound.asked.page().at(address);
    let outcome = match says {
        Says::Yes => "approved",
        Says::No => "declined",
    };
    let view = View(DonePage {
        title: page.t(&format!("{what}-{outcome}")),
        text: page.t1(&format!("{what}-{outcome}-text"), "app", &flow.app_name()),
        page,
    });
    (Note::recorded(), view).into_response()
}

/// What the person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is mine.
    Yes,
    /// It is not.
    No,
}
