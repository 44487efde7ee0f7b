//! How much a search shows of its matches, and how many it says there are.

use serde_json::{Value, json};

use crate::service::{By, Service, entries, issue, patient};

fn whole(n: usize) -> Value {
    json!({
        "resourceType": "Patient", "id": format!("p{n}"),
        "meta": { "tag": [{ "system": "urn:t", "code": "x" }] },
        "text": { "status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>" },
        "modifierExtension": [{ "url": "urn:m", "valueBoolean": true }],
        "active": n.is_multiple_of(2),
        "name": [{ "family": "Martin", "given": ["Zoé"] }],
        "photo": [{ "title": "x" }],
        "maritalStatus": { "text": "x" },
        "contact": [{ "gender": "male" }],
    })
}

async fn fill(by: &By<'_>, count: usize) {
    for n in 0..count {
        let answer = by.put(&format!("/Patient/p{n}"), &whole(n)).await;
        assert_eq!(answer.status, 201);
    }
}

/// The resource without these elements, and with the tag that says so.
fn without(whole: &Value, left_out: &[&str]) -> Value {
    let mut part = whole.clone();
    let members = part.as_object_mut().expect("an object");
    members.retain(|name, _| !left_out.contains(&name.as_str()));
    let tags = part["meta"]["tag"].as_array_mut().expect("tags");
    tags.push(json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" }));
    part
}

#[tokio::test]
async fn matches_are_shown_in_part() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by, 12).await;
    let not_in_summary = ["text", "photo", "maritalStatus", "contact"];
    let not_text = [&["modifierExtension", "active", "name"][..], &not_in_summary[1..]].concat();
    let not_names = [&["modifierExtension", "active"][..], &not_in_summary].concat();
    for (form, left_out) in [
        ("_summary=true", &not_in_summary[..]),
        ("_summary=text", &not_text),
        ("_summary=data", &["text"]),
        ("_elements=name", &not_names),
        ("_elements=Patient.name,id", &not_names),
    ] {
        let pages = by.pages(&format!("/Patient?active=true&{form}&_count=4")).await;
        let shown: Vec<&Value> = pages.iter().flat_map(|page| entries(page, "match")).collect();
        assert_eq!(shown.len(), 6, "{form}");
        for part in shown {
            let id = part["id"].as_str().expect("an id");
            let read = by.get(&format!("/Patient/{id}")).await.json();
            assert_eq!(*part, without(&read, left_out), "{form}");
        }
    }
    let page = by.get("/Patient?_summary=false").await.json();
    let read = by.get("/Patient/p0").await.json();
    assert!(entries(&page, "match").contains(&&read));
    assert_eq!(issue(&by.get("/Patient?_summary=yes").await), "400 invalid");
    assert_eq!(
        issue(&by.get("/Patient?_summary=true&_elements=name").await),
        "400 invalid"
    );
    let strict = [("prefer", "handling=strict")];
    assert_eq!(
        issue(&by.get_with("/Patient?_elements=colour", &strict).await),
        "400 invalid"
    );
    let lenient = by.get("/Patient?_elements=colour").await.json();
    let text = entries(&lenient, "outcome")[0]["issue"][0]["diagnostics"].to_string();
    assert!(text.contains("colour"), "{text}");
}

#[tokio::test]
async fn the_number_of_matches_alone() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by, 25).await;
    by.delete("/Patient/p4").await;
    for (search, total) in [
        ("", 24),
        ("active=false", 12),
        ("family=nobody", 0),
        ("family=martin&active=true", 12),
    ] {
        for form in ["_summary=count", "_count=0"] {
            let page = by.get(&format!("/Patient?{search}&{form}")).await.json();
            assert_eq!(
                (&page["total"], &page["entry"]),
                (&json!(total), &Value::Null),
                "{search} {form}"
            );
            assert_eq!(page["link"].as_array().map(Vec::len), Some(1));
        }
    }
}

/// The total is counted with the first page; later pages say the same, whatever was written meanwhile.
#[tokio::test]
async fn the_total_is_counted_once() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by, 23).await;
    for form in ["accurate", "estimate"] {
        let pages = by.pages(&format!("/Patient?name=martin&_total={form}&_count=5")).await;
        assert_eq!(pages.len(), 5);
        assert!(pages.iter().all(|page| page["total"] == 23), "{form}");
    }
    let none = by.get("/Patient?name=martin&_total=none").await.json();
    assert_eq!(none["total"], Value::Null);
    assert_eq!(issue(&by.get("/Patient?_total=some").await), "400 invalid");

    let first = by.get("/Patient?name=martin&_total=accurate&_count=20").await.json();
    by.put("/Patient/later", &patient("later", "Martin")).await;
    let next = first["link"][1]["url"].as_str().expect("a next page");
    let next = next.strip_prefix(crate::service::BASE).expect("under the base");
    assert_eq!(by.get(next).await.json()["total"], 23);
    let again = by.get("/Patient?name=martin&_total=accurate").await.json();
    assert_eq!(again["total"], 24);
}
