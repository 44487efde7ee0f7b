//! Media types (RFC 9110 §8.3.1), as `Binary.contentType` and the header of an answer have them.

use std::fmt::Write as _;
use std::str::FromStr;

use crate::interaction::Error;

/// Longer ones are none.
const MAX_LEN: usize = 200;

/// A media type in its normal form: `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media(String);

impl Media {
    /// What nothing is known of.
    pub fn unknown() -> Self {
        Self("application/octet-stream".to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is of this type is JSON.
    pub fn is_json(&self) -> bool {
        let essence = self.0.split(';').next().unwrap_or_default();
        matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
    }

    /// Whether it names FHIR in XML.
    pub fn is_fhir_xml(&self) -> bool {
        self.0.split(';').next() == Some("application/fhir+xml")
    }
}

impl FromStr for Media {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        normal(text).map(Self).ok_or(Error::Header("Content-Type"))
    }
}

fn normal(text: &str) -> Option<String> {
    if text.len() > MAX_LEN {
        return None;
    }
    let (essence, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let (kind, subtype) = essence.trim().split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    let mut normal = format!("{kind}/{subtype}").to_ascii_lowercase();
    while !rest.trim().is_empty() {
        let (name, value) = rest.split_once('=')?;
        let name = name.trim();
        let len = value_len(value)?;
        let (value, after) = value.split_at(len);
        let after = after.trim_start();
        if !is_token(name) || !(after.is_empty() || after.starts_with(';')) {
            return None;
        }
        write!(normal, "; {}={value}", name.to_ascii_lowercase()).expect("writing to a string");
        rest = after.strip_prefix(';').unwrap_or_default();
    }
    Some(normal)
}

/// Bytes of the token or quoted string at the beginning of a text.
fn value_len(text: &str) -> Option<usize> {
    let Some(quoted) = text.strip_prefix('"') else {
        let len = text.bytes().take_while(|byte| is_tchar(*byte)).count();
        return (len > 0).then_some(len);
    };
    // Without backslashes and without two spaces in a row: a code has none (<http://hl7.org/fhir/R4/datatypes.html#code>).
    let end = quoted.find('"')?;
    let is_plain = quoted[..end]
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
    (is_plain && !quoted[..end].contains("  ")).then_some(end + 2)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// RFC 9110 §5.6.2.
const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn media_types() {
        for (text, expected) in [
            ("image/png", Some("image/png")),
            (" Image/PNG ", Some("image/png")),
            ("text/plain;charset=UTF-8", Some("text/plain; charset=UTF-8")),
            (
                "text/plain ; Charset=\"utf 8\" ; a=b;",
                Some("text/plain; charset=\"utf 8\"; a=b"),
            ),
            (
                "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
                Some("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"),
            ),
            (
                "multipart/related; boundary=\"a/b\"",
                Some("multipart/related; boundary=\"a/b\""),
            ),
            ("", None),
            ("png", None),
            ("image/", None),
            ("image/png/x", None),
            ("image/png x", None),
            ("image/png; a", None),
            ("image/png; a=", None),
            ("image/png; a=b c", None),
            ("image/png; a=\"b", None),
            ("image/png; a=\"b\\\"c\"", None),
            ("image/png; a=\"b  c\"", None),
            ("text/html\r\nSet-Cookie: a=b", None),
            ("text/html; a=\"\r\n\"", None),
            ("image/pn\u{e9}", None),
        ] {
            let media = text.parse::<Media>().ok();
            assert_eq!(media.as_ref().map(Media::as_str), expected, "{text:?}");
        }
        assert!(format!("a/{}", "b".repeat(MAX_LEN)).parse::<Media>().is_err());
    }

    #[test]
    fn json() {
        for (text, is_json) in [
            ("application/json; charset=utf-8", true),
            ("application/fhir+json", true),
            ("image/jpeg", false),
            ("application/jsonx", false),
        ] {
            assert_eq!(
                text.parse::<Media>().expect("a media type").is_json(),
                is_json,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_header_and_its_own_normal_form(text in "[a-z;=/\" \\\\\r\n\u{e9}+]{0,40}") {
            if let Ok(media) = text.parse::<Media>() {
                prop_assert!(HeaderValue::from_str(media.as_str()).is_ok());
                prop_assert_eq!(media.as_str().parse::<Media>().ok(), Some(media));
            }
        }
    }
}
