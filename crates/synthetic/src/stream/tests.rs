//! What is true of every set of patients.

use std::collections::{BTreeMap, HashMap, HashSet};

use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::validate;
use serde_json::Value;
use time::macros::date;

use super::*;
use crate::mix;

const REQUEST: Request = Request {
    seed: 7,
    patients: 120,
    until: date!(2026 - 11 - 21),
};
const LINES: Way = Way {
    format: Format::Ndjson,
    threads: 2,
};
const BUNDLES: Way = Way {
    format: Format::Bundle,
    threads: 2,
};

/// The files by name.
fn files(request: Request, way: Way) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().expect("a directory");
    let written = write((request, way), dir.path(), |_, _| {}).expect("written");
    let files: BTreeMap<String, String> = fs::read_dir(dir.path())
        .expect("read")
        .map(|entry| entry.expect("read"))
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    assert_eq!(written.files, files.len() as u64);
    assert_eq!(written.bytes, files.values().map(|text| text.len() as u64).sum::<u64>());
    files
}

fn resources(request: Request) -> Vec<Value> {
    let files = files(request, LINES);
    let lines = files.values().flat_map(|text| text.lines());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn name(resource: &Value) -> String {
    let text = |member: &str| resource[member].as_str().expect("text").to_owned();
    format!("{}/{}", text("resourceType"), text("id"))
}

fn visit(value: &Value, found: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(text) => found(name, text),
            _ => visit(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
        _ => {}
    }
}

#[test]
fn the_same_request_makes_the_same_bytes_on_any_number_of_threads() {
    for way in [LINES, BUNDLES] {
        let expected = files(REQUEST, way);
        for threads in [1, 3, 64] {
            assert!(files(REQUEST, Way { threads, ..way }) == expected, "{threads} threads");
        }
        assert!(files(Request { seed: 8, ..REQUEST }, way) != expected);
    }
}

#[test]
fn more_patients_change_none_of_the_earlier_ones() {
    let all = files(REQUEST, LINES);
    for (name, text) in files(
        Request {
            patients: 33,
            ..REQUEST
        },
        LINES,
    ) {
        assert!(all[&name].starts_with(&text), "{name}");
    }
}

#[test]
fn every_resource_of_every_type_is_valid() {
    for seed in [1, 2, 3] {
        let request = Request {
            seed,
            patients: 60,
            ..REQUEST
        };
        let files = files(request, LINES);
        for kind in Kind::ALL {
            let text = &files[&format!("{}.ndjson", kind.name())];
            for line in text.lines() {
                let document = Document::parse(line, &Limits::default()).expect(line);
                let found = validate(&document).unwrap_or_else(|invalid| panic!("{:?}: {line}", invalid.issues()));
                assert_eq!(found.name(), kind.name());
            }
        }
    }
}

#[test]
fn ids_are_unique_and_references_resolve() {
    let resources = resources(REQUEST);
    let known: HashSet<String> = resources.iter().map(name).collect();
    assert_eq!(known.len(), resources.len());
    let ids: HashSet<&str> = resources.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), resources.len());
    let mut count = 0;
    for resource in &resources {
        visit(resource, &mut |member, text| {
            if member == "reference" {
                count += 1;
                assert!(known.contains(text), "{text}");
            }
        });
    }
    assert!(count > 2 * resources.len(), "{count}");
}

#[test]
fn bundles_hold_what_the_lines_hold() {
    let mut found: Vec<String> = Vec::new();
    let files = files(REQUEST, BUNDLES);
    assert_eq!(bundles(REQUEST).count(), files.len());
    for Piece { name: file, text } in bundles(REQUEST) {
        let text = String::from_utf8(text).expect("text");
        assert!(files[&file] == text, "{file}");
        let bundle: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(bundle["type"], "transaction", "{file}");
        for entry in bundle["entry"].as_array().expect("entries") {
            assert_eq!(entry["request"]["method"], "PUT");
            assert_eq!(entry["request"]["url"], *name(&entry["resource"]));
            found.push(entry["resource"].to_string());
        }
    }
    let mut expected: Vec<String> = resources(REQUEST).iter().map(Value::to_string).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert!(found == expected);
}

#[test]
fn nothing_happens_before_birth_or_after_the_last_day() {
    let resources = resources(REQUEST);
    let births: HashMap<String, &str> = resources
        .iter()
        .filter(|one| one["resourceType"] == "Patient")
        .map(|one| (name(one), one["birthDate"].as_str().expect("a day")))
        .collect();
    let mut count = 0;
    for resource in &resources {
        let subject = [&resource["subject"], &resource["patient"]];
        let subject = subject.iter().find_map(|one| one["reference"].as_str());
        let Some(birth) = subject.map(|subject| births[subject]) else {
            continue;
        };
        visit(resource, &mut |member, text| {
            if time::Date::parse(
                text.get(..10).unwrap_or_default(),
                &time::format_description::well_known::Iso8601::DATE,
            )
            .is_ok()
            {
                count += 1;
                assert!(
                    birth < text && text[..10] <= *REQUEST.until.to_string(),
                    "{member} {text} of {birth}"
                );
            }
        });
        if let (Some(start), Some(end)) = (resource["period"]["start"].as_str(), resource["period"]["end"].as_str()) {
            assert!(start < end, "{resource}");
        }
    }
    assert!(count > 50_000, "{count}");
}

#[test]
fn the_mix_is_that_of_the_sample() {
    let patients = 1000;
    let resources = {
        let dir = tempfile::tempdir().expect("a directory");
        write((Request { patients, ..REQUEST }, LINES), dir.path(), |_, _| {}).expect("written")
    };
    for kind in Kind::ALL {
        let made = resources.counts[kind as usize] as f64;
        let Some(expected) = mix::of_thousand(kind) else {
            assert!((300.0..400.0).contains(&made), "{kind:?}: {made}");
            continue;
        };
        let ratio = made / f64::from(expected);
        assert!((0.93..1.07).contains(&ratio), "{kind:?}: {made} instead of {expected}");
    }
    let each = resources.resources() / u64::from(patients);
    assert!((290..=315).contains(&each), "{each} resources a patient");
}

#[test]
fn national_identifiers_have_their_keys_and_belong_to_one() {
    let mut seen = HashSet::new();
    for resource in resources(Request {
        patients: 350,
        ..REQUEST
    }) {
        let Some(identifiers) = resource["identifier"].as_array() else {
            continue;
        };
        for identifier in identifiers {
            let value = identifier["value"].as_str().expect("a value");
            let system = identifier["system"].as_str().expect("a system");
            assert!(seen.insert(format!("{system}|{value}")), "{system}|{value} twice");
            match system {
                crate::identifiers::INS_TEST => {
                    let (number, key) = value.split_at(13);
                    let number: u64 = number.parse().expect("digits");
                    assert_eq!(97 - number % 97, key.parse::<u64>().expect("digits"), "{value}");
                }
                crate::identifiers::RPPS => assert!(luhn(value) && value.len() == 11, "{value}"),
                crate::identifiers::FINESS => assert!(luhn(value) && value.len() == 9, "{value}"),
                _ => {}
            }
        }
    }
}

/// Whether the Luhn sum is a multiple of ten.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| match (u32::from(byte - b'0'), at % 2) {
            (digit, 0) => digit,
            (digit, _) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}
