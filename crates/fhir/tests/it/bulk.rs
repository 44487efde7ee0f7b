//! Bulk loads: what they write is what updates of the same resources write; what they refuse is named by its line.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Method;
use hygie_access::Role;
use hygie_fhir::Limits;
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::service::{By, FHIR_JSON, Service, issue, patient};

const BULK: &str = "/.hygie/bulk";
const NDJSON: (&str, &str) = ("content-type", "application/fhir+ndjson");

async fn load(by: &By<'_>, body: impl Into<Body>) -> Answer {
    by.send(Method::POST, BULK, &[NDJSON], body).await
}

/// The counts of a report: lines, created, updated, refused.
fn counts(answer: &Answer) -> [u64; 4] {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let report = answer.json();
    ["lines", "created", "updated", "refused"].map(|name| report[name].as_u64().expect("a number"))
}

fn lines(resources: &[Value]) -> String {
    resources.iter().map(|one| format!("{one}\n")).collect()
}

/// Patients and their observations, most of them changed on the way, over more than one batch.
fn resources() -> Vec<Value> {
    let mut all = Vec::new();
    for n in 0..700_usize {
        let who = n * 7 % 60;
        let family = ["Martin", "Bernard", "Petit"][n % 3];
        if n % 10 == 0 {
            all.push(patient(&format!("p{who}"), family));
        }
        all.push(json!({
            "resourceType": "Observation", "id": format!("o{}", n % 450), "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": format!("8480-{}", n % 5) }] },
            "subject": { "reference": format!("Patient/p{who}") },
            "effectiveDateTime": format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1),
            "valueQuantity": { "value": n, "unit": "mmHg" },
        }));
    }
    all
}

#[tokio::test]
async fn a_bulk_load_writes_what_updates_write() {
    let (alone, bulk) = (Service::new().await, Service::new().await);
    let resources = resources();
    let (one, many) = (alone.contributor().await, bulk.role(Role::FhirDataImporter).await);
    let mut created = 0;
    for resource in &resources {
        let path = format!("/{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
        let answer = one.put(&path, resource).await;
        created += u64::from(answer.status == 201);
    }
    let count = resources.len() as u64;
    let report = load(&many, lines(&resources)).await;
    assert_eq!(counts(&report), [count, created, count - created, 0]);
    assert!(
        created < count && count > 700,
        "{created} of {count} are new, in several batches"
    );
    let id = text(&resources[1]["id"]);
    for path in [
        "/Observation?_sort=-date&_count=50".to_owned(),
        "/Observation?code=8480-1&date=ge2026-03&_count=100".to_owned(),
        "/Observation?value-quantity=gt600&_count=200".to_owned(),
        "/Observation?patient.family=bernard&_count=100".to_owned(),
        "/Patient?family=mart&_sort=family".to_owned(),
        "/Patient?_has:Observation:patient:code=8480-0".to_owned(),
        "/Patient/_history?_count=100".to_owned(),
        format!("/Observation/{id}/_history"),
        "/_history?_count=200".to_owned(),
    ] {
        let (expected, found) = (shown(&one.pages(&path).await), shown(&many.pages(&path).await));
        assert!(!expected.is_empty(), "{path}");
        assert_eq!(found, expected, "{path}");
    }

    // The journal alone makes the same index.
    let (keys, again) = bulk.index_and_again().await;
    assert!(keys == again, "the same index");
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The entries of pages, without the instants, which are those of other requests.
fn shown(pages: &[Value]) -> Vec<Value> {
    let entries = pages
        .iter()
        .flat_map(|page| page["entry"].as_array().into_iter().flatten());
    let mut entries: Vec<Value> = entries.cloned().collect();
    for entry in &mut entries {
        entry["resource"]["meta"]["lastUpdated"] = Value::Null;
        entry["response"]["lastModified"] = Value::Null;
    }
    entries
}

fn code_system() -> Value {
    json!({ "resourceType": "CodeSystem", "id": "c", "status": "draft", "content": "complete" })
}

/// Lines of which nine are refused, and one is blank.
fn mixed_lines() -> Vec<String> {
    let parameter = json!({ "resourceType": "SearchParameter", "id": "s", "url": "urn:p", "name": "p", "status": "draft",
        "description": "d", "code": "p", "base": ["Patient"], "type": "token" });
    let conditional = json!({ "resourceType": "Basic", "id": "b", "code": { "text": "x" },
        "subject": { "reference": "Patient?identifier=1" } });
    vec![
        "\u{feff}".to_owned() + &patient("a", "first").to_string(),
        String::new(),
        "{".to_owned(),
        json!({ "resourceType": "Patient", "id": "b", "gender": "blue" }).to_string(),
        json!({ "resourceType": "Nonsense", "id": "b" }).to_string(),
        json!({ "resourceType": "Patient" }).to_string(),
        json!({ "resourceType": "Patient", "id": "b", "name": [{ "text": "x".repeat(2000) }] }).to_string(),
        code_system().to_string(),
        parameter.to_string(),
        conditional.to_string(),
        json!({ "resourceType": "Basic", "id": "b", "code": { "text": "x" }, "subject": { "reference": "urn:uuid:1" } }).to_string(),
        patient("a", "second").to_string() + "\r",
        patient("c", "last, without an end of its line").to_string(),
    ]
}

#[tokio::test]
async fn refused_lines_are_named_and_the_others_written() {
    let service = Service::with(Limits {
        resource: 2000,
        bundle: 100_000,
        entries: 10,
        ..Limits::default()
    })
    .await;
    let by = service.role(Role::FhirDataImporter).await;
    let body = mixed_lines();
    let answer = load(&by, body.join("\n")).await;
    assert_eq!(counts(&answer), [12, 2, 1, 9]);
    let report = answer.json();
    let errors: Vec<String> = report["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .inspect(|error| assert!(!text(&error["message"]).is_empty()))
        .map(|error| format!("{} {} {}", error["line"], error["status"], text(&error["code"])))
        .collect();
    let expected = [
        "3 400 structure",
        "4 400 code-invalid",
        "5 400 structure",
        "6 400 required",
        "7 413 too-long",
        "8 403 forbidden",
        "9 400 not-supported",
        "10 400 invalid",
        "11 400 invalid",
    ];
    assert_eq!(errors, expected);
    assert_eq!(by.get("/Patient/a").await.json()["meta"]["versionId"], "2");
    assert_eq!(by.get("/Patient/b").await.status, 404);

    let [written] = &service.written().await[..] else {
        panic!("one entry of the trail for the batch");
    };
    assert!(written.starts_with("fhir.bulk Patient:3 journal:"), "{written}");
    assert!(written.ends_with(" success ×3"), "{written}");
    let accesses = service.accesses();
    for line in [
        "fhir.bulk - refused (role_missing)",
        "fhir.bulk - failed (structure) ×2",
        "fhir.bulk - failed (too-long)",
    ] {
        assert!(accesses.iter().any(|access| access == line), "{line}: {accesses:#?}");
    }

    // What an Importer may not bring a Contributor may.
    let contributor = service.contributor().await;
    assert_eq!(
        counts(&load(&contributor, code_system().to_string()).await),
        [1, 1, 0, 0]
    );
}

#[tokio::test]
async fn who_may_load() {
    let service = Service::new().await;
    for (role, status) in [
        (Role::FhirDataReader, 403),
        (Role::FhirDataWriter, 403),
        (Role::FhirDataExporter, 403),
        (Role::FhirDataConverter, 403),
        (Role::FhirSmartUser, 403),
        (Role::FhirDataImporter, 200),
        (Role::FhirDataContributor, 200),
    ] {
        let by = service.role(role).await;
        let id = format!("by-{}", by.id);
        let answer = load(&by, lines(&[patient(&id, "x")])).await;
        assert_eq!(answer.status, status, "{role:?}");
        let reader = service.role(Role::FhirDataReader).await;
        let read = reader.get(&format!("/Patient/{id}")).await;
        assert_eq!(read.status, if status == 200 { 200 } else { 404 }, "{role:?}");
    }
    let accesses = service.accesses();
    assert!(
        accesses.contains(&"fhir.bulk - refused (role_missing)".to_owned()),
        "{accesses:#?}"
    );
}

#[tokio::test]
async fn requests_that_are_no_bulk_loads() {
    let service = Service::with(Limits {
        resource: 2000,
        bundle: 100_000,
        entries: 10,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let line = lines(&[patient("a", "x")]);
    let json = by.send(Method::POST, BULK, &[FHIR_JSON], line.clone()).await;
    assert_eq!(issue(&json), "415 not-supported");
    let query = by
        .send(Method::POST, &format!("{BULK}?mode=InitialLoad"), &[NDJSON], line)
        .await;
    assert_eq!(issue(&query), "405 not-supported");
    assert_eq!(by.get(BULK).await.status, 405);
    assert_eq!(counts(&load(&by, "").await), [0; 4]);
    assert!(service.written().await.is_empty());
}

/// A body that breaks off or grows beyond its limit: what is written is whole batches, and the answer says how far.
#[tokio::test]
async fn what_is_done_before_a_load_stops_is_named() {
    let service = Service::with(Limits {
        resource: 2000,
        bundle: 100_000,
        entries: 10,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let pieces = |from: usize, to: usize| {
        let patients: Vec<Value> = (from..to).map(|n| patient(&format!("p{n}"), "x")).collect();
        Bytes::from(lines(&patients))
    };
    // 1100 lines are less than the limit, and two batches of them are whole.
    let broken = [Ok(pieces(0, 1100)), Err(std::io::Error::other("the client went away"))];
    let answer = load(&by, Body::from_stream(stream::iter(broken))).await;
    assert_eq!(issue(&answer), "400 invalid", "{}", answer.text());
    assert!(
        answer.text().contains("the lines up to 1000 are done"),
        "{}",
        answer.text()
    );
    for (id, status) in [("p0", 200), ("p999", 200), ("p1000", 404), ("p1099", 404)] {
        assert_eq!(by.get(&format!("/Patient/{id}")).await.status, status, "{id}");
    }
    let endless = (0..5).map(move |n| Ok::<_, std::io::Error>(pieces(2000 + n * 500, 2500 + n * 500)));
    let answer = load(&by, Body::from_stream(stream::iter(endless))).await;
    assert_eq!(issue(&answer), "413 too-long", "{}", answer.text());
    assert!(answer.text().contains("the lines up to "), "{}", answer.text());
    assert_eq!(by.get("/Patient/p2000").await.status, 200);
    assert_eq!(by.get("/Patient/p4499").await.status, 404);
}

#[tokio::test]
async fn a_load_that_does_not_come_in_time_says_how_far_it_came() {
    let service = Service::with(Limits {
        time: Duration::from_secs(2),
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let patients: Vec<Value> = (0..600).map(|n| patient(&format!("p{n}"), "x")).collect();
    let come = stream::iter([Ok::<_, std::io::Error>(Bytes::from(lines(&patients)))]);
    let answer = load(&by, Body::from_stream(come.chain(stream::pending()))).await;
    assert_eq!(issue(&answer), "408 timeout", "{}", answer.text());
    assert!(
        answer.text().contains("the lines up to 500 are done"),
        "{}",
        answer.text()
    );
    assert_eq!(by.get("/Patient/p499").await.status, 200);
    assert_eq!(by.get("/Patient/p500").await.status, 404);
}

/// Loads of the same resources side by side: each is a version, and none is lost.
#[tokio::test]
async fn loads_side_by_side() {
    let service = Service::new().await;
    let by = service.role(Role::FhirDataImporter).await;
    let body = |load: usize| {
        let patients = (0..40).map(|n| patient(&format!("p{n}"), &format!("family{load}")));
        lines(&patients.collect::<Vec<_>>())
    };
    let loads = futures_util::future::join_all((0..6).map(|n| load(&by, body(n)))).await;
    let sum = |at: usize| loads.iter().map(|answer| counts(answer)[at]).sum::<u64>();
    assert_eq!([sum(1), sum(2), sum(3)], [40, 200, 0]);
    for n in 0..40 {
        let history = by.get(&format!("/Patient/p{n}/_history")).await.json();
        assert_eq!(history["total"], 6, "p{n}");
    }
}
