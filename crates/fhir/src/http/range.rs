//! `Range` (RFC 9110 §14): one range of bytes. What asks for several, or for other units, gets the whole, as the RFC allows.

use std::ops::Range;

use crate::interaction::Error;

/// The bytes that a `Range` header asks for, of so many; `None` for all of them.
pub fn range(header: &str, len: u64) -> Result<Option<Range<u64>>, Error> {
    let Some((first, last)) = header
        .trim()
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Ok(None);
    };
    let (first, last) = (number(first), number(last));
    let range = match (first, last) {
        (Some(None), Some(Some(suffix))) => len.saturating_sub(suffix)..len,
        (Some(Some(first)), Some(None)) => first..len,
        (Some(Some(first)), Some(Some(last))) if first <= last => first..len.min(last.saturating_add(1)),
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(Error::Range(len));
    }
    Ok(Some(range))
}

/// Digits, or nothing; `None` for what is neither. More than a number holds is more than there is.
#[expect(clippy::option_option, reason = "a bound may be missing, and it may be none")]
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, len, expected) in [
            ("bytes=0-4", 10, Ok(Some(0..5))),
            ("bytes=5-", 10, Ok(Some(5..10))),
            ("bytes=-3", 10, Ok(Some(7..10))),
            ("bytes=-30", 10, Ok(Some(0..10))),
            ("bytes=0-99", 10, Ok(Some(0..10))),
            ("bytes=9-9", 10, Ok(Some(9..10))),
            (" bytes= 1 - 2 ", 10, Ok(Some(1..3))),
            ("bytes=3-18446744073709551615", 10, Ok(Some(3..10))),
            ("bytes=3-99999999999999999999", 10, Ok(Some(3..10))),
            ("bytes=10-", 10, Err(())),
            ("bytes=99999999999999999999-", 10, Err(())),
            ("bytes=-0", 10, Err(())),
            ("bytes=0-", 0, Err(())),
            ("bytes=4-3", 10, Ok(None)),
            ("bytes=-", 10, Ok(None)),
            ("bytes=0-1,3-4", 10, Ok(None)),
            ("bytes=a-b", 10, Ok(None)),
            ("bytes=+1-2", 10, Ok(None)),
            ("items=0-1", 10, Ok(None)),
            ("", 10, Ok(None)),
        ] {
            assert_eq!(range(header, len).map_err(|_| ()), expected, "{header}");
        }
    }
}
