//! From the claims of a verified token to the principal.

use hygie_core::{AppId, GroupId, ObjectId, Principal, PrincipalKind, SessionId};
use hygie_jose::{Claims, Header, digest};
use uuid::Uuid;

use crate::{ClaimNames, Reason, Style, TrustedIssuer, Version, mapping};

/// The principal of an access token of this issuer.
pub(crate) fn principal(claims: &Claims, header: &Header, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let typ = header.typ.as_deref().unwrap_or("JWT");
    let is_access_token = ["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str());
    if !is_access_token || is_id_token(claims, &issuer.style) {
        return Err(Reason::TokenType);
    }
    let mut principal = match &issuer.style {
        Style::Entra(version) => entra(claims, *version, issuer),
        Style::OpenId(names) => open_id(claims, names, issuer),
    }?;
    if principal.kind == PrincipalKind::User {
        principal.professional = issuer.professional.as_ref().and_then(|names| names.read(claims));
    }
    Ok(principal)
}

/// Id tokens look like access tokens but for the claims that bind them to one answer of the authorization endpoint
/// (OpenID Connect Core §2, §3.3.2.11), and Keycloak's `typ`: before version 25 its access tokens repeat the nonce.
fn is_id_token(claims: &Claims, style: &Style) -> bool {
    let has = |name: &str| claims.members.contains_key(name);
    let is_marked = matches!(style, Style::OpenId(_)) && claims.text("typ") == Some("Bearer");
    has("at_hash") || has("c_hash") || has("nonce") && !is_marked || claims.text("typ") == Some("ID")
}

/// Entra's claims. Groups beyond the limit of a token (`_claim_names`) give no role.
fn entra(claims: &Claims, version: Version, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let tenant = claims.text("tid").ok_or(Reason::MissingClaim)?;
    if tenant.parse() != Ok(issuer.tenant) {
        return Err(Reason::Tenant);
    }
    if claims.text("ver") != Some(version.ver()) {
        return Err(Reason::Version);
    }
    let scopes = optional_text(claims, "scp")?;
    if scopes.is_none() && !claims.members.contains_key(version.client_claim()) {
        // An id token that answers no authorization request: for a person, and not through an application.
        return Err(Reason::TokenType);
    }
    Ok(Principal {
        issuer: issuer.issuer.clone(),
        tenant: issuer.tenant,
        subject: guid(claims, "oid")?,
        kind: kind(claims, scopes)?,
        app: Some(guid(claims, version.client_claim())?),
        groups: claims.texts("groups").filter_map(|id| id.parse().ok()).collect(),
        app_roles: claims.texts("roles").map(str::to_owned).collect(),
        scopes: words(scopes),
        session: claims.text("sid").and_then(|sid| sid.parse::<SessionId>().ok()),
        professional: None,
    })
}

/// A person's token has `scp`; an application's has not, and its `sub` is its `oid`. Where there is `idtyp`, it says
/// the same. `xms_mirid` names the resource that a managed identity belongs to.
fn kind(claims: &Claims, scopes: Option<&str>) -> Result<PrincipalKind, Reason> {
    let is_itself = claims.subject.as_deref() == claims.text("oid");
    match (scopes, optional_text(claims, "idtyp")?) {
        (None, None | Some("app")) if is_itself && claims.members.contains_key("xms_mirid") => {
            Ok(PrincipalKind::ManagedIdentity)
        }
        (None, None | Some("app")) if is_itself => Ok(PrincipalKind::App),
        (Some(_), None | Some("user")) => Ok(PrincipalKind::User),
        _ => Err(Reason::Actor),
    }
}

/// RFC 9068, and providers that are older than it.
fn open_id(claims: &Claims, names: &ClaimNames, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let subject = mapping::text(claims, &names.subject).ok_or(Reason::MissingClaim)?;
    let client = claims
        .text("client_id")
        .or_else(|| claims.text("azp"))
        .ok_or(Reason::MissingClaim)?;
    let marked = names.application.as_deref();
    let is_application = subject == client
        || marked.is_some_and(|name| mapping::find(claims, name).is_some_and(|value| !value.is_null()));
    let derived = |text: &str| derived_id(&issuer.issuer, text);
    let groups = names.groups.iter().flat_map(|name| mapping::texts(claims, name));
    Ok(Principal {
        issuer: issuer.issuer.clone(),
        tenant: issuer.tenant,
        subject: ObjectId::from_uuid(derived(subject)),
        kind: if is_application {
            PrincipalKind::App
        } else {
            PrincipalKind::User
        },
        app: Some(client.parse().unwrap_or_else(|_| AppId::from_uuid(derived(client)))),
        groups: groups.map(|group| GroupId::from_uuid(derived(group))).collect(),
        app_roles: mapping::texts(claims, &names.roles).map(str::to_owned).collect(),
        scopes: words(claims.text("scope")),
        session: claims.text("sid").and_then(|sid| sid.parse::<SessionId>().ok()),
        professional: None,
    })
}

/// The id under which a subject or group of an OpenID Connect issuer gets roles: a UUID of version 8 (RFC 9562 §5.8)
/// made from the SHA-256 of issuer and subject, or issuer and name of the group.
pub fn derived_id(issuer: &str, subject: &str) -> Uuid {
    let digest = digest::sha256([issuer.as_bytes(), b"\0", subject.as_bytes()].concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn guid<T: std::str::FromStr>(claims: &Claims, name: &str) -> Result<T, Reason> {
    let text = claims.text(name).ok_or(Reason::MissingClaim)?;
    text.parse().map_err(|_| Reason::MissingClaim)
}

/// A claim that is a text where it is there at all.
fn optional_text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, Reason> {
    let value = claims.members.get(name);
    value.map(|value| value.as_str().ok_or(Reason::Actor)).transpose()
}

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
