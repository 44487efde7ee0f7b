//! Folding of strings for search: without case, without marks. <http://hl7.org/fhir/R4/search.html#string>

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// `text` in lower case, canonically decomposed (NFD) and without combining marks; `œ`, `æ` and `ß` as two letters;
/// outer white space removed. The index and the search value are folded alike.
pub fn fold(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let mut folded = String::with_capacity(decomposed.len());
    for c in decomposed
        .chars()
        .filter(|c| classes.get_u8(*c) == 0)
        .flat_map(char::to_lowercase)
    {
        match c {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            // The typographic apostrophe of texts and the one of keyboards.
            '’' => folded.push('\''),
            // Lower case of İ leaves a mark behind.
            c if classes.get_u8(c) != 0 => {}
            c => folded.push(c),
        }
    }
    // A mark may have stood on white space, which is the outer one now.
    let inner = folded.trim();
    if inner.len() == folded.len() {
        Cow::Owned(folded)
    } else {
        Cow::Owned(inner.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_marks_do_not_count() {
        let cases = [
            ("Éléonore", "eleonore"),
            ("E\u{301}le\u{301}onore", "eleonore"),
            ("  DUPONT ", "dupont"),
            ("François", "francois"),
            ("CŒUR", "coeur"),
            ("Straße", "strasse"),
            ("İstanbul", "istanbul"),
            ("L’Haÿ", "l'hay"),
            ("Ελλάδα", "ελλαδα"),
            ("日本", "日本"),
            ("\u{352} dupont\t\u{337}", "dupont"),
        ];
        for (text, expected) in cases {
            assert_eq!(fold(text), expected);
        }
        assert!(matches!(fold("dupont"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,30}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
