//! Whether a password is a user's.

use hygie_core::{Cx, ObjectId, Secret, Timestamp};
use hygie_directory::repo::{Familiar, FirstPasswords, Lockout, SignIns, Users};
use hygie_directory::{LockoutRule, Mark, SignInEntry, User, is_too_long, key_of, lockout_of};
use hygie_oidc::{Aadsts, Refusal};
use hygie_store::audit::{Outcome, Record};
use uuid::Uuid;

use super::attempt::refused;
use crate::token::Asking;
use crate::{Idp, IdpError};

/// Longest name that is looked for.
const MAX_NAME: usize = 256;

/// What is known of a name.
struct Credentials {
    /// The user and the hash of the password, when somebody has the name.
    known: Option<(User, Option<Secret<String>>)>,
    /// Where the failures are kept.
    place: Place,
    /// The failures.
    lockout: Lockout,
    /// When the password was given to be changed, where it was.
    given_at: Option<Timestamp>,
}

/// Where failures are kept: of a familiar browser apart from those of everywhere else.
#[derive(Clone, Copy)]
struct Place {
    /// The user, or what stands in for a name that nobody has.
    id: ObjectId,
    /// The familiar browser.
    browser: Option<[u8; 32]>,
}

/// What somebody presents at a form, or an application for them.
pub struct PresentedPassword<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: Secret<String>,
    /// What the browser says that it is, where one is there.
    pub browser: Option<&'a str>,
}

impl Idp {
    /// The user of this name and password, in the tenant of `cx`. What an unknown name and a wrong password are answered
    /// is the same, after the same work: both are hashed, counted, and locked.
    ///
    /// A failure of a known user is recorded with the user, and in the log of sign-ins where somebody signs in (`asking`); the
    /// others are left to the audit layer.
    pub async fn check_password(
        &self,
        cx: &Cx,
        presented: PresentedPassword<'_>,
        asking: Option<&Asking>,
    ) -> Result<User, IdpError> {
        let throttle = &self.inner().throttle;
        if throttle.is_closed(cx.client, cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        let checked = self.checked(cx, presented, asking).await;
        if let Err(IdpError::Refused(_) | IdpError::Recorded(_)) = &checked {
            throttle.count(cx.client, cx.now);
        }
        checked
    }

    async fn checked(
        &self,
        cx: &Cx,
        presented: PresentedPassword<'_>,
        asking: Option<&Asking>,
    ) -> Result<User, IdpError> {
        let PresentedPassword {
            name,
            password,
            browser,
        } = presented;
        if is_too_long(password.expose()) || name.len() > MAX_NAME {
            return Err(Refusal::new(Aadsts::BadCredentials).into());
        }
        let Credentials {
            known,
            place,
            lockout,
            given_at,
        } = self.find_credentials(cx, (name, browser)).await?;
        let (user, hash) = known.unzip();
        let entry = match (&user, asking) {
            (Some(user), Some(asking)) => Some(self.attempt(cx, asking, user).await?),
            _ => None,
        };
        if lockout.is_locked(cx.now) {
            let refusal = Refusal::new(Aadsts::Locked);
            if asking.is_some() {
                let entry = entry.map(|entry| refused(entry, &refusal));
                self.log_locked(cx, place.id, entry).await?;
            }
            return Err(refusal.into());
        }
        let mark = self.mark(place.id, &password);
        let matches = self.directory().passwords().verify(password, hash.flatten()).await?;
        let record = |user: &User, reason| {
            Record::success(cx, "idp.signin", format!("user/{}", user.id)).ended(Outcome::Refused, reason)
        };
        let Some(user) = user.as_ref().filter(|_| matches) else {
            let record = user.map(|user| record(&user, "AADSTS50126"));
            return Err(self.count_failure(cx, (place, mark), record, entry).await?);
        };
        if !user.is_enabled {
            let record = record(user, "AADSTS50057");
            return Err(self
                .refuse_known(cx, (place, record), Aadsts::UserDisabled, entry)
                .await?);
        }
        let first_password = self.directory().access_rules(cx).await?.protection.first_password();
        let has_ended = given_at.is_some_and(|given_at| given_at + first_password <= cx.now);
        if has_ended && user.profile.must_change_password() {
            let record = record(user, "AADSTS50055");
            return Err(self
                .refuse_known(cx, (place, record), Aadsts::PasswordExpired, entry)
                .await?);
        }
        Ok(user.clone())
    }

    /// Records the refusal of somebody whose password is the right one; of guesses that are sent at once, those after the lock find
    /// nothing out.
    async fn refuse_known(
        &self,
        cx: &Cx,
        (place, record): (Place, Record),
        code: Aadsts,
        entry: Option<SignInEntry>,
    ) -> Result<IdpError, IdpError> {
        let written = self
            .inner()
            .store
            .write(cx, (place, record, entry, code), |(place, record, entry, code), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let lockout = lockout_of(tx, place.id, place.browser.as_ref()).await?;
                    let (code, record) = if lockout.is_locked(now) {
                        (Aadsts::Locked, record.clone().ended(Outcome::Refused, "AADSTS50053"))
                    } else {
                        (*code, record.clone())
                    };
                    let refusal = Refusal::new(code);
                    tx.audit(&record).await?;
                    if let Some(entry) = entry {
                        SignIns(tx).insert(&refused(entry.clone(), &refusal)).await?;
                    }
                    Ok::<_, IdpError>(refusal)
                })
            });
        Ok(IdpError::Recorded(written.await?))
    }

    async fn find_credentials(&self, cx: &Cx, (name, browser): (&str, Option<&str>)) -> Result<Credentials, IdpError> {
        let input = (name.to_owned(), self.stand_in(name), self.familiar_digest(browser));
        self.inner()
            .store
            .read(cx, input, |(name, stand_in, browser), tx| {
                Box::pin(async move {
                    let known = Users(tx).find_by_name(name).await?;
                    let id = known.as_ref().map_or(*stand_in, |(user, _)| user.id);
                    // A name that nobody has costs the same look.
                    let familiar = match browser {
                        Some(browser) => Familiar(tx).find(id, browser).await?,
                        None => None,
                    };
                    let place = Place {
                        id,
                        browser: browser.filter(|_| familiar.is_some()),
                    };
                    let lockout = match familiar {
                        Some(lockout) => lockout,
                        None => Users(tx).lockout(id).await?,
                    };
                    let given_at = FirstPasswords(tx).find(id).await?;
                    Ok(Credentials {
                        known,
                        place,
                        lockout,
                        given_at,
                    })
                })
            })
            .await
    }

    /// Sets the password that somebody chose in a browser ([`hygie_directory::Directory::set_password`]).
    pub async fn choose_password(
        &self,
        cx: &Cx,
        (user, browser): (ObjectId, Option<&str>),
        password: Secret<String>,
    ) -> Result<(), hygie_directory::DirectoryError> {
        let at = (user, self.familiar_digest(browser));
        self.directory().set_password_in(cx, at, password).await
    }

    /// Where the failures of a name that nobody has are kept, so that it locks as others do. There are 65 536 such places
    /// in a tenant: invented names share them and fill no disk.
    fn stand_in(&self, name: &str) -> ObjectId {
        let digest = self.inner().digests.password_marks.digest(key_of(name));
        ObjectId::from_uuid(Uuid::from_u64_pair(u64::from(digest[0]) << 8 | u64::from(digest[1]), 0))
    }

    fn mark(&self, id: ObjectId, password: &Secret<String>) -> Mark {
        let text = Secret::new(format!("{id}{}", password.expose()));
        let digest = self.inner().digests.password_marks.digest(text.expose());
        [digest[0], digest[1]]
    }

    /// Counts a wrong password and gives the refusal of it.
    async fn count_failure(
        &self,
        cx: &Cx,
        (place, mark): (Place, Mark),
        record: Option<Record>,
        entry: Option<SignInEntry>,
    ) -> Result<IdpError, IdpError> {
        let is_recorded = record.is_some();
        let rule = self.directory().lockout_rule(cx).await?;
        let is_locked = self
            .inner()
            .store
            .write(
                cx,
                ((place, rule), mark, record, entry),
                |((place, rule), mark, record, entry), tx| {
                    Box::pin(async move {
                        let now = tx.cx().now;
                        let is_locked = failed(tx, *place, (*rule, *mark)).await?.is_locked(now);
                        if let Some(record) = record {
                            tx.audit(record).await?;
                        }
                        if let Some(entry) = entry {
                            let entry = refused(entry.clone(), &refusal_of(is_locked));
                            SignIns(tx).insert(&entry).await?;
                        }
                        Ok::<_, IdpError>(is_locked)
                    })
                },
            )
            .await?;
        let refusal = refusal_of(is_locked);
        Ok(if is_recorded {
            IdpError::Recorded(refusal)
        } else {
            refusal.into()
        })
    }
}

/// Counts a failure where it is kept; read again, since others may have failed meanwhile.
async fn failed(
    tx: &mut hygie_store::Tx<'_>,
    place: Place,
    (rule, mark): (LockoutRule, Mark),
) -> Result<Lockout, hygie_store::StoreError> {
    let now = tx.cx().now;
    let next = lockout_of(tx, place.id, place.browser.as_ref())
        .await?
        .failed_by(rule, mark, now);
    if let Some(browser) = &place.browser
        && Familiar(tx).failed(place.id, browser, &next).await?
    {
        return Ok(next);
    }
    // A browser that was forgotten meanwhile is one of all others.
    Users(tx).set_lockout(place.id, &next).await?;
    Ok(next)
}

/// What a wrong password is answered.
fn refusal_of(is_locked: bool) -> Refusal {
    Refusal::new(if is_locked {
        Aadsts::Locked
    } else {
        Aadsts::BadCredentials
    })
}
