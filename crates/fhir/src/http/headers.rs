//! Headers of requests and answers: `Prefer`, `Accept`, `Content-Type`, dates of HTTP.

use std::time::{Duration, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use httpdate::fmt_http_date;
use hygie_core::Timestamp;
use hygie_fhir_store::search::Handling;

use crate::interaction::Error;
use crate::wire::Return;

/// `Prefer` (RFC 7240). <http://hl7.org/fhir/R4/http.html#ops>, <http://hl7.org/fhir/R4/search.html#errors>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefer {
    /// What a write answers with.
    pub returns: Return,
    /// What becomes of unknown search parameters.
    pub handling: Handling,
}

impl Prefer {
    /// Of these headers; unknown preferences are ignored, as the RFC asks.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self {
            returns: Return::Representation,
            handling: Handling::Lenient,
        };
        let lines = headers.get_all("prefer").into_iter();
        for line in lines.filter_map(|line| line.to_str().ok()) {
            for preference in line.split([',', ';']).map(str::trim) {
                match preference {
                    "return=minimal" => prefer.returns = Return::Minimal,
                    "return=representation" => prefer.returns = Return::Representation,
                    "return=OperationOutcome" => prefer.returns = Return::Outcome,
                    "handling=strict" => prefer.handling = Handling::Strict,
                    "handling=lenient" => prefer.handling = Handling::Lenient,
                    _ => {}
                }
            }
        }
        prefer
    }
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its content type.
    pub content_type: &'static str,
    /// Whether people read it.
    pub is_pretty: bool,
}

/// What `_format` names. <http://hl7.org/fhir/R4/http.html#parameters>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A format of resources, of which we have one.
    Fhir,
    /// Another, which the content of a Binary may have.
    Other,
}

impl Named {
    /// Of a query.
    pub fn of(pairs: &[(String, String)]) -> Option<Self> {
        let (_, format) = pairs.iter().find(|(name, _)| name == "_format")?;
        let is_fhir = [
            "json",
            "application/fhir+json",
            "application/fhir json",
            "application/json",
            "text/json",
            "xml",
            "application/fhir+xml",
            "application/fhir xml",
            "application/xml",
            "text/xml",
        ];
        Some(if is_fhir.contains(&format.as_str()) {
            Self::Fhir
        } else {
            Self::Other
        })
    }
}

const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

impl Default for Format {
    /// FHIR JSON.
    fn default() -> Self {
        Self {
            content_type: FHIR_JSON,
            is_pretty: false,
        }
    }
}

impl Format {
    /// As `_format`, `_pretty` and `Accept` ask. <http://hl7.org/fhir/R4/http.html#mime-type>
    pub fn of(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<Self, Error> {
        let parameter = |wanted: &str| {
            pairs
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let content_type = match parameter("_format") {
            // A plus sign in a query is a space.
            Some("json" | "application/fhir+json" | "application/fhir json") => FHIR_JSON,
            Some("application/json" | "text/json") => JSON,
            Some(_) => return Err(Error::Format),
            None => accepted(headers).ok_or(Error::Format)?,
        };
        Ok(Self {
            content_type,
            is_pretty: parameter("_pretty") == Some("true"),
        })
    }
}

/// The content type that the client likes best of those that we have.
fn accepted(headers: &HeaderMap) -> Option<&'static str> {
    let mut best: Option<(f32, &'static str)> = None;
    let mut is_empty = true;
    let lines = headers.get_all(ACCEPT).into_iter();
    for range in lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
    {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        is_empty &= media.is_empty();
        let offered = match media.as_str() {
            "application/fhir+json" | "application/*" | "*/*" => FHIR_JSON,
            "application/json" | "text/json" => JSON,
            _ => continue,
        };
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if quality > 0.0 && best.is_none_or(|(than, _)| quality > than) {
            best = Some((quality, offered));
        }
    }
    if is_empty {
        Some(FHIR_JSON)
    } else {
        best.map(|(_, offered)| offered)
    }
}

/// The media types in `Accept`, in lower case, but those that it refuses.
fn media_ranges(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let lines = headers
        .get_all(ACCEPT)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?;
        let mut qualities = parts.filter_map(|part| part.strip_prefix("q="));
        let is_refused = qualities.any(|q| q.parse() == Ok(0.0));
        (!is_refused).then(|| media.to_ascii_lowercase())
    })
}

/// Whether `Accept` names this media type.
pub fn accepts(headers: &HeaderMap, media: &str) -> bool {
    media_ranges(headers).any(|range| range == media)
}

/// Whether `Accept` names JSON, and nothing else.
pub fn is_json_alone(headers: &HeaderMap) -> bool {
    let is_json = |range: String| matches!(range.as_str(), "application/json" | "text/json");
    media_ranges(headers).next().is_some() && media_ranges(headers).all(is_json)
}

/// Whether the body is FHIR JSON in UTF-8.
pub fn check_json(headers: &HeaderMap) -> Result<(), Error> {
    let media = media_type(headers);
    match media.as_deref() {
        Some("application/fhir+json" | "application/json" | "text/json") => Ok(()),
        _ => Err(Error::ContentType("application/fhir+json")),
    }
}

/// Whether the body of a patch is a JSON Patch; else it is FHIR JSON: a FHIRPath Patch.
pub fn is_json_patch(headers: &HeaderMap) -> Result<bool, Error> {
    match media_type(headers).as_deref() {
        Some("application/json-patch+json") => Ok(true),
        Some("application/fhir+json" | "application/json" | "text/json") => Ok(false),
        _ => Err(Error::ContentType(
            "application/json-patch+json or application/fhir+json",
        )),
    }
}

/// Whether the body is a form.
pub fn check_form(headers: &HeaderMap) -> Result<(), Error> {
    match media_type(headers).as_deref() {
        Some("application/x-www-form-urlencoded") => Ok(()),
        _ => Err(Error::ContentType("application/x-www-form-urlencoded")),
    }
}

/// Whether the body is a resource a line.
pub fn check_ndjson(headers: &HeaderMap) -> Result<(), Error> {
    match media_type(headers).as_deref() {
        Some("application/fhir+ndjson" | "application/ndjson" | "application/x-ndjson") => Ok(()),
        _ => Err(Error::ContentType("application/fhir+ndjson")),
    }
}

/// The media type of the body, in lower case; `None` without one or in another character set than UTF-8.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next()?.to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    charset
        .is_none_or(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8"))
        .then_some(media)
}

/// The text of a header.
pub fn text(headers: &HeaderMap, name: HeaderName, title: &'static str) -> Result<Option<String>, Error> {
    let value = headers.get(name).map(|value| value.to_str().map(str::to_owned));
    value.transpose().map_err(|_| Error::Header(title))
}

/// Seconds of the years that a date of HTTP can have.
const HTTP_SECONDS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;

/// An instant as HTTP writes it (RFC 9110 §5.6.7).
pub fn http_date(instant: Timestamp) -> String {
    let seconds = instant.secs().clamp(*HTTP_SECONDS.start(), *HTTP_SECONDS.end());
    fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()))
}

/// An instant as HTTP writes it, in any of its three forms; anything else is ignored (RFC 9110 §13.1.3).
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(i64::try_from(since.as_secs()).ok()?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        headers
    }

    #[test]
    fn formats() {
        for (accept, query, expected) in [
            ("", "", Some(FHIR_JSON)),
            ("*/*", "", Some(FHIR_JSON)),
            ("application/json", "", Some(JSON)),
            ("application/json, application/fhir+json", "", Some(JSON)),
            ("application/json;q=0.5, application/fhir+json", "", Some(FHIR_JSON)),
            ("text/html, */*;q=0.1", "", Some(FHIR_JSON)),
            ("text/html", "", None),
            ("application/fhir+xml", "", None),
            ("application/fhir+json;q=0", "", None),
            ("text/html", "json", Some(FHIR_JSON)),
            ("application/fhir+json", "application/json", Some(JSON)),
            ("application/fhir+json", "xml", None),
        ] {
            let pairs: Vec<_> = (!query.is_empty())
                .then(|| ("_format".to_owned(), query.to_owned()))
                .into_iter()
                .collect();
            let format = Format::of(&headers("accept", accept), &pairs);
            assert_eq!(
                format.ok().map(|format| format.content_type),
                expected,
                "{accept} {query}"
            );
        }
    }

    #[test]
    fn content_types_of_lines() {
        for (value, is_lines) in [
            ("application/fhir+ndjson", true),
            ("application/x-ndjson; charset=utf-8", true),
            ("application/fhir+json", false),
        ] {
            assert_eq!(
                check_ndjson(&headers("content-type", value)).is_ok(),
                is_lines,
                "{value}"
            );
        }
    }

    #[test]
    fn content_types() {
        for (value, is_json) in [
            ("application/fhir+json", true),
            ("Application/FHIR+JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/fhir+json; charset=iso-8859-1", false),
            ("application/fhir+xml", false),
            ("text/plain", false),
            ("", false),
        ] {
            assert_eq!(check_json(&headers("content-type", value)).is_ok(), is_json, "{value}");
        }
        assert!(check_json(&HeaderMap::new()).is_err());
    }

    #[test]
    fn preferences() {
        let prefer = Prefer::of(&headers("prefer", "respond-async, return=minimal; handling=strict"));
        assert_eq!((prefer.returns, prefer.handling), (Return::Minimal, Handling::Strict));
        assert_eq!(Prefer::of(&HeaderMap::new()).returns, Return::Representation);
    }

    #[test]
    fn dates() {
        let instant = Timestamp::from_millis(1_795_000_000_123);
        assert_eq!(http_date(instant), "Wed, 18 Nov 2026 11:06:40 GMT");
        assert_eq!(
            parse_http_date(&http_date(instant)),
            Some(Timestamp::from_secs(1_795_000_000))
        );
        for text in ["Wednesday, 18-Nov-26 11:06:40 GMT", "Wed Nov 18 11:06:40 2026"] {
            assert_eq!(
                parse_http_date(text),
                Some(Timestamp::from_secs(1_795_000_000)),
                "{text}"
            );
        }
        assert_eq!(parse_http_date("yesterday"), None);
        assert_eq!(
            http_date(Timestamp::from_millis(i64::MIN)),
            "Thu, 01 Jan 1970 00:00:00 GMT"
        );
        assert_eq!(
            http_date(Timestamp::from_millis(i64::MAX)),
            "Fri, 31 Dec 9999 23:59:59 GMT"
        );
    }
}
