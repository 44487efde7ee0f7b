//! `GET|POST /{tenant}/openid/userinfo` — OpenID Connect Core §5.3. <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::refused;
use crate::Idp;
use crate::token::UserInfoError;
use crate::wire::BearerError;

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.userinfo", "me"));
    let bearer = inbound
        .header(AUTHORIZATION.as_str())
        .and_then(|header| header.split_once(' '));
    let Some((_, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Ok(unauthenticated("Bearer"));
    };
    match idp.user_info(&inbound.cx(), token).await {
        Ok((principal, info)) => {
            inbound.asked.cx(principal.tenant);
            inbound.asked.acts(principal.into());
            Ok(([(CACHE_CONTROL, "no-store")], Json(info)).into_response())
        }
        Err(UserInfoError::Token) => Ok(unauthenticated("Bearer error=\"invalid_token\"")),
        Err(UserInfoError::Idp(error)) => Err(refused::json(&idp, &inbound, &error)),
    }
}

/// RFC 6750 §3.
fn unauthenticated(challenge: &'static str) -> Response {
    let body = BearerError {
        error: "invalid_token",
        error_description: "the access token is not valid here",
    };
    (
        StatusCode::UNAUTHORIZED,
        Note::new("idp.userinfo", "me").refused(body.error),
        [(WWW_AUTHENTICATE, challenge), (CACHE_CONTROL, "no-store")],
        Json(body),
    )
        .into_response()
}
