//! Numbers of resources and systems that are known to be committed: they never change, so looking them up once is enough.
//!
//! A transaction tells what it looked up ([`Learned`]), and that is remembered only after its commit: a number that a
//! rolled back transaction gave may be given again, to something else.

use std::collections::HashMap;

use hygie_fhir_model::ResourceType;
use parking_lot::RwLock;

/// Resources that are remembered: the patients, encounters and practitioners that most writes name.
const RESOURCES: usize = 50_000;

/// Systems that are remembered.
const SYSTEMS: usize = 5_000;

/// What is known.
#[derive(Default)]
pub struct Known {
    resources: RwLock<HashMap<ResourceType, HashMap<Box<str>, i64>>>,
    systems: RwLock<HashMap<Box<str>, i64>>,
}

/// What a transaction looked up or gave.
#[derive(Debug, Default)]
pub struct Learned {
    pub resources: Vec<(ResourceType, String, i64)>,
    pub systems: Vec<(String, i64)>,
}

impl Known {
    /// The number of a resource.
    pub fn resource(&self, kind: ResourceType, id: &str) -> Option<i64> {
        self.resources.read().get(&kind)?.get(id).copied()
    }

    /// The number of a system.
    pub fn system(&self, uri: &str) -> Option<i64> {
        self.systems.read().get(uri).copied()
    }

    /// Remembers what a committed transaction learned.
    pub fn learn(&self, learned: Learned) {
        if !learned.resources.is_empty() {
            let mut resources = self.resources.write();
            // Beginning anew is simple, rare, and soon made up for.
            if resources.values().map(HashMap::len).sum::<usize>() + learned.resources.len() > RESOURCES {
                resources.clear();
            }
            for (kind, id, rid) in learned.resources.into_iter().take(RESOURCES) {
                resources.entry(kind).or_default().insert(id.into(), rid);
            }
        }
        if !learned.systems.is_empty() {
            let mut systems = self.systems.write();
            if systems.len() + learned.systems.len() > SYSTEMS {
                systems.clear();
            }
            let learned = learned.systems.into_iter().take(SYSTEMS);
            systems.extend(learned.map(|(uri, sid)| (uri.into(), sid)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let known = Known::default();
        let kind = ResourceType::find("Patient").expect("a type");
        for round in 0..7 {
            known.learn(Learned {
                resources: (0..20_000).map(|n| (kind, format!("{round}-{n}"), n)).collect(),
                systems: (0..2_000).map(|n| (format!("urn:{round}-{n}"), n)).collect(),
            });
            assert_eq!(known.resource(kind, &format!("{round}-7")), Some(7));
            assert_eq!(known.system(&format!("urn:{round}-7")), Some(7));
        }
        assert!(known.resources.read().values().map(HashMap::len).sum::<usize>() <= RESOURCES);
        assert!(known.systems.read().len() <= SYSTEMS);
    }
}
