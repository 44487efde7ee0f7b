//! Users, groups, memberships.

use hygie_core::{Cx, ObjectId, Secret};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};

use super::told::{PASSWORD_CHANGED, tell};
use super::{Enabled, NewGroup, NewUser, changed, named};
use crate::conditional::Watch;
use crate::password_rules::{self, Owner, WeakPassword};
use crate::repo::{Became, Familiar, FirstPasswords, Followed, Lockout, Roles, Tenants, Users};
use crate::revocation::revoke_all_of;
use crate::{Directory, DirectoryError, Group, User, is_user_principal_name, key_of};

impl Directory {
    /// Creates a user.
    pub async fn create_user(&self, cx: &Cx, new: NewUser) -> Result<User, DirectoryError> {
        let user = User {
            id: ObjectId::random(&*cx.random),
            user_principal_name: user_principal_name(&new.user_principal_name)?,
            display_name: named(new.display_name)?,
            given_name: said(new.given_name, "givenName")?,
            surname: said(new.surname, "surname")?,
            mail: said(new.mail, "mail")?,
            is_enabled: !new.is_disabled,
            valid_from: cx.now,
            created_at: cx.now,
            password_at: new.password.as_ref().map(|_| cx.now),
            profile: Box::new(new.profile),
        };
        user.profile.check().map_err(DirectoryError::Value)?;
        let hash = match new.password {
            Some(password) => Some(self.hash_password(cx, &user, password).await?),
            None => None,
        };
        let record = Record::success(cx, "idp.user.create", format!("user/{}", user.id));
        self.change(cx, (user.clone(), hash, record), |(user, hash, record), tx| {
            Box::pin(async move {
                check_domain(tx, &user.user_principal_name).await?;
                Users(tx).insert(user, hash.as_ref()).await?;
                if hash.is_some() {
                    given(tx, user).await?;
                }
                changed(tx, Followed::Users, user.id, Became::Different).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(user)
    }

    /// The user of this name in the context's tenant.
    pub async fn find_user(&self, cx: &Cx, user_principal_name: &str) -> Result<Option<User>, StoreError> {
        self.store()
            .read(cx, user_principal_name.to_owned(), |name, tx| {
                Box::pin(async move { Ok::<_, StoreError>(Users(tx).find_by_name(name).await?.map(|(user, _)| user)) })
            })
            .await
    }

    /// Sets the password that a person chose, another than the present one, and revokes what was authenticated with that. It
    /// need not be changed at the next sign-in any more. Refused while the account is locked: guesses that were on their way
    /// when it locked change nothing.
    pub async fn set_password(&self, cx: &Cx, user: ObjectId, password: Secret<String>) -> Result<(), DirectoryError> {
        self.set_password_in(cx, (user, None), password).await
    }

    /// The same in a browser, by its digest. Where it is familiar, wrong passwords from elsewhere lock nothing.
    pub async fn set_password_in(
        &self,
        cx: &Cx,
        (user, browser): (ObjectId, Option<[u8; 32]>),
        password: Secret<String>,
    ) -> Result<(), DirectoryError> {
        let known = self.find_user_by_id(cx, user).await?;
        let known = known.ok_or(DirectoryError::NotFound("user"))?;
        let present = self
            .store()
            .read(cx, user, |user, tx| {
                Box::pin(async move { Users(tx).password(*user).await })
            })
            .await?;
        let hash = self.hash_password(cx, &known, password.clone()).await?;
        if self.passwords().verify(password, present).await? {
            return Err(WeakPassword::Same.into());
        }
        let record = Record::success(cx, "idp.user.password", format!("user/{user}"));
        self.change(
            cx,
            ((user, browser), hash, record),
            |((user, browser), hash, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if lockout_of(tx, *user, browser.as_ref()).await?.is_locked(now) {
                        return Err(DirectoryError::WrongPassword);
                    }
                    if !Users(tx).set_password(*user, hash, now).await? {
                        return Err(DirectoryError::NotFound("user"));
                    }
                    Users(tx).clear_lockout(*user).await?;
                    FirstPasswords(tx).remove(*user).await?;
                    // Somebody else may have known the old one and signed in with it elsewhere.
                    match browser {
                        Some(browser) => Familiar(tx).forget_others(*user, browser).await?,
                        None => Familiar(tx).forget(*user).await?,
                    }
                    if let Some(mut known) = Users(tx).find(*user).await?
                        && known.profile.must_change_password()
                    {
                        known.profile.force_change_password_next_sign_in = false;
                        known.profile.force_change_password_next_sign_in_with_mfa = false;
                        Users(tx).update(&known).await?;
                    }
                    changed(tx, Followed::Users, *user, Became::Different).await?;
                    revoke_all_of(tx, *user).await?;
                    tell(tx, *user, PASSWORD_CHANGED).await?;
                    tx.audit(record).await?;
                    Ok(())
                })
            },
        )
        .await?;
        Ok(self.know_revoked(cx, user).await?)
    }

    /// Enables or disables a user; disabling revokes what the user was issued.
    pub async fn set_user_enabled(&self, cx: &Cx, user: ObjectId, state: Enabled) -> Result<(), DirectoryError> {
        let action = match state {
            Enabled::Yes => "idp.user.enable",
            Enabled::No => "idp.user.disable",
        };
        let record = Record::success(cx, action, format!("user/{user}"));
        self.change(cx, (user, state, record), |(user, state, record), tx| {
            Box::pin(async move {
                if *state == Enabled::No && Roles(tx).is_last_administrator(*user).await? {
                    return Err(DirectoryError::LastAdministrator);
                }
                let watch = Watch::before(tx).await?;
                if !Users(tx).set_enabled(*user, *state == Enabled::Yes).await? {
                    return Err(DirectoryError::NotFound("user"));
                }
                if *state == Enabled::No {
                    revoke_all_of(tx, *user).await?;
                }
                watch.after(tx).await?;
                changed(tx, Followed::Users, *user, Became::Different).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        if state == Enabled::No {
            self.know_revoked(cx, user).await?;
        }
        Ok(())
    }

    /// Creates a group.
    pub async fn create_group(&self, cx: &Cx, display_name: &str) -> Result<Group, DirectoryError> {
        let new = NewGroup {
            display_name: display_name.to_owned(),
            ..NewGroup::default()
        };
        self.create_group_with(cx, new).await
    }

    /// The hash of a password that this user may have.
    pub(super) async fn hash_password(
        &self,
        cx: &Cx,
        user: &User,
        password: Secret<String>,
    ) -> Result<Secret<String>, DirectoryError> {
        let tenant = self.find_tenant(cx).await?;
        let rules = self.access_rules(cx).await?;
        let local = user.user_principal_name.split('@').next();
        let names = [
            Some(user.display_name.as_str()),
            user.given_name.as_deref(),
            user.surname.as_deref(),
            local,
        ];
        let owner = Owner {
            user: names.into_iter().flatten().collect(),
            organization: tenant
                .iter()
                .flat_map(|(tenant, domains)| {
                    let first = domains.iter().filter_map(|domain| domain.split('.').next());
                    [tenant.display_name.as_str()].into_iter().chain(first)
                })
                .collect(),
            banned: rules.protection.banned.iter().map(String::as_str).collect(),
            is_lenient: user.profile.has_weak_passwords(),
        };
        password_rules::check(password.expose(), &owner)?;
        self.check_published(&password).await?;
        Ok(self.passwords().hash(password, &*cx.random).await?)
    }
}

/// The failures that count for somebody in this browser: those from there where it is familiar.
pub async fn lockout_of(tx: &mut Tx<'_>, user: ObjectId, browser: Option<&[u8; 32]>) -> Result<Lockout, StoreError> {
    if let Some(browser) = browser
        && let Some(known) = Familiar(tx).find(user, browser).await?
    {
        return Ok(known);
    }
    Users(tx).lockout(user).await
}

/// Notes whether the password that somebody was just given has to be changed.
pub(super) async fn given(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    let now = tx.cx().now;
    if user.profile.must_change_password() {
        FirstPasswords(tx).given(user.id, now).await
    } else {
        FirstPasswords(tx).remove(user.id).await
    }
}

/// The domain of a name must be one of the tenant.
pub(super) async fn check_domain(tx: &mut Tx<'_>, name: &str) -> Result<(), DirectoryError> {
    let domains = Tenants(tx).list_domains().await?;
    let key = key_of(name);
    let domain = key.rsplit_once('@').map(|(_, domain)| domain);
    match domain {
        Some(domain) if domains.iter().any(|known| known == domain) => Ok(()),
        _ => Err(DirectoryError::Value("userPrincipalName")),
    }
}

/// A member that may be left out, refused by its own name.
fn said(text: Option<String>, member: &'static str) -> Result<Option<String>, DirectoryError> {
    let text = text.map(named).transpose();
    text.map_err(|_| DirectoryError::Value(member))
}

/// A name to be given: of the characters that Entra ID takes, so that none looks like another.
/// <https://learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-userprincipalname>
pub(super) fn user_principal_name(name: &str) -> Result<String, DirectoryError> {
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"'.-_!#^~@".contains(&byte);
    if is_user_principal_name(name) && name.bytes().all(is_taken) {
        Ok(name.to_owned())
    } else {
        Err(DirectoryError::Value("userPrincipalName"))
    }
}
