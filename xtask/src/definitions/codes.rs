//! `codes.txt`: the codes of the value sets to which `code` elements are bound with strength *required*.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::source::{Source, items, str_of};

/// The value set that a `code` element requires.
pub fn required(element: &Value) -> Option<&str> {
    let is_code = items(element, "type").iter().any(|t| t["code"] == "code");
    let binding = &element["binding"];
    (is_code && binding["strength"] == "required")
        .then(|| binding["valueSet"].as_str())
        .flatten()
}

/// The last part of a value set's url, without its version: its name in the tables.
pub fn short_name(url: &str) -> &str {
    let url = url.split('|').next().unwrap_or(url);
    url.rsplit('/').next().unwrap_or(url)
}

/// Every required value set: per code system its codes, or `*` when they are not enumerated.
pub fn table(source: &Source) -> anyhow::Result<(&'static str, String)> {
    let mut used = BTreeMap::new();
    for structure in source.structures.values() {
        for url in items(&structure["snapshot"], "element").iter().filter_map(required) {
            let url = url.split('|').next().unwrap_or(url);
            let earlier = used.insert(short_name(url), url);
            ensure!(
                earlier.is_none_or(|earlier| earlier == url),
                "two value sets are called {}",
                short_name(url)
            );
        }
    }
    let mut text = String::new();
    for (name, url) in used {
        let value_set = source
            .value_sets
            .get(url)
            .with_context(|| format!("no value set {url}"))?;
        writeln!(text, "{name}")?;
        for include in items(&value_set["compose"], "include") {
            ensure!(
                include["filter"].is_null() && include["valueSet"].is_null(),
                "{url} is not a plain list"
            );
            let codes = codes_of(source, include)?;
            ensure!(
                !codes.iter().any(|code| code.contains(char::is_whitespace)),
                "{url} has a code with a space"
            );
            writeln!(text, " {} {}", str_of(include, "system")?, codes.join(" "))?;
        }
    }
    Ok((
        "Value sets of required `code` elements: per code system its codes, * when not enumerated.",
        text,
    ))
}

fn codes_of<'s>(source: &'s Source, include: &'s Value) -> anyhow::Result<Vec<&'s str>> {
    let mut codes = Vec::new();
    if include["concept"].is_array() {
        collect(include, &mut codes)?;
        return Ok(codes);
    }
    match source.code_systems.get(str_of(include, "system")?) {
        Some(system) => collect(system, &mut codes)?,
        None => codes.push("*"),
    }
    Ok(codes)
}

fn collect<'v>(value: &'v Value, codes: &mut Vec<&'v str>) -> anyhow::Result<()> {
    for concept in items(value, "concept") {
        codes.push(str_of(concept, "code")?);
        collect(concept, codes)?;
    }
    Ok(())
}
