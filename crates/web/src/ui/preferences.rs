//! `POST /preferences`: the language and theme switches, which work without script and come back to the page.

use std::time::Duration;

use axum::Form;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use super::theme::{THEME_COOKIE, Theme};
use crate::cookie::{Cookie, SameSite};
use crate::i18n::{LANG_COOKIE, Lang};

/// Bytes of the form, whose longest member is an address.
pub(super) const MAX_CHOICE: usize = 8 << 10;
const YEAR: Duration = Duration::from_hours(365 * 24);

#[derive(Deserialize)]
pub(super) struct Choice {
    lang: Option<String>,
    theme: Option<String>,
    #[serde(rename = "return", default)]
    return_to: String,
}

/// Keeps the choice in a cookie. It needs no form token: another site could at most change a colour.
pub(super) async fn post(Form(choice): Form<Choice>) -> Response {
    let mut headers = HeaderMap::new();
    let lang = choice.lang.as_deref().and_then(Lang::parse).map(Lang::tag);
    keep(&mut headers, LANG_COOKIE, lang);
    match choice.theme.as_deref().and_then(Theme::parse) {
        Some(Theme::System) => append(&mut headers, &Cookie::removed(THEME_COOKIE)),
        theme => keep(&mut headers, THEME_COOKIE, theme.and_then(Theme::chosen)),
    }
    let target = HeaderValue::from_str(here(&choice.return_to)).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(LOCATION, target);
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn keep(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    append(
        headers,
        &Cookie {
            name,
            value,
            same_site: SameSite::Lax,
            max_age: Some(YEAR),
        },
    );
}

fn append(headers: &mut HeaderMap, cookie: &Cookie<'_>) {
    headers.append(SET_COOKIE, cookie.header().expect("a name and value of our own"));
}

/// The address when it is a path of this host, else the start page: the switches redirect nobody elsewhere.
fn here(address: &str) -> &str {
    let is_path = address.starts_with('/') && !address[1..].starts_with(['/', '\\']);
    let is_plain = address
        .bytes()
        .all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if is_path && is_plain { address } else { "/" }
}

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn only_paths_of_this_host_are_returned_to() {
        for (address, expected) in [
            ("/a/b?c=d&e=%20f", "/a/b?c=d&e=%20f"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("/é", "/"),
        ] {
            assert_eq!(here(address), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn a_choice_becomes_a_cookie() {
        let choice = |lang: Option<&str>, theme: Option<&str>| {
            Form(Choice {
                lang: lang.map(str::to_owned),
                theme: theme.map(str::to_owned),
                return_to: "/x".to_owned(),
            })
        };
        let cookies = |response: &Response| {
            let all = response.headers().get_all(SET_COOKIE);
            all.iter()
                .map(|value| value.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let response = post(choice(Some("en"), None)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[LOCATION], "/x");
        assert!(cookies(&response).starts_with("__Host-hygie-lang=en; Path=/; Secure; HttpOnly; SameSite=Lax"));
        assert!(cookies(&post(choice(None, Some("dark"))).await).starts_with("__Host-hygie-theme=dark;"));
        assert!(cookies(&post(choice(None, Some("system"))).await).ends_with("Max-Age=0"));
        assert_eq!(cookies(&post(choice(Some("<script>"), Some("x"))).await), "");
    }

    #[tokio::test]
    async fn a_choice_is_short() {
        for (length, status) in [(MAX_CHOICE - 9, 303), (MAX_CHOICE, 413)] {
            let form = format!("return=/{}", "x".repeat(length));
            let request = axum::http::Request::post("/preferences")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(axum::body::Body::from(form))
                .unwrap();
            let router: axum::Router = super::super::router();
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{length}");
        }
    }
}
