//! `POST /{tenant}/login` — the forms of the sign-in pages.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, Secret, TenantId};
use hygie_directory::{User, is_user_principal_name};
use hygie_jose::random_secret;
use hygie_oidc::{Aadsts, AuthorizeRequest, Interaction, Params, Prompt, Refusal, Version, interact};
use hygie_policy::strength::{Mode, Usage};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;

use super::device::{self, Says};
use super::flow::{self, Flow, Typed};
use super::inbound::Inbound;
use super::keep::SessionCookie;
use super::prove::Proving;
use super::refused::{self, Way};
use super::{BROWSER_COOKIE, DEVICE, SESSION_COOKIE, authorize};
use hygie_idp_core::signin::{Cookies, NewSession, PresentedPassword, SignedIn};
use hygie_idp_core::token::Asking;
use hygie_idp_core::{Idp, IdpError};

/// Who comes here with GET has reloaded the address of a form.
pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Failure {
    refused::page(&idp, &inbound, &Refusal::new(Aadsts::FlowExpired).into())
}

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let asking = match asking(&idp, &inbound).await {
        Ok(asking) => asking,
        Err(error) => {
            let again = again(&idp, &inbound).await;
            let way = Way {
                again,
                ..Way::default()
            };
            return Err(refused::page_on_way(&idp, &inbound, &error, way));
        }
    };
    let params = inbound
        .params()
        .map_err(|refusal| refused::page(&idp, &inbound, &IdpError::from(refusal)))?;
    let flow = Flow::new(&idp, &inbound, asking);
    let (request, accounts) = match flow.state().await? {
        Ok(state) => state,
        Err(response) => return Ok(response),
    };
    match params.get("step") {
        Some("account") => account(&flow, &request, &accounts, params).await,
        Some("password") => password(&flow, &request, params).await,
        Some("way") => Ok(proving(&flow, &request, &accounts, params).other_way().await),
        Some("code") => proving(&flow, &request, &accounts, params).code().await,
        Some("pass") => proving(&flow, &request, &accounts, params).pass().await,
        Some("new-password") => proving(&flow, &request, &accounts, params).new_password().await,
        Some("terms") => proving(&flow, &request, &accounts, params).terms().await,
        Some("consent") => proving(&flow, &request, &accounts, params).consent().await,
        Some("consent-request") => proving(&flow, &request, &accounts, params).request_consent().await,
        Some("passkey") => proving(&flow, &request, &accounts, params).passkey().await,
        Some("campaign") => proving(&flow, &request, &accounts, params).put_campaign_off().await,
        Some("keep") => proving(&flow, &request, &accounts, params).keep().await,
        Some("device") => device_answer(&flow, &accounts, params).await,
        _ => username(&flow, params).await,
    }
}

/// The request that the form carries, if the form is ours.
async fn asking(idp: &Idp, inbound: &Inbound) -> Result<Asking, IdpError> {
    let params = inbound.params()?;
    flow::check_form(idp, inbound)?;
    asking_of(idp, inbound, params).await
}

/// The request that these parameters carry.
pub async fn asking_of(idp: &Idp, inbound: &Inbound, params: &Params) -> Result<Asking, IdpError> {
    match carried(params)? {
        Carried::Device(user_code) => idp.asking_for_device(&inbound.cx(), user_code).await,
        Carried::Request(version, request) => {
            let place = idp.place(&inbound.cx(), &inbound.segment).await?;
            idp.asking(&inbound.cx(), place, version, request).await
        }
    }
}

fn proving<'f, 'a>(
    flow: &'f Flow<'a>,
    request: &'f AuthorizeRequest,
    accounts: &'f [SignedIn],
    params: &'f Params,
) -> Proving<'f, 'a> {
    Proving {
        flow,
        request,
        accounts,
        params,
    }
}

/// What a form carries along.
pub enum Carried<'a> {
    /// The parameters of an authorization request.
    Request(Version, Params),
    /// The user code of a device.
    Device(&'a str),
}

/// The request that the form carries, as it stands there.
pub fn carried(params: &Params) -> Result<Carried<'_>, Refusal> {
    let request = params.require("request")?;
    let version = match params.get("version") {
        Some(flow::DEVICE_FORM) => return Ok(Carried::Device(request)),
        Some("1") => Version::V1,
        _ => Version::V2,
    };
    Ok(Carried::Request(version, Params::parse(request.as_bytes())?))
}

/// Where that request begins again, at a tenant that exists: the path goes into the address. The form may be anybody's,
/// but so is every link to the authorization endpoint.
async fn again(idp: &Idp, inbound: &Inbound) -> Option<String> {
    let (version, request) = match carried(inbound.params().ok()?).ok()? {
        Carried::Device(_) => return Some(DEVICE.to_owned()),
        Carried::Request(version, request) => (version, request),
    };
    idp.place(&inbound.cx(), &inbound.segment).await.ok()?;
    Some(authorize::address(&inbound.segment, version, request.iter()))
}

/// First step: the name leads to the password, whether it is known or not.
async fn username(flow: &Flow<'_>, params: &Params) -> Result<Response, Failure> {
    let name = params.get("username").unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Ok(flow.sign_in(&Typed::named(name).wrong("signin-username-missing")));
    }
    match tenant_of(flow, &name).await? {
        Some(_) => Ok(flow.password(&Typed::named(name))),
        None => Ok(flow.sign_in(&Typed::named(name).wrong("signin-username-unknown"))),
    }
}

/// Second step.
async fn password(flow: &Flow<'_>, request: &AuthorizeRequest, params: &Params) -> Result<Response, Failure> {
    let name = params.get("username").unwrap_or_default().trim().to_owned();
    let Some(tenant) = tenant_of(flow, &name).await? else {
        return Ok(flow.sign_in(&Typed::named(name).wrong("signin-username-unknown")));
    };
    let Some(password) = params.get("password") else {
        return Ok(flow.password(&Typed::named(name).wrong("password-missing")));
    };
    let cx = flow.inbound.asked.cx(tenant);
    flow.inbound.asked.note(Note::new("idp.signin", "user"));
    let password = Secret::new(password.to_owned());
    let presented = PresentedPassword {
        name: &name,
        password,
        browser: cookie::get(&flow.inbound.headers, BROWSER_COOKIE),
    };
    let checked = flow.idp.check_password(&cx, presented, Some(&flow.asking));
    let begun = match checked.await {
        Ok(user) => begin(flow, &cx, user, Usage::of(Mode::Password)).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok((signed_in, cookie)) => {
            let response = flow.finish(request, &signed_in).await;
            // The session is there even when this application is refused.
            Ok((cookie, response).into_response())
        }
        Err(error) if error.refusal().code() == Aadsts::Throttled => Err(flow.page_of(&error)),
        Err(IdpError::Refused(refusal)) => {
            let note = Note::new("idp.signin", "user").refused(format!("AADSTS{}", refusal.code().number()));
            Ok((note, wrong(flow, name, &refusal)).into_response())
        }
        Err(IdpError::Recorded(refusal)) => Ok((Note::recorded(), wrong(flow, name, &refusal)).into_response()),
        Err(error) => Err(flow.page_of(&error)),
    }
}

/// Begins a session of somebody who proved who they are by this method.
pub async fn begin(flow: &Flow<'_>, cx: &Cx, user: User, usage: Usage) -> Result<(SignedIn, SessionCookie), IdpError> {
    let (cookies, set) = next_cookies(flow, cx);
    let signed_in = flow.idp.begin_session(cx, NewSession { user, cookies, usage }).await?;
    Ok((signed_in, set))
}

/// Goes on with a session whose person proved more by this method.
pub async fn go_on(
    flow: &Flow<'_>,
    cx: &Cx,
    signed_in: &SignedIn,
    usage: Usage,
) -> Result<(SignedIn, SessionCookie), IdpError> {
    let (cookies, set) = next_cookies(flow, cx);
    let signed_in = flow.idp.step_up(cx, signed_in, cookies, usage).await?;
    Ok((signed_in, set))
}

/// The browser's cookie and its next value: it changes whenever somebody proves something.
fn next_cookies(flow: &Flow<'_>, cx: &Cx) -> (Cookies, SessionCookie) {
    let browser = random_secret(&*cx.random);
    let familiar = flow.inbound.browser_to_tell(flow.idp, cx);
    let next = SessionCookie {
        value: Secret::new(browser.expose().clone()),
        familiar: Secret::new(familiar.expose().clone()),
    };
    let previous = cookie::get(&flow.inbound.headers, SESSION_COOKIE).map(str::to_owned);
    let cookies = Cookies {
        browser,
        previous,
        familiar: Some(familiar),
    };
    (cookies, next)
}

/// The password page again, with what was wrong; the name is kept.
fn wrong(flow: &Flow<'_>, name: String, refusal: &Refusal) -> Response {
    let error = match refusal.code() {
        Aadsts::Locked => "password-locked",
        Aadsts::UserDisabled => "password-disabled",
        Aadsts::PasswordExpired => "password-ended",
        _ => "password-wrong",
    };
    flow.password(&Typed::named(name).wrong(error))
}

/// An account of the browser was chosen: it proceeds, or must give its password again.
async fn account(
    flow: &Flow<'_>,
    request: &AuthorizeRequest,
    accounts: &[SignedIn],
    params: &Params,
) -> Result<Response, Failure> {
    let chosen = params.get("account").unwrap_or_default();
    let Some(signed_in) = accounts
        .iter()
        .find(|known| known.account.session.to_string() == chosen)
    else {
        return Ok(flow.sign_in(&Typed::default()));
    };
    // Chosen is chosen: the hint and the question which account are answered; the age still counts.
    let settled = AuthorizeRequest {
        prompt: Prompt::AsNeeded,
        login_hint: None,
        domain_hint: None,
        ..request.clone()
    };
    let only = [signed_in.account.clone()];
    match interact(&settled, &only, flow.inbound.asked.now()) {
        Ok(Interaction::Proceed(_)) if request.prompt != Prompt::Login => Ok(flow.finish(request, signed_in).await),
        _ => Ok(flow.password(&Typed::named(signed_in.account.user_principal_name.clone()))),
    }
}

/// Whether the device is the person's.
async fn device_answer(flow: &Flow<'_>, accounts: &[SignedIn], params: &Params) -> Result<Response, Failure> {
    let chosen = params.get("account").unwrap_or_default();
    // The account of the tenant that the device asks at: who is a guest there answers as the guest.
    let is_there = |known: &&SignedIn| flow.asking.place.tenant().is_none_or(|at| at == known.account.tenant);
    let signed_in = accounts
        .iter()
        .filter(is_there)
        .find(|known| known.account.session.to_string() == chosen);
    let (Some(way), Some(signed_in)) = (&flow.asking.device, signed_in) else {
        return Ok(flow.sign_in(&Typed::default()));
    };
    let says = match params.get("answer") {
        Some("yes") => Says::Yes,
        _ => Says::No,
    };
    Ok(device::answered(flow, way, signed_in, says).await)
}

/// The tenant in which a name signs in: that of its domain, where guests are at home too; of a name of no domain that is
/// known, that of the path. None for what is no name.
pub async fn tenant_of(flow: &Flow<'_>, name: &str) -> Result<Option<TenantId>, Failure> {
    if !is_user_principal_name(name) {
        return Ok(None);
    }
    let Some((_, domain)) = name.rsplit_once('@') else {
        return Ok(None);
    };
    let home = flow.idp.tenant_of_domain(&flow.cx(), domain).await;
    let home = home.map_err(|error| flow.page_of(&error))?;
    Ok(home.or(flow.asking.place.tenant()))
}
