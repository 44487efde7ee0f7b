//! A client of a router: sends requests without a socket, keeps cookies as a browser does.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::Value;
use tower::ServiceExt;

/// A client with its own cookies. It panics where a test is written wrong (an address that is none).
pub struct Client {
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Client {
    /// Of this router, without cookies.
    pub fn new(router: &Router) -> Self {
        Self {
            router: router.clone(),
            cookies: Mutex::default(),
        }
    }

    /// `GET address`.
    pub async fn get(&self, address: &str) -> Answer {
        self.send(Method::GET, address, &[], Body::empty()).await
    }

    /// `GET address` with headers.
    pub async fn get_with(&self, address: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, address, headers, Body::empty()).await
    }

    /// `POST address` with the fields of a form.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(address, &[], fields).await
    }

    /// `POST address` with headers and the fields of a form.
    pub async fn post_with(&self, address: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = [&[(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")], headers].concat();
        self.send(Method::POST, address, &headers, Body::from(form)).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, address: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(address)
            .body(body)
            .expect("an address");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            request
                .headers_mut()
                .append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request
                .headers_mut()
                .insert(COOKIE, cookies.join("; ").parse().expect("cookies are header values"));
        }
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        self.keep(&parts.headers);
        let body = body.collect().await.expect("a body that ends").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().get(name).cloned()
    }

    /// Sets a cookie, as another program in the browser would.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().insert(name.to_owned(), value.to_owned());
    }

    fn keep(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock();
        for header in headers.get_all(SET_COOKIE) {
            let text = header.to_str().expect("cookies are ASCII");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    /// A header as text; empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("the header is ASCII"))
    }

    /// Where it redirects to.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The value of a parameter in the query or fragment of where it redirects to.
    pub fn redirect_param(&self, name: &str) -> Option<String> {
        let (_, encoded) = self.location().split_once(['?', '#'])?;
        url::form_urlencoded::parse(encoded.as_bytes())
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value of a hidden field of the page.
    pub fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.text().split_once(&format!("name=\"{name}\" value=\""))?;
        let (value, _) = rest.split_once('"')?;
        // `&` last, so that nothing is decoded twice.
        let marks = [
            ("&quot;", "\""),
            ("&#34;", "\""),
            ("&#39;", "'"),
            ("&lt;", "<"),
            ("&#60;", "<"),
            ("&gt;", ">"),
            ("&#62;", ">"),
        ];
        let text = marks
            .iter()
            .fold(value.to_owned(), |text, (mark, sign)| text.replace(mark, sign));
        Some(text.replace("&amp;", "&").replace("&#38;", "&"))
    }
}
