//! The text of a search value: lists, escapes, prefixes. <http://hl7.org/fhir/R4/search.html#escaping>

use std::borrow::Cow;

/// Splits at `separator` where it is not escaped by a backslash. The parts keep their escapes.
pub fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(&text[start..at]);
            start = at + separator.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Takes the backslashes before `,`, `|`, `$` and `\` away.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escaped_separators_do_not_split() {
        assert_eq!(split(r"a\,b,c", ','), [r"a\,b", "c"]);
        assert_eq!(unescape(r"a\,b\\c\|"), r"a,b\c|");
        assert_eq!(split("", ','), [""]);
    }

    proptest! {
        #[test]
        fn escaping_round_trips(parts in proptest::collection::vec(".{0,12}", 1..5)) {
            let escape = |part: &String| part.replace('\\', r"\\").replace(',', r"\,");
            let text = parts.iter().map(escape).collect::<Vec<_>>().join(",");
            let back: Vec<_> = split(&text, ',').into_iter().map(|part| unescape(part).into_owned()).collect();
            prop_assert_eq!(back, parts);
        }
    }
}
