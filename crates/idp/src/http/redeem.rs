//! `GET|POST /{tenant}/redeem` — the page of somebody who was invited: they sign in at home, see what the inviting
//! establishment learns, and accept.
//! <https://learn.microsoft.com/entra/external-id/redemption-experience>
//!
//! The ticket only says which invitation is meant; who may accept it is decided by the account at home.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, TenantId};
use hygie_directory::{DirectoryError, Invited};
use hygie_idp_core::signin::{INVITATIONS, SignedIn};
use hygie_idp_core::token::Asking;
use hygie_idp_core::{Idp, IdpError};
use hygie_oidc::{Aadsts, Params, Refusal, Version};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::layers::FormAction;
use hygie_web::ui::{Form, Link, Page, View};

use super::flow::{self, Flow, redirect};
use super::inbound::Inbound;
use super::refused::{self, Way};
use super::{SESSION_COOKIE, authorize};

/// The parameters of the page.
const TICKET: &str = "ticket";
const ACCOUNT: &str = "account";
const VERSION: &str = "version";
const REQUEST: &str = "request";
/// The establishment of who comes by a letter, which has no ticket.
const HOME: &str = "home";

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    page: Page,
    title: String,
    text: String,
    account: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "consent-done.html")]
struct DonePage {
    page: Page,
    title: String,
    text: String,
    next: Option<Link>,
}

/// Who comes with what.
struct Visit<'a> {
    idp: &'a Idp,
    inbound: &'a Inbound,
    /// In the inviting tenant.
    cx: Cx,
    organisation: String,
    ticket: Option<String>,
    home: Option<TenantId>,
    signed_in: Option<SignedIn>,
    /// The request of the application that the person came by, where it was one.
    asking: Option<Asking>,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    let visit = Visit::open(&idp, &inbound, params).await.map_err(fail)?;
    visit.show().await
}

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    flow::check_form(&idp, &inbound).map_err(fail)?;
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    let visit = Visit::open(&idp, &inbound, params).await.map_err(fail)?;
    match (params.get("answer"), &visit.signed_in) {
        (Some("accept"), Some(signed_in)) => visit.accept(signed_in).await,
        (_, Some(_)) => Ok(visit.done("invitation-declined", None)),
        (_, None) => visit.show().await,
    }
}

impl<'a> Visit<'a> {
    async fn open(idp: &'a Idp, inbound: &'a Inbound, params: &Params) -> Result<Self, IdpError> {
        let place = idp.place(&inbound.cx(), &inbound.segment).await?;
        let tenant = place.tenant().ok_or_else(|| Refusal::new(Aadsts::NoTenant))?;
        let cx = inbound.asked.cx(tenant);
        let found = idp.directory().find_tenant(&cx).await?;
        let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
        let signed_in = match params.get(ACCOUNT) {
            Some(chosen) => {
                let accounts = idp.accounts(&cx, cookie, None).await?.into_iter();
                let mut at_home = accounts.filter(|known| known.home.is_none() && known.account.tenant != tenant);
                at_home.find(|known| known.account.session.to_string() == chosen)
            }
            None => None,
        };
        let asking = match (params.get(VERSION), params.get(REQUEST)) {
            (Some(version), Some(request)) => Some(asking(idp, inbound, (version, request)).await?),
            _ => None,
        };
        Ok(Self {
            asking,
            organisation: found.map(|(tenant, _)| tenant.display_name).unwrap_or_default(),
            ticket: params
                .get(TICKET)
                .filter(|ticket| ticket.len() <= 64)
                .map(str::to_owned),
            home: params.get(HOME).and_then(|home| home.parse().ok()),
            signed_in,
            idp,
            inbound,
            cx,
        })
    }

    /// The invitation that is meant: by the ticket, or by who is signed in.
    async fn invited(&self) -> Result<Option<Invited>, IdpError> {
        let directory = self.idp.directory();
        if let Some(signed_in) = &self.signed_in {
            let account = &signed_in.account;
            let home = self.cx.for_tenant(account.tenant);
            if let Some(user) = directory.find_user_by_id(&home, account.user).await? {
                return Ok(directory.find_guest(&self.cx, account.tenant, &user).await?);
            }
        }
        match &self.ticket {
            Some(ticket) => Ok(directory.find_invited(&self.cx, ticket).await?),
            None => Ok(None),
        }
    }

    async fn show(&self) -> Result<Response, Failure> {
        let found = self.invited().await.map_err(|error| self.failure(&error))?;
        match (&self.signed_in, found) {
            (None, Some(invited)) => {
                let address = self.sign_in(invited.home, &[("login_hint", &invited.address)]);
                Ok(redirect(&self.inbound.asked, &address))
            }
            (Some(_), Some(invited)) if !invited.is_pending => {
                Ok(redirect(&self.inbound.asked, &self.next(&invited.redirect)))
            }
            (Some(signed_in), Some(invited)) => Ok(self.ask(signed_in, &invited)),
            (Some(_), None) => Err(self.not_theirs()),
            (None, None) => Ok(match self.home {
                Some(home) => redirect(&self.inbound.asked, &self.sign_in(home, &[])),
                None => self.done("invitation-gone", None),
            }),
        }
    }

    fn ask(&self, signed_in: &SignedIn, invited: &Invited) -> Response {
        let page = self.inbound.asked.page().at(self.address());
        let action = format!("/{}/redeem", self.cx.tenant);
        let (form, cookies) = flow::form(self.idp, self.inbound, action);
        let form = form.carry(ACCOUNT, signed_in.account.session.to_string());
        let form = match &self.ticket {
            Some(ticket) => form.carry(TICKET, ticket.clone()),
            None => form,
        };
        let form = match &self.asking {
            Some(asking) => {
                let (version, request) = carried(asking);
                form.carry(VERSION, version).carry(REQUEST, request)
            }
            None => form,
        };
        let action = match &self.asking {
            Some(asking) => Flow::new(self.idp, self.inbound, asking.clone()).form_action(),
            None => Some(FormAction::to(&invited.redirect)),
        };
        let view = View(InvitationPage {
            title: page.t1("invitation-title", "organisation", &self.organisation),
            text: page.t1("invitation-text", "organisation", &self.organisation),
            account: signed_in.account.user_principal_name.clone(),
            form,
            page,
        });
        let note = self.note(signed_in);
        (cookies, action, note, view).into_response()
    }

    async fn accept(&self, signed_in: &SignedIn) -> Result<Response, Failure> {
        match self.accepted(signed_in).await {
            Ok(address) => Ok((Note::recorded(), redirect(&self.inbound.asked, &address)).into_response()),
            Err(error) => {
                let code = format!("AADSTS{}", error.refusal().code().number());
                self.inbound.asked.note(self.note(signed_in).refused(code));
                Err(self.failure(&error))
            }
        }
    }

    /// Where the guest goes who has accepted.
    async fn accepted(&self, signed_in: &SignedIn) -> Result<String, IdpError> {
        let account = &signed_in.account;
        let directory = self.idp.directory();
        let invited = self.invited().await?.ok_or_else(|| self.stranger())?;
        let home = self.cx.for_tenant(account.tenant);
        let user = directory.find_user_by_id(&home, account.user).await?;
        let user = user.ok_or_else(|| self.stranger())?;
        let cx = Cx {
            principal: Some(self.idp.person(account, None).into()),
            ..self.cx.clone()
        };
        let theirs = (account.tenant, &user);
        match directory.accept_invitation(&cx, invited.user.id, theirs).await {
            Ok(_) => Ok(self.next(&invited.redirect)),
            Err(DirectoryError::Store(error)) => Err(error.into()),
            Err(_) => Err(self.stranger().into()),
        }
    }

    /// Where who has accepted goes: on to the application that they came by, or to the address of the invitation.
    fn next(&self, redirect: &str) -> String {
        match &self.asking {
            Some(asking) => authorize::address(&self.inbound.segment, asking.version, asking.params.iter()),
            None => redirect.to_owned(),
        }
    }

    /// That this account was not invited.
    fn stranger(&self) -> Refusal {
        Refusal::about(Aadsts::OtherTenant, &[&self.cx.tenant.to_string(), "Invitation"])
    }

    fn not_theirs(&self) -> Failure {
        self.failure(&self.stranger().into())
    }

    fn failure(&self, error: &IdpError) -> Failure {
        let home = self.signed_in.as_ref().map(|known| known.account.tenant);
        let way = Way {
            other: home.map(|home| self.sign_in(home, &[("prompt", "select_account")])),
            ..Way::default()
        };
        refused::page_on_way(self.idp, self.inbound, error, way)
    }

    fn note(&self, signed_in: &SignedIn) -> Note {
        let person = self.idp.person(&signed_in.account, None);
        Note::new("idp.guest.ask", format!("tenant/{}", self.cx.tenant)).by(&person)
    }

    fn done(&self, key: &str, next: Option<Link>) -> Response {
        let page = self.inbound.asked.page().at(self.address());
        View(DonePage {
            title: page.t(key),
            text: page.t1(&format!("{key}.text"), "organisation", &self.organisation),
            next,
            page,
        })
        .into_response()
    }

    fn address(&self) -> String {
        let session = self.signed_in.as_ref().map(|known| known.account.session.to_string());
        let asking = self.asking.as_ref().map(carried);
        address(
            self.cx.tenant,
            (self.ticket.as_deref(), session.as_deref()),
            asking.as_ref(),
        )
    }

    /// Where somebody signs in at home to come here.
    fn sign_in(&self, home: TenantId, other: &[(&str, &str)]) -> String {
        let app = INVITATIONS.to_string();
        let state = format!("{} {}", self.cx.tenant, self.ticket.as_deref().unwrap_or_default());
        let pairs = [
            ("client_id", app.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", state.as_str()),
        ];
        let pairs = pairs.into_iter().chain(other.iter().copied());
        authorize::address(&home.to_string(), Version::V2, pairs)
    }
}

/// The request of an application as the page carries it along: asked once, the person is not asked to sign in again.
pub fn carried(asking: &Asking) -> (&'static str, String) {
    let version = match asking.version {
        Version::V1 => "1",
        Version::V2 => "2",
    };
    let pairs = asking.params.iter().filter(|(name, _)| *name != "prompt");
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    (version, query.extend_pairs(pairs).finish())
}

/// A request of an application to this tenant, read anew.
async fn asking(idp: &Idp, inbound: &Inbound, (version, request): (&str, &str)) -> Result<Asking, IdpError> {
    let version = match version {
        "1" => Version::V1,
        "2" => Version::V2,
        _ => return Err(Refusal::bad(VERSION).into()),
    };
    let params = Params::parse(request.as_bytes())?;
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    idp.asking(&inbound.cx(), place, version, params).await
}

/// The page of a tenant's invitation.
pub fn address(
    tenant: TenantId,
    (ticket, session): (Option<&str>, Option<&str>),
    asking: Option<&(&'static str, String)>,
) -> String {
    let (version, request) = asking.map(|(version, request)| (*version, request.as_str())).unzip();
    let pairs = [
        (TICKET, ticket),
        (ACCOUNT, session),
        (VERSION, version),
        (REQUEST, request),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))))
        .finish();
    format!("/{tenant}/redeem?{query}")
}

impl Flow<'_> {
    /// Back to the invitation, signed in.
    pub fn to_invitation(&self, signed_in: &SignedIn) -> Response {
        let state = self.asking.params.get("state").unwrap_or_default();
        let (tenant, ticket) = state.split_once(' ').unwrap_or((state, ""));
        let Ok(tenant) = tenant.parse() else {
            return self.page_of(&Refusal::bad("state").into()).into_response();
        };
        let session = signed_in.account.session.to_string();
        let ticket = Some(ticket).filter(|ticket| !ticket.is_empty());
        let address = address(tenant, (ticket, Some(&session)), None);
        (Note::recorded(), redirect(&self.inbound.asked, &address)).into_response()
    }
}
