//! What anybody may send in a head: nothing of it panics, and nothing of it comes back unescaped.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::routing::get;
use hygie_core::Secret;
use hygie_web::cookie;
use hygie_web::csrf::Csrf;
use hygie_web::error::PageError;
use hygie_web::i18n::{LANG_COOKIE, Lang};
use hygie_web::ui::Theme;
use proptest::prelude::*;

use crate::world::{World, request};

/// A header value of arbitrary bytes, as far as HTTP lets them through.
fn header() -> impl Strategy<Value = HeaderValue> {
    proptest::collection::vec(0x20_u8..=0xff, 0..200)
        .prop_filter_map("not a header value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

proptest! {
    #[test]
    fn heads_of_any_kind_are_read(cookies in header(), languages in header(), query in ".{0,100}") {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookies);
        headers.insert("accept-language", languages);
        Lang::of(&headers, Some(&query));
        Theme::of(&headers);
        cookie::get(&headers, LANG_COOKIE);
    }

    #[test]
    fn a_made_up_form_token_is_refused(binding in ".{0,50}", purpose in ".{0,20}", token in ".{0,60}") {
        let csrf = Csrf::new(&Secret::new([3; 32]));
        prop_assume!(token != csrf.token(&binding, &purpose));
        prop_assert!(csrf.verify(&binding, &purpose, &token).is_err());
    }

    #[test]
    fn every_address_gets_an_answer_without_markup_of_its_own(path in "/[!-~]{0,60}", value in header()) {
        let Ok(uri) = path.parse::<axum::http::Uri>() else { return Ok(()) };
        let page = async || Err::<(), _>(PageError::new(hygie_core::ErrorKind::Invalid, "x", "y"));
        let world = World::new(Router::new().route("/{*rest}", get(page)));
        let mut asked = request(Method::GET, "/", &[], Body::empty());
        *asked.uri_mut() = uri;
        for name in ["x-request-id", "x-forwarded-for", "host", "origin"] {
            asked.headers_mut().insert(name, value.clone());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let answer = runtime.block_on(world.send(asked));
        prop_assert!(answer.status.is_client_error());
        prop_assert!(!answer.text().contains("<script>alert"));
        let scripts = answer.text().matches("<script").count();
        prop_assert!(scripts <= 1, "{}", answer.text());
    }
}
