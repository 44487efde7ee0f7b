//! Several sort keys: the order is that of the JSON values, page by page.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use hygie_fhir_store::index::key::Kind;
use hygie_testkit::index_keys;
use serde_json::{Value, json};

use crate::search::{World, equals_reading, ids, read};
use crate::world::cx;

fn patient(n: usize) -> Value {
    let gender = ["male", "female"][n % 2];
    let family = ["durand", "martin", "mart", "roux"][n % 4];
    let mut patient = json!({ "resourceType": "Patient", "gender": gender });
    if !n.is_multiple_of(5) {
        patient["name"] = json!([{ "family": family, "given": [format!("g{}", n % 3)] }]);
    }
    if !n.is_multiple_of(7) {
        patient["birthDate"] = json!(format!("19{}-05-1{}", 50 + n % 6, n % 4));
    }
    patient
}

/// The value of a key; `None` for what has none.
fn value(n: usize, key: &str) -> Option<String> {
    let patient = patient(n);
    let value = match key {
        "family" => &patient["name"][0]["family"],
        "given" => &patient["name"][0]["given"][0],
        "birthdate" => &patient["birthDate"],
        // They are written in the order of their numbers.
        _ => return Some(format!("{n:05}")),
    };
    value.as_str().map(str::to_owned)
}

fn order(a: usize, b: usize, sort: &str) -> Ordering {
    for key in sort.split(',') {
        let (name, is_descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        let of_values = match (value(a, name), value(b, name)) {
            (Some(a), Some(b)) if is_descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        if of_values != Ordering::Equal {
            return of_values;
        }
    }
    Ordering::Equal
}

#[tokio::test]
async fn several_keys_sort_one_after_the_other() {
    let world = World::new().await;
    let mut all = BTreeMap::new();
    for n in 0..180 {
        let id = format!("p{n:03}");
        all.insert(
            format!("Patient/{id}"),
            world.put("Patient", &id, &patient(n).to_string()).await,
        );
    }
    for sort in [
        "family,birthdate",
        "family,-birthdate",
        "-family,birthdate",
        "-birthdate,-family,given",
        "family,given,-_lastUpdated",
        "given,_lastUpdated",
    ] {
        for (filter, step) in [("", 1), ("gender=female", 2)] {
            let text = format!("{filter}&_sort={sort}&_total=accurate");
            for count in [7, 1000] {
                equals_reading(&world, &all, "Patient", &format!("{text}&_count={count}")).await;
            }
            let mut expected: Vec<usize> = (step - 1..180).step_by(step).collect();
            expected.sort_by(|a, b| order(*a, *b, sort).then(a.cmp(b)));
            let expected: Vec<String> = expected.iter().map(|n| format!("p{n:03}")).collect();
            let found = ids(&world.all(&read("Patient", &format!("{text}&_count=11"))).await);
            assert_eq!(found, expected, "{text}");
        }
    }
}

/// What has no date has a key of its own, so that the last page does not look at everything before it.
#[tokio::test]
async fn what_lacks_a_date_is_found_by_a_key_of_its_own() {
    let world = World::new().await;
    let mut all = BTreeMap::new();
    let body = |date: Option<usize>| {
        let mut body = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "t" } });
        if let Some(day) = date {
            body["effectiveDateTime"] = json!(format!("2026-01-{:02}", 1 + day % 28));
        }
        body.to_string()
    };
    for n in 0..60 {
        let (id, date) = (format!("o{n:02}"), (n % 4 != 0).then_some(n));
        all.insert(
            format!("Observation/{id}"),
            world.put("Observation", &id, &body(date)).await,
        );
    }
    // One loses its date, one gets a date, one is deleted.
    for (id, date) in [("o01", None), ("o04", Some(4))] {
        all.insert(
            format!("Observation/{id}"),
            world.put("Observation", id, &body(date)).await,
        );
    }
    world.delete("Observation", "o08").await;
    all.remove("Observation/o08");

    let missing = equals_reading(&world, &all, "Observation", "date:missing=true&_count=4").await;
    assert_eq!(missing, 14);
    let keys = index_keys(&world.store, &cx()).await;
    assert_eq!(keys.iter().filter(|key| key[0] == Kind::Absent as u8).count(), missing);
    for text in ["date:missing=false", "date:missing=true&status=final"] {
        equals_reading(&world, &all, "Observation", &format!("{text}&_count=7")).await;
    }
    for sort in ["date", "-date"] {
        let found = ids(&world.all(&read("Observation", &format!("_sort={sort}&_count=7"))).await);
        assert_eq!(found.len(), 59);
        let of_missing = world.all(&read("Observation", "date:missing=true")).await;
        let mut expected = ids(&of_missing);
        let mut last = found[59 - missing..].to_vec();
        expected.sort();
        last.sort();
        assert_eq!(last, expected, "{sort}");
    }
}
