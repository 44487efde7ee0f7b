//! Whether a password is a user's.

use hygie_core::{Cx, Secret};
use hygie_oidc::{Aadsts, Refusal};
use hygie_store::audit::{Outcome, Record};

use crate::directory::User;
use crate::password::MAX_PASSWORD;
use crate::repo::{Lockout, Users};
use crate::{Idp, IdpError};

/// Longest name that is looked for.
const MAX_NAME: usize = 256;

/// A user, the hash of the password, the failures.
type Credentials = (User, Option<Secret<String>>, Lockout);

impl Idp {
    /// The user of this name and password, in the tenant of `cx`. What an unknown name and a wrong password are answered
    /// is the same, after the same time.
    ///
    /// A failure of a known user is counted and recorded in one transaction; the others are left to the audit layer.
    pub(crate) async fn check_password(&self, cx: &Cx, name: &str, password: Secret<String>) -> Result<User, IdpError> {
        let throttle = &self.inner().throttle;
        if throttle.is_closed(cx.client, cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        let checked = self.checked(cx, name, password).await;
        if let Err(IdpError::Refused(_)) = &checked {
            throttle.failed(cx.client, cx.now);
        }
        checked
    }

    async fn checked(&self, cx: &Cx, name: &str, password: Secret<String>) -> Result<User, IdpError> {
        let wrong = || Refusal::new(Aadsts::BadCredentials);
        if password.expose().len() > MAX_PASSWORD || name.len() > MAX_NAME {
            return Err(wrong().into());
        }
        let passwords = &self.inner().passwords;
        let Some((user, hash, lockout)) = self.find_credentials(cx, name).await? else {
            passwords.verify(password, None).await?;
            return Err(wrong().into());
        };
        if lockout.is_locked(cx.now) {
            return Err(Refusal::new(Aadsts::Locked).into());
        }
        let mark = self.mark(&user, &password);
        if !passwords.verify(password, hash).await? {
            let is_locked = self.count_failure(cx, &user, mark).await?;
            return Err(Refusal::new(if is_locked {
                Aadsts::Locked
            } else {
                Aadsts::BadCredentials
            })
            .into());
        }
        if !user.is_enabled {
            return Err(Refusal::new(Aadsts::UserDisabled).into());
        }
        Ok(user)
    }

    async fn find_credentials(&self, cx: &Cx, name: &str) -> Result<Option<Credentials>, IdpError> {
        self.inner()
            .store
            .read(cx, name.to_owned(), |name, tx| {
                Box::pin(async move {
                    let Some((user, hash)) = Users(tx).find_by_name(name).await? else {
                        return Ok(None);
                    };
                    let lockout = Users(tx).lockout(user.id).await?;
                    Ok(Some((user, hash, lockout)))
                })
            })
            .await
    }

    fn mark(&self, user: &User, password: &Secret<String>) -> [u8; 2] {
        let text = Secret::new(format!("{}{}", user.id, password.expose()));
        let digest = self.inner().digests.password_marks.digest(text.expose());
        [digest[0], digest[1]]
    }

    async fn count_failure(&self, cx: &Cx, user: &User, mark: [u8; 2]) -> Result<bool, IdpError> {
        let record = Record::success(cx, "idp.signin", format!("user/{}", user.id));
        let input = (user.id, mark, record.ended(Outcome::Refused, "AADSTS50126"));
        self.inner()
            .store
            .write(cx, input, |(user, mark, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    // Read again: others may have failed since.
                    let next = Users(tx).lockout(*user).await?.failed(*mark, now);
                    Users(tx).set_lockout(*user, &next).await?;
                    tx.audit(record).await?;
                    Ok::<_, IdpError>(next.is_locked(now))
                })
            })
            .await
    }
}
