//! Signing in by a certificate: the page that leads to the host that asks for one, that host, and the way back.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use hygie_core::{Cx, TenantId};
use hygie_directory::User;
use hygie_idp_core::signin::certificate::{Carried, Ticket, code_of};
use hygie_idp_core::token::Asking;
use hygie_idp_core::{Idp, IdpError};
use hygie_means::{CertificateRefusal, Claimed, MeansError, Refusal as Refused, Told};
use hygie_oidc::{Aadsts, Params, Refusal};
use hygie_policy::strength::Usage;
use hygie_web::audit::Note;
use hygie_web::cookie::{self, Cookie, SameSite};
use hygie_web::csrf;
use hygie_web::error::Failure;
use hygie_web::ui::{Page, View, Ways};

use super::flow::{Flow, Typed, redirect, set_cookie};
use super::inbound::Inbound;
use super::prove::Proving;
use super::ways::{Way, Whom, others};
use super::{DEVICE, authorize, login, refused};

/// The path at both hosts, after the tenant.
const PATH: &str = "certauth";
/// What goes there.
const TICKET: &str = "ticket";
/// What comes back.
const HANDOVER: &str = "handover";

#[derive(Template)]
#[template(path = "certificate-way.html")]
struct CertificatePage {
    page: Page,
    address: String,
    account: String,
    others: Ways,
}

impl Flow<'_> {
    /// The page before the other host: a browser asks for a card once, and keeps a wrong answer until it is closed.
    pub async fn certificate(&self, whom: &Whom) -> Response {
        if !self.asking.offers_certificates {
            return self.password(&Typed::named(whom.name.clone()).wrong("way-not-offered"));
        }
        let tenant = match self.tenant_of_whom(whom).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => return self.sign_in(&Typed::named(whom.name.clone()).wrong("certificate-name-first")),
            Err(failure) => return failure.into_response(),
        };
        let known = cookie::get(&self.inbound.headers, csrf::COOKIE).map(str::to_owned);
        let set = known.is_none();
        let browser = known.unwrap_or_else(|| csrf::new_binding(self.idp.random()));
        let cx = self.inbound.asked.cx(tenant);
        let address = match self.certificate_address(&cx, &browser, whom).await {
            Ok(address) => address,
            Err(error) => return self.page_of(&error).into_response(),
        };
        let page = self.page();
        let (form, _) = self.form("way");
        let view = View(CertificatePage {
            others: others(Way::Certificate, whom, &form, &page),
            address,
            account: whom.name.clone(),
            page,
        });
        let cookie = set.then(|| set_cookie(&Cookie::session(csrf::COOKIE, &browser, SameSite::Lax)));
        let cookies = AppendHeaders(cookie.map(|value| (SET_COOKIE, value)));
        (cookies, self.form_action(), view).into_response()
    }

    async fn tenant_of_whom(&self, whom: &Whom) -> Result<Option<TenantId>, Failure> {
        if let Some((tenant, _)) = whom.account {
            return Ok(Some(tenant));
        }
        if whom.name.is_empty() {
            return Ok(self.asking.place.tenant());
        }
        login::tenant_of(self, &whom.name).await
    }

    async fn certificate_address(&self, cx: &Cx, browser: &str, whom: &Whom) -> Result<String, IdpError> {
        let (segment, version, request) = self.carried();
        let carried = Carried {
            segment: &segment,
            version,
            request: &request,
        };
        let name = match whom.account {
            Some((_, user)) => Some(self.idp.name_here(cx, user).await?),
            None => (!whom.name.is_empty()).then(|| whom.name.clone()),
        };
        let ticket = self.idp.certificate_ticket(cx, browser, carried, name)?;
        let host = self.idp.certauth_for(cx).await?.unwrap_or_default();
        Ok(address(&host, carried, (TICKET, &ticket)))
    }
}

/// An address at one of the two hosts, with the request and what goes along.
fn address(host: &str, carried: Carried<'_>, (name, value): (&str, &str)) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .append_pair("version", carried.version)
        .append_pair("request", carried.request)
        .finish();
    format!("{host}/{}/{PATH}?{query}", carried.segment)
}

/// The request that an address carries.
fn carried<'a>(inbound: &'a Inbound, params: &'a Params) -> Result<Carried<'a>, Refusal> {
    Ok(Carried {
        segment: &inbound.segment,
        version: params.require("version")?,
        request: params.require("request")?,
    })
}

/// `GET /{tenant}/certauth` at the host that asks for a certificate.
pub async fn ask(State(idp): State<Idp>, inbound: Inbound) -> Response {
    shown(&idp, &inbound).await.unwrap_or_else(IntoResponse::into_response)
}

async fn shown(idp: &Idp, inbound: &Inbound) -> Result<Response, Failure> {
    let begun = match begun(idp, inbound).await {
        Ok(begun) => begun,
        Err(error) => {
            let way = refused::Way {
                again: again(idp, inbound).await,
                ..refused::Way::default()
            };
            return Err(refused::page_on_way(idp, inbound, &error, way));
        }
    };
    let cx = inbound.asked.cx(begun.ticket.tenant);
    inbound.asked.note(Note::new("idp.signin", "user"));
    let mut told = Told::default();
    let (user, usage) = match checked(idp, inbound, (&begun, &cx), &mut told).await {
        Ok(proven) => proven,
        Err(error) => return refuse(idp, inbound, (&begun, &cx), (error, told)).await,
    };
    let handed = idp.hand_over(&cx, &begun.ticket, &user, usage).await;
    let handed = handed.map_err(|error| refused::page(idp, inbound, &error))?;
    let login = &idp.provider().login;
    let target = address(login, begun.carried, (HANDOVER, &handed));
    let note = Note::new("idp.signin.certificate", format!("user/{}", user.id));
    Ok((note, redirect(&inbound.asked, &target)).into_response())
}

/// A request that the login host began.
struct Begun<'a> {
    carried: Carried<'a>,
    ticket: Ticket,
    asking: Asking,
}

async fn begun<'a>(idp: &Idp, inbound: &'a Inbound) -> Result<Begun<'a>, IdpError> {
    let params = inbound.params()?;
    let carried = carried(inbound, params)?;
    let now = inbound.asked.now();
    let ticket = idp.read_certificate_ticket(now, params.require(TICKET)?, carried)?;
    let asking = login::asking_of(idp, inbound, params).await?;
    let asking = Flow::new(idp, inbound, asking).asking;
    Ok(Begun {
        carried,
        ticket,
        asking,
    })
}

async fn checked(
    idp: &Idp,
    inbound: &Inbound,
    (begun, cx): (&Begun<'_>, &Cx),
    told: &mut Told,
) -> Result<(User, Usage), MeansError> {
    let Some(certificate) = inbound.certificate() else {
        return Err(Refused::Certificate(CertificateRefusal::Missing).into());
    };
    if idp.throttle().is_closed(inbound.asked.client(), inbound.asked.now()) {
        return Err(Refused::Locked.into());
    }
    let claimed = begun.ticket.name.as_deref().map_or(Claimed::Anybody, Claimed::By);
    idp.means().check_certificate(cx, certificate, claimed, told).await
}

/// The page of a refusal, which is recorded where it is known whose.
async fn refuse(
    idp: &Idp,
    inbound: &Inbound,
    (begun, cx): (&Begun<'_>, &Cx),
    (error, told): (MeansError, Told),
) -> Result<Response, Failure> {
    let Some(refusal) = error.refusal() else {
        return Err(refused::page(idp, inbound, &IdpError::from(error)));
    };
    if refusal == Refused::Locked {
        return Err(refused::page(idp, inbound, &Refusal::new(Aadsts::Throttled).into()));
    }
    idp.throttle().count(inbound.asked.client(), inbound.asked.now());
    let failed = |error: IdpError| refused::page(idp, inbound, &error);
    let note = if error.is_recorded() {
        let name = begun.ticket.name.as_deref().unwrap_or_default();
        let found = idp.directory().find_user(cx, name).await;
        if let Some(user) = found.map_err(|error| failed(error.into()))? {
            let logged = idp
                .log_certificate_refusal(cx, &begun.asking, &user, (refusal, told))
                .await;
            logged.map_err(failed)?;
        }
        Note::recorded()
    } else {
        Note::new("idp.signin", "user").refused(refusal.reason())
    };
    let way = refused::Way {
        app: Some(&begun.asking.application),
        again: again(idp, inbound).await,
        ..refused::Way::default()
    };
    let reason = match refusal {
        Refused::Certificate(refusal) => Some(refusal.reason()),
        _ => None,
    };
    let error = Refusal::new(code_of(refusal)).into();
    let page = refused::page_for_reason(idp, inbound, &error, way, reason);
    Ok((note, page).into_response())
}

/// Where the request begins again, at the login host.
async fn again(idp: &Idp, inbound: &Inbound) -> Option<String> {
    let login = &idp.provider().login;
    let (version, request) = match login::carried(inbound.params().ok()?).ok()? {
        login::Carried::Device(_) => return Some(format!("{login}{DEVICE}")),
        login::Carried::Request(version, request) => (version, request),
    };
    idp.place(&inbound.cx(), &inbound.segment).await.ok()?;
    let path = authorize::address(&inbound.segment, version, request.iter());
    Some(format!("{login}{path}"))
}

/// `GET /{tenant}/certauth` at the login host: the browser comes back.
pub async fn come_back(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let begun = took_over(&idp, &inbound).await;
    let (flow, tenant, user, usage) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            let way = refused::Way {
                again: again(&idp, &inbound).await,
                ..refused::Way::default()
            };
            return Err(refused::page_on_way(&idp, &inbound, &error, way));
        }
    };
    let (request, accounts) = match flow.state().await? {
        Ok(state) => state,
        Err(response) => return Ok(response),
    };
    let cx = inbound.asked.cx(tenant);
    let known = accounts
        .iter()
        .find(|known| (known.account.tenant, known.account.user) == (tenant, user.id));
    let begun = match known {
        Some(signed_in) => login::go_on(&flow, &cx, signed_in, usage).await,
        None => login::begin(&flow, &cx, user, usage).await,
    };
    let (signed_in, cookie) = begun.map_err(|error| flow.page_of(&error))?;
    let params = Params::default();
    let proving = Proving {
        flow: &flow,
        request: &request,
        accounts: &accounts,
        params: &params,
    };
    let response = proving.flow.finish(proving.request, &signed_in).await;
    Ok((cookie, response).into_response())
}

async fn took_over<'a>(idp: &'a Idp, inbound: &'a Inbound) -> Result<(Flow<'a>, TenantId, User, Usage), IdpError> {
    let params = inbound.params()?;
    let carried = carried(inbound, params)?;
    let browser = cookie::get(&inbound.headers, csrf::COOKIE).unwrap_or_default();
    let handover = params.require(HANDOVER)?;
    let (tenant, user, usage) = idp.take_over(&inbound.cx(), handover, browser, carried).await?;
    let asking = login::asking_of(idp, inbound, params).await?;
    Ok((Flow::new(idp, inbound, asking), tenant, user, usage))
}
