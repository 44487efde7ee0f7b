//! The R4 definitions, read once from the compact tables under `tables/` at first use.
//!
//! The tables are made by `cargo run -p xtask -- definitions DIR`; what they look like is in their first lines.

mod codes;
mod elements;
mod parameters;
mod resources;

pub(crate) use codes::ValueSets;
pub(crate) use elements::{Field, Schema, TypeId, TypeKind, ValueSetId, choice_member};
pub(crate) use parameters::Parameters;
pub(crate) use resources::ResourceTypes;

use std::sync::LazyLock;

use crate::names::Names;

/// Everything the tables say.
#[derive(Debug)]
pub(crate) struct Definitions {
    pub names: Names,
    pub resources: ResourceTypes,
    pub value_sets: ValueSets,
    pub schema: Schema,
    pub parameters: Parameters,
}

/// The definitions; the first call takes a few milliseconds.
pub(crate) fn definitions() -> &'static Definitions {
    static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
        let mut names = Names::new();
        let resources = ResourceTypes::read(include_str!("../../tables/resources.tsv"), &mut names);
        let value_sets = ValueSets::read(include_str!("../../tables/codes.txt"));
        let schema = Schema::read(
            include_str!("../../tables/elements.txt"),
            &mut names,
            &resources,
            &value_sets,
        );
        let parameters = Parameters::read(include_str!("../../tables/search.tsv"), &resources, &|text| {
            names.find(text)
        });
        Definitions {
            names,
            resources,
            value_sets,
            schema,
            parameters,
        }
    });
    &DEFINITIONS
}

/// The lines of a table, without its heading.
fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Why reading an embedded table may panic: the tables are part of the program, and the tests read them all.
const EMBEDDED: &str = "the embedded tables are well formed";
