//! batch and transaction over HTTP.

use hygie_access::Role;
use hygie_fhir::Limits;
use serde_json::{Value, json};

use crate::service::{BASE, By, Service, issue, patient};

fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
}

fn post(full_url: &str, resource: &Value) -> Value {
    let kind = &resource["resourceType"];
    json!({ "fullUrl": full_url, "resource": resource, "request": { "method": "POST", "url": kind } })
}

fn put(resource: &Value) -> Value {
    let url = format!(
        "{}/{}",
        resource["resourceType"].as_str().unwrap_or_default(),
        resource["id"].as_str().unwrap_or_default()
    );
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

fn request(method: &str, url: &str) -> Value {
    json!({ "request": { "method": method, "url": url } })
}

fn observation(subject: &str) -> Value {
    json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" }, "subject": { "reference": subject } })
}

/// Statuses of the entries, with the code of their first issue.
fn statuses(response: &Value) -> Vec<String> {
    let status = |entry: &Value| {
        let status = entry["response"]["status"].as_str().expect("a status");
        match entry["response"]["outcome"]["issue"][0]["code"].as_str() {
            Some(code) => format!("{status} {code}"),
            None => status.to_owned(),
        }
    };
    response["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .map(status)
        .collect()
}

async fn count(by: &By<'_>, search: &str) -> usize {
    let found = by.get(&format!("/{search}")).await.json();
    found["entry"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn references_inside_of_a_transaction_become_those_of_the_resources() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let uuid = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";
    // The observation comes first and names what is created after it.
    let text = format!(
        r#"{{ "resourceType":"Bundle", "type":"transaction", "entry":[
          {{"fullUrl":"urn:uuid:2","resource":{{"resourceType":"Observation","status":"final", "code":{{"text":"x"}},
            "subject" : {{ "reference" : "{uuid}" , "display":"M\u00e9"}}, "valueQuantity":{{"value":1.00}}}},
           "request":{{"method":"POST","url":"Observation"}}}},
          {{"fullUrl":"{uuid}","resource":{{"resourceType":"Patient","id":"ignored"}},"request":{{"method":"POST","url":"Patient"}}}}
        ]}}"#
    );
    let answer = by.post_with("", &[], &text).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let response = answer.json();
    assert_eq!(
        (&response["type"], statuses(&response)),
        (&json!("transaction-response"), vec!["201".to_owned(), "201".to_owned()])
    );
    let patient = response["entry"][1]["resource"]["id"].as_str().expect("an id");
    let id = response["entry"][0]["resource"]["id"].as_str().expect("an id");
    assert_eq!(
        response["entry"][0]["response"]["location"],
        format!("{BASE}/Observation/{id}/_history/1")
    );
    let read = by.get(&format!("/Observation/{id}")).await;
    let expected = format!(
        r#""subject" : {{ "reference" : "Patient/{patient}" , "display":"M\u00e9"}}, "valueQuantity":{{"value":1.00}}}}"#
    );
    assert!(read.text().ends_with(&expected), "{}", read.text());
    assert_eq!(count(&by, &format!("Observation?subject=Patient/{patient}")).await, 1);
}

#[tokio::test]
async fn a_reference_to_an_entry_that_is_not_there_is_refused() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let observation = json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}});
    let entries = [
        put(&patient("a", "Martin")),
        json!({"resource": observation, "request": {"method": "POST", "url": "Observation"}}),
    ];
    let answer = by.post("", &bundle("transaction", &entries)).await;
    assert_eq!(issue(&answer), "400 invalid");
    let expected = "Bundle.entry[1]: the reference urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0 names no entry";
    assert!(answer.text().contains(expected), "{}", answer.text());
    assert_eq!(by.get("/Patient/a").await.status, 404, "nothing of it is done");
    // A batch has no references between its entries.
    let answer = by.post("", &bundle("batch", &entries)).await;
    assert_eq!(statuses(&answer.json()), ["201", "201"]);
}

#[tokio::test]
async fn entries_are_processed_in_the_order_of_their_methods() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Old")).await;
    let entries = [
        request("GET", "Patient/b"),
        put(&patient("b", "Martin")),
        request("GET", "Patient?family=martin"),
        request("GET", "Patient/a/_history"),
        request("DELETE", "Patient/a"),
        request("GET", "Patient/b/_history/1"),
    ];
    let response = by.post("", &bundle("transaction", &entries)).await.json();
    assert_eq!(statuses(&response), ["200", "201", "200", "200", "204", "200"]);
    assert_eq!(response["entry"][0]["resource"]["name"][0]["family"], "Martin");
    assert_eq!(response["entry"][2]["resource"]["entry"][0]["resource"]["id"], "b");
    assert_eq!(response["entry"][3]["resource"]["total"], 2);
    assert_eq!(
        service.accesses(),
        [
            "fhir.read Patient/b success",
            "fhir.search-type Patient success",
            "fhir.history-instance Patient/a success",
            "fhir.vread Patient/b/_history success",
        ]
    );
}

/// Entries that fail a transaction, with what it answers.
fn bad_entries() -> Vec<(&'static str, Value, &'static str)> {
    let invalid = json!({ "resourceType": "Patient", "birthDate": "tomorrow" });
    let stale = json!({ "resource": patient("kept", "x"), "request": { "method": "PUT", "url": "Patient/kept", "ifMatch": "W/\"7\"" } });
    let several = json!({ "resource": patient("x", "x"), "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=t" } });
    let unknown = json!({ "resource": patient("x", "x"), "request": { "method": "POST", "url": "Patient", "ifNoneExist": "colour=red" } });
    vec![
        ("an invalid resource", post("urn:uuid:1", &invalid), "400 value"),
        ("a stale version", stale, "412 conflict"),
        ("nothing to read", request("GET", "Patient/none"), "404 not-found"),
        ("several matches", several, "412 multiple-matches"),
        ("an unknown criterion", unknown, "400 not-supported"),
        (
            "a reference to several",
            post("urn:uuid:1", &observation("Patient?identifier=t")),
            "400 invalid",
        ),
        (
            "a reference to none",
            post("urn:uuid:1", &observation("Patient?identifier=u")),
            "400 invalid",
        ),
        (
            "the same resource twice",
            put(&patient("new", "again")),
            "400 duplicate",
        ),
        (
            "a deletion of what is written",
            request("DELETE", "Patient/new"),
            "400 duplicate",
        ),
        ("an unknown type", request("GET", "Nonsense/1"), "404 not-supported"),
        ("no request", json!({ "resource": patient("x", "x") }), "400 required"),
        ("no resource", request("POST", "Patient"), "400 required"),
        ("a patch without one", request("PATCH", "Patient/kept"), "400 required"),
        (
            "an operation",
            request("POST", "Patient/$validate"),
            "405 not-supported",
        ),
    ]
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing_behind() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/kept", &patient("kept", "Martin")).await;
    by.put(
        "/Patient/twin1",
        &json!({ "resourceType": "Patient", "id": "twin1", "identifier": [{ "value": "t" }] }),
    )
    .await;
    by.put(
        "/Patient/twin2",
        &json!({ "resourceType": "Patient", "id": "twin2", "identifier": [{ "value": "t" }] }),
    )
    .await;
    let before = service.written().await;
    let good = put(&patient("new", "Martin"));
    for (what, bad, expected) in bad_entries() {
        let answer = by.post("", &bundle("transaction", &[good.clone(), bad])).await;
        assert_eq!(issue(&answer), expected, "{what}: {}", answer.text());
        assert!(answer.text().contains("Bundle.entry[1]"), "{what}: {}", answer.text());
    }
    assert_eq!(issue(&by.get("/Patient/new").await), "404 not-found");
    assert_eq!(count(&by, "Observation").await, 0);
    assert_eq!(service.written().await, before);
}

#[tokio::test]
async fn the_entries_of_a_batch_stand_alone() {
    let service = Service::new().await;
    service
        .contributor()
        .await
        .put("/Patient/a", &patient("a", "Martin"))
        .await;
    let by = service.role(Role::FhirDataWriter).await;
    let entries = [
        put(&patient("b", "Durand")),
        post("urn:uuid:1", &json!({ "resourceType": "Patient", "active": 1 })),
        request("GET", "Patient/none"),
        request("GET", "Patient/a"),
        request("DELETE", "Patient/a"),
        put(&json!({ "resourceType": "ValueSet", "id": "v", "status": "draft" })),
        json!({ "resource": {}, "request": {} }),
        json!({ "request": { "method": "GET", "url": "Patient/b", "ifNoneMatch": "W/\"1\"" } }),
    ];
    let answer = by.post("", &bundle("batch", &entries)).await;
    let response = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &response["type"]),
        (200, &json!("batch-response"))
    );
    assert_eq!(
        statuses(&response),
        [
            "201",
            "400 structure",
            "404 not-found",
            "410 deleted",
            "204",
            "403 forbidden",
            "400 required",
            "304"
        ]
    );
    let written = service.written().await;
    let deleted = "fhir.delete Patient/a/_history/2 success";
    assert_eq!(written[1..], [deleted, "fhir.update Patient/b/_history/1 success"]);
    let mut accesses = service.accesses();
    accesses.sort();
    assert_eq!(
        accesses,
        [
            "fhir.bundle-entry - failed (required)",
            "fhir.create Patient failed (structure)",
            "fhir.read Patient/a failed (deleted)",
            "fhir.read Patient/b success",
            "fhir.read Patient/none failed (not-found)",
            "fhir.update ValueSet/v refused (role_missing)",
        ]
    );
}

#[tokio::test]
async fn a_reader_enters_but_writes_nothing() {
    let service = Service::new().await;
    let by = service.role(Role::FhirDataReader).await;
    let entries = [put(&patient("b", "x")), request("GET", "Patient/b")];
    let batch = by.post("", &bundle("batch", &entries)).await.json();
    assert_eq!(statuses(&batch), ["403 forbidden", "404 not-found"]);
    let transaction = by.post("", &bundle("transaction", &entries)).await;
    assert_eq!(issue(&transaction), "403 forbidden");
    let conditional = json!({ "resource": observation("Patient?identifier=1"), "request": { "method": "POST", "url": "Observation" } });
    assert_eq!(
        issue(&by.post("", &bundle("transaction", &[conditional])).await),
        "400 invalid"
    );
    let accesses = service.accesses();
    assert_eq!(accesses[2], "fhir.bundle - refused (role_missing)", "{accesses:?}");
    assert!(service.written().await.is_empty());
}

#[tokio::test]
async fn conditions_of_a_transaction() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let identified = |value: &str| json!({ "resourceType": "Practitioner", "identifier": [{ "system": "urn:rpps", "value": value }] });
    let conditional = |value: &str| {
        json!({ "fullUrl": format!("urn:uuid:{value}"), "resource": identified(value),
            "request": { "method": "POST", "url": "Practitioner", "ifNoneExist": format!("identifier=urn:rpps|{value}") } })
    };
    let mut observed = observation("Patient/p");
    observed["performer"] = json!([{ "reference": "urn:uuid:1" }, { "reference": "urn:uuid:2" }]);
    by.post("/Practitioner", &identified("1")).await;
    let entries = [conditional("1"), conditional("2"), post("urn:uuid:o", &observed)];
    let response = by.post("", &bundle("transaction", &entries)).await.json();
    assert_eq!(statuses(&response), ["200", "201", "201"], "{response}");
    let id = |at: usize| {
        response["entry"][at]["resource"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let performers = [0, 1].map(|at| json!({ "reference": format!("Practitioner/{}", id(at)) }));
    assert_eq!(response["entry"][2]["resource"]["performer"], json!(performers));

    // The same again creates nothing but the observation, and conditional references find both.
    let again = by.post("", &bundle("transaction", &entries)).await.json();
    assert_eq!(statuses(&again), ["200", "200", "201"]);
    let by_condition = observation("Practitioner?identifier=urn:rpps|2");
    let third = by
        .post("", &bundle("transaction", &[post("urn:uuid:x", &by_condition)]))
        .await
        .json();
    assert_eq!(
        third["entry"][0]["resource"]["subject"]["reference"],
        format!("Practitioner/{}", id(1))
    );
    assert_eq!(count(&by, "Practitioner").await, 2);

    let twice = by
        .post("", &bundle("transaction", &[conditional("3"), conditional("3")]))
        .await;
    assert_eq!(issue(&twice), "400 duplicate");
    let same = [
        post("urn:uuid:1", &identified("4")),
        post("urn:uuid:1", &identified("5")),
    ];
    let urls = by.post("", &bundle("transaction", &same)).await;
    assert_eq!(issue(&urls), "400 duplicate");
}

/// Transactions that race for the same condition: one creates, all others find what it created.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_race_create_once() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let resource = json!({ "resourceType": "Patient", "identifier": [{ "value": "1" }] });
    let entry = json!({ "fullUrl": "urn:uuid:p", "resource": resource,
        "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=1" } });
    let entries = bundle("transaction", &[entry, post("urn:uuid:o", &observation("urn:uuid:p"))]);
    let attempts = (0..16).map(|_| by.post("", &entries));
    for answer in futures_util::future::join_all(attempts).await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(count(&by, "Patient?_count=100").await, 1);
    assert_eq!(count(&by, "Observation?_count=100").await, 16);
    let found = by.get("/Patient").await.json();
    let id = found["entry"][0]["resource"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(
        count(&by, &format!("Observation?subject=Patient/{id}&_count=100")).await,
        16
    );
}

#[tokio::test]
async fn limits_and_preferences() {
    let service = Service::with(Limits {
        resource: 2000,
        bundle: 50_000,
        entries: 5,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let entries: Vec<_> = (0..6).map(|n| put(&patient(&format!("p{n}"), "x"))).collect();
    assert_eq!(issue(&by.post("", &bundle("batch", &entries)).await), "400 too-costly");
    assert_eq!(count(&by, "Patient").await, 0);
    let long = put(&patient("long", &"x".repeat(3000)));
    assert_eq!(
        issue(&by.post("", &bundle("transaction", &[long])).await),
        "413 too-long"
    );
    let huge: Vec<_> = (0..4)
        .map(|n| put(&patient(&format!("p{n}"), &"x".repeat(20_000))))
        .collect();
    assert_eq!(issue(&by.post("", &bundle("transaction", &huge)).await), "413 too-long");
    let text = bundle("transaction", &entries[..5]).to_string();
    for (prefer, member) in [
        ("return=minimal", ""),
        ("return=OperationOutcome", "outcome"),
        ("return=representation", "resource"),
    ] {
        let response = by.post_with("", &[("prefer", prefer)], &text).await.json();
        let entry = &response["entry"][4];
        assert_eq!(entry["resource"].is_object(), member == "resource", "{prefer}");
        assert_eq!(
            entry["response"]["outcome"].is_object(),
            member == "outcome",
            "{prefer}"
        );
        assert!(
            entry["response"]["location"]
                .as_str()
                .is_some_and(|at| at.starts_with(BASE))
        );
    }
    for (body, expected) in [
        (patient("a", "x"), "400 structure"),
        (json!({ "resourceType": "Bundle", "type": "document" }), "400 structure"),
        (
            json!({ "resourceType": "Bundle", "type": "batch", "entry": {} }),
            "400 structure",
        ),
        (json!([]), "400 structure"),
    ] {
        assert_eq!(issue(&by.post("", &body).await), expected, "{body}");
    }
    let empty = by
        .post("/", &json!({ "resourceType": "Bundle", "type": "transaction" }))
        .await;
    assert_eq!((empty.status.as_u16(), &empty.json()["entry"]), (200, &json!(null)));
}

/// A transaction of 5 000 entries takes time in proportion to one of 500.
#[tokio::test]
async fn five_thousand_entries() {
    let service = Service::with(Limits {
        entries: 5000,
        bundle: 20_000_000,
        resource: 100_000,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let mut entries = vec![post("urn:uuid:p", &patient("x", "Martin"))];
    entries.extend((1..5000).map(|n| post(&format!("urn:uuid:{n}"), &observation("urn:uuid:p"))));
    let text = bundle("transaction", &entries).to_string();
    let answer = by.post_with("", &[("prefer", "return=minimal")], &text).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let response = answer.json();
    assert_eq!(response["entry"].as_array().map(Vec::len), Some(5000));
    let at = response["entry"][0]["response"]["location"]
        .as_str()
        .expect("a location");
    let id = at.trim_end_matches("/_history/1").rsplit('/').next().expect("an id");
    let page = by
        .get(&format!("/Observation?subject=Patient/{id}&_count=1000"))
        .await
        .json();
    assert_eq!(page["entry"].as_array().map(Vec::len), Some(1000));
}
