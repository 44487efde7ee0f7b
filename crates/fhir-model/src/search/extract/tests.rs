use super::*;
use crate::json::Limits;
use crate::search::{Quantity, Reference};

/// The values of a resource as lines `code value`, sorted.
fn values(resource: &str) -> Vec<String> {
    let document = Document::parse(resource, &Limits::default()).unwrap();
    let kind = crate::validate(&document).unwrap();
    let mut lines = Vec::new();
    extract(&document, kind, &mut |number, value| {
        lines.push(format!("{} {}", number.parameter().unwrap().code, print(value)));
    });
    lines.sort();
    lines
}

fn token(token: Token<'_>) -> String {
    match token.system {
        Some(system) => format!("{system}|{}", token.code),
        None => token.code.to_owned(),
    }
}

fn print(value: Value<'_>) -> String {
    match value {
        Value::Token(found) => token(found),
        Value::TokenText(text) => format!("text {text}"),
        Value::String(text) | Value::Uri(text) => text.to_owned(),
        Value::Date(interval) => format!("{}..{}", interval.low, interval.high),
        Value::Number(number) => number.to_string(),
        Value::Quantity(Quantity {
            low,
            high,
            system,
            code,
            unit,
        }) => {
            let end = |end: Option<crate::Decimal>| end.map_or("*".to_owned(), |end| end.to_string());
            let (system, code) = (system.unwrap_or_default(), code.unwrap_or_default());
            format!(
                "{}..{} {system}|{code} {}",
                end(low),
                end(high),
                unit.unwrap_or_default()
            )
        }
        Value::Reference(Reference::Literal(target)) => target.to_string(),
        Value::Reference(Reference::Canonical { url, version }) => format!("canonical {url} {version:?}"),
        Value::Reference(Reference::Identifier { kind, token: found }) => {
            format!("identifier {kind:?} {}", token(found))
        }
    }
}

#[test]
fn patient() {
    let found = values(
        r##"{"resourceType":"Patient","id":"p1","meta":{"lastUpdated":"1970-01-01T00:00:01Z","profile":["http://p"],
            "tag":[{"system":"http://t","code":"a"}]},
            "identifier":[{"system":"urn:oid:1.2","value":"42","type":{"text":"INS"}}],"active":true,
            "name":[{"family":"Lévêque","given":["Zoé","Anne"]}],
            "telecom":[{"system":"phone","value":"01"},{"system":"email","value":"a@b"}],
            "gender":"female","birthDate":"1970-01-01","address":[{"city":"Lyon","line":["1 rue \"X\""],"use":"home"}],
            "generalPractitioner":[{"reference":"#c"},{"reference":"Practitioner\/7"}],
            "communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"fr","display":"Français"}]}}],
            "managingOrganization":{"type":"Organization","identifier":{"system":"http://f","value":"750"}}}"##,
    );
    let expected = [
        "_id p1",
        "_lastUpdated 1000..1999",
        "_profile http://p",
        "_tag http://t|a",
        "active http://terminology.hl7.org/CodeSystem/special-values|true",
        "address 1 rue \"X\"",
        "address Lyon",
        "address-city Lyon",
        "address-use http://hl7.org/fhir/address-use|home",
        "birthdate 0..86399999",
        "deceased false",
        "email a@b",
        "family Lévêque",
        "gender http://hl7.org/fhir/administrative-gender|female",
        "general-practitioner Practitioner/7",
        "given Anne",
        "given Zoé",
        "identifier text INS",
        "identifier urn:oid:1.2|42",
        "language text Français",
        "language urn:ietf:bcp:47|fr",
        "name Anne",
        "name Lévêque",
        "name Zoé",
        "organization identifier Some(Organization) http://f|750",
        "phone 01",
        "phonetic Anne",
        "phonetic Lévêque",
        "phonetic Zoé",
        "telecom 01",
        "telecom a@b",
    ];
    assert_eq!(found, expected);
}

#[test]
fn observation() {
    let found = values(
        r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}],"text":"Pouls"},
            "subject":{"reference":"Patient/1/_history/3"},"effectivePeriod":{"start":"1970-01-01T00:00:00Z"},
            "valueQuantity":{"value":72.0,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min","comparator":"<"},
            "device":{"reference":"https://x.example/fhir/Device/9"},
            "component":[{"code":{"coding":[{"code":"c"}]},"valueCodeableConcept":{"text":"normal"}}]}"#,
    );
    let expected = [
        "code http://loinc.org|8867-4",
        "code text Pouls",
        "combo-code c",
        "combo-code http://loinc.org|8867-4",
        "combo-code text Pouls",
        "combo-value-concept text normal",
        "combo-value-quantity *..72.0 http://unitsofmeasure.org|/min /min",
        "component-code c",
        "component-value-concept text normal",
        "date 0..253402300799999",
        "device https://x.example/fhir/Device/9",
        "patient Patient/1/_history/3",
        "status http://hl7.org/fhir/observation-status|final",
        "subject Patient/1/_history/3",
        "value-quantity *..72.0 http://unitsofmeasure.org|/min /min",
    ];
    assert_eq!(found, expected);
}

#[test]
fn references_are_split_by_type() {
    let found = values(
        r#"{"resourceType":"Appointment","status":"booked","participant":[
            {"status":"accepted","actor":{"reference":"Practitioner/1"}},
            {"status":"accepted","actor":{"reference":"https://h.example/Patient/2"}},
            {"status":"accepted","actor":{"reference":"urn:uuid:0","type":"Location"}}]}"#,
    );
    let actors: Vec<_> = found
        .iter()
        .filter(|line| !line.contains("status"))
        .map(String::as_str)
        .collect();
    let expected = [
        "actor Practitioner/1",
        "actor https://h.example/Patient/2",
        "actor urn:uuid:0",
        "location urn:uuid:0",
        "patient https://h.example/Patient/2",
        "practitioner Practitioner/1",
    ];
    assert_eq!(actors, expected);
}

#[test]
fn other_kinds() {
    let bundle = values(
        r#"{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c","status":"final",
            "type":{"text":"t"},"date":"2020","author":[{"reference":"Practitioner/1"}],"title":"x"}},
            {"resource":{"resourceType":"Patient","id":"p"}}]}"#,
    );
    assert_eq!(
        bundle,
        [
            "composition Composition/c",
            "type http://hl7.org/fhir/bundle-type|document"
        ]
    );
    let patient = values(r#"{"resourceType":"Patient","deceasedDateTime":"1970"}"#);
    assert_eq!(patient, ["death-date 0..31535999999", "deceased true"]);
    let risk = values(
        r#"{"resourceType":"RiskAssessment","status":"final","subject":{"reference":"Group/1"},
            "prediction":[{"probabilityDecimal":0.10}]}"#,
    );
    assert!(risk.contains(&"probability 0.10".to_owned()), "{risk:?}");
    assert!(!risk.iter().any(|line| line.starts_with("patient")), "{risk:?}");
    let condition = values(
        r#"{"resourceType":"Condition","subject":{"reference":"Patient/1"},"onsetAge":{"value":40,"code":"a"},
            "abatementRange":{"low":{"value":50},"high":{"value":60,"unit":"y"}}}"#,
    );
    assert!(condition.contains(&"onset-age 40..40 |a ".to_owned()), "{condition:?}");
    assert!(
        condition.contains(&"abatement-age 50..60 | ".to_owned()),
        "{condition:?}"
    );
    let request = values(
        r#"{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/1"},
            "instantiatesCanonical":["http://x/PlanDefinition/p|1.0"],
            "activity":[{"detail":{"status":"completed","scheduledTiming":{"event":["1970-01-02","1970-01-01"]}}}]}"#,
    );
    assert!(request.contains(&"instantiates-canonical canonical http://x/PlanDefinition/p Some(\"1.0\")".to_owned()));
    assert!(
        request.contains(&"activity-date 0..172799999".to_owned()),
        "{request:?}"
    );
}

#[test]
fn values_of_the_wrong_shape_give_nothing() {
    // Not valid, so not stored; but extraction must not rely on it.
    let document = Document::parse(
        r#"{"resourceType":"Patient","name":"x","birthDate":5,"identifier":[[{"value":1}]],"telecom":{"value":{}},
            "generalPractitioner":[{"reference":7},null],"address":[null],"active":"x"}"#,
        &Limits::default(),
    )
    .unwrap();
    let mut count = 0;
    extract(&document, ResourceType::find("Patient").unwrap(), &mut |_, _| {
        count += 1;
    });
    assert_eq!(count, 1, "only `deceased false`");
}
