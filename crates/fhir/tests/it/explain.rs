//! How a search was answered, when it is asked.

use hygie_access::Role;
use serde_json::{Value, json};

use crate::service::{Service, entries, issue, patient};

/// What the outcome of a page says, without the time that it took.
pub fn explained(page: &Value) -> String {
    let outcomes = entries(page, "outcome");
    assert_eq!(outcomes.len(), 1, "{page}");
    let found = &outcomes[0]["issue"][0];
    assert_eq!(
        (&found["severity"], &found["code"]),
        (&json!("information"), &json!("informational"))
    );
    let text = found["diagnostics"].as_str().expect("a text");
    let (text, took) = text.rsplit_once("; ").expect("a time");
    assert!(took.ends_with(" ms"), "{took}");
    text.to_owned()
}

#[tokio::test]
async fn a_search_says_how_it_was_answered() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for n in 0..200 {
        let family = if n % 50 == 0 { "Roux" } else { "Martin" };
        let mut body = patient(&format!("p{n}"), family);
        body["active"] = (n % 2 == 0).into();
        by.put(&format!("/Patient/p{n}"), &body).await;
    }
    for (search, expected) in [
        (
            "family=roux",
            "Patient: all matches of one filter, then sorted: family (1 ranges, each key a match), in no order",
        ),
        (
            "family=roux&active=true",
            "Patient: all matches of one filter, then sorted: family (1 ranges, each key a match), in no order; each candidate is asked: active (",
        ),
        (
            "_sort=-_lastUpdated",
            "Patient: along the last updates of the type, descending",
        ),
        (
            "_sort=family",
            "Patient: along the index of the sort parameter, ascending",
        ),
        (
            "_sort=family,birthdate",
            "Patient: all matches, sorted by several keys, ascending",
        ),
        (
            "_has:Observation:subject:status=final",
            "Patient: all matches of one filter, then sorted: _has:Observation:subject (0 ranges",
        ),
        ("_summary=count&active=true", "counted; filters: active ("),
    ] {
        let page = by.get(&format!("/Patient?{search}&_explain=true")).await.json();
        let text = explained(&page);
        assert!(text.starts_with(expected), "{search}: {text}");
        assert!(text.contains(". Read: "), "{search}: {text}");
        let plain = by.get(&format!("/Patient?{search}")).await.json();
        assert_eq!(entries(&plain, "match"), entries(&page, "match"), "{search}");
        assert!(entries(&plain, "outcome").is_empty(), "{search}");
    }
    // A page reads what it shows, and one more to know whether there is another.
    for (page, read) in by
        .pages("/Patient?_sort=-_lastUpdated&_count=100&_explain=true")
        .await
        .iter()
        .zip([101, 100])
    {
        let text = explained(page);
        assert!(text.ends_with(&format!(" {read} resources")), "{text}");
    }
}

#[tokio::test]
async fn only_who_may_search_is_told() {
    let service = Service::new().await;
    service
        .contributor()
        .await
        .put("/Patient/a", &patient("a", "Martin"))
        .await;
    let converter = service.role(Role::FhirDataConverter).await;
    assert_eq!(issue(&converter.get("/Patient?_explain=true").await), "403 forbidden");
    let reader = service.role(Role::FhirDataReader).await;
    let page = reader.get("/Patient?family=martin&_explain=true").await.json();
    // It repeats no value of the search, and nothing of what it found.
    assert!(!explained(&page).to_lowercase().contains("martin"));
    assert_eq!(issue(&reader.get("/Patient?_explain=perhaps").await), "400 invalid");
}
