//! Searches for numbers, quantities and URIs: every answer equals what checking each resource gives.

use std::collections::BTreeMap;

use hygie_fhir_store::repo::Version;

use crate::search::{World, equals_reading, ids, read};

/// Resources of each kind: more than a list takes, so that walks are taken too.
const COUNT: usize = 170;

const VALUES: [&str; 13] = [
    "5.4", "5.40", "5.35", "5.45", "-5.4", "0", "100", "1E2", "0.0054", "99.5", "100.5", "110", "101e-1",
];

const UNITS: [&str; 8] = [
    r#","system":"http://unitsofmeasure.org","code":"mg","unit":"mg""#,
    r#","system":"http://unitsofmeasure.org","code":"mm[Hg]","unit":"mmHg""#,
    r#","unit":"mg""#,
    r#","system":"urn:local","code":"mg","unit":"milligramme""#,
    r#","system":"http://unitsofmeasure.org","code":"g""#,
    r#","code":"mg""#,
    r#","system":"urn:local","unit":"comprimé""#,
    "",
];

fn observation(n: usize) -> String {
    let (value, unit, other) = (VALUES[n % 13], UNITS[n % 8], UNITS[(n + n % 13) % 8]);
    let comparator = match n % 10 {
        0 => r#","comparator":"<""#,
        5 => r#","comparator":">=""#,
        _ => "",
    };
    format!(
        r#""status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{value}{unit}{comparator}}},"component":[
        {{"code":{{"text":"y"}},"valueQuantity":{{"value":{n}.50{other}}}}},
        {{"code":{{"text":"z"}},"valueQuantity":{{"value":{value}{other}}}}}]"#
    )
}

/// Ranges: closed, open at either end, and one that ends before it begins.
fn condition(n: usize) -> String {
    let unit = UNITS[n % 2];
    let end = |value: String| format!(r#"{{"value":{value}{unit}}}"#);
    let onset = match n % 5 {
        0 => format!(
            r#""onsetRange":{{"low":{},"high":{}}}"#,
            end(n.to_string()),
            end((n + 9).to_string())
        ),
        1 => format!(r#""onsetRange":{{"low":{}}}"#, end(n.to_string())),
        2 => format!(r#""onsetRange":{{"high":{}}}"#, end(n.to_string())),
        3 => format!(
            r#""onsetRange":{{"low":{},"high":{}}}"#,
            end(format!("{n}.5")),
            end(n.to_string())
        ),
        _ => format!(r#""onsetAge":{}"#, end(n.to_string())),
    };
    format!(r#""subject":{{"display":"x"}},{onset}"#)
}

fn risk_assessment(n: usize) -> String {
    let value = VALUES[n % 13];
    let prediction = if n.is_multiple_of(6) {
        String::new()
    } else {
        format!(r#","prediction":[{{"probabilityDecimal":0.{n}}},{{"probabilityDecimal":{value}}}]"#)
    };
    format!(r#""status":"final","subject":{{"display":"x"}}{prediction}"#)
}

/// Longer than what a key keeps of it.
fn long_url() -> String {
    format!("http://exemple.fr/{}", "é".repeat(60))
}

fn value_set(n: usize) -> String {
    let urls = [
        format!("http://acme.org/fhir/ValueSet/{}", n % 7),
        "http://acme.org/fhir".to_owned(),
        "http://acme.org/fhirs/".to_owned(),
        format!("{}{}", long_url(), n % 7),
        format!("urn:oid:1.2.{n}"),
        format!("http://acme.org/fhir/ValueSet/{}/_history/{n}", n % 7),
        "http://acme.org/fhir/".to_owned(),
    ];
    let (one, other) = (&urls[n % 13 % 7], &urls[(n + 3) % 7]);
    format!(
        r#""status":"active","url":"{}","compose":{{"include":[{{"system":"{one}"}},{{"system":"{other}"}}]}}"#,
        urls[n % 7]
    )
}

async fn fill(world: &World) -> BTreeMap<String, Version> {
    let mut all = BTreeMap::new();
    for n in 0..COUNT {
        for (kind, body) in [
            ("Observation", observation(n)),
            ("Condition", condition(n)),
            ("RiskAssessment", risk_assessment(n)),
            ("ValueSet", value_set(n)),
        ] {
            let body = format!(r#"{{"resourceType":"{kind}",{body}}}"#);
            let version = world.put(kind, &format!("a{n}"), &body).await;
            all.insert(format!("{kind}/a{n}"), version);
        }
    }
    for n in (0..COUNT).step_by(23) {
        world.delete("Observation", &format!("a{n}")).await;
        all.remove(&format!("Observation/a{n}"));
    }
    all
}

/// All prefixes, with several precisions and units.
fn amounts() -> Vec<(&'static str, String)> {
    let units = [
        "",
        "||mg",
        "||mmHg",
        "|http://unitsofmeasure.org|mg",
        "|http://unitsofmeasure.org|mm[Hg]",
        "|http://unitsofmeasure.org|",
        "|urn:local|",
        "|urn:absent|mg",
        "||comprimé",
    ];
    let mut searches = Vec::new();
    for prefix in ["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
        for value in ["5.4", "5.40", "100", "1e2", "-5.4", "0", "50.5"] {
            searches.push(("RiskAssessment", format!("probability={prefix}{value}")));
            searches.push(("Condition", format!("onset-age={prefix}{value}")));
            for unit in units {
                searches.push(("Observation", format!("combo-value-quantity={prefix}{value}{unit}")));
            }
        }
    }
    for (kind, text) in [
        (
            "Observation",
            "value-quantity=5.4,100||mg&component-value-quantity=gt50",
        ),
        ("Observation", "value-quantity:missing=true"),
        ("RiskAssessment", "probability:missing=true"),
        ("RiskAssessment", "_sort=probability"),
        ("RiskAssessment", "_sort=-probability"),
        ("RiskAssessment", "probability=gt0.5&_sort=-probability"),
        ("RiskAssessment", "probability=le0.5&probability=gt-5&_sort=probability"),
    ] {
        searches.push((kind, text.to_owned()));
    }
    searches
}

fn uris() -> Vec<(&'static str, String)> {
    let long = long_url();
    let mut searches = Vec::new();
    for url in [
        "http://acme.org/fhir",
        "http://acme.org/fhir/",
        "http://acme.org/fhir/ValueSet/5/_history/5",
        "http://ac",
        &long[..126],
        &long[..128],
        &long,
        &format!("{long}3"),
    ] {
        for name in [
            "url",
            "url:above",
            "url:below",
            "reference",
            "reference:above",
            "reference:below",
        ] {
            searches.push(("ValueSet", format!("{name}={url}")));
        }
    }
    let two = "url:below=http://acme.org/fhir/,http://exemple.fr";
    searches.push(("ValueSet", two.to_owned()));
    searches
}

#[tokio::test]
async fn amounts_and_uris_are_found_as_reading_each_resource_finds_them() {
    let world = World::new().await;
    let all = fill(&world).await;
    let mut found = 0;
    for (kind, text) in amounts().iter().chain(&uris()) {
        for form in ["_count=1000", "_count=9"] {
            found += equals_reading(&world, &all, kind, &format!("{text}&{form}")).await;
        }
    }
    assert!(found > 20_000, "{found} matches");
}

/// Numbers come in their order, however they are written, and what has none comes last.
#[tokio::test]
async fn answers_sorted_by_a_number_are_in_its_order() {
    let world = World::new().await;
    for (id, value) in ["1e1", "-3", "0.25", "9.75", "100", "-20.5"].iter().enumerate() {
        let body = format!(
            r#"{{"resourceType":"RiskAssessment","status":"final","subject":{{"display":"x"}},"prediction":[{{"probabilityDecimal":{value}}}]}}"#
        );
        world.put("RiskAssessment", &format!("r{id}"), &body).await;
    }
    let body = r#"{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"}}"#;
    world.put("RiskAssessment", "none", body).await;
    for filter in ["", "_id=r0,r1,r2,r3,r4,r5,none&"] {
        let sorted = async |sort: &str| {
            let query = read("RiskAssessment", &format!("{filter}_sort={sort}&_count=2"));
            ids(&world.all(&query).await)
        };
        assert_eq!(
            sorted("probability").await,
            ["r5", "r1", "r2", "r3", "r0", "r4", "none"]
        );
        assert_eq!(
            sorted("-probability").await,
            ["r4", "r0", "r3", "r2", "r1", "r5", "none"]
        );
    }
}
