//! The gate of one data service: token → principal → permission.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Principal, TenantId, Timestamp};
use hygie_jose::{Claims, MAX_TOKEN, Untrusted};

use crate::assignments::{Assignments, Place};
use crate::confirmation::Confirmation;
use crate::known::{Known, KnownTokens};
use crate::{
    Kind, Operation, Origin, Permissions, Reason, Refusal, Revocations, Role, RoleSemantics, TrustedIssuer, claims,
};

/// How far the clocks of issuers may be from ours.
const LEEWAY: Duration = Duration::from_mins(1);
/// Longest `rh` that is kept with a known token; no issuer has longer ones.
const MAX_RH: usize = 256;

/// An application role of an outside issuer that counts as a role of ours, because the configuration says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRole {
    /// `iss` of the token.
    pub issuer: String,
    /// Tenant of the principal.
    pub tenant: TenantId,
    /// Value in the token's `roles`.
    pub value: String,
    /// What it stands for.
    pub role: Role,
}

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

/// One service instance, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its kind.
    pub kind: Kind,
    /// Its workspace.
    pub workspace: String,
    /// Its name in the workspace.
    pub name: String,
    /// The tenant that the workspace belongs to, whose role assignments hold.
    pub tenant: TenantId,
    /// Its identifier URIs, the first one shown to callers without a token. Each is accepted with and without final
    /// slash; the shared URI of the kind is accepted as well.
    pub audiences: Vec<String>,
    /// Its application id: `aud` of version 2 tokens.
    pub app: Option<AppId>,
    /// Where callers without a token are sent to get one (`https://login.example/{tid}`).
    pub authority: String,
    /// Who is trusted here.
    pub issuers: Vec<TrustedIssuer>,
    /// Which definition of the roles holds.
    pub semantics: RoleSemantics,
    /// Application roles of outside tokens that count.
    pub app_roles: Vec<AppRole>,
}

/// The gate of one service instance. Cheap to share, not to make.
pub struct Gate {
    kind: Kind,
    place: Place,
    tenant: TenantId,
    semantics: RoleSemantics,
    issuers: HashMap<String, TrustedIssuer>,
    audiences: HashSet<String>,
    app_roles: Vec<AppRole>,
    assignments: Arc<Assignments>,
    revocations: Arc<dyn Revocations>,
    known: KnownTokens,
    challenge: Arc<str>,
    challenge_invalid: Arc<str>,
}

impl Gate {
    /// Of this instance.
    pub fn new(instance: Instance, assignments: Arc<Assignments>, revocations: Arc<dyn Revocations>) -> Self {
        let challenge = challenge(&instance);
        let own = instance.audiences.iter().map(String::as_str);
        let mut audiences: HashSet<String> = own.chain(instance.kind.shared_audience()).flat_map(slashed).collect();
        audiences.extend(instance.app.map(|app| app.to_string()));
        Self {
            kind: instance.kind,
            place: Place {
                workspace: instance.workspace,
                kind: instance.kind,
                service: instance.name,
            },
            tenant: instance.tenant,
            semantics: instance.semantics,
            issuers: instance
                .issuers
                .into_iter()
                .map(|issuer| (issuer.issuer.clone(), issuer))
                .collect(),
            audiences,
            app_roles: instance.app_roles,
            assignments,
            revocations,
            known: KnownTokens::default(),
            challenge_invalid: format!("{challenge}, error=\"invalid_token\"").into(),
            challenge: challenge.into(),
        }
    }

    /// The tenant whose data this service holds.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The kind of service.
    pub fn kind(&self) -> Kind {
        self.kind
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

    /// What a principal may do here. Take it once where one request asks for many operations.
    pub async fn permissions(&self, principal: &Principal) -> Result<Permissions, Refusal> {
        let assignments = self
            .assignments
            .of(self.tenant)
            .await
            .map_err(|_| Refusal::from(Reason::AssignmentsUnavailable))?;
        let mut actions = assignments.actions(principal, &self.place, self.semantics);
        for granted in &self.app_roles {
            if granted.role.kind() == self.kind
                && granted.tenant == principal.tenant
                && granted.issuer == principal.issuer
                && principal.app_roles.contains(&granted.value)
            {
                actions = actions.union(granted.role.actions(self.semantics));
            }
        }
        Ok(Permissions::new(self.kind, self.semantics, actions, principal))
    }

    /// Whether a principal may do this here.
    pub async fn authorize(&self, principal: &Principal, operation: Operation<'_>) -> Result<(), Refusal> {
        Ok(self.permissions(principal).await?.check(operation)?)
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
        let issuer = token
            .issuer()
            .and_then(|issuer| self.issuers.get(issuer))
            .ok_or(Reason::Issuer)?;
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
fn challenge(instance: &Instance) -> String {
    // The values come from the configuration; a quote or a line break in it must not break the header.
    let quoted = |text: &str| -> String {
        let plain = text
            .chars()
            .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
        format!("\"{}\"", plain.collect::<String>())
    };
    let audience = quoted(instance.audiences.first().map_or("", String::as_str));
    let authority = quoted(&instance.authority);
    format!("Bearer authorization_uri={authority}, resource_id={audience}, realm={audience}")
}
