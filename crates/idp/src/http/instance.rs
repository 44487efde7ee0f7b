//! `GET /common/discovery/instance` — instance discovery, which Microsoft's libraries ask before they trust a host.

use axum::Json;
use axum::extract::State;
use hygie_oidc::{Aadsts, Refusal};
use hygie_web::error::Failure;
use serde_json::Value;

use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::{Idp, IdpError};

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Json<Value>, Failure> {
    instance(&idp, &inbound)
        .map(Json)
        .map_err(|refusal| refused::json(&idp, &inbound, &IdpError::from(refusal)))
}

fn instance(idp: &Idp, inbound: &Inbound) -> Result<Value, Refusal> {
    let endpoint = inbound.params()?.require("authorization_endpoint")?;
    idp.provider()
        .instance(endpoint)
        .ok_or_else(|| Refusal::new(Aadsts::UnknownInstance))
}
