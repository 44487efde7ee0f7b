use super::*;

fn parse(source: &str) -> Document {
    Document::parse(source, &Limits::default()).unwrap()
}

/// The text after a patch, or why it is not applied.
fn patched(patch: &Result<Patch, PatchError>, resource: &str) -> Result<String, String> {
    let patch = patch.as_ref().map_err(ToString::to_string)?;
    let applied = patch.apply(resource, &Limits::default(), &mut { MAX_WORK });
    applied.map(Document::into_source).map_err(|error| error.to_string())
}

fn json(patch: &str, resource: &str) -> Result<String, String> {
    patched(&Patch::json(&parse(patch)), resource)
}

/// One operation of a FHIRPath Patch: `type path`, then parts as JSON.
fn fhir(operations: &[(&str, &str, &str)], resource: &str) -> Result<String, String> {
    let operations: Vec<_> = operations
        .iter()
        .map(|(what, path, more)| {
            let path = crate::json::quote(path);
            let more = if more.is_empty() { String::new() } else { format!(",{more}") };
            format!(
                r#"{{"name":"operation","part":[{{"name":"type","valueCode":"{what}"}},{{"name":"path","valueString":{path}}}{more}]}}"#
            )
        })
        .collect();
    let parameter = operations.join(",");
    let source = format!(r#"{{"resourceType":"Parameters","parameter":[{parameter}]}}"#);
    patched(&Patch::fhir(&parse(&source)), resource)
}

#[test]
fn json_operations() {
    let resource = r#"{"resourceType":"X", "n":1.00,"l":[ "a" ,"b"],"o":{"p":true}}"#;
    for (patch, expected) in [
        ("[]", resource.to_owned()),
        (
            r#"[{"op":"replace","path":"/n","value":2.50}]"#,
            resource.replace("1.00", "2.50"),
        ),
        (r#"[{"op":"test","path":"/n","value":1}]"#, resource.to_owned()),
        (
            r#"[{"op":"test","path":"/n","value":1.0000000000000000000000000000000000000000}]"#,
            resource.to_owned(),
        ),
        (
            r#"[{"op":"test","path":"/o","value":{ "p" : true }}]"#,
            resource.to_owned(),
        ),
        (
            r#"[{"op":"add","path":"/l/1","value":"c"}]"#,
            resource.replace(r#""b""#, r#""c","b""#),
        ),
        (
            r#"[{"op":"add","path":"/l/-","value":"c"}]"#,
            resource.replace(r#""b""#, r#""b","c""#),
        ),
        (r#"[{"op":"remove","path":"/l/0"}]"#, resource.replace(r#""a" ,"#, "")),
        (
            r#"[{"op":"copy","from":"/n","path":"/o/p"}]"#,
            resource.replace("true", "1.00"),
        ),
        (
            r#"[{"op":"move","from":"/l/0","path":"/l/1"}]"#,
            resource.replace(r#"[ "a" ,"b"]"#, r#"[ "b","a"]"#),
        ),
        (r#"[{"op":"move","from":"/o","path":"/o"}]"#, resource.to_owned()),
        // What is empty at the end goes, with what is empty without it.
        (
            r#"[{"op":"remove","path":"/o/p"}]"#,
            resource.replace(r#","o":{"p":true}"#, ""),
        ),
        (
            r#"[{"op":"add","path":"/z","value":[]},{"op":"add","path":"/z/-","value":"x"}]"#,
            resource.replace(r#""X""#, r#""X","z":["x"]"#),
        ),
    ] {
        assert_eq!(json(patch, resource).as_deref(), Ok(expected.as_str()), "{patch}");
    }
}

/// A patch of [`SHOWN`], and why it is refused.
const JSON_REFUSALS: &[(&str, &str)] = &[
    ("{}", "a JSON Patch is an array of operations"),
    ("[1]", "operation 0 of the patch: op is missing or not a text"),
    (
        r#"[{"op":"spam","path":""}]"#,
        "operation 0 of the patch: op is none that is known",
    ),
    (
        r#"[{"op":"add","path":"/a"}]"#,
        "operation 0 of the patch: value is missing or not a text",
    ),
    (
        r#"[{"op":"remove","path":"a"}]"#,
        "operation 0 of the patch: path is not a JSON Pointer",
    ),
    (
        r#"[{"op":"copy","path":"/a"}]"#,
        "operation 0 of the patch: from is missing or not a text",
    ),
    (
        r#"[{"op":"remove","path":"/a"}]"#,
        "operation 0 of the patch: nothing stands at the path",
    ),
    (
        r#"[{"op":"replace","path":"/a/b","value":1}]"#,
        "operation 0 of the patch: nothing stands at the path",
    ),
    (
        r#"[{"op":"add","path":"/l/2","value":1}]"#,
        "operation 0 of the patch: the index is not one of the list",
    ),
    (
        r#"[{"op":"add","path":"/l/01","value":1}]"#,
        "operation 0 of the patch: the index is not one of the list",
    ),
    (
        r#"[{"op":"remove","path":""}]"#,
        "operation 0 of the patch: the whole resource cannot be removed",
    ),
    (
        r#"[{"op":"move","from":"/l","path":"/l/0"}]"#,
        "operation 0 of the patch: a value cannot be moved into itself",
    ),
    (
        r#"[{"op":"test","path":"/l/0","value":"a"},{"op":"test","path":"/l/0","value":"b"}]"#,
        "operation 1 of the patch: the value at the path is not the one that is tested for",
    ),
    (
        r#"[{"op":"replace","path":"/id","value":"2"}]"#,
        "a patch must not change id",
    ),
    (r#"[{"op":"remove","path":"/id"}]"#, "a patch must not change id"),
    (
        r#"[{"op":"replace","path":"/resourceType","value":"Y"}]"#,
        "a patch must not change resourceType",
    ),
    (
        r#"[{"op":"replace","path":"/meta/versionId","value":"2"}]"#,
        "a patch must not change meta.versionId",
    ),
    (
        r#"[{"op":"add","path":"/meta/lastUpdated","value":"2"}]"#,
        "a patch must not change meta.lastUpdated",
    ),
    (
        r#"[{"op":"replace","path":"","value":7}]"#,
        "a patch must not change resourceType",
    ),
];

const SHOWN: &str = r#"{"resourceType":"X","id":"1","meta":{"versionId":"3","lastUpdated":"then"},"l":["a"]}"#;

#[test]
fn json_refusals() {
    let resource = SHOWN;
    for (patch, expected) in JSON_REFUSALS {
        assert_eq!(json(patch, resource).unwrap_err(), *expected, "{patch}");
    }
    // Taken away, what the server says comes back by itself.
    let without = json(r#"[{"op":"remove","path":"/meta"}]"#, resource);
    assert_eq!(without.as_deref(), Ok(r#"{"resourceType":"X","id":"1","l":["a"]}"#));
}

#[test]
fn limits_hold() {
    let many = vec![r#"{"op":"test","path":"","value":1}"#; MAX_OPERATIONS + 1].join(",");
    assert_eq!(
        json(&format!("[{many}]"), "{}").unwrap_err(),
        "the patch has more than 1000 operations"
    );
    let large = format!(r#"{{"resourceType":"X","t":"{}"}}"#, "a".repeat(1 << 20));
    let tests = vec![r#"{"op":"test","path":"/resourceType","value":"X"}"#; 65].join(",");
    assert!(json(&format!("[{tests}]"), &large).unwrap_err().contains("too long"));
    let doubling = vec![r#"{"op":"copy","from":"","path":"/a"}"#; 64].join(",");
    let error = json(&format!("[{doubling}]"), r#"{"resourceType":"X"}"#).unwrap_err();
    assert!(error.contains("nested too deeply"), "{error}");
    let deep = format!(
        r#"[{{"op":"add","path":"/o/a","value":{}1{}}}]"#,
        "[".repeat(62),
        "]".repeat(62)
    );
    let error = json(&deep, r#"{"resourceType":"X","o":{"p":{"q":1}}}"#);
    assert!(error.is_ok(), "64 levels are allowed");
    let error = json(
        &deep.replace("/o/a", "/o/p/a"),
        r#"{"resourceType":"X","o":{"p":{"q":1}}}"#,
    )
    .unwrap_err();
    assert!(error.contains("nested too deeply"), "{error}");
}

const PATIENT: &str = r#"{"resourceType":"Patient","birthDate":"1920-01-01","_birthDate":{"id":"b"},"name":[{"use":"official","family":"A","given":["x","y"],"_given":[null,{"id":"g"}]},{"use":"usual","text":"U"}],"deceasedBoolean":false,"contact":[{"gender":"male"}]}"#;

/// What, path, other parts, what of [`PATIENT`] becomes what. `+` before parts puts a new member after `resourceType`.
const FHIR_OPERATIONS: &[[&str; 5]] = &[
    [
        "replace",
        "Patient.birthDate",
        r#"valueDate "1930-01-01""#,
        BORN,
        r#""birthDate":"1930-01-01""#,
    ],
    ["delete", "Patient.birthDate", "", BORN_, ""],
    ["delete", "Patient.gender", "", "", ""],
    [
        "add",
        "Patient",
        r#"name gender|valueCode "male""#,
        "+",
        r#""gender":"male""#,
    ],
    [
        "add",
        "Patient",
        r#"name maritalStatus|valueCodeableConcept {"text":"m"}"#,
        "+",
        r#""maritalStatus":{"text":"m"}"#,
    ],
    [
        "add",
        "Patient",
        "name multipleBirth|valueInteger 2",
        "+",
        r#""multipleBirthInteger":2"#,
    ],
    [
        "add",
        "Patient",
        r#"name contact|part [{"name":"name","valueHumanName":{"text":"n"}},{"name":"telecom","valueContactPoint":{"value":"1"}},{"name":"telecom","valueContactPoint":{"value":"2"}}]"#,
        r#"{"gender":"male"}"#,
        r#"{"gender":"male"},{"name":{"text":"n"},"telecom":[{"value":"1"},{"value":"2"}]}"#,
    ],
    [
        "add",
        "Patient.name[0]",
        r#"name given|valueString "z""#,
        GIVEN,
        r#"["x","y","z"],"_given":[null,{"id":"g"},null]"#,
    ],
    [
        "insert",
        "Patient.name[0].given",
        r#"index 1|valueString "z""#,
        GIVEN,
        r#"["x","z","y"],"_given":[null,null,{"id":"g"}]"#,
    ],
    [
        "insert",
        "Patient.address",
        r#"index 0|valueAddress {"city":"P"}"#,
        "+",
        r#""address":[{"city":"P"}]"#,
    ],
    ["delete", "Patient.name[0].given[1]", "", GIVEN, r#"["x"]"#],
    [
        "delete",
        "Patient.name.where(use = 'usual')",
        "",
        r#",{"use":"usual","text":"U"}"#,
        "",
    ],
    [
        "delete",
        "Patient.contact[0].gender",
        "",
        r#","contact":[{"gender":"male"}]"#,
        "",
    ],
    [
        "move",
        "Patient.name[0].given",
        "source 0|destination 1",
        GIVEN,
        r#"["y","x"],"_given":[{"id":"g"},null]"#,
    ],
    [
        "replace",
        "name.where(family.startsWith('A') and given.exists()).use",
        r#"valueCode "old""#,
        "official",
        "old",
    ],
    [
        "upsert",
        "Patient",
        r#"name birthDate|valueDate "1930""#,
        BORN,
        r#""birthDate":"1930""#,
    ],
    [
        "upsert",
        "Patient",
        r#"name gender|valueCode "male""#,
        "+",
        r#""gender":"male""#,
    ],
];

const BORN: &str = r#""birthDate":"1920-01-01","_birthDate":{"id":"b"}"#;
const BORN_: &str = r#""birthDate":"1920-01-01","_birthDate":{"id":"b"},"#;
const GIVEN: &str = r#"["x","y"],"_given":[null,{"id":"g"}]"#;

/// The parts of an operation, of their short form above.
fn parts(short: &str) -> String {
    let part = |short: &str| {
        let (key, value) = short.split_once(' ').unwrap();
        match key {
            "name" => format!(r#"{{"name":"name","valueString":"{value}"}}"#),
            "index" | "source" | "destination" => format!(r#"{{"name":"{key}","valueInteger":{value}}}"#),
            _ => format!(r#"{{"name":"value","{key}":{value}}}"#),
        }
    };
    let parts: Vec<_> = short.split('|').filter(|short| !short.is_empty()).map(part).collect();
    parts.join(",")
}

#[test]
fn fhir_operations() {
    for [what, path, more, old, new] in FHIR_OPERATIONS {
        let expected = match *old {
            "" => PATIENT.to_owned(),
            "+" => PATIENT.replace(r#""Patient""#, &format!(r#""Patient",{new}"#)),
            old => PATIENT.replace(old, new),
        };
        assert_eq!(expected == PATIENT, old.is_empty(), "{what} {path}");
        assert_eq!(
            fhir(&[(what, path, &parts(more))], PATIENT),
            Ok(expected),
            "{what} {path}"
        );
    }
    // Another type of a choice takes the place of the one that is there.
    let later = fhir(
        &[("replace", "Patient.deceased", &parts(r#"valueDateTime "2020""#))],
        PATIENT,
    );
    let expected = PATIENT.replace(r#","deceasedBoolean":false"#, "");
    let expected = expected.replace(r#""Patient""#, r#""Patient","deceasedDateTime":"2020""#);
    assert_eq!(later, Ok(expected));
}

#[test]
fn fhir_refusals() {
    let value = r#"{"name":"value","valueString":"v"}"#;
    let named = |name: &str| format!(r#"{{"name":"name","valueString":"{name}"}},{value}"#);
    let at = format!(r#"{{"name":"index","valueInteger":5}},{value}"#);
    for (what, path, more, expected) in [
        ("spam", "Patient", "", "type is none that is known"),
        ("replace", "Patient.name[7]", value, "nothing stands at the path"),
        ("replace", "Patient.name", value, "the path finds several elements"),
        ("delete", "Patient.name", "", "the path finds several elements"),
        ("delete", "Patient", "", "the whole resource cannot be removed"),
        ("replace", "Observation.status", value, "nothing stands at the path"),
        (
            "replace",
            "Patient.name.resolve()",
            value,
            "the path is not FHIRPath as patches use it (at character 13)",
        ),
        (
            "replace",
            "Patient.deceased",
            value,
            "there is no element deceased here",
        ),
        (
            "add",
            "Patient",
            &named("nonsense"),
            "there is no element nonsense here",
        ),
        (
            "add",
            "Patient",
            &named("birthDate"),
            "the element is there already and does not repeat",
        ),
        ("add", "Patient", value, "name is missing or not a text"),
        ("insert", "Patient.birthDate", &at, "the path does not name a list"),
        (
            "insert",
            "Patient.name[0].given",
            &at,
            "the index is not one of the list",
        ),
        ("insert", "Patient.name[0]", &at, "the path does not name a list"),
        ("move", "Patient.name", "", "source is missing or not a text"),
        (
            "add",
            "Patient",
            r#"{"name":"name","valueString":"birthDate"},{"name":"value"}"#,
            "value is missing or not a text",
        ),
    ] {
        let error = fhir(&[(what, path, more)], PATIENT).unwrap_err();
        assert_eq!(error, format!("operation 0 of the patch: {expected}"), "{what} {path}");
    }
    assert_eq!(
        patched(&Patch::fhir(&parse(PATIENT)), PATIENT).unwrap_err(),
        "a FHIRPath Patch is a Parameters resource"
    );
}

/// Operations see what those before them did.
#[test]
fn operations_follow_one_another() {
    let text = fhir(
        &[
            ("delete", "Patient.name[0]", ""),
            (
                "replace",
                "Patient.name[0].text",
                r#"{"name":"value","valueString":"V"}"#,
            ),
            ("delete", "Patient.name.where(text = 'V')", ""),
        ],
        r#"{"resourceType":"Patient","name":[{"text":"T"},{"text":"U"}],"active":true}"#,
    );
    assert_eq!(text.as_deref(), Ok(r#"{"resourceType":"Patient","active":true}"#));
}

/// What is not there is neither equal nor unequal to anything (FHIRPath §6.1), also when that is negated.
#[test]
fn filters_keep_nothing_that_they_ask_nothing_of() {
    let patient =
        r#"{"resourceType":"Patient","name":[{"use":"old","text":"A"},{"text":"B"},{"use":"usual","text":"C"}]}"#;
    for (filter, left) in [
        ("use != 'old'", "AB"),
        ("(use = 'old').not()", "AB"),
        ("use.startsWith('o').not()", "AB"),
        ("use != 'old' or text = 'B'", "A"),
        ("use != 'old' and text = 'B'", "ABC"),
        ("use.exists().not()", "AC"),
        ("use.empty()", "AC"),
    ] {
        let operations: Vec<_> = (0..2)
            .map(|_| format!("Patient.name.where({filter}).first()"))
            .collect();
        let operations: Vec<_> = operations.iter().map(|path| ("delete", path.as_str(), "")).collect();
        let text = fhir(&operations, patient).unwrap_or_else(|error| panic!("{filter}: {error}"));
        let kept: String = ["A", "B", "C"]
            .into_iter()
            .filter(|name| text.contains(&format!("{name:?}")))
            .collect();
        assert_eq!(kept, left, "{filter}");
    }
    let other = fhir(&[("delete", "Patient.name.where(text = %resource.id)", "")], patient);
    assert!(other.is_err(), "a variable is refused");
}

/// A path of many filters costs as many readings of the resource.
#[test]
fn filters_are_work() {
    let names = vec![r#"{"use":"old"}"#; 40_000].join(",");
    let patient = format!(r#"{{"resourceType":"Patient","name":[{names}]}}"#);
    let filter = vec!["use = 'a'"; 150].join(" or ");
    let path = format!("Patient.name.where({filter})");
    let outcome = fhir(&[("delete", path.as_str(), "")], &patient);
    assert!(outcome.is_err_and(|error| error.contains("too long")), "refused");
}

/// Name, document, patch, and what comes of it.
type Example = (
    &'static str,
    &'static str,
    &'static str,
    Result<&'static str, &'static str>,
);

/// Those of RFC 6902, appendix A.
const EXAMPLES: &[Example] = &[
    (
        "A.1",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
        Ok(r#"{"baz":"qux","foo":"bar"}"#),
    ),
    (
        "A.2",
        r#"{"foo":["bar","baz"]}"#,
        r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
        Ok(r#"{"foo":["bar","qux","baz"]}"#),
    ),
    (
        "A.3",
        r#"{"baz":"qux","foo":"bar"}"#,
        r#"[{"op":"remove","path":"/baz"}]"#,
        Ok(r#"{"foo":"bar"}"#),
    ),
    (
        "A.4",
        r#"{"foo":["bar","qux","baz"]}"#,
        r#"[{"op":"remove","path":"/foo/1"}]"#,
        Ok(r#"{"foo":["bar","baz"]}"#),
    ),
    (
        "A.5",
        r#"{"baz":"qux","foo":"bar"}"#,
        r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
        Ok(r#"{"baz":"boo","foo":"bar"}"#),
    ),
    (
        "A.6",
        r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
        r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
        Ok(r#"{"foo":{"bar":"baz"},"qux":{"thud":"fred","corge":"grault"}}"#),
    ),
    (
        "A.7",
        r#"{"foo":["all","grass","cows","eat"]}"#,
        r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
        Ok(r#"{"foo":["all","cows","eat","grass"]}"#),
    ),
    (
        "A.8",
        r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
        Ok(r#"{"baz":"qux","foo":["a",2,"c"]}"#),
    ),
    (
        "A.9",
        r#"{"baz":"qux"}"#,
        r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
        Err("the value at the path is not the one that is tested for"),
    ),
    (
        "A.10",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/child","value":{"grandchild":{"a":1}}}]"#,
        Ok(r#"{"child":{"grandchild":{"a":1}},"foo":"bar"}"#),
    ),
    (
        "A.11",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
        Ok(r#"{"baz":"qux","foo":"bar"}"#),
    ),
    (
        "A.12",
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
        Err("nothing stands at the path"),
    ),
    (
        "A.14",
        r#"{"/":9,"~1":10}"#,
        r#"[{"op":"test","path":"/~01","value":10}]"#,
        Ok(r#"{"/":9,"~1":10}"#),
    ),
    (
        "A.15",
        r#"{"/":9,"~1":10}"#,
        r#"[{"op":"test","path":"/~01","value":"10"}]"#,
        Err("the value at the path is not the one that is tested for"),
    ),
    (
        "A.16",
        r#"{"foo":["bar"]}"#,
        r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
        Ok(r#"{"foo":["bar",["abc","def"]]}"#),
    ),
];

#[test]
fn examples_of_rfc_6902() {
    for (name, before, patch, after) in EXAMPLES {
        let expected = after
            .map(str::to_owned)
            .map_err(|why| format!("operation 0 of the patch: {why}"));
        assert_eq!(json(patch, before), expected, "{name}");
    }
    // A.13: a member twice is no JSON to us.
    let twice = r#"[{"op":"add","path":"/baz","value":"qux","op":"remove"}]"#;
    assert!(Document::parse(twice, &Limits::default()).is_err());
}
