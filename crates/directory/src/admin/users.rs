//! Changing users.

use hygie_core::{Cx, ObjectId, Secret};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::{Map, Value};

use super::people::{check_domain, given, user_principal_name};
use super::told::{CERTIFICATES_CHANGED, PASSWORD_CHANGED, tell, tell_address};
use super::{Enabled, changed, named};
use crate::conditional::Watch;
use crate::repo::{Became, Familiar, FirstPasswords, Followed, Roles, Users};
use crate::revocation::revoke_all_of;
use crate::{Directory, DirectoryError, LockoutRule, Mark, User, WeakPassword, is_too_long};
use hygie_directory_store::profile::merged;

/// Members that certificates find their user by.
const BINDINGS: [&str; 2] = ["certificateUserIds", "onPremisesUserPrincipalName"];

/// What changes of a user; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What the person signs in with.
    pub user_principal_name: Option<String>,
    /// Name for display.
    pub display_name: Option<String>,
    /// First name, or none any more.
    pub given_name: Option<Option<String>>,
    /// Family name, or none any more.
    pub surname: Option<Option<String>>,
    /// Address, or none any more.
    pub mail: Option<Option<String>>,
    /// Whether the person may sign in.
    pub state: Option<Enabled>,
    /// Another password.
    pub password: Option<Secret<String>>,
    /// Members of the profile, by their names.
    pub profile: Map<String, Value>,
}

impl Directory {
    /// Changes a user. Another password, and an end of the right to sign in, revoke what the user was issued.
    pub async fn update_user(&self, cx: &Cx, id: ObjectId, mut change: UserChange) -> Result<(), DirectoryError> {
        let hash = match change.password.take() {
            Some(password) => {
                let known = self.find_user_by_id(cx, id).await?;
                let mut known = known.ok_or(DirectoryError::NotFound("user"))?;
                apply(&mut known, &change)?;
                Some(self.hash_password(cx, &known, password).await?)
            }
            None => None,
        };
        let revokes = hash.is_some() || change.state == Some(Enabled::No);
        self.change(cx, (id, change, hash), |(id, change, hash), tx| {
            Box::pin(async move {
                let found = Users(tx).find(*id).await?;
                let mut user = found.ok_or(DirectoryError::NotFound("user"))?;
                let before = user.clone();
                if change.user_principal_name.is_some() {
                    user.user_principal_name = change.user_principal_name.clone().unwrap_or_default();
                    check_domain(tx, &user.user_principal_name).await?;
                }
                if change.state == Some(Enabled::No) && Roles(tx).is_last_administrator(*id).await? {
                    return Err(DirectoryError::LastAdministrator);
                }
                let watch = if change.state.is_some() || change.profile.contains_key("userType") {
                    Watch::before(tx).await?
                } else {
                    Watch::default()
                };
                apply(&mut user, change)?;
                Users(tx).update(&user).await?;
                watch.after(tx).await?;
                tell_address(tx, &before, &user).await?;
                update_password(tx, &user, hash.as_ref()).await?;
                changed(tx, Followed::Users, *id, Became::Different).await?;
                if hash.is_some() || change.state == Some(Enabled::No) {
                    revoke_all_of(tx, *id).await?;
                }
                if hash.is_some() {
                    tell(tx, *id, PASSWORD_CHANGED).await?;
                }
                if BINDINGS.iter().any(|name| change.profile.contains_key(*name)) {
                    tell(tx, *id, CERTIFICATES_CHANGED).await?;
                }
                record(tx, *id, change, hash.is_some()).await
            })
        })
        .await?;
        if revokes {
            self.know_revoked(cx, id).await?;
        }
        Ok(())
    }

    /// Somebody changes their own password, which they know. Wrong ones count as at sign-in.
    pub async fn change_password(
        &self,
        cx: &Cx,
        id: ObjectId,
        (current, new): (Secret<String>, Secret<String>),
    ) -> Result<(), DirectoryError> {
        let known = self
            .store()
            .read(cx, id, |id, tx| {
                Box::pin(async move {
                    let lockout = Users(tx).lockout(*id).await?;
                    Ok::<_, StoreError>((Users(tx).password(*id).await?, lockout))
                })
            })
            .await?;
        let (hash, lockout) = known;
        if lockout.is_locked(cx.now) || is_too_long(current.expose()) {
            return Err(DirectoryError::WrongPassword);
        }
        let is_same = current.expose() == new.expose();
        let text = Secret::new(format!("{id}{}", current.expose()));
        let rule = self.lockout_rule(cx).await?;
        let digest = self.derive(crate::PASSWORD_MARKS).digest(text.expose());
        if !self.passwords().verify(current, hash).await? {
            self.count_wrong_password(cx, id, ([digest[0], digest[1]], rule))
                .await?;
            return Err(DirectoryError::WrongPassword);
        }
        // Looked at again: of guesses that are sent at once, those after the lock find nothing out.
        let lifetime = self.access_rules(cx).await?.protection.first_password();
        let (lockout, given_at) = self
            .store()
            .read(cx, id, |id, tx| {
                Box::pin(async move {
                    let given_at = FirstPasswords(tx).find(*id).await?;
                    Ok::<_, StoreError>((Users(tx).lockout(*id).await?, given_at))
                })
            })
            .await?;
        // Nor is one taken that was given to be changed and has ended.
        let has_ended = given_at.is_some_and(|given_at| given_at + lifetime <= cx.now);
        if has_ended || lockout.is_locked(cx.now) {
            return Err(DirectoryError::WrongPassword);
        }
        if is_same {
            return Err(WeakPassword::Same.into());
        }
        let change = UserChange {
            password: Some(new),
            profile: Map::from_iter([
                ("forceChangePasswordNextSignIn".to_owned(), false.into()),
                ("forceChangePasswordNextSignInWithMfa".to_owned(), false.into()),
            ]),
            ..UserChange::default()
        };
        self.update_user(cx, id, change).await
    }

    /// When an account of the context's tenant locks.
    pub async fn lockout_rule(&self, cx: &Cx) -> Result<LockoutRule, StoreError> {
        let rules = self.access_rules(cx).await?;
        Ok(LockoutRule {
            threshold: rules.protection.threshold,
            first: rules.protection.first_lock(),
        })
    }

    async fn count_wrong_password(
        &self,
        cx: &Cx,
        id: ObjectId,
        (mark, rule): (Mark, LockoutRule),
    ) -> Result<(), DirectoryError> {
        let refused = hygie_store::audit::Outcome::Refused;
        let record = Record::success(cx, "idp.user.password", format!("user/{id}")).ended(refused, "wrong_password");
        self.change(cx, (id, (mark, rule), record), |(id, (mark, rule), record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let next = Users(tx).lockout(*id).await?.failed_by(*rule, *mark, now);
                Users(tx).set_lockout(*id, &next).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// What the change makes of a user, the password apart.
fn apply(user: &mut User, change: &UserChange) -> Result<(), DirectoryError> {
    // One of before that rule is kept.
    if let Some(name) = &change.user_principal_name
        && *name != user.user_principal_name
    {
        user.user_principal_name = user_principal_name(name)?;
    }
    if let Some(name) = &change.display_name {
        user.display_name = named(name.clone())?;
    }
    for (member, text, wrong) in [
        (&mut user.given_name, &change.given_name, "givenName"),
        (&mut user.surname, &change.surname, "surname"),
        (&mut user.mail, &change.mail, "mail"),
    ] {
        if let Some(text) = text {
            let text = text.clone().map(named).transpose();
            *member = text.map_err(|_| DirectoryError::Value(wrong))?;
        }
    }
    if let Some(state) = change.state {
        user.is_enabled = state == Enabled::Yes;
    }
    *user.profile = merged(&*user.profile, &change.profile)?;
    user.profile.check().map_err(DirectoryError::Value)
}

async fn update_password(tx: &mut Tx<'_>, user: &User, hash: Option<&Secret<String>>) -> Result<(), StoreError> {
    if let Some(hash) = hash {
        let now = tx.cx().now;
        Users(tx).set_password(user.id, hash, now).await?;
        Users(tx).clear_lockout(user.id).await?;
        // Somebody else may have known the old one and signed in with it.
        Familiar(tx).forget(user.id).await?;
        given(tx, user).await?;
    } else if !user.profile.must_change_password() {
        // It lasts from now on; where it is to be changed later it is no first one.
        FirstPasswords(tx).remove(user.id).await?;
    }
    Ok(())
}

/// A password and the right to sign in are recorded by themselves: they are looked for.
async fn record(tx: &mut Tx<'_>, id: ObjectId, change: &UserChange, has_password: bool) -> Result<(), DirectoryError> {
    let state = change.state.map(|state| match state {
        Enabled::Yes => "idp.user.enable",
        Enabled::No => "idp.user.disable",
    });
    let password = has_password.then_some("idp.user.password");
    for action in ["idp.user.update"].into_iter().chain(state).chain(password) {
        let record = Record::success(tx.cx(), action, format!("user/{id}"));
        tx.audit(&record).await?;
    }
    Ok(())
}
