//! `GET|POST /{tenant}/oauth2/v2.0/authorize` and its v1 form — RFC 6749 §3.1, OpenID Connect Core §3.1.2.

use axum::extract::State;
use axum::response::Response;
use hygie_oidc::Version;
use hygie_web::error::Failure;

use super::flow::{Flow, as_get};
use super::inbound::Inbound;
use super::refused;
use hygie_idp_core::{Idp, IdpError};

pub async fn get_v2(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    get(idp, inbound, Version::V2).await
}

pub async fn get_v1(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    get(idp, inbound, Version::V1).await
}

async fn get(idp: Idp, inbound: Inbound, version: Version) -> Result<Response, Failure> {
    let params = inbound.params().cloned();
    let asking = match params {
        Ok(params) => asking(&idp, &inbound, version, params).await,
        Err(refusal) => Err(refusal.into()),
    };
    let asking = asking.map_err(|error| refused::page(&idp, &inbound, &error))?;
    Flow::new(&idp, &inbound, asking).begin().await
}

/// The address of a request with these parameters.
pub fn address<'a>(segment: &str, version: Version, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let endpoint = match version {
        Version::V1 => "oauth2/authorize",
        Version::V2 => "oauth2/v2.0/authorize",
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("/{segment}/{endpoint}?{query}")
}

async fn asking(
    idp: &Idp,
    inbound: &Inbound,
    version: Version,
    params: hygie_oidc::Params,
) -> Result<hygie_idp_core::token::Asking, IdpError> {
    let place = idp.place(&inbound.cx(), &inbound.segment).await?;
    idp.asking(&inbound.cx(), place, version, params).await
}

/// An authorization request by POST is sent on as GET, so that it comes with the session.
pub async fn post(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    let fail = |error: IdpError| refused::page(&idp, &inbound, &error);
    // The path goes into the address: first it must be one of ours.
    idp.place(&inbound.cx(), &inbound.segment).await.map_err(fail)?;
    let params = inbound.params().map_err(|refusal| fail(refusal.into()))?;
    Ok(as_get(&inbound, params))
}
