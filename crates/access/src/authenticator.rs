//! Who sent a request: the bearer tokens of the issuers that a service trusts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Principal, TenantId, Timestamp};
use hygie_jose::{Claims, MAX_TOKEN, Untrusted};

use crate::confirmation::Confirmation;
use crate::known::{Known, KnownTokens};
use crate::{KeySource, Kind, Origin, Reason, Refusal, Revocations, TrustedIssuer, claims};

/// How far the clocks of issuers may be from ours.
const LEEWAY: Duration = Duration::from_mins(1);
/// Longest `rh` that is kept with a known token; no issuer has longer ones.
const MAX_RH: usize = 256;

/// What a caller shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The `Authorization` header (RFC 6750 §2.1).
    pub authorization: Option<&'a str>,
    /// The certificate (DER) that it proved to hold in the TLS handshake, for tokens that are bound to one.
    pub certificate: Option<&'a [u8]>,
}

impl<'a, T: AsRef<str> + ?Sized> From<Option<&'a T>> for Credentials<'a> {
    /// A header alone.
    fn from(authorization: Option<&'a T>) -> Self {
        Self {
            authorization: authorization.map(AsRef::as_ref),
            certificate: None,
        }
    }
}

/// Whose tokens are taken.
pub enum Issuers {
    /// Those of these issuers, by `iss`.
    Listed(HashMap<String, TrustedIssuer>),
    /// Those of every tenant of our own identity provider. That its key signed for a tenant proves that there is one.
    OwnTenants {
        /// Base URL of the login host, without a final slash.
        login: String,
        /// Its keys.
        keys: Arc<dyn KeySource>,
    },
}

impl Issuers {
    /// These.
    pub fn listed(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        let named = issuers.into_iter().map(|issuer| (issuer.issuer.clone(), issuer));
        Self::Listed(named.collect())
    }

    fn find(&self, issuer: &str) -> Option<Cow<'_, TrustedIssuer>> {
        match self {
            Self::Listed(known) => known.get(issuer).map(Cow::Borrowed),
            Self::OwnTenants { login, keys } => {
                let (tenant, _) = issuer
                    .strip_prefix(login.as_str())?
                    .strip_prefix('/')?
                    .split_once('/')?;
                let tenant: TenantId = tenant.parse().ok()?;
                let both = TrustedIssuer::of_tenant(login, tenant, keys);
                both.into_iter().find(|own| own.issuer == issuer).map(Cow::Owned)
            }
        }
    }
}

/// Checks bearer tokens, and remembers those that it has checked for a while. Cheap to share, not to make.
pub struct Authenticator {
    issuers: Issuers,
    audiences: HashSet<String>,
    revocations: Arc<dyn Revocations>,
    known: KnownTokens,
    challenge: Arc<str>,
    challenge_invalid: Arc<str>,
}

impl Authenticator {
    /// Of a service with these identifier URIs, the first one shown to callers without a token, each accepted with and
    /// without final slash; with this application id, the `aud` of version 2 tokens; whose callers are sent to
    /// `authority` to get a token.
    pub fn new(
        audiences: impl IntoIterator<Item = String>,
        app: Option<AppId>,
        authority: &str,
        issuers: Issuers,
        revocations: Arc<dyn Revocations>,
    ) -> Self {
        let audiences: Vec<String> = audiences.into_iter().collect();
        let challenge = challenge(audiences.first().map_or("", String::as_str), authority);
        let mut accepted: HashSet<String> = audiences.iter().flat_map(|uri| slashed(uri)).collect();
        accepted.extend(app.map(|app| app.to_string()));
        Self {
            issuers,
            audiences: accepted,
            revocations,
            known: KnownTokens::default(),
            challenge_invalid: format!("{challenge}, error=\"invalid_token\"").into(),
            challenge: challenge.into(),
        }
    }

    /// Who sent the request with these credentials.
    pub async fn authenticate(
        &self,
        credentials: impl Into<Credentials<'_>>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, Refusal> {
        let credentials = credentials.into();
        let checked = match credentials.authorization.and_then(bearer) {
            Some(token) => self.check(token, credentials.certificate, now).await,
            None => Err(Reason::NoToken),
        };
        checked.map_err(|reason| self.refusal(reason))
    }

    fn refusal(&self, reason: Reason) -> Refusal {
        let challenge = match reason.kind() {
            hygie_core::ErrorKind::Unauthenticated if reason == Reason::NoToken => Some(self.challenge.clone()),
            hygie_core::ErrorKind::Unauthenticated => Some(self.challenge_invalid.clone()),
            _ => None,
        };
        Refusal::new(reason, challenge)
    }

    async fn check(&self, token: &str, certificate: Option<&[u8]>, now: Timestamp) -> Result<Arc<Principal>, Reason> {
        if token.len() > MAX_TOKEN {
            return Err(Reason::TooLarge);
        }
        let digest = KnownTokens::digest(token);
        let known = if let Some(known) = self.known.find(&digest, now) {
            known
        } else {
            let known = Arc::new(self.verify(token, now).await?);
            self.known.insert(digest, known.clone());
            known
        };
        // A bound token without its proof is a stolen one, known or not.
        known.confirmation.map_or(Ok(()), |bound| bound.check(certificate))?;
        match self.revocations.revoked(&known.origin) {
            None => Ok(known.principal.clone()),
            Some(revoked) => Err(revoked.into()),
        }
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Known, Reason> {
        let token = Untrusted::parse(token)?;
        let issuer = token.issuer().and_then(|issuer| self.issuers.find(issuer));
        let issuer = &*issuer.ok_or(Reason::Issuer)?;
        let mut keys = issuer.keys.keys().await.map_err(|_| Reason::KeysUnavailable)?;
        if !keys.knows(token.header()) {
            keys = issuer.keys.refreshed().await.map_err(|_| Reason::KeysUnavailable)?;
        }
        let verified = token.verify(&keys)?;
        if !issuer.accepts_key_of(verified.key_issuer.as_deref()) {
            return Err(Reason::KeyIssuer);
        }
        let claims = &verified.claims;
        claims.check_instants(now, LEEWAY)?;
        self.check_audience(claims, issuer)?;
        let principal = claims::principal(claims, &verified.header, issuer)?;
        Ok(Known {
            origin: Origin {
                tenant: principal.tenant,
                subject: principal.subject,
                session: principal.session,
                issued_at: claims.issued_at,
                rh: claims.text("rh").filter(|rh| rh.len() <= MAX_RH).map(Box::from),
            },
            principal: Arc::new(principal),
            confirmation: Confirmation::of(claims, issuer.thumbprint)?,
            expires_at: claims.expires_at.ok_or(Reason::Expired)? + LEEWAY,
            verified_at: now,
        })
    }

    fn check_audience(&self, claims: &Claims, issuer: &TrustedIssuer) -> Result<(), Reason> {
        let is_ours = |audience: &String| {
            self.audiences.contains(audience)
                || issuer.audiences.contains(audience)
                || audience.len() == 36 && self.audiences.contains(&audience.to_ascii_lowercase())
        };
        if claims.audience.iter().any(is_ours) {
            return Ok(());
        }
        let is_shared = |audience: &String| {
            let shared = Kind::ALL.into_iter().filter_map(Kind::shared_audience);
            shared.flat_map(slashed).any(|shared| shared == *audience)
        };
        Err(if claims.audience.iter().any(is_shared) {
            Reason::OtherKind
        } else {
            Reason::Audience
        })
    }
}

/// The token of a `Bearer` header; the scheme is case-insensitive (RFC 9110 §11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

/// A URI with and without its final slash.
fn slashed(uri: &str) -> [String; 2] {
    let bare = uri.trim_end_matches('/');
    [bare.to_owned(), format!("{bare}/")]
}

/// As the open-source FHIR server of Microsoft challenges.
fn challenge(audience: &str, authority: &str) -> String {
    // The values come from the configuration; a quote or a line break in it must not break the header.
    let quoted = |text: &str| -> String {
        let plain = text
            .chars()
            .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
        format!("\"{}\"", plain.collect::<String>())
    };
    let (audience, authority) = (quoted(audience), quoted(authority));
    format!("Bearer authorization_uri={authority}, resource_id={audience}, realm={audience}")
}
