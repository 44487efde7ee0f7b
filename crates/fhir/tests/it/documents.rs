//! The documents for everybody.

use http::Method;
use hygie_fhir::Limits;
use serde_json::{Value, json};

use crate::service::{BASE, Service, issue};

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("values serialize")
}

#[tokio::test]
async fn the_capability_statement() {
    let service = Service::new().await;
    let answer = service.client.get("/demo/fhir/metadata").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/fhir+json; charset=utf-8")
    );
    let mut statement = answer.json();
    let resources = statement["rest"][0]["resource"].as_array().expect("resources").clone();
    assert_eq!(resources.len(), 146);
    let patient = resources.iter().find(|resource| resource["type"] == "Patient").cloned();
    statement["rest"][0]["resource"] = json!([patient]);
    statement["version"] = json!("V");
    statement["software"]["version"] = json!("V");
    insta::assert_snapshot!(pretty(&statement));
    for mode in ["full", "normative"] {
        let answer = service.client.get(&format!("/demo/fhir/metadata?mode={mode}")).await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(
        issue(&service.client.get("/demo/fhir/metadata?mode=x").await),
        "400 invalid"
    );
    assert_eq!(
        issue(&service.client.get("/demo/fhir/metadata?_format=xml").await),
        "406 not-supported"
    );
    let pretty = service.client.get("/demo/fhir/metadata?_pretty=true").await;
    assert!(
        pretty
            .text()
            .starts_with("{\n  \"resourceType\": \"CapabilityStatement\"")
    );
}

/// What the statement says of itself is valid FHIR.
#[tokio::test]
async fn the_statement_is_a_valid_resource() {
    let service = Service::with(Limits::default()).await;
    let answer = service.client.get("/demo/fhir/metadata").await;
    let by = service.contributor().await;
    let stored = by.post("/CapabilityStatement", &answer.json()).await;
    assert_eq!(stored.status, 201, "{}", stored.text());
}

/// Interactions of the statement exist, and those that it leaves out are not supported.
#[tokio::test]
async fn the_statement_is_true() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let statement = service.client.get("/demo/fhir/metadata").await.json();
    for resource in statement["rest"][0]["resource"].as_array().expect("resources") {
        let kind = resource["type"].as_str().expect("a type");
        for parameter in resource["searchParam"].as_array().expect("parameters") {
            let value = match parameter["type"].as_str() {
                Some("date") => "2020",
                Some("reference" | "number" | "quantity") => "1",
                _ => "x",
            };
            let name = parameter["name"].as_str().expect("a name");
            let path = match parameter["type"].as_str() {
                Some("composite") => format!("/{kind}?{name}:missing=true"),
                _ => format!("/{kind}?{name}={value}"),
            };
            let answer = by.get_with(&path, &[("prefer", "handling=strict")]).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn documents_of_smart_and_versions() {
    let service = Service::new().await;
    let smart = service.client.get("/demo/fhir/.well-known/smart-configuration").await;
    assert_eq!(smart.header("content-type"), "application/json");
    insta::assert_snapshot!(pretty(&smart.json()));
    let versions: Value = service.client.get("/demo/fhir/$versions").await.json();
    assert_eq!(versions, json!({ "versions": ["4.0"], "defaultVersion": "4.0" }));
    let other = service
        .client
        .send(Method::POST, "/demo/fhir/metadata", &[], "".into())
        .await;
    assert_eq!(issue(&other), "405 not-supported");
    assert!(
        smart.json()["token_endpoint"]
            .as_str()
            .is_some_and(|url| !url.starts_with(BASE))
    );
}
