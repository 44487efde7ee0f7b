//! The page of the campaign for passkeys: register one now, or put it off.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_policy::methods::Nudge;
use hygie_web::audit::Note;
use hygie_web::error::Failure;
use hygie_web::ui::{Form, Page, View};

use super::flow::{Flow, Typed};
use super::prove::Proving;
use super::security;
use hygie_idp_core::signin::SignedIn;

#[derive(Template)]
#[template(path = "campaign.html")]
struct CampaignPage {
    page: Page,
    form: Form,
    account: String,
    /// Where passkeys are registered.
    register: String,
    /// Where the way to the application goes on, with what was registered.
    again: String,
    may_wait: bool,
}

impl Flow<'_> {
    /// Asks.
    pub async fn ask_to_register(&self, signed_in: &SignedIn) -> Response {
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        let nudge = match self.idp.nudge(&cx, signed_in).await {
            Ok(nudge) => nudge,
            Err(error) => return self.page_of(&error).into_response(),
        };
        let (form, cookies) = self.form("campaign");
        let view = View(CampaignPage {
            page: self.page(),
            form: form.carry("account", signed_in.account.session.to_string()),
            account: signed_in.account.user_principal_name.clone(),
            register: security::entry::address(&self.inbound.segment),
            again: self.address(&[("prompt", "")]),
            may_wait: nudge != Some(Nudge::Must),
        });
        (Note::recorded(), cookies, self.form_action(), view).into_response()
    }
}

impl Proving<'_, '_> {
    /// It is put off.
    pub async fn put_campaign_off(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let put_off = self.flow.idp.put_campaign_off(&cx, signed_in).await;
        put_off.map_err(|error| self.flow.page_of(&error))?;
        Ok(self.flow.finish(self.request, signed_in).await)
    }
}
