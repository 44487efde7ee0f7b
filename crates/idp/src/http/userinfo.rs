//! `GET|POST /{tenant}/openid/userinfo`, and `/oidc/userinfo` at the host of the directory API — OpenID Connect Core §5.3. <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use hygie_access::Reason;
use hygie_web::audit::Note;
use hygie_web::error::Failure;

use super::inbound::Inbound;
use super::refused::json;
use crate::wire::BearerError;
use hygie_idp_core::Idp;
use hygie_idp_core::token::UserInfoError;

pub async fn get(State(idp): State<Idp>, inbound: Inbound) -> Result<Response, Failure> {
    inbound.asked.note(Note::new("idp.userinfo", "me"));
    let bearer = inbound
        .header(AUTHORIZATION.as_str())
        .and_then(|header| header.split_once(' '));
    let Some((_, token)) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Ok(refused(Reason::NoToken));
    };
    match idp.user_info(&inbound.cx(), token, inbound.certificate()).await {
        Ok((principal, info)) => {
            inbound.asked.cx(principal.tenant);
            inbound.asked.acts(principal.into());
            Ok(([(CACHE_CONTROL, "no-store")], Json(info)).into_response())
        }
        Err(UserInfoError::Token(reason)) => Ok(refused(reason)),
        Err(UserInfoError::Bearer(principal, refusal)) => {
            inbound.asked.cx(principal.tenant);
            inbound.asked.acts((*principal).into());
            Ok(INVALID.answer(format!("AADSTS{}", refusal.code().number())))
        }
        Err(UserInfoError::Idp(error)) => Err(json(&idp, &inbound, &error)),
    }
}

fn refused(reason: Reason) -> Response {
    let told = match reason {
        Reason::NoToken => &NO_TOKEN,
        Reason::Scope => &NO_SCOPE,
        _ => &INVALID,
    };
    told.answer(reason.code())
}

/// What a refused caller is told (RFC 6750 §3): no error for who shows no token, no reason but the scope for who does.
struct Told {
    status: StatusCode,
    challenge: &'static str,
    body: BearerError,
}

const NO_TOKEN: Told = Told {
    status: StatusCode::UNAUTHORIZED,
    challenge: "Bearer",
    body: BearerError {
        error: "invalid_token",
        error_description: "an access token is needed",
    },
};
const INVALID: Told = Told {
    status: StatusCode::UNAUTHORIZED,
    challenge: "Bearer error=\"invalid_token\"",
    body: BearerError {
        error: "invalid_token",
        error_description: "the access token is not valid here",
    },
};
const NO_SCOPE: Told = Told {
    status: StatusCode::FORBIDDEN,
    challenge: "Bearer error=\"insufficient_scope\", scope=\"openid\"",
    body: BearerError {
        error: "insufficient_scope",
        error_description: "the access token lacks the scope openid",
    },
};

impl Told {
    fn answer(&self, recorded: impl Into<Cow<'static, str>>) -> Response {
        let note = Note::new("idp.userinfo", "me").refused(recorded);
        let headers = [(WWW_AUTHENTICATE, self.challenge), (CACHE_CONTROL, "no-store")];
        (self.status, note, headers, Json(self.body)).into_response()
    }
}
