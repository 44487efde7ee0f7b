//! Whether a password is a user's.

use hygie_core::{Cx, ObjectId, Secret};
use hygie_directory::repo::{Lockout, SignIns, Users};
use hygie_directory::{MAX_PASSWORD, Mark, SignInEntry, User, key_of};
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
    id: ObjectId,
    /// The failures.
    lockout: Lockout,
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
        name: &str,
        password: Secret<String>,
        asking: Option<&Asking>,
    ) -> Result<User, IdpError> {
        let throttle = &self.inner().throttle;
        if throttle.is_closed(cx.client, cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        let checked = self.checked(cx, name, password, asking).await;
        if let Err(IdpError::Refused(_) | IdpError::Recorded(_)) = &checked {
            throttle.count(cx.client, cx.now);
        }
        checked
    }

    async fn checked(
        &self,
        cx: &Cx,
        name: &str,
        password: Secret<String>,
        asking: Option<&Asking>,
    ) -> Result<User, IdpError> {
        if password.expose().len() > MAX_PASSWORD || name.len() > MAX_NAME {
            return Err(Refusal::new(Aadsts::BadCredentials).into());
        }
        let Credentials { known, id, lockout } = self.find_credentials(cx, name).await?;
        let (user, hash) = known.unzip();
        let entry = match (&user, asking) {
            (Some(user), Some(asking)) => Some(self.attempt(cx, asking, user).await?),
            _ => None,
        };
        if lockout.is_locked(cx.now) {
            let refusal = Refusal::new(Aadsts::Locked);
            if asking.is_some() {
                let entry = entry.map(|entry| refused(entry, &refusal));
                self.log_locked(cx, id, entry).await?;
            }
            return Err(refusal.into());
        }
        let mark = self.mark(id, &password);
        let matches = self.directory().passwords().verify(password, hash.flatten()).await?;
        let record = |user: &User, reason| {
            Record::success(cx, "idp.signin", format!("user/{}", user.id)).ended(Outcome::Refused, reason)
        };
        let Some(user) = user.as_ref().filter(|_| matches) else {
            let record = user.map(|user| record(&user, "AADSTS50126"));
            return Err(self.count_failure(cx, (id, mark), record, entry).await?);
        };
        if !user.is_enabled {
            self.inner().store.record(record(user, "AADSTS50057")).await?;
            let refusal = Refusal::new(Aadsts::UserDisabled);
            if let Some(entry) = entry {
                self.directory().log_sign_in(cx, refused(entry, &refusal)).await?;
            }
            return Err(IdpError::Recorded(refusal));
        }
        Ok(user.clone())
    }

    async fn find_credentials(&self, cx: &Cx, name: &str) -> Result<Credentials, IdpError> {
        self.inner()
            .store
            .read(cx, (name.to_owned(), self.stand_in(name)), |(name, stand_in), tx| {
                Box::pin(async move {
                    let known = Users(tx).find_by_name(name).await?;
                    let id = known.as_ref().map_or(*stand_in, |(user, _)| user.id);
                    let lockout = Users(tx).lockout(id).await?;
                    Ok(Credentials { known, id, lockout })
                })
            })
            .await
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
        (id, mark): (ObjectId, Mark),
        record: Option<Record>,
        entry: Option<SignInEntry>,
    ) -> Result<IdpError, IdpError> {
        let is_recorded = record.is_some();
        let is_locked = self
            .inner()
            .store
            .write(cx, (id, mark, record, entry), |(id, mark, record, entry), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    // Read again: others may have failed since.
                    let next = Users(tx).lockout(*id).await?.failed(*mark, now);
                    Users(tx).set_lockout(*id, &next).await?;
                    if let Some(record) = record {
                        tx.audit(record).await?;
                    }
                    let is_locked = next.is_locked(now);
                    if let Some(entry) = entry {
                        let entry = refused(entry.clone(), &refusal_of(is_locked));
                        SignIns(tx).insert(&entry).await?;
                    }
                    Ok::<_, IdpError>(is_locked)
                })
            })
            .await?;
        let refusal = refusal_of(is_locked);
        Ok(if is_recorded {
            IdpError::Recorded(refusal)
        } else {
            refusal.into()
        })
    }
}

/// What a wrong password is answered.
fn refusal_of(is_locked: bool) -> Refusal {
    Refusal::new(if is_locked {
        Aadsts::Locked
    } else {
        Aadsts::BadCredentials
    })
}
