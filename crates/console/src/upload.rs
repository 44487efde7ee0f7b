//! Forms with files: `multipart/form-data` (RFC 7578, RFC 2046 §5.1), read whole within limits. Where they are taken, forms
//! without files are too: the buttons of a list beside a form with a file.
//!
//! # Deviations
//!
//! - Nothing may stand before the first boundary, and parts have no transfer encoding: browsers send neither.

use axum::extract::{FromRequest, MatchedPath, Request};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hygie_core::ErrorKind;
use hygie_policy::psc::MAX_EXPORT;
use hygie_web::error::PageError;
use tokio::sync::OwnedSemaphorePermit;

use crate::Console;
use crate::http::Fields;

/// Octets of a form with files: a certificate and what is typed.
const MAX_UPLOAD: usize = 128 << 10;
/// Octets of those that may have more, by their addresses: terms of use, exported policies, a revocation list of 20 MiB.
const LARGER: [(&str, usize); 5] = [
    ("/admin/terms/new", 6 << 20),
    ("/admin/terms/{id}", 6 << 20),
    ("/admin/pro-sante-connect/prepare", 6 << 20),
    ("/admin/pro-sante-connect/check", MAX_EXPORT + MAX_UPLOAD),
    ("/admin/trust/{pki}/{id}", 21 << 20),
];
/// Larger forms that are received at once.
pub const AT_ONCE: usize = 4;
/// Parts of a form.
const MAX_PARTS: usize = 64;
/// Octets before the content of a part.
const MAX_HEAD: usize = 4 << 10;
/// Octets of a field that is no file.
const MAX_TEXT: usize = 64 << 10;
/// Signs of a boundary.
const MAX_BOUNDARY: usize = 70;

/// A form with files.
#[derive(Debug)]
pub struct Upload {
    /// What was typed.
    pub fields: Fields,
    files: Vec<File>,
    /// Its place among the larger ones, kept until what was asked is done.
    _place: Option<OwnedSemaphorePermit>,
}

/// The octets of a request of the console that may have more than the others of its host.
pub fn larger(request: &Parts) -> Option<usize> {
    let route = request.extensions.get::<MatchedPath>()?.as_str();
    let (_, most) = LARGER.iter().find(|(address, _)| *address == route)?;
    (request.method == Method::POST).then_some(*most)
}

/// A file that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    field: String,
    /// Its name, without a path.
    pub name: String,
    /// What is in it.
    pub content: Bytes,
}

impl Upload {
    /// A form without files.
    fn plain(body: &[u8]) -> Self {
        Self {
            fields: Fields(url::form_urlencoded::parse(body).into_owned().collect()),
            files: Vec::new(),
            _place: None,
        }
    }

    /// The file of a field; `None` where none was chosen.
    pub fn file(&self, field: &str) -> Option<&File> {
        self.files.iter().find(|file| file.field == field)
    }
}

/// A body that is no form with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is not one with files")]
pub struct NotAForm;

impl FromRequest<Console> for Upload {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let refuse = |kind, code, message| PageError::new(kind, code, message).into_response();
        let (head, body) = request.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(boundary).map(str::to_owned);
        let is_plain = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let larger = larger(&head);
        let place = larger.map(|_| console.0.uploads.clone().try_acquire_owned());
        let crowded = |_| refuse(ErrorKind::TooMany, "throttled", "too many files are received at once");
        let place = place.transpose().map_err(crowded)?;
        let body = axum::body::to_bytes(body, larger.unwrap_or(MAX_UPLOAD)).await;
        let body = body.map_err(|_| refuse(ErrorKind::TooLarge, "too-long", "the form is too long"))?;
        let read = match boundary {
            Some(boundary) => read(&body, &boundary).ok(),
            None => is_plain.then(|| Self::plain(&body)),
        };
        let read = read.map(|upload| Self {
            _place: place,
            ..upload
        });
        read.ok_or_else(|| refuse(ErrorKind::Invalid, "admin-refused", "the form is not one with files"))
    }
}

/// The boundary of a content type.
fn boundary(kind: &str) -> Option<&str> {
    let (essence, parameters) = kind.split_once(';')?;
    let is_form = essence.trim().eq_ignore_ascii_case("multipart/form-data");
    let parameter = parameters.split(';').map(str::trim);
    let mut boundaries = parameter.filter_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"'))
    });
    let boundary = boundaries.next().filter(|_| is_form)?;
    let is_good = (1..=MAX_BOUNDARY).contains(&boundary.len()) && boundary.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then_some(boundary)
}

fn read(body: &Bytes, boundary: &str) -> Result<Upload, NotAForm> {
    let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut upload = Upload {
        fields: Fields(Vec::new()),
        files: Vec::new(),
        _place: None,
    };
    let mut place = first.len();
    if !body.starts_with(first.as_bytes()) {
        return Err(NotAForm);
    }
    for _ in 0..=MAX_PARTS {
        let rest = &body[place..];
        if rest.starts_with(b"--") {
            return Ok(upload);
        }
        let start = place + 2;
        let head = rest.strip_prefix(b"\r\n").ok_or(NotAForm)?;
        let head = &head[..head.len().min(MAX_HEAD)];
        let length = find(head, b"\r\n\r\n").ok_or(NotAForm)?;
        let content = start + length + 4;
        let end = content + find(&body[content..], next.as_bytes()).ok_or(NotAForm)?;
        upload.add(&head[..length], body.slice(content..end))?;
        place = end + next.len();
    }
    Err(NotAForm)
}

impl Upload {
    fn add(&mut self, head: &[u8], content: Bytes) -> Result<(), NotAForm> {
        let head = std::str::from_utf8(head).map_err(|_| NotAForm)?;
        let disposition = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-disposition").then(|| value.trim())
        });
        let parameters = disposition.and_then(|value| value.strip_prefix("form-data"));
        let parameters = parameters.ok_or(NotAForm)?;
        let field = parameter(parameters, "name").ok_or(NotAForm)?;
        match parameter(parameters, "filename") {
            // No file was chosen: browsers send an empty one.
            Some(name) if name.is_empty() && content.is_empty() => {}
            Some(name) => {
                let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
                self.files.push(File { field, name, content });
            }
            None if content.len() > MAX_TEXT => return Err(NotAForm),
            None => {
                let text = String::from_utf8(content.to_vec()).map_err(|_| NotAForm)?;
                self.fields.0.push((field, text));
            }
        }
        Ok(())
    }
}

/// A quoted parameter; browsers write a quote, a carriage return and a line feed in it as a percent sign and two digits
/// (HTML, multipart form data).
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((_, after)) = rest.split_once(';') {
        let (found, value) = after.trim_start().split_once("=\"")?;
        let (value, after) = value.split_once('"')?;
        if found.eq_ignore_ascii_case(name) {
            let value = value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
            return Some(value);
        }
        rest = after;
    }
    None
}

/// Where `what` begins.
fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| *byte == first) {
        at += found;
        if text[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Bytes {
        Bytes::from(text.replace('\n', "\r\n"))
    }

    const FORM: &str = "--x\nContent-Disposition: form-data; name=\"csrf\"\n\nabc\n--x\n\
        content-disposition: form-data; name=\"document\"; filename=\"C:\\a%22b.pdf\"\nContent-Type: application/pdf\n\n\
        %PDF\n--xy\n\n--x\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\n\n\n--x--\n";

    #[test]
    fn fields_and_files_are_read() {
        let upload = read(&body(&FORM.replace("--xy", "-xy")), "x").unwrap();
        assert_eq!(upload.fields.get("csrf"), "abc");
        let file = upload.file("document").unwrap();
        assert_eq!(
            (file.name.as_str(), &file.content[..]),
            ("a\"b.pdf", &b"%PDF\r\n-xy\r\n"[..])
        );
        assert_eq!(upload.file("none"), None);
    }

    #[test]
    fn what_is_cut_or_odd_is_no_form() {
        let whole = body(&FORM.replace("--xy", "-xy"));
        for end in 0..whole.len() - 4 {
            assert!(read(&whole.slice(..end), "x").is_err(), "{end}");
        }
        for text in [
            "",
            "--y--",
            "--x\nContent-Disposition: attachment; name=\"a\"\n\n\n--x--",
            "--x\nContent-Disposition: form-data\n\n\n--x--",
            "--x\nContent-Disposition: form-data; name=a\n\n\n--x--",
            "--x\n\n\n--x--",
        ] {
            assert_eq!(read(&body(text), "x").map(|_| ()), Err(NotAForm), "{text}");
        }
        let part = "--x\nContent-Disposition: form-data; name=\"a\"\n\n\n";
        assert!(read(&body(&(part.repeat(MAX_PARTS) + "--x--")), "x").is_ok());
        assert!(read(&body(&(part.repeat(MAX_PARTS + 1) + "--x--")), "x").is_err());
        let long = format!(
            "--x\nContent-Disposition: form-data; name=\"a\"\n\n{}\n--x--",
            "a".repeat(MAX_TEXT + 1)
        );
        assert!(read(&body(&long), "x").is_err());
    }

    #[test]
    fn the_boundary_is_a_parameter() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"abc\"", Some("abc")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
            ("application/x-www-form-urlencoded", None),
        ] {
            assert_eq!(boundary(kind), expected, "{kind}");
        }
    }
}
