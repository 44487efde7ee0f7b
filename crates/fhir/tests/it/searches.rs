//! Searches over HTTP: what they answer, refuse and warn of. What they find is tested below, in `hygie-fhir-store`.

use serde_json::{Value, json};

use crate::service::{BASE, Service, entries, issue, patient};

fn measured(n: usize) -> Value {
    let code = ["8480-6", "8462-4"][n % 2];
    let code = json!({ "coding": [{ "code": code }] });
    json!({ "resourceType": "Observation", "id": format!("o{n}"), "status": "final", "code": code,
        "valueQuantity": { "value": n, "unit": "mmol/l" } })
}

/// Every fifth has no name, every seventh no birth date.
fn born(id: &str, n: usize) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "id": id });
    if !n.is_multiple_of(5) {
        let family = ["durand", "martin", "mart", "roux"][n % 4];
        patient["name"] = json!([{ "family": family }]);
    }
    if !n.is_multiple_of(7) {
        patient["birthDate"] = json!(format!("19{}-05-1{}", 50 + n % 6, n % 4));
    }
    patient
}

#[tokio::test]
async fn chains_over_http() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    let observation = serde_json::json!({ "resourceType": "Observation", "id": "o", "status": "final",
        "code": { "text": "x" }, "subject": { "reference": "Patient/a" } });
    by.put("/Observation/o", &observation).await;
    for (search, total) in [
        ("Observation?subject:Patient.name=martin", 1),
        ("Observation?subject.name=durand", 0),
        ("Patient?_has:Observation:patient:status=final", 1),
    ] {
        let page = by.get(&format!("/{search}&_total=accurate")).await.json();
        assert_eq!(page["total"], total, "{search}");
        assert!(
            page["link"][0]["url"]
                .as_str()
                .is_some_and(|url| url.contains("_total"))
        );
    }
    let deep = "patient.link".to_owned() + &".link".repeat(6) + ".name=x";
    for (search, expected) in [
        ("Observation?subject:Practitioner.name=x", "400 not-supported"),
        ("Observation?status.name=x", "400 not-supported"),
        ("Observation?subject:Patient.colour=x", "400 not-supported"),
        ("Patient?_has:Observation:patient=x", "400 not-supported"),
        ("Patient?_has:Observation:device:status=x", "400 not-supported"),
        ("Patient?_has:Nothing:patient:status=x", "400 not-supported"),
        ("Observation?subject:Patient.birthdate=yesterday", "400 invalid"),
        (&format!("Observation?{deep}"), "400 too-costly"),
    ] {
        let answer = by
            .get_with(&format!("/{search}"), &[("prefer", "handling=strict")])
            .await;
        assert_eq!(issue(&answer), expected, "{search}");
    }
    let lenient = by.get("/Observation?subject:Patient.colour=x").await.json();
    assert_eq!(
        lenient["entry"].as_array().map(Vec::len),
        Some(2),
        "with a warning, as any unknown parameter"
    );
}

#[tokio::test]
async fn composites_over_http() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for n in 0..8 {
        by.put(&format!("/Observation/o{n}"), &measured(n)).await;
    }
    let page = by.get("/Observation?code-value-quantity=8480-6%244").await.json();
    let found = entries(&page, "match");
    assert_eq!(found.iter().map(|one| &one["id"]).collect::<Vec<_>>(), ["o4"]);
    assert_eq!(
        issue(&by.get("/Observation?code-value-quantity=8480-6").await),
        "400 invalid"
    );
    let strict = [("prefer", "handling=strict")];
    let unpublished = by.get_with("/DocumentReference?relationship=x%24y", &strict).await;
    assert_eq!(
        issue(&unpublished),
        "400 not-supported",
        "its parts are exchanged in the definition"
    );
}

/// What was not changed between two pages is neither skipped nor repeated.
#[tokio::test]
async fn pages_of_several_keys_are_stable_beside_writes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for n in 0..30 {
        let id = format!("p{n:03}");
        by.put(&format!("/Patient/{id}"), &born(&id, n)).await;
    }
    let mut path = "/Patient?_sort=family,-birthdate&_count=4".to_owned();
    let mut seen = Vec::new();
    for round in 0..20 {
        let page = by.get(&path).await.json();
        let found = entries(&page, "match").into_iter();
        seen.extend(
            found
                .map(|one| one["id"].as_str().expect("an id").to_owned())
                .filter(|id| id.starts_with('p')),
        );
        let Some(next) = page["link"][1]["url"].as_str() else {
            break;
        };
        path = next.strip_prefix(BASE).expect("under the base").to_owned();
        let id = format!("new{round}");
        by.put(&format!("/Patient/{id}"), &born(&id, round)).await;
        by.delete(&format!("/Patient/new{}", round / 2)).await;
    }
    let mut expected: Vec<String> = (0..30).map(|n| format!("p{n:03}")).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let strict = [("prefer", "handling=strict")];
    assert_eq!(
        issue(&by.get_with("/Patient?_sort=family,gender", &strict).await),
        "400 not-supported"
    );
    let page = by.get("/Patient?_sort=family,gender").await.json();
    assert_eq!(
        entries(&page, "outcome").len(),
        1,
        "sorted by what can be, with a warning"
    );
    let foreign = path.split("ct=").nth(1).expect("a continuation");
    assert_eq!(
        issue(&by.get(&format!("/Patient?_sort=family&ct={foreign}")).await),
        "400 invalid"
    );
}
