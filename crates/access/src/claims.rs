//! From the claims of a verified token to the principal.

use hygie_core::{AppId, ObjectId, Principal, PrincipalKind, SessionId};
use hygie_jose::{Claims, Header, digest};
use uuid::Uuid;

use crate::{Reason, Style, TrustedIssuer};

/// The principal of an access token of this issuer.
pub(crate) fn principal(claims: &Claims, header: &Header, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let typ = header.typ.as_deref().unwrap_or("JWT");
    if !["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str()) {
        return Err(Reason::TokenType);
    }
    match issuer.style {
        Style::Entra => entra(claims, issuer),
        Style::OpenId => open_id(claims, issuer),
    }
}

/// Entra's claims: version 1 has `appid`, version 2 `azp`; a person's token has `scp`, an application's has not and its
/// `sub` is its `oid`. Groups beyond the limit of a token (`_claim_names`) give no role.
fn entra(claims: &Claims, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let tenant = claims.text("tid").ok_or(Reason::MissingClaim)?;
    if tenant.parse() != Ok(issuer.tenant) {
        return Err(Reason::Tenant);
    }
    let subject: ObjectId = guid(claims, "oid")?;
    let app: AppId = guid(
        claims,
        if claims.text("ver") == Some("2.0") {
            "azp"
        } else {
            "appid"
        },
    )?;
    let kind = match (claims.text("scp"), claims.text("idtyp")) {
        (None, Some("app")) => service_kind(claims),
        (None, None) if claims.subject.as_deref() == claims.text("oid") => service_kind(claims),
        (Some(_), None | Some("user")) => PrincipalKind::User,
        _ => return Err(Reason::MissingClaim),
    };
    Ok(Principal {
        issuer: issuer.issuer.clone(),
        tenant: issuer.tenant,
        subject,
        kind,
        app: Some(app),
        groups: claims.texts("groups").filter_map(|id| id.parse().ok()).collect(),
        app_roles: claims.texts("roles").map(str::to_owned).collect(),
        scopes: words(claims.text("scp")),
        session: claims.text("sid").and_then(|sid| sid.parse::<SessionId>().ok()),
        professional: None,
    })
}

/// `xms_mirid` names the resource that a managed identity belongs to.
fn service_kind(claims: &Claims) -> PrincipalKind {
    if claims.text("xms_mirid").is_some() {
        PrincipalKind::ManagedIdentity
    } else {
        PrincipalKind::App
    }
}

/// RFC 9068, and providers that are older than it. Their id tokens look alike but for the claims that bind them to one
/// answer of the authorization endpoint.
fn open_id(claims: &Claims, issuer: &TrustedIssuer) -> Result<Principal, Reason> {
    let subject = claims.subject.as_deref().ok_or(Reason::MissingClaim)?;
    let client = claims
        .text("client_id")
        .or_else(|| claims.text("azp"))
        .ok_or(Reason::MissingClaim)?;
    if claims.members.contains_key("nonce")
        || claims.members.contains_key("at_hash")
        || claims.text("typ") == Some("ID")
    {
        return Err(Reason::TokenType);
    }
    let kind = if subject == client {
        PrincipalKind::App
    } else {
        PrincipalKind::User
    };
    Ok(Principal {
        issuer: issuer.issuer.clone(),
        tenant: issuer.tenant,
        subject: ObjectId::from_uuid(derived_id(&issuer.issuer, subject)),
        kind,
        app: Some(
            client
                .parse()
                .unwrap_or_else(|_| AppId::from_uuid(derived_id(&issuer.issuer, client))),
        ),
        groups: Vec::new(),
        app_roles: claims.texts("roles").map(str::to_owned).collect(),
        scopes: words(claims.text("scope")),
        session: claims.text("sid").and_then(|sid| sid.parse::<SessionId>().ok()),
        professional: None,
    })
}

/// The id under which a subject of an OpenID Connect issuer gets roles: a UUID of version 8 (RFC 9562 §5.8) made from
/// the SHA-256 of issuer and subject.
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

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
