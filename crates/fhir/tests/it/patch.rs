//! patch and conditional patch over HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use http::Method;
use hygie_testkit::Answer;
use serde_json::{Value, json};

use crate::service::{By, FHIR_JSON, Service, issue, patient};

const JSON_PATCH: (&str, &str) = ("content-type", "application/json-patch+json");

/// Odd on purpose: all that no patch names must come back so.
const OBSERVATION: &str = r#"{ "resourceType" : "Observation", "id":"o", "status":"final","code":{"text":"x"},
  "valueQuantity" : { "value" : 7.50 , "unit":"mg" }, "note":[ {"text":"a"} , {"text":"b"} ] }"#;

async fn json_patch(by: &By<'_>, path: &str, patch: &Value) -> Answer {
    by.send(Method::PATCH, path, &[JSON_PATCH], patch.to_string()).await
}

async fn fhir_patch(by: &By<'_>, path: &str, operations: &[Value]) -> Answer {
    let body = parameters(operations).to_string();
    by.send(Method::PATCH, path, &[FHIR_JSON], body).await
}

fn parameters(operations: &[Value]) -> Value {
    let operations = operations
        .iter()
        .map(|parts| json!({ "name": "operation", "part": parts }));
    json!({ "resourceType": "Parameters", "parameter": operations.collect::<Vec<_>>() })
}

fn replace(path: &str, value: &Value) -> Value {
    json!([
        { "name": "type", "valueCode": "replace" },
        { "name": "path", "valueString": path },
        { "name": "value", "valueString": value },
    ])
}

async fn put_text(by: &By<'_>, path: &str, text: &str) {
    let answer = by.send(Method::PUT, path, &[FHIR_JSON], text.to_owned()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn only_what_a_patch_names_changes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    put_text(&by, "/Observation/o", OBSERVATION).await;
    let patch = json!([
        { "op": "test", "path": "/valueQuantity/value", "value": 7.5 },
        { "op": "replace", "path": "/status", "value": "amended" },
        { "op": "move", "from": "/note/0", "path": "/note/1" },
    ]);
    let answer = json_patch(&by, "/Observation/o", &patch).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("etag")),
        (200, "W/\"2\""),
        "{}",
        answer.text()
    );
    let text = answer.text();
    for kept in [
        r#""valueQuantity" : { "value" : 7.50 , "unit":"mg" }"#,
        r#""resourceType" : "Observation""#,
    ] {
        assert!(text.contains(kept), "{text}");
    }
    let body = answer.json();
    assert_eq!(
        (&body["status"], &body["note"][1]["text"]),
        (&json!("amended"), &json!("a"))
    );
    assert_eq!(body["meta"]["versionId"], "2");

    let answer = fhir_patch(
        &by,
        "/Observation/o",
        &[replace("Observation.note[0].text", &json!("c"))],
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(r#""value" : 7.50 ,"#), "{}", answer.text());
    assert_eq!(by.get("/Observation/o").await.json()["note"][0]["text"], "c");
    // What was found by the old value is no more.
    assert!(by.get("/Observation?status=final").await.json()["entry"].is_null());
    let written = service.written().await;
    assert_eq!(written[2], "fhir.update Observation/o/_history/3 success");
}

#[tokio::test]
async fn refusals_leave_nothing_behind() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    by.put("/Patient/gone", &patient("gone", "Martin")).await;
    by.delete("/Patient/gone").await;
    let add = json!([{ "op": "add", "path": "/active", "value": true }]);
    let good = json!({ "op": "replace", "path": "/name/0/family", "value": "Durand" });
    for (path, patch, expected) in [
        ("/Patient/none", &add, "404 not-found"),
        ("/Patient/gone", &add, "410 deleted"),
        ("/Patient?identifier=x", &add, "404 not-found"),
        ("/Patient?name=m&none=1", &add, "400 not-supported"),
        ("/Patient", &add, "400 invalid"),
        ("/Patient/a?_x=1", &add, "405 not-supported"),
        ("/Patient/a", &json!({}), "400 structure"),
        (
            "/Patient/a",
            &json!([good, { "op": "test", "path": "/active", "value": true }]),
            "400 processing",
        ),
        (
            "/Patient/a",
            &json!([good, { "op": "remove", "path": "/gender" }]),
            "400 processing",
        ),
        (
            "/Patient/a",
            &json!([good, { "op": "spam", "path": "" }]),
            "400 invalid",
        ),
        (
            "/Patient/a",
            &json!([{ "op": "replace", "path": "/id", "value": "b" }]),
            "400 invalid",
        ),
        (
            "/Patient/a",
            &json!([{ "op": "replace", "path": "/meta/versionId", "value": "7" }]),
            "400 invalid",
        ),
        (
            "/Patient/a",
            &json!([{ "op": "add", "path": "/nonsense", "value": "b" }]),
            "400 structure",
        ),
        (
            "/Patient/a",
            &json!([{ "op": "add", "path": "/gender", "value": "none" }]),
            "400 code-invalid",
        ),
    ] {
        let answer = json_patch(&by, path, patch).await;
        assert_eq!(issue(&answer), expected, "{path} {patch}: {}", answer.text());
    }
    assert_eq!(by.get("/Patient/a").await.header("etag"), "W/\"1\"");
    assert_eq!(service.written().await.len(), 3);
}

#[tokio::test]
async fn refusals_of_other_bodies() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    for (operation, expected) in [
        (replace("Patient.name.resolve()", &json!("x")), "400 invalid"),
        (replace("Patient.gender", &json!("male")), "400 processing"),
        (replace("Patient.name[0].family", &json!("")), "400 value"),
    ] {
        let answer = fhir_patch(&by, "/Patient/a", &[operation]).await;
        assert_eq!(issue(&answer), expected, "{}", answer.text());
    }
    let answer = by
        .send(Method::PATCH, "/Patient/a", &[("content-type", "text/plain")], "[]")
        .await;
    assert_eq!(issue(&answer), "415 not-supported");
    let answer = by.send(Method::PATCH, "/Patient/a", &[JSON_PATCH], "").await;
    assert_eq!(issue(&answer), "400 structure");
    assert_eq!(by.get("/Patient/a").await.header("etag"), "W/\"1\"");
    assert_eq!(service.written().await.len(), 1);
}

#[tokio::test]
async fn if_match_and_conditions() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let identified =
        |id: &str, value: &str| json!({ "resourceType": "Patient", "id": id, "identifier": [{ "value": value }] });
    for (id, value) in [("one", "1"), ("two", "2"), ("three", "2")] {
        by.put(&format!("/Patient/{id}"), &identified(id, value)).await;
    }
    let add = json!([{ "op": "add", "path": "/active", "value": true }]).to_string();
    let patch = async |path: &str, tag: &str| {
        let headers = [JSON_PATCH, ("if-match", tag)];
        by.send(Method::PATCH, path, &headers, add.clone()).await
    };
    assert_eq!(issue(&patch("/Patient/one", "W/\"2\"").await), "412 conflict");
    assert_eq!(patch("/Patient/one", "W/\"1\"").await.status, 200);
    assert_eq!(issue(&patch("/Patient?identifier=1", "W/\"1\"").await), "412 conflict");
    let answer = patch("/Patient?identifier=1", "W/\"2\"").await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "W/\"3\""));
    assert_eq!(answer.json()["id"], "one");
    let several = json_patch(&by, "/Patient?identifier=2", &json!([])).await;
    assert_eq!(issue(&several), "412 multiple-matches");
}

/// A JSON Patch as it stands in a bundle.
fn binary(patch: &Value) -> Value {
    json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": STANDARD.encode(patch.to_string()) })
}

/// An entry that patches.
fn entry(url: &str, resource: &Value) -> Value {
    json!({ "resource": resource, "request": { "method": "PATCH", "url": url } })
}

fn bundle(kind: &str, entries: &[&Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

#[tokio::test]
async fn patches_in_bundles() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    by.put("/Observation/o", &serde_json::from_str(OBSERVATION).expect("JSON"))
        .await;
    let json_entry = entry(
        "Patient/a",
        &binary(&json!([{ "op": "add", "path": "/active", "value": true }])),
    );
    let subject = json!([
        { "name": "type", "valueCode": "add" },
        { "name": "path", "valueString": "Observation" },
        { "name": "name", "valueString": "subject" },
        { "name": "value", "valueReference": { "reference": "urn:uuid:1b1b1a7a-0001-4000-8000-000000000001" } },
    ]);
    let fhir_entry = entry("Observation?_id=o", &parameters(&[subject]));
    let new = json!({ "fullUrl": "urn:uuid:1b1b1a7a-0001-4000-8000-000000000001",
        "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient" } });
    let answer = by
        .post("", &bundle("transaction", &[&json_entry, &fhir_entry, &new]))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let made = answer.json()["entry"][2]["resource"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(by.get("/Patient/a").await.json()["active"], true);
    let observation = by.get("/Observation/o").await;
    assert_eq!(observation.json()["subject"]["reference"], format!("Patient/{made}"));

    // One that fails undoes all; in a batch it fails alone.
    let bad = entry(
        "Patient/a",
        &binary(&json!([{ "op": "test", "path": "/active", "value": false }])),
    );
    let good = entry(
        "Observation/o",
        &parameters(&[replace("Observation.code.text", &json!("y"))]),
    );
    let answer = by.post("", &bundle("transaction", &[&good, &bad])).await;
    assert_eq!(issue(&answer), "400 processing", "{}", answer.text());
    assert_eq!(by.get("/Observation/o").await.json()["code"]["text"], "x");
    let text = entry(
        "Patient/a",
        &json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "W10=" }),
    );
    let none = entry("Patient?identifier=none", &parameters(&[]));
    let answer = by.post("", &bundle("batch", &[&good, &bad, &text, &none])).await.json();
    let statuses: Vec<_> = answer["entry"].as_array().into_iter().flatten().collect();
    let statuses: Vec<_> = statuses
        .iter()
        .map(|entry| entry["response"]["status"].as_str())
        .collect();
    assert_eq!(statuses, [Some("200"), Some("400"), Some("400"), Some("404")]);
    let answer = by.post("", &bundle("transaction", &[&none])).await;
    assert_eq!(issue(&answer), "404 not-found", "{}", answer.text());
}

/// The patches of a bundle go through as much of resources together as one alone may.
#[tokio::test]
async fn the_patches_of_a_bundle_share_their_limit() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for id in ["a", "b"] {
        let large =
            json!({ "resourceType": "Patient", "id": id, "active": false, "name": [{ "text": "x".repeat(150_000) }] });
        assert_eq!(by.put(&format!("/Patient/{id}"), &large).await.status, 201);
    }
    let operations: Vec<Value> = (0..300)
        .map(|n| json!({ "op": "replace", "path": "/active", "value": n % 2 == 0 }))
        .collect();
    let patch = |id: &str| entry(&format!("Patient/{id}"), &binary(&json!(operations)));
    let answer = by.post("", &bundle("batch", &[&patch("a"), &patch("b")])).await.json();
    // The entries of a batch go side by side: either may be the one for which too little is left.
    let mut responses = [0, 1].map(|at| &answer["entry"][at]["response"]);
    responses.sort_by_key(|response| response["status"].as_str());
    let [done, refused] = responses;
    assert_eq!(
        (done["status"].as_str(), refused["status"].as_str()),
        (Some("200"), Some("400"))
    );
    assert_eq!(refused["outcome"]["issue"][0]["code"], "too-costly");
    assert_eq!(
        issue(&by.post("", &bundle("transaction", &[&patch("a"), &patch("b")])).await),
        "400 too-costly"
    );
    // Each alone is allowed.
    assert_eq!(json_patch(&by, "/Patient/b", &json!(operations)).await.status, 200);
}

/// Patches without `If-Match` lose nothing of one another, small ones and those that the transaction does not apply itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patches_side_by_side() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    let add = |value: usize| {
        let by = &by;
        async move {
            let item = json!({ "value": value.to_string() });
            let operation = match value {
                0 => json!([{ "op": "add", "path": "/identifier", "value": [item] }]),
                _ => json!([{ "op": "add", "path": "/identifier/-", "value": item }]),
            };
            json_patch(by, "/Patient/a", &operation).await
        }
    };
    assert_eq!(add(0).await.status, 200);
    for answer in join_all((1..32).map(add)).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let body = by.get("/Patient/a").await.json();
    assert_eq!(body["identifier"].as_array().map(Vec::len), Some(32));
    assert_eq!(body["meta"]["versionId"], "33");

    let large = json!({ "resourceType": "Patient", "id": "l", "name": [{ "text": "x".repeat(150_000) }] });
    by.put("/Patient/l", &large).await;
    let operations: Vec<_> = (0..20)
        .map(|at| json!({ "op": "add", "path": "/name/-", "value": { "text": at.to_string() } }))
        .collect();
    let operations = json!(operations);
    let answers = join_all((0..6).map(|_| json_patch(&by, "/Patient/l", &operations))).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(issue(answer), "409 conflict", "{}", answer.text());
    }
    let names = by.get("/Patient/l").await.json()["name"].as_array().map(Vec::len);
    assert!(done > 0);
    assert_eq!(names, Some(1 + 20 * done));
}
