//! JSON Pointer. <https://www.rfc-editor.org/rfc/rfc6901>

use crate::json::{Json, Kind};

/// Where a value stands in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/name/0/family`; the empty text is the whole document (§3).
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let tokens = text.strip_prefix('/')?.split('/').map(unescape);
        tokens.collect::<Option<_>>().map(Self)
    }

    /// The value that stands there.
    pub fn find<'d>(&self, root: Json<'d>) -> Option<Json<'d>> {
        self.0.iter().try_fold(root, |value, token| step(value, token))
    }

    /// Where the value around it stands, and its own place in that; `None` for the whole document.
    pub fn split(&self) -> Option<(Self, &str)> {
        let (last, before) = self.0.split_last()?;
        Some((Self(before.to_vec()), last))
    }

    /// Whether `other` stands inside of what stands here.
    pub fn is_around(&self, other: &Self) -> bool {
        self.0.len() < other.0.len() && other.0.starts_with(&self.0)
    }
}

/// `~1` is a slash and `~0` a tilde (§4).
fn unescape(token: &str) -> Option<String> {
    let mut text = String::with_capacity(token.len());
    let mut rest = token.chars();
    while let Some(c) = rest.next() {
        text.push(match (c, c == '~') {
            (_, true) => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            (c, false) => c,
        });
    }
    Some(text)
}

fn step<'d>(value: Json<'d>, token: &str) -> Option<Json<'d>> {
    match value.kind() {
        Kind::Object => value.find(token),
        Kind::Array => value.items().nth(position(token)?),
        _ => None,
    }
}

/// A place in an array: digits without leading zeros.
pub(super) fn position(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with('0');
    let is_digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    (is_plain && is_digits).then(|| token.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Limits};

    /// The examples of RFC 6901 §5, and what is none.
    #[test]
    fn examples_of_the_specification() {
        let source = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
        let document = Document::parse(source, &Limits::default()).unwrap();
        for (text, expected) in [
            ("", Some(source)),
            ("/foo", Some(r#"["bar","baz"]"#)),
            ("/foo/0", Some(r#""bar""#)),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/c%d", Some("2")),
            ("/e^f", Some("3")),
            ("/g|h", Some("4")),
            ("/i\\j", Some("5")),
            ("/k\"l", Some("6")),
            ("/ ", Some("7")),
            ("/m~0n", Some("8")),
            ("/foo/2", None),
            ("/foo/00", None),
            ("/foo/-", None),
            ("/foo/0/x", None),
            ("/foo/99999999999999999999", None),
            ("foo", None),
            ("/m~2n", None),
            ("/m~", None),
        ] {
            let found = Pointer::parse(text).and_then(|pointer| pointer.find(document.root()));
            assert_eq!(found.map(Json::raw), expected, "{text}");
        }
    }
}
