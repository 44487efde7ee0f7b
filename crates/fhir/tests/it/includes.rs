//! What comes with the matches of a page.

use std::collections::BTreeSet;

use hygie_access::Role;
use serde_json::{Value, json};

use crate::explain::explained;
use crate::service::{BASE, By, Service, entries, issue, patient};

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
    let related = link(&page, "related").expect("the others can be asked for");
    assert!(related.starts_with("/Patient/$includes?_revinclude="), "{related}");
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

/// The link of a page, under the base.
fn link(page: &Value, relation: &str) -> Option<String> {
    let links = page["link"].as_array().expect("links");
    let found = links.iter().find(|link| link["relation"] == relation)?;
    let url = found["url"].as_str().expect("a URL");
    Some(url.strip_prefix(BASE).expect("under the base").to_owned())
}

/// What comes with a page and with the pages of `$includes` after it; and the number of these.
async fn with_the_rest(by: &By<'_>, search: &str) -> (Vec<String>, usize) {
    let first = by.get(search).await.json();
    let mut found: Vec<String> = entries(&first, "include").into_iter().map(name).collect();
    let (mut next, mut pages) = (link(&first, "related"), 0);
    while let Some(path) = next {
        let answer = by.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let page = answer.json();
        assert!(entries(&page, "match").is_empty());
        let self_link = link(&page, "self").expect("a link to itself");
        assert_eq!(by.get(&self_link).await.json()["entry"], page["entry"]);
        let original = link(&page, "original").expect("a link to the search");
        let again = by.get(&original).await.json();
        assert_eq!(entries(&again, "match"), entries(&first, "match"), "{original}");
        found.extend(entries(&page, "include").into_iter().map(name));
        next = link(&page, "next");
        pages += 1;
        assert!(pages < 100, "the pages do not end");
    }
    (found, pages)
}

fn name(resource: &Value) -> String {
    let text = |member: &str| resource[member].as_str().expect("a text");
    format!("{}/{}", text("resourceType"), text("id"))
}

/// An observation that refers to several patients and observations, and to some by several references.
fn of_several(id: &str) -> Value {
    let all = |names: &[&str]| -> Vec<Value> { names.iter().map(|name| reference(name)).collect() };
    json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
        "subject": reference("Patient/p3"), "performer": all(&["Patient/p1", "Patient/p2", "Patient/p3"]),
        "hasMember": all(&["Observation/x0", "Observation/x1", "Observation/x5"]),
        "derivedFrom": all(&["Observation/x1", "Observation/x7", "Observation/x0"]) })
}

/// All that comes with a page comes once, whatever the number that comes at a time.
#[tokio::test]
async fn what_is_beyond_the_limit_of_a_page_can_be_asked_for() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    for n in 0..3 {
        by.put(&format!("/Observation/s{n}"), &of_several(&format!("s{n}")))
            .await;
    }
    for search in [
        "/Patient?_revinclude=Observation:*&_count=4",
        "/Observation?_revinclude=Observation:derived-from&_revinclude=Observation:has-member&_count=9&_sort=_lastUpdated",
        "/Observation?_include=*&_revinclude=Observation:*&_count=5&_sort=-_lastUpdated",
        "/Patient?_revinclude=Observation:patient&_count=3",
        "/Observation?_include=*&_revinclude=Observation:has-member&_sort=-_lastUpdated&_count=6",
        "/Patient?_include=Patient:organization&_revinclude=Observation:subject",
    ] {
        // Of each page of the matches.
        let mut next = Some(search.to_owned());
        let mut several = 0;
        while let Some(path) = next {
            let whole = by.get(&path).await.json();
            assert_eq!(link(&whole, "related"), None, "{path}");
            let expected = names(&entries(&whole, "include"));
            for count in 1..4 {
                let (found, pages) = with_the_rest(&by, &format!("{path}&_includesCount={count}")).await;
                let unique: BTreeSet<String> = found.iter().cloned().collect();
                assert_eq!((unique.len(), &unique), (found.len(), &expected), "{path} by {count}");
                assert_eq!(pages, expected.len().max(1).div_ceil(count) - 1, "{path} by {count}");
                several += usize::from(pages > 1);
            }
            next = link(&whole, "next");
        }
        assert!(several > 0, "{search}");
    }
}

/// A page reads what it shows, however much the matches bring.
#[tokio::test]
async fn a_page_of_the_rest_costs_what_it_shows() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let put = |path: String, mut body: Value| {
        body["id"] = path.split('/').nth(1).into();
        json!({ "request": { "method": "PUT", "url": path }, "resource": body })
    };
    let mut all = Vec::new();
    for who in 0..20 {
        all.push(put(format!("Patient/p{who}"), patient("", "Martin")));
        for n in 0..40 {
            let observation = json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" },
                "subject": reference(&format!("Patient/p{who}")), "effectiveDateTime": format!("20{:02}-01-01", n % 7 + 10) });
            all.push(put(format!("Observation/x{who}-{n}"), observation));
        }
    }
    for some in all.chunks(400) {
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": some });
        assert_eq!(by.post("", &bundle).await.status, 200);
    }
    for reference in ["patient", "subject"] {
        let search = format!("/Patient?_count=20&_includesCount=100&_explain=true&_revinclude=Observation:{reference}");
        let mut next = link(&by.get(&search).await.json(), "related");
        let mut pages = 0;
        while let Some(path) = next {
            let page = by.get(&path).await.json();
            assert_eq!(entries(&page, "include").len(), 100);
            let told = explained(&page);
            let read: Vec<u32> = told
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse().ok())
                .collect();
            let [.., ranges, keys, resources] = read[..] else {
                panic!("{told}")
            };
            assert!(ranges < 150 && keys < 400 && resources < 115, "{told}");
            next = link(&page, "next");
            pages += 1;
        }
        assert_eq!(pages, 7);
    }
}

/// What did not change is neither skipped nor repeated while others come, change and go; and the matches stay those of the page.
#[tokio::test]
async fn the_rest_is_stable_beside_writes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    let search = "/Patient?_sort=-_lastUpdated&_count=3&_revinclude=Observation:patient";
    let expected = names(&entries(&by.get(search).await.json(), "include"));
    let mut found = Vec::new();
    let mut next = Some(format!("{search}&_includesCount=2"));
    let mut round = 0;
    while let Some(path) = next {
        let page = by.get(&path).await.json();
        found.extend(entries(&page, "include").into_iter().map(name));
        next = link(&page, "related").or_else(|| link(&page, "next"));
        by.put(&format!("/Patient/new{round}"), &patient(&format!("new{round}"), "x"))
            .await;
        let observation = json!({ "resourceType": "Observation", "id": format!("new{round}"), "status": "final",
            "code": { "text": "x" }, "subject": reference(&format!("Patient/new{round}")) });
        by.put(&format!("/Observation/new{round}"), &observation).await;
        round += 1;
    }
    assert!(round > 2);
    let unique: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!((unique.len(), unique), (found.len(), expected));
}

/// A match that is none any more brings nothing; what refers to others too comes with those.
#[tokio::test]
async fn what_a_match_brings_that_went_comes_with_the_others() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    by.put("/Observation/s", &of_several("s")).await;
    let search = "/Patient?family=martin&_revinclude=Observation:*&_includesCount=1";
    let first = by.get(search).await.json();
    let mut found: Vec<String> = entries(&first, "include").into_iter().map(name).collect();
    let gone = patient("p1", "Roux");
    assert_eq!(by.put("/Patient/p1", &gone).await.status, 200);
    let mut next = link(&first, "related");
    while let Some(path) = next {
        let page = by.get(&path).await.json();
        found.extend(entries(&page, "include").into_iter().map(name));
        next = link(&page, "next");
    }
    let expected = ["s", "x0", "x2", "x3", "x5", "x7", "x8", "x10"].map(|id| format!("Observation/{id}"));
    let unique: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!((found.len(), unique), (expected.len(), expected.into()));
}

/// The link gives no rights: whoever follows it is asked as in a search, and its matches must be some of that search.
#[tokio::test]
async fn the_link_to_the_rest_opens_nothing() {
    let service = Service::new().await;
    let by = service.contributor().await;
    fill(&by).await;
    let page = by
        .get("/Patient?_revinclude=Observation:patient&_includesCount=1")
        .await
        .json();
    let related = link(&page, "related").expect("a link");
    let smart = service.smart(&["system/Patient.read"]).await;
    assert_eq!(smart.get(&related).await.status, 403);
    assert_eq!(
        service.role(Role::FhirDataConverter).await.get(&related).await.status,
        403
    );
    assert_eq!(service.role(Role::FhirDataReader).await.get(&related).await.status, 200);
    // Of another search the numbers are no matches.
    let token = related.split("includesCt=").nth(1).expect("a token");
    for other in ["Patient/$includes?family=absent&", "Organization/$includes?"] {
        let source = if other.starts_with("Patient") {
            "Observation:patient"
        } else {
            "Patient:organization"
        };
        let answer = by
            .get(&format!("/{other}_revinclude={source}&includesCt={token}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(entries(&answer.json(), "include").is_empty(), "{other}");
    }
    for bad in ["!", "____", "AAA"] {
        let answer = by
            .get(&format!(
                "/Patient/$includes?_revinclude=Observation:patient&includesCt={bad}"
            ))
            .await;
        assert_eq!(issue(&answer), "400 invalid", "{bad}");
    }
    assert_eq!(issue(&by.get("/Patient?_includesCount=0").await), "400 invalid");
    assert_eq!(by.post("/Patient/$includes", &json!({})).await.status, 405);
}
