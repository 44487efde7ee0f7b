//! Of every document: what is read is written so that it is read again, and nothing makes a reader panic.

use hygie_policy::agreement::{Agreement, AgreementFile, NewAgreement, TermsExpiration};
use hygie_policy::certificate::X509Certificate;
use hygie_policy::json::{Member, read};
use hygie_policy::policy::AuthenticationContext;
use hygie_policy::psc::{Application, Export, check};
use hygie_policy::what_if::Request;
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::documents::exported;
use crate::model::policy;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        proptest::sample::select(vec![
            "All",
            "none",
            "all",
            "enabled",
            "fido2",
            "c1",
            "192.0.2.0/24",
            "#microsoft.graph.ipNamedLocation"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![
            "\\PC{0,8}",
            proptest::sample::select(vec![
                "@odata.type",
                "value",
                "policies",
                "displayName",
                "state",
                "conditions",
                "Conditions",
                "users",
                "ipRanges",
                "grantControls",
                "allowedCombinations",
                "a.b",
                "a[0]",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The pointers to everything in a document.
fn places(document: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match document {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| places(value, &format!("{here}/{name}"), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| places(item, &format!("{here}/{n}"), found)),
        _ => {}
    }
}

fn stays<T: Member + PartialEq + std::fmt::Debug>(document: &Value) {
    if let Ok(found) = read::<T>(document) {
        let written = found.write();
        assert_eq!(read::<T>(&written).as_ref(), Ok(&found), "{document}");
        assert_eq!(read::<T>(&written).expect("it was just read").write(), written);
    }
}

fn read_by_all(document: &Value) {
    stays::<Policy>(document);
    stays::<NamedLocation>(document);
    stays::<AuthenticationStrength>(document);
    stays::<X509Certificate>(document);
    stays::<Request>(document);
    stays::<Agreement>(document);
    stays::<AgreementFile>(document);
    stays::<NewAgreement>(document);
    stays::<AuthenticationContext>(document);
    if let Ok(policy) = Policy::from_json(document) {
        let _ = policy.check();
    }
    if let Ok(export) = Export::read(document.to_string().as_bytes()) {
        let _ = check(&export, Application::Assumed).to_json();
    }
}

proptest! {
    #[test]
    fn policies_are_written_as_they_are_read(document in policy()) {
        stays::<Policy>(&document);
        let policy = Policy::from_json(&document).expect("a policy");
        prop_assert_eq!(policy.patched(&json!({})), Ok(policy.clone()));
        prop_assert_eq!(policy.patched(&document), Ok(policy));
    }

    #[test]
    fn nothing_makes_a_reader_panic(document in value(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        read_by_all(&document);
        let _ = Export::read(&bytes);
    }

    #[test]
    fn a_document_with_something_else_in_it(place in any::<prop::sample::Index>(), value in value()) {
        let mut document = exported();
        let mut found = Vec::new();
        places(&document, "", &mut found);
        *document.pointer_mut(place.get::<String>(&found)).expect("it is there") = value.clone();
        read_by_all(&document);
        let _ = Policy::from_json(&exported()).expect("a policy").patched(&value);
    }

    #[test]
    fn agreements_are_written_as_they_are_read(
        name in "\\PC{0,20}", days in 1..4_000_u32, start in any::<i32>(), viewed in any::<Option<bool>>(),
        accepted in any::<i32>(),
    ) {
        let document = json!({ "displayName": name, "isViewingBeforeAcceptanceRequired": viewed,
            "userReacceptRequiredFrequency": format!("P{days}D"),
            "termsExpiration": { "startDateTime": hygie_core::Timestamp::from_secs(start.into()).to_rfc3339(),
                "frequency": "P30D" } });
        stays::<Agreement>(&document);
        if let Ok(agreement) = read::<Agreement>(&document) {
            let accepted = hygie_core::Timestamp::from_secs(accepted.into());
            // An acceptance ends after it was given, and no later than its own time and the common end.
            let ends = agreement.expires_at(accepted).expect("it ends");
            let common = TermsExpiration { frequency: None, ..agreement.expiration.clone().expect("a common end") };
            let month = std::time::Duration::from_hours(24 * 30);
            prop_assert!(ends > accepted);
            prop_assert!(accepted < common.start || ends <= accepted + month);
            prop_assert!(accepted >= common.start || ends <= common.start);
        }
    }
}
