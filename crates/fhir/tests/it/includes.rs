//! What comes with the matches of a page.

use std::collections::BTreeSet;

use hygie_access::Role;
use serde_json::{Value, json};

use crate::service::{By, Service, entries, issue, patient};

fn reference(to: &str) -> Value {
    json!({ "reference": to })
}

/// Observations of patients, who belong to organizations, which are part of one another.
async fn fill(by: &By<'_>) {
    for n in 0..6 {
        let mut organization = json!({ "resourceType": "Organization", "id": format!("o{n}"), "name": "CH" });
        if n > 0 {
            organization["partOf"] = reference(&format!("Organization/o{}", n - 1));
        }
        by.put(&format!("/Organization/o{n}"), &organization).await;
    }
    for n in 0..4 {
        let mut patient = patient(&format!("p{n}"), "Martin");
        patient["managingOrganization"] = reference(&format!("Organization/o{}", 2 + n));
        by.put(&format!("/Patient/p{n}"), &patient).await;
    }
    for n in 0..12 {
        let mut observation = json!({ "resourceType": "Observation", "id": format!("x{n}"), "status": "final",
            "code": { "text": "x" }, "subject": reference(&format!("Patient/p{}", n % 5)) });
        if n > 0 {
            observation["hasMember"] = json!([reference(&format!("Observation/x{}", n - 1))]);
        }
        by.put(&format!("/Observation/x{n}"), &observation).await;
    }
    by.delete("/Organization/o0").await;
}

fn names(resources: &[&Value]) -> BTreeSet<String> {
    let name = |resource: &&Value| {
        format!(
            "{}/{}",
            resource["resourceType"].as_str().unwrap_or_default(),
            resource["id"].as_str().unwrap_or_default()
        )
    };
    let names: BTreeSet<String> = resources.iter().map(name).collect();
    assert_eq!(names.len(), resources.len(), "one comes twice");
    names
}

fn of(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

/// Searches with what comes with their matches.
const INCLUDES: [(&str, &[&str]); 16] = [
    ("Observation?_id=x1&_include=Observation:subject", &["Patient/p1"]),
    ("Observation?_id=x1&_include=Observation:subject:Group", &[]),
    (
        "Observation?_id=x1,x2,x6&_include=Observation:patient",
        &["Patient/p1", "Patient/p2"],
    ),
    ("Observation?_id=x4&_include=Observation:subject", &[]),
    ("Observation?_id=x1&_include=*", &["Patient/p1", "Observation/x0"]),
    (
        "Observation?_id=x1&_include=Observation:*",
        &["Patient/p1", "Observation/x0"],
    ),
    ("Observation?_id=x1,x0&_include=Observation:has-member", &[]),
    ("Observation?_id=x1&_include=Patient:organization", &[]),
    (
        "Observation?_id=x1&_include=Observation:subject&_include=Patient:organization",
        &["Patient/p1"],
    ),
    (
        "Observation?_id=x1&_include=Observation:subject&_include:iterate=Patient:organization",
        &["Patient/p1", "Organization/o3"],
    ),
    (
        "Observation?_id=x1&_include=Observation:subject&_include:iterate=Patient:organization&_include:iterate=Organization:partof",
        &["Patient/p1", "Organization/o3", "Organization/o2", "Organization/o1"],
    ),
    (
        "Observation?_id=x3&_include:recurse=Observation:has-member",
        &["Observation/x2", "Observation/x1", "Observation/x0"],
    ),
    (
        "Patient?_id=p1&_revinclude=Observation:patient",
        &["Observation/x1", "Observation/x6", "Observation/x11"],
    ),
    (
        "Patient?_id=p3&_revinclude=Observation:subject:Patient",
        &["Observation/x3", "Observation/x8"],
    ),
    (
        "Organization?_id=o2&_revinclude=Patient:organization&_revinclude:iterate=Observation:*",
        &[
            "Patient/p0",
            "Observation/x0",
            "Observation/x5",
            "Observation/x10",
            "Observation/x1",
            "Observation/x6",
            "Observation/x11",
            "Observation/x2",
            "Observation/x7",
            "Observation/x3",
            "Observation/x8",
            "Observation/x4",
            "Observation/x9",
        ],
    ),
    ("Patient?_id=absent&_revinclude=Observation:patient", &[]),
];

#[tokio::test]
async fn what_is_included() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    for (search, expected) in INCLUDES {
        let page = by.get(&format!("/{search}")).await.json();
        assert_eq!(names(&entries(&page, "include")), of(expected), "{search}");
        assert!(entries(&page, "outcome").is_empty(), "{search}");
    }
}

/// Each page has with it what its own matches refer to, and the matches are those of the search without includes.
#[tokio::test]
async fn pages_with_what_comes_with_them() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    let plain = by.pages("/Observation?status=final&_count=5").await;
    let pages = by
        .pages("/Observation?status=final&_count=5&_include=Observation:subject")
        .await;
    assert_eq!((plain.len(), pages.len()), (3, 3));
    for (plain, page) in plain.iter().zip(&pages) {
        assert_eq!(entries(plain, "match"), entries(page, "match"));
        let referred = entries(page, "match")
            .into_iter()
            .map(|one| one["subject"]["reference"].as_str().expect("a reference").to_owned());
        let expected: BTreeSet<String> = referred.filter(|name| name != "Patient/p4").collect();
        assert_eq!(names(&entries(page, "include")), expected);
        for included in entries(page, "include") {
            let path = format!("/Patient/{}", included["id"].as_str().expect("an id"));
            assert_eq!(*included, by.get(&path).await.json());
        }
    }
}

#[tokio::test]
async fn the_limits_of_includes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    by.put("/Patient/p", &patient("p", "Martin")).await;
    for batch in 0..3 {
        let entry = |n: usize| {
            json!({ "request": { "method": "PUT", "url": format!("Observation/x{batch}-{n}") },
            "resource": { "resourceType": "Observation", "id": format!("x{batch}-{n}"), "status": "final",
                "code": { "text": "x" }, "subject": reference("Patient/p") } })
        };
        let entries: Vec<Value> = (0..400).map(entry).collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        assert_eq!(by.post("", &bundle).await.status, 200);
    }
    let page = by.get("/Patient?_revinclude=Observation:patient").await.json();
    assert_eq!(entries(&page, "include").len(), 1000);
    assert_eq!(entries(&page, "outcome").len(), 1, "it is said that there are more");
    let part = by
        .get("/Patient?_revinclude=Observation:patient&_summary=true")
        .await
        .json();
    assert_eq!(entries(&part, "include")[0]["meta"]["tag"][0]["code"], "SUBSETTED");
    for (search, expected) in [
        ("_include=Patient:colour", "400 not-supported"),
        ("_include=Nothing:x", "400 not-supported"),
        ("_revinclude=*", "400 not-supported"),
        ("_include:first=*", "400 not-supported"),
        ("_summary=text&_include=*", "400 invalid"),
        (&"_include=Patient:organization&".repeat(40), "400 too-costly"),
    ] {
        let answer = by
            .get_with(&format!("/Patient?{search}"), &[("prefer", "handling=strict")])
            .await;
        assert_eq!(issue(&answer), expected, "{search}");
    }
}

/// What a caller may not search comes with nothing, and is asked by no chain.
#[tokio::test]
async fn what_may_not_be_searched_is_neither_included_nor_asked() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    let smart = service
        .smart(&["system/Observation.read", "system/Organization.read"])
        .await;
    assert_eq!(smart.get("/Observation?_id=x1").await.status, 200);
    let page = smart
        .get("/Observation?_id=x1&_include=Observation:subject&_include=Observation:*")
        .await
        .json();
    assert_eq!(names(&entries(&page, "include")), of(&["Observation/x0"]));
    for search in [
        "Observation?_include=Observation:subject:Patient",
        "Organization?_revinclude=Patient:organization",
        "Observation?subject:Patient.name=martin",
        "Observation?patient.name=martin",
        "Organization?_has:Patient:organization:name=martin",
    ] {
        assert_eq!(smart.get(&format!("/{search}")).await.status, 403, "{search}");
        assert_eq!(by.get(&format!("/{search}")).await.status, 200, "{search}");
    }
    let reader = service.role(Role::FhirDataReader).await;
    assert_eq!(reader.get("/Observation?subject:Patient.name=martin").await.status, 200);
}
