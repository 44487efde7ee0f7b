//! Whether a password is a user's.

use hygie_core::{Cx, Secret};
use hygie_oidc::{Aadsts, Refusal};
use hygie_store::audit::{Outcome, Record};

use crate::directory::User;
use crate::password::MAX_PASSWORD;
use crate::repo::Users;
use crate::{Idp, IdpError};

impl Idp {
    /// The user of this name and password, in the tenant of `cx`. What an unknown name and a wrong password are answered
    /// is the same, after the same time.
    ///
    /// A failure of a known user is counted and recorded in one transaction; the others are left to the audit layer.
    pub(crate) async fn check_password(&self, cx: &Cx, name: &str, password: Secret<String>) -> Result<User, IdpError> {
        let wrong = || Refusal::new(Aadsts::BadCredentials);
        if password.expose().len() > MAX_PASSWORD || name.len() > 256 {
            return Err(wrong().into());
        }
        let inner = self.inner();
        let found = inner
            .store
            .read(cx, name.to_owned(), |name, tx| {
                Box::pin(async move {
                    let Some((user, hash)) = Users(tx).find_by_name(name).await? else {
                        return Ok::<_, IdpError>(None);
                    };
                    let lockout = Users(tx).lockout(user.id).await?;
                    Ok(Some((user, hash, lockout)))
                })
            })
            .await?;
        let Some((user, hash, lockout)) = found else {
            inner.passwords.verify(password, None).await?;
            return Err(wrong().into());
        };
        if lockout.is_locked(cx.now) {
            return Err(Refusal::new(Aadsts::Locked).into());
        }
        let mark = self.mark(&user, &password);
        if !inner.passwords.verify(password, hash).await? {
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
