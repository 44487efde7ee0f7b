//! Another password before anything else, where an administrator gave the present one to be changed.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, Secret};
use hygie_directory::DirectoryError;
use hygie_oidc::{Aadsts, Refusal};
use hygie_policy::decide::Ask;
use hygie_policy::strength::{Mode, Usage};
use hygie_web::cookie;
use hygie_web::error::Failure;
use hygie_web::ui::{Field, Form, Input, Page, Summary, View};

use super::flow::{Flow, Typed};
use super::prove::Proving;
use super::ways::{Way, Whom};
use super::{BROWSER_COOKIE, login, security};
use hygie_idp_core::signin::SignedIn;
use hygie_idp_core::{Idp, IdpError};

#[derive(Template)]
#[template(path = "new-password.html")]
struct NewPasswordPage {
    page: Page,
    form: Form,
    summary: Summary,
    password: Field,
    account: String,
}

impl Flow<'_> {
    /// Asks for it, once it is known well enough who it is.
    pub async fn change_password_first(&self, signed_in: &SignedIn) -> Response {
        match self.ways_to_change(signed_in).await {
            Ok(None) => self.new_password(signed_in, None),
            Ok(Some(ways)) => {
                let way = ways.first().copied().unwrap_or(Way::Password);
                self.ask(way, &Whom::signed_in(signed_in, ways)).await
            }
            Err(error) => self.page_of(&error).into_response(),
        }
    }

    /// Asks for it.
    fn new_password(&self, signed_in: &SignedIn, error: Option<&'static str>) -> Response {
        let page = self.page();
        let password = Field::new(&page, Input::Password, "password", page.t("security-password-new"))
            .autocomplete("new-password")
            .hint(page.t("security-password-hint"))
            .error(error.map(|key| page.t(key)))
            .focus();
        let (form, cookies) = self.form("new-password");
        let view = View(NewPasswordPage {
            summary: Summary::of(&page, [&password]),
            form: form.carry("account", signed_in.account.session.to_string()),
            password,
            account: signed_in.account.user_principal_name.clone(),
            page,
        });
        (cookies, self.form_action(), view).into_response()
    }
}

/// Whether another password is asked of somebody who has one.
pub fn asks_password(ask: &Ask, registered: &[Mode]) -> bool {
    matches!(ask, Ask::PasswordChange | Ask::RiskRemediation) && registered.contains(&Mode::Password)
}

/// Whether somebody proved who they are by more than a password, lately: whoever stole that did not.
fn is_proved(cx: &Cx, signed_in: &SignedIn) -> bool {
    let since = signed_in.used.multi_factor_since();
    since.is_some_and(|since| cx.now.since(since) <= security::RECENT)
}

/// Takes away the risk of somebody who changed their password, where they had proved who they are.
pub async fn remediated(idp: &Idp, cx: &Cx, signed_in: &SignedIn) -> Result<(), IdpError> {
    if is_proved(cx, signed_in) {
        idp.directory().remediate_risk(cx, signed_in.account.user).await?;
    }
    Ok(())
}

impl Proving<'_, '_> {
    /// Whether another password takes away a risk that there is.
    async fn may_remediate(&self, cx: &Cx, signed_in: &SignedIn) -> Result<bool, IdpError> {
        let risk = self.flow.idp.directory().user_risk(cx, signed_in.account.user).await?;
        Ok(risk.is_some_and(|risk| risk.is_there()) && is_proved(cx, signed_in))
    }

    /// The new password of somebody who just proved the present one.
    pub async fn new_password(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let password = self.params.get("password").unwrap_or_default().to_owned();
        let directory = self.flow.idp.directory();
        let cx = Cx {
            principal: Some(self.flow.idp.person(&signed_in.account, None).into()),
            ..self.flow.inbound.asked.cx(signed_in.account.tenant)
        };
        let user = signed_in.account.user;
        let fail = |error: IdpError| self.flow.page_of(&error);
        let known = directory
            .find_user_by_id(&cx, user)
            .await
            .map_err(|error| fail(error.into()))?;
        // Only who must change it is asked here, and only after what a change on the page of means would want.
        let must_change = known.is_some_and(|known| known.profile.must_change_password());
        if !must_change && !self.may_remediate(&cx, signed_in).await.map_err(fail)? {
            return Ok(self.flow.finish(self.request, signed_in).await);
        }
        if let Some(ways) = self.flow.ways_to_change(signed_in).await.map_err(fail)? {
            let way = ways.first().copied().unwrap_or(Way::Password);
            return Ok(self.flow.ask(way, &Whom::signed_in(signed_in, ways)).await);
        }
        let browser = cookie::get(&self.flow.inbound.headers, BROWSER_COOKIE);
        let chosen = self
            .flow
            .idp
            .choose_password(&cx, (user, browser), Secret::new(password));
        match chosen.await {
            Ok(()) => {}
            Err(DirectoryError::WeakPassword(weak)) => {
                return Ok(self.flow.new_password(signed_in, Some(security::weakness(weak))));
            }
            Err(DirectoryError::Value(_)) => {
                return Ok(self.flow.new_password(signed_in, Some("security-password-form")));
            }
            Err(error) => return Err(fail(error.into())),
        }
        remediated(self.flow.idp, &cx, signed_in).await.map_err(fail)?;
        // Every session ended with the old password; this one begins anew.
        let found = directory
            .find_user_by_id(&cx, user)
            .await
            .map_err(|error| fail(error.into()))?;
        let found = found.ok_or_else(|| fail(Refusal::new(Aadsts::UnknownUser).into()))?;
        let begun = login::begin(self.flow, &cx, found, Usage::of(Mode::Password)).await;
        let (signed_in, cookie) = begun.map_err(fail)?;
        let response = self.flow.finish(self.request, &signed_in).await;
        Ok((cookie, response).into_response())
    }
}
