//! How a refusal is shown: as the JSON body of Entra ID to programs, as a page to persons.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HeaderValue, PRAGMA};
use http::{Method, StatusCode};
use hygie_directory::Application;
use hygie_oidc::{Aadsts, ErrorBody, Refusal};
use hygie_web::Asked;
use hygie_web::error::{Failure, Render};
use hygie_web::ui::{Identifier, Link, Page, View};

use super::inbound::Inbound;
use hygie_idp_core::{Idp, IdpError};

/// The message of starting again.
const AGAIN: &str = "refused-again";
/// The message of registering a means of identification.
const REGISTER: &str = "refused-register";

/// Where a person was going.
#[derive(Debug, Default)]
pub struct Way<'a> {
    /// The application.
    pub app: Option<&'a Application>,
    /// Address of the authorization request.
    pub again: Option<String>,
    /// Its address for somebody else.
    pub other: Option<String>,
    /// Where means of identification are registered.
    pub register: Option<String>,
    /// What was asked for.
    pub scope: Option<&'a str>,
}

impl Way<'_> {
    /// Where an administrator consents to what was asked, for whom needs one.
    fn consent(&self, code: Aadsts, at: &str) -> Option<String> {
        let app = self.app.filter(|_| code == Aadsts::AdministratorNeeded)?;
        let (endpoint, scope) = match self.scope {
            Some(scope) => ("v2.0/adminconsent", Some(("scope", scope))),
            None => ("adminconsent", None),
        };
        let app = app.app.to_string();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", app.as_str())].into_iter().chain(scope))
            .finish();
        Some(format!("{at}/{endpoint}?{query}"))
    }

    /// Where people ask for help with the application, for whom it does not open.
    fn support(&self, code: Aadsts) -> Option<String> {
        let is_closed = matches!(
            code,
            Aadsts::NotAssigned | Aadsts::NoConsent | Aadsts::AdministratorNeeded
        );
        let app = self.app.filter(|_| is_closed)?;
        app.definition.links.support_url.clone()
    }

    /// The message and address of what may work after this refusal, if anything does.
    fn next(&self, code: Aadsts) -> Option<(&'static str, String)> {
        match code {
            Aadsts::FlowExpired
            | Aadsts::DeviceCodeExpired
            | Aadsts::ServiceFault
            | Aadsts::Unavailable
            | Aadsts::Throttled
            | Aadsts::CertificateInvalid
            | Aadsts::NoCertificate
            | Aadsts::CertificateRevoked
            | Aadsts::RevocationListUnavailable
            | Aadsts::CertificateNotOffered
            | Aadsts::CertificateUnbound => Some((AGAIN, self.again.clone()?)),
            Aadsts::NotAssigned | Aadsts::NoConsent | Aadsts::OtherTenant | Aadsts::UserDisabled => {
                Some(("refused-other", self.other.clone()?))
            }
            Aadsts::AdministratorNeeded => Some(("refused-administrator", self.other.clone()?)),
            Aadsts::MfaEnrolment => Some((REGISTER, self.register.clone()?)),
            _ => None,
        }
    }
}

/// A refusal for a program.
pub fn json(idp: &Idp, inbound: &Inbound, error: &IdpError) -> Failure {
    let refusal = error.refusal();
    let body = refusal.body(&inbound.occurrence(idp));
    failure(error, &refusal)
        .header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .header(PRAGMA, HeaderValue::from_static("no-cache"))
        .rendered_by(Arc::new(Body(body)))
}

/// A refusal for a person before it is known where they were going.
pub fn page(idp: &Idp, inbound: &Inbound, error: &IdpError) -> Failure {
    page_on_way(idp, inbound, error, Way::default())
}

/// A refusal for a person on this way.
pub fn page_on_way(idp: &Idp, inbound: &Inbound, error: &IdpError, way: Way<'_>) -> Failure {
    page_for_reason(idp, inbound, error, way, None)
}

/// The same where the code has several reasons, each with words of its own.
pub fn page_for_reason(
    idp: &Idp,
    inbound: &Inbound,
    error: &IdpError,
    way: Way<'_>,
    reason: Option<&'static str>,
) -> Failure {
    let refusal = error.refusal();
    let occurrence = inbound.occurrence(idp);
    let told = Told {
        code: refusal.code(),
        reason,
        message: refusal.text().to_owned(),
        correlation: occurrence.correlation.to_string(),
        app: way.app.map(|app| (app.display_name.clone(), app.app.to_string())),
        next: way.next(refusal.code()),
        support: way.support(refusal.code()),
        consent: way.consent(refusal.code(), &format!("{}/{}", idp.provider().login, inbound.segment)),
        again: way.again,
    };
    failure(error, &refusal).rendered_by(Arc::new(told))
}

/// Our faults keep their chain for the log; the code names the reason in the audit record.
fn failure(error: &IdpError, refusal: &Refusal) -> Failure {
    let mut failure = Failure::of(error);
    failure.code = format!("AADSTS{}", refusal.code().number()).into();
    let failure = failure.status(StatusCode::from_u16(refusal.code().status()).unwrap_or(StatusCode::BAD_REQUEST));
    match refusal.code() {
        // Libraries of Entra ID wait for as many seconds (RFC 9110 §10.2.3).
        Aadsts::Throttled | Aadsts::ClientLoop => failure.retry_after(60),
        Aadsts::Unavailable => failure.retry_after(5),
        _ => failure,
    }
}

struct Body(ErrorBody);

impl Render for Body {
    fn render(&self, _: &Failure, _: &Asked) -> Response {
        Json(&self.0).into_response()
    }
}

struct Told {
    code: Aadsts,
    reason: Option<&'static str>,
    message: String,
    correlation: String,
    app: Option<(String, String)>,
    next: Option<(&'static str, String)>,
    support: Option<String>,
    consent: Option<String>,
    again: Option<String>,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    page: Page,
    title: String,
    why: String,
    remedy: String,
    code: String,
    message: String,
    reference: Identifier,
    correlation: String,
    at: String,
    app: Option<(String, String)>,
    next: Option<Link>,
    support: Option<Link>,
    consent: Option<Identifier>,
    /// Whether the next step is what most persons want: the same again, or what is missing.
    is_first: bool,
}

impl Render for Told {
    fn render(&self, _: &Failure, asked: &Asked) -> Response {
        let mut page = asked.page();
        let next = self.next.as_ref().map(|(key, address)| Link::new(address, page.t(key)));
        // The language switch comes back with GET, for which a form has no answer.
        if let (Some(again), &Method::POST) = (&self.again, asked.method()) {
            page = page.at(again);
        }
        let reference = Identifier::new(&page, asked.request().to_string(), page.t("error-reference"));
        let Words { title, why, remedy } = match self.reason.filter(|reason| page.find(reason).is_some()) {
            Some(reason) => Words::under(&page, reason),
            None => Words::of(&page, self.code),
        };
        let consent = self.consent.as_ref();
        let support = self.support.as_ref();
        View(RefusedPage {
            support: support.map(|address| Link::new(address, page.t("refused-support"))),
            consent: consent.map(|address| Identifier::new(&page, address, page.t("refused-consent-link"))),
            title,
            why,
            remedy,
            code: format!("AADSTS{}", self.code.number()),
            message: self.message.clone(),
            reference,
            correlation: self.correlation.clone(),
            at: asked.now().to_rfc3339(),
            app: self.app.clone(),
            is_first: self
                .next
                .as_ref()
                .is_some_and(|(key, _)| [AGAIN, REGISTER].contains(key)),
            next,
            page,
        })
        .into_response()
    }
}

/// What happened, why, and what the person can do.
pub struct Words {
    /// What happened.
    pub title: String,
    /// Why.
    pub why: String,
    /// What now.
    pub remedy: String,
}

impl Words {
    /// The words of a code; those of its kind where a person meets it rarely.
    pub fn of(page: &Page, code: Aadsts) -> Self {
        let own = format!("aadsts-{}", code.number());
        let key = match page.find(&own) {
            Some(_) => own.as_str(),
            None => match code.status() {
                500.. => "aadsts-fault",
                401 => "aadsts-client",
                _ => "aadsts-request",
            },
        };
        Self::under(page, key)
    }

    /// The words under a key.
    fn under(page: &Page, key: &str) -> Self {
        Self {
            title: page.t(key),
            why: page.t(&format!("{key}.why")),
            remedy: page.t(&format!("{key}.do")),
        }
    }
}
