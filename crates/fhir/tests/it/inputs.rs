//! Bad input gets the protocol's error with a reason; nothing is stored, nothing panics. Good input comes back byte for byte.

use axum::body::Body;
use http::Method;
use proptest::prelude::*;

use crate::service::{FHIR_JSON, Service, issue};

/// Bodies that are no patients, with what they are answered.
fn bad_resources() -> Vec<(Vec<u8>, &'static str)> {
    let deep = format!(
        r#"{{"resourceType":"Patient","extension":{}{}}}"#,
        "[".repeat(500),
        "]".repeat(500)
    );
    let long = format!(
        r#"{{"resourceType":"Patient","name":[{{"text":"{}"}}]}}"#,
        "x".repeat(300_000)
    );
    let utf8 = b"{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"\xc3\x28\"}]}".to_vec();
    vec![
        (b"".to_vec(), "400 structure"),
        (b"{".to_vec(), "400 structure"),
        (b"null".to_vec(), "400 structure"),
        (b"[]".to_vec(), "400 structure"),
        (b"{}".to_vec(), "400 structure"),
        (b"{\"resourceType\":\"Patient\"} x".to_vec(), "400 structure"),
        (
            b"{\"resourceType\":\"Patient\",\"active\":true,\"active\":true}".to_vec(),
            "400 structure",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"active\":\"true\"}".to_vec(),
            "400 structure",
        ),
        (b"{\"resourceType\":\"Patient\",\"name\":{}}".to_vec(), "400 structure"),
        (b"{\"resourceType\":\"Patient\",\"name\":[]}".to_vec(), "400 structure"),
        (
            b"{\"resourceType\":\"Patient\",\"colour\":\"red\"}".to_vec(),
            "400 structure",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"birthDate\":\"1980-02-31\"}".to_vec(),
            "400 value",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"gender\":\"blue\"}".to_vec(),
            "400 code-invalid",
        ),
        (
            b"{\"resourceType\":\"Observation\",\"status\":\"final\"}".to_vec(),
            "400 invalid",
        ),
        (
            b"{\"resourceType\":\"Patient\",\"text\":{\"status\":\"generated\",\"div\":\"<div><script>a()</script></div>\"}}".to_vec(),
            "400 value",
        ),
        (b"{\"resourceType\":\"Nonsense\"}".to_vec(), "400 structure"),
        (b"{\"resourceType\":7}".to_vec(), "400 structure"),
        (deep.into_bytes(), "400 structure"),
        (utf8, "400 structure"),
        (long.into_bytes(), "413 too-long"),
    ]
}

/// U+0000 is no character of a FHIR string, written plainly or escaped; nor of a name.
fn with_nul() -> Vec<(Vec<u8>, &'static str)> {
    let texts = [
        r#"{"resourceType":"Patient","name":[{"text":"a\u0000b"}]}"#,
        "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"a\0b\"}]}",
        r#"{"resourceType":"Patient","x\u0000":true}"#,
    ];
    texts.map(|text| (text.as_bytes().to_vec(), "400 structure")).to_vec()
}

#[tokio::test]
async fn bad_bodies() {
    let service = Service::new().await;
    let by = service.contributor().await;
    for (body, expected) in bad_resources().into_iter().chain(with_nul()) {
        let text = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = by.send(Method::POST, "/Patient", &[FHIR_JSON], Body::from(body)).await;
        let found = issue(&answer);
        assert_eq!(
            found.split(' ').next(),
            expected.split(' ').next(),
            "{text}: {}",
            answer.text()
        );
        assert_eq!(found, expected, "{text}: {}", answer.text());
        assert!(
            !answer.json()["issue"][0]["diagnostics"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        );
    }
    assert!(service.written().await.is_empty());
    assert_eq!(by.get("/Patient").await.json()["entry"], serde_json::Value::Null);
}

/// Files of some editors begin with one.
#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_the_resource() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let created = by
        .post_with("/Patient", &[], "\u{feff}{\"resourceType\":\"Patient\"}")
        .await;
    assert_eq!(created.status, 201);
    assert!(created.text().starts_with('{'));
}

#[tokio::test]
async fn a_body_of_fifty_megabytes() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let body = vec![b' '; 50_000_000];
    for path in ["/Patient", ""] {
        let answer = by
            .send(Method::POST, path, &[FHIR_JSON], Body::from(body.clone()))
            .await;
        assert_eq!(issue(&answer), "413 too-long");
    }
}

#[tokio::test]
async fn bad_addresses() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let long = format!("/Patient/{}", "a".repeat(65));
    for (method, path, expected) in [
        (Method::GET, "/Nonsense", "404 not-supported"),
        (Method::GET, "/Nonsense/1", "404 not-supported"),
        (Method::GET, "/patient/1", "404 not-supported"),
        (Method::GET, "/Patient/none", "404 not-found"),
        (Method::GET, "/Patient/a%20b", "404 not-found"),
        (Method::GET, "/Patient/a%00b", "404 not-found"),
        (Method::GET, long.as_str(), "404 not-found"),
        (Method::GET, "/Patient/none/_history/1", "404 not-found"),
        (Method::GET, "/Patient/none/_history/x", "404 not-found"),
        (Method::GET, "/Patient/none/_history/99999999999", "404 not-found"),
        (Method::GET, "/Patient/$everything", "405 not-supported"),
        (Method::POST, "/$export", "405 not-supported"),
        (Method::GET, "/Patient/1/Observation", "405 not-supported"),
        (Method::GET, "/", "405 not-supported"),
        (Method::PATCH, "/Patient/1", "415 not-supported"),
        (Method::DELETE, "/Patient?family=x&hardDelete=true", "405 not-supported"),
        (Method::DELETE, "/Patient/1?hardDelete=true", "405 not-supported"),
        (Method::GET, "/Patient?birthdate=tomorrow", "400 invalid"),
        (Method::GET, "/Patient?_count=-1", "400 invalid"),
        (Method::GET, "/Patient?ct=AAAA", "400 invalid"),
    ] {
        let answer = by.send(method.clone(), path, &[], "").await;
        assert_eq!(issue(&answer), expected, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn deletion_of_what_never_was() {
    let service = Service::new().await;
    let by = service.contributor().await;
    let answer = by.delete("/Patient/never").await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (204, ""));
    assert_eq!(service.accesses(), ["fhir.delete Patient/never success"]);
}

/// JSON texts of a patient, as odd as JSON allows: spaces, escapes, order, numbers.
fn odd_patients() -> impl Strategy<Value = String> {
    let space = prop_oneof![Just(""), Just(" "), Just("\n\t"), Just("\r\n  ")];
    let text = prop_oneof![
        Just(r#""Lefèvre""#),
        Just(r#""Lef\u00e8vre""#),
        Just(r#""\ud83d\ude00 \/ \"q\" \\ ""#),
        Just(r#""a\tb""#),
    ];
    let number = prop_oneof![
        Just("1.00"),
        Just("1e2"),
        Just("-0.000"),
        Just("100000000000000000000.5"),
        Just("1E-7"),
        Just("0.30"),
    ];
    let member = prop_oneof![
        Just(r#""active":true"#.to_owned()),
        Just(r#""gender" : "female""#.to_owned()),
        Just(r#""birthDate":"1980-05""#.to_owned()),
        text.clone()
            .prop_map(|text| format!(r#""name":[{{ "family":{text} ,"given":[{text}]}}]"#)),
        number.prop_map(|number| format!(r#""extension":[{{"url":"urn:x","valueDecimal":{number}}}]"#)),
        text.prop_map(|text| format!(r#""meta":{{"tag":[{{"code":"c","display":{text}}}], "versionId":"77"}}"#)),
        Just(r#""meta":{"lastUpdated":"2001-01-01T00:00:00Z"}"#.to_owned()),
        Just(r#""id":"\u0061""#.to_owned()),
        Just(r#""\u0069d":"x""#.to_owned()),
    ];
    (
        prop::collection::vec(member, 0..7),
        prop::collection::vec(space, 12),
        any::<bool>(),
    )
        .prop_map(|(mut members, spaces, is_type_first)| {
            let mut seen = std::collections::HashSet::new();
            members.retain(|member| {
                let key = member.split([':', ' ']).next().unwrap_or_default();
                seen.insert(key.replace("\\u0069", "i"))
            });
            let at = if is_type_first { 0 } else { members.len() };
            members.insert(at, r#""resourceType":"Patient""#.to_owned());
            let mut spaces = spaces.into_iter().cycle();
            let mut text = String::from("{");
            for (position, member) in members.iter().enumerate() {
                text.push_str(if position == 0 { "" } else { "," });
                text.push_str(spaces.next().unwrap_or_default());
                text.push_str(member);
                text.push_str(spaces.next().unwrap_or_default());
            }
            text + "}"
        })
}

/// Takes what the server may add or change out of a text: `id`, `meta.versionId`, `meta.lastUpdated`.
pub fn without_server_members(text: &str) -> String {
    use hygie_fhir_model::json::{Document, Edit, Limits};
    let document = Document::parse(text, &Limits::default()).expect("JSON");
    let root = document.root();
    let mut edit = Edit::new(&document);
    edit.remove(root, "id");
    if let Some(meta) = root.find("meta") {
        edit.remove(meta, "versionId").remove(meta, "lastUpdated");
    }
    let text = edit.finish();
    // An empty meta, or none: the same to the server.
    let document = Document::parse(text.as_str(), &Limits::default()).expect("JSON");
    let mut edit = Edit::new(&document);
    if document
        .root()
        .find("meta")
        .is_some_and(|meta| meta.members().next().is_none())
    {
        edit.remove(document.root(), "meta");
    }
    edit.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_read_is_what_was_written(bodies in prop::collection::vec(odd_patients(), 8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let service = Service::new().await;
            let by = service.contributor().await;
            for body in bodies {
                let created = by.post_with("/Patient", &[], &body).await;
                assert_eq!(created.status, 201, "{body}: {}", created.text());
                let resource = created.json();
                let id = resource["id"].as_str().expect("an id");
                assert_eq!(resource["meta"]["versionId"], "1");
                assert_eq!(resource["meta"]["lastUpdated"], "2026-11-21T08:30:00.000Z");
                let read = by.get(&format!("/Patient/{id}")).await;
                assert_eq!(read.text(), created.text());
                assert_eq!(without_server_members(read.text()), without_server_members(&body));
            }
        });
    }
}
