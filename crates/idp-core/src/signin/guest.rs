//! Guests: somebody who signed in at home has a session of their own in the tenant that invited them.
//!
//! That session begins with one factor, whatever was proved at home, and has what the guest proved here since. It is worth nothing
//! without the account at home: whoever is disabled or revoked there is so here.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, SessionId, TenantId, Timestamp};
use hygie_directory::repo::{Global, SessionRow, Sessions, Users};
use hygie_directory::{Authentications, Home, Invited, Place, User};
use hygie_oidc::{Aadsts, Account, Refusal};
use hygie_policy::strength::{Mode, Usage};
use hygie_store::audit::Record;

use super::session::SignedIn;
use crate::{Idp, IdpError};

/// What an account of another tenant is at this one.
#[derive(Clone, Debug)]
pub enum Standing {
    /// A guest, in this session.
    Guest(Box<SignedIn>),
    /// Somebody who was invited, and has not accepted.
    Invited(Box<Invited>),
}

impl Idp {
    /// The name that somebody has in the tenant of this context: a guest is called otherwise at home, and their means here are
    /// found by this one.
    pub async fn name_here(&self, cx: &Cx, user: ObjectId) -> Result<String, IdpError> {
        let found = self.directory().find_user_by_id(cx, user).await?;
        let found = found.ok_or_else(|| Refusal::new(Aadsts::UnknownUser))?;
        Ok(found.user_principal_name)
    }

    /// The accounts of a browser that may sign in at a place: those of the tenant and of its guests, each once; at all
    /// tenants those that are at home.
    pub async fn accounts_at(&self, cx: &Cx, cookie: Option<&str>, place: Place) -> Result<Vec<SignedIn>, IdpError> {
        let all = self.accounts(cx, cookie, None).await?;
        let Some(tenant) = place.tenant() else {
            return Ok(all.into_iter().filter(|known| known.home.is_none()).collect());
        };
        let is_here = |known: &&SignedIn| known.account.tenant == tenant;
        let mut accounts: Vec<SignedIn> = all.iter().filter(is_here).cloned().collect();
        for known in all.iter().filter(|known| !is_here(known) && known.home.is_none()) {
            let home = Home {
                tenant: known.account.tenant,
                user: known.account.user,
            };
            let is_theirs = |other: &SignedIn| other.home == Some(home);
            let is_newer = |other: &SignedIn| other.account.auth_time >= known.account.auth_time;
            if accounts.iter().any(|other| is_theirs(other) && is_newer(other)) {
                continue;
            }
            if self.accepted(&cx.for_tenant(tenant), home).await?.is_some() {
                accounts.retain(|other| !is_theirs(other));
                accounts.push(known.clone());
            }
        }
        Ok(accounts)
    }

    /// What an account that is signed in at home is in the tenant of `cx`.
    pub async fn standing(&self, cx: &Cx, at_home: &SignedIn, app: &str) -> Result<Standing, IdpError> {
        let account = &at_home.account;
        let stranger = || Refusal::about(Aadsts::OtherTenant, &[&cx.tenant.to_string(), app]);
        let user = self.home_user(cx, (account.tenant, account.user)).await?;
        let user = user.ok_or_else(|| Refusal::new(Aadsts::UnknownUser))?;
        let found = self.directory().find_guest(cx, account.tenant, &user).await?;
        let found = found.ok_or_else(stranger)?;
        if found.is_pending {
            return Ok(Standing::Invited(Box::new(found)));
        }
        if !found.user.is_enabled {
            return Err(Refusal::new(Aadsts::UserDisabled).into());
        }
        let session = self.guest_session(cx, at_home, found.user).await?;
        Ok(Standing::Guest(Box::new(session)))
    }

    /// Whether what somebody authenticated is still good at home, for whoever is a guest.
    pub(crate) async fn stands_at_home(
        &self,
        cx: &Cx,
        user: &User,
        auth_time: Option<hygie_core::Timestamp>,
    ) -> Result<Option<User>, IdpError> {
        let Some(home) = user.profile.home else {
            return Ok(None);
        };
        let found = self.home_user(cx, (home.tenant, home.user)).await?;
        let found = found.filter(|user| user.is_enabled);
        let found = found.ok_or_else(|| Refusal::new(Aadsts::UserDisabled))?;
        if auth_time.is_some_and(|at| at < found.valid_from) {
            return Err(Refusal::new(Aadsts::SessionRevoked).into());
        }
        Ok(Some(found))
    }

    /// How long a session of somebody goes on without use, and at all: of a guest, the stricter of both tenants.
    pub(crate) async fn lives(&self, cx: &Cx, home: Option<Home>) -> Result<(Duration, Duration), IdpError> {
        let lifetime = self.directory().access_rules(cx).await?.lifetime.clone();
        let here = (lifetime.idle(), lifetime.longest());
        let Some(home) = home else { return Ok(here) };
        let lifetime = self
            .directory()
            .access_rules(&cx.for_tenant(home.tenant))
            .await?
            .lifetime
            .clone();
        Ok((here.0.min(lifetime.idle()), here.1.min(lifetime.longest())))
    }

    async fn home_user(
        &self,
        cx: &Cx,
        (tenant, user): (TenantId, hygie_core::ObjectId),
    ) -> Result<Option<User>, IdpError> {
        self.inner()
            .store
            .read(&cx.for_tenant(tenant), user, |user, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Users(tx).find(*user).await?) })
            })
            .await
    }

    /// The guest who accepted with this account.
    async fn accepted(&self, cx: &Cx, home: Home) -> Result<Option<User>, IdpError> {
        let Some(user) = self.home_user(cx, (home.tenant, home.user)).await? else {
            return Ok(None);
        };
        let found = self.directory().find_guest(cx, home.tenant, &user).await?;
        Ok(found.filter(|found| !found.is_pending).map(|found| found.user))
    }

    /// The session of a guest in the browser of the session at home.
    async fn guest_session(&self, cx: &Cx, at_home: &SignedIn, guest: User) -> Result<SignedIn, IdpError> {
        let home = &at_home.account;
        let ended = || Refusal::new(Aadsts::SessionRevoked);
        let row = self
            .inner()
            .store
            .read(&cx.for_tenant(home.tenant), home.session, |session, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Sessions(tx).find_unrevoked(*session).await?) })
            })
            .await?;
        let row = row.ok_or_else(ended)?;
        let account = Account {
            session: SessionId::random(&*cx.random),
            tenant: cx.tenant,
            user: guest.id,
            user_principal_name: home.user_principal_name.clone(),
            display_name: guest.display_name.clone(),
            auth_time: row.auth_time,
        };
        let of = Home {
            tenant: home.tenant,
            user: home.user,
        };
        let lives = self.lives(cx, Some(of)).await?;
        let begun = begun(cx, &row, &account, lives);
        let cx = Cx {
            principal: Some(self.person(&account, None).into()),
            ..cx.clone()
        };
        let record = Record::success(&cx, "idp.signin.guest", format!("session/{}", begun.id));
        let used = self
            .inner()
            .store
            .write(&cx, (begun, record), |(begun, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let known = Global(tx).list_sessions(&begun.browser, now).await?;
                    let tenant = tx.cx().tenant;
                    let before = known
                        .iter()
                        .find(|known| known.tenant == tenant && known.user == begun.user);
                    let mut row = begun.clone();
                    if let Some(before) = before {
                        row.used = with_earlier(&begun.used, &before.used);
                    }
                    Sessions(tx).insert(&row).await?;
                    tx.audit(record).await?;
                    Ok::<_, IdpError>(row.used)
                })
            })
            .await?;
        Ok(SignedIn {
            home: Some(of),
            account,
            used,
        })
    }
}

/// That somebody signed in at home, and what the guest proved here by other methods before.
fn with_earlier(at_home: &Authentications, here: &Authentications) -> Authentications {
    let mut all = at_home.clone();
    for earlier in here.used() {
        if !all.used().iter().any(|used| used.usage.is_same(&earlier.usage)) {
            all.add(earlier.usage.clone(), earlier.at);
        }
    }
    all
}

/// The session here that follows from one at home. It says that somebody signed in, not by what: whoever runs their house
/// could have given them any means there.
fn begun(cx: &Cx, at_home: &SessionRow, account: &Account, lives: (Duration, Duration)) -> SessionRow {
    let primary_at = at_home.used.primary_at().unwrap_or(at_home.auth_time);
    SessionRow {
        id: account.session,
        user: account.user,
        expires_at: end_of(cx, at_home, lives),
        used: Authentications::of(Usage::of(Mode::Password), primary_at),
        ..*at_home
    }
}

/// A session of a guest is no longer than the one at home could be.
fn end_of(cx: &Cx, row: &SessionRow, (idle, longest): (Duration, Duration)) -> Timestamp {
    (cx.now + idle).min(row.began_at + longest)
}
