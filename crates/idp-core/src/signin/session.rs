//! Sessions: one cookie per browser, one session per account that signed in there.

use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, Secret, SessionId, TenantId};
use hygie_directory::repo::{BrowserSession, Familiar, Global, Lockout, SessionRow, Sessions, Users};
use hygie_directory::{Authentications, Home, User, lockout_of};
use hygie_oidc::{Aadsts, Account, Refusal};
use hygie_policy::strength::{Mode, Usage};
use hygie_store::Tx;
use hygie_store::audit::Record;

use crate::{Idp, IdpError};

/// An account that is signed in in a browser.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// As the protocol sees it.
    pub account: Account,
    /// How the person authenticated, each method with its instant.
    pub used: Authentications,
    /// Of a guest, the account at home: whose user principal name is that of `account`.
    pub home: Option<Home>,
}

/// The cookie of a browser, which changes with each sign-in.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// The next value.
    pub browser: Secret<String>,
    /// The value that it sent, whose other sessions go on under the next one.
    pub previous: Option<String>,
    /// What the browser is known by, where it may be one that the person signed in from.
    pub familiar: Option<Secret<String>>,
}

/// A session to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose.
    pub user: User,
    /// The cookie.
    pub cookies: Cookies,
    /// How the person authenticated.
    pub usage: Usage,
}

impl Idp {
    /// The accounts of the browser with this cookie, in `tenant` or in all of them, the last used first.
    pub async fn accounts(
        &self,
        cx: &Cx,
        cookie: Option<&str>,
        tenant: Option<TenantId>,
    ) -> Result<Vec<SignedIn>, IdpError> {
        let Some(cookie) = cookie else {
            return Ok(Vec::new());
        };
        let inner = self.inner();
        let browser = inner.digests.browsers.digest(cookie);
        let sessions = inner
            .store
            .read(cx, browser, |browser, tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    Ok::<_, IdpError>(Global(tx).list_sessions(browser, now).await?)
                })
            })
            .await?;
        let mut accounts = Vec::new();
        for session in sessions
            .into_iter()
            .filter(|s| tenant.is_none_or(|tenant| s.tenant == tenant))
        {
            accounts.extend(self.signed_in(cx, session).await?);
        }
        Ok(accounts)
    }

    async fn signed_in(&self, cx: &Cx, session: BrowserSession) -> Result<Option<SignedIn>, IdpError> {
        let cx = cx.for_tenant(session.tenant);
        let user = self
            .inner()
            .store
            .read(&cx, session.user, |user, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Users(tx).find(*user).await?) })
            })
            .await?;
        let live = user.filter(|user| user.is_enabled && session.auth_time >= user.valid_from);
        let Some(user) = live else { return Ok(None) };
        // What its row says was reckoned by what held when it was last used.
        let (idle, longest) = self.lives(&cx, user.profile.home).await?;
        if session.used_at + idle <= cx.now || session.began_at + longest <= cx.now {
            return Ok(None);
        }
        let at_home = match self.stands_at_home(&cx, &user, Some(session.auth_time)).await {
            Ok(at_home) => at_home,
            Err(IdpError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(SignedIn {
            home: user.profile.home,
            account: Account {
                session: session.id,
                tenant: session.tenant,
                user: user.id,
                user_principal_name: at_home.map_or(user.user_principal_name, |user| user.user_principal_name),
                display_name: user.display_name,
                auth_time: session.auth_time,
            },
            used: session.used,
        }))
    }

    /// Begins a session after the credentials were checked; the failures before are forgotten, unless they locked the
    /// account while this password was being checked: many guesses at once are no more than one after the other. Nor
    /// does it begin when the password was changed or the user disabled meanwhile.
    pub async fn begin_session(&self, cx: &Cx, new: NewSession) -> Result<SignedIn, IdpError> {
        let (checked, is_password) = (new.user.valid_from, new.usage.mode == Mode::Password);
        let used = Authentications::of(new.usage, cx.now);
        let idle = self.directory().access_rules(cx).await?.lifetime.idle();
        let (browser, previous) = self.digests_of(&new.cookies);
        let familiar = new.cookies.familiar.as_ref().map(|known| known.expose().as_str());
        let familiar = self.familiar_digest(familiar);
        let row = SessionRow {
            id: SessionId::random(&*cx.random),
            browser,
            user: new.user.id,
            used: used.clone(),
            auth_time: cx.now,
            began_at: cx.now,
            expires_at: cx.now + idle,
        };
        let account = Account {
            session: row.id,
            tenant: cx.tenant,
            user: new.user.id,
            user_principal_name: new.user.user_principal_name.clone(),
            display_name: new.user.display_name.clone(),
            auth_time: cx.now,
        };
        let cx = Cx {
            principal: Some(self.person(&account, None).into()),
            ..cx.clone()
        };
        let record = Record::success(&cx, "idp.signin", format!("session/{}", row.id));
        self.inner()
            .store
            .write(
                &cx,
                (row, (previous, familiar), (checked, is_password), record),
                |(row, (previous, familiar), (checked, is_password), record), tx| {
                    Box::pin(async move {
                        let user = Users(tx).find(row.user).await?;
                        if user.is_none_or(|user| !user.is_enabled || user.valid_from != *checked) {
                            return Err(Refusal::new(Aadsts::BadCredentials).into());
                        }
                        if let Some(previous) = previous {
                            Global(tx).move_sessions(previous, &row.browser).await?;
                        }
                        // Wrong passwords lock passwords: nobody shuts others out of their passkeys.
                        if *is_password {
                            unlocked(tx, row.user, familiar.as_ref()).await?;
                        }
                        Sessions(tx).insert(row).await?;
                        tx.audit(record).await?;
                        Ok::<_, IdpError>(())
                    })
                },
            )
            .await?;
        Ok(SignedIn {
            account,
            used,
            home: None,
        })
    }

    /// Notes that the person of a live session proved more. The browser's cookie changes with it: who knew it before knows
    /// nothing of the session that is worth more now.
    pub async fn step_up(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        cookies: Cookies,
        usage: Usage,
    ) -> Result<SignedIn, IdpError> {
        let account = &signed_in.account;
        let cx = Cx {
            principal: Some(self.person(account, None).into()),
            ..cx.for_tenant(account.tenant)
        };
        let record = Record::success(&cx, "idp.signin.step", format!("session/{}", account.session));
        let (browser, previous) = self.digests_of(&cookies);
        let used = self
            .inner()
            .store
            .write(
                &cx,
                (account.session, usage, (previous, browser), record),
                |(session, usage, (previous, browser), record), tx| {
                    Box::pin(async move {
                        let now = tx.cx().now;
                        let ended = || IdpError::from(Refusal::new(Aadsts::SessionRevoked));
                        let row = Sessions(tx).find_unrevoked(*session).await?.ok_or_else(ended)?;
                        let user = Users(tx).find(row.user).await?;
                        if user.is_none_or(|user| !user.is_enabled || row.auth_time < user.valid_from) {
                            return Err(ended());
                        }
                        let mut used = row.used;
                        used.add(usage.clone(), now);
                        let auth_time = used.primary_at().unwrap_or(row.auth_time);
                        if !Sessions(tx).authenticated(*session, &used, (auth_time, now)).await? {
                            return Err(ended());
                        }
                        if let Some(previous) = previous {
                            Global(tx).move_sessions(previous, browser).await?;
                        }
                        tx.audit(record).await?;
                        Ok(used)
                    })
                },
            )
            .await?;
        Ok(SignedIn {
            account: Account {
                auth_time: used.primary_at().unwrap_or(account.auth_time),
                ..account.clone()
            },
            used,
            home: signed_in.home,
        })
    }

    fn digests_of(&self, cookies: &Cookies) -> ([u8; 32], Option<[u8; 32]>) {
        let digest = |cookie: &str| self.inner().digests.browsers.digest(cookie);
        (
            digest(cookies.browser.expose()),
            cookies.previous.as_deref().map(digest),
        )
    }

    /// Ends the sessions of a browser (of `only` one account, or all) and gives the applications they were used for.
    /// Refresh tokens live on, as in Entra ID: they belong to applications, not to the browser.
    pub async fn sign_out(&self, cx: &Cx, accounts: &[SignedIn]) -> Result<Vec<(SignedIn, AppId)>, IdpError> {
        let mut apps = Vec::new();
        for signed_in in accounts {
            let account = &signed_in.account;
            let cx = Cx {
                principal: Some(self.person(account, None).into()),
                ..cx.for_tenant(account.tenant)
            };
            let record = Record::success(&cx, "idp.signout", format!("session/{}", account.session));
            let used = self
                .inner()
                .store
                .write(&cx, (account.session, record), |(session, record), tx| {
                    Box::pin(async move {
                        let now = tx.cx().now;
                        Sessions(tx).end(*session, now).await?;
                        tx.audit(record).await?;
                        Ok::<_, IdpError>(Sessions(tx).list_apps(*session).await?)
                    })
                })
                .await?;
            apps.extend(used.into_iter().map(|app| (signed_in.clone(), app)));
        }
        Ok(apps)
    }

    /// A person as the actor of a record.
    pub fn person(&self, account: &Account, app: Option<AppId>) -> Principal {
        Principal {
            app,
            session: Some(account.session),
            ..self.actor(account.tenant, account.user, PrincipalKind::User)
        }
    }

    /// Somebody of a tenant as the actor of a record.
    pub(crate) fn actor(&self, tenant: TenantId, subject: ObjectId, kind: PrincipalKind) -> Principal {
        Principal {
            issuer: self.inner().provider.issuer_v1(tenant),
            tenant,
            subject,
            kind,
            app: None,
            groups: Vec::new(),
            app_roles: Vec::new(),
            scopes: Vec::new(),
            session: None,
            professional: None,
        }
    }
}

/// Refuses a password where wrong ones locked the account meanwhile, and forgets them otherwise: those from a familiar browser by
/// who is in front of it, those from elsewhere by who comes from elsewhere.
async fn unlocked(tx: &mut Tx<'_>, user: ObjectId, browser: Option<&[u8; 32]>) -> Result<(), IdpError> {
    let now = tx.cx().now;
    if lockout_of(tx, user, browser).await?.is_locked(now) {
        return Err(Refusal::new(Aadsts::Locked).into());
    }
    if let Some(browser) = browser
        && Familiar(tx).find(user, browser).await?.is_some()
    {
        Familiar(tx).failed(user, browser, &Lockout::default()).await?;
        return Ok(());
    }
    Ok(Users(tx).clear_lockout(user).await?)
}
