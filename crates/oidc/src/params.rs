//! Parameters of a request: `application/x-www-form-urlencoded` pairs, bounded, each name once (RFC 6749 §3.1, §3.2).

use crate::{Aadsts, Refusal};

/// Longest query or body.
const MAX_LENGTH: usize = 64 * 1024;
/// Most pairs of a request.
const MAX_PAIRS: usize = 100;

/// The parameters of a request by name. A parameter without a value counts as absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Names only: secrets, codes and passwords are among the values.
impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Reads encoded pairs. Duplicates, broken escapes, invalid UTF-8, NUL and excess are refused.
    pub fn parse(encoded: &[u8]) -> Result<Self, Refusal> {
        let malformed = || Refusal::new(Aadsts::Malformed);
        if encoded.len() > MAX_LENGTH {
            return Err(malformed());
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in encoded.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            let name = decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?;
            let value = decode(halves.next().unwrap_or_default()).ok_or_else(malformed)?;
            if pairs.len() >= MAX_PAIRS || pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(malformed());
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The value of `name`, which must be there.
    pub fn require(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The pairs as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The pairs encoded again.
    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// Decodes `+` and `%XX`; `None` when an escape is broken, or the text is not UTF-8 or holds NUL.
pub(crate) fn decode(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            0 => return None,
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let params = Params::parse(b"client_secret=hunter2&code=1.abc").unwrap();
        assert_eq!(format!("{params:?}"), r#"{"client_secret", "code"}"#);
    }

    #[test]
    fn refuses_what_is_malformed() {
        for bad in ["a=1&a=2", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "a&a"] {
            assert!(Params::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Params::parse(&vec![b'a'; MAX_LENGTH + 1]).is_err());
        let many = (0..=MAX_PAIRS).map(|n| format!("p{n}=x")).collect::<Vec<_>>().join("&");
        assert!(Params::parse(many.as_bytes()).is_err());
    }

    #[test]
    fn empty_counts_as_absent() {
        let params = Params::parse(b"scope=&state=a+b%20c").unwrap();
        assert_eq!(params.get("scope"), None);
        assert_eq!(params.get("state"), Some("a b c"));
        assert_eq!(params.require("scope").unwrap_err().code(), Aadsts::Missing);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Params::parse(&bytes);
        }

        #[test]
        fn print_then_parse_is_identity(map in prop::collection::btree_map("[a-z_]{1,8}", "[^\\x00]{0,20}", 0..12)) {
            let params = Params(map.into_iter().collect());
            prop_assert_eq!(Params::parse(params.encode().as_bytes()).unwrap(), params);
        }
    }
}
