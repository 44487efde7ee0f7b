//! `search.tsv`: the standard search parameters.

use super::{EMBEDDED, ResourceTypes, lines};
use crate::names::Name;
use crate::resource_type::ResourceType;
use crate::search::{Component, ParameterKind, ParameterNumber, SearchParameter, Targets};

#[derive(Debug)]
pub(crate) struct Parameters {
    /// Sorted by number.
    all: Vec<SearchParameter>,
    /// Positions in `all` by resource type, sorted by code; index 0 has those of every type.
    by_type: Vec<Vec<u16>>,
}

impl Parameters {
    pub(super) fn read(table: &'static str, resources: &ResourceTypes, find: &dyn Fn(&str) -> Name) -> Self {
        let kind_of = |text: &str| resources.by_name(find(text));
        let mut all: Vec<_> = lines(table).map(|line| parameter(line, &kind_of)).collect();
        all.sort_unstable_by_key(|parameter| parameter.number);
        let mut by_type = vec![Vec::new(); resources.end()];
        for (position, parameter) in all.iter().enumerate() {
            by_type[parameter.base.map_or(0, |kind| usize::from(kind.0))].push(position as u16);
        }
        for positions in &mut by_type {
            positions.sort_unstable_by_key(|position| all[usize::from(*position)].code);
        }
        Self { all, by_type }
    }

    pub(crate) fn all(&self) -> &[SearchParameter] {
        &self.all
    }

    pub(crate) fn by_number(&self, number: ParameterNumber) -> Option<&SearchParameter> {
        self.all
            .binary_search_by_key(&number, |parameter| parameter.number)
            .ok()
            .map(|at| &self.all[at])
    }

    /// The parameters of a type, or with `None` those of every type; sorted by code.
    pub(crate) fn of(&self, kind: Option<ResourceType>) -> impl Iterator<Item = &SearchParameter> {
        let positions = self.by_type.get(kind.map_or(0, |kind| usize::from(kind.0)));
        positions
            .into_iter()
            .flatten()
            .map(|position| &self.all[usize::from(*position)])
    }

    pub(crate) fn find(&self, kind: Option<ResourceType>, code: &str) -> Option<&SearchParameter> {
        let positions = self.by_type.get(kind.map_or(0, |kind| usize::from(kind.0)))?;
        let at = positions
            .binary_search_by_key(&code, |position| self.all[usize::from(*position)].code)
            .ok()?;
        Some(&self.all[usize::from(positions[at])])
    }
}

fn parameter(line: &'static str, kind_of: &dyn Fn(&str) -> Option<ResourceType>) -> SearchParameter {
    let mut cells = line.split('\t');
    let mut cell = || cells.next().unwrap_or_default();
    let number = ParameterNumber(cell().parse().expect(EMBEDDED));
    let base = kind_of(cell());
    let code = cell();
    let kind = ParameterKind::find(cell()).expect(EMBEDDED);
    let targets = match cell() {
        "*" => Targets::Any,
        names => Targets::These(names.split(',').filter_map(kind_of).collect()),
    };
    let expression = cell();
    let components = cell().split("; ").filter_map(|component| component.split_once(": "));
    let components = components
        .map(|(code, expression)| Component { code, expression })
        .collect();
    SearchParameter {
        number,
        base,
        code,
        kind,
        targets,
        expression,
        components,
    }
}
