//! The question whether somebody stays signed in when the browser closes, and the cookie that follows from the answer.

use askama::Template;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use hygie_core::Secret;
use hygie_directory::repo::{Familiar, Kept};
use hygie_web::audit::Note;
use hygie_web::cookie::{self, Cookie, SameSite};
use hygie_web::error::Failure;
use hygie_web::ui::{Form, Page, View};

use super::flow::{Flow, Typed, set_cookie};
use super::prove::Proving;
use super::{BROWSER_COOKIE, SESSION_COOKIE};
use hygie_idp_core::signin::{CookieLife, SignedIn};

#[derive(Template)]
#[template(path = "keep.html")]
struct KeepPage {
    page: Page,
    form: Form,
    account: String,
}

/// The next value of the session cookie, which replaces what an answer says of the last one.
pub struct SessionCookie {
    /// The value.
    pub value: Secret<String>,
    /// What the browser is known by as one that people signed in from.
    pub familiar: Secret<String>,
}

/// How long the session cookie lives, as an answer says it to what sets the cookie.
#[derive(Clone, Copy)]
struct Lives(CookieLife);

impl IntoResponseParts for SessionCookie {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let life = parts
            .extensions()
            .get::<Lives>()
            .map_or(CookieLife::Unsaid, |lives| lives.0);
        put(parts.headers_mut(), self.value.expose(), life);
        let familiar = Cookie {
            max_age: Some(Familiar::KEPT),
            ..Cookie::session(BROWSER_COOKIE, self.familiar.expose(), SameSite::Lax)
        };
        parts.headers_mut().append(SET_COOKIE, set_cookie(&familiar));
        Ok(parts)
    }
}

/// Sets the session cookie, and no other value of it.
fn put(headers: &mut axum::http::HeaderMap, value: &str, life: CookieLife) {
    let is_other = |header: &&HeaderValue| !header.as_bytes().starts_with(SESSION_COOKIE.as_bytes());
    let others: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(is_other).cloned().collect();
    headers.remove(SET_COOKIE);
    for other in others {
        headers.append(SET_COOKIE, other);
    }
    // A page of another site asks in a hidden frame whether its person is signed in (`prompt=none`), as in Entra ID.
    // What follows from the cookie alone goes to registered addresses only; forms have a token, and a cookie, of their own.
    let cookie = Cookie {
        max_age: match life {
            CookieLife::For(age) => Some(age),
            CookieLife::Unsaid | CookieLife::Browser => None,
        },
        ..Cookie::session(SESSION_COOKIE, value, SameSite::None)
    };
    headers.append(SET_COOKIE, set_cookie(&cookie));
}

impl Flow<'_> {
    /// Asks.
    pub fn ask_keeping(&self, signed_in: &SignedIn) -> Response {
        let (form, cookies) = self.form("keep");
        let view = View(KeepPage {
            page: self.page(),
            form: form.carry("account", signed_in.account.session.to_string()),
            account: signed_in.account.user_principal_name.clone(),
        });
        (Note::recorded(), cookies, self.form_action(), view).into_response()
    }

    /// An answer to the application, with the cookie as long as the session of this person stays.
    pub async fn keeping(&self, signed_in: &SignedIn, answer: Response) -> Response {
        let mut response = (Note::recorded(), answer).into_response();
        let cx = self.inbound.asked.cx(signed_in.account.tenant);
        let life = match self.idp.cookie_life(&cx, signed_in).await {
            Ok(life) => life,
            Err(error) => return self.page_of(&error).into_response(),
        };
        if life == CookieLife::Unsaid {
            return response;
        }
        // Where somebody has just proved something there is a next value, which comes in the place of this one.
        if let Some(value) = cookie::get(&self.inbound.headers, SESSION_COOKIE) {
            put(response.headers_mut(), value, life);
        }
        response.extensions_mut().insert(Lives(life));
        response
    }
}

impl Proving<'_, '_> {
    /// The answer.
    pub async fn keep(&self) -> Result<Response, Failure> {
        let Some(signed_in) = self.known() else {
            return Ok(self.flow.sign_in(&Typed::default()));
        };
        let kept = match self.params.get("answer") {
            Some("yes") => Kept::Yes,
            _ => Kept::No,
        };
        let cx = self.flow.inbound.asked.cx(signed_in.account.tenant);
        let answered = self.flow.idp.answer_keeping(&cx, signed_in, kept).await;
        answered.map_err(|error| self.flow.page_of(&error))?;
        Ok(self.flow.finish(self.request, signed_in).await)
    }
}
