use proptest::prelude::*;
use serde_json::Value;

use super::Problem;
use crate::json::{Document, Json, Kind, Limits, quote};
use crate::names::Name;

fn parse(text: &str) -> Document {
    Document::parse(text, &Limits::default()).unwrap()
}

fn problem(text: impl Into<Vec<u8>>) -> Option<Problem> {
    Document::parse(text, &Limits::default())
        .err()
        .map(|error| error.problem)
}

/// The tree as serde_json sees the same text; numbers as they are written.
fn to_value(json: Json<'_>) -> Value {
    match json.kind() {
        Kind::Null => Value::Null,
        Kind::Boolean => Value::Bool(json.boolean().unwrap()),
        Kind::Number => serde_json::from_str(json.number().unwrap()).unwrap(),
        Kind::String => Value::String(json.text().unwrap().into_owned()),
        Kind::Array => json.items().map(to_value).collect(),
        Kind::Object => json
            .members()
            .map(|m| (m.key().into_owned(), to_value(m)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[test]
fn values_are_slices_of_the_source() {
    let document = parse(
        r#" { "resourceType" : "Observation", "valueQuantity":{"value":1.00,"unit":"\u00e9\n\ud83d\ude00"},
            "_status":{"id":"x"}, "note":[], "ok":true , "no":null, "\u0063ode": "c" } "#,
    );
    let root = document.root();
    let quantity = root.get(Name::find("valueQuantity")).unwrap();
    assert_eq!(quantity.get(Name::VALUE).and_then(Json::number), Some("1.00"));
    assert_eq!(quantity.get_text(Name::UNIT).unwrap(), "é\n😀");
    let status = root.find("_status").unwrap();
    assert!(status.is_primitive_extension());
    assert_eq!(status.name(), Name::find("status"));
    assert_eq!(root.get(Name::find("status")).map(Json::raw), None);
    assert_eq!(root.find("note").unwrap().items().count(), 0);
    assert_eq!(root.find("ok").unwrap().boolean(), Some(true));
    assert_eq!(root.find("ok").unwrap().name(), Name::UNKNOWN);
    assert_eq!(root.find("ok").unwrap().each().count(), 1);
    assert_eq!(root.get_text(Name::CODE).unwrap(), "c");
    assert_eq!(root.members().count(), 7);
}

#[test]
fn bad_texts_are_refused_with_their_reason() {
    let cases: &[(&[u8], Problem)] = &[
        (b"", Problem::End),
        (b"  ", Problem::End),
        (b"{", Problem::End),
        (b"[1", Problem::End),
        (b"\"a", Problem::End),
        (b"{\"a\":1", Problem::End),
        (b"nul", Problem::Value),
        (b"+1", Problem::Value),
        (b"\xef\xbb\xbf{}", Problem::Value),
        (b"01", Problem::Number),
        (b"-", Problem::Number),
        (b"1.", Problem::Number),
        (b"1e", Problem::Number),
        (b"{a:1}", Problem::Key),
        (b"{\"a\":1,}", Problem::Key),
        (b"{\"a\" 1}", Problem::Colon),
        (b"[1 2]", Problem::Comma),
        (b"[1}", Problem::Comma),
        (b"[1,]", Problem::Value),
        (b"{} x", Problem::Trailing),
        (b"\"\\x\"", Problem::Text),
        (b"\"\\u12\"", Problem::Text),
        (b"\"\\ud800\"", Problem::Text),
        (b"\"\\udc00\\ud800\"", Problem::Text),
        (b"\"\\u0000\"", Problem::Text),
        (b"\"a\nb\"", Problem::Text),
        (b"\"long enough for a chunk \x01\"", Problem::Text),
        (b"\"\xff\"", Problem::Utf8),
        (b"{\"id\":1,\"id\":2}", Problem::Duplicate),
        (b"{\"zz\":1,\"a\":{\"zz\":1},\"zz\":2}", Problem::Duplicate),
        (b"{\"zz\":1,\"\\u007az\":2}", Problem::Duplicate),
    ];
    for (text, expected) in cases {
        assert_eq!(problem(*text), Some(*expected), "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(problem(r#"{"id":1,"_id":2}"#), None);
}

#[test]
fn duplicates_are_found_among_many_members() {
    let members: Vec<_> = (0..40).map(|n| format!("\"k{n}\":{n}")).collect();
    assert_eq!(problem(format!("{{{}}}", members.join(","))), None);
    assert_eq!(
        problem(format!("{{{},\"k3\":0}}", members.join(","))),
        Some(Problem::Duplicate)
    );
    assert_eq!(
        problem(format!("{{{},\"k39\":0}}", members.join(","))),
        Some(Problem::Duplicate)
    );
}

#[test]
fn limits_hold() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(problem(nested(64)), None);
    assert_eq!(problem(nested(65)), Some(Problem::TooDeep));
    assert_eq!(problem("[".repeat(1_000_000)), Some(Problem::TooDeep));
    let small = Limits {
        bytes: 8,
        values: 3,
        ..Limits::default()
    };
    let with = |text: &str| Document::parse(text, &small).err().map(|error| error.problem);
    assert_eq!(with("[1,2]"), None);
    assert_eq!(with("[1,2,3]"), Some(Problem::TooMany));
    assert_eq!(with("[111111111]"), Some(Problem::TooLarge));
    assert_eq!(
        problem(format!("{{\"{}\":1}}", "k".repeat(2000))),
        Some(Problem::LongKey)
    );
}

#[test]
fn an_error_tells_the_place() {
    let error = Document::parse("{\n  \"a\": 1,\n  \"b\" 2\n}", &Limits::default()).unwrap_err();
    assert_eq!((error.line, error.column), (3, 7));
    assert_eq!(
        error.to_string(),
        "a colon is expected after the name of a member (line 3, column 7)"
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1.0e6..1.0e6_f64).prop_map(Value::from),
        "[\\u{1}-\\u{ff}😀]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[_a-zéA-Z]{0,6}", inner, 0..24)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_tree_is_that_of_serde_json(value in any_json()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let document = parse(&text);
            prop_assert_eq!(to_value(document.root()), serde_json::from_str::<Value>(&text).unwrap());
            prop_assert_eq!(document.source(), text);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let accepted = Document::parse(bytes.clone(), &Limits::default()).is_ok();
        if accepted {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn almost_json_is_answered_as_serde_json_does(text in r#"[\[\]{},:"\\u0d8e1.\- a]{0,24}"#) {
        let ours = problem(text.clone());
        let theirs = serde_json::from_str::<Value>(&text);
        let stricter = matches!(ours, Some(Problem::Duplicate | Problem::Text));
        prop_assert!(stricter || ours.is_none() == theirs.is_ok(), "{ours:?} {theirs:?}");
    }

    #[test]
    fn quoting_and_reading_agree(text in "\\PC{0,20}|[\\u{1}-\\u{20}\"\\\\]{0,8}") {
        let document = parse(&quote(&text));
        prop_assert_eq!(document.root().text().unwrap(), text);
    }
}
