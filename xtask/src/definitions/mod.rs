//! The compact tables of `fhir-model`, made from the definitions that HL7 publishes.
//!
//! The source is the npm package `hl7.fhir.r4.examples` 4.0.1 (CC0-1.0), which despite its name carries all
//! StructureDefinitions, SearchParameters, ValueSets and CodeSystems of <http://hl7.org/fhir/R4/>. Copies of the
//! definitions in other packages were found to be extended with elements of later versions and of products.
//!
//! Numbers of resource types and search parameters are part of the stored search index: a number once given in a
//! table is kept for ever, new entries get the next free ones.

mod codes;
mod elements;
mod numbers;
mod search;
mod source;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use source::Source;

/// Reads the definitions in `dir` and writes the four tables to `out`.
pub fn run(dir: &Path, out: &Path) -> anyhow::Result<()> {
    let source = Source::read(dir)?;
    fs::create_dir_all(out)?;
    let resources = numbers::Numbers::read(&out.join("resources.tsv"), 1)?;
    write(out, "resources.tsv", &elements::resources(&source, resources)?)?;
    write(out, "elements.txt", &elements::tree(&source)?)?;
    write(out, "codes.txt", &codes::table(&source)?)?;
    let parameters = numbers::Numbers::read(&out.join("search.tsv"), 2)?;
    write(out, "search.tsv", &search::table(&source, parameters)?)
}

fn write(out: &Path, name: &str, (columns, body): &(&str, String)) -> anyhow::Result<()> {
    let mut text = String::new();
    writeln!(text, "# {columns}")?;
    text.push_str(
        "# Made by `cargo run -p xtask -- definitions DIR` from the FHIR R4 (4.0.1) definitions, http://hl7.org/fhir/R4/\n\
         # (npm package hl7.fhir.r4.examples 4.0.1). Source and table: CC0-1.0. Do not edit.\n",
    );
    text.push_str(body);
    let path = out.join(name);
    fs::write(&path, &text).with_context(|| path.display().to_string())?;
    println!(
        "{}: {} lines, {} bytes",
        path.display(),
        text.lines().count(),
        text.len()
    );
    Ok(())
}
