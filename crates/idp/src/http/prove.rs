//! The forms of the sign-in pages in which a person proves who they are by something else than a password, first or after it.

use axum::response::{IntoResponse, Response};
use hygie_core::{Cx, Secret, TenantId};
use hygie_directory::User;
use hygie_means::{MeansError, Refusal as Refused};
use hygie_oidc::{Aadsts, AuthorizeRequest, Params, Refusal};
use hygie_policy::strength::Usage;
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::flow::{Flow, Typed};
use super::login;
use super::ways::{Way, Whom};
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::SignedIn;

/// A form in which somebody proves something, on the way to an application.
pub struct Proving<'f, 'a> {
    pub flow: &'f Flow<'a>,
    pub request: &'f AuthorizeRequest,
    /// The accounts of the browser.
    pub accounts: &'f [SignedIn],
    pub params: &'f Params,
}

/// Who proves something.
enum Prover<'s> {
    /// Whose session goes on.
    Known(&'s SignedIn),
    /// Somebody who typed this name, of this tenant.
    Named(String, TenantId),
}

impl Proving<'_, '_> {
    /// Another way was chosen.
    pub async fn other_way(&self) -> Response {
        let whom = self.whom(None);
        match self.params.get("way").and_then(Way::parse) {
            Some(way) => self.flow.ask(way, &whom).await,
            None => self.flow.sign_in(&Typed::default()),
        }
    }

    /// A code of an application, after a first factor.
    pub async fn code(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let code = self.params.get("proof").unwrap_or_default();
        if code.trim().is_empty() {
            return Ok(self.flow.ask(Way::Code, &self.whom(Some("code-missing"))).await);
        }
        self.may_guess().map_err(|error| self.flow.page_of(&error))?;
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let checked = self
            .flow
            .idp
            .means()
            .check_code(&cx, signed_in.account.user, code)
            .await;
        self.proved(
            Way::Code,
            &cx,
            Prover::Known(signed_in),
            checked.map(|usage| (None, usage)),
        )
        .await
    }

    /// A temporary access pass, first or after something else.
    pub async fn pass(&self) -> Result<Response, Failure> {
        let pass = self.params.get("proof").unwrap_or_default().trim().to_owned();
        if pass.is_empty() {
            return Ok(self.flow.ask(Way::Pass, &self.whom(Some("pass-missing"))).await);
        }
        let prover = if let Some(signed_in) = self.known() {
            Prover::Known(signed_in)
        } else {
            let name = self.params.get("username").unwrap_or_default().trim().to_owned();
            match login::tenant_of(self.flow, &name).await? {
                Some(tenant) => Prover::Named(name, tenant),
                None => return Ok(self.flow.sign_in(&Typed::default())),
            }
        };
        let (tenant, name) = match &prover {
            Prover::Known(signed_in) => {
                let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
                let name = self.flow.idp.name_here(&cx, signed_in.account.user).await;
                (cx.tenant, name.map_err(|error| self.flow.page_of(&error))?)
            }
            Prover::Named(name, tenant) => (*tenant, name.clone()),
        };
        self.may_guess().map_err(|error| self.flow.page_of(&error))?;
        let cx = self.flow.inbound.asked.cx(tenant);
        let checked = self.flow.idp.means().check_pass(&cx, &name, Secret::new(pass)).await;
        let checked = checked.map(|(user, usage)| (Some(user), usage));
        self.proved(Way::Pass, &cx, prover, checked).await
    }

    /// A passkey, first or after something else.
    pub async fn passkey(&self) -> Result<Response, Failure> {
        let credential = self.params.get("credential").unwrap_or_default();
        if credential.is_empty() {
            return Ok(self.flow.ask(Way::Passkey, &self.whom(Some("passkey-failed"))).await);
        }
        self.throttled().map_err(|error| self.flow.page_of(&error))?;
        let known = self.known();
        let cx = known.map_or_else(
            || self.flow.cx(),
            |signed_in| self.flow.inbound.asked.cx(signed_in.account.tenant),
        );
        let proven = match self.flow.idp.means().check_passkey(&cx, credential).await {
            Ok(proven) => proven,
            Err(error) => return self.not_proved(Way::Passkey, error).await,
        };
        let cx = self.flow.inbound.asked.cx(proven.tenant);
        // Of somebody else than who is known here, it begins a session of theirs.
        let prover = match known.filter(|signed_in| signed_in.account.user == proven.user.id) {
            Some(signed_in) => Prover::Known(signed_in),
            None => Prover::Named(proven.user.user_principal_name.clone(), proven.tenant),
        };
        self.proved(Way::Passkey, &cx, prover, Ok((Some(proven.user), proven.usage)))
            .await
    }

    /// Goes on with what was proved, or asks again.
    async fn proved(
        &self,
        way: Way,
        cx: &Cx,
        prover: Prover<'_>,
        checked: Result<(Option<User>, Usage), MeansError>,
    ) -> Result<Response, Failure> {
        self.flow.inbound.asked.note(Note::new("idp.signin", "user"));
        let begun = match (checked, prover) {
            // A pass is found by a name: that of somebody else proves nothing of who is signed in.
            (Ok((Some(user), _)), Prover::Known(signed_in)) if user.id != signed_in.account.user => {
                Err(Refusal::new(Aadsts::BadCredentials).into())
            }
            (Ok((_, usage)), Prover::Known(signed_in)) => login::go_on(self.flow, cx, signed_in, usage).await,
            (Ok((Some(user), usage)), Prover::Named(..)) => login::begin(self.flow, cx, user, usage).await,
            (Ok((None, _)), Prover::Named(..)) => Err(Refusal::new(Aadsts::BadCredentials).into()),
            (Err(error), _) => return self.not_proved(way, error).await,
        };
        match begun {
            Ok((signed_in, cookie)) => {
                let response = self.flow.finish(self.request, &signed_in).await;
                Ok((cookie, response).into_response())
            }
            Err(error) => Err(self.flow.page_of(&error)),
        }
    }

    /// Refuses an address that has failed too often, at passwords or anything else.
    fn throttled(&self) -> Result<(), IdpError> {
        let asked = &self.flow.inbound.asked;
        if self.flow.idp.throttle().is_closed(asked.client(), asked.now()) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        Ok(())
    }

    /// The same before what can be guessed, and a person whose codes and passes were wrong too often, from wherever.
    fn may_guess(&self) -> Result<(), IdpError> {
        self.throttled()?;
        let Some(SignedIn { account, .. }) = self.known() else {
            return Ok(());
        };
        let idp = self.flow.idp;
        idp.check_person(account.tenant, account.user, &self.flow.cx())
    }

    async fn not_proved(&self, way: Way, error: MeansError) -> Result<Response, Failure> {
        let asked = &self.flow.inbound.asked;
        self.flow.idp.throttle().count(asked.client(), asked.now());
        let is_recorded = error.is_recorded();
        let Some(refusal) = error.refusal() else {
            return Err(self.flow.page_of(&IdpError::from(error)));
        };
        if let Some(signed_in) = self.known() {
            let code = match refusal {
                Refused::Locked => Aadsts::Locked,
                Refused::Disabled => Aadsts::UserDisabled,
                _ => Aadsts::StrongAuthentication,
            };
            let cx = asked.cx(signed_in.account.tenant);
            // Only guesses count: what is no answer at all would let anybody use up the answers of another.
            if refusal == Refused::Wrong && matches!(way, Way::Code | Way::Pass) {
                let counted = self.flow.idp.count_person(&cx, signed_in.account.user).await;
                counted.map_err(|error| self.flow.page_of(&error))?;
            }
            let refused = Refusal::new(code);
            let logged = self.flow.idp.log_unproved(&cx, &self.flow.asking, signed_in, &refused);
            logged.await.map_err(|error| self.flow.page_of(&error))?;
        }
        let key = match (refusal, way) {
            (Refused::Locked, _) => "way-locked",
            (Refused::Disabled, _) => "password-disabled",
            (Refused::Expired, _) => "way-expired",
            (Refused::NotOffered | Refused::Model, _) => "way-not-offered",
            (_, Way::Pass) => "pass-wrong",
            (_, Way::Passkey) => "passkey-wrong",
            _ => "code-wrong",
        };
        let note = if is_recorded {
            Note::recorded()
        } else {
            Note::new("idp.signin", "user").refused(refusal.reason())
        };
        Ok((note, self.flow.ask(way, &self.whom(Some(key))).await).into_response())
    }

    /// The account of the browser that the form names.
    pub fn known(&self) -> Option<&SignedIn> {
        let named = self.params.get("account")?;
        self.accounts
            .iter()
            .find(|known| known.account.session.to_string() == named)
    }

    fn whom(&self, error: Option<&'static str>) -> Whom {
        let ways = self.params.get("ways").map(Way::list).unwrap_or_default();
        let whom = match self.known() {
            Some(signed_in) => Whom::signed_in(signed_in, ways),
            None => Whom {
                name: self.params.get("username").unwrap_or_default().trim().to_owned(),
                ways,
                ..Whom::default()
            },
        };
        Whom { error, ..whom }
    }
}
