//! JSON documents: read, compared with another reader, edited. Input: a line of edits (two bytes each: what, where), then
//! the document.
//!
//! Laws: what we read, serde_json reads with the same meaning; what we refuse and it does not, breaks a rule of ours;
//! every value stands where it says; an edit changes what it names, gives JSON again, and keeps all else byte for byte.

use hygie_fhir_model::json::{Document, Edit, Json, Kind, Limits, ParseError, Problem, quote};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{Target, lines, texts};

pub const TARGET: Target = Target {
    name: "json",
    run,
    seeds,
    words: r#"
        "resourceType":"Patient" "id": "_id": { } [ ] , : " \u00e9 \ud83d\ude00 \ud800 \u0000 \n \" null true
        false -0 1.00 1e-7 1E400 é"#,
};

/// Narrow enough that an input can reach each.
const LIMITS: Limits = Limits {
    bytes: 4096,
    depth: 12,
    values: 300,
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "\n{\"resourceType\":\"Patient\",\"id\":\"1\",\"name\":[{\"family\":\"L\u{e9}o\",\"_family\":{\"id\":\"x\"}}],\"n\":1.00}",
        "AABBCC\n{\"a\":1,\"b\":{\"c\":[]},\"resourceType\":\"X\"}",
        "acbd\n{ \"a\" : [ 1 , -0.5e+7 , null ] , \"b\\u00e9\" : \"\\ud83d\\ude00\\n\" }",
        "\n[[[[[[[[[[[[[1]]]]]]]]]]]]]",
        "\n{\"a\":1,\"\\u0061\":2}",
        "\n\"\\ud800\"",
        "\n{\"a\":\"\\u0000\",\"a\":1}",
        "\n{\"0\":0,\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"0\":0}",
        "\n01",
    ])
}

fn run(input: &[u8]) {
    let [edits, source] = lines(input);
    match Document::parse(source, &LIMITS) {
        Ok(document) => {
            assert_eq!(document.source().as_bytes(), source);
            understood(&document);
            edited(&document, edits);
        }
        Err(error) => refused(source, &error),
    }
}

/// The document says what serde_json finds in it.
fn understood(document: &Document) {
    let source = document.source();
    assert!(
        serde_json::from_str::<IgnoredAny>(source).is_ok(),
        "no JSON to serde_json"
    );
    // Numbers beyond those of the machine are JSON, but not a `Value`.
    if let Ok(value) = serde_json::from_str::<Value>(source) {
        assert!(is_same(document.root(), &value), "not what serde_json understands");
    }
    for value in all(document) {
        let alone = Document::parse(value.raw(), &LIMITS).expect("a value is JSON by itself");
        assert_eq!((alone.root().kind(), alone.root().text()), (value.kind(), value.text()));
        assert!(source[value.offset()..].starts_with(value.raw()));
        if let Some(text) = value.text() {
            let quoted = Document::parse(quote(&text), &LIMITS);
            assert!(
                quoted.map_or(text.len() > 600, |quoted| quoted.root().text() == Some(text)),
                "quoted wrongly"
            );
        }
    }
}

fn is_same(json: Json<'_>, value: &Value) -> bool {
    match value {
        Value::Null => json.kind() == Kind::Null,
        Value::Bool(value) => json.boolean() == Some(*value),
        // How exactly, is for `Decimal`.
        Value::Number(_) => json.number().is_some(),
        Value::String(text) => json.text().is_some_and(|found| found == text.as_str()),
        Value::Array(list) => {
            json.kind() == Kind::Array
                && json.items().count() == list.len()
                && json.items().zip(list).all(|(json, value)| is_same(json, value))
        }
        Value::Object(members) => {
            json.kind() == Kind::Object
                && json.members().count() == members.len()
                && json.members().zip(members).all(|(member, (key, value))| {
                    member.key() == key.as_str()
                        && json.find(key).is_some_and(|found| found.raw() == member.raw())
                        && is_same(member, value)
                })
        }
    }
}

/// Whether a refusal has a reason, at a place in the text.
fn refused(source: &[u8], error: &ParseError) {
    assert!(error.offset <= source.len() || error.problem == Problem::TooLarge);
    assert!(error.line >= 1 && error.column >= 1 && error.line <= source.len() + 1);
    let other: Result<Value, _> = serde_json::from_slice(source);
    let ours_alone = match error.problem {
        Problem::TooLarge => source.len() > LIMITS.bytes,
        Problem::TooDeep | Problem::TooMany | Problem::LongKey | Problem::Duplicate => true,
        Problem::Text => has_nul(source),
        _ => false,
    };
    assert!(other.is_err() || ours_alone, "{error} is not what serde_json says");
}

/// Whether a U+0000 is written somewhere. serde_json's value does not show it: it keeps only the last of two members of
/// one name.
fn has_nul(source: &[u8]) -> bool {
    source.windows(6).any(|six| six == br"\u0000")
}

/// All values, in the order of the text.
fn all(document: &Document) -> Vec<Json<'_>> {
    let mut values = vec![document.root()];
    let mut at = 0;
    while let Some(value) = values.get(at).copied() {
        let below: Vec<_> = value.members().chain(value.items()).collect();
        at += 1;
        values.splice(at..at, below);
    }
    values
}

/// One edit: what, and the number of the value in the order of the text.
#[derive(Clone, Copy, Debug)]
enum Change {
    Replace(usize),
    Set(usize),
    Add(usize),
    Remove(usize),
}

const NEW: &str = "[7]";

impl Change {
    fn read(bytes: &[u8], values: usize) -> Option<Self> {
        let [what, place] = bytes else { return None };
        let place = usize::from(*place) % values;
        Some(match what % 4 {
            0 => Self::Replace(place),
            1 => Self::Set(place),
            2 => Self::Add(place),
            _ => Self::Remove(place),
        })
    }

    /// Names the change; `Set` and `Remove` are of the last member of an object, `Add` of a name that it has not.
    fn apply<'d>(self, edit: &mut Edit<'d>, values: &[Json<'d>], added: &str) {
        let last = |at: usize| {
            values[at]
                .members()
                .last()
                .map(|member| (values[at], member.key().into_owned()))
        };
        match self {
            Self::Replace(at) => {
                edit.replace(values[at], NEW);
            }
            Self::Set(at) => {
                last(at).map(|(object, key)| edit.set(object, &key, NEW));
            }
            Self::Add(at) if values[at].kind() == Kind::Object => {
                edit.set(values[at], added, NEW);
            }
            Self::Add(_) => {}
            Self::Remove(at) => {
                last(at).map(|(object, key)| edit.remove(object, &key));
            }
        }
    }
}

fn edited(document: &Document, edits: &[u8]) {
    assert_eq!(Edit::new(document).finish(), document.source());
    let values = all(document);
    let changes: Vec<_> = edits
        .chunks(2)
        .filter_map(|bytes| Change::read(bytes, values.len()))
        .take(8)
        .collect();
    let roomy = Limits {
        bytes: 8192,
        depth: 14,
        values: 600,
    };
    for change in &changes {
        let mut edit = Edit::new(document);
        change.apply(&mut edit, &values, "\u{e9}\"added");
        let text = edit.finish();
        let after =
            Document::parse(text.as_str(), &roomy).unwrap_or_else(|error| panic!("{change:?} gave {text}: {error}"));
        changed(*change, &values, &all(&after));
    }
    let mut edit = Edit::new(document);
    for (number, change) in changes.iter().enumerate() {
        change.apply(&mut edit, &values, &format!("added {number}"));
    }
    let text = edit.finish();
    Document::parse(text.as_str(), &roomy).unwrap_or_else(|error| panic!("{changes:?} gave {text}: {error}"));
}

/// A single change did what it says, and nothing to the members beside it.
fn changed(change: Change, before: &[Json<'_>], after: &[Json<'_>]) {
    let (at, is_one_more) = match change {
        Change::Replace(at) => return assert_eq!(after[at].raw(), NEW),
        Change::Set(at) | Change::Remove(at) => (at, false),
        Change::Add(at) => (at, true),
    };
    let (before, after) = (before[at], after[at]);
    if before.kind() != Kind::Object {
        return assert_eq!(before.raw(), after.raw());
    }
    let last = before.members().last().map(Json::key);
    for member in before.members() {
        let now = after.find(&member.key()).map(Json::raw);
        let expected = match change {
            Change::Set(_) if Some(member.key()) == last => Some(NEW),
            Change::Remove(_) if Some(member.key()) == last => None,
            _ => Some(member.raw()),
        };
        assert_eq!(now, expected, "{change:?} of {}", before.raw());
    }
    assert!(
        !is_one_more
            || after.find("\u{e9}\"added").map(Json::raw) == Some(NEW)
            || before.find("\u{e9}\"added").is_some()
    );
}
