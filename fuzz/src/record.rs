//! Records of the FHIR journal and their compressed bodies. Input: a record; also the body of one.
//!
//! Laws: what is read is written and read again unchanged; every body comes back.

use std::sync::{Arc, LazyLock};

use hygie_core::Timestamp;
use hygie_fhir_model::ResourceType;
use hygie_fhir_store::repo::{Codec, Given, Method, Record, Seams, Version, decode, encode, encode_numbers};
use hygie_store::blobs::{BlobId, Reference};

use crate::Target;

pub const TARGET: Target = Target {
    name: "record",
    run,
    seeds,
    words: "\x01\x00\x00\x01 \x01\x02 Patient \x02\x02a {\"resourceType\":",
};

static CODEC: LazyLock<Codec> = LazyLock::new(Codec::default);

fn version(method: Method, body: &str) -> Version {
    Version {
        kind: ResourceType::find("Patient").expect("a type"),
        id: "p-1".parse().expect("an id"),
        rid: 3,
        number: 2,
        seq: 5,
        previous: 4,
        updated: Timestamp::from_secs(1_795_249_800),
        method,
        body: Arc::new(body.to_owned()),
        seams: Seams::default(),
        large: None,
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let given = Given {
        resources: vec![(ResourceType::find("Organization").expect("a type"), "o".to_owned(), -7)],
        systems: vec![("http://loinc.org".to_owned(), i64::MAX)],
    };
    let body = r#"{"resourceType":"Patient","name":[{"family":"Martin"}]}"#;
    let record = |method, body: &str, given| encode(&version(method, body), given, &CODEC.compress(body.as_bytes()));
    let large = Version {
        large: Some(Reference {
            id: BlobId([7; 16]),
            len: 300,
        }),
        ..version(Method::Create, "{}")
    };
    vec![
        record(Method::Create, body, &given),
        record(Method::Update, "{}", &Given::default()),
        record(Method::Delete, "", &given),
        encode(&large, &given, &CODEC.compress(b"{}")),
        encode_numbers(&given),
    ]
}

fn run(input: &[u8]) {
    match decode(5, input, &CODEC) {
        Ok(Record::Version(version, given)) => same(version, given),
        Ok(Record::Numbers(given)) => {
            let again = decode(5, &encode_numbers(&given), &CODEC).expect("what was written is read");
            assert_eq!(again, Record::Numbers(given));
        }
        Err(_) => {}
    }
    let Ok(body) = std::str::from_utf8(input) else { return };
    let method = if body.is_empty() {
        Method::Delete
    } else {
        Method::Update
    };
    same(version(method, body), Given::default());
}

fn same(version: Version, given: Given) {
    let record = encode(&version, &given, &CODEC.compress(version.body.as_bytes()));
    let again = decode(version.seq, &record, &CODEC).expect("what was written is read");
    assert_eq!(again, Record::Version(version, given));
}
