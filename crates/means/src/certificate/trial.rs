//! What would happen to a card now, for who administers the trust store: the checks of a sign-in, its lists fetched as then,
//! but nobody signs in and nothing is recorded of anybody.

use hygie_core::{Cx, Timestamp};
use hygie_directory::User;
use hygie_directory::trust::TrustedAuthority;
use hygie_jose::x509::{Authority, Holder, path};
use hygie_policy::certificate::State;
use hygie_policy::strength::{Mode, Usage};

use super::{Claimed, Told};
use crate::{Means, MeansError, Refusal};

/// What would happen to a card.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What its certificate says; `None` where it cannot be read.
    pub card: Option<Card>,
    /// From its issuer to the root, as far as the trust store leads to one.
    pub chain: Vec<TrustedAuthority>,
    /// What the log of sign-ins would say of it, as far as it was looked at.
    pub told: Told,
    /// Who would sign in, and what the card is worth; or why nobody would.
    pub outcome: Result<(User, Mode), Refusal>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its thumbprint.
    pub thumbprint: String,
    /// When it ends.
    pub not_after: Option<Timestamp>,
}

impl Means {
    /// What would happen to a card that is shown now, after this name was typed or without one.
    pub async fn try_certificate(
        &self,
        cx: &Cx,
        certificate: &[u8],
        claimed: Claimed<'_>,
    ) -> Result<Trial, MeansError> {
        let rules = self.rules(cx).await?;
        let card = Holder::of(certificate).ok().map(|holder| Card {
            subject: holder.subject,
            issuer: holder.issuer,
            thumbprint: holder.thumbprint,
            not_after: holder.not_after,
        });
        let authorities: Vec<&Authority> = rules.authorities.iter().map(|trusted| &trusted.authority).collect();
        let chain = path(certificate, &authorities, cx.now).map_or_else(|_| Vec::new(), |found| found.0);
        let chain = chain.into_iter().filter_map(|place| rules.authorities.get(place));
        let chain = chain.cloned().collect();
        let shown = self.shown(cx, certificate, claimed).await?;
        let mut told = Told::default();
        let judged = self.judge(cx, &shown, &rules, &mut told).await;
        let outcome = match judged {
            Ok(_) if rules.configuration.state != State::Enabled => Err(Refusal::NotOffered),
            Ok((user, Usage { mode, .. })) => Ok((user, mode)),
            Err(MeansError::Refused(refusal)) => Err(refusal),
            Err(other) => return Err(other),
        };
        Ok(Trial {
            card,
            chain,
            told,
            outcome,
        })
    }
}
