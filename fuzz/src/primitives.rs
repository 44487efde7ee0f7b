//! Small texts: dates, decimals, ids, references, folded strings, ranges of addresses, continuations. Input: the text.
//!
//! Laws: what is read is written and read again unchanged, and where a type keeps all of its text, it is the same text;
//! intervals have their ends in order; folding twice changes nothing.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr};

use hygie_fhir_model::{DateTime, Decimal, EARLIEST, Id, LATEST, ResourceType, Target as Reference, fold, is_id};
use hygie_fhir_store::search::Continuation;
use hygie_jose::base64url;
use hygie_web::client::Network;

use crate::{Target, texts};

pub const TARGET: Target = Target {
    name: "primitives",
    run,
    seeds,
    words: r"
        2024-02-29 T23:59:60 +14:00 -00:00 .123456789 Z 0001 9999 1e-7 E+300 -0.0 Patient/ /_history/
        https://a.example/fhir/ urn:uuid: # ?identifier= Œ ß İ 10.0.0.0/8 ::ffff: 2001:db8::/32",
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "2024-02-29",
        "2016-12-31T23:59:60.999999999+14:00",
        "0001",
        "9999-12-31T23:59:59Z",
        "-12.340e-5",
        "0.00",
        "99999999999999999999999999999999999e300",
        "Patient/1/_history/2",
        "https://a.example/fhir/Patient/a.b-c",
        "#p1",
        "Patient?identifier=a|b",
        "urn:uuid:7b3f0a52-7f5c-4f2e-9f39-1d1b1a7a0001",
        "  L\u{2019}Ha\u{ff} \u{152}UVRE stra\u{df}e \u{130}",
        "10.0.0.0/8",
        "2001:db8::/32",
        "AAEx",
        "BAD",
        "dupont\t\u{337}",
    ])
}

fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    date(text);
    decimal(text);
    assert_eq!(text.parse::<Id>().is_ok_and(|id| id.as_str() == text), is_id(text));
    assert_eq!(Reference::parse(text).to_string(), text);
    assert!(ResourceType::find(text).is_none_or(|kind| kind.name() == text));
    let folded = fold(text).into_owned();
    assert_eq!(fold(&folded), folded, "folded twice");
    if let Ok(continuation) = Continuation::decode(text) {
        assert_eq!(continuation.encode(), text);
    }
    if let Ok(bytes) = base64url::decode(text) {
        assert_eq!(base64url::encode(bytes), text);
    }
    network(text);
}

fn date(text: &str) {
    let Some(date) = DateTime::parse(text) else { return };
    let printed = date.to_string();
    assert_eq!(DateTime::parse(&printed), Some(date));
    let interval = date.interval();
    assert!(
        EARLIEST <= interval.low && interval.low <= interval.high && interval.high <= LATEST,
        "{interval:?}"
    );
    assert!(!(date.is_date() && date.is_instant()));
}

fn decimal(text: &str) {
    let Some(value) = Decimal::parse(text) else { return };
    assert_eq!(Decimal::parse(&value.to_string()), Some(value), "{value}");
    let (low, high) = value.range();
    assert_eq!(
        (low.compare(value), value.compare(value), high.compare(value)),
        (Ordering::Less, Ordering::Equal, Ordering::Greater)
    );
    let float: f64 = text.strip_prefix('+').unwrap_or(text).parse().expect("a number");
    assert!(
        (value.to_f64() - float).abs() <= float.abs() * 1e-15,
        "{} is not {float}",
        value.to_f64()
    );
}

fn network(text: &str) {
    let Ok(network) = text.parse::<Network>() else { return };
    let (address, prefix) = text.split_once('/').unwrap_or((text, "128"));
    let address: IpAddr = address.parse().expect("it was read as one");
    assert!(network.contains(address), "{text} without itself");
    let is_wide = prefix.trim_start_matches(['+', '0']).is_empty();
    assert!(
        is_wide
            || !(network.contains(Ipv4Addr::UNSPECIFIED.into()) && network.contains(Ipv4Addr::BROADCAST.into()))
            || address.is_ipv6()
    );
}
