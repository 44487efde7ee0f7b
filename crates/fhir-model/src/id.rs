//! Logical ids of resources. <http://hl7.org/fhir/R4/datatypes.html#id>

use std::fmt;
use std::str::FromStr;

/// A logical id: 1 to 64 letters, digits, `-` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Box<str>);

/// A text that is no logical id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to 64 letters, digits, '-' and '.'")]
pub struct InvalidId;

/// Whether `text` has the form of a logical id.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

impl Id {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if is_id(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn print_and_parse_agree(text in "[A-Za-z0-9.-]{1,64}") {
            prop_assert_eq!(text.parse::<Id>().map(|id| id.to_string()), Ok(text));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,70}") {
            let valid = text.parse::<Id>().is_ok();
            prop_assert_eq!(valid, is_id(&text));
        }
    }

    #[test]
    fn limits() {
        assert!(is_id(&"a".repeat(64)));
        for bad in ["", &"a".repeat(65), "a/b", "a b", "é"] {
            assert!(!is_id(bad), "{bad:?}");
        }
    }
}
