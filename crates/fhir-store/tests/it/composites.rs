//! Composite parameters: values that stand together.

use std::collections::{BTreeMap, BTreeSet};

use hygie_fhir_store::repo::Version;
use serde_json::{Value, json};

use crate::search::{World, equals_reading, ids, read};

const CODES: [&str; 4] = ["8480-6", "8462-4", "2339-0", "718-7"];

fn coded(code: &str, n: usize) -> Value {
    let system = ["http://loinc.org", "urn:local"][n % 2];
    json!({ "coding": [{ "system": system, "code": code }, { "code": format!("c{}", n % 3) }] })
}

/// More than a list takes, so that walks are taken too.
fn observation(n: usize) -> Value {
    let mut observation = json!({ "resourceType": "Observation", "id": format!("o{n}"), "status": "final",
        "code": coded(CODES[n % 4], n), "effectiveDateTime": format!("2026-0{}-{:02}", 1 + n % 4, 1 + n % 28) });
    match n % 6 {
        0 => {}
        1 => observation["valueString"] = json!(format!("Négatif {}", n % 4)),
        2 => observation["valueCodeableConcept"] = coded("pos", n / 2),
        3 => observation["valuePeriod"] = json!({ "start": "2026-02-01", "end": format!("2026-02-{:02}", 2 + n % 20) }),
        _ => observation["valueQuantity"] = json!({ "value": n % 9, "unit": "mmol/l" }),
    }
    if n.is_multiple_of(3) {
        let component = |at: usize| json!({ "code": coded(CODES[(n + at) % 4], n), "valueQuantity": { "value": n % 7 + at, "unit": "mg" } });
        observation["component"] = json!([component(0), component(1), { "code": coded("718-7", n) }]);
    }
    observation
}

async fn fill(world: &World) -> BTreeMap<String, Version> {
    let mut all = BTreeMap::new();
    for n in 0..200 {
        let version = world
            .put("Observation", &format!("o{n}"), &observation(n).to_string())
            .await;
        all.insert(format!("Observation/o{n}"), version);
    }
    for (id, kind, value) in [("g0", "hair", "brown"), ("g1", "hair", "grey"), ("g2", "eyes", "brown")] {
        let concept = |code: &str| format!(r#"{{"coding":[{{"code":"{code}"}}]}}"#);
        let body = format!(
            r#"{{"resourceType":"Group","type":"person","actual":false,"characteristic":[{{"code":{},"valueCodeableConcept":{},"exclude":false}},
            {{"code":{},"valueBoolean":true,"exclude":false}}]}}"#,
            concept(kind),
            concept(value),
            concept("tall")
        );
        let version = world.put("Group", id, &body).await;
        all.insert(format!("Group/{id}"), version);
    }
    all
}

const SEARCHES: [(&str, &str); 24] = [
    ("Observation", "code-value-quantity=8480-6$gt3"),
    ("Observation", "code-value-quantity=http://loinc.org|8480-6$4"),
    ("Observation", "code-value-quantity=8480-6$le3||mmol/l,c1$ge7||mmol/l"),
    ("Observation", "code-value-quantity=8480-6$1||mg"),
    ("Observation", "code-value-quantity=absent$1"),
    ("Observation", "code-value-quantity:missing=true"),
    ("Observation", "code-value-string=718-7$nég"),
    ("Observation", "code-value-string=8462-4$NEGATIF 1"),
    ("Observation", "code-value-string=http://loinc.org|$neg"),
    ("Observation", "code-value-concept=2339-0$pos"),
    ("Observation", "code-value-concept=2339-0$http://loinc.org|pos"),
    ("Observation", "code-value-date=718-7$ge2026-02-10"),
    ("Observation", "code-value-date=c0$lt2026-02"),
    ("Observation", "component-code-value-quantity=718-7$5"),
    ("Observation", "component-code-value-quantity=c2$gt2||mg&code=8480-6"),
    ("Observation", "component-code-value-quantity=718-7$gt90"),
    ("Observation", "component-code-value-quantity:missing=false"),
    ("Observation", "combo-code-value-quantity=8480-6$5"),
    ("Observation", "combo-code-value-quantity=8480-6$5&date=ge2026-02"),
    ("Observation", "combo-code-value-concept=2339-0$pos"),
    ("Observation", "code-value-quantity=8480-6$gt3&_sort=-date"),
    ("Group", "characteristic-value=hair$brown"),
    ("Group", "characteristic-value=tall$true"),
    ("Group", "characteristic-value=hair$true"),
];

#[tokio::test]
async fn composites_find_what_reading_each_resource_finds() {
    let world = World::new().await;
    let all = fill(&world).await;
    for (kind, text) in SEARCHES {
        for form in ["_count=1000&_total=accurate", "_count=6"] {
            equals_reading(&world, &all, kind, &format!("{text}&{form}")).await;
        }
    }
    let found = async |text: &str| world.all(&read("Group", text)).await.len();
    assert_eq!(found("characteristic-value=hair$brown").await, 1);
    assert_eq!(
        found("characteristic-value=hair$true").await,
        0,
        "each is there, but not together"
    );
}

/// Whether one element has both: the code, and a value greater than this.
fn together(element: &Value, code: &str, more_than: u64) -> bool {
    let codings = element["code"]["coding"].as_array().cloned().unwrap_or_default();
    let value = element["valueQuantity"]["value"].as_u64();
    codings.iter().any(|coding| coding["code"] == code) && value.is_some_and(|value| value > more_than)
}

/// What is found is told by the JSON alone.
#[tokio::test]
async fn the_parts_of_a_composite_stand_together() {
    let world = World::new().await;
    fill(&world).await;
    for (code, more_than) in [("8480-6", 3), ("8462-4", 2), ("718-7", 0)] {
        let expected = |holds: fn(&Value, &str, u64) -> bool| {
            let matches = (0..200).filter(|n| holds(&observation(*n), code, more_than));
            matches.map(|n| format!("o{n}")).collect::<BTreeSet<String>>()
        };
        let in_components = |one: &Value, code: &str, more_than: u64| {
            let components = one["component"].as_array().cloned().unwrap_or_default();
            components.iter().any(|component| together(component, code, more_than))
        };
        let found = async |parameter: &str| {
            let query = read("Observation", &format!("{parameter}={code}$gt{more_than}&_count=7"));
            ids(&world.all(&query).await).into_iter().collect::<BTreeSet<String>>()
        };
        let (own, components) = (expected(together), expected(in_components));
        assert!(!own.is_empty() && !components.is_empty());
        assert_eq!(found("code-value-quantity").await, own);
        assert_eq!(found("component-code-value-quantity").await, components);
        assert_eq!(found("combo-code-value-quantity").await, &own | &components);
    }
}
