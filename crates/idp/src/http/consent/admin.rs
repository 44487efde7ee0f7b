//! `GET /{tenant}/adminconsent`, `GET /{tenant}/v2.0/adminconsent` — an administrator consents for everybody, and the forms
//! of the page. <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
//!
//! The first takes everything that the registration asks for, the second what of it `scope` names. Without a redirect URI
//! the way ends on a page of ours.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_directory::ForWhom;
use hygie_idp_core::signin::{ADMIN_CONSENT, SignedIn};
use hygie_idp_core::token::{Asking, ConsentAsk, ConsentRequest, Verdict};
use hygie_idp_core::{Idp, IdpError};
use hygie_oidc::{Aadsts, Params, Refusal, Response as Answer, ResponseMode, Scopes, Version};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::layers::FormAction;
use hygie_web::ui::{Link, Page, View};

use super::show::{Audience, Shown};
use crate::http::flow::{self, Flow, redirect};
use crate::http::inbound::Inbound;
use crate::http::refused::{self, Way};
use crate::http::{SESSION_COOKIE, authorize, security};

/// The parameter that names the session whose account was chosen.
const ACCOUNT: &str = "account";

#[derive(Template)]
#[template(path = "consent-done.html")]
struct DonePage {
    page: Page,
    title: String,
    text: String,
    next: Option<Link>,
}

pub async fn get_v1(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    get(&idp, &inbound, Version::V1).await
}

pub async fn get_v2(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    get(&idp, &inbound, Version::V2).await
}

async fn get(idp: &Idp, inbound: &Inbound, version: Version) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(idp, inbound, &error);
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    let visit = Visit::open(idp, inbound, (version, params.clone()))
        .await
        .map_err(fail)?;
    let Some(signed_in) = visit.signed_in().await.map_err(fail)? else {
        return Ok(redirect(&inbound.asked, &visit.sign_in(&[])));
    };
    visit.show(&signed_in, None).await
}

/// The answer of the administrator.
pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    let carried = carried(&idp, &inbound).map_err(fail)?;
    let visit = Visit::open(&idp, &inbound, carried).await.map_err(fail)?;
    let Some(signed_in) = visit.signed_in().await.map_err(fail)? else {
        return Ok(redirect(&inbound.asked, &visit.sign_in(&[])));
    };
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    if params.get("answer") != Some("everybody") {
        let note = visit.note(&signed_in).refused("AADSTS65004");
        return Ok((note, visit.refused()).into_response());
    }
    let asked = params.get("asked").unwrap_or_default();
    match visit.give(&signed_in, asked).await {
        Ok(true) => Ok((Note::recorded(), visit.given(&signed_in)).into_response()),
        Ok(false) => visit.show(&signed_in, Some("consent-changed")).await,
        Err(error) => Err(visit.failure(&signed_in, &error)),
    }
}

/// The request that the form carries, if the form is ours.
fn carried(idp: &Idp, inbound: &Inbound) -> Result<(Version, Params), IdpError> {
    flow::check_form(idp, inbound)?;
    let params = inbound.params()?;
    let version = match params.get("version") {
        Some("1") => Version::V1,
        _ => Version::V2,
    };
    Ok((version, Params::parse(params.require("request")?.as_bytes())?))
}

/// A request of the page, by whoever it is.
struct Visit<'a> {
    flow: Flow<'a>,
    scopes: Option<Scopes>,
}

impl<'a> Visit<'a> {
    async fn open(idp: &'a Idp, inbound: &'a Inbound, request: (Version, Params)) -> Result<Self, IdpError> {
        let (asking, scopes) = asking(idp, inbound, request).await?;
        Ok(Self {
            flow: Flow::new(idp, inbound, asking),
            scopes,
        })
    }

    /// The account that was chosen, if this browser has it.
    async fn signed_in(&self) -> Result<Option<SignedIn>, IdpError> {
        let Flow { idp, inbound, asking } = &self.flow;
        let Some(chosen) = asking.params.get(ACCOUNT) else {
            return Ok(None);
        };
        let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
        let accounts = idp.accounts(&self.flow.cx(), cookie, asking.place.tenant()).await?;
        Ok(accounts
            .into_iter()
            .find(|known| known.account.session.to_string() == chosen))
    }

    async fn ask(&self, signed_in: &SignedIn) -> Result<ConsentAsk, IdpError> {
        let Flow { idp, inbound, asking } = &self.flow;
        let cx = inbound.asked.cx(signed_in.account.tenant);
        let request = ConsentRequest::Everybody(self.scopes.as_ref());
        let nothing = || Refusal::about(Aadsts::NothingAsked, &[&asking.application.app.to_string()]);
        let ask = idp.consent_ask(&cx, (asking, signed_in), request).await?;
        let ask = ask.ok_or_else(nothing)?;
        match ask.verdict {
            Verdict::Administrator => Ok(ask),
            _ => Err(Refusal::from(&ask).into()),
        }
    }

    async fn show(&self, signed_in: &SignedIn, warning: Option<&'static str>) -> Result<Response, Failure> {
        let ask = self.ask(signed_in).await;
        let ask = ask.map_err(|error| self.failure(signed_in, &error))?;
        let Flow { idp, inbound, asking } = &self.flow;
        let action = format!("/{}/adminconsent", asking.place.segment());
        let (form, cookies) = flow::form(idp, inbound, action);
        let version = match asking.version {
            Version::V1 => "1",
            Version::V2 => "2",
        };
        let form = form
            .carry("version", version)
            .carry("request", asking.params.encode())
            .carry("asked", ask.fingerprint());
        let shown = Shown {
            page: inbound.asked.page().at(self.address(&[])),
            form,
            account: &signed_in.account,
            ask: &ask,
            audience: Audience::Everybody,
            warning,
        };
        let forms = FormAction::to(&asking.redirect_uri);
        Ok((cookies, forms, self.note(signed_in), shown.view()).into_response())
    }

    /// Gives what was shown; false where it is something else by now.
    async fn give(&self, signed_in: &SignedIn, shown: &str) -> Result<bool, IdpError> {
        let ask = self.ask(signed_in).await?;
        if ask.fingerprint() != shown {
            return Ok(false);
        }
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let given = self.flow.idp.give_consent(&cx, signed_in, (&ask, ForWhom::Everybody));
        given.await.map(|()| true)
    }

    /// Back to the application with what was done, or a page that says so.
    fn given(&self, signed_in: &SignedIn) -> Response {
        let mut members = vec![
            ("admin_consent", "True".to_owned()),
            ("tenant", signed_in.account.tenant.to_string()),
        ];
        if let (Version::V2, Some(scope)) = (self.flow.asking.version, self.flow.asking.params.get("scope")) {
            members.push(("scope", scope.to_owned()));
        }
        self.back(members, "consent-given")
    }

    fn refused(&self) -> Response {
        let Flow { idp, inbound, asking } = &self.flow;
        let members = match asking.version {
            Version::V1 => vec![
                ("error", "permission_denied".to_owned()),
                ("error_description", "The admin canceled the request".to_owned()),
            ],
            Version::V2 => vec![
                ("error", "consent_required".to_owned()),
                (
                    "error_description",
                    Refusal::new(Aadsts::Declined).description(&inbound.occurrence(idp)),
                ),
                ("admin_consent", "True".to_owned()),
            ],
        };
        self.back(members, "consent-refused")
    }

    fn back(&self, members: Vec<(&'static str, String)>, key: &str) -> Response {
        let asking = &self.flow.asking;
        if asking.redirect_uri.is_empty() {
            let page = self.flow.inbound.asked.page().at(self.address(&[]));
            let app = &asking.application;
            let home = app.definition.home_page_url.as_ref();
            let next = home.map(|address| Link::new(address, page.t1("consent-open", "app", &app.display_name)));
            return View(DonePage {
                title: page.t(key),
                text: page.t1(&format!("{key}.text"), "app", &app.display_name),
                next: next.filter(|_| key == "consent-given"),
                page,
            })
            .into_response();
        }
        let answer = Answer {
            redirect_uri: asking.redirect_uri.clone(),
            mode: ResponseMode::Query,
            members,
        };
        self.flow.deliver(answer.with_state(asking.target.state.as_deref()))
    }

    /// What is recorded of whoever looks or refuses.
    fn note(&self, signed_in: &SignedIn) -> Note {
        let app = self.flow.asking.application.app;
        let person = self.flow.idp.person(&signed_in.account, None);
        Note::new("idp.consent.ask", format!("app/{app}")).by(&person)
    }

    fn failure(&self, signed_in: &SignedIn, error: &IdpError) -> Failure {
        let Flow { idp, inbound, asking } = &self.flow;
        let note = self.note(signed_in);
        inbound.asked.note(match error {
            IdpError::Refused(_) | IdpError::Interrupted(_) => {
                note.refused(format!("AADSTS{}", error.refusal().code().number()))
            }
            _ => note,
        });
        let way = Way {
            app: Some(&asking.application),
            again: Some(self.address(&[])),
            scope: asking.params.get("scope"),
            other: Some(self.sign_in(&[("prompt", "select_account")])),
            register: Some(security::entry::address(&signed_in.account.tenant.to_string())),
        };
        refused::page_on_way(idp, inbound, error, way)
    }

    /// The address of this request.
    fn address(&self, other: &[(&str, &str)]) -> String {
        let asking = &self.flow.asking;
        address(
            &asking.place.segment(),
            asking.version,
            asking.params.iter().chain(other.iter().copied()),
        )
    }

    /// Where somebody signs in to come here.
    fn sign_in(&self, other: &[(&str, &str)]) -> String {
        let asking = &self.flow.asking;
        let kept = asking.params.iter().filter(|(name, _)| *name != ACCOUNT);
        let state = state_of(asking.version, kept);
        let app = ADMIN_CONSENT.to_string();
        let pairs = [
            ("client_id", app.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", state.as_str()),
        ];
        let pairs = pairs.into_iter().chain(other.iter().copied());
        authorize::address(&asking.place.segment(), Version::V2, pairs)
    }
}

/// For which application, and what of it.
async fn asking(
    idp: &Idp,
    inbound: &Inbound,
    (version, params): (Version, Params),
) -> Result<(Asking, Option<Scopes>), IdpError> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    let scope = params.get("scope").filter(|_| version == Version::V2);
    let scopes = scope.map(Scopes::parse).transpose()?;
    let asking = idp.asking_for_consent(&inbound.cx(), place, version, params).await?;
    Ok((asking, scopes))
}

/// The page's address with these parameters.
fn address<'a>(segment: &str, version: Version, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let endpoint = match version {
        Version::V1 => "adminconsent",
        Version::V2 => "v2.0/adminconsent",
    };
    format!("/{segment}/{endpoint}?{}", encoded(pairs))
}

fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The request as the `state` of the sign-in to the page.
fn state_of<'a>(version: Version, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let version = match version {
        Version::V1 => '1',
        Version::V2 => '2',
    };
    format!("{version}{}", encoded(pairs))
}

impl Flow<'_> {
    /// To the page, once policies let this person consent.
    pub async fn to_admin_consent(&self, signed_in: &SignedIn) -> Response {
        let (version, params) = match self.asked_consent() {
            Ok(asked) => asked,
            Err(refusal) => return self.page_of(&refusal.into()).into_response(),
        };
        let wanted = asking(self.idp, self.inbound, (version, params.clone())).await;
        let judged = match wanted {
            Ok((mut asking, scopes)) => {
                asking.arrival = self.asking.arrival.clone();
                let cx = self.inbound.asked.cx(signed_in.account.tenant);
                let request = ConsentRequest::Everybody(scopes.as_ref());
                self.idp.consent_ask(&cx, (&asking, signed_in), request).await
            }
            Err(error) => Err(error),
        };
        if let Err(IdpError::Interrupted(interruption)) = judged {
            return self.interrupted(signed_in, *interruption).await;
        }
        let session = signed_in.account.session.to_string();
        let pairs = params.iter().chain([(ACCOUNT, session.as_str())]);
        let address = address(&signed_in.account.tenant.to_string(), version, pairs);
        (Note::recorded(), redirect(&self.inbound.asked, &address)).into_response()
    }

    /// The request that led to this sign-in.
    fn asked_consent(&self) -> Result<(Version, Params), Refusal> {
        let state = self.asking.params.require("state")?;
        let version = match state.get(..1) {
            Some("1") => Version::V1,
            Some("2") => Version::V2,
            _ => return Err(Refusal::bad("state")),
        };
        Ok((version, Params::parse(&state.as_bytes()[1..])?))
    }
}
