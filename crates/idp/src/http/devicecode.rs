//! `POST /{tenant}/oauth2/v2.0/devicecode` — RFC 8628. Not offered yet: refused as a grant that is not supported.

use axum::extract::State;
use hygie_oidc::{Aadsts, Refusal};
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::refused;
use crate::{Idp, IdpError};

pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Failure {
    let refusal = Refusal::about(Aadsts::GrantType, &["urn:ietf:params:oauth:grant-type:device_code"]);
    refused::json(&idp, &inbound, &IdpError::from(refusal))
}
