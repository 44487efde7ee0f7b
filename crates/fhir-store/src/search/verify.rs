//! Checking filters in the resource itself: the definition of a match, and the slow way.

use hygie_fhir_model::json::Document;
use hygie_fhir_model::search::{ParameterKind, ParameterNumber, Quantity, Reference, Value, composite, extract};
use hygie_fhir_model::{Interval, ResourceType, Target, fold};
use hygie_store::StoreError;

use super::criteria::{Compare, Criterion, Filter, Inner, System, Test, ancestors};
use super::query::Query;
use crate::index::amount::Span;
use crate::index::key::{Key, Kind, cut};
use crate::repo::{Version, stored};

/// What the resource says of one filter.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Whether the parameter has a value at all.
    present: bool,
    /// Whether a value passes one of the filter's.
    passed: bool,
    /// The first and the last place of its passing values in the index of its parameter.
    pub places: Option<(Vec<u8>, Vec<u8>)>,
}

impl Verdict {
    /// Whether the filter holds.
    pub fn holds(&self, filter: &Filter) -> bool {
        match &filter.test {
            Test::Any(_) => self.passed,
            Test::None(_) => !self.passed,
            Test::Missing(missing) => *missing != self.present,
            // What is in other resources is asked there.
            Test::Refers(_) | Test::ReferredBy(_) => false,
        }
    }

    fn add(&mut self, passed: bool, place: Option<Vec<u8>>) {
        self.present = true;
        self.passed |= passed;
        if let (true, Some(place)) = (passed, place) {
            self.places = Some(match self.places.take() {
                Some((first, last)) => (first.min(place.clone()), last.max(place)),
                None => (place.clone(), place),
            });
        }
    }
}

/// Whether a version is a match, found by reading it and, where a filter asks of other resources, all of those: what every
/// answer must equal, slowly.
pub fn holds(query: &Query, version: &Version, all: &[Version]) -> Result<bool, StoreError> {
    all_hold((query.kind, &query.filters), version, all)
}

fn all_hold(
    (kind, filters): (ResourceType, &[Filter]),
    version: &Version,
    all: &[Version],
) -> Result<bool, StoreError> {
    if version.kind != kind {
        return Ok(false);
    }
    for filter in filters {
        let parameter = filter.parameter.number;
        let holds = match &filter.test {
            Test::Refers(inners) => {
                let targets = references(version, parameter)?;
                any(all, |other| {
                    let is_target = targets.iter().any(|(kind, id)| is_at(other, *kind, id));
                    let holds = |inner: &Inner| all_hold((inner.kind, &inner.filters), other, all);
                    Ok(is_target && any(inners, holds)?)
                })?
            }
            Test::ReferredBy(inner) => any(all, |other| {
                let refers = other.kind == inner.kind
                    && references(other, parameter)?
                        .iter()
                        .any(|(kind, id)| is_at(version, *kind, id));
                Ok(refers && all_hold((inner.kind, &inner.filters), other, all)?)
            })?,
            Test::Any(_) | Test::None(_) | Test::Missing(_) => {
                let (verdicts, _) = check(version, std::slice::from_ref(filter), None)?;
                verdicts.iter().all(|verdict| verdict.holds(filter))
            }
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_at(version: &Version, kind: ResourceType, id: &str) -> bool {
    version.kind == kind && version.id.as_str() == id
}

fn any<T>(items: &[T], mut holds: impl FnMut(&T) -> Result<bool, StoreError>) -> Result<bool, StoreError> {
    for item in items {
        if holds(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The resources of this server that a version refers to by a parameter.
pub fn references(version: &Version, parameter: ParameterNumber) -> Result<Vec<(ResourceType, String)>, StoreError> {
    let mut found = Vec::new();
    extract(&stored(version)?, version.kind, &mut |number, value| {
        if number == parameter
            && let Value::Reference(Reference::Literal(Target::Local { kind, id, .. })) = value
            && !found.iter().any(|(known, at)| *known == kind && at == id)
        {
            found.push((kind, id.to_owned()));
        }
    });
    Ok(found)
}

/// What a version says of each filter, and where its values of the parameter `sort` stand in the index.
pub fn check(version: &Version, filters: &[Filter], sort: Option<u16>) -> Result<(Vec<Verdict>, Verdict), StoreError> {
    let document = stored(version)?;
    let mut verdicts = vec![Verdict::default(); filters.len()];
    let mut sorted = Verdict::default();
    extract(&document, version.kind, &mut |number, value| {
        for (filter, verdict) in filters.iter().zip(&mut verdicts) {
            if filter.parameter.number == number && !is_own(filter) {
                verdict.add(passes(filter, &value), place(&value));
            }
        }
        if sort == Some(number.get()) {
            sorted.add(true, place(&value));
        }
    });
    for (filter, verdict) in filters.iter().zip(&mut verdicts) {
        if is_own(filter) {
            verdict.add(own_passes(filter, version), None);
        } else if filter.parameter.kind == ParameterKind::Composite {
            check_composite(&document, filter, verdict);
        }
    }
    Ok((verdicts, sorted))
}

fn check_composite(document: &Document, filter: &Filter, verdict: &mut Verdict) {
    let values: &[Criterion] = match &filter.test {
        Test::Any(values) | Test::None(values) => values,
        _ => &[],
    };
    verdict.present |= composite(document, filter.parameter, &mut |_, _| false).present;
    for value in values {
        if let Criterion::Together(parts) = value {
            let passes = &mut |at: usize, value: &Value<'_>| parts.get(at).is_some_and(|part| satisfies(part, value));
            verdict.passed |= composite(document, filter.parameter, passes).passed;
        }
    }
}

/// Whether the server, not the body, says what the value is.
fn is_own(filter: &Filter) -> bool {
    matches!(filter.parameter.code, "_id" | "_lastUpdated")
}

fn own_passes(filter: &Filter, version: &Version) -> bool {
    let (Test::Any(values) | Test::None(values)) = &filter.test else {
        return false;
    };
    let updated = Interval {
        low: version.updated.millis(),
        high: version.updated.millis(),
    };
    values.iter().any(|value| match value {
        Criterion::Id(id) => id == version.id.as_str(),
        Criterion::Date { prefix, interval } => prefix.holds(updated, *interval),
        _ => false,
    })
}

fn passes(filter: &Filter, value: &Value<'_>) -> bool {
    let (Test::Any(values) | Test::None(values)) = &filter.test else {
        return false;
    };
    values.iter().any(|criterion| satisfies(criterion, value))
}

fn satisfies(criterion: &Criterion, value: &Value<'_>) -> bool {
    match (criterion, value) {
        (
            Criterion::Token { system, code },
            Value::Token(token) | Value::Reference(Reference::Identifier { token, .. }),
        ) => token_is(system, code.as_deref(), token.system, token.code),
        (Criterion::Text { compare, text }, Value::String(value) | Value::TokenText(value)) => match compare {
            Compare::Start => fold(value).starts_with(text.as_str()),
            Compare::Contains => fold(value).contains(text.as_str()),
            Compare::Exact => value == text,
        },
        (Criterion::Date { prefix, interval }, Value::Date(value)) => prefix.holds(*value, *interval),
        (
            Criterion::Local { kind, id },
            Value::Reference(Reference::Literal(Target::Local {
                kind: found, id: at, ..
            })),
        ) => id == at && kind.is_none_or(|kind| kind == *found),
        (Criterion::External(url), Value::Uri(uri)) => url == uri,
        (Criterion::Above(url), Value::Uri(uri)) => ancestors(url).any(|ancestor| ancestor == *uri),
        (Criterion::Below(url), Value::Uri(uri)) => uri.starts_with(url),
        (Criterion::Number(asked), Value::Number(value)) => asked.admits(&Span::point(*value)),
        (Criterion::Quantity { amount, system, code }, Value::Quantity(quantity)) => {
            amount.admits(&Span::between(quantity.low, quantity.high)) && unit_is(system, code.as_deref(), quantity)
        }
        (Criterion::External(url), Value::Reference(reference)) => external_is(url, reference),
        _ => false,
    }
}

fn token_is(system: &System, code: Option<&str>, found: Option<&str>, found_code: &str) -> bool {
    let found = found.filter(|system| !system.is_empty());
    let same_system = match system {
        System::Any => true,
        System::Absent => found.is_none(),
        System::Is(uri) => found == Some(uri.as_str()),
    };
    same_system && code.is_none_or(|code| code == found_code)
}

fn unit_is(system: &System, code: Option<&str>, found: &Quantity<'_>) -> bool {
    let found_system = found.system.filter(|system| !system.is_empty());
    match system {
        System::Any => code.is_none_or(|code| found.code == Some(code) || found.unit == Some(code)),
        System::Absent => false,
        System::Is(uri) => found_system == Some(uri.as_str()) && code.is_none_or(|code| found.code == Some(code)),
    }
}

fn external_is(url: &str, reference: &Reference<'_>) -> bool {
    match reference {
        Reference::Literal(Target::Absolute { base, kind, id, .. }) => *url == format!("{base}/{kind}/{id}"),
        Reference::Literal(Target::Uri(uri)) => url == *uri,
        Reference::Canonical {
            url: canonical,
            version,
        } => url == *canonical || version.is_some_and(|version| *url == format!("{canonical}|{version}")),
        _ => false,
    }
}

/// Where a value stands in the ordered index of its parameter, without the resource number; only kinds with an order.
fn place(value: &Value<'_>) -> Option<Vec<u8>> {
    let after_kind = |key: Key| key.as_bytes()[1..].to_vec();
    match value {
        Value::Date(interval) => {
            let high = interval.high.max(interval.low);
            Some(after_kind(Key::new(Kind::Date).date(interval.low).date(high)))
        }
        Value::Number(value) => Some(after_kind(Key::new(Kind::Number).span(&Span::point(*value)))),
        Value::Quantity(quantity) => {
            let amount = Span::between(quantity.low, quantity.high);
            Some(after_kind(Key::new(Kind::Quantity).span(&amount)))
        }
        Value::Uri(uri) => Some(after_kind(Key::new(Kind::External).text(uri))),
        Value::String(text) | Value::TokenText(text) => Some(after_kind(Key::new(Kind::Text).text(cut(&fold(text))))),
        _ => None,
    }
}
