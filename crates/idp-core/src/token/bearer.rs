//! A person's access token that comes back to us: presented to UserInfo, or by an application that acts on behalf of them.

use std::str::FromStr;
use std::time::Duration;

use hygie_access::{Confirmation, Origin, Reason, Revocations, ThumbprintForm};
use hygie_core::{AppId, Cx, ObjectId, SessionId, TenantId, Timestamp};
use hygie_jose::Claims;

use crate::Idp;

/// Clocks of our own processes differ by no more.
const LEEWAY: Duration = Duration::from_secs(30);

/// What a token says.
pub(super) struct Bearer {
    pub tenant: TenantId,
    pub user: ObjectId,
    /// The application that it was issued to.
    pub client: AppId,
    pub session: Option<SessionId>,
    /// The claim by which we revalidate it.
    pub rh: Option<String>,
    scopes: Vec<String>,
    issued_at: Option<Timestamp>,
    audience: Vec<String>,
    confirmation: Option<Confirmation>,
}

impl Idp {
    /// A live token of ours for a person, whatever its audience. Every check has its own reason, as at the gate of a data
    /// service.
    pub(super) fn bearer(&self, cx: &Cx, token: &str) -> Result<Bearer, Reason> {
        let claims = hygie_jose::verify(token, &self.inner().signer.ring().keys)?.claims;
        let tenant: TenantId = parsed(&claims, "tid")?;
        let provider = self.provider();
        let issuers = [provider.issuer_v1(tenant), provider.issuer_v2(tenant)];
        if !claims.issuer.as_ref().is_some_and(|issuer| issuers.contains(issuer)) {
            return Err(Reason::Issuer);
        }
        claims.check_instants(cx.now, LEEWAY)?;
        let bearer = Bearer {
            tenant,
            user: parsed(&claims, "oid")?,
            client: parsed(&claims, "appid").or_else(|_| parsed(&claims, "azp"))?,
            session: parsed(&claims, "sid").ok(),
            rh: claims.text("rh").map(str::to_owned),
            // Tokens of applications have none.
            scopes: parsed::<String>(&claims, "scp")?
                .split(' ')
                .map(str::to_owned)
                .collect(),
            issued_at: claims.issued_at,
            confirmation: Confirmation::of(&claims, ThumbprintForm::Octets)?,
            audience: claims.audience,
        };
        let origin = Origin {
            tenant,
            subject: bearer.user,
            session: bearer.session,
            issued_at: bearer.issued_at,
            rh: bearer.rh.as_deref().map(Box::from),
        };
        match self.directory().revoked(&origin) {
            Some(revoked) => Err(revoked.into()),
            None => Ok(bearer),
        }
    }
}

fn parsed<T: FromStr>(claims: &Claims, name: &str) -> Result<T, Reason> {
    let value = claims.text(name).and_then(|text| text.parse().ok());
    value.ok_or(Reason::MissingClaim)
}

impl Bearer {
    /// Whether it is for the resource with these names.
    pub fn is_for(&self, names: &[String]) -> bool {
        self.audience.iter().any(|audience| names.contains(audience))
    }

    /// Whether whoever shows this certificate, or none, may present it (RFC 8705 §3).
    pub fn check(&self, certificate: Option<&[u8]>) -> Result<(), Reason> {
        self.confirmation.map_or(Ok(()), |bound| bound.check(certificate))
    }

    /// Whether the person allowed this.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }

    /// Whether it was issued before an instant from which the person's tokens count.
    pub fn auth_before(&self, instant: Timestamp) -> bool {
        self.issued_at.is_none_or(|at| at.secs() < instant.secs())
    }
}
