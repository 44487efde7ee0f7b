//! `codes.txt`: the value sets that `code` elements are bound to.

use super::{EMBEDDED, lines};

/// The codes that a `code` element may have, with the code systems they come from.
#[derive(Debug)]
pub(crate) struct ValueSet {
    pub name: &'static str,
    /// Sorted.
    codes: Vec<(&'static str, u16)>,
    systems: Vec<&'static str>,
    /// The system whose codes are not enumerated.
    open: Option<&'static str>,
}

impl ValueSet {
    /// The code system of `code`; `None` when the value set does not have it.
    pub(crate) fn system(&self, code: &str) -> Option<&'static str> {
        match self.codes.binary_search_by_key(&code, |(known, _)| known) {
            Ok(at) => Some(self.systems[usize::from(self.codes[at].1)]),
            Err(_) => self.open,
        }
    }
}

/// The value sets, sorted by name.
#[derive(Debug)]
pub(crate) struct ValueSets(Vec<ValueSet>);

impl ValueSets {
    pub(super) fn read(table: &'static str) -> Self {
        let mut sets: Vec<ValueSet> = Vec::new();
        for line in lines(table) {
            let Some(include) = line.strip_prefix(' ') else {
                sets.push(ValueSet {
                    name: line,
                    codes: Vec::new(),
                    systems: Vec::new(),
                    open: None,
                });
                continue;
            };
            let set = sets.last_mut().expect(EMBEDDED);
            let mut words = include.split(' ');
            let system = words.next().expect(EMBEDDED);
            let number = set.systems.len() as u16;
            set.systems.push(system);
            for code in words {
                if code == "*" {
                    set.open = Some(system);
                } else {
                    set.codes.push((code, number));
                }
            }
        }
        for set in &mut sets {
            set.codes.sort_unstable();
        }
        sets.sort_unstable_by_key(|set| set.name);
        Self(sets)
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.0.binary_search_by_key(&name, |set| set.name).ok()
    }

    pub(crate) fn get(&self, position: usize) -> &ValueSet {
        &self.0[position]
    }
}
