//! The published definitions, as they lie in a directory of JSON files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// What the tables are made of.
pub struct Source {
    /// StructureDefinitions of resources and datatypes (no profiles, no logical models), by name.
    pub structures: BTreeMap<String, Value>,
    /// Standard SearchParameters by their url.
    pub parameters: BTreeMap<String, Value>,
    /// ValueSets by their url.
    pub value_sets: BTreeMap<String, Value>,
    /// CodeSystems by their url.
    pub code_systems: BTreeMap<String, Value>,
}

impl Source {
    /// Reads every definition file of `dir`.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut source = Self {
            structures: BTreeMap::new(),
            parameters: BTreeMap::new(),
            value_sets: BTreeMap::new(),
            code_systems: BTreeMap::new(),
        };
        for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let wanted = ["StructureDefinition-", "SearchParameter-", "ValueSet-", "CodeSystem-"];
            if wanted.iter().any(|prefix| name.starts_with(prefix)) {
                let resource = serde_json::from_slice(&fs::read(&path)?).with_context(|| path.display().to_string())?;
                source.add(resource)?;
            }
        }
        if source.structures.is_empty() || source.parameters.is_empty() {
            bail!("no definitions in {}", dir.display());
        }
        Ok(source)
    }

    fn add(&mut self, resource: Value) -> anyhow::Result<()> {
        let url = resource["url"].as_str().unwrap_or_default().to_owned();
        match str_of(&resource, "resourceType")? {
            "StructureDefinition" => {
                let name = str_of(&resource, "name")?.to_owned();
                let own = url == format!("http://hl7.org/fhir/StructureDefinition/{name}");
                if own && resource["derivation"] != "constraint" && resource["kind"] != "logical" {
                    self.structures.insert(name, resource);
                }
            }
            "SearchParameter" if is_standard(str_of(&resource, "id")?) => {
                self.parameters.insert(url, resource);
            }
            "ValueSet" => {
                self.value_sets.insert(url, resource);
            }
            "CodeSystem" => {
                self.code_systems.insert(url, resource);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The package mixes the parameters of the standard extensions and some examples with the standard ones.
fn is_standard(id: &str) -> bool {
    !(id.contains("-extensions-") || id.contains("-genetic-") || id.starts_with("example") || id == "filter")
}

/// The string member `name` of `value`.
pub fn str_of<'v>(value: &'v Value, name: &str) -> anyhow::Result<&'v str> {
    value[name]
        .as_str()
        .with_context(|| format!("no string {name} in {:.200}", value.to_string()))
}

/// The items of the array member `name`; none when it is absent.
pub fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}
