//! `GET /common/userrealm/{name}` — how the domain of a name signs in, which MSAL for Python asks before it sends a
//! password: with us ("Managed"), or nobody knows ("Unknown"). Whether somebody has the name is not told.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use hygie_oidc::{Aadsts, Refusal};
use hygie_web::audit::Note;
use hygie_web::error::Failure;
use serde_json::json;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::{Idp, IdpError};

pub async fn get(
    State(idp): State<Idp>,
    Path((segment, name)): Path<(String, String)>,
    inbound: Inbound,
) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.realm", "tenant"));
    realm(&idp, &inbound, (&segment, &name))
        .await
        .map_err(|error| refused::json(&idp, &inbound, &error))
}

async fn realm(idp: &Idp, inbound: &Inbound, (segment, name): (&str, &str)) -> Result<Response, IdpError> {
    if segment != "common" {
        return Err(Refusal::bad("tenant").into());
    }
    if inbound.params()?.require("api-version")? != "1.0" {
        return Err(Refusal::bad("api-version").into());
    }
    let domain = name.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let domain = domain.filter(|domain| (1..=253).contains(&domain.len()));
    let domain = domain.ok_or_else(|| Refusal::about(Aadsts::BadParameter, &["user"]))?;
    let is_ours = idp.tenant_of_domain(&inbound.cx(), &domain).await?.is_some();
    let host = idp.provider().host();
    Ok(Json(json!({
        "ver": "1.0",
        "account_type": if is_ours { "Managed" } else { "Unknown" },
        "domain_name": domain,
        "cloud_instance_name": host,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }))
    .into_response())
}
