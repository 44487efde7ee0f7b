//! `resources.tsv` and `elements.txt`: the resource types, and the elements of every type.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::Value;

use super::codes;
use super::numbers::Numbers;
use super::source::{Source, items, str_of};

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

fn is_concrete(structure: &Value) -> bool {
    structure["kind"] == "resource" && structure["abstract"] == false
}

/// The concrete resource types with their numbers.
pub fn resources(source: &Source, mut numbers: Numbers) -> anyhow::Result<(&'static str, String)> {
    let mut rows = BTreeMap::new();
    for (name, structure) in &source.structures {
        if is_concrete(structure) {
            rows.insert(numbers.of(name)?, name);
        }
    }
    let mut text = String::new();
    for (number, name) in rows {
        writeln!(text, "{number}\t{name}")?;
    }
    Ok((
        "Concrete resource types: number, name. Numbers are stored in the index and never change.",
        text,
    ))
}

/// Every complex type and resource with its own elements; inherited ones are under the base type.
pub fn tree(source: &Source) -> anyhow::Result<(&'static str, String)> {
    let mut text = String::new();
    let primitive = |s: &&Value| s["kind"] == "primitive-type";
    let datatypes = source
        .structures
        .values()
        .filter(|s| !primitive(s) && s["kind"] != "resource");
    let resources = source.structures.values().filter(|s| s["kind"] == "resource");
    for structure in datatypes.chain(resources) {
        write_type(&mut text, structure)?;
    }
    Ok((
        "Types and their own elements: name, min..max, + when part of the summary, types (Reference and canonical with \
         their targets), =required value set, @element whose definition is reused.",
        text,
    ))
}

fn write_type(text: &mut String, structure: &Value) -> anyhow::Result<()> {
    let name = str_of(structure, "name")?;
    let base = structure["baseDefinition"]
        .as_str()
        .and_then(|url| url.rsplit('/').next());
    let kind = if is_concrete(structure) { " resource" } else { "" };
    match base {
        Some(base) => writeln!(text, "{name} : {base}{kind}")?,
        None => writeln!(text, "{name}")?,
    }
    for element in items(&structure["snapshot"], "element") {
        let path = str_of(element, "path")?;
        // An element whose base has another path is inherited and stands under the base type.
        if path.contains('.') && element["base"]["path"] == path {
            write_element(text, element, path)?;
        }
    }
    Ok(())
}

fn write_element(text: &mut String, element: &Value, path: &str) -> anyhow::Result<()> {
    let (parents, name) = path.rsplit_once('.').context("a path without a dot")?;
    let indent = 1 + parents.matches('.').count();
    let min = element["min"].as_u64().with_context(|| path.to_owned())?;
    write!(text, "{}{name} {min}..{}", " ".repeat(indent), str_of(element, "max")?)?;
    if element["isSummary"] == true {
        text.push_str(" +");
    }
    if let Some(reused) = element["contentReference"].as_str() {
        write!(text, " @{}", reused.trim_start_matches('#'))?;
    }
    for kind in items(element, "type") {
        // The definition calls it a string; the specification says `id` (R4, resource, § id).
        let kind = if path == "Resource.id" {
            "id".to_owned()
        } else {
            type_of(kind)?
        };
        write!(text, " {kind}")?;
    }
    if let Some(value_set) = codes::required(element) {
        write!(text, " ={}", codes::short_name(value_set))?;
    }
    text.push('\n');
    Ok(())
}

fn type_of(kind: &Value) -> anyhow::Result<String> {
    let code = str_of(kind, "code")?;
    if code.starts_with("http://hl7.org/fhirpath/System.") {
        // `id` and `Extension.url` are values without extensions; their FHIR type is in an extension.
        let named = items(kind, "extension").iter().find(|e| e["url"] == FHIR_TYPE);
        return Ok(named
            .and_then(|e| e["valueUrl"].as_str())
            .unwrap_or("string")
            .to_owned());
    }
    let targets = items(kind, "targetProfile").iter().filter_map(Value::as_str);
    let mut targets: Vec<_> = targets.filter_map(|url| url.rsplit('/').next()).collect();
    targets.sort_unstable();
    if targets.is_empty() || targets == ["Resource"] {
        return Ok(code.to_owned());
    }
    Ok(format!("{code}({})", targets.join(",")))
}
