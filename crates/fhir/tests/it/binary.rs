//! Binary resources in their native form. <http://hl7.org/fhir/R4/binary.html#rest>

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use hygie_access::Role;
use hygie_fhir::Limits;
use hygie_testkit::Answer;
use serde_json::json;

use crate::service::{BASE, By, FHIR_JSON, Service, entries, issue};

const PNG: (&str, &str) = ("content-type", "image/png");
const RESOURCE: (&str, &str) = ("accept", "application/fhir+json");
const ANY: (&str, &str) = ("accept", "*/*");

/// Bytes of which no two chunks are the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(next).collect()
}

async fn upload(by: &By<'_>, content: &[u8]) -> String {
    let answer = by.send(Method::POST, "/Binary", &[PNG], content.to_vec()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn data_of(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    STANDARD
        .decode(answer.json()["data"].as_str().expect("data"))
        .expect("base64")
}

#[tokio::test]
async fn content_goes_in_and_comes_out() {
    let mut service = Service::new().await;
    let content = noise(300_000);
    let by = service.contributor().await;
    let headers = [PNG, ("x-security-context", "Patient/p1")];
    let created = by.send(Method::POST, "/Binary", &headers, content.clone()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let resource = created.json();
    let id = resource["id"].as_str().expect("an id").to_owned();
    assert_eq!(resource["contentType"], "image/png");
    assert_eq!(resource["securityContext"]["reference"], "Patient/p1");
    assert_eq!(resource["meta"]["tag"][0]["code"], "SUBSETTED");
    assert!(resource.get("data").is_none());
    assert_eq!(created.header("location"), format!("{BASE}/Binary/{id}/_history/1"));
    assert_eq!(created.header("etag"), "W/\"1\"");
    drop(by);
    service.restart().await;
    let by = service.contributor().await;
    for accept in ["*/*", "image/png", "image/webp,*/*;q=0.8", "application/pdf", ""] {
        let read = by.get_with(&format!("/Binary/{id}"), &[("accept", accept)]).await;
        assert_eq!(read.status, 200, "{accept}: {}", read.text());
        assert!(read.body == content, "{accept}");
        for (name, expected) in [
            ("content-type", "image/png"),
            ("content-length", "300000"),
            ("etag", "\"1\""),
            ("accept-ranges", "bytes"),
            ("x-security-context", "Patient/p1"),
            ("x-content-type-options", "nosniff"),
            ("content-disposition", "attachment"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("vary", "accept"),
        ] {
            assert_eq!(read.header(name), expected, "{name}");
        }
        assert!(!read.header("last-modified").is_empty());
    }
    for (path, accept) in [
        (format!("/Binary/{id}"), "application/fhir+json"),
        (format!("/Binary/{id}"), "application/json"),
        (format!("/Binary/{id}?_format=json"), "*/*"),
        (format!("/Binary/{id}?_format=json&_pretty=true"), "*/*"),
        (format!("/Binary/{id}/_history/1"), "application/fhir+json"),
    ] {
        let read = by.get_with(&path, &[("accept", accept)]).await;
        assert!(data_of(&read) == content, "{path}");
        assert_eq!((read.header("etag"), read.header("vary")), ("W/\"1\"", "accept"));
        assert_eq!(read.json()["securityContext"]["reference"], "Patient/p1");
        assert!(read.json()["meta"].get("tag").is_none());
    }
    let read = by
        .get_with(&format!("/Binary/{id}?_format=image/png"), &[RESOURCE])
        .await;
    assert!(read.body == content);
    for path in [format!("/Binary/{id}"), format!("/Binary/{id}?_format=xml")] {
        let refused = by.get_with(&path, &[("accept", "application/fhir+xml")]).await;
        assert_eq!(issue(&refused), "406 not-supported", "{path}");
    }
    let report = service.verified().await;
    assert_eq!((report.blobs, report.bytes, report.orphans), (1, 300_000, 0));
    assert_eq!((report.uploads, report.findings), (0, Vec::new()));
}

#[tokio::test]
async fn ranges_and_conditions() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let content = noise(200_000);
    let id = upload(&by, &content).await;
    let path = format!("/Binary/{id}");
    for (range, expected, shown) in [
        ("bytes=0-0", 0..1, "bytes 0-0/200000"),
        ("bytes=65535-65536", 65_535..65_537, "bytes 65535-65536/200000"),
        ("bytes=199990-", 199_990..200_000, "bytes 199990-199999/200000"),
        ("bytes=-7", 199_993..200_000, "bytes 199993-199999/200000"),
        ("bytes=100-9999999", 100..200_000, "bytes 100-199999/200000"),
    ] {
        for path in [path.clone(), format!("{path}/_history/1")] {
            let part = by.get_with(&path, &[ANY, ("range", range)]).await;
            assert_eq!((part.status.as_u16(), part.header("content-range")), (206, shown));
            assert!(part.body == content[expected.clone()], "{range}");
            assert_eq!(part.header("content-length"), expected.len().to_string());
        }
    }
    let outside = by.get_with(&path, &[ANY, ("range", "bytes=200000-")]).await;
    assert_eq!(issue(&outside), "416 invalid");
    assert_eq!(outside.header("content-range"), "bytes */200000");
    for headers in [
        [ANY, ("range", "bytes=0-1,3-4")],
        [ANY, ("range", "lines=0-1")],
        [("range", "bytes=0-1"), ("if-range", "\"2\"")],
        [("range", "bytes=0-1"), ("if-range", "W/\"1\"")],
        [("range", "bytes=0-1"), ("if-range", "Wed, 18 Nov 2026 11:06:40 GMT")],
    ] {
        let whole = by.get_with(&path, &headers).await;
        assert_eq!((whole.status.as_u16(), whole.body.len()), (200, 200_000), "{headers:?}");
    }
    let same = by
        .get_with(&path, &[("range", "bytes=0-1"), ("if-range", "\"1\"")])
        .await;
    assert_eq!((same.status.as_u16(), &same.body[..]), (206, &content[..2]));
    // The resource has no ranges.
    let resource = by.get_with(&path, &[RESOURCE, ("range", "bytes=0-1")]).await;
    assert!(data_of(&resource) == content);
    for (accept, tag) in [(ANY, "\"1\""), (ANY, "W/\"1\""), (RESOURCE, "W/\"1\"")] {
        let known = by.get_with(&path, &[accept, ("if-none-match", tag)]).await;
        assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
        let expected = if accept == ANY { "\"1\"" } else { "W/\"1\"" };
        assert_eq!((known.header("etag"), known.header("vary")), (expected, "accept"));
    }
    let head = by.send(Method::HEAD, &path, &[ANY], "").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "200000"));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn versions_and_what_they_refer_to() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let contents = [noise(70_000), b"second".to_vec(), Vec::new()];
    for (number, content) in contents.iter().enumerate() {
        let put = by.send(Method::PUT, "/Binary/b", &[PNG], content.clone()).await;
        assert_eq!(
            put.status.as_u16(),
            if number == 0 { 201 } else { 200 },
            "{}",
            put.text()
        );
    }
    let empty = by.get_with("/Binary/b", &[RESOURCE]).await.json();
    assert!(
        empty.get("data").is_none() && empty["meta"]["versionId"] == "3",
        "{empty}"
    );
    // A patch sees the resource without its content, and keeps that.
    let patch = json!([{ "op": "add", "path": "/securityContext", "value": { "reference": "Patient/x" } }]);
    let json_patch = [("content-type", "application/json-patch+json"), ("if-match", "W/\"3\"")];
    by.send(Method::PUT, "/Binary/b", &[PNG], contents[0].clone()).await;
    let late = by
        .send(Method::PATCH, "/Binary/b", &json_patch, patch.to_string())
        .await;
    assert_eq!(issue(&late), "412 conflict");
    let patched = by
        .send(Method::PATCH, "/Binary/b", &json_patch[..1], patch.to_string())
        .await;
    assert_eq!(
        (patched.status.as_u16(), &patched.json()["meta"]["versionId"]),
        (200, &json!("5"))
    );
    let read = by.get_with("/Binary/b", &[ANY]).await;
    assert!(read.body == contents[0] && read.header("x-security-context") == "Patient/x");
    // One that brings other content does not.
    let patch = json!([{ "op": "add", "path": "/data", "value": STANDARD.encode("inline") }]);
    by.send(Method::PATCH, "/Binary/b", &json_patch[..1], patch.to_string())
        .await;
    assert_eq!(&by.get_with("/Binary/b", &[ANY]).await.body[..], b"inline");
    by.delete("/Binary/b").await;
    assert_eq!(issue(&by.get_with("/Binary/b", &[ANY]).await), "410 deleted");
    for (number, content) in [
        (1, &contents[0]),
        (2, &contents[1]),
        (3, &contents[2]),
        (5, &contents[0]),
    ] {
        let read = by.get_with(&format!("/Binary/b/_history/{number}"), &[ANY]).await;
        assert!(read.status == 200 && read.body == *content, "{number}: {}", read.status);
    }
    let report = service.verified().await;
    assert_eq!((report.blobs, report.orphans, report.findings), (4, 0, Vec::new()));
    let history = by.get("/Binary/b/_history").await.json();
    assert_eq!(history["entry"].as_array().map(Vec::len), Some(7));
    assert_eq!(history["entry"][2]["resource"]["meta"]["tag"][0]["code"], "SUBSETTED");
    assert_eq!(history["entry"][1]["resource"]["data"], STANDARD.encode("inline"));
    let (now, again) = service.index_and_again().await;
    assert_eq!(now, again);
}

#[tokio::test]
async fn content_in_a_resource_is_read_natively_too() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let with = |kind: &str, data: &str| json!({ "resourceType": "Binary", "contentType": kind, "data": data });
    for (kind, data, expected, shown) in [
        ("text/plain", "aGVs\nbG8=", "hello", "text/plain"),
        ("text/html; charset=utf-8", "PGI+", "<b>", "text/html; charset=utf-8"),
        // Whatever it is, it is no header.
        ("no type", "aGVsbG8=", "hello", "application/octet-stream"),
        ("text/html; x=\u{e9}", "aGVsbG8=", "hello", "application/octet-stream"),
    ] {
        let created = by.post("/Binary", &with(kind, data)).await.json();
        assert_eq!(created["data"], data, "a resource that came whole is shown whole");
        let path = format!("/Binary/{}", created["id"].as_str().expect("an id"));
        let read = by.get_with(&path, &[ANY]).await;
        assert_eq!((read.text(), read.header("content-type")), (expected, shown));
        let part = by.get_with(&path, &[ANY, ("range", "bytes=1-1")]).await;
        assert_eq!((part.status.as_u16(), part.text()), (206, &expected[1..2]));
        let resource = by.get_with(&path, &[RESOURCE]).await.json();
        assert_eq!(resource["data"], data);
    }
    let without = by
        .post(
            "/Binary",
            &json!({ "resourceType": "Binary", "contentType": "text/plain" }),
        )
        .await
        .json();
    let read = by
        .get_with(&format!("/Binary/{}", without["id"].as_str().expect("an id")), &[ANY])
        .await;
    assert_eq!((read.status.as_u16(), read.body.len()), (200, 0));
    assert_eq!(service.verified().await.blobs, 0);
}

/// JSON is content unless it is a Binary resource.
#[tokio::test]
async fn json_as_content() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for (kind, text) in [
        ("application/json", r#"[1.00, "a"]"#),
        ("application/fhir+json", r#"{"resourceType":"Patient"}"#),
        ("application/json; charset=iso-8859-1", "{}"),
        ("application/x-ndjson", "{}\n{}\n"),
    ] {
        let created = by.send(Method::POST, "/Binary", &[("content-type", kind)], text).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let path = format!("/Binary/{}", created.json()["id"].as_str().expect("an id"));
        let read = by.get_with(&path, &[("accept", "application/json")]).await;
        if kind.contains("fhir") || kind.starts_with("application/json") {
            assert_eq!((read.text(), read.header("content-type")), (text, kind));
        } else {
            assert_eq!(data_of(&read), text.as_bytes());
        }
    }
    let put = by
        .send(Method::PUT, "/Binary/j", &[("content-type", "application/json")], "3")
        .await;
    assert_eq!(put.status, 201, "{}", put.text());
    let broken = by
        .send(Method::POST, "/Binary", &[FHIR_JSON], r#"{"resourceType":"Binary""#)
        .await;
    assert_eq!(issue(&broken), "400 structure");
    assert_eq!(service.verified().await.blobs, 5);
}

#[tokio::test]
async fn what_is_no_content() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let long = format!("Patient/{}", "x".repeat(2000));
    for (headers, expected) in [
        (vec![], "415 not-supported"),
        (vec![("content-type", "image")], "400 invalid"),
        (vec![("content-type", "image/png; a=\"")], "400 invalid"),
        (vec![("content-type", "application/fhir+xml")], "415 not-supported"),
        (vec![PNG, ("content-encoding", "gzip")], "415 not-supported"),
        (vec![PNG, ("x-security-context", "")], "400 invalid"),
        (vec![PNG, ("x-security-context", "Patient/a b")], "400 invalid"),
        (vec![PNG, ("x-security-context", long.as_str())], "400 invalid"),
    ] {
        let refused = by.send(Method::POST, "/Binary", &headers, "x").await;
        assert_eq!(issue(&refused), expected, "{headers:?}");
    }
    // Only this type has content.
    let refused = by.send(Method::POST, "/Patient", &[PNG], "x").await;
    assert_eq!(issue(&refused), "415 not-supported");
    let refused = by.send(Method::PUT, "/Binary/b?x=y", &[PNG], "x").await;
    assert_eq!(issue(&refused), "405 not-supported");
    assert_eq!(service.verified().await, hygie_store::blobs::Report::default());
}

/// A body that counts what is taken of it.
fn watched(taken: &Arc<AtomicU64>) -> Body {
    let taken = taken.clone();
    Body::from_stream(stream::iter((0..1000).map(move |_| {
        taken.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(Bytes::from_static(&[7; 1000]))
    })))
}

#[tokio::test]
async fn who_may_not_is_refused_before_the_body_is_read() {
    let service = Service::with(Limits {
        binary: 100_000,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let reader = service.role(Role::FhirDataReader).await;
    let stranger = service.bearing("no token");
    by.send(Method::PUT, "/Binary/b", &[PNG], "x").await;
    let taken = Arc::new(AtomicU64::new(0));
    for (by, method, path, header, expected) in [
        (&stranger, Method::POST, "/Binary", PNG, "401 login"),
        (&reader, Method::POST, "/Binary", PNG, "403 forbidden"),
        (&reader, Method::PUT, "/Binary/b", PNG, "403 forbidden"),
        (&by, Method::PUT, "/Binary/b", ("if-match", "W/\"2\""), "412 conflict"),
        (&by, Method::PUT, "/Binary/c", ("if-match", "W/\"1\""), "404 not-found"),
        (&by, Method::PUT, "/Binary/b", ("if-match", "1"), "400 invalid"),
        (
            &by,
            Method::POST,
            "/Binary",
            ("if-none-exist", "x=y"),
            "400 not-supported",
        ),
        (
            &by,
            Method::POST,
            "/Binary",
            ("content-length", "100001"),
            "413 too-long",
        ),
        (&by, Method::PUT, "/Binary?_id=b&_id=", PNG, "400 invalid"),
    ] {
        let refused = by.send(method, path, &[PNG, header], watched(&taken)).await;
        assert_eq!(
            (issue(&refused).as_str(), taken.load(Ordering::Relaxed)),
            (expected, 0),
            "{path} {header:?}"
        );
    }
}

#[tokio::test]
async fn what_is_there_or_too_long_is_not_read_to_its_end() {
    let service = Service::with(Limits {
        binary: 100_000,
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    by.send(Method::PUT, "/Binary/b", &[PNG], "x").await;
    let taken = Arc::new(AtomicU64::new(0));
    let there = by
        .send(
            Method::POST,
            "/Binary",
            &[PNG, ("if-none-exist", "_id=b")],
            watched(&taken),
        )
        .await;
    assert_eq!(
        (there.status.as_u16(), taken.load(Ordering::Relaxed)),
        (200, 0),
        "{}",
        there.text()
    );
    assert_eq!(there.json()["id"], "b");
    let last = service.accesses().pop();
    assert_eq!(last.as_deref(), Some("fhir.create Binary success"));
    // What does not say how long it is, is read until it is too long.
    let long = by.send(Method::POST, "/Binary", &[PNG], watched(&taken)).await;
    assert_eq!(
        (issue(&long).as_str(), taken.load(Ordering::Relaxed)),
        ("413 too-long", 101)
    );
    let report = service.verified().await;
    assert_eq!((report.blobs, report.orphans, report.uploads), (1, 0, 0));
}

#[tokio::test]
async fn conditions_and_searches() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let created = by.send(Method::PUT, "/Binary?_id=none", &[PNG], "one").await;
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let updated = by.send(Method::PUT, &format!("/Binary?_id={id}"), &[PNG], "two").await;
    assert_eq!(
        (updated.status.as_u16(), &updated.json()["meta"]["versionId"]),
        (200, &json!("2"))
    );
    let page = by.get("/Binary").await.json();
    let found = entries(&page, "match");
    assert_eq!((found.len(), &found[0]["contentType"]), (1, &json!("image/png")));
    assert_eq!(found[0]["meta"]["tag"][0]["code"], "SUBSETTED");
    let bundle = json!({ "resourceType": "Bundle", "type": "batch",
        "entry": [{ "request": { "method": "GET", "url": format!("Binary/{id}") } }] });
    let batch = by.post("", &bundle).await.json();
    assert_eq!(
        batch["entry"][0]["resource"]["meta"]["tag"][0]["code"], "SUBSETTED",
        "{batch}"
    );
    let written = service.written().await;
    assert_eq!(
        written.last(),
        Some(&format!("fhir.update Binary/{id}/_history/2 success"))
    );
    by.get_with(&format!("/Binary/{id}"), &[ANY]).await;
    assert_eq!(service.accesses().pop(), Some(format!("fhir.read Binary/{id} success")));
}

/// A client that leaves, and one that dawdles.
#[tokio::test]
async fn what_does_not_come_to_its_end_leaves_nothing() {
    let service = Service::with(Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    })
    .await;
    let by = service.contributor().await;
    let pieces = (0..3).map(|_| Ok(Bytes::from(noise(1 << 20))));
    let broken = pieces.chain([Err("the client is gone")]);
    let cut = by
        .send(Method::POST, "/Binary", &[PNG], Body::from_stream(stream::iter(broken)))
        .await;
    assert_eq!(issue(&cut), "400 invalid");
    let pieces = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"a little ")), ()))
    });
    let slow = by
        .send(Method::POST, "/Binary", &[PNG], Body::from_stream(pieces))
        .await;
    assert_eq!(issue(&slow), "408 timeout");
    let report = service.verified().await;
    assert_eq!((report.blobs, report.orphans, report.uploads), (0, 0, 0));
    assert!(service.written().await.is_empty());
}
