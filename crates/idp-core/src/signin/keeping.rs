//! Whether a session stays when the browser closes: by a policy (`persistentBrowser`), or by the person, where the tenant lets
//! them be asked. <https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime>
//!
//! A browser has one cookie for all of its accounts. It outlives the browser only where every one of them stays: nobody stays
//! signed in because somebody else said so. However long it lives, the session ends by the tenant's lifetimes.
//!
//! # Deviations
//!
//! - A guest does not stay: the session follows from the one at home.

use std::time::Duration;

use hygie_core::Cx;
use hygie_directory::repo::{Global, Kept, Sessions};
use hygie_oidc::{Aadsts, Prompt, Refusal};
use hygie_policy::policy::PersistentBrowserMode;
use hygie_store::audit::Record;

use super::SignedIn;
use crate::{Idp, IdpError};

/// How long the browser keeps its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLife {
    /// As it does.
    Unsaid,
    /// Until it closes.
    Browser,
    /// So long, closed or not.
    For(Duration),
}

impl Idp {
    /// Does what policies say about a session, and refuses until its person was asked whether it stays.
    pub(crate) async fn settle_keeping(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        (mode, prompt): (Option<PersistentBrowserMode>, Prompt),
    ) -> Result<(), IdpError> {
        let session = signed_in.account.session;
        let rules = self.directory().access_rules(cx).await?;
        let may_ask = rules.lifetime.is_kept_offered && prompt != Prompt::None && signed_in.home.is_none();
        if mode.is_none() && !may_ask {
            return Ok(());
        }
        let known: Kept = self
            .inner()
            .store
            .read(cx, session, |session, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Sessions(tx).kept(*session).await?) })
            })
            .await?;
        let wanted = match mode {
            None if known == Kept::Unasked => return Err(Refusal::new(Aadsts::KeepSignedIn).into()),
            None => return Ok(()),
            Some(PersistentBrowserMode::Always) if signed_in.home.is_none() => Kept::Yes,
            Some(PersistentBrowserMode::Always | PersistentBrowserMode::Never) => Kept::No,
        };
        if known == wanted {
            return Ok(());
        }
        self.keep_session(cx, signed_in, wanted).await
    }

    /// What the person says about it.
    pub async fn answer_keeping(&self, cx: &Cx, signed_in: &SignedIn, kept: Kept) -> Result<(), IdpError> {
        let rules = self.directory().access_rules(cx).await?;
        // A form from a time when it was offered.
        let kept = if rules.lifetime.is_kept_offered { kept } else { Kept::No };
        self.keep_session(cx, signed_in, kept).await
    }

    async fn keep_session(&self, cx: &Cx, signed_in: &SignedIn, kept: Kept) -> Result<(), IdpError> {
        let session = signed_in.account.session;
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, None).into()),
            ..cx.clone()
        };
        let record = Record::success(&cx, "idp.signin.keep", format!("session/{session}"));
        self.inner()
            .store
            .write(&cx, (session, kept, record), |(session, kept, record), tx| {
                Box::pin(async move {
                    Sessions(tx).keep(*session, *kept).await?;
                    tx.audit(record).await?;
                    Ok(())
                })
            })
            .await
    }

    /// How long the browser of a session keeps its cookie.
    pub async fn cookie_life(&self, cx: &Cx, signed_in: &SignedIn) -> Result<CookieLife, IdpError> {
        let longest = self.directory().access_rules(cx).await?.lifetime.longest();
        self.inner()
            .store
            .read(cx, (signed_in.account.session, longest), |(session, longest), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let Some(row) = Sessions(tx).find_unrevoked(*session).await? else {
                        return Ok(CookieLife::Unsaid);
                    };
                    let all = Global(tx).list_sessions(&row.browser, now).await?;
                    let own = all.iter().find(|one| one.id == *session);
                    Ok::<_, IdpError>(match own.map(|own| own.kept) {
                        None | Some(Kept::Unasked) => CookieLife::Unsaid,
                        Some(Kept::Yes) if all.iter().all(|one| one.kept == Kept::Yes) => {
                            CookieLife::For((row.began_at + *longest).since(now))
                        }
                        Some(Kept::Yes | Kept::No) => CookieLife::Browser,
                    })
                })
            })
            .await
    }
}
