//! `_pretty=true`: the same values on lines of their own. <http://hl7.org/fhir/R4/http.html#parameters>

use hygie_fhir_model::json::{Document, Json, Kind, Limits, quote};

/// `text` indented by two spaces, or as it is when it is not JSON. Numbers and strings keep their bytes.
pub fn pretty(text: String) -> String {
    let limits = Limits {
        bytes: u32::MAX as usize,
        depth: 300,
        values: u32::MAX as usize,
    };
    let Ok(document) = Document::parse(text.as_str(), &limits) else {
        return text;
    };
    let mut out = String::with_capacity(text.len() * 2);
    value(document.root(), 0, &mut out);
    out.push('\n');
    out
}

fn value(json: Json<'_>, depth: usize, out: &mut String) {
    match json.kind() {
        Kind::Object if json.members().next().is_some() => {
            out.push('{');
            for (position, member) in json.members().enumerate() {
                line(position, depth + 1, out);
                out.push_str(&quote(&member.key()));
                out.push_str(": ");
                value(member, depth + 1, out);
            }
            line(0, depth, out);
            out.push('}');
        }
        Kind::Array if json.items().next().is_some() => {
            out.push('[');
            for (position, item) in json.items().enumerate() {
                line(position, depth + 1, out);
                value(item, depth + 1, out);
            }
            line(0, depth, out);
            out.push(']');
        }
        Kind::Object => out.push_str("{}"),
        Kind::Array => out.push_str("[]"),
        Kind::Null | Kind::Boolean | Kind::Number | Kind::String => out.push_str(json.raw()),
    }
}

/// Begins a line, after a comma unless it is the first.
fn line(position: usize, depth: usize, out: &mut String) {
    if position > 0 {
        out.push(',');
    }
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_bytes() {
        let text = r#"{"a":[1.00,"\u0041",{}],"b":{"c":null,"d":[]}}"#;
        let expected = "{\n  \"a\": [\n    1.00,\n    \"\\u0041\",\n    {}\n  ],\n  \"b\": {\n    \"c\": null,\n    \"d\": []\n  }\n}\n";
        assert_eq!(pretty(text.to_owned()), expected);
        assert_eq!(pretty("no json".to_owned()), "no json");
    }
}
