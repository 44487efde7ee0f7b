//! Trust stores: the names and kinds of the members of public key infrastructures and their authorities.
//! <https://learn.microsoft.com/graph/api/resources/certificatebasedauthpki>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_directory::trust::{ListSource, Pki, TrustedAuthority};
use hygie_jose::x509::Position;
use hygie_means::ListState;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

/// `certificateBasedAuthPki`.
pub static PKI: EntityType = EntityType {
    name: "certificateBasedAuthPki",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("displayName", TEXT),
        Property::new("status", TEXT),
        Property::new("statusDetails", TEXT),
        Property::new("lastModifiedDateTime", Kind::Instant),
    ],
    navigations: &[],
};

/// `certificateAuthorityDetail`.
pub static AUTHORITY: EntityType = EntityType {
    name: "certificateAuthorityDetail",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("certificateAuthorityType", TEXT),
        Property::new("certificate", TEXT),
        Property::new("displayName", TEXT),
        Property::new("issuer", TEXT),
        Property::new("issuerSubjectKeyIdentifier", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("expirationDateTime", Kind::Instant),
        Property::new("thumbprint", TEXT),
        Property::new("certificateRevocationListUrl", TEXT),
        Property::new("deltaCertificateRevocationListUrl", TEXT),
        Property::new("isIssuerHintEnabled", Kind::Flag),
    ],
    navigations: &[],
};

const FORMER_AUTHORITY: &[Property] = &[
    Property::new("isRootAuthority", Kind::Flag),
    Property::new("certificate", TEXT),
    Property::new("certificateRevocationListUrl", TEXT),
    Property::new("deltaCertificateRevocationListUrl", TEXT),
    Property::new("issuer", TEXT),
    Property::new("issuerSki", TEXT),
];

/// `certificateBasedAuthConfiguration`: trust stores as they were before infrastructures.
pub static FORMER_TRUST: EntityType = EntityType {
    name: "certificateBasedAuthConfiguration",
    properties: &[
        Property::new("id", TEXT),
        Property::new("certificateAuthorities", Kind::List(&Kind::Complex(FORMER_AUTHORITY))),
    ],
    navigations: &[],
};

/// An infrastructure in its former form.
pub fn former_trust(id: Uuid, authorities: &[TrustedAuthority]) -> Map<String, Value> {
    let one = |trusted: &TrustedAuthority| {
        let of = &trusted.authority;
        json!({
            "isRootAuthority": of.position == Position::Root,
            "certificate": STANDARD.encode(of.der()),
            "certificateRevocationListUrl": trusted.list_url,
            "deltaCertificateRevocationListUrl": trusted.delta_url,
            "issuer": of.issuer,
            "issuerSki": of.subject_key_identifier.as_deref().map(str::to_uppercase),
        })
    };
    let authorities: Vec<Value> = authorities.iter().map(one).collect();
    filled(
        &FORMER_TRUST,
        [
            ("id", id.to_string().into()),
            ("certificateAuthorities", authorities.into()),
        ],
    )
}

/// An infrastructure; nothing of it is ever under way.
pub fn pki(pki: &Pki) -> Map<String, Value> {
    filled(
        &PKI,
        [
            ("id", pki.id.to_string().into()),
            ("displayName", pki.display_name.clone().into()),
            ("status", "succeeded".into()),
            ("lastModifiedDateTime", pki.modified_at.to_rfc3339().into()),
        ],
    )
}

/// An authority.
pub fn authority(trusted: &TrustedAuthority) -> Map<String, Value> {
    let authority = &trusted.authority;
    let position = match authority.position {
        Position::Root => "root",
        Position::Intermediate => "intermediate",
    };
    filled(
        &AUTHORITY,
        [
            ("id", trusted.id.to_string().into()),
            ("certificateAuthorityType", position.into()),
            ("certificate", STANDARD.encode(authority.der()).into()),
            ("displayName", authority.display_name.clone().into()),
            ("issuer", authority.issuer.clone().into()),
            (
                "issuerSubjectKeyIdentifier",
                authority
                    .subject_key_identifier
                    .as_deref()
                    .map(str::to_uppercase)
                    .into(),
            ),
            ("createdDateTime", trusted.created_at.to_rfc3339().into()),
            ("expirationDateTime", authority.not_after.to_rfc3339().into()),
            ("thumbprint", authority.thumbprint.to_uppercase().into()),
            ("certificateRevocationListUrl", trusted.list_url.clone().into()),
            ("deltaCertificateRevocationListUrl", trusted.delta_url.clone().into()),
            ("isIssuerHintEnabled", trusted.is_hint_enabled.into()),
        ],
    )
}

/// What is known of the revocation list of an authority: ours.
pub fn list(trusted: &TrustedAuthority, state: &ListState) -> Map<String, Value> {
    let row = state.list.as_ref();
    let delta = state.delta.as_ref().map(|row| {
        json!({
            "thisUpdateDateTime": row.this_update.to_rfc3339(),
            "nextUpdateDateTime": row.next_update.to_rfc3339(),
            "storedDateTime": row.stored_at.to_rfc3339(),
            "revokedCount": row.revoked,
        })
    });
    let shown = json!({
        "id": trusted.id.to_string(),
        "isCurrent": state.is_current,
        "source": row.map(|row| match row.source {
            ListSource::Fetched => "fetched",
            ListSource::Uploaded => "uploaded",
        }),
        "thisUpdateDateTime": row.map(|row| row.this_update.to_rfc3339()),
        "nextUpdateDateTime": row.map(|row| row.next_update.to_rfc3339()),
        "storedDateTime": row.map(|row| row.stored_at.to_rfc3339()),
        "revokedCount": row.map(|row| row.revoked),
        "graceInHours": trusted.grace_hours,
        "delta": delta,
        "problem": state.fault.map(|fault| fault.to_string()),
        "deltaProblem": state.delta_fault.map(|fault| fault.to_string()),
    });
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
