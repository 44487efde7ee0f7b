//! Distinguished names as administrators write them: in either order, with blanks, in any case.

/// Whether two texts are the same distinguished name, read from either end.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let (one, other) = (parts(one), parts(other));
    !one.is_empty() && (one == other || one.iter().eq(other.iter().rev()))
}

/// The parts of a name, cut at commas that are not escaped or quoted.
fn parts(name: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut is_escaped, mut is_quoted) = (false, false);
    for sign in name.chars() {
        match sign {
            ',' if !is_escaped && !is_quoted => parts.push(std::mem::take(&mut part)),
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => part.push(sign),
        }
        is_escaped = sign == '\\' && !is_escaped;
    }
    parts.push(part);
    let folded = parts.iter().map(|part| {
        let (kind, value) = part.split_once('=').unwrap_or((part, ""));
        format!("{}={}", kind.trim().to_lowercase(), value.trim().to_lowercase())
    });
    folded.filter(|part| part != "=").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let issuer = "DC=fr,O=ASIP-SANTE,OU=0002 187512751,CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES";
        for (other, is_same) in [
            (issuer, true),
            (
                "CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES, OU=0002 187512751, O=ASIP-SANTE, DC=fr",
                true,
            ),
            (
                "cn=test ac igc-sante elementaire personnes,ou=0002 187512751,o=asip-sante,dc=FR",
                true,
            ),
            ("CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES", false),
            (
                "CN=TEST AC IGC-SANTE ELEMENTAIRE PERSONNES, O=ASIP-SANTE, OU=0002 187512751, DC=fr",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(is_same_name(issuer, other), is_same, "{other}");
        }
        assert!(is_same_name("O=\"A, B\",CN=x", "CN=x, O=\"A, B\""));
        assert!(is_same_name("O=A\\, B,CN=x", "CN=x, O=A\\, B"));
        assert!(!is_same_name("O=A,B=,CN=x", "CN=x, O=\"A,B=\""));
        assert!(!is_same_name("", ""));
    }
}
