use super::*;
use crate::json::Limits;

fn issues(resource: &str) -> Vec<String> {
    let document = Document::parse(resource, &Limits::default()).unwrap();
    match validate(&document) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid
            .issues()
            .iter()
            .map(|issue| format!("{} {issue}", issue.code.code()))
            .collect(),
    }
}

#[test]
fn valid_resources_pass() {
    for resource in [
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Patient","name":[{"family":"Martin","given":["Anne","Zoé"]}],"birthDate":"1974-12-25",
            "_birthDate":{"extension":[{"url":"http://x","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
            "deceasedBoolean":false,"multipleBirthInteger":2}"#,
        r#"{"resourceType":"Patient","name":[{"given":[null,"Zoé"],"_given":[{"extension":[{"url":"http://x","valueCode":"u"}]},null]}]}"#,
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}"#,
        r#"{"resourceType":"Observation","_status":{"extension":[{"url":"http://x","valueCode":"unknown"}]},"code":{"text":"x"}}"#,
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},
            "_valueString":{"id":"a"},"valueString":"x","contained":[{"resourceType":"Patient","id":"p"}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}"#,
        r#"{"resourceType":"ExampleScenario","status":"draft","instance":[{"resourceId":"a","resourceType":"Patient"}]}"#,
        r#"{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"string"}]}]}"#,
    ] {
        assert_eq!(issues(resource), Vec::<String>::new(), "{resource}");
    }
}

/// Resources with what is wrong with them.
const FAULTS: &[(&str, &[&str])] = &[
    ("[]", &["structure a resource must be a JSON object"]),
    ("{}", &["structure resourceType is missing"]),
    (
        r#"{"resourceType":"Patience"}"#,
        &[r#"structure "Patience" is not a resource type of FHIR R4"#],
    ),
    (
        r#"{"resourceType":"DomainResource"}"#,
        &[r#"structure "DomainResource" is not a resource type of FHIR R4"#],
    ),
    (
        r#"{"resourceType":"Patient","nom":1}"#,
        &[r#"structure Patient: the element "nom" is not known here"#],
    ),
    (
        r#"{"resourceType":"Patient","name":{"family":"x"}}"#,
        &["structure Patient.name: this element repeats: an array is expected"],
    ),
    (
        r#"{"resourceType":"Patient","name":[]}"#,
        &["structure Patient.name: an array must not be empty"],
    ),
    (
        r#"{"resourceType":"Patient","name":[{}]}"#,
        &["structure Patient.name[0]: an object must not be empty"],
    ),
    (
        r#"{"resourceType":"Patient","name":[{"family":"a"},{"given":["x",5]}]}"#,
        &["structure Patient.name[1].given[1]: a JSON string is expected"],
    ),
    (
        r#"{"resourceType":"Patient","name":[{"given":["x",null]}]}"#,
        &["structure Patient.name[0].given[1]: a JSON string is expected"],
    ),
    (
        r#"{"resourceType":"Patient","birthDate":["1974"]}"#,
        &["structure Patient.birthDate: this element does not repeat: an array is not allowed"],
    ),
    (
        r#"{"resourceType":"Patient","birthDate":null}"#,
        &["structure Patient.birthDate: a JSON string is expected"],
    ),
    (
        r#"{"resourceType":"Patient","birthDate":"25/12/1974"}"#,
        &[r#"value Patient.birthDate: "25/12/1974" is not a valid date"#],
    ),
    (
        r#"{"resourceType":"Patient","active":"true"}"#,
        &["structure Patient.active: true or false is expected"],
    ),
    (
        r#"{"resourceType":"Patient","gender":"femme"}"#,
        &[r#"code-invalid Patient.gender: "femme" is not a code of the value set administrative-gender"#],
    ),
    (
        r#"{"resourceType":"Patient","_name":[{"id":"x"}]}"#,
        &[r#"structure Patient: the element "_name" is not known here"#],
    ),
    (
        r#"{"resourceType":"Patient","_birthDate":[{"id":"x"}]}"#,
        &["structure Patient.birthDate: the extensions of a primitive must be an array exactly when its values are"],
    ),
    (
        r#"{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}"#,
        &["structure Patient.deceased: only one type of this element may be given"],
    ),
    (
        r#"{"resourceType":"Patient","deceasedString":"x"}"#,
        &[r#"structure Patient: the element "deceasedString" is not known here"#],
    ),
    (
        r#"{"resourceType":"Observation"}"#,
        &[
            "required Observation.status: this element is required",
            "required Observation.code: this element is required",
        ],
    ),
    (
        r#"{"resourceType":"Patient","link":[{"type":"refer"}]}"#,
        &["required Patient.link[0].other: this element is required"],
    ),
    (
        r#"{"resourceType":"Patient","contained":[{"id":"x"}]}"#,
        &["structure Patient.contained[0]: resourceType is missing"],
    ),
    (
        r#"{"resourceType":"Patient","contained":[{"resourceType":"Patient","contained":[{"resourceType":"Patient"}]}]}"#,
        &["structure Patient.contained[0].contained[0]: a contained resource must not contain others"],
    ),
    (
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","id":"a b"}}]}"#,
        &[r#"value Bundle.entry[0].resource.id: "a b" is not a valid id"#],
    ),
    (
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueInteger":1.5}"#,
        &["value Observation.value: 1.5 is not a valid integer"],
    ),
];

#[test]
fn each_fault_is_named_with_its_place() {
    for (resource, expected) in FAULTS {
        let found = issues(resource);
        let mut sorted: Vec<_> = expected.to_vec();
        let mut found: Vec<_> = found.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, sorted, "{resource}");
    }
}

#[test]
fn many_faults_give_a_bounded_answer() {
    let unknown: Vec<_> = (0..1000).map(|n| format!("\"x{n}\":1")).collect();
    let found = issues(&format!("{{\"resourceType\":\"Patient\",{}}}", unknown.join(",")));
    assert_eq!(found.len(), MAX_ISSUES);
    let long = "x".repeat(10_000);
    assert!(issues(&format!("{{\"resourceType\":\"{long}\"}}"))[0].len() < 200);
}
