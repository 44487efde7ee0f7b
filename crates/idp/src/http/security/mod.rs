//! `GET|POST /{tenant}/securityinfo` — *Informations de sécurité*: the means of identification of who is signed in, as
//! Entra ID has them at `mysignins.microsoft.com/security-info`.
//!
//! Whoever sits before a session that was left open must not change what its person proves themselves by: each change wants
//! a proof of the last minutes, with a second factor where the person has one. Each change is recorded, and told on this
//! very page; mail is not sent yet. Signing out everywhere is here too, as Entra ID has it at `myaccount.microsoft.com`.

mod change;
pub(super) mod entry;
mod qr;
mod show;

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::USER_AGENT;
use hygie_core::{Cx, TenantId, Timestamp};
use hygie_directory::Arrival;
use hygie_directory::repo::Tenants;
use hygie_means::{Methods, Refusal as MeansRefusal};
use hygie_oidc::{Aadsts, Params, Platform, Refusal};
use hygie_policy::policy::UserAction;
use hygie_policy::strength::{Mode, Usage};
use hygie_web::audit::Note;
use hygie_web::cookie;
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::{SESSION_COOKIE, flow, refused};
pub(super) use change::weakness;

use hygie_idp_core::signin::{Candidate, Occasion, Purpose, SignedIn};
use hygie_idp_core::{Idp, IdpError};

/// A proof is good for a change for so long: what Entra ID wants before a passkey is registered.
pub(super) const RECENT: Duration = Duration::from_mins(5);
/// The word of a change that was made, in the address that a form leads back to.
const DONE: &str = "done";

/// Somebody at this page.
struct Visit<'a> {
    idp: &'a Idp,
    inbound: &'a Inbound,
    cx: Cx,
    /// What codes are shown under.
    place: String,
    signed_in: SignedIn,
    methods: Methods,
}

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let refuse = |error: IdpError| refused::page(&idp, &inbound, &error);
    let session = inbound.params().ok().and_then(|params| params.get("account"));
    let Some(visit) = visit(&idp, &inbound, session).await.map_err(refuse)? else {
        return Ok(show::nobody(&inbound));
    };
    let done = inbound.params().ok().and_then(|params| params.get(DONE));
    let note = visit.note("idp.security.read");
    Ok((note, visit.overview(done, None).await.map_err(refuse)?).into_response())
}

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let refuse = |error: IdpError| refused::page(&idp, &inbound, &error);
    flow::check_form(&idp, &inbound).map_err(refuse)?;
    let params = inbound.params().map_err(|refusal| refuse(refusal.into()))?;
    let Some(visit) = visit(&idp, &inbound, params.get("account")).await.map_err(refuse)? else {
        return Ok(show::nobody(&inbound));
    };
    // To leave gives nobody anything: it wants no proof.
    match params.get("step") {
        Some("everywhere") => return Ok(visit.ask_everywhere()),
        Some("everywhere-ended") => return visit.end_everywhere().await.map_err(refuse),
        _ => {}
    }
    if !is_strong_enough(&visit.signed_in, &visit.methods, inbound.asked.now()) {
        let note = visit.note("idp.security.change").refused("proof-too-old");
        return Ok((note, visit.prove_again()).into_response());
    }
    visit.may_register().await.map_err(refuse)?;
    visit.step(params).await.map_err(refuse)
}

/// Whether somebody proved lately enough, and by enough, to change their means: in the last minutes, with two factors where
/// they have two. Who has one only may add the second.
fn is_strong_enough(signed_in: &SignedIn, methods: &Methods, now: Timestamp) -> bool {
    let is_other = |usage: &Usage| usage.mode != Mode::Password;
    // Those too that the policy no longer admits: that a method is turned off makes nobody weaker.
    let has_more = !methods.codes.is_empty() || !methods.passkeys.is_empty() || methods.registered.iter().any(is_other);
    let since = if has_more {
        signed_in.used.multi_factor_since()
    } else {
        signed_in.used.primary_at()
    };
    since.is_some_and(|since| now.since(since) <= RECENT)
}

/// Who is signed in here: the account that the form was made for, or the one used last.
async fn visit<'a>(idp: &'a Idp, inbound: &'a Inbound, session: Option<&str>) -> Result<Option<Visit<'a>>, IdpError> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    let tenant = place.tenant().ok_or_else(|| Refusal::new(Aadsts::NoTenant))?;
    let cookie = cookie::get(&inbound.headers, SESSION_COOKIE);
    let accounts = idp.accounts(&inbound.asked.cx(tenant), cookie, Some(tenant)).await?;
    let mut accounts = accounts.into_iter();
    let found = match session {
        Some(session) => accounts.find(|known| known.account.session.to_string() == session),
        None => accounts.next(),
    };
    let Some(signed_in) = found else { return Ok(None) };
    let cx = Cx {
        principal: Some(idp.person(&signed_in.account, None).into()),
        ..inbound.asked.cx(tenant)
    };
    let methods = idp.means().methods_of(&cx, signed_in.account.user).await?;
    Ok(Some(Visit {
        place: name_of(idp, &cx, tenant).await?,
        idp,
        inbound,
        cx,
        signed_in,
        methods,
    }))
}

/// The name of the establishment.
async fn name_of(idp: &Idp, cx: &Cx, tenant: TenantId) -> Result<String, IdpError> {
    let store = idp.directory().store();
    let found = store
        .read(cx, (), |(), tx| {
            Box::pin(async move { Ok::<_, IdpError>(Tenants(tx).find().await?) })
        })
        .await?;
    Ok(found.map_or_else(|| tenant.to_string(), |tenant| tenant.display_name))
}

impl Visit<'_> {
    /// Refuses where policies do not let this person register means from here: at each change, whatever led to the page.
    async fn may_register(&self) -> Result<(), IdpError> {
        let asked = &self.inbound.asked;
        let arrival = Arrival::of_browser(asked.client(), self.inbound.header(USER_AGENT.as_str()));
        let candidate = Candidate {
            user: self.signed_in.account.user,
            used: &self.signed_in.used,
            arrival: &arrival,
            address: asked.client(),
            platform: Platform::Web,
        };
        let purpose = Purpose::Action(UserAction::RegisterSecurityInfo);
        self.idp
            .admit(&self.cx, &candidate, purpose, Occasion::Browser)
            .await
            .map(drop)
    }

    /// What a form of this page asks for.
    async fn step(&self, params: &Params) -> Result<Response, IdpError> {
        let outcome = match params.get("step") {
            Some("passkey") => self.ask_passkey().await,
            Some("passkey-add") => self.add_passkey(params).await,
            Some("codes") => self.ask_codes().await,
            Some("codes-add") => self.add_codes(params).await,
            Some("rename") => return self.ask_rename(params).await,
            Some("renamed") => self.rename(params).await,
            Some("remove") => return self.ask_remove(params).await,
            Some("removed") => self.remove(params).await,
            Some("password") => return Ok(self.ask_password([None, None])),
            Some("password-set") => return self.set_password(params).await,
            _ => return self.overview(None, None).await,
        };
        match outcome {
            Ok(response) => Ok(response),
            Err(error) => match error.refusal() {
                Some(refusal) => self.told(refusal).await,
                None => Err(error.into()),
            },
        }
    }

    /// The page again, with what was wrong.
    async fn told(&self, refusal: MeansRefusal) -> Result<Response, IdpError> {
        let note = self.note("idp.security.change").refused(refusal.reason());
        Ok((note, self.overview(None, Some(refusal)).await?).into_response())
    }

    fn address(&self) -> String {
        format!("/{}/securityinfo", self.inbound.segment)
    }

    fn note(&self, action: &'static str) -> Note {
        let account = &self.signed_in.account;
        Note::new(action, format!("user/{}", account.user)).by(&self.idp.person(account, None))
    }

    /// Back to the page, which tells what was done.
    fn done(&self, word: &str) -> Response {
        let address = format!("{}?{DONE}={word}", self.address());
        (Note::recorded(), flow::redirect(&self.inbound.asked, &address)).into_response()
    }
}
