//! Cases of the query options, and their laws.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Direction::{Ascending, Descending};
use super::*;

const INFO: &[Property] = &[Property::new("certificateUserIds", Kind::List(&Kind::Text))];
const ROLE: &[Property] = &[
    Property::new("value", Kind::Text),
    Property::new("isEnabled", Kind::Flag),
];

static USER: EntityType = EntityType {
    name: "user",
    properties: &[
        Property::new("id", Kind::Text),
        Property::ordered("displayName"),
        Property::new("mail", Kind::Text),
        Property::new("accountEnabled", Kind::Flag),
        Property::new("level", Kind::Number),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("businessPhones", Kind::List(&Kind::Text)),
        Property::new("authorizationInfo", Kind::Complex(INFO)),
        Property::new("appRoles", Kind::List(&Kind::Complex(ROLE))),
    ],
    navigations: &["memberOf", "manager"],
};

fn filter(text: &str) -> Result<Filter, QueryError> {
    parser::filter(text, &USER)
}

fn anna() -> Value {
    json!({
        "id": "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001",
        "displayName": "Anna d'Arc",
        "mail": null,
        "accountEnabled": true,
        "level": 7,
        "createdDateTime": "2026-11-21T08:30:00Z",
        "businessPhones": ["+33 1", "+33 2"],
        "authorizationInfo": { "certificateUserIds": ["X509:<PN>8.99700434378@carte-cps.fr"] },
        "appRoles": [{ "value": "sms, password", "isEnabled": true }, { "value": "fido2", "isEnabled": false }],
    })
}

#[test]
fn what_a_filter_finds() {
    for (text, expected) in [
        // As the script of the PSC guide writes it.
        ("DisplayName eq 'Anna D''Arc'", true),
        ("displayName eq 'Anna'", false),
        ("displayName ge 'ANNA' and displayName le 'anna d''arc'", true),
        ("displayName ge 'bob'", false),
        ("id eq 5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001", true),
        ("id eq '5B1F9E0A-34A7-4C2A-9A64-0F6F0D2F0001'", true),
        ("accountEnabled eq true and not (level lt 7)", true),
        ("accountEnabled ne true", false),
        ("mail eq null", true),
        ("mail ne null", false),
        ("mail ne 'x'", true),
        ("startsWith(displayName,'anna')", true),
        (
            "startsWith(displayName,'anna') eq true and startsWith(displayName,'x') eq false",
            true,
        ),
        ("startsWith(displayName,'anna') eq false", false),
        ("displayName eq microsoft.graph.kind'Anna d''Arc'", true),
        (
            "displayName in (microsoft.graph.kind'x',microsoft.graph.kind'Anna d''Arc')",
            true,
        ),
        ("displayName eq microsoft.graph.kind'x'", false),
        ("startswith(displayName, 'arc') or endsWith(displayName,'ARC')", true),
        ("startsWith(mail,'a')", false),
        ("contains(displayName,'a d')", true),
        ("level in (1, 7)", true),
        ("displayName in ('Bob','anna d''arc')", true),
        (
            "createdDateTime ge 2026-11-21 and createdDateTime lt 2026-11-21T09:30:01+01:00",
            true,
        ),
        ("createdDateTime gt 2026-11-21T08:30:00Z", false),
        ("businessPhones/any(p:p eq '+33 2')", true),
        ("businessPhones/any(p:startsWith(p,'+44'))", false),
        ("businessPhones/any()", true),
        ("businessPhones/$count eq 2", true),
        (
            "authorizationInfo/certificateUserIds/any(x:x eq 'x509:<pn>8.99700434378@CARTE-CPS.fr')",
            true,
        ),
        ("appRoles/any(r:r/value eq 'fido2' and r/isEnabled eq true)", false),
        ("appRoles/any(r:r/value has 'password, sms')", true),
        ("appRoles/any(r:r/value has 'password, fido2')", false),
        ("appRoles/any(r:level eq 7 and r/value eq 'fido2')", true),
    ] {
        let parsed = filter(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.matches(&anna()), expected, "{text}");
        assert_eq!(filter(&parsed.to_string()).as_ref(), Ok(&parsed), "{parsed}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for (text, expected) in [
        ("", "Invalid $filter clause: a property was expected at position 0."),
        (
            "displayNam eq 'x'",
            "Could not find a property named 'displayNam' on type 'microsoft.graph.user'.",
        ),
        (
            "displayName eq 'x",
            "Invalid $filter clause: the end of the text that begins here was expected at position 15.",
        ),
        (
            "displayName eq 'x' mail",
            "Invalid $filter clause: the end was expected at position 19.",
        ),
        (
            "displayName lt 'x'",
            "The property 'displayName' does not take this operator or value.",
        ),
        (
            "accountEnabled eq 'true'",
            "The property 'accountEnabled' does not take this operator or value.",
        ),
        (
            "level eq many",
            "The property 'level' does not take this operator or value.",
        ),
        (
            "createdDateTime gt yesterday",
            "The property 'createdDateTime' does not take this operator or value.",
        ),
        (
            "displayName/any(x:x eq 'a')",
            "The property 'displayName' does not take this operator or value.",
        ),
        (
            "businessPhones/any(x:y eq 'a')",
            "Could not find a property named 'y' on type 'microsoft.graph.user'.",
        ),
        (
            "authorizationInfo/x eq 'a'",
            "Could not find a property named 'x' on type 'microsoft.graph.user'.",
        ),
        (
            "length(displayName) eq 3",
            "Invalid $filter clause: startsWith, endsWith or contains was expected at position 0.",
        ),
        (
            "displayName eq (x)",
            "Invalid $filter clause: a value was expected at position 15.",
        ),
        (
            "displayName eq é",
            "Invalid $filter clause: a name or a value was expected at position 15.",
        ),
    ] {
        let refused = filter(text).expect_err(text).to_string();
        assert_eq!(refused, expected, "{text}");
    }
}

#[test]
fn order_is_asked_of_few_texts() {
    let refused = filter("mail ge 'x'").expect_err("refused").to_string();
    assert_eq!(refused, "The property 'mail' does not take this operator or value.");
}

#[test]
fn what_is_too_complex_is_refused() {
    let deep = format!("{}level eq 1{}", "(".repeat(99), ")".repeat(99));
    let long = vec!["level eq 1"; 201].join(" or ");
    let wide = format!("level in ({})", vec!["1"; 201].join(","));
    for text in [deep, long, wide, "x".repeat(9000)] {
        assert_eq!(filter(&text), Err(QueryError::TooComplex("$filter")));
    }
}

fn query(options: &[(&str, &str)], consistency: Consistency) -> Result<Query, QueryError> {
    Query::parse(options.iter().copied(), &USER, consistency)
}

#[test]
fn options_together() {
    let options = [
        ("$select", "ID,displayname"),
        ("$filter", "accountEnabled eq true"),
        ("$top", "5"),
        ("$expand", "memberOf($select=id,displayName),manager"),
        ("$skiptoken", "abc"),
    ];
    let asked = query(&options, Consistency::Default).unwrap();
    assert_eq!(asked.select.as_deref(), Some(["id", "displayName"].as_slice()));
    assert_eq!((asked.top, asked.skip_token.as_deref()), (5, Some("abc")));
    let expanded: Vec<_> = asked
        .expand
        .iter()
        .map(|one| (one.navigation, one.select.clone()))
        .collect();
    let select = vec!["id".to_owned(), "displayName".to_owned()];
    assert_eq!(expanded, [("memberOf", Some(select)), ("manager", None)]);
    let sorted = query(&[("orderby", "displayName desc,id asc,level")], Consistency::Default).unwrap();
    let order: Vec<_> = sorted.order.iter().map(|one| (one.property, one.direction)).collect();
    assert_eq!(
        order,
        [("displayName", Descending), ("id", Ascending), ("level", Ascending)]
    );
    assert_eq!(query(&[], Consistency::Default).unwrap(), Query::default());
    let all = query(&[("$select", "*")], Consistency::Default).unwrap();
    assert_eq!(all.select.map(|names| names.len()), Some(USER.properties.len()));
}

#[test]
fn options_that_cannot_be() {
    for options in [
        [("$top", "0")].as_slice(),
        &[("$top", "1000")],
        &[("$top", "x")],
        &[("$count", "yes")],
        &[("$select", "nothing")],
        &[("$select", "")],
        &[("$orderby", "businessPhones")],
        &[("$orderby", "displayName down")],
        &[("$expand", "displayName")],
        &[("$expand", "manager($filter=x)")],
        &[("$expand", "manager($select=id")],
        &[("$compute", "x")],
        &[("page", "2")],
        &[("$top", "1"), ("top", "1")],
    ] {
        assert!(query(options, Consistency::Eventual).is_err(), "{options:?}");
    }
}

#[test]
fn advanced_queries_need_their_header_and_count() {
    for options in [
        [("$filter", "displayName ne 'x'")].as_slice(),
        &[("$filter", "not (level eq 1)")],
        &[("$filter", "endsWith(mail,'x')")],
        &[("$filter", "businessPhones/$count eq 0")],
        &[("$filter", "businessPhones/any(p:p ne 'x')")],
        &[("$search", "\"displayName:x\"")],
        &[("$filter", "level eq 1"), ("$orderby", "displayName")],
    ] {
        let counted = [options, &[("$count", "true")]].concat();
        assert!(matches!(
            query(options, Consistency::Eventual),
            Err(QueryError::NeedsEventual(_))
        ));
        assert!(matches!(
            query(&counted, Consistency::Default),
            Err(QueryError::NeedsEventual(_))
        ));
        assert!(query(&counted, Consistency::Eventual).is_ok(), "{options:?}");
    }
}

#[test]
fn what_a_search_finds() {
    let options = |text| [("$search", text), ("$count", "true")];
    for (text, expected) in [
        ("\"displayName:arc\"", true),
        ("\"displayName:anna arc\"", true),
        ("\"displayName:nna\"", false),
        ("\"id:5b1f\"", true),
        ("\"id:34a7\"", false),
        ("\"mail:x\" OR \"displayName:anna\"", true),
        ("\"mail:x\" AND \"displayName:anna\"", false),
        ("\"displayName:anna\" and \"id:5b\" or \"mail:x\"", true),
    ] {
        let asked = query(&options(text), Consistency::Eventual).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(asked.search.expect("a search").matches(&anna()), expected, "{text}");
    }
    for text in [
        "displayName:arc",
        "\"arc\"",
        "\"level:7\"",
        "\"displayName:x\" \"mail:y\"",
        "\"x:y",
    ] {
        assert!(query(&options(text), Consistency::Eventual).is_err(), "{text}");
    }
}

#[test]
fn what_an_index_may_be_asked_for() {
    for (text, expected) in [
        ("displayName eq 'Ab'", Some(Pin::OneOf(vec!["ab"]))),
        ("displayName in ('A','b')", Some(Pin::OneOf(vec!["a", "b"]))),
        ("level eq 1 and startsWith(displayName,'A')", Some(Pin::StartsWith("a"))),
        ("level eq 1 or displayName eq 'a'", None),
        ("displayName ne 'a'", None),
        ("not (displayName eq 'a')", None),
        ("displayName eq null", None),
        ("displayName in ('a',null)", None),
        ("appRoles/any(displayName:displayName/value eq 'a')", None),
    ] {
        let parsed = filter(text).unwrap();
        assert_eq!(parsed.pin("displayName"), expected, "{text}");
    }
}

fn any_filter() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[ab']{0,3}".prop_map(|text| format!("displayName eq '{}'", text.replace('\'', "''"))),
        any::<i64>().prop_map(|number| format!("level ge {number}")),
        any::<bool>().prop_map(|flag| format!("accountEnabled ne {flag}")),
        Just("businessPhones/any(p:p eq '+33 1' or startsWith(p,'x'))".to_owned()),
        Just("mail in (null,'x')".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or ({b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn printed_and_read_again_is_the_same(text in any_filter()) {
        let first = filter(&text).unwrap();
        let second = filter(&first.to_string()).unwrap();
        prop_assert_eq!(second.matches(&anna()), first.matches(&anna()));
        prop_assert_eq!(&filter(&second.to_string()).unwrap(), &second);
    }

    #[test]
    fn never_panics(text in "\\PC{0,60}", words in proptest::collection::vec("(displayName|eq|ne|'a'|\\(|\\)|/|any|x:|x|in|,|not|and|1|null|businessPhones|\\$count) ?", 0..12)) {
        let words = words.concat();
        for text in [&text, &words] {
            if let Ok(filter) = filter(text) {
                filter.matches(&anna());
                filter.matches(&Value::Null);
            }
            for option in ["$orderby", "$expand", "$search", "$select"] {
                let _ = query(&[(option, text.as_str()), ("$count", "true")], Consistency::Eventual);
            }
        }
    }
}
