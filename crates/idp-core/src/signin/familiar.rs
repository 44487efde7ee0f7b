//! The browsers that people signed in from, as a cookie of their own tells them: a value that was made here, sealed, so that nobody
//! plants one that they made up.
//!
//! A browser becomes familiar where a sign-in ends: a password alone, without what policies ask beside it, makes it none.

use hygie_core::{Cx, ObjectId, Secret};
use hygie_directory::repo::Familiar;
use hygie_jose::{base64url, random_secret};
use hygie_store::{StoreError, Tx};

use super::SignedIn;
use crate::{Idp, IdpError};

/// What is sealed, before the value itself: the seal of a value is not what is stored of it.
const SEAL: &str = "seal ";

impl Idp {
    /// A new value for a browser that has none.
    pub fn new_browser(&self, cx: &Cx) -> Secret<String> {
        let text = random_secret(&*cx.random);
        let seal = self.inner().digests.familiar.digest(format!("{SEAL}{}", text.expose()));
        Secret::new(format!("{}.{}", text.expose(), base64url::encode(seal)))
    }

    /// Whether a browser says what was made here.
    pub fn is_browser(&self, value: &str) -> bool {
        let Some((text, seal)) = value.split_once('.') else {
            return false;
        };
        let seal = base64url::decode(seal).unwrap_or_default();
        self.inner().digests.familiar.matches(format!("{SEAL}{text}"), &seal)
    }

    /// What is kept of a browser that somebody signed in from; nothing of what was not made here.
    pub(crate) fn familiar_digest(&self, browser: Option<&str>) -> Option<[u8; 32]> {
        let browser = browser.filter(|browser| self.is_browser(browser))?;
        Some(self.inner().digests.familiar.digest(browser))
    }

    /// Notes at home that a guest signed in from this browser: the password is there.
    pub(crate) async fn familiar_at_home(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        browser: Option<[u8; 32]>,
    ) -> Result<(), IdpError> {
        let (Some(home), Some(browser)) = (signed_in.home, browser) else {
            return Ok(());
        };
        let cx = cx.for_tenant(home.tenant);
        let noted = self
            .inner()
            .store
            .write(&cx, (home.user, browser), |(user, browser), tx| {
                Box::pin(async move { familiar(tx, *user, browser).await })
            });
        Ok(noted.await?)
    }
}

/// Somebody signed in from this browser.
pub(crate) async fn familiar(tx: &mut Tx<'_>, user: ObjectId, browser: &[u8; 32]) -> Result<(), StoreError> {
    let now = tx.cx().now;
    Familiar(tx).signed_in(user, browser, now).await
}
