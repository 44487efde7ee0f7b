//! Patches of resources. Input: a line with a JSON Patch or a Parameters resource, then the resource.
//!
//! Laws: what a JSON Patch gives, the crate `json-patch` gives too, but for what is empty at the end; what one of both
//! refuses and the other not is a rule of ours; every number has the digits that it had in the resource or the patch.

use std::collections::HashSet;

use hygie_fhir_model::is_same_number;
use hygie_fhir_model::json::{Document, Json, Kind, Limits};
use hygie_fhir_model::patch::{MAX_WORK, Patch, PatchError, Why};
use serde_json::Value;

use crate::{Target, lines, texts};

pub const TARGET: Target = Target {
    name: "patch",
    run,
    seeds,
    words: r#"
        "op":"add" "op":"remove" "op":"replace" "op":"move" "op":"copy" "op":"test" "path":"/ "from":"/ "value": /0 /- /name
        ~0 ~1 [] {} 1.00 -0 null "valueCode":"insert" "valueCode":"delete" "valueCode":"upsert" Patient.name .where( .first()
        [0] .given .exists() ='x' "valueString":"Patient" "name":"index","valueInteger": "part":["#,
};

/// Narrow enough that an input can reach each.
const LIMITS: Limits = Limits {
    bytes: 4096,
    depth: 14,
    values: 400,
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "[{\"op\":\"test\",\"path\":\"/n\",\"value\":1.0},{\"op\":\"add\",\"path\":\"/l/1\",\"value\":{\"x\":2.50}},{\"op\":\"move\",\"from\":\"/l/0\",\"path\":\"/l/-\"}]\n{\"resourceType\":\"X\",\"n\":1.00,\"l\":[1,2e3],\"o\":{}}",
        "[{\"op\":\"test\",\"path\":\"/n\",\"value\":1.0},{\"op\":\"add\",\"path\":\"/l/2\",\"value\":{\"x\":2.50}},{\"op\":\"move\",\"from\":\"/l/0\",\"path\":\"/l!/-\"}]\n{\"resourceType\":\"X\",\"n\":1.00,\"l\":[1,2e3],\"o\":{}}",
        "[{\"op\":\"test\",\"path\":\"/n\",\"value\":1.0}]\n{\"n\":1.0000000000000000000000000000000000000000}",
        "[{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a~1b\"},{\"op\":\"remove\",\"path\":\"/id\"}]\n{\"id\":\"1\",\"a\":[[]]}",
        "[{\"op\":\"move\",\"from\":\"\",\"path\":\"\"}]\n{\"\":\"2\",\"a\":[[[]]]}",
        "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"id\":\"1\"}}]\n{\"id\":\"1\",\"meta\":{\"versionId\":\"2\"}}",
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[{\"name\":\"type\",\"valueCode\":\"insert\"},{\"name\":\"path\",\"valueString\":\"Patient.name[0].given\"},{\"name\":\"index\",\"valueInteger\":1},{\"name\":\"value\",\"valueString\":\"z\"}]}]}\n{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"x\",null],\"_given\":[null,{\"id\":\"y\"}]}]}",
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[{\"name\":\"type\",\"valueCode\":\"add\"},{\"name\":\"path\",\"valueString\":\"Observation.component.where(code.text = 'a' and value.exists()).first()\"},{\"name\":\"name\",\"valueString\":\"value\"},{\"name\":\"value\",\"valueQuantity\":{\"value\":7.50}}]}]}\n{\"resourceType\":\"Observation\",\"component\":[{\"code\":{\"text\":\"a\"}}]}",
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[{\"name\":\"type\",\"valueCode\":\"upsert\"},{\"name\":\"path\",\"valueString\":\"Patient\"},{\"name\":\"name\",\"valueString\":\"contact\"},{\"name\":\"value\",\"part\":[{\"name\":\"name\",\"valueHumanName\":{\"text\":\"n\"}}]}]}]}\n{\"resourceType\":\"Patient\"}",
    ])
}

fn run(input: &[u8]) {
    let [patch, resource] = lines(input);
    let (Ok(patch), Ok(resource)) = (Document::parse(patch, &LIMITS), Document::parse(resource, &LIMITS)) else {
        return;
    };
    let read = match patch.root().kind() {
        Kind::Array => Patch::json(&patch),
        _ => Patch::fhir(&patch),
    };
    let ours = read.and_then(|read| read.apply(resource.source(), &LIMITS, &mut { MAX_WORK }));
    if let Ok(document) = &ours {
        let mut known = HashSet::new();
        numbers(patch.root(), &mut known);
        numbers(resource.root(), &mut known);
        let mut found = HashSet::new();
        numbers(document.root(), &mut found);
        assert!(found.is_subset(&known), "a number changed its digits");
    }
    if patch.root().kind() == Kind::Array {
        same_as_another(&patch, &resource, ours);
    }
}

fn numbers<'d>(value: Json<'d>, found: &mut HashSet<&'d str>) {
    found.extend(value.number());
    value.members().for_each(|member| numbers(member, found));
    value.items().for_each(|item| numbers(item, found));
}

fn same_as_another(patch: &Document, resource: &Document, ours: Result<Document, PatchError>) {
    // What our limits refuse the other may need gigabytes for: it has none.
    if ours.as_ref().is_err_and(is_rule) {
        return;
    }
    // Numbers beyond floats are none to it.
    let read = |document: &Document| serde_json::from_str::<Value>(document.source());
    let (Ok(mut value), Ok(_)) = (read(resource), read(patch)) else {
        return;
    };
    // Not `patch`: to undo what it has done when a later operation fails, it may panic.
    let theirs = serde_json::from_str::<json_patch::Patch>(patch.source())
        .ok()
        .filter(|patch| json_patch::patch_unsafe(&mut value, patch).is_ok());
    match (ours, theirs) {
        (Ok(document), Some(_)) => {
            prune(&mut value);
            if let Ok(ours) = serde_json::from_str::<Value>(document.source()) {
                assert_eq!(ours, value, "another result");
            }
        }
        // By its numbers 1.0 is not 1, and it does not move the whole to where it is (RFC 6902 §4.4: that changes nothing).
        (Ok(_), None) => assert!(
            patch
                .root()
                .items()
                .any(|operation| is_test(operation) || is_move_of_whole(operation)),
            "applied what another refuses"
        ),
        // By floats, which the other compares, numbers may be one that are not.
        (Err(error), Some(_)) => assert!(
            is_test_failed(&error) && !(are_floats(patch.root()) && are_floats(resource.root())),
            "refused by no rule of ours: {error}"
        ),
        (Err(_), None) => {}
    }
}

fn is_test(operation: Json<'_>) -> bool {
    is_member(operation, "op", "test")
}

fn is_move_of_whole(operation: Json<'_>) -> bool {
    is_member(operation, "op", "move") && is_member(operation, "from", "") && is_member(operation, "path", "")
}

fn is_member(operation: Json<'_>, name: &str, text: &str) -> bool {
    operation.find(name).and_then(Json::text).as_deref() == Some(text)
}

fn is_test_failed(error: &PatchError) -> bool {
    matches!(error, PatchError::Operation { why: Why::Test, .. })
}

/// Whether floats hold the numbers of a document exactly.
fn are_floats(value: Json<'_>) -> bool {
    value.number().is_none_or(|number| {
        let float = number.parse::<f64>().unwrap_or(f64::NAN);
        is_same_number(number, &format!("{float:e}"))
    }) && value.members().all(are_floats)
        && value.items().all(are_floats)
}

/// What we refuse beyond the RFC.
fn is_rule(error: &PatchError) -> bool {
    match error {
        PatchError::Immutable(_) | PatchError::TooMany(_) | PatchError::TooCostly => true,
        PatchError::Operation { why, .. } => matches!(why, Why::Text(_) | Why::Whole | Why::Inside),
        PatchError::Form(_) => false,
    }
}

fn prune(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, member| !is_empty(member));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(prune);
            items.retain(|item| !is_empty(item));
        }
        _ => {}
    }
}
