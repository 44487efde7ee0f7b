//! `search.tsv`: the standard search parameters, one row per resource type and code.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::numbers::Numbers;
use super::source::{Source, items, str_of};

/// More targets than this are "any type".
const ANY: usize = 100;

/// One row per base type and code; the expression keeps the branches of that type only.
pub fn table(source: &Source, mut numbers: Numbers) -> anyhow::Result<(&'static str, String)> {
    let mut sorted = BTreeMap::new();
    for parameter in source.parameters.values() {
        for base in items(parameter, "base").iter().filter_map(Value::as_str) {
            let key = (base, str_of(parameter, "code")?);
            ensure!(sorted.insert(key, parameter).is_none(), "two parameters {key:?}");
        }
    }
    let mut rows = BTreeMap::new();
    for ((base, code), parameter) in sorted {
        let number = numbers.of(&format!("{base}\t{code}"))?;
        rows.insert(number, row(source, (base, code), parameter)?);
    }
    let mut text = String::new();
    for (number, row) in rows {
        writeln!(text, "{number}\t{row}")?;
    }
    Ok((
        "Search parameters: number, resource type, code, kind, targets, expression, components (code: expression; …). \
         Numbers are stored in the index and never change.",
        text,
    ))
}

fn row(source: &Source, (base, code): (&str, &str), parameter: &Value) -> anyhow::Result<String> {
    let kind = str_of(parameter, "type")?;
    let mut targets: Vec<_> = items(parameter, "target").iter().filter_map(Value::as_str).collect();
    targets.sort_unstable();
    let expression = branches(base, parameter["expression"].as_str().unwrap_or_default());
    let mut components = Vec::new();
    for component in items(parameter, "component") {
        let url = str_of(component, "definition")?;
        let definition = source
            .parameters
            .get(url)
            .with_context(|| format!("no search parameter {url}"))?;
        components.push(format!(
            "{}: {}",
            str_of(definition, "code")?,
            str_of(component, "expression")?
        ));
    }
    // A reference to anything lists every type of its day; the star stands for all of ours.
    let targets = if targets.len() > ANY {
        "*".to_owned()
    } else {
        targets.join(",")
    };
    let row = format!(
        "{base}\t{code}\t{kind}\t{targets}\t{expression}\t{}",
        components.join("; ")
    );
    Ok(row.trim_end().to_owned())
}

/// The branches of a union that start at `base`; all of them when none names a type.
fn branches(base: &str, expression: &str) -> String {
    let all: Vec<_> = expression.split('|').map(str::trim).collect();
    let own = all.iter().filter(|branch| {
        let head = branch.trim_start_matches('(');
        head.strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ']))
    });
    let own: Vec<_> = own.copied().collect();
    if own.is_empty() {
        all.join(" | ")
    } else {
        own.join(" | ")
    }
}
