//! `resources.tsv`: the concrete resource types.

use super::{EMBEDDED, lines};
use crate::names::{Name, Names};
use crate::resource_type::ResourceType;

#[derive(Debug)]
pub(crate) struct ResourceTypes {
    /// Name texts by number; empty where no type has the number.
    texts: Vec<&'static str>,
    by_name: Vec<Option<ResourceType>>,
}

impl ResourceTypes {
    pub(super) fn read(table: &'static str, names: &mut Names) -> Self {
        let mut types = Self {
            texts: Vec::new(),
            by_name: Vec::new(),
        };
        for line in lines(table) {
            let (number, text) = line.split_once('\t').expect(EMBEDDED);
            let number: u16 = number.parse().expect(EMBEDDED);
            let name = names.intern(text);
            let needed = usize::from(number) + 1;
            types.texts.resize(types.texts.len().max(needed), "");
            types.texts[usize::from(number)] = text;
            types.by_name.resize(types.by_name.len().max(names.len()), None);
            types.by_name[usize::from(name.0)] = Some(ResourceType(number));
        }
        types
    }

    pub(crate) fn by_name(&self, name: Name) -> Option<ResourceType> {
        self.by_name.get(usize::from(name.0)).copied().flatten()
    }

    pub(crate) fn text(&self, kind: ResourceType) -> &'static str {
        self.texts.get(usize::from(kind.0)).copied().unwrap_or_default()
    }

    pub(crate) fn has_number(&self, number: u16) -> bool {
        self.texts.get(usize::from(number)).is_some_and(|text| !text.is_empty())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = ResourceType> {
        (0..self.texts.len() as u16)
            .filter(|number| self.has_number(*number))
            .map(ResourceType)
    }

    /// One more than the largest number.
    pub(crate) fn end(&self) -> usize {
        self.texts.len()
    }
}
