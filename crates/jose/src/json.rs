//! Reading JSON from outside with a limit on its nesting, checked before anything is built.

use serde::de::DeserializeOwned;

use crate::JoseError;

/// Nesting allowed in headers, claims and key documents; real ones need about four.
pub const MAX_DEPTH: usize = 16;

/// Reads a value whose arrays and objects nest at most [`MAX_DEPTH`] deep.
pub fn read<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, JoseError> {
    if !is_within(bytes, MAX_DEPTH) {
        return Err(JoseError::TooDeep);
    }
    serde_json::from_slice(bytes).map_err(|_| JoseError::Malformed(what))
}

/// Whether arrays and objects nest at most `depth` deep. The text need not be valid JSON.
pub fn is_within(bytes: &[u8], depth: usize) -> bool {
    let (mut open, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                open += 1;
                if open > depth {
                    return false;
                }
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        for (text, depth, within) in [
            ("[[]]", 2, true),
            ("[[]]", 1, false),
            (r#"{"a":"[[[["}"#, 1, true),
            (r#"{"a":"\"[[["}"#, 1, true),
            (r#"{"a":"\\","b":[[]]}"#, 2, false),
            ("[],[],[]", 1, true),
        ] {
            assert_eq!(is_within(text.as_bytes(), depth), within, "{text} within {depth}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_parsing() {
        let bomb = "[".repeat(100_000);
        assert!(matches!(
            read::<serde_json::Value>(bomb.as_bytes(), "bomb"),
            Err(JoseError::TooDeep)
        ));
    }
}
