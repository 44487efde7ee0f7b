//! Resources that come with the matches of a page: those that they refer to, those that refer to them.
//! <http://hl7.org/fhir/R4/search.html#include>
//!
//! Where the matches alone bring more than may come with a page, [`Rest`] says where the others begin, for `$includes`. What
//! iterated includes bring beyond the limit is cut, as in Azure.

use std::collections::HashSet;

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::{ParameterKind, SearchParameter, Targets};

use super::brought::{Step, brought};
use super::error::SearchError;
use super::query::{Asked, Query};
use super::ranges;
use super::rest::Rest;
use super::verify::references;
use super::walk::Walk;
use crate::repo::{Resources, Version};

/// Most resources that come with a page, as in Azure.
pub const MAX_INCLUDED: usize = 1000;

/// Most times that `:iterate` goes on from what was included before.
const MAX_ROUNDS: usize = 5;

/// Most includes of a search.
const MAX_INCLUDES: usize = 32;

/// One `_include` or `_revinclude`.
#[derive(Clone, Debug)]
pub struct Include {
    /// From the matches to what they refer to, or to what refers to them.
    pub direction: Direction,
    /// The type that has the reference; `None` for whatever was found.
    pub source: Option<ResourceType>,
    /// The reference; `None` for all of the type.
    pub parameter: Option<&'static SearchParameter>,
    /// Types that may come.
    pub kinds: Vec<ResourceType>,
    /// Whether it goes on from what it brings.
    pub is_iterated: bool,
}

/// Where an include goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what is referred to.
    Forward,
    /// To what refers here.
    Reverse,
}

impl Include {
    /// Reads `_include`, `_revinclude` (with `:iterate` or, as it was called before, `:recurse`) and its value
    /// `Type:parameter:Type`; `None` for other names.
    pub fn parse((name, value): (&str, &str), asked: &Asked<'_>) -> Result<Option<Self>, SearchError> {
        let (code, modifier) = name
            .split_once(':')
            .map_or((name, None), |(code, rest)| (code, Some(rest)));
        let direction = match code {
            "_include" => Direction::Forward,
            "_revinclude" => Direction::Reverse,
            _ => return Ok(None),
        };
        let is_iterated = match modifier {
            None => false,
            Some("iterate" | "recurse") => true,
            Some(modifier) => {
                return Err(SearchError::UnsupportedModifier {
                    parameter: code.to_owned(),
                    modifier: modifier.to_owned(),
                });
            }
        };
        let unknown = || SearchError::UnknownInclude(value.to_owned());
        let parts: Vec<&str> = value.split(':').collect();
        let (source, parameter, target) = match parts[..] {
            ["*"] if direction == Direction::Forward => ("*", "*", None),
            [source, parameter] => (source, parameter, None),
            [source, parameter, target] => (source, parameter, Some(target).filter(|target| !target.is_empty())),
            _ => return Err(unknown()),
        };
        let kind = |name: &str| ResourceType::find(name).ok_or_else(unknown);
        let source = (source != "*").then(|| kind(source)).transpose()?;
        let target = target.map(kind).transpose()?;
        let parameter = match (source, parameter) {
            (_, "*") => None,
            (Some(source), code) => Some(reference(source, code).ok_or_else(unknown)?),
            (None, _) => return Err(unknown()),
        };
        let kinds = match direction {
            Direction::Forward => targets(parameter, target, asked)?,
            Direction::Reverse => {
                let source = source.ok_or_else(unknown)?;
                (asked.permitted)(source)?;
                vec![source]
            }
        };
        if kinds.is_empty() {
            return Err(unknown());
        }
        Ok(Some(Self {
            direction,
            source,
            parameter,
            kinds,
            is_iterated,
        }))
    }

    /// The references that it follows, of a type.
    fn parameters(&self, kind: ResourceType) -> Vec<&'static SearchParameter> {
        match self.parameter {
            Some(parameter) => vec![parameter],
            None => SearchParameter::of(kind)
                .filter(|parameter| parameter.kind == ParameterKind::Reference)
                .collect(),
        }
    }

    /// The numbers of what a version refers to by it.
    pub(super) async fn referred(
        &self,
        resources: &mut Resources<'_, '_>,
        version: &Version,
    ) -> Result<Vec<i64>, SearchError> {
        let mut found = Vec::new();
        if self.direction == Direction::Reverse || self.source.is_some_and(|source| source != version.kind) {
            return Ok(found);
        }
        for parameter in self.parameters(version.kind) {
            for (kind, id) in references(version, parameter.number)? {
                if self.kinds.contains(&kind) {
                    found.extend(resources.find_number(kind, &id).await?);
                }
            }
        }
        Ok(found)
    }

    /// The references by which it goes from a resource of this type to those that refer to it.
    pub(super) fn steps(&self, kind: ResourceType) -> Vec<Step> {
        if self.direction == Direction::Forward {
            return Vec::new();
        }
        let of = |source: &ResourceType| {
            let source = *source;
            let parameters = self.parameters(source).into_iter();
            parameters.map(move |parameter| (source, parameter))
        };
        let all = self.kinds.iter().flat_map(of);
        all.filter(|(_, parameter)| parameter.targets.contains(kind)).collect()
    }
}

fn reference(kind: ResourceType, code: &str) -> Option<&'static SearchParameter> {
    SearchParameter::find(kind, code).filter(|parameter| parameter.kind == ParameterKind::Reference)
}

/// The types that a forward include may bring: the one that is named, or those that the caller may search.
fn targets(
    parameter: Option<&SearchParameter>,
    named: Option<ResourceType>,
    asked: &Asked<'_>,
) -> Result<Vec<ResourceType>, SearchError> {
    let all = match parameter.map(|parameter| &parameter.targets) {
        Some(Targets::These(kinds)) => kinds.clone(),
        Some(Targets::Any) | None => ResourceType::all().collect(),
    };
    match named {
        Some(named) => {
            (asked.permitted)(named)?;
            Ok(all.into_iter().filter(|kind| *kind == named).collect())
        }
        None => Ok(all
            .into_iter()
            .filter(|kind| (asked.permitted)(*kind).is_ok())
            .collect()),
    }
}

/// Checks that a search has no more includes than it may.
pub fn check_count(includes: &[Include]) -> Result<(), SearchError> {
    if includes.len() > MAX_INCLUDES {
        return Err(SearchError::TooMany(MAX_INCLUDES));
    }
    Ok(())
}

/// What comes with a page.
#[derive(Debug, Default)]
pub struct Included {
    /// The resources, each once and none that is a match of the page.
    pub versions: Vec<Version>,
    /// Whether there were more than may come.
    pub is_cut: bool,
    /// The others, where they can be asked for.
    pub rest: Option<Rest>,
}

/// What comes with these matches.
pub async fn included(
    resources: &mut Resources<'_, '_>,
    query: &Query,
    matches: &[Version],
) -> Result<Included, SearchError> {
    let out = brought(resources, query, matches).await?;
    let iterated: Vec<&Include> = query.includes.iter().filter(|include| include.is_iterated).collect();
    if out.is_cut || iterated.is_empty() {
        return Ok(out);
    }
    let seen = matches.iter().chain(&out.versions).map(|version| version.rid);
    let mut gather = Gather {
        seen: seen.collect(),
        most: query.included,
        out,
    };
    let mut from = 0;
    for _ in 0..MAX_ROUNDS {
        let frontier = gather.out.versions[from..].to_vec();
        from = gather.out.versions.len();
        for include in &iterated {
            for version in &frontier {
                gather.follow(resources, include, version).await?;
            }
        }
        if gather.out.is_cut || gather.out.versions.len() == from {
            break;
        }
    }
    Ok(gather.out)
}

/// What iterated includes bring.
struct Gather {
    seen: HashSet<i64>,
    most: usize,
    out: Included,
}

impl Gather {
    async fn follow(
        &mut self,
        resources: &mut Resources<'_, '_>,
        include: &Include,
        version: &Version,
    ) -> Result<(), SearchError> {
        for rid in include.referred(resources, version).await? {
            self.take(resources, include, rid).await?;
        }
        for (source, parameter) in include.steps(version.kind) {
            let range = ranges::referring((source, parameter.number.get()), version.kind, version.rid);
            let mut walk = Walk::new(&[range], false, None);
            while !self.out.is_cut
                && let Some(posting) = walk.next(resources).await?
            {
                self.take(resources, include, posting.rid).await?;
            }
        }
        Ok(())
    }

    /// Takes a resource, if it is there and was not taken.
    async fn take(
        &mut self,
        resources: &mut Resources<'_, '_>,
        include: &Include,
        rid: i64,
    ) -> Result<(), SearchError> {
        if self.out.is_cut || self.seen.contains(&rid) {
            return Ok(());
        }
        let current = resources.find_current_of(rid).await?;
        let Some(current) = current.filter(|current| !current.is_deleted && include.kinds.contains(&current.kind))
        else {
            return Ok(());
        };
        if self.out.versions.len() == self.most {
            self.out.is_cut = true;
            return Ok(());
        }
        self.seen.insert(rid);
        self.out.versions.push(resources.get(current.seq).await?);
        Ok(())
    }
}
