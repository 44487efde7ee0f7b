//! The campaign of the tenant for passkeys: after a sign-in with the password a person for whom it is, who could register a
//! passkey and has none, is asked to. <https://learn.microsoft.com/entra/identity/authentication/how-to-mfa-registration-campaign>
//!
//! # Deviations
//!
//! - Whoever asks without a page (`prompt=none`), a device that waits and a guest are not held up.
//! - In Entra ID a campaign follows multifactor authentication only; here the password is enough.

use hygie_core::Cx;
use hygie_directory::repo::{Campaigns, Groups};
use hygie_oidc::{Aadsts, Prompt, Refusal};
use hygie_policy::methods::{Nudge, Person, PutOff};
use hygie_policy::strength::Mode;
use hygie_store::audit::Record;

use super::SignedIn;
use crate::{Idp, IdpError};

/// Groups of a person by which a campaign is for them.
const MAX_GROUPS: u32 = 10_000;

impl Idp {
    /// Refuses until somebody for whom the campaign is was asked.
    pub(crate) async fn settle_campaign(&self, cx: &Cx, signed_in: &SignedIn, prompt: Prompt) -> Result<(), IdpError> {
        if prompt == Prompt::None {
            return Ok(());
        }
        match self.nudge(cx, signed_in).await? {
            Some(_) => Err(Refusal::new(Aadsts::RegistrationCampaign).into()),
            None => Ok(()),
        }
    }

    /// What the person is told, if anything: nothing is read where there is no campaign.
    pub async fn nudge(&self, cx: &Cx, signed_in: &SignedIn) -> Result<Option<Nudge>, IdpError> {
        let rules = self.directory().access_rules(cx).await?;
        let by_password = signed_in
            .used
            .used()
            .iter()
            .any(|used| used.usage.mode == Mode::Password);
        let Some(campaign) = rules
            .campaign
            .as_ref()
            .filter(|_| by_password && signed_in.home.is_none())
        else {
            return Ok(None);
        };
        let user = signed_in.account.user;
        let (past, groups) = self
            .inner()
            .store
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let groups = Groups(tx).list_transitive(*user, MAX_GROUPS).await?;
                    Ok::<_, IdpError>((Campaigns(tx).find(*user).await?, groups))
                })
            })
            .await?;
        let groups = groups.into_iter().collect();
        let person = Person {
            id: user,
            groups: &groups,
        };
        let nudge = campaign.nudges(past, signed_in.account.session, cx.now);
        if nudge.is_none() || !campaign.is_for(person) {
            return Ok(None);
        }
        let methods = self.means().methods_of(cx, user).await?;
        let has_passkey = methods.passkeys.iter().any(|passkey| passkey.is_usable);
        let may_register = methods.registrable.contains(&Mode::Fido2);
        Ok(nudge.filter(|_| may_register && !has_passkey))
    }

    /// The person puts it off, where they may; a form of another day does not let them.
    pub async fn put_campaign_off(&self, cx: &Cx, signed_in: &SignedIn) -> Result<(), IdpError> {
        if self.nudge(cx, signed_in).await? != Some(Nudge::MayWait) {
            return Ok(());
        }
        let (user, session) = (signed_in.account.user, signed_in.account.session);
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, None).into()),
            ..cx.clone()
        };
        let record = Record::success(&cx, "idp.signin.campaign", format!("user/{user}"));
        self.inner()
            .store
            .write(&cx, (user, session, record), |(user, session, record), tx| {
                Box::pin(async move {
                    let past = Campaigns(tx).find(*user).await?;
                    let now = PutOff {
                        times: past.map_or(0, |past| past.times).saturating_add(1),
                        at: tx.cx().now,
                        session: *session,
                    };
                    // Two windows of one session put it off once.
                    if past.is_none_or(|past| past.session != *session) {
                        Campaigns(tx).put_off(*user, &now).await?;
                    }
                    tx.audit(record).await?;
                    Ok(())
                })
            })
            .await
    }
}
