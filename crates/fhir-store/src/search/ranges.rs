//! From a filter to the ranges of index keys that its matches are in.

use std::sync::Arc;

use hygie_fhir_model::search::{ParameterKind, SearchParameter, Targets};
use hygie_fhir_model::{Interval, ResourceType};
use hygie_store::{IndexRange, StoreError, successor};

use super::amount;
use super::criteria::{Compare, Criterion, Filter, Prefix, System, Test, ancestors, definition};
use super::dates;
use super::hint::Hint;
use crate::index::When;
use crate::index::extract::{principal, sorting_dates};
use crate::index::key::{Key, Kind, MAX_TEXT, Parts, is_whole};
use crate::repo::Resources;

/// A range of keys with a common beginning; what follows it orders the keys and names the resource.
#[derive(Clone, Debug)]
pub struct Range {
    /// The keys.
    pub keys: IndexRange,
    /// Length of the common beginning.
    pub prefix: usize,
    /// What follows.
    pub layout: Layout,
    /// Which of the keys match.
    pub accept: Accept,
    /// Which of the keys other filters leave over.
    pub hint: Option<Arc<Hint>>,
}

/// What follows the common beginning of the keys of a range. The order is up to and including the resource number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Resource number.
    Number,
    /// Date, resource number (then what the order does not need).
    Dated,
    /// Low, high, resource number.
    Interval,
    /// Text, resource number.
    Text,
    /// Amount, resource number.
    Amount,
    /// Text, system number, resource number.
    Code,
    /// Text, system number, date, resource number.
    DatedCode,
}

/// Which keys of a range match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept {
    /// All.
    All,
    /// Those whose interval passes.
    Date(Prefix, Interval),
    /// Those whose amount passes; the ends of what is asked are written as in the keys.
    Amount(Prefix, Vec<u8>, Vec<u8>),
    /// Those of tokens with this system number.
    System(i64),
}

/// One key of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The bytes that order it among the keys of ranges with the same layout; they end with the resource number.
    pub order: Vec<u8>,
    /// The resource.
    pub rid: i64,
}

impl Range {
    fn prefix(key: &Key, layout: Layout) -> Self {
        let prefix = key.as_bytes().len();
        Self {
            keys: IndexRange::prefix(key.as_bytes()),
            prefix,
            layout,
            accept: Accept::All,
            hint: None,
        }
    }

    /// What a key says, if its resource may be a match.
    pub fn read(&self, key: &[u8]) -> Option<Posting> {
        let mut parts = Parts::after(key, self.prefix);
        let mut date = None;
        let mut interval = None;
        let mut system = None;
        let mut amount = None;
        match self.layout {
            Layout::Number => {}
            Layout::Dated => date = Some(parts.date()?),
            Layout::Interval => {
                let (low, high) = (parts.date()?, parts.date()?);
                interval = Some(Interval { low, high });
            }
            Layout::Text => {
                parts.text()?;
            }
            Layout::Amount => amount = Some(parts.span()?),
            Layout::Code | Layout::DatedCode => {
                parts.text()?;
                system = Some(parts.number()?);
                if self.layout == Layout::DatedCode {
                    date = Some(parts.date()?);
                }
            }
        }
        let rid = parts.number()?;
        let accepted = match &self.accept {
            Accept::All => true,
            Accept::Date(prefix, asked) => interval.is_some_and(|interval| prefix.holds(interval, *asked)),
            Accept::Amount(prefix, low, high) => {
                amount.is_some_and(|(from, to)| prefix.admits((from, to), (low.as_slice(), high.as_slice())))
            }
            Accept::System(wanted) => system == Some(*wanted),
        };
        let order = key.get(self.prefix..key.len() - parts.left())?.to_vec();
        let allowed = || match (&self.hint, date) {
            (Some(hint), Some(date)) => hint.allows(date, parts),
            _ => true,
        };
        (accepted && allowed()).then_some(Posting { order, rid })
    }

    /// The resource to which all of these keys refer: keys by patient, and of other references.
    pub fn target(&self) -> Option<i64> {
        let beginning = common(&self.keys, self.prefix)?;
        let kind = *beginning.first()?;
        let mut parts = Parts::after(beginning, 1);
        if kind == Kind::Reference as u8 {
            parts.short()?;
        } else if kind != Kind::PatientDate as u8 {
            return None;
        }
        parts.number()
    }

    /// The principal date of what a posting of a chronology names.
    pub fn date(&self, posting: &Posting) -> Option<i64> {
        let is_chronology = self.keys.from.first() == Some(&(Kind::PatientDate as u8));
        Parts::after(&posting.order, 0).date().filter(|_| is_chronology)
    }

    /// The one patient that the resource of a key by code is about; `None` where the key does not say it.
    pub fn patient(&self, key: &[u8]) -> Option<i64> {
        let is_by_code = key.first() == Some(&(Kind::TokenDate as u8)) && self.layout == Layout::Dated;
        let mut parts = Parts::after(key, self.prefix);
        let date = parts.date().filter(|_| is_by_code)?;
        parts.number()?;
        When::read(date, &mut parts);
        parts.number().filter(|patient| *patient != 0)
    }

    /// The whole key up to the order of a posting: its place among the keys of all ranges.
    pub fn place(&self, order: &[u8]) -> Vec<u8> {
        [common(&self.keys, self.prefix).unwrap_or_default(), order].concat()
    }

    /// The part of the range after a place among all keys; `None` when there is none.
    pub fn beyond(&self, place: &[u8]) -> Option<Self> {
        let mut range = self.clone();
        range.keys.from = range.keys.from.max(successor(place));
        (range.keys.from < range.keys.to).then_some(range)
    }

    /// Narrows keys that are ordered by date to dates of these milliseconds.
    pub fn narrow_dates(&mut self, from: i64, to: i64) {
        let Some(beginning) = common(&self.keys, self.prefix) else {
            return;
        };
        let at = |millis| Key::from(beginning.to_vec()).date(millis).finish();
        let (first, last) = (at(from), successor(&at(to)));
        if first > self.keys.from {
            self.keys.from = first;
        }
        if last < self.keys.to {
            self.keys.to = last;
        }
    }

    /// The part of the range after `order`, for a walk in this direction.
    #[must_use]
    pub fn after(&self, order: &[u8], descending: bool) -> Self {
        let mut range = self.clone();
        let Some(beginning) = common(&self.keys, self.prefix) else {
            return range;
        };
        let at = [beginning, order].concat();
        if descending {
            range.keys.to = range.keys.to.min(at);
        } else {
            range.keys.from = range.keys.from.max(successor(&at));
        }
        range
    }
}

/// The common beginning of the keys of a range.
fn common(keys: &IndexRange, prefix: usize) -> Option<&[u8]> {
    keys.from.get(..prefix)
}

/// The ranges of a filter.
#[derive(Clone, Debug)]
pub struct Ranges {
    /// Their keys are those of all possible matches.
    pub ranges: Vec<Range>,
    /// Whether every key that is accepted is a match.
    pub exact: bool,
}

/// Most ranges of a filter: going through more costs more than asking each resource.
const MAX_RANGES: usize = 4096;

/// The ranges of a filter; `None` when its matches are not in ranges (`:not`, most of `:missing`), or in too many.
pub async fn of(
    filter: &Filter,
    kind: ResourceType,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Ranges>, StoreError> {
    let values = match &filter.test {
        Test::Any(values) => values,
        Test::Missing(true) => {
            let absent = absent(kind, filter.parameter.number.get());
            return Ok(absent.map(|range| Ranges {
                ranges: vec![range],
                exact: true,
            }));
        }
        _ => return Ok(None),
    };
    let mut found = Ranges {
        ranges: Vec::new(),
        exact: true,
    };
    for value in values {
        let Some(of_value) = of_value(filter, value, kind, resources).await? else {
            return Ok(None);
        };
        found.exact &= of_value.exact;
        found.ranges.extend(of_value.ranges);
        if found.ranges.len() > MAX_RANGES {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

async fn of_value(
    filter: &Filter,
    value: &Criterion,
    kind: ResourceType,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Ranges>, StoreError> {
    let parameter = filter.parameter.number.get();
    let exact = |ranges| Ranges { ranges, exact: true };
    Ok(Some(match value {
        Criterion::Id(id) => {
            let found = resources.find_number(kind, id).await?;
            exact(found.map(one).into_iter().collect())
        }
        Criterion::Token { system, code } => {
            let is_dated = is_dated(filter.parameter, kind);
            token(parameter, is_dated, (system, code.as_deref()), resources).await?
        }
        Criterion::Together(parts) => return of_parts(filter.parameter, parts, kind, resources).await,
        Criterion::Text { compare, text } => text_ranges(parameter, *compare, text),
        Criterion::Date { prefix, interval } => {
            if filter.parameter.code == "_lastUpdated" {
                exact(vec![dates::updated(kind, *prefix, *interval)])
            } else {
                exact(dates::dates(parameter, *prefix, *interval))
            }
        }
        Criterion::Local { kind: target, id } => local(filter, kind, (*target, id), resources).await?,
        Criterion::External(url) => external(parameter, [url.as_str()]),
        Criterion::Above(url) => external(parameter, ancestors(url)),
        Criterion::Below(url) => below(parameter, url),
        Criterion::Number(asked) => exact(vec![amount::number(parameter, asked)]),
        Criterion::Quantity { amount, system, code } => {
            return amount::quantity(parameter, amount, (system, code.as_deref()), resources).await;
        }
    }))
}

/// Whether a token parameter is indexed by date.
fn is_dated(parameter: &SearchParameter, kind: ResourceType) -> bool {
    let principal = principal(kind);
    let is_code = parameter.kind == ParameterKind::Token && principal.code == Some(parameter.number.get());
    is_code && principal.date.is_some()
}

/// The ranges of the first part of a composite, where it is a code: all its matches are there, and others.
async fn of_parts(
    parameter: &SearchParameter,
    parts: &[Criterion],
    kind: ResourceType,
    resources: &mut Resources<'_, '_>,
) -> Result<Option<Ranges>, StoreError> {
    let (Some(first), Some(Criterion::Token { system, code })) = (definition(parameter, 0), parts.first()) else {
        return Ok(None);
    };
    let asked = (system, code.as_deref());
    let mut found = token(first.number.get(), is_dated(first, kind), asked, resources).await?;
    found.exact = false;
    Ok(Some(found))
}

fn external<'u>(parameter: u16, urls: impl IntoIterator<Item = &'u str>) -> Ranges {
    let mut found = Ranges {
        ranges: Vec::new(),
        exact: true,
    };
    for url in urls {
        let start = Key::new(Kind::External).short(parameter).text(url);
        found.ranges.push(Range::prefix(&start, Layout::Number));
        found.exact &= is_whole(url);
    }
    found
}

fn below(parameter: u16, url: &str) -> Ranges {
    let start = Key::new(Kind::External).short(parameter);
    let mut range = Range::prefix(&start, Layout::Text);
    range.keys = IndexRange::prefix(start.text_start(url).as_bytes());
    Ranges {
        ranges: vec![range],
        exact: url.len() < MAX_TEXT,
    }
}

async fn token(
    parameter: u16,
    is_dated: bool,
    (system, code): (&System, Option<&str>),
    resources: &mut Resources<'_, '_>,
) -> Result<Ranges, StoreError> {
    let (kind, layout) = if is_dated {
        (Kind::TokenDate, Layout::Dated)
    } else {
        (Kind::Token, Layout::Number)
    };
    let sid = match system {
        System::Any => None,
        System::Absent => Some(0),
        System::Is(uri) => match resources.find_system(uri).await? {
            Some(sid) => Some(sid),
            None => {
                return Ok(Ranges {
                    ranges: Vec::new(),
                    exact: true,
                });
            }
        },
    };
    let start = Key::new(kind).short(parameter);
    let Some(code) = code else {
        // Any code of a system: all codes of the parameter, of which those of the system are taken.
        let mut range = Range::prefix(&start, if is_dated { Layout::DatedCode } else { Layout::Code });
        range.accept = sid.map_or(Accept::All, Accept::System);
        return Ok(Ranges {
            ranges: vec![range],
            exact: true,
        });
    };
    let start = start.text(code);
    let exact = is_whole(code);
    let numbers = match sid {
        Some(sid) => vec![sid],
        None => systems_of(&start, resources).await?,
    };
    let ranges = numbers
        .into_iter()
        .map(|sid| Range::prefix(&start.clone().number(sid), layout))
        .collect();
    Ok(Ranges { ranges, exact })
}

/// The systems under which a code is indexed.
async fn systems_of(start: &Key, resources: &mut Resources<'_, '_>) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    let mut range = IndexRange::prefix(start.as_bytes());
    while let Some(key) = resources.first_in(&range).await? {
        let Some(sid) = Parts::after(&key, start.as_bytes().len()).number() else {
            break;
        };
        found.push(sid);
        range.from = successor(start.clone().number(sid).as_bytes());
    }
    Ok(found)
}

fn text_ranges(parameter: u16, compare: Compare, text: &str) -> Ranges {
    let start = Key::new(Kind::Text).short(parameter);
    let prefix = start.as_bytes().len();
    let folded = hygie_fhir_model::fold(text);
    let keys = match compare {
        Compare::Contains => IndexRange::prefix(start.as_bytes()),
        Compare::Start | Compare::Exact => IndexRange::prefix(start.text_start(&folded).as_bytes()),
    };
    let exact = compare == Compare::Start && folded.len() < MAX_TEXT;
    Ranges {
        ranges: vec![Range {
            keys,
            prefix,
            layout: Layout::Text,
            accept: Accept::All,
            hint: None,
        }],
        exact,
    }
}

/// The range of a type in order of last update.
pub fn all_of(kind: ResourceType) -> Range {
    Range::prefix(&Key::new(Kind::Updated).kind_of(kind), Layout::Dated)
}

/// What has no value of a parameter, where that is indexed.
pub fn absent(kind: ResourceType, parameter: u16) -> Option<Range> {
    let is_indexed = sorting_dates(kind).any(|date| date == parameter);
    is_indexed.then(|| Range::prefix(&Key::new(Kind::Absent).short(parameter), Layout::Number))
}

/// The whole index of a parameter that is sorted by.
pub fn all_values(parameter: u16, kind: ParameterKind) -> Vec<Range> {
    let range = |kind: Kind, layout| Range::prefix(&Key::new(kind).short(parameter), layout);
    match kind {
        ParameterKind::Date => {
            vec![
                range(Kind::Date, Layout::Interval),
                range(Kind::LongDate, Layout::Interval),
            ]
        }
        ParameterKind::Number => vec![range(Kind::Number, Layout::Amount)],
        _ => vec![range(Kind::Text, Layout::Text)],
    }
}

async fn local(
    filter: &Filter,
    kind: ResourceType,
    (target, id): (Option<ResourceType>, &str),
    resources: &mut Resources<'_, '_>,
) -> Result<Ranges, StoreError> {
    let parameter = filter.parameter.number.get();
    let targets: Vec<ResourceType> = match (target, &filter.parameter.targets) {
        (Some(target), _) => vec![target],
        (None, Targets::These(kinds)) => kinds.clone(),
        (None, Targets::Any) => ResourceType::all().collect(),
    };
    let mut ranges = Vec::new();
    for target in targets {
        let Some(rid) = resources.find_number(target, id).await? else {
            continue;
        };
        ranges.push(referring((kind, parameter), target, rid));
    }
    Ok(Ranges { ranges, exact: true })
}

/// Where the resources of a type are that refer by a parameter to the resource with this type and number.
pub fn referring((kind, parameter): (ResourceType, u16), target: ResourceType, rid: i64) -> Range {
    let chronology = principal(kind).patient == Some(parameter) && target.name() == "Patient";
    if chronology {
        Range::prefix(&Key::new(Kind::PatientDate).number(rid).kind_of(kind), Layout::Dated)
    } else {
        Range::prefix(&Key::new(Kind::Reference).short(parameter).number(rid), Layout::Number)
    }
}

/// The resource with this number.
pub fn one(rid: i64) -> Range {
    Range {
        keys: IndexRange::prefix(Key::new(Kind::Current).number(rid).as_bytes()),
        prefix: 1,
        layout: Layout::Number,
        accept: Accept::All,
        hint: None,
    }
}
