//! history of a type and of everything over HTTP.

use std::time::Duration;

use hygie_access::Role;
use serde_json::{Value, json};

use crate::service::{By, Service, issue, patient};

/// `Patient/a/3` and when, for each entry of these pages.
fn listed(pages: &[Value]) -> Vec<(String, String)> {
    let entries = pages
        .iter()
        .flat_map(|page| page["entry"].as_array().into_iter().flatten());
    entries
        .map(|entry| {
            let response = &entry["response"];
            let url = entry["fullUrl"].as_str().expect("a URL");
            let named = url.rsplit('/').take(2).collect::<Vec<_>>();
            let tag = response["etag"].as_str().expect("a tag").trim_matches(['W', '/', '"']);
            let when = response["lastModified"].as_str().expect("an instant");
            assert_eq!(entry["resource"].is_null(), entry["request"]["method"] == "DELETE");
            (format!("{}/{}/{tag}", named[1], named[0]), when.to_owned())
        })
        .collect()
}

/// Writes of all kinds, several in the same millisecond; the versions that they made.
async fn write(service: &Service, by: &By<'_>, rounds: usize) -> Vec<String> {
    let mut made = Vec::new();
    let mut numbers = std::collections::HashMap::new();
    for round in 0..rounds {
        let id = ["a", "b", "c"][round % 3];
        let (kind, body) = match round % 4 {
            0 => (
                "Organization",
                json!({ "resourceType": "Organization", "id": id, "name": round.to_string() }),
            ),
            _ => ("Patient", patient(id, &round.to_string())),
        };
        let path = format!("/{kind}/{id}");
        let answer = match round % 5 {
            4 => by.delete(&path).await,
            _ => by.put(&path, &body).await,
        };
        assert!(answer.status.is_success(), "{}", answer.text());
        let number = answer.header("etag").trim_matches(['W', '/', '"']).to_owned();
        // What is deleted already has no other version.
        if !number.is_empty() && numbers.insert(path.clone(), number.clone()) != Some(number.clone()) {
            made.push(format!("{}/{number}", &path[1..]));
        }
        if round % 7 > 2 {
            service.clock.advance(Duration::from_millis(700));
        }
    }
    made
}

#[tokio::test]
async fn every_version_is_listed_once_and_in_order() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let mut made = write(&service, &by, 60).await;
    made.sort();
    for (path, of) in [
        ("/_history?_count=4", ""),
        ("/Patient/_history?_count=3", "Patient/"),
        ("/Organization/_history?_count=1000", "Org"),
    ] {
        let expected: Vec<_> = made.iter().filter(|name| name.starts_with(of)).cloned().collect();
        for sort in ["", "&_sort=_lastUpdated"] {
            let versions = listed(&by.pages(&format!("{path}{sort}")).await);
            let is_ascending = !sort.is_empty();
            let is_ordered = versions.is_sorted_by(|(_, a), (_, b)| if is_ascending { a <= b } else { a >= b });
            assert!(is_ordered, "{path}{sort}: {versions:?}");
            let number = |name: &str| name.rsplit('/').next().and_then(|number| number.parse::<u32>().ok());
            for resource in ["Patient/a/", "Patient/b/", "Organization/c/"] {
                let mut numbers: Vec<_> = versions
                    .iter()
                    .filter(|(name, _)| name.starts_with(resource))
                    .map(|(name, _)| number(name))
                    .collect();
                if !is_ascending {
                    numbers.reverse();
                }
                assert!(
                    numbers.is_sorted_by(|a, b| a < b),
                    "{path}{sort}: {resource} {numbers:?}"
                );
            }
            let mut names: Vec<_> = versions.into_iter().map(|(name, _)| name).collect();
            names.sort();
            assert_eq!(names, expected, "{path}{sort}");
        }
        let counted = by.get(&format!("{path}&_summary=count")).await.json();
        assert_eq!(
            (&counted["total"], &counted["entry"]),
            (&json!(expected.len()), &Value::Null),
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_are_stable_beside_writes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for sort in ["", "&_sort=_lastUpdated"] {
        write(&service, &by, 20).await;
        let path = format!("/_history?_count=2{sort}");
        let there = listed(&by.pages(&path).await);
        let mut path = path;
        let mut pages = Vec::new();
        for round in 0.. {
            let page = by.get(&path).await.json();
            let next = page["link"]
                .as_array()
                .and_then(|links| links.iter().find(|link| link["relation"] == "next").cloned());
            pages.push(page);
            // Bounded: with the oldest first, the end moves on.
            if round < 30 {
                by.put("/Patient/a", &patient("a", &round.to_string())).await;
                by.put("/Patient/c", &patient("c", &round.to_string())).await;
            }
            let Some(next) = next else { break };
            let url = next["url"].as_str().expect("a URL");
            path = url
                .strip_prefix(crate::service::BASE)
                .expect("under the base")
                .to_owned();
        }
        let names: Vec<_> = listed(&pages).into_iter().map(|(name, _)| name).collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len(), "none is repeated: {names:?}");
        let missing: Vec<_> = there.iter().filter(|(name, _)| !names.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?} of {names:?}");
    }
}

#[tokio::test]
async fn periods_of_a_history() {
    let service = Service::new().await;
    let by = service.contributor().await;
    // One version a second, from 08:30:00 on.
    for second in 0..10 {
        by.put("/Patient/a", &patient("a", &second.to_string())).await;
        service.clock.advance(Duration::from_secs(1));
    }
    let start = by.get("/Patient/a/_history/1").await.json()["meta"]["lastUpdated"].clone();
    assert_eq!(start, "2026-11-21T08:30:00.000Z");
    for (query, expected) in [
        ("_since=2026-11-21T08:30:04Z", 5..11),
        ("_before=2026-11-21T08:30:04Z", 1..5),
        ("_since=2026-11-21T08:30:02Z&_before=2026-11-21T08:30:04Z", 3..5),
        ("_at=2026-11-21T08:30:04Z", 5..6),
        ("_at=2026-11-21", 1..11),
        ("_since=2026-11-22", 1..1),
        ("_before=2020", 1..1),
        ("_since=0001&_before=9999", 1..11),
    ] {
        let expected: Vec<_> = expected.rev().map(|number| format!("Patient/a/{number}")).collect();
        for path in ["/Patient/a/_history", "/Patient/_history", "/_history"] {
            let pages = by.pages(&format!("{path}?_count=3&{query}")).await;
            let names: Vec<_> = listed(&pages).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expected, "{path}?{query}");
            let mut oldest = listed(&by.pages(&format!("{path}?_count=4&_sort=_lastUpdated&{query}")).await);
            oldest.reverse();
            assert_eq!(
                oldest.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
                expected,
                "{path}?{query}"
            );
            let counted = by.get(&format!("{path}?_summary=count&{query}")).await.json();
            assert_eq!(counted["total"], expected.len(), "{path}?{query}");
        }
    }
}

#[tokio::test]
async fn what_a_history_refuses() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/a", &patient("a", "x")).await;
    for path in ["/_history", "/Patient/_history", "/Patient/a/_history"] {
        for query in [
            "_count=x",
            "_since=never",
            "_at=2020&_since=2020",
            "_at=2020&_before=2020",
            "_sort=name",
            "ct=x",
            "ct=1.2.3.4",
            "ct=-1",
        ] {
            let answer = by.get(&format!("{path}?{query}")).await;
            assert_eq!(issue(&answer), "400 invalid", "{path}?{query}");
        }
        assert_eq!(
            issue(&by.get(&format!("{path}?_summary=text")).await),
            "405 not-supported"
        );
    }
    assert_eq!(issue(&by.get("/Nonsense/_history").await), "404 not-supported");
    let reader = service.role(Role::FhirDataReader).await;
    let converter = service.role(Role::FhirDataConverter).await;
    for path in ["/_history", "/Patient/_history"] {
        assert_eq!(reader.get(path).await.status, 200);
        assert_eq!(issue(&converter.get(path).await), "403 forbidden");
    }
    let one_type = service.smart(&["system/Patient.read"]).await;
    assert_eq!(one_type.get("/Patient/_history").await.status, 200);
    for path in ["/_history", "/Observation/_history"] {
        assert_eq!(issue(&one_type.get(path).await), "403 forbidden", "{path}");
    }
    let get = |url: &str| json!({ "request": { "method": "GET", "url": url } });
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": [get("_history?_count=1"), get("Patient/_history"), get("Patient/a/_history")] });
    let answer = by.post("", &bundle).await.json();
    for entry in answer["entry"].as_array().expect("entries") {
        assert_eq!(
            (&entry["response"]["status"], &entry["resource"]["type"]),
            (&json!("200"), &json!("history"))
        );
    }
}
