//! create, read, vread, update, delete, history: a resource's life over HTTP.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::service::{BASE, Service, issue, patient};

#[tokio::test]
async fn the_life_of_a_resource() {
    let service = Service::new().await;
    let by = service.contributor().await;

    let created = by
        .post("/Patient", &json!({ "resourceType": "Patient", "active": true }))
        .await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("etag"), "W/\"1\"");
    assert_eq!(created.header("last-modified"), "Sat, 21 Nov 2026 08:30:00 GMT");
    assert_eq!(created.header("content-type"), "application/fhir+json; charset=utf-8");
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(created.header("location"), format!("{BASE}/Patient/{id}/_history/1"));
    assert_eq!(
        created.text(),
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","meta":{{"versionId":"1","lastUpdated":"2026-11-21T08:30:00.000Z"}},"active":true}}"#
        )
    );

    let path = format!("/Patient/{id}");
    let read = by.get(&path).await;
    assert_eq!((read.status.as_u16(), read.text()), (200, created.text()));
    assert_eq!(read.header("etag"), "W/\"1\"");

    service.clock.advance(Duration::from_mins(1));
    let second = json!({ "resourceType": "Patient", "id": id, "active": false });
    let updated = by.put(&path, &second).await;
    assert_eq!((updated.status.as_u16(), updated.header("etag")), (200, "W/\"2\""));
    assert_eq!(updated.header("last-modified"), "Sat, 21 Nov 2026 08:31:00 GMT");
    assert_eq!(by.get(&format!("{path}/_history/1")).await.text(), created.text());
    assert_eq!(by.get(&format!("{path}/_history/2")).await.text(), updated.text());

    let deleted = by.delete(&path).await;
    assert_eq!((deleted.status.as_u16(), deleted.header("etag")), (204, "W/\"3\""));
    assert!(deleted.body.is_empty());
    let gone = by.get(&path).await;
    assert_eq!((issue(&gone).as_str(), gone.header("etag")), ("410 deleted", "W/\"3\""));
    assert_eq!(issue(&by.get(&format!("{path}/_history/3")).await), "410 deleted");
    let again = by.delete(&path).await;
    assert_eq!((again.status.as_u16(), again.header("etag")), (204, "W/\"3\""));

    let back = by.put(&path, &second).await;
    assert_eq!((back.status.as_u16(), back.header("etag")), (201, "W/\"4\""));

    let history = by.get(&format!("{path}/_history")).await.json();
    let lines = requests_and_responses(&history);
    assert_eq!(history["total"], 4);
    assert_eq!(
        lines,
        [
            "PUT 200 W/\"4\" 4",
            "DELETE 204 W/\"3\" -",
            "PUT 200 W/\"2\" 2",
            "POST 201 W/\"1\" 1"
        ]
    );

    assert_eq!(
        service.written().await,
        [
            format!("fhir.create Patient/{id}/_history/1 success"),
            format!("fhir.update Patient/{id}/_history/2 success"),
            format!("fhir.delete Patient/{id}/_history/3 success"),
            format!("fhir.update Patient/{id}/_history/4 success"),
        ]
    );
}

/// The entries of a history, each as method, status, tag and version of the resource.
fn requests_and_responses(history: &serde_json::Value) -> Vec<String> {
    let line = |entry: &serde_json::Value| {
        let text = |pointer| {
            entry
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .unwrap_or("-")
        };
        let parts = [
            "/request/method",
            "/response/status",
            "/response/etag",
            "/resource/meta/versionId",
        ];
        parts.map(text).join(" ")
    };
    history["entry"].as_array().expect("entries").iter().map(line).collect()
}

#[tokio::test]
async fn an_update_creates_under_the_id_of_the_client() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let answer = by.put("/Patient/p.1", &patient("p.1", "Martin")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), format!("{BASE}/Patient/p.1/_history/1"));
    for (body, expected) in [
        (json!({ "resourceType": "Patient" }), "400 invalid"),
        (patient("other", "Martin"), "400 invalid"),
        (
            json!({ "resourceType": "Group", "id": "p.1", "type": "person", "actual": true }),
            "400 invalid",
        ),
        (
            json!({ "resourceType": "Patient", "id": "p.1", "active": "yes" }),
            "400 structure",
        ),
    ] {
        assert_eq!(issue(&by.put("/Patient/p.1", &body).await), expected, "{body}");
    }
    assert_eq!(by.get("/Patient/p.1").await.header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn if_match_names_the_version_that_is_written_over() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let body = patient("a", "Martin");
    let put = async |tag: &str| by.put_with("/Patient/a", &[("if-match", tag)], &body).await;
    assert_eq!(issue(&put("W/\"1\"").await), "404 not-found", "nothing to match");
    assert_eq!(by.put("/Patient/a", &body).await.status, 201);
    assert_eq!(put("W/\"1\"").await.header("etag"), "W/\"2\"");
    assert_eq!(issue(&put("W/\"1\"").await), "412 conflict");
    assert_eq!(issue(&put("W/\"x\"").await), "412 conflict");
    assert_eq!(issue(&put("2").await), "400 invalid");
    let delete = async |tag: &str| by.send(Method::DELETE, "/Patient/a", &[("if-match", tag)], "").await;
    assert_eq!(issue(&delete("W/\"1\"").await), "412 conflict");
    assert_eq!(delete("W/\"2\"").await.status, 204);
}

/// Of many who write on top of the same version, one does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_updates_with_if_match() {
    let service = Service::new().await;
    let by = service.contributor().await;
    assert_eq!(by.put("/Patient/a", &patient("a", "x")).await.status, 201);
    for version in 1..=5 {
        let tag = format!("W/\"{version}\"");
        let attempts = (0..8).map(|n| {
            let (by, tag) = (&by, &tag);
            async move {
                let body = patient("a", &format!("name{n}"));
                by.put_with("/Patient/a", &[("if-match", tag)], &body)
                    .await
                    .status
                    .as_u16()
            }
        });
        let mut statuses = futures_util::future::join_all(attempts).await;
        statuses.sort_unstable();
        assert_eq!(statuses, [&[200][..], &[412; 7]].concat());
    }
    assert_eq!(by.get("/Patient/a").await.header("etag"), "W/\"6\"");
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    for (header, value, expected) in [
        ("if-none-match", "W/\"1\"", 304),
        ("if-none-match", "\"x\", W/\"1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"2\"", 200),
        ("if-modified-since", "Sat, 21 Nov 2026 08:30:00 GMT", 304),
        ("if-modified-since", "Sat, 21 Nov 2026 08:29:59 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        let answer = by.get_with("/Patient/a", &[(header, value)]).await;
        assert_eq!(answer.status, expected, "{header}: {value}");
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert_eq!(answer.body.is_empty(), expected == 304);
    }
    let head = by.send(Method::HEAD, "/Patient/a", &[], "").await;
    assert_eq!(
        (head.status.as_u16(), head.header("etag"), head.body.len()),
        (200, "W/\"1\"", 0)
    );
}

#[tokio::test]
async fn preferences_decide_what_a_write_answers_with() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let body = patient("a", "Martin").to_string();
    for (prefer, kind) in [
        ("return=minimal", ""),
        ("return=OperationOutcome", "OperationOutcome"),
        ("return=representation", "Patient"),
    ] {
        let answer = by.post_with("/Patient", &[("prefer", prefer)], &body).await;
        assert_eq!(answer.status, 201);
        assert!(answer.header("location").starts_with(BASE));
        let shown = if answer.body.is_empty() {
            String::new()
        } else {
            answer.json()["resourceType"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(shown, kind, "{prefer}");
    }
}

#[tokio::test]
async fn history_in_pages() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for n in 1..=7 {
        by.put("/Patient/a", &patient("a", &format!("name{n}"))).await;
        service.clock.advance(Duration::from_secs(1));
    }
    let mut path = "/Patient/a/_history?_count=3".to_owned();
    let mut pages = Vec::new();
    loop {
        let page = by.get(&path).await.json();
        let versions: Vec<String> = page["entry"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|entry| {
                entry["resource"]["meta"]["versionId"]
                    .as_str()
                    .expect("a version")
                    .to_owned()
            })
            .collect();
        pages.push(versions.join(","));
        assert_eq!(page["link"][0]["relation"], "self");
        assert_eq!(page["link"][0]["url"], format!("{BASE}{path}"));
        let Some(next) = page["link"][1]["url"].as_str() else {
            break;
        };
        path = next.strip_prefix(BASE).expect("under the base").to_owned();
    }
    assert_eq!(pages, ["7,6,5", "4,3,2", "1"]);
    let since = by.get("/Patient/a/_history?_since=2026-11-21T08:30:04Z").await.json();
    assert_eq!(since["entry"].as_array().map(Vec::len), Some(3));
    assert_eq!(since["total"], 3);
    assert_eq!(by.get("/Patient/a/_history?_count=0").await.json()["total"], 7);
    assert_eq!(issue(&by.get("/Patient/b/_history").await), "404 not-found");
    assert_eq!(issue(&by.get("/Patient/a/_history?_since=never").await), "400 invalid");
    assert_eq!(issue(&by.get("/Patient/a/_history?ct=x").await), "400 invalid");
}

#[tokio::test]
async fn a_create_on_a_condition() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let body = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:ins", "value": "1" }] }).to_string();
    let create = async |condition: &str| by.post_with("/Patient", &[("if-none-exist", condition)], &body).await;
    let first = create("identifier=urn:ins|1").await;
    assert_eq!(first.status, 201);
    let second = create("identifier=urn:ins|1").await;
    assert_eq!((second.status.as_u16(), second.text()), (200, first.text()));
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(by.post_with("/Patient", &[], &body).await.status, 201);
    assert_eq!(issue(&create("identifier=urn:ins|1").await), "412 multiple-matches");
    assert_eq!(issue(&create("").await), "400 invalid");
    assert_eq!(issue(&create("identifier=&active=true").await), "400 invalid");
    assert_eq!(issue(&create("unknown=1").await), "400 not-supported");
    assert_eq!(service.written().await.len(), 2);
}

#[tokio::test]
async fn searches_page_by_page() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for n in 0..25 {
        let family = if n % 5 == 0 { "Durand" } else { "Martin" };
        by.put(&format!("/Patient/p{n}"), &patient(&format!("p{n}"), family))
            .await;
    }
    let mut path = "/Patient?family=martin&_count=8".to_owned();
    let mut found = Vec::new();
    loop {
        let page = by.get(&path).await.json();
        assert_eq!(page["type"], "searchset");
        for entry in page["entry"].as_array().expect("entries") {
            assert_eq!(entry["search"]["mode"], "match");
            let id = entry["resource"]["id"].as_str().expect("an id").to_owned();
            assert_eq!(entry["fullUrl"], format!("{BASE}/Patient/{id}"));
            found.push(id);
        }
        let Some(next) = page["link"][1]["url"].as_str() else {
            break;
        };
        path = next.strip_prefix(BASE).expect("under the base").to_owned();
    }
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 20);

    let form = ("content-type", "application/x-www-form-urlencoded");
    let posted = by
        .send(Method::POST, "/Patient/_search?_count=20", &[form], "family=durand")
        .await
        .json();
    assert_eq!(posted["entry"].as_array().map(Vec::len), Some(5));
    let garbled = by
        .send(Method::POST, "/Patient/_search", &[form], b"family=\xff".to_vec())
        .await;
    assert_eq!(garbled.status, 400);
    assert!(garbled.text().contains("not UTF-8"), "{}", garbled.text());
    let none = by.get("/Patient?family=nobody").await.json();
    assert_eq!(none["entry"], serde_json::Value::Null);

    let lenient = by.get("/Patient?family=durand&colour=red").await.json();
    let entries = lenient["entry"].as_array().expect("entries");
    assert_eq!(entries.len(), 6);
    assert_eq!(entries[5]["search"]["mode"], "outcome");
    assert_eq!(entries[5]["resource"]["issue"][0]["severity"], "warning");
    assert_eq!(lenient["link"][0]["url"], format!("{BASE}/Patient?family=durand"));
    let strict = by
        .get_with("/Patient?colour=red", &[("prefer", "handling=strict")])
        .await;
    assert_eq!(issue(&strict), "400 not-supported");
    assert_eq!(issue(&by.get("/Patient?ct=%20").await), "400 invalid");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut service = Service::new().await;
    let (before, id) = {
        let by = service.contributor().await;
        for n in 0..20 {
            by.put("/Patient/a", &patient("a", &format!("n{n}"))).await;
            by.post("/Patient", &patient("x", "Martin")).await;
        }
        by.delete("/Patient/a").await;
        (history_and_search(&by).await, by.id)
    };
    service.restart().await;
    let by = service.caller(id);
    assert_eq!(history_and_search(&by).await, before);
    assert_eq!(
        by.put("/Patient/a", &patient("a", "n")).await.header("etag"),
        "W/\"22\""
    );
}

async fn history_and_search(by: &crate::service::By<'_>) -> (String, String) {
    let strip = |answer: hygie_testkit::Answer| {
        let mut bundle = answer.json();
        bundle["id"] = json!(null);
        bundle.to_string()
    };
    (
        strip(by.get("/Patient/a/_history?_count=100").await),
        strip(by.get("/Patient?family=martin&_count=100").await),
    )
}

#[tokio::test]
async fn formats() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "Martin")).await;
    let answer = by.get_with("/Patient/a", &[("accept", "application/json")]).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(
        issue(&by.get_with("/Patient/a", &[("accept", "application/fhir+xml")]).await),
        "406 not-supported"
    );
    assert_eq!(issue(&by.get("/Patient/a?_format=xml").await), "406 not-supported");
    let pretty = by.get("/Patient/a?_pretty=true&_format=json").await;
    assert!(
        pretty.text().starts_with("{\n  \"resourceType\": \"Patient\",\n"),
        "{}",
        pretty.text()
    );
    let json_body = by.send(
        Method::POST,
        "/Patient",
        &[("content-type", "application/json")],
        patient("a", "x").to_string(),
    );
    assert_eq!(json_body.await.status, 201);
    let xml = by
        .send(
            Method::POST,
            "/Patient",
            &[("content-type", "application/fhir+xml")],
            "<Patient/>",
        )
        .await;
    assert_eq!(issue(&xml), "415 not-supported");
}
