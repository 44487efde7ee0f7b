//! The language of device filters.

use hygie_policy::Policy;
use hygie_policy::check::Broken;
use hygie_policy::filter::{Comparison, MAX_DEPTH, MAX_RULE, Property, Rule, Why, matches};
use hygie_policy::signin::Device;
use proptest::prelude::*;
use serde_json::json;

use crate::documents::{least, with};

fn ward() -> Device {
    let attributes = [
        ("displayName", vec!["SALLE-12"]),
        ("trustType", vec!["AzureAD"]),
        ("physicalIds", vec!["[GID]:g:1", "[OrderId]:bloc"]),
        ("model", vec!["Chariot \"B\""]),
        ("extensionAttribute2", vec!["réa"]),
    ];
    let own = |(name, values): (&str, Vec<&str>)| (name.to_owned(), values.into_iter().map(str::to_owned).collect());
    Device {
        is_compliant: true,
        is_domain_joined: false,
        attributes: attributes.into_iter().map(own).collect(),
    }
}

#[test]
fn rules_and_devices() {
    for (rule, of_ward, of_stranger) in [
        ("device.isCompliant -eq True", true, false),
        ("device.isCompliant -ne True", false, true),
        ("device.iscompliant -EQ false", false, false),
        ("device.displayName -startsWith \"salle-\"", true, false),
        ("device.displayName -notStartsWith \"salle-\"", false, true),
        (
            "device.displayName -endsWith \"12\" -and device.trustType -eq \"AzureAD\"",
            true,
            false,
        ),
        (
            "device.displayName -eq \"x\" -or device.isCompliant -eq True",
            true,
            false,
        ),
        ("device.displayName -in [\"x\", \"SALLE-12\"]", true, false),
        ("device.displayName -notIn [\"x\", \"SALLE-12\"]", false, true),
        ("device.physicalIds -contains \"[orderid]:bloc\"", true, false),
        ("device.physicalIds -notContains \"[OrderId]:bloc\"", false, true),
        ("device.model -eq \"Chariot `\"B`\"\"", true, false),
        ("device.extensionAttribute2 -contains \"RÉ\"", true, false),
        ("device.extensionAttribute15 -ne \"x\"", true, true),
        // -and binds closer than -or.
        (
            "device.isCompliant -eq True -or device.model -eq \"x\" -and device.model -eq \"y\"",
            true,
            false,
        ),
        (
            "(device.isCompliant -eq True -or device.model -eq \"x\") -and device.model -eq \"y\"",
            false,
            false,
        ),
    ] {
        assert_eq!(matches(rule, Some(&ward())), Ok(of_ward), "{rule}");
        assert_eq!(matches(rule, None), Ok(of_stranger), "{rule}, not registered");
    }
}

#[test]
fn texts_that_are_no_rules() {
    for (rule, at, why) in [
        ("", 0, Why::Property),
        ("displayName -eq \"x\"", 0, Why::Property),
        ("user.displayName -eq \"x\"", 0, Why::Property),
        ("device.colour -eq \"x\"", 0, Why::Property),
        ("device.displayName = \"x\"", 19, Why::Comparison),
        ("device.isCompliant -startsWith True", 19, Why::Comparison),
        ("device.physicalIds -eq \"x\"", 19, Why::Comparison),
        ("device.isCompliant -eq \"maybe\"", 30, Why::Value),
        ("device.displayName -eq x", 23, Why::Value),
        ("device.displayName -eq \"x", 25, Why::Value),
        ("device.displayName -eq \"x`", 26, Why::Value),
        ("device.displayName -in \"x\"", 23, Why::Value),
        ("device.displayName -in [\"x\" \"y\"]", 28, Why::Value),
        ("(device.isCompliant -eq True", 28, Why::Parenthesis),
        ("device.isCompliant -eq True)", 27, Why::End),
        ("device.isCompliant -eq True device.isCompliant -eq True", 28, Why::End),
        ("device.isCompliant -eq True -and", 32, Why::Property),
    ] {
        let error = Rule::parse(rule).expect_err(rule);
        assert_eq!((error.at, error.why), (at, why), "{rule}");
    }
    let deep = |depth: usize| format!("{}device.isCompliant -eq True{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Rule::parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(
        Rule::parse(&deep(MAX_DEPTH + 1)).map_err(|error| error.why),
        Err(Why::TooDeep)
    );
    assert_eq!(
        Rule::parse(&"é".repeat(MAX_RULE + 1)).map_err(|error| error.why),
        Err(Why::TooLong)
    );
}

#[test]
fn a_policy_with_a_rule_that_cannot_be_read_is_refused() {
    let filtered = |rule: &str| {
        let devices = json!({ "deviceFilter": { "mode": "exclude", "rule": rule } });
        Policy::from_json(&with(least(), "/conditions/devices", devices))
            .expect("a policy")
            .check()
    };
    assert_eq!(filtered("device.isCompliant -eq True"), Ok(()));
    assert!(matches!(
        filtered("device.isCompliant -is True"),
        Err(Broken::DeviceFilter(_))
    ));
}

fn rule() -> impl Strategy<Value = Rule> {
    let text = prop_oneof!["[a-z]{0,4}", "[\"` \\[\\]()é-]{0,5}"];
    let compare = (
        proptest::sample::select(Property::ALL),
        proptest::sample::select(Comparison::ALL),
        prop::collection::vec(text, 1..4),
    )
        .prop_map(|(property, comparison, values)| {
            let text = match property {
                Property::IsCompliant => {
                    return Rule::Compare {
                        property,
                        comparison: Comparison::Ne,
                        values: vec!["True".to_owned()],
                    };
                }
                Property::DeviceOwnership | Property::ProfileType | Property::TrustType => Comparison::Eq,
                Property::PhysicalIds | Property::SystemLabels => Comparison::NotContains,
                Property::DeviceId | Property::MdmAppId => Comparison::NotIn,
                _ => comparison,
            };
            let is_list = matches!(text, Comparison::In | Comparison::NotIn);
            let values = if is_list {
                values
            } else {
                values.into_iter().take(1).collect()
            };
            Rule::Compare {
                property,
                comparison: text,
                values,
            }
        });
    compare.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Rule::Any),
            prop::collection::vec(inner, 2..4).prop_map(Rule::All),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(rule in rule()) {
        let text = rule.to_string();
        prop_assume!(text.chars().count() <= MAX_RULE);
        prop_assert_eq!(Rule::parse(&text), Ok(rule), "{}", text);
    }

    #[test]
    fn nothing_makes_the_parser_panic(text in "\\PC*", pieces in prop::collection::vec(proptest::sample::select(vec![
        "device.", "displayName", "isCompliant", " ", "-eq", "-in", "-and", "-or", "(", ")", "[", "]", ",", "\"", "`", "True", "é",
    ]), 0..40)) {
        let _ = Rule::parse(&text);
        let _ = Rule::parse(&pieces.concat());
    }
}
