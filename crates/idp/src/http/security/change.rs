//! The changes that forms of this page make.

use axum::response::{IntoResponse, Response};
use hygie_core::Secret;
use hygie_directory::{DirectoryError, WeakPassword};
use hygie_means::{By, Change, MeansError, Refusal as MeansRefusal};
use hygie_oidc::{Aadsts, Params};
use hygie_web::audit::Note;
use hygie_web::cookie;
use uuid::Uuid;

use super::super::BROWSER_COOKIE;
use super::super::new_password::remediated;
use super::Visit;
use hygie_idp_core::IdpError;
use hygie_idp_core::signin::PresentedPassword;

/// A means as a form names it.
pub(super) enum Named {
    Passkey(Vec<u8>),
    Codes(Uuid),
}

impl Named {
    /// That of a form, with what it is called.
    pub(super) fn of(visit: &Visit<'_>, params: &Params) -> Result<(Self, String), MeansRefusal> {
        let missing = MeansRefusal::NotFound("method");
        let (kind, id) = (
            params.get("kind").unwrap_or_default(),
            params.get("id").unwrap_or_default(),
        );
        if kind == "passkey" {
            let id = hygie_jose::base64url::decode(id).map_err(|_| missing)?;
            let found = visit.methods.passkeys.iter().find(|passkey| passkey.id == id);
            let name = found.ok_or(missing)?.display_name.clone();
            return Ok((Self::Passkey(id), name));
        }
        let id: Uuid = id.parse().map_err(|_| missing)?;
        let found = visit.methods.codes.iter().find(|codes| codes.id == id);
        Ok((Self::Codes(id), found.ok_or(missing)?.display_name.clone()))
    }
}

impl Visit<'_> {
    pub(super) async fn add_passkey(&self, params: &Params) -> Result<Response, MeansError> {
        let given = (params.get("credential").unwrap_or_default(), name(params));
        let (means, user) = (self.idp.means(), self.signed_in.account.user);
        means.register_passkey(&self.cx, user, By::Person, given).await?;
        Ok(self.done(Change::PasskeyAdded.as_str()))
    }

    pub(super) async fn add_codes(&self, params: &Params) -> Result<Response, MeansError> {
        let (token, code) = (
            params.get("token").unwrap_or_default(),
            params.get("code").unwrap_or_default(),
        );
        let code: String = code.chars().filter(|c| !c.is_whitespace()).take(16).collect();
        let (means, user) = (self.idp.means(), self.signed_in.account.user);
        match means.register_codes(&self.cx, user, (token, name(params)), &code).await {
            Ok(_) => Ok(self.done(Change::CodesAdded.as_str())),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn rename(&self, params: &Params) -> Result<Response, MeansError> {
        let (named, _) = Named::of(self, params)?;
        let (means, user, name) = (self.idp.means(), self.signed_in.account.user, name(params));
        let change = match named {
            Named::Passkey(id) => {
                means.rename_passkey(&self.cx, user, &id, name).await?;
                Change::PasskeyRenamed
            }
            Named::Codes(id) => {
                means.rename_codes(&self.cx, user, id, name).await?;
                Change::CodesRenamed
            }
        };
        Ok(self.done(change.as_str()))
    }

    pub(super) async fn remove(&self, params: &Params) -> Result<Response, MeansError> {
        let (named, _) = Named::of(self, params)?;
        let (means, user) = (self.idp.means(), self.signed_in.account.user);
        let change = match named {
            Named::Passkey(id) => {
                means.remove_passkey(&self.cx, user, &id).await?;
                Change::PasskeyRemoved
            }
            Named::Codes(id) => {
                means.remove_codes(&self.cx, user, id).await?;
                Change::CodesRemoved
            }
        };
        Ok(self.done(change.as_str()))
    }

    /// Ends every session of the person, in every browser, with the refresh tokens and, where services ask us, the access
    /// tokens that came of them (`revokeSignInSessions`).
    pub(super) async fn end_everywhere(&self) -> Result<Response, IdpError> {
        let user = self.signed_in.account.user;
        self.idp.directory().revoke_user(&self.cx, user).await?;
        Ok((Note::recorded(), self.ended_everywhere()).into_response())
    }

    /// Another password, by the present one. It ends every session and grant of the person, this one too.
    pub(super) async fn set_password(&self, params: &Params) -> Result<Response, IdpError> {
        let text = |name| Secret::new(params.get(name).unwrap_or_default().to_owned());
        let account = &self.signed_in.account;
        let browser = cookie::get(&self.inbound.headers, BROWSER_COOKIE);
        let presented = PresentedPassword {
            name: &account.user_principal_name,
            password: text("current"),
            browser,
        };
        let checked = self.idp.check_password(&self.cx, presented, None);
        match checked.await {
            Ok(_) => {}
            Err(error @ (IdpError::Refused(_) | IdpError::Recorded(_))) => {
                let key = match error.refusal().code() {
                    Aadsts::BadCredentials => "security-password-wrong",
                    Aadsts::Locked => "password-locked",
                    _ => return Err(error),
                };
                let note = match error {
                    IdpError::Recorded(_) => Note::recorded(),
                    _ => self.note("idp.security.change").refused("password"),
                };
                return Ok((note, self.ask_password([Some(key), None])).into_response());
            }
            Err(error) => return Err(error),
        }
        let chosen = self
            .idp
            .choose_password(&self.cx, (account.user, browser), text("password"));
        match chosen.await {
            Ok(()) => {}
            Err(DirectoryError::Value(_)) => {
                let note = self.note("idp.security.change").refused("password-form");
                return Ok((note, self.ask_password([None, Some("security-password-form")])).into_response());
            }
            Err(DirectoryError::WeakPassword(weak)) => {
                let note = self.note("idp.security.change").refused("password-weak");
                return Ok((note, self.ask_password([None, Some(weakness(weak))])).into_response());
            }
            Err(error) => return Err(error.into()),
        }
        remediated(self.idp, &self.cx, &self.signed_in).await?;
        Ok((Note::recorded(), self.password_changed()).into_response())
    }
}

/// What a password lacks.
pub(in crate::http) const fn weakness(weak: WeakPassword) -> &'static str {
    match weak {
        WeakPassword::Short | WeakPassword::Long | WeakPassword::Control => "security-password-form",
        WeakPassword::Kinds => "security-password-kinds",
        WeakPassword::Banned => "security-password-banned",
        WeakPassword::Published => "security-password-published",
        WeakPassword::User => "security-password-user",
        WeakPassword::Organization => "security-password-organization",
        WeakPassword::Same => "security-password-same",
    }
}

fn name(params: &Params) -> &str {
    params.get("name").unwrap_or_default()
}
