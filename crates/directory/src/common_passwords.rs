//! The passwords that people choose most, looked up whole and without what is put before or after them.

use std::sync::LazyLock;

/// In the form in which passwords are compared, sorted; the source is named in its first lines.
const TABLE: &str = include_str!("../tables/common-passwords.txt");

static COMMON: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| TABLE.lines().filter(|line| !line.starts_with("# ")).collect());

/// Whether one of these texts, which are in the form in which passwords are compared, is common.
pub fn has<'t>(texts: impl IntoIterator<Item = &'t str>) -> bool {
    texts.into_iter().any(|text| COMMON.binary_search(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_what_people_choose() {
        assert!(COMMON.is_sorted() && COMMON.len() > 3_000, "{}", COMMON.len());
        // As they are compared: without the usual replacements.
        for text in ["password", "sunshine", "football", "l2eas678", "qwertyuiop", "trustnol"] {
            assert!(has([text]), "{text}");
        }
        assert!(!has(["velo-rouge-a2", ""]));
    }
}
