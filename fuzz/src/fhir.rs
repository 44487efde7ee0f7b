//! The FHIR service over HTTP, as a caller with all rights meets it. Input: a request as HTTP/1.1 writes it: method and
//! path under the base, header lines, an empty line, the body. What one input stored is there for the next.
//!
//! Laws: every answer is of FHIR and none is our fault; what was created or updated is read back, its elements as they
//! came; a refusal has an issue.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use hygie_fhir::Limits;
use hygie_fhir_model::json::{Document, Json, Limits as JsonLimits};
use hygie_testkit::Answer;

use crate::request::Request;
use crate::world::{BASE, Service};
use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "fhir",
    run,
    seeds,
    words: r#"
        GET POST PUT DELETE PATCH /Patient /Patient/p1 /Observation /_history /_history/1 /_search /metadata ?name=
        content-type:application/fhir+json application/x-www-form-urlencoded accept:application/fhir+json if-match:W/"1"
        if-none-match:W/"1" if-none-exist: if-modified-since: prefer:return=minimal prefer:handling=strict
        return=representation return=OperationOutcome _format= _pretty=true _summary= _count=1 "resourceType":"Bundle"
        "type":"transaction" "type":"batch" "entry":[ "request": "method":"PUT" "method":"POST" "method":"DELETE"
        "method":"GET" "url": "fullUrl":"urn:uuid: "ifNoneExist": "ifMatch": "resource": "reference": "id": "meta":
        "versionId": "Patient?identifier= Patient/p1"#,
};

const LIMITS: Limits = Limits {
    resource: 16 * 1024,
    bundle: 64 * 1024,
    binary: 0,
    entries: 12,
    time: Duration::from_mins(2),
};

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service::new(LIMITS));

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "GET /metadata\n\n",
        "GET /Patient?name=martin&_count=1\naccept: application/fhir+json\n\n",
        "POST /Patient\ncontent-type: application/fhir+json\nprefer: return=representation\n\n{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Martin\"}],\"multipleBirthInteger\":1}",
        "POST /Patient\ncontent-type: application/fhir+json\nif-none-exist: identifier=a|1\n\n{\"resourceType\":\"Patient\",\"identifier\":[{\"system\":\"a\",\"value\":\"1\"}]}",
        "PUT /Patient/p1\ncontent-type: application/fhir+json\nif-match: W/\"1\"\n\n{\"resourceType\":\"Patient\",\"id\":\"p1\",\"meta\":{\"versionId\":\"7\",\"tag\":[{\"code\":\"t\"}]}, \"active\" : true }",
        "PUT /Patient/p1\ncontent-type: application/fhir+json\n\n{\"id\":\"p1\",\"resourceType\":\"Patient\"}",
        "DELETE /Patient/p1\n\n",
        "GET /Patient/p1/_history?_count=2\n\n",
        "GET /Patient/p1/_history/1\nif-none-match: W/\"1\"\n\n",
        "GET /Patient?n%00%1bme=x&name=a%00\n\n",
        "POST /Patient/_search\ncontent-type: application/x-www-form-urlencoded\n\nname=martin&_sort=-birthdate",
        "POST /\ncontent-type: application/fhir+json\n\n{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"fullUrl\":\"urn:uuid:7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\",\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":\"identifier=a|2\"}},{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"urn:uuid:7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001\"}},\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}},{\"request\":{\"method\":\"GET\",\"url\":\"Patient?name=m\"}}]}",
        "POST /\ncontent-type: application/fhir+json\n\n{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/p1\",\"ifMatch\":\"W/\\\"1\\\"\"}},{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p2\"},\"request\":{\"method\":\"PUT\",\"url\":\"Patient/p2\"}},{\"request\":{\"method\":\"GET\",\"url\":\"Patient/p2/_history/1\"}}]}",
    ])
}

fn send(method: Method, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let service = &*SERVICE;
    let headers = [&[("authorization", service.authorization.as_str())], headers].concat();
    let answer = service
        .client
        .send(method, address, &headers, Body::from(body.to_vec()));
    service.door.runtime.block_on(answer)
}

fn run(input: &[u8]) {
    let Some(request) = Request::read(input, "/demo/fhir") else {
        return;
    };
    let answer = send(request.method.clone(), &request.address, &request.headers, request.body);
    assert!(
        !answer.status.is_server_error() || answer.status == StatusCode::NOT_IMPLEMENTED,
        "{}: {}",
        answer.status,
        answer.text()
    );
    if request.method != Method::HEAD && !answer.body.is_empty() {
        let document = Document::parse(&*answer.body, &JsonLimits::default()).expect("every body is JSON");
        let kind = document.root().find("resourceType").and_then(Json::text);
        let is_refusal = answer.status.is_client_error();
        assert!(
            !is_refusal || kind.as_deref() == Some("OperationOutcome"),
            "{}: {}",
            answer.status,
            answer.text()
        );
        let issues = document.root().find("issue").map_or(0, |issues| issues.items().count());
        assert!(!is_refusal || issues > 0, "a refusal without issue");
    }
    let is_written = matches!(
        (&request.method, answer.status),
        (&Method::POST | &Method::PUT, StatusCode::CREATED | StatusCode::OK)
    );
    if is_written && let Some(version) = answer.header("location").strip_prefix(BASE) {
        kept(&format!("/demo/fhir{version}"), request.body);
    }
}

/// The version that was written holds each element as it came, but for what is the server's.
fn kept(address: &str, sent: &[u8]) {
    let answer = send(Method::GET, address, &[], b"");
    assert_eq!(answer.status, StatusCode::OK, "{address}");
    let read = Document::parse(&*answer.body, &JsonLimits::default()).expect("JSON");
    let Ok(sent) = Document::parse(sent, &JsonLimits::default()) else {
        panic!("{address} was made of no JSON");
    };
    for member in sent
        .root()
        .members()
        .filter(|member| !matches!(&*member.key(), "id" | "meta"))
    {
        let found = read.root().find(&member.key()).map(Json::raw);
        assert_eq!(found, Some(member.raw()), "{} of {address}", member.key());
    }
}
