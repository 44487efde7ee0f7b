//! Filters from their names: a parameter of the type, a chain (`subject:Patient.name`) or a reverse chain
//! (`_has:Observation:patient:code`). <http://hl7.org/fhir/R4/search.html#chaining>, <http://hl7.org/fhir/R4/search.html#has>

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::search::{ParameterKind, SearchParameter, Targets};

use super::criteria::{Filter, Inner, Test, filter};
use super::error::SearchError;
use super::query::{Asked, is_supported};

/// Most links of a chain.
const MAX_DEPTH: usize = 4;

/// Most searches inside of a search: a chain without types is one for each type that its reference may name.
const MAX_INNER: usize = 32;

/// Reads filters; one for all of a search.
pub struct Reader<'a> {
    asked: &'a Asked<'a>,
    inner: usize,
}

impl<'a> Reader<'a> {
    /// For this search.
    pub fn new(asked: &'a Asked<'a>) -> Self {
        Self { asked, inner: 0 }
    }

    /// The filter of this name (with modifier, or chained) and text on a type.
    pub fn read(&mut self, kind: ResourceType, (name, value): (&str, &str)) -> Result<Filter, SearchError> {
        self.at_depth(kind, (name, value), 0)
    }

    fn at_depth(
        &mut self,
        kind: ResourceType,
        (name, value): (&str, &str),
        depth: usize,
    ) -> Result<Filter, SearchError> {
        if depth > MAX_DEPTH {
            return Err(SearchError::TooDeep(MAX_DEPTH));
        }
        if let Some(reverse) = name.strip_prefix("_has:") {
            return self.reverse(kind, (name, reverse, value), depth);
        }
        if let Some((link, rest)) = name.split_once('.') {
            return self.chain(kind, (name, link), (rest, value), depth);
        }
        let (code, modifier) = name
            .split_once(':')
            .map_or((name, None), |(code, modifier)| (code, Some(modifier)));
        let parameter = find(kind, code, name)?;
        let local = format!("{}/", self.asked.base);
        let value = if parameter.kind == ParameterKind::Reference {
            value.replace(&local, "")
        } else {
            value.to_owned()
        };
        filter(parameter, modifier, &value, self.asked.now.millis())
    }

    /// `link.rest=value`, the link with or without a type.
    fn chain(
        &mut self,
        kind: ResourceType,
        (name, link): (&str, &str),
        (rest, value): (&str, &str),
        depth: usize,
    ) -> Result<Filter, SearchError> {
        let (code, named) = link
            .split_once(':')
            .map_or((link, None), |(code, kind)| (code, Some(kind)));
        let parameter = find(kind, code, name)?;
        let unknown = || SearchError::UnknownParameter(name.to_owned());
        if parameter.kind != ParameterKind::Reference {
            return Err(unknown());
        }
        if let Some(named) = named {
            let target = ResourceType::find(named).filter(|target| parameter.targets.contains(*target));
            let inner = self.inner(target.ok_or_else(unknown)?, (rest, value), depth)?;
            return Ok(Filter {
                parameter,
                test: Test::Refers(vec![inner]),
            });
        }
        let targets: Vec<ResourceType> = match &parameter.targets {
            Targets::These(kinds) => kinds.clone(),
            Targets::Any => ResourceType::all().collect(),
        };
        let (mut inners, mut refusal) = (Vec::new(), None);
        for target in targets {
            match self.inner(target, (rest, value), depth) {
                Ok(inner) => inners.push(inner),
                // Not of this type: of another, perhaps.
                Err(SearchError::UnknownParameter(_) | SearchError::UnsupportedParameter(_)) => {}
                Err(SearchError::Refused(why)) => refusal = Some(why),
                Err(error) => return Err(error),
            }
        }
        match refusal {
            Some(why) if inners.is_empty() => Err(SearchError::Refused(why)),
            _ if inners.is_empty() => Err(unknown()),
            _ => Ok(Filter {
                parameter,
                test: Test::Refers(inners),
            }),
        }
    }

    /// `_has:Type:parameter:rest=value`.
    fn reverse(
        &mut self,
        kind: ResourceType,
        (name, reverse, value): (&str, &str, &str),
        depth: usize,
    ) -> Result<Filter, SearchError> {
        let unknown = || SearchError::UnknownParameter(name.to_owned());
        let mut parts = reverse.splitn(3, ':');
        let (Some(source), Some(code), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unknown());
        };
        let source = ResourceType::find(source).ok_or_else(unknown)?;
        let parameter = find(source, code, name)?;
        if parameter.kind != ParameterKind::Reference || !parameter.targets.contains(kind) {
            return Err(unknown());
        }
        let inner = self.inner(source, (rest, value), depth)?;
        Ok(Filter {
            parameter,
            test: Test::ReferredBy(Box::new(inner)),
        })
    }

    /// The search inside, for whoever may search that type.
    fn inner(&mut self, kind: ResourceType, (name, value): (&str, &str), depth: usize) -> Result<Inner, SearchError> {
        let filter = self.at_depth(kind, (name, value), depth + 1)?;
        (self.asked.permitted)(kind)?;
        self.inner += 1;
        if self.inner > MAX_INNER {
            return Err(SearchError::TooWide(MAX_INNER));
        }
        Ok(Inner {
            kind,
            filters: vec![filter],
        })
    }
}

/// A parameter that searches may use.
fn find(kind: ResourceType, code: &str, name: &str) -> Result<&'static SearchParameter, SearchError> {
    let parameter = SearchParameter::find(kind, code).ok_or_else(|| SearchError::UnknownParameter(name.to_owned()))?;
    if is_supported(parameter) {
        Ok(parameter)
    } else {
        Err(SearchError::UnsupportedParameter(name.to_owned()))
    }
}
