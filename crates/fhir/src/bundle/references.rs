//! References inside of a transaction: which resources name which, and the rewriting of the names.
//! <http://hl7.org/fhir/R4/http.html#trules>, <http://hl7.org/fhir/R4/bundle.html#references>

use std::borrow::Cow;
use std::collections::HashMap;

use hygie_fhir_model::json::{Document, Edit, Json, Kind, quote};
use hygie_fhir_model::{Name, Target};

/// Deepest level of a document; the parser refuses more.
const ROOT: usize = 0;

/// Gives every text of `document` that names another resource to `found`.
fn each<'d>(document: &'d Document, found: &mut dyn FnMut(Json<'d>, Cow<'d, str>)) {
    walk(document.root(), ROOT, found);
}

fn walk<'d>(value: Json<'d>, depth: usize, found: &mut dyn FnMut(Json<'d>, Cow<'d, str>)) {
    for member in value.members() {
        match member.kind() {
            Kind::String => {
                let names = match member.key().as_ref() {
                    "reference" | "valueUri" | "valueUrl" => true,
                    // At the root it is the identity of a definition.
                    "url" => depth > ROOT,
                    _ => false,
                };
                if let Some(text) = names.then(|| member.text()).flatten() {
                    found(member, text);
                }
            }
            Kind::Object => walk(member, depth + 1, found),
            Kind::Array => member.items().for_each(|item| walk(item, depth + 1, found)),
            Kind::Null | Kind::Boolean | Kind::Number => {}
        }
    }
}

/// The conditional references of a resource, each as often as it stands there.
pub fn conditional(document: &Document) -> Vec<String> {
    let mut texts = Vec::new();
    each(document, &mut |value, text| {
        if value.key() == "reference" && matches!(Target::parse(&text), Target::Conditional { .. }) {
            texts.push(text.into_owned());
        }
    });
    texts
}

/// A reference to an entry (`urn:uuid:…`, `urn:oid:…`) that no entry has as its `fullUrl`: stored, it would name nothing
/// anywhere. A resource that is itself a bundle names its own entries.
pub fn unresolved(document: &Document, names: &Names) -> Option<String> {
    if document.root().get_text(Name::RESOURCE_TYPE).as_deref() == Some("Bundle") {
        return None;
    }
    let mut found = None;
    each(document, &mut |value, text| {
        let named = text.split_once('#').map_or(text.as_ref(), |(named, _)| named);
        let is_entry = named.starts_with("urn:uuid:") || named.starts_with("urn:oid:");
        let is_known = names.contains_key(named) || names.contains_key(text.as_ref());
        if value.key() == "reference" && is_entry && !is_known {
            found.get_or_insert(text.into_owned());
        }
    });
    found
}

/// What the names in a transaction become: `urn:uuid:…` or `http://…/Patient/1` → `Patient/2`, `Patient?…` → `Patient/3`.
pub type Names = HashMap<String, String>;

/// The text of `document` with its names replaced; `None` when it has none of them. `full_url` is its own: relative
/// references are read as from there.
pub fn rewritten(document: &Document, full_url: Option<&str>, names: &Names) -> Option<String> {
    let base = full_url.and_then(|url| match Target::parse(url) {
        Target::Absolute { base, .. } => Some(base),
        _ => None,
    });
    let mut edit = Edit::new(document);
    let mut is_changed = false;
    each(document, &mut |value, text| {
        let (named, fragment) = match text.split_once('#') {
            Some((named, fragment)) if !names.contains_key(text.as_ref()) => (named, Some(fragment)),
            _ => (text.as_ref(), None),
        };
        let found = names.get(named).or_else(|| match (Target::parse(named), base) {
            (Target::Local { .. }, Some(base)) => names.get(&format!("{base}/{named}")),
            _ => None,
        });
        let Some(new) = found.filter(|new| *new != named) else {
            return;
        };
        is_changed = true;
        edit.replace(
            value,
            match fragment {
                Some(fragment) => quote(&format!("{new}#{fragment}")),
                None => quote(new),
            },
        );
    });
    is_changed.then(|| edit.finish())
}

#[cfg(test)]
mod tests {
    use hygie_fhir_model::json::Limits;

    use super::*;

    fn rewrite(text: &str, full_url: Option<&str>) -> String {
        let document = Document::parse(text, &Limits::default()).expect("JSON");
        let names = [
            ("urn:uuid:a", "Patient/1"),
            ("http://x/Patient/9", "Patient/2"),
            ("Patient?identifier=s|v", "Patient/3"),
        ];
        let names = names.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        rewritten(&document, full_url, &names).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn only_names_change() {
        let here = Some("http://x/Observation/4");
        for (text, full_url, expected) in [
            (
                r#"{"subject": {"reference" : "urn:uuid:a"} , "value":1.00}"#,
                None,
                r#"{"subject": {"reference" : "Patient/1"} , "value":1.00}"#,
            ),
            (
                r#"{"l":[{"reference":"urn:uuid:a"},{"reference":"urn:uuid:b"}]}"#,
                None,
                r#"{"l":[{"reference":"Patient/1"},{"reference":"urn:uuid:b"}]}"#,
            ),
            (
                r#"{"reference":"urn:uuid:a#part"}"#,
                None,
                r#"{"reference":"Patient/1#part"}"#,
            ),
            (
                r#"{"reference":"urn\u003auuid:a"}"#,
                None,
                r#"{"reference":"Patient/1"}"#,
            ),
            (r#"{"reference":"Patient/9"}"#, here, r#"{"reference":"Patient/2"}"#),
            (r#"{"reference":"Patient/9"}"#, None, r#"{"reference":"Patient/9"}"#),
            (
                r#"{"reference":"http://x/Patient/9"}"#,
                None,
                r#"{"reference":"Patient/2"}"#,
            ),
            (
                r#"{"reference":"Patient?identifier=s|v"}"#,
                None,
                r#"{"reference":"Patient/3"}"#,
            ),
            (
                r#"{"url":"urn:uuid:a","content":{"url":"urn:uuid:a"}}"#,
                None,
                r#"{"url":"urn:uuid:a","content":{"url":"Patient/1"}}"#,
            ),
            (
                r#"{"identifier":{"value":"urn:uuid:a"}}"#,
                None,
                r#"{"identifier":{"value":"urn:uuid:a"}}"#,
            ),
            (
                r#"{"extension":[{"valueUri":"urn:uuid:a"}]}"#,
                None,
                r#"{"extension":[{"valueUri":"Patient/1"}]}"#,
            ),
        ] {
            assert_eq!(rewrite(text, full_url), expected);
        }
    }

    #[test]
    fn references_to_entries_that_are_not_there_are_found() {
        let names = HashMap::from([("urn:uuid:a".to_owned(), "Patient/1".to_owned())]);
        for (text, expected) in [
            (r#"{"subject":{"reference":"urn:uuid:b"}}"#, Some("urn:uuid:b")),
            (
                r#"{"l":[{"reference":"urn:uuid:a"},{"x":{"reference":"urn:oid:1.2"}}]}"#,
                Some("urn:oid:1.2"),
            ),
            (
                r#"{"subject":{"reference":"urn:uuid:b#part"}}"#,
                Some("urn:uuid:b#part"),
            ),
            (r#"{"subject":{"reference":"urn:uuid:a#part"}}"#, None),
            (r#"{"subject":{"reference":"urn:uuid:a"}}"#, None),
            (r#"{"subject":{"reference":"Patient/9"}}"#, None),
            (
                r#"{"identifier":{"system":"urn:oid:1.2"},"valueUri":"urn:uuid:b","url":"urn:uuid:b"}"#,
                None,
            ),
            (
                r#"{"resourceType":"Bundle","entry":[{"resource":{"subject":{"reference":"urn:uuid:b"}}}]}"#,
                None,
            ),
        ] {
            let document = Document::parse(text, &Limits::default()).expect("JSON");
            assert_eq!(unresolved(&document, &names).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn conditional_references_are_found() {
        let text = r##"{"a":{"reference":"Patient?identifier=x"},"b":{"reference":"#c"},"url":"Patient?x=y"}"##;
        let document = Document::parse(text, &Limits::default()).expect("JSON");
        assert_eq!(conditional(&document), ["Patient?identifier=x"]);
    }
}
