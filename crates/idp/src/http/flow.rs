//! The way of an authorization request through the pages: nothing is kept on the server between them; each form carries
//! the request along, and it is checked again as if it had just come.

use axum::http::header::{CACHE_CONTROL, HeaderValue, LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use hygie_core::Cx;
use hygie_directory::{Arrival, is_user_principal_name};
use hygie_oidc::{
    Aadsts, Account, AuthorizeRequest, Delivery, Interaction, Params, Prompt, Refusal, Response as Answer,
    ResponseMode, Version, interact,
};
use hygie_web::audit::Note;
use hygie_web::cookie::{self, Cookie, SameSite};
use hygie_web::csrf;
use hygie_web::error::Failure;
use hygie_web::layers::FormAction;
use hygie_web::pages::{self, ChooseAccount, FormPost, Password, SignIn};
use hygie_web::ui::{Field, Form, Input, Page, Summary, View};

use super::inbound::Inbound;
use super::ways::{FIRST, Way, Whom, others};
use super::{SESSION_COOKIE, authorize, device};
use super::{refused, security};
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::token::Asking;
use hygie_idp_core::{Idp, IdpError};

/// What the form token of the sign-in pages is for.
const PURPOSE: &str = "sign-in";
/// What a form carries as its version when a device waits, and its user code as the request.
pub const DEVICE_FORM: &str = "device";

/// An authorization request on its way.
pub struct Flow<'a> {
    pub idp: &'a Idp,
    pub inbound: &'a Inbound,
    pub asking: Asking,
}

/// What a step of the pages shows of the one before.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The user name.
    pub name: String,
    /// The ways of signing in that are offered beside the password.
    pub ways: Vec<Way>,
    /// Key of the message of what was wrong with it, or with the password.
    pub error: Option<&'static str>,
}

impl Typed {
    /// This name, which may sign in in any way.
    pub fn named(name: String) -> Self {
        Self {
            name,
            ways: FIRST.to_vec(),
            error: None,
        }
    }

    /// The same with what was wrong.
    pub fn wrong(self, error: &'static str) -> Self {
        Self {
            error: Some(error),
            ..self
        }
    }
}

impl<'a> Flow<'a> {
    /// The way of this request.
    pub fn new(idp: &'a Idp, inbound: &'a Inbound, mut asking: Asking) -> Self {
        let arrival = Arrival::of_browser(inbound.asked.client(), inbound.header(USER_AGENT.as_str()));
        asking.arrival = match &asking.device {
            Some(way) => arrival.waited_for(way.backchannel().is_some()),
            None => arrival,
        };
        Self { idp, inbound, asking }
    }

    /// From the beginning: proceeds with a session, or asks.
    pub async fn begin(&self) -> Result<Response, Failure> {
        let (request, accounts) = match self.state().await? {
            Ok(state) => state,
            Err(response) => return Ok(response),
        };
        let known: Vec<Account> = accounts.iter().map(|signed_in| signed_in.account.clone()).collect();
        match interact(&request, &known, self.inbound.asked.now()) {
            Err(refusal) => Ok(self.refuse(&refusal.into(), request.prompt)),
            Ok(Interaction::Proceed(account)) => self.proceed(&request, &accounts, &account).await,
            Ok(Interaction::Choose(accounts)) => Ok(self.choose(&accounts)),
            // Our page does not repeat what is no name: a link could make it say anything.
            Ok(Interaction::SignIn(name)) => Ok(match name.filter(|name| is_user_principal_name(name)) {
                Some(name) => self.password(&Typed::named(name)),
                None => self.sign_in(&Typed::default()),
            }),
        }
    }

    /// The request and the accounts of the browser; the answer when the request is refused.
    pub async fn state(&self) -> Result<Result<(AuthorizeRequest, Vec<SignedIn>), Response>, Failure> {
        let request = match self.asking.request() {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(self.tell(&refusal))),
        };
        let cookie = cookie::get(&self.inbound.headers, SESSION_COOKIE);
        let accounts = self.idp.accounts_at(&self.cx(), cookie, self.asking.place).await;
        Ok(Ok((request, accounts.map_err(|error| self.page_of(&error))?)))
    }

    async fn proceed(
        &self,
        request: &AuthorizeRequest,
        accounts: &[SignedIn],
        account: &Account,
    ) -> Result<Response, Failure> {
        let signed_in = accounts.iter().find(|known| known.account.session == account.session);
        Ok(self
            .finish(request, signed_in.expect("interact gives one of the accounts"))
            .await)
    }

    /// The record of a person whom an application could not get: who, and why.
    pub fn note_of(&self, signed_in: &SignedIn, error: &IdpError) -> Note {
        let app = self.asking.application.app;
        let person = self.idp.person(&signed_in.account, Some(app));
        let note = Note::new("idp.authorize", format!("app/{app}")).by(&person);
        match error {
            IdpError::Refused(_) | IdpError::Interrupted(_) => {
                note.refused(format!("AADSTS{}", error.refusal().code().number()))
            }
            _ => note,
        }
    }

    /// To the person or to the application.
    pub fn refuse(&self, error: &IdpError, prompt: Prompt) -> Response {
        let refusal = match error {
            IdpError::Refused(refusal) => refusal,
            IdpError::Interrupted(interruption) => &interruption.refusal,
            _ => return self.page_of(error).into_response(),
        };
        let is_for_person = refusal.code().stays_here() || refusal.code() == Aadsts::NoConsent;
        if is_for_person && prompt != Prompt::None {
            return self.page_of(error).into_response();
        }
        self.tell(refusal)
    }

    pub fn tell(&self, refusal: &Refusal) -> Response {
        if self.asking.device.is_some() {
            return self.page_of(&refusal.clone().into()).into_response();
        }
        let occurrence = self.inbound.occurrence(self.idp);
        let mode: ResponseMode = self.asking.target.mode;
        let answer = Answer::refusal(self.asking.redirect_uri.clone(), mode, refusal, &occurrence);
        self.deliver(answer.with_state(self.asking.target.state.as_deref()))
    }

    /// A page about an error of this request.
    pub fn page_of(&self, error: &IdpError) -> Failure {
        self.page_at(&self.inbound.segment, error)
    }

    /// The same for somebody who is known by now: at `/organizations` that is how their tenant is.
    pub fn page_for(&self, signed_in: &SignedIn, error: &IdpError) -> Failure {
        self.page_at(&signed_in.account.tenant.to_string(), error)
    }

    fn page_at(&self, segment: &str, error: &IdpError) -> Failure {
        let way = refused::Way {
            app: Some(&self.asking.application),
            again: Some(self.address(&[])),
            scope: self.asking.params.get("scope"),
            register: Some(security::entry::address(segment)),
            other: Some(self.address(&[("prompt", "select_account"), ("login_hint", ""), ("sid", "")])),
        };
        refused::page_on_way(self.idp, self.inbound, error, way)
    }

    pub fn deliver(&self, answer: Answer) -> Response {
        match answer.deliver() {
            Delivery::Redirect(address) => redirect(&self.inbound.asked, &address),
            Delivery::Form { action, fields } => {
                let view = View(FormPost {
                    page: self.page(),
                    to: Some(self.app_name()),
                    action,
                    fields,
                });
                (self.form_action(), view).into_response()
            }
        }
    }

    /// First step: who.
    pub fn sign_in(&self, typed: &Typed) -> Response {
        let page = self.page();
        let mut username = Field::new(&page, Input::Name, "username", page.t("signin-username"))
            .autocomplete("username")
            .value(&*typed.name)
            .error(typed.error.map(|key| page.t(key)))
            .focus();
        if let Some(domain) = &self.asking.domain {
            username = username.hint(page.t1("signin-username-hint", "domain", domain));
        }
        let (form, cookies) = self.form("username");
        let nobody = Whom {
            ways: self.offered(&[Way::Passkey, Way::Certificate]),
            ..Whom::default()
        };
        let view = View(SignIn {
            summary: Summary::of(&page, [&username]),
            ways: others(Way::Password, &nobody, &form, &page),
            form,
            username,
            to: Some(self.app_name()),
            organisation: self.asking.organisation.clone(),
            other: None,
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }

    /// Second step: the password.
    pub fn password(&self, typed: &Typed) -> Response {
        // The language switch comes back to this step: the name is a hint, and the password is asked for in any case.
        let page = self.page();
        let page = page.at(self.address(&[("prompt", "login"), ("login_hint", &typed.name), ("sid", "")]));
        let password = Field::new(&page, Input::Password, "password", page.t("password-label"))
            .autocomplete("current-password")
            .error(typed.error.map(|key| page.t(key)))
            .focus();
        let (form, cookies) = self.form("password");
        let whom = Whom {
            name: typed.name.clone(),
            ways: self.offered(&typed.ways),
            ..Whom::default()
        };
        let view = View(Password {
            summary: Summary::of(&page, [&password]),
            ways: others(Way::Password, &whom, &form, &page),
            other: form.clone().instead("step", "account"),
            form,
            password,
            to: Some(self.app_name()),
            account: typed.name.clone(),
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }

    /// Those of these ways that are offered here.
    fn offered(&self, ways: &[Way]) -> Vec<Way> {
        let is_offered = |way: &&Way| **way != Way::Certificate || self.asking.offers_certificates;
        ways.iter().filter(is_offered).copied().collect()
    }

    /// Which account.
    fn choose(&self, accounts: &[Account]) -> Response {
        let (form, cookies) = self.form("account");
        let shown = accounts.iter().map(|account| pages::Account {
            value: account.session.to_string(),
            name: account.display_name.clone(),
            user_name: account.user_principal_name.clone(),
            signed_in: true,
        });
        let view = View(ChooseAccount {
            page: self.page(),
            form,
            accounts: shown.collect(),
            to: Some(self.app_name()),
        });
        (cookies, self.form_action(), view).into_response()
    }

    /// The context before it is known who signs in: in the tenant of the path, if it names one.
    pub fn cx(&self) -> Cx {
        self.asking
            .place
            .tenant()
            .map_or_else(|| self.inbound.cx(), |tenant| self.inbound.asked.cx(tenant))
    }

    pub fn page(&self) -> Page {
        self.inbound.asked.page().at(self.address(&[]))
    }

    pub fn app_name(&self) -> String {
        self.asking.application.display_name.clone()
    }

    /// Where the forms may end besides here.
    pub fn form_action(&self) -> Option<FormAction> {
        let goes_back = self.asking.device.is_none();
        goes_back.then(|| FormAction::to(&self.asking.redirect_uri))
    }

    /// The hidden part of a form, with the cookie that ties it to the browser when there is none yet.
    pub fn form(&self, step: &'static str) -> (Form, FormCookie) {
        let (segment, version, request) = self.carried();
        let (form, cookie) = form(self.idp, self.inbound, format!("/{segment}/login"));
        let form = form
            .carry("step", step)
            .carry("version", version)
            .carry("request", request);
        (form, cookie)
    }

    /// What forms carry along: the first segment of their path, the version, the request or the user code of a device.
    pub fn carried(&self) -> (String, &'static str, String) {
        match (&self.asking.device, self.asking.version) {
            (Some(way), _) => (
                self.asking.place.segment(),
                DEVICE_FORM,
                way.user_code.as_str().to_owned(),
            ),
            (None, Version::V1) => (self.inbound.segment.clone(), "1", self.asking.params.encode()),
            (None, Version::V2) => (self.inbound.segment.clone(), "2", self.asking.params.encode()),
        }
    }

    /// The address of this request with other values of some parameters; an empty value takes one away.
    pub fn address(&self, other: &[(&str, &str)]) -> String {
        if let Some(way) = &self.asking.device {
            return device::address(way.user_code.as_str());
        }
        let kept = self
            .asking
            .params
            .iter()
            .filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        let pairs = kept.chain(other.iter().copied().filter(|(_, value)| !value.is_empty()));
        authorize::address(&self.inbound.segment, self.asking.version, pairs)
    }
}

/// The cookie that ties a form to the browser, when it has none yet.
pub type FormCookie = AppendHeaders<Option<(axum::http::HeaderName, HeaderValue)>>;

/// A form of the sign-in pages that posts there, with the cookie that ties it to the browser when there is none yet.
pub fn form(idp: &Idp, inbound: &Inbound, action: String) -> (Form, FormCookie) {
    let known = cookie::get(&inbound.headers, csrf::COOKIE).map(str::to_owned);
    let is_new = known.is_none();
    let binding = known.unwrap_or_else(|| csrf::new_binding(idp.random()));
    let form = Form::new(action, idp.csrf().token(&binding, PURPOSE));
    let set = is_new.then(|| set_cookie(&Cookie::session(csrf::COOKIE, &binding, SameSite::Lax)));
    (form, AppendHeaders(set.map(|value| (SET_COOKIE, value))))
}

/// Refuses a form that we did not make for this browser.
pub fn check_form(idp: &Idp, inbound: &Inbound) -> Result<(), IdpError> {
    let binding = cookie::get(&inbound.headers, csrf::COOKIE).unwrap_or_default();
    let token = inbound.params()?.get(csrf::FIELD).unwrap_or_default();
    if binding.is_empty() || idp.csrf().verify(binding, PURPOSE, token).is_err() {
        return Err(Refusal::new(Aadsts::FlowExpired).into());
    }
    Ok(())
}

/// Sends a form on as GET: where a browser keeps our session cookie back from a form that another site posts, it gives it
/// with the redirect that follows.
pub fn as_get(inbound: &Inbound, params: &Params) -> Response {
    redirect(&inbound.asked, &format!("{}?{}", inbound.asked.path(), params.encode()))
}

/// A cookie of ours as a header.
pub fn set_cookie(cookie: &Cookie<'_>) -> HeaderValue {
    cookie.header().expect("names and values of ours are base64url")
}

/// Sends the browser on; after a form with GET.
pub fn redirect(asked: &hygie_web::Asked, address: &str) -> Response {
    let status = if *asked.method() == Method::POST {
        StatusCode::SEE_OTHER
    } else {
        StatusCode::FOUND
    };
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match HeaderValue::try_from(address) {
        Ok(address) => {
            headers.insert(LOCATION, address);
            (status, headers).into_response()
        }
        // A redirect URI was registered that no header can hold.
        Err(error) => Failure::internal(&error).into_response(),
    }
}
