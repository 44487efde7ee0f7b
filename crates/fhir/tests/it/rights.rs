//! Who may do what, and what the audit trail says of it.

use http::Method;
use hygie_access::Role;
use hygie_core::ObjectId;
use hygie_testkit::SeededRandom;
use serde_json::json;

use crate::service::{FHIR_JSON, Service, issue, patient};

/// Every route of the service, and whether it is for everybody.
const ROUTES: [(Method, &str); 24] = [
    (Method::GET, ""),
    (Method::POST, ""),
    (Method::POST, "/"),
    (Method::POST, "/.hygie/bulk"),
    (Method::POST, "/_search"),
    (Method::GET, "/_history"),
    (Method::GET, "/Patient"),
    (Method::POST, "/Patient"),
    (Method::PUT, "/Patient?identifier=1"),
    (Method::PATCH, "/Patient?identifier=1"),
    (Method::DELETE, "/Patient?identifier=1"),
    (Method::POST, "/Patient/_search"),
    (Method::GET, "/Patient/$includes"),
    (Method::GET, "/Patient/_history"),
    (Method::GET, "/Patient/a"),
    (Method::HEAD, "/Patient/a"),
    (Method::PUT, "/Patient/a"),
    (Method::PATCH, "/Patient/a"),
    (Method::DELETE, "/Patient/a"),
    (Method::GET, "/Patient/a/_history"),
    (Method::GET, "/Patient/a/_history/1"),
    (Method::GET, "/Patient/a/$everything"),
    (Method::GET, "/Nonsense/a/b/c/d"),
    (Method::GET, "/$export"),
];

#[tokio::test]
async fn without_a_token_nothing_is_answered_but_401() {
    let service = Service::new().await;
    for (method, path) in ROUTES {
        let address = format!("/demo/fhir{path}");
        let answer = service.client.send(method.clone(), &address, &[], "".into()).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert!(
            answer.header("www-authenticate").starts_with("Bearer "),
            "{method} {path}"
        );
        if method != Method::HEAD {
            assert_eq!(issue(&answer), "401 login");
        }
    }
    service.record_refusals().await;
    let mut accesses = service.accesses();
    accesses.sort();
    assert_eq!(
        accesses,
        [
            "fhir.delete - refused (no_token) ×2",
            "fhir.get - refused (no_token) ×11",
            "fhir.head - refused (no_token)",
            "fhir.patch - refused (no_token) ×2",
            "fhir.post - refused (no_token) ×6",
            "fhir.put - refused (no_token) ×2",
        ]
    );
}

#[tokio::test]
async fn without_a_role_nothing_is_answered_but_403_or_not_supported() {
    let service = Service::new().await;
    let by = service.caller(ObjectId::random(&SeededRandom::new(5)));
    for (method, path) in ROUTES {
        let body = if method == Method::POST && path.len() < 2 {
            json!({ "resourceType": "Bundle", "type": "batch" }).to_string()
        } else {
            patient("a", "x").to_string()
        };
        let content = match path {
            "/Patient/_search" => ("content-type", "application/x-www-form-urlencoded"),
            _ => FHIR_JSON,
        };
        let answer = by.send(method.clone(), path, &[content], body).await;
        let is_unbuilt = (path.contains('$') && !path.ends_with("$includes"))
            || matches!(path, "/_search" | "/Nonsense/a/b/c/d")
            || (path.is_empty() && method == Method::GET);
        let expected = if is_unbuilt { 405 } else { 403 };
        assert_eq!(answer.status, expected, "{method} {path}: {:?}", answer.body);
    }
    assert!(service.written().await.is_empty());
}

#[tokio::test]
async fn roles() {
    let service = Service::new().await;
    service.contributor().await.put("/Patient/a", &patient("a", "x")).await;
    let profile = json!({ "resourceType": "SearchParameter", "url": "urn:p", "name": "p", "status": "draft",
        "description": "d", "code": "p", "base": ["Patient"], "type": "token" });
    // read, search, create, update, delete, create of a SearchParameter
    for (role, expected) in [
        (Role::FhirDataReader, [200, 200, 403, 403, 403, 403]),
        (Role::FhirDataExporter, [200, 200, 403, 403, 403, 403]),
        (Role::FhirDataImporter, [200, 200, 403, 403, 403, 403]),
        (Role::FhirDataConverter, [403, 403, 403, 403, 403, 403]),
        (Role::FhirDataWriter, [200, 200, 201, 201, 204, 403]),
        (Role::FhirDataContributor, [200, 200, 201, 201, 204, 201]),
    ] {
        let by = service.role(role).await;
        let id = format!("b-{}", by.id);
        let path = format!("/Patient/{id}");
        let statuses = [
            by.get("/Patient/a").await.status.as_u16(),
            by.get("/Patient?family=x").await.status.as_u16(),
            by.post("/Patient", &patient("a", "x")).await.status.as_u16(),
            by.put(&path, &patient(&id, "x")).await.status.as_u16(),
            by.delete(&path).await.status.as_u16(),
            by.post("/SearchParameter", &profile).await.status.as_u16(),
        ];
        assert_eq!(statuses, expected, "{role:?}");
    }
    let accesses = service.accesses();
    let has = |line: &str| accesses.iter().any(|access| access == line);
    assert!(has("fhir.read Patient/a success"), "{accesses:#?}");
    assert!(has("fhir.read Patient/a refused (role_missing)"), "{accesses:#?}");
    assert!(has("fhir.search-type Patient success"), "{accesses:#?}");
    assert!(
        has("fhir.create SearchParameter refused (role_missing)"),
        "{accesses:#?}"
    );
}
