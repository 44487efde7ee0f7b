//! Signing in by a certificate. It is asked for at a host of its own, because a browser that is asked once is asked at every
//! page of a host; so who the person is must come from there to the login host, and to nobody else.
//!
//! - A *ticket* goes there with the browser: for which request, of which browser, in which tenant, and by which name. It is
//!   signed and good for some minutes; what it is good for is shown to nobody who has not the key of a certificate.
//! - A *hand-over* comes back: kept here, good once and for a minute, in the browser and for the request of the ticket. Who
//!   catches it on its way has nothing, and who brings somebody into a request of theirs gets nothing.

use std::time::Duration;

use hygie_core::{Cx, TenantId, Timestamp};
use hygie_directory::repo::{HandoverRow, Handovers, Users};
use hygie_directory::{Authentications, SignInEntry, User};
use hygie_jose::x509::PathFault;
use hygie_jose::{base64url, digest, random_secret};
use hygie_means::{CertificateRefusal, Hints, Refusal as Refused, Told};
use hygie_oidc::{Aadsts, Refusal};
use hygie_policy::strength::Usage;
use hygie_store::audit::{Outcome, Record};
use serde::{Deserialize, Serialize};

use crate::token::Asking;
use crate::{Idp, IdpError};

/// Time to find the card and type its code.
const TICKET_LIFE: Duration = Duration::from_mins(10);
/// Time for one redirect.
const HANDOVER_LIFE: Duration = Duration::from_mins(1);
/// Longer texts are no ticket or hand-over of ours.
const MAX_TEXT: usize = 4_096;

/// The host that asks people for certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certauth {
    /// Its base URL (`https://certauth.example`), without a final slash; browsers are told of no authority there.
    pub url: String,
    /// What comes after `t{T}.` in the names under which it tells them of the authorities of a tenant, with the port:
    /// `certauth.example`. None where its certificate does not name these.
    pub tenants: Option<String>,
}

impl Certauth {
    /// Its base URL for people of this tenant.
    fn url_for(&self, tenant: TenantId, hints: Hints) -> String {
        match (&self.tenants, hints) {
            (Some(place), Hints::Named) => format!("https://t{tenant}.{place}"),
            _ => self.url.clone(),
        }
    }
}

/// For what a certificate is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// The establishment.
    pub tenant: TenantId,
    /// The name that the person typed, or has; none where the certificate tells.
    pub name: Option<String>,
    /// Until when.
    expires_at: Timestamp,
    /// Digest of the browser's cookie and of the request.
    binding: String,
    /// Digest of the request alone.
    request: String,
}

/// The request of a sign-in as its forms carry it along: the segment of its path, its version, its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// The first segment of the path.
    pub segment: &'a str,
    /// The version.
    pub version: &'a str,
    /// The parameters, or the user code of a device.
    pub request: &'a str,
}

impl Carried<'_> {
    /// The lengths first, so that no two requests make the same message.
    fn message(&self) -> String {
        let Self {
            segment,
            version,
            request,
        } = self;
        format!("{}:{}:{segment}{version}{request}", segment.len(), version.len())
    }

    fn digest(&self) -> String {
        base64url::encode(digest::sha256(self.message()))
    }
}

impl Idp {
    /// Base URL of the host that asks people of this tenant for certificates, where there is one: of the name under which
    /// browsers are told of its authorities, where the tenant wants that.
    pub async fn certauth_for(&self, cx: &Cx) -> Result<Option<String>, IdpError> {
        let Some(certauth) = &self.inner().certauth else {
            return Ok(None);
        };
        let hints = self.means().issuer_hints(cx).await?;
        Ok(Some(certauth.url_for(cx.tenant, hints)))
    }

    /// A ticket for the browser with this cookie.
    pub fn certificate_ticket(
        &self,
        cx: &Cx,
        browser: &str,
        carried: Carried<'_>,
        name: Option<String>,
    ) -> Result<String, IdpError> {
        let ticket = Ticket {
            tenant: cx.tenant,
            name,
            expires_at: cx.now + TICKET_LIFE,
            binding: base64url::encode(self.binding(browser, carried)),
            request: carried.digest(),
        };
        let text = base64url::encode(serde_json::to_vec(&ticket)?);
        let seal = base64url::encode(self.inner().digests.tickets.digest(&text));
        Ok(format!("{text}.{seal}"))
    }

    /// The ticket of this text, if it is ours, of this request, and not too old.
    pub fn read_certificate_ticket(
        &self,
        now: Timestamp,
        text: &str,
        carried: Carried<'_>,
    ) -> Result<Ticket, IdpError> {
        let expired = || IdpError::from(Refusal::new(Aadsts::FlowExpired));
        let (text, seal) = text
            .split_once('.')
            .filter(|_| text.len() <= MAX_TEXT)
            .ok_or_else(expired)?;
        let seal = base64url::decode(seal).map_err(|_| expired())?;
        if !self.inner().digests.tickets.matches(text, &seal) {
            return Err(expired());
        }
        let json = base64url::decode(text).map_err(|_| expired())?;
        let ticket: Ticket = serde_json::from_slice(&json).map_err(|_| expired())?;
        if ticket.expires_at <= now || ticket.request != carried.digest() {
            return Err(expired());
        }
        Ok(ticket)
    }

    /// What the browser carries to the login host for a person whose certificate was checked.
    pub async fn hand_over(&self, cx: &Cx, ticket: &Ticket, user: &User, usage: Usage) -> Result<String, IdpError> {
        let secret = random_secret(&*cx.random);
        let binding = base64url::decode(&ticket.binding)
            .ok()
            .and_then(|binding| binding.try_into().ok())
            .ok_or_else(|| Refusal::new(Aadsts::FlowExpired))?;
        let row = HandoverRow {
            digest: self.inner().digests.handovers.digest(secret.expose()),
            binding,
            user: user.id,
            used: Authentications::of(usage, cx.now),
            expires_at: cx.now + HANDOVER_LIFE,
        };
        self.inner()
            .store
            .write(cx, row, |row, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Handovers(tx).insert(row).await?) })
            })
            .await?;
        Ok(format!("{}.{}", cx.tenant, secret.expose()))
    }

    /// The person that a hand-over tells of, to the browser and for the request that it is of. Whoever asks, it is gone.
    pub async fn take_over(
        &self,
        cx: &Cx,
        text: &str,
        browser: &str,
        carried: Carried<'_>,
    ) -> Result<(TenantId, User, Usage), IdpError> {
        let expired = || IdpError::from(Refusal::new(Aadsts::FlowExpired));
        let (tenant, secret) = text
            .split_once('.')
            .filter(|_| text.len() <= MAX_TEXT)
            .ok_or_else(expired)?;
        let tenant: TenantId = tenant.parse().map_err(|_| expired())?;
        let cx = cx.for_tenant(tenant);
        let found = self
            .inner()
            .store
            .write(&cx, self.inner().digests.handovers.digest(secret), |digest, tx| {
                Box::pin(async move {
                    let Some(row) = Handovers(tx).take(digest).await? else {
                        return Ok::<_, IdpError>(None);
                    };
                    Ok(Users(tx).find(row.user).await?.map(|user| (row, user)))
                })
            })
            .await?;
        let (row, user) = found.ok_or_else(expired)?;
        let is_of_browser = digest::constant_time_eq(row.binding, self.binding(browser, carried));
        if browser.is_empty() || !is_of_browser || row.expires_at <= cx.now {
            let record = Record::success(&cx, "idp.signin", format!("user/{}", user.id));
            let record = record.ended(Outcome::Refused, "certificate-handover");
            self.inner().store.record(record).await?;
            return Err(IdpError::Recorded(Refusal::new(Aadsts::FlowExpired)));
        }
        let usage = row.used.used().first().map(|used| used.usage.clone());
        Ok((tenant, user, usage.ok_or_else(expired)?))
    }

    /// Tells the log of sign-ins that somebody known was refused, by which rule, and what is known of the certificate.
    pub async fn log_certificate_refusal(
        &self,
        cx: &Cx,
        asking: &Asking,
        user: &User,
        (refused, told): (Refused, Told),
    ) -> Result<(), IdpError> {
        let entry = SignInEntry {
            error_code: code_of(refused).number(),
            failure_reason: Some(format!("{} ({})", refused, refused.reason())),
            refused_certificate: told.into_pairs(),
            ..self.attempt(cx, asking, user).await?
        };
        Ok(self.directory().log_sign_in(cx, entry).await?)
    }

    fn binding(&self, browser: &str, carried: Carried<'_>) -> [u8; 32] {
        let message = format!("{}:{browser}{}", browser.len(), carried.message());
        self.inner().digests.handovers.digest(message)
    }
}

/// The code by which a refusal of a certificate is known.
pub const fn code_of(refused: Refused) -> Aadsts {
    let Refused::Certificate(refusal) = refused else {
        return match refused {
            Refused::Disabled => Aadsts::UserDisabled,
            Refused::NotOffered => Aadsts::CertificateNotOffered,
            _ => Aadsts::BadCredentials,
        };
    };
    match refusal {
        CertificateRefusal::Missing => Aadsts::NoCertificate,
        CertificateRefusal::Revoked | CertificateRefusal::AuthorityRevoked => Aadsts::CertificateRevoked,
        CertificateRefusal::ListUnavailable
        | CertificateRefusal::ListInvalid
        | CertificateRefusal::ListExpired
        | CertificateRefusal::ListMissing
        | CertificateRefusal::ListPartial => Aadsts::RevocationListUnavailable,
        CertificateRefusal::Path(
            PathFault::Unreadable
            | PathFault::UnknownIssuer
            | PathFault::Signature
            | PathFault::NotYetValid
            | PathFault::Expired
            | PathFault::AuthorityExpired
            | PathFault::Usage
            | PathFault::NotPermitted,
        )
        | CertificateRefusal::OutOfScope => Aadsts::CertificateInvalid,
        CertificateRefusal::Unbound | CertificateRefusal::AffinityTooLow | CertificateRefusal::Ambiguous => {
            Aadsts::CertificateUnbound
        }
    }
}
