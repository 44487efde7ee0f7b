//! `GET /{tenant}/v2.0/.well-known/openid-configuration` and its v1 form — OpenID Connect Discovery 1.0 §4.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use hygie_directory::Place;
use hygie_oidc::Version;
use hygie_oidc::discovery::Audience;
use hygie_web::error::Failure;
use serde_json::Value;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::Idp;

/// Public documents may be kept for a day; a signing key is published a day before it signs.
pub const DAY: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "max-age=86400, private")];

type Document = ([(HeaderName, &'static str); 1], Json<Value>);

pub async fn get_v2(State(idp): State<Idp>, inbound: Inbound) -> Result<Document, Failure> {
    document(&idp, &inbound, Version::V2).await
}

pub async fn get_v1(State(idp): State<Idp>, inbound: Inbound) -> Result<Document, Failure> {
    document(&idp, &inbound, Version::V1).await
}

async fn document(idp: &Idp, inbound: &Inbound, version: Version) -> Result<Document, Failure> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await;
    let audience = match place.map_err(|error| refused::json(idp, inbound, &error))? {
        Place::Tenant(tenant) => Audience::Tenant(tenant),
        Place::Organizations => Audience::Organizations,
        Place::Common => Audience::Common,
    };
    let mut document = match version {
        Version::V1 => idp.provider().v1(audience),
        Version::V2 => idp.provider().v2(audience),
    };
    if let (Version::V2, Audience::Tenant(tenant)) = (version, audience)
        && let Some(grant) = idp.grant_of_exchange(tenant)
        && let Some(grants) = document["grant_types_supported"].as_array_mut()
    {
        grants.push(grant.into());
    }
    Ok((DAY, Json(document)))
}
