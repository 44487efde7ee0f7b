//! FHIR resources: validated, and what their search parameters say. Input: a resource as JSON.
//!
//! Laws: a resource is valid or has issues that say where; what was written is found by its own search values; the keys
//! of its index rows are sorted and bounded.

use hygie_core::Timestamp;
use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::search::{ParameterKind, ParameterNumber, SearchParameter};
use hygie_fhir_model::{EARLIEST, LATEST, ResourceType, validate};
use hygie_fhir_store::index::amount::{End, Span};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::index::{Entry, Extract, Numbers, rows};
use hygie_fhir_store::repo::{Method, Seams, Version};
use hygie_fhir_store::search::{Asked, Handling, holds, parse};
use hygie_synthetic::{Request, bundles};
use serde_json::Value;
use time::macros::date;

use crate::world::BASE;
use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "resource",
    run,
    seeds,
    words: r#"
        "resourceType":"Patient" "resourceType":"Observation" "resourceType":"Encounter" "identifier":[
        "system": "value": "code": "coding":[ "display": "text": "name":[ "family": "given":[ "subject":
        "reference": "Patient/1" "birthDate": "effectiveDateTime": "effectivePeriod": "start": "end": "period":
        "status":"final" "valueQuantity": "valueCodeableConcept": "unit": "contained":[ "extension":[ "url":
        "meta": "tag":[ "profile":[ "deceasedBoolean":true "_birthDate": "2024-02-29"
        "2026-01-02T10:00:00+01:00" urn:uuid: http://loinc.org | \\ , $"#,
};

const NOW: Timestamp = Timestamp::from_secs(1_795_249_800);

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = texts(&[
        "{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"urn:a\",\"value\":\"a,b|c\\\\d$e\"}],\"name\":[{\"family\":\"L'Ha\u{ff}\",\"given\":[\"\u{152}uvre \"]}],\"_birthDate\":{\"id\":\"x\"},\"deceasedBoolean\":true}",
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8480-6\"}],\"text\":\"Tension\"},\"subject\":{\"reference\":\"Patient/1\"},\"performer\":[{\"identifier\":{\"value\":\"7\"}}],\"effectivePeriod\":{\"start\":\"2026\"}}",
        "{\"resourceType\":\"ValueSet\",\"url\":\"http://a/b|c\",\"status\":\"draft\",\"compose\":{\"include\":[{\"system\":\"s\"}]}}",
        "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"resource\":{\"resourceType\":\"Composition\"}}]}",
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"valueQuantity\":{\"value\":5.40e-3,\"comparator\":\"<\",\"unit\":\"a|b\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"mm[Hg]\"}}",
        "{\"resourceType\":\"Condition\",\"subject\":{},\"onsetRange\":{\"low\":{\"value\":-7},\"high\":{\"value\":-8.50}}}",
        "{\"resourceType\":\"RiskAssessment\",\"status\":\"final\",\"subject\":{},\"prediction\":[{\"probabilityDecimal\":0.80}]}",
        "{\"resourceType\":\"Nothing\"}",
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"\u{352} zo\u{eb}\"]}]}",
    ]);
    // The generator's own world: the first resource of each type.
    let mut kinds = Vec::new();
    let request = Request {
        seed: 7,
        patients: 3,
        until: date!(2026 - 11 - 21),
    };
    let entries = bundles(request).flat_map(|bundle| {
        let mut bundle: Value = serde_json::from_slice(&bundle).expect("JSON");
        bundle["entry"].as_array_mut().map(std::mem::take).unwrap_or_default()
    });
    for entry in entries {
        let resource = &entry["resource"];
        if !kinds.contains(&resource["resourceType"]) {
            kinds.push(resource["resourceType"].clone());
            seeds.push(resource.to_string().into_bytes());
        }
    }
    seeds
}

fn run(input: &[u8]) {
    let limits = Limits {
        bytes: 64 * 1024,
        ..Limits::default()
    };
    let Ok(document) = Document::parse(input, &limits) else {
        return;
    };
    let named = document
        .root()
        .find("resourceType")
        .and_then(|name| ResourceType::find(&name.text()?));
    match validate(&document) {
        Ok(kind) => assert_eq!(Some(kind), named),
        Err(invalid) => {
            assert!((1..=20).contains(&invalid.issues().len()));
            for issue in invalid.issues() {
                assert!(!issue.problem.is_empty());
                assert!(
                    named.is_none_or(|kind| issue.expression.is_empty() || issue.expression.starts_with(kind.name()))
                );
            }
        }
    }
    let Some(kind) = named else { return };
    let said = extract(kind, &document);
    keyed(kind, &said);
    let version = Version {
        kind,
        id: "1".parse().expect("an id"),
        rid: 1,
        number: 1,
        seq: 1,
        previous: 0,
        updated: NOW,
        method: Method::Create,
        seams: Seams::of(&document),
        body: document.into_source().into(),
        large: None,
    };
    shown(&version);
    for entry in &said.entries {
        found(&version, &said, entry);
    }
}

/// What is shown says what the server says, and has the values of the body elsewhere.
fn shown(version: &Version) {
    // Numbers beyond a float and deep trees are for the limits of another parser.
    let Ok(mut before) = serde_json::from_str::<Value>(&version.body) else {
        return;
    };
    let after: Value = serde_json::from_str(&version.stamped()).expect("JSON");
    let meta = &after["meta"];
    assert_eq!((&after["id"], &meta["versionId"]), (&"1".into(), &"1".into()));
    before["id"] = after["id"].clone();
    if !before["meta"].is_object() {
        before["meta"] = serde_json::json!({});
    }
    for key in ["versionId", "lastUpdated"] {
        before["meta"][key] = meta[key].clone();
    }
    assert_eq!(before, after);
}

fn keyed(kind: ResourceType, said: &Extract) {
    let numbers = Numbers {
        targets: (2..).take(said.targets.len()).collect(),
        systems: (1..).take(said.systems.len()).collect(),
    };
    let keys = rows::keys(kind, 1, said, &numbers);
    assert!(keys.is_sorted_by(|a, b| a < b));
    assert!(keys.iter().all(|key| key.len() < 1024));
}

/// What an entry says, asked as a search, is answered with the resource.
fn found(version: &Version, said: &Extract, entry: &Entry) {
    let (number, value, date) = match entry {
        Entry::Token {
            parameter,
            code,
            system,
        }
        | Entry::DatedToken {
            parameter,
            code,
            system,
        } => {
            let system = system.map(|at| format!("{}|", escape(&said.systems[at as usize])));
            (
                *parameter,
                format!("{}{}", system.unwrap_or_default(), escape(code)),
                None,
            )
        }
        Entry::Reference { parameter, target } => {
            let (kind, id) = &said.targets[*target as usize];
            (*parameter, format!("{kind}/{id}"), None)
        }
        Entry::External { parameter, url } => (*parameter, escape(url), None),
        Entry::Text { parameter, text } => (*parameter, escape(text), None),
        Entry::Number { parameter, amount } => return measured(version, *parameter, amount, ""),
        Entry::Quantity(quantity) => {
            let system = quantity.system.map(|at| escape(&said.systems[at as usize]));
            let unit = format!("|{}|{}", system.unwrap_or_default(), escape(&quantity.unit));
            return measured(version, quantity.parameter, &quantity.amount, &unit);
        }
        Entry::Absent { parameter } => {
            let parameter = ParameterNumber::from(*parameter)
                .parameter()
                .expect("a parameter that exists");
            answered(version, parameter, &format!("{}:missing", parameter.code), "true");
            return;
        }
        Entry::Date { parameter, low, high } => {
            assert!(EARLIEST <= *low && low <= high && *high <= LATEST, "{low} to {high}");
            (*parameter, String::new(), Some((*low, *high)))
        }
    };
    let parameter = ParameterNumber::from(number)
        .parameter()
        .expect("a parameter that exists");
    let is_text = matches!(entry, Entry::Text { .. });
    let name = match parameter.kind {
        ParameterKind::Token if is_text => format!("{}:text", parameter.code),
        ParameterKind::Reference if matches!(entry, Entry::Token { .. } | Entry::DatedToken { .. }) => {
            format!("{}:identifier", parameter.code)
        }
        _ => parameter.code.to_owned(),
    };
    let texts = match date {
        Some((low, high)) => around(low, high),
        None => vec![value],
    };
    for text in texts {
        answered(version, parameter, &name, &text);
    }
}

/// An amount passes the searches for its ends.
fn measured(version: &Version, parameter: u16, amount: &Span, unit: &str) {
    let parameter = ParameterNumber::from(parameter)
        .parameter()
        .expect("a parameter that exists");
    assert!(amount.low <= amount.high, "{amount:?}");
    let ask = |prefix: &str, end: End| {
        if let End::At(value) = end {
            answered(version, parameter, parameter.code, &format!("{prefix}{value}{unit}"));
        }
    };
    ask("ge", amount.low);
    ask("le", amount.high);
    ask("ap", amount.low);
    ask("ap", amount.high);
    if amount.is_point() {
        ask("", amount.low);
    }
}

fn answered(version: &Version, parameter: &SearchParameter, name: &str, text: &str) {
    let pairs = [(name.to_owned(), text.to_owned())];
    let asked = Asked {
        kind: version.kind,
        pairs: &pairs,
        handling: Handling::Strict,
        base: BASE,
        now: NOW,
        permitted: &|_| Ok(()),
    };
    // A reference that is none for us (to a type that the parameter does not have) is kept and cannot be asked for.
    let Ok(query) = parse(&asked) else {
        return assert!(
            parameter.kind == ParameterKind::Reference || text.is_empty(),
            "{name}={text} cannot be asked"
        );
    };
    // `a` alone is an id to a reference parameter, and a text to the resource.
    let is_ambiguous = parameter.kind == ParameterKind::Reference && !text.contains('/');
    if !query.is_unrestricted() && !is_ambiguous {
        assert!(
            holds(&query, version, &[]).expect("the resource is JSON"),
            "not found by {name}={text}"
        );
    }
}

/// Searches that every value within the interval passes.
fn around(low: i64, high: i64) -> Vec<String> {
    let instant = |millis: i64| Timestamp::from_millis(millis).to_rfc3339();
    let mut texts = vec![format!("ge{}", instant(low)), format!("le{}", instant(high))];
    if low > EARLIEST {
        texts.push(format!("sa{}", instant(low - 1)));
    }
    if high < LATEST {
        texts.push(format!("eb{}", instant(high + 1)));
    }
    texts
}

/// A value in which nothing separates.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
