//! Writes on a condition: update and deletion.

use futures_util::future::join_all;
use http::Method;
use hygie_access::Role;
use serde_json::{Value, json};

use crate::service::{By, FHIR_JSON, Service, issue};

fn identified(id: Option<&str>, value: &str) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:s", "value": value }] });
    if let Some(id) = id {
        patient["id"] = id.into();
    }
    patient
}

async fn count(by: &By<'_>, search: &str) -> usize {
    let found = by.get(&format!("/Patient?{search}&_count=1000")).await.json();
    found["entry"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn an_update_on_a_condition() {
    let service = Service::new().await;
    let by = service.role(Role::FhirDataWriter).await;
    let put = |value: &'static str, body: Value| {
        let by = &by;
        async move { by.put(&format!("/Patient?identifier=urn:s|{value}"), &body).await }
    };
    let made = put("1", identified(None, "1")).await;
    assert_eq!(
        (made.status.as_u16(), made.header("etag")),
        (201, "W/\"1\""),
        "{}",
        made.text()
    );
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    // One meets it: with its id in the body or without.
    for (own, tag) in [(None, "W/\"2\""), (Some(id.as_str()), "W/\"3\"")] {
        let answer = put("1", identified(own, "1")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag")),
            (200, tag),
            "{}",
            answer.text()
        );
        assert_eq!(answer.json()["id"], id.as_str());
    }
    assert_eq!(issue(&put("1", identified(Some("other"), "1")).await), "400 invalid");
    // None meets it: made under the id of the body, unless another has that.
    let named = put("2", identified(Some("named"), "2")).await;
    assert_eq!(
        (named.status.as_u16(), named.json()["id"].as_str()),
        (201, Some("named"))
    );
    assert_eq!(issue(&put("3", identified(Some("named"), "3")).await), "409 conflict");
    by.delete("/Patient/named").await;
    let again = put("2", identified(Some("named"), "2")).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (201, "W/\"3\""));
    // Several meet it.
    by.post("/Patient", &identified(None, "1")).await;
    assert_eq!(issue(&put("1", identified(None, "1")).await), "412 multiple-matches");
    for path in ["/Patient", "/Patient?identifier=", "/Patient?_count=3"] {
        assert_eq!(
            issue(&by.put(path, &identified(None, "1")).await),
            "400 invalid",
            "{path}"
        );
    }
    let body = identified(None, "2");
    let stale = by
        .put_with("/Patient?identifier=urn:s|2", &[("if-match", "W/\"1\"")], &body)
        .await;
    assert_eq!(issue(&stale), "412 conflict");
}

#[tokio::test]
async fn a_deletion_on_a_condition() {
    let service = Service::new().await;
    let writer = service.role(Role::FhirDataWriter).await;
    let by = service.contributor().await;
    for _ in 0..5 {
        by.post("/Patient", &identified(None, "several")).await;
    }
    by.post("/Patient", &identified(None, "one")).await;
    let gone = writer.delete("/Patient?identifier=one").await;
    assert_eq!((gone.status.as_u16(), gone.header("etag")), (204, "W/\"2\""));
    assert_eq!(writer.delete("/Patient?identifier=one").await.status, 204);
    assert_eq!(
        issue(&writer.delete("/Patient?identifier=several").await),
        "412 multiple-matches"
    );
    assert_eq!(count(&by, "identifier=several").await, 5);
    for (path, expected) in [
        ("/Patient", "400 invalid"),
        ("/Patient?nonsense=1", "400 not-supported"),
        ("/Patient?identifier=several&_count=0", "400 invalid"),
        ("/Patient?identifier=several&_count=101", "400 invalid"),
        ("/Patient?_count=5", "400 invalid"),
        ("/Patient?identifier=several&hardDelete=true", "405 not-supported"),
    ] {
        assert_eq!(issue(&by.delete(path).await), expected, "{path}");
    }
    // Several at once are a bulk deletion.
    let path = "/Patient?identifier=several&_count=3";
    assert_eq!(issue(&writer.delete(path).await), "403 forbidden");
    for (deleted, left) in [("3", 2), ("2", 0), ("0", 0)] {
        let answer = by.delete(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("items-deleted")), (204, deleted));
        assert_eq!(count(&by, "identifier=several").await, left);
    }
    let deletions = service.written().await;
    assert_eq!(
        deletions.iter().filter(|line| line.starts_with("fhir.delete")).count(),
        6
    );
}

#[tokio::test]
async fn conditions_in_bundles() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for (id, value) in [("kept", "1"), ("gone", "2"), ("twin1", "3"), ("twin2", "3")] {
        by.put(&format!("/Patient/{id}"), &identified(Some(id), value)).await;
    }
    let entry = |method: &str, url: &str, resource: Value| json!({ "fullUrl": format!("urn:uuid:{url}"), "resource": resource, "request": { "method": method, "url": url } });
    let delete = |url: &str| json!({ "request": { "method": "DELETE", "url": url } });
    let observation = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "subject": { "reference": "urn:uuid:Patient?identifier=1" }, "focus": [{ "reference": "urn:uuid:Patient?identifier=9" }] });
    let entries = [
        entry("PUT", "Patient?identifier=1", identified(None, "1")),
        entry("PUT", "Patient?identifier=9", identified(None, "9")),
        entry("POST", "Observation", observation),
        delete("Patient?identifier=2"),
        delete("Patient?identifier=none"),
    ];
    let bundle = |entries: &[Value]| json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let answer = by.post("", &bundle(&entries)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    let status = |at: usize| answer["entry"][at]["response"]["status"].as_str().expect("a status");
    assert_eq!([0, 1, 2, 3, 4].map(status), ["200", "201", "201", "204", "204"]);
    assert_eq!(answer["entry"][0]["resource"]["id"], "kept");
    let made = answer["entry"][1]["resource"]["id"].as_str().expect("an id");
    let observation = &answer["entry"][2]["resource"];
    assert_eq!(observation["subject"]["reference"], "Patient/kept");
    assert_eq!(observation["focus"][0]["reference"], format!("Patient/{made}"));
    assert_eq!(issue(&by.get("/Patient/gone").await), "410 deleted");
    for (entry, expected) in [
        (
            entry("PUT", "Patient?identifier=3", identified(None, "3")),
            "412 multiple-matches",
        ),
        (delete("Patient?identifier=3"), "412 multiple-matches"),
        (
            entry("PUT", "Patient?identifier=1", identified(Some("twin1"), "1")),
            "400 invalid",
        ),
        (
            entry("PUT", "Patient?identifier=8", identified(Some("twin1"), "8")),
            "409 conflict",
        ),
        (
            entry("PUT", "Patient?nonsense=8", identified(None, "8")),
            "400 not-supported",
        ),
    ] {
        let answer = by.post("", &bundle(std::slice::from_ref(&entry))).await;
        assert_eq!(issue(&answer), expected, "{entry}: {}", answer.text());
    }
    let twice = [
        entry("PUT", "Patient?identifier=1", identified(None, "1")),
        delete("Patient?identifier=1&_id=kept"),
    ];
    assert_eq!(issue(&by.post("", &bundle(&twice)).await), "400 duplicate");
}

/// What a transaction creates itself does not meet its conditions: references lead to what was decided.
#[tokio::test]
async fn a_condition_is_decided_before_the_transaction() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let put = |url: &str, query: &str, body: Value| json!({ "fullUrl": format!("urn:uuid:{url}"), "resource": body, "request": { "method": "PUT", "url": format!("Patient?identifier={query}") } });
    let refers = |url: &str| {
        json!({ "resource": { "resourceType": "Observation", "status": "final", "code": { "text": "x" },
        "subject": { "reference": format!("urn:uuid:{url}") } }, "request": { "method": "POST", "url": "Observation" } })
    };
    let post = json!({ "resource": identified(None, "1"), "request": { "method": "POST", "url": "Patient" } });
    // One that a create of the same transaction meets, then two that both bodies meet.
    for entries in [
        vec![post, put("a", "1", identified(None, "1")), refers("a")],
        vec![
            put("b", "2", identified(None, "3")),
            put("c", "3", identified(None, "3")),
            refers("b"),
            refers("c"),
        ],
    ] {
        let answer = by
            .post(
                "",
                &json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        for entry in answer["entry"].as_array().expect("entries") {
            assert_eq!(entry["response"]["status"], "201", "{answer}");
            if let Some(subject) = entry["resource"]["subject"]["reference"].as_str() {
                assert_eq!(by.get(&format!("/{subject}")).await.status, 200, "{subject} dangles");
            }
        }
    }
}

/// However many ask at once: one is made, and the others find it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_that_race_one_is_made() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for round in 0..4 {
        let value = format!("r{round}");
        let race = (0..32).map(|at| {
            let (by, value) = (&by, value.as_str());
            async move {
                let body = identified(None, value).to_string();
                let condition = format!("identifier=urn:s|{value}");
                let answer = if at % 2 == 0 {
                    let path = format!("/Patient?{condition}");
                    by.send(Method::PUT, &path, &[FHIR_JSON], body).await
                } else {
                    by.post_with("/Patient", &[("if-none-exist", &condition)], &body).await
                };
                answer.status.as_u16()
            }
        });
        let statuses = join_all(race).await;
        assert_eq!(
            statuses.iter().filter(|status| **status == 201).count(),
            1,
            "{statuses:?}"
        );
        assert!(
            statuses.iter().all(|status| [200, 201].contains(status)),
            "{statuses:?}"
        );
        assert_eq!(count(&by, &format!("identifier=urn:s|{value}")).await, 1);
    }
}

/// One resource is the subject of one entry, in whichever way two would change it.
#[tokio::test]
async fn nothing_is_patched_twice_in_a_transaction() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/kept", &identified(Some("kept"), "1")).await;
    let entry = |method: &str, resource: Value| json!({ "resource": resource, "request": { "method": method, "url": "Patient/kept" } });
    let patch = || entry("PATCH", json!({ "resourceType": "Parameters", "parameter": [] }));
    let put = entry("PUT", identified(Some("kept"), "1"));
    for twice in [[patch(), patch()], [put, patch()]] {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": twice });
        assert_eq!(issue(&by.post("", &bundle).await), "400 duplicate");
    }
}
