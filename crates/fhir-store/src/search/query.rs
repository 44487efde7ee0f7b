//! A search as asked, read from its pairs.

use hygie_access::Refusal;
use hygie_core::Timestamp;
use hygie_fhir_model::search::{ParameterKind, SearchParameter, is_composite};
use hygie_fhir_model::{ResourceType, Subset};

use super::criteria::{Filter, Test};
use super::error::SearchError;
use super::filters::Reader;
use super::include::{Include, MAX_INCLUDED, check_count};
use super::result::{Shown, Total};
use super::value::split;
use crate::index::extract::principal;

/// Matches on a page when the search does not say.
pub const DEFAULT_COUNT: usize = 10;

/// Most matches on a page.
pub const MAX_COUNT: usize = 1000;

/// Most parameters and values of one search.
const MAX_VALUES: usize = 500;

/// Most keys of a sort.
const MAX_SORTS: usize = 3;

/// What becomes of parameters that are not known. <http://hl7.org/fhir/R4/search.html#errors>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// They are an error.
    Strict,
    /// They are left out, with a warning.
    Lenient,
}

/// A search to be read.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The type searched.
    pub kind: ResourceType,
    /// Names and values, in their order, already decoded from the URL or form.
    pub pairs: &'a [(String, String)],
    /// What becomes of unknown parameters.
    pub handling: Handling,
    /// Base URL of the service, without final slash: references that begin with it are local.
    pub base: &'a str,
    /// The present, for `ap`.
    pub now: Timestamp,
    /// Whether the caller may search a type: those of chains and includes are asked.
    pub permitted: &'a dyn Fn(ResourceType) -> Result<(), Refusal>,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Query {
    /// The type searched.
    pub kind: ResourceType,
    /// All of these hold for a match.
    pub(super) filters: Vec<Filter>,
    /// The order of matches.
    pub(super) sort: Sort,
    /// The order of those that the first leaves equal.
    pub(super) then: Vec<Sort>,
    /// Matches on a page; 0 when only their number is asked.
    pub count: usize,
    /// Whether their number is asked.
    pub total: Total,
    /// What is shown of each.
    pub shown: Shown,
    /// Whether it is told how they were found.
    pub is_explained: bool,
    /// What comes with them.
    pub(super) includes: Vec<Include>,
    /// Resources that come with a page.
    pub(super) included: usize,
    /// The pairs that were understood, for the `self` link.
    pub used: Vec<(String, String)>,
    /// What was left out and why.
    pub warnings: Vec<String>,
}

/// The order of matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    /// By what.
    pub by: SortBy,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// What matches are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortBy {
    /// Whatever the walk gives.
    Any,
    /// The last update.
    Updated,
    /// The principal date of the type.
    Principal,
    /// Another date, a string or a number.
    Parameter(u16, ParameterKind),
}

impl Query {
    /// Whether it asks for nothing but the type.
    pub fn is_unrestricted(&self) -> bool {
        self.filters.is_empty()
    }
}

/// Whether searches may use a parameter.
pub fn is_supported(parameter: &SearchParameter) -> bool {
    match parameter.kind {
        ParameterKind::Token
        | ParameterKind::Date
        | ParameterKind::Reference
        | ParameterKind::Uri
        | ParameterKind::Number
        | ParameterKind::Quantity => true,
        ParameterKind::String => !parameter.expression.is_empty(),
        ParameterKind::Composite => is_composite(parameter),
        ParameterKind::Special => false,
    }
}

/// Parameters that change the answer's form and not its content, read elsewhere.
const FORM: [&str; 2] = ["_format", "_pretty"];

/// Reads a search.
pub fn parse(asked: &Asked<'_>) -> Result<Query, SearchError> {
    let any = Sort {
        by: SortBy::Any,
        descending: false,
    };
    let mut query = Query {
        kind: asked.kind,
        filters: Vec::new(),
        sort: any,
        then: Vec::new(),
        count: DEFAULT_COUNT,
        total: Total::None,
        shown: Shown::Whole,
        is_explained: false,
        includes: Vec::new(),
        included: MAX_INCLUDED,
        used: Vec::new(),
        warnings: Vec::new(),
    };
    let values: usize = asked.pairs.iter().map(|(_, value)| split(value, ',').len()).sum();
    if values > MAX_VALUES {
        return Err(SearchError::TooMany(MAX_VALUES));
    }
    let mut reader = Reader::new(asked);
    for (name, value) in asked.pairs {
        // It ends the texts of index keys, and no FHIR string has it.
        if value.contains('\0') {
            return Err(SearchError::Value {
                parameter: name.clone(),
                expected: "a text without U+0000",
            });
        }
        let used = match name.as_str() {
            name if FORM.contains(&name) => continue,
            "_count" => query.set_count(value)?,
            "_includesCount" => query.set_included(value)?,
            "_sort" => query.set_sort(value, asked.handling)?,
            "_total" => query.set_total(value)?,
            "_summary" => query.set_shown(Shown::summary(value)?)?,
            "_explain" => query.set_explained(value)?,
            "_elements" => query.set_elements(value, asked.handling)?,
            name => query.add(&mut reader, (name, value), asked)?,
        };
        if used {
            query.used.push((name.clone(), value.clone()));
        }
    }
    if query.shown == Shown::Count {
        query.count = 0;
    }
    if query.shown == Shown::Part(Subset::Text) && !query.includes.is_empty() {
        return Err(SearchError::Contradiction("_summary=text and _include or _revinclude"));
    }
    if query.count == 0 {
        query.total = Total::Accurate;
    }
    Ok(query)
}

impl Query {
    fn set_count(&mut self, value: &str) -> Result<bool, SearchError> {
        let wrong = |_| SearchError::Value {
            parameter: "_count".to_owned(),
            expected: "a number of matches",
        };
        let count: usize = value.parse().map_err(wrong)?;
        if count > MAX_COUNT {
            self.warnings.push(format!("_count is limited to {MAX_COUNT}"));
        }
        self.count = count.min(MAX_COUNT);
        Ok(true)
    }

    /// As in Azure.
    fn set_included(&mut self, value: &str) -> Result<bool, SearchError> {
        let count = value.parse().ok().filter(|count| *count > 0);
        let count: usize = count.ok_or_else(|| SearchError::Value {
            parameter: "_includesCount".to_owned(),
            expected: "a number of resources from 1",
        })?;
        if count > MAX_INCLUDED {
            self.warnings
                .push(format!("_includesCount is limited to {MAX_INCLUDED}"));
        }
        self.included = count.min(MAX_INCLUDED);
        Ok(true)
    }

    fn set_total(&mut self, value: &str) -> Result<bool, SearchError> {
        self.total = Total::parse(value)?;
        Ok(true)
    }

    fn set_shown(&mut self, shown: Shown) -> Result<bool, SearchError> {
        if self.shown != Shown::Whole {
            return Err(SearchError::Contradiction(
                "_summary and _elements, or one of them twice",
            ));
        }
        self.shown = shown;
        Ok(true)
    }

    fn set_explained(&mut self, value: &str) -> Result<bool, SearchError> {
        let wrong = |_| SearchError::Value {
            parameter: "_explain".to_owned(),
            expected: "true or false",
        };
        self.is_explained = value.parse().map_err(wrong)?;
        Ok(true)
    }

    fn set_elements(&mut self, value: &str, handling: Handling) -> Result<bool, SearchError> {
        if value.is_empty() {
            self.warnings.push(no_value("_elements"));
            return Ok(false);
        }
        let (shown, unknown) = Shown::elements(value, self.kind);
        for element in unknown {
            self.leave_out(SearchError::UnknownElement(element), handling)?;
        }
        self.set_shown(shown)
    }

    fn set_sort(&mut self, value: &str, handling: Handling) -> Result<bool, SearchError> {
        let mut sorts = Vec::new();
        for key in split(value, ',') {
            let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
            match self.sort_by(name).filter(|_| sorts.len() < MAX_SORTS) {
                Some(by) => sorts.push(Sort { by, descending }),
                None => _ = self.leave_out(SearchError::UnsupportedSort(name.to_owned()), handling)?,
            }
        }
        let mut sorts = sorts.into_iter();
        let Some(first) = sorts.next() else { return Ok(false) };
        self.sort = first;
        self.then = sorts.collect();
        Ok(true)
    }

    fn sort_by(&self, name: &str) -> Option<SortBy> {
        if name == "_lastUpdated" {
            return Some(SortBy::Updated);
        }
        let parameter = SearchParameter::find(self.kind, name)?;
        if principal(self.kind).date == Some(parameter.number.get()) {
            return Some(SortBy::Principal);
        }
        // Quantities are not: their order is one within each unit.
        let sortable = matches!(
            parameter.kind,
            ParameterKind::Date | ParameterKind::String | ParameterKind::Number
        );
        // Parameters that every type has are few and not worth an order of their own.
        (sortable && parameter.base.is_some()).then(|| SortBy::Parameter(parameter.number.get(), parameter.kind))
    }

    fn add(
        &mut self,
        reader: &mut Reader<'_>,
        (name, value): (&str, &str),
        asked: &Asked<'_>,
    ) -> Result<bool, SearchError> {
        match Include::parse((name, value), asked) {
            Ok(None) => {}
            Ok(Some(include)) => {
                self.includes.push(include);
                return check_count(&self.includes).map(|()| true);
            }
            Err(error @ SearchError::UnknownInclude(_)) => return self.leave_out(error, asked.handling),
            Err(error) => return Err(error),
        }
        let filter = match reader.read(self.kind, (name, value)) {
            Ok(filter) => filter,
            Err(error @ (SearchError::UnknownParameter(_) | SearchError::UnsupportedParameter(_))) => {
                return self.leave_out(error, asked.handling);
            }
            Err(error) => return Err(error),
        };
        if is_empty(&filter) {
            self.warnings.push(no_value(name));
            return Ok(false);
        }
        self.filters.push(filter);
        Ok(true)
    }

    fn leave_out(&mut self, error: SearchError, handling: Handling) -> Result<bool, SearchError> {
        match handling {
            Handling::Strict => Err(error),
            Handling::Lenient => {
                self.warnings.push(error.to_string());
                Ok(false)
            }
        }
    }
}

/// Whether a filter, or one inside of it, has no value.
fn is_empty(filter: &Filter) -> bool {
    match &filter.test {
        Test::Any(values) | Test::None(values) => values.is_empty(),
        Test::Missing(_) => false,
        Test::Refers(inners) => inners.iter().any(|inner| inner.filters.iter().any(is_empty)),
        Test::ReferredBy(inner) => inner.filters.iter().any(is_empty),
    }
}

fn no_value(parameter: &str) -> String {
    format!("the search parameter '{parameter}' has no value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, handling: Handling) -> Result<Query, String> {
        let pairs: Vec<(String, String)> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let kind = ResourceType::find("Observation").expect("a type");
        let base = "https://localhost/demo/fhir";
        let asked = Asked {
            kind,
            pairs: &pairs,
            handling,
            base,
            now: Timestamp::from_secs(0),
            permitted: &|_| Ok(()),
        };
        parse(&asked).map_err(|error| error.to_string())
    }

    #[test]
    fn unknown_parameters_are_left_out_or_refused() {
        let query = read("nothing=1&status=final&_count=5&_format=json", Handling::Lenient).expect("a search");
        assert_eq!(
            query.warnings,
            ["the search parameter 'nothing' is not known for this type"]
        );
        assert_eq!((query.filters.len(), query.count, query.used.len()), (1, 5, 2));
        assert!(read("nothing=1", Handling::Strict).is_err());
        assert!(read("near=1|2", Handling::Strict).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_refused_even_leniently() {
        for text in [
            "date=yesterday",
            "_count=-1",
            "_count=many",
            "_total=some",
            "_explain=perhaps",
            "_summary=yes",
            "_summary=true&_elements=code",
            "status:above=x",
            "date:missing=perhaps",
            "value-quantity=many",
            "value-quantity=5|mg",
            "value-quantity:above=5",
            "code-value-quantity=8480-6",
            "code-value-quantity=8480-6$5$6",
            "code-value-quantity=8480-6$many",
            "code-value-quantity=$5",
            "code-value-quantity:not=8480-6$5",
            "_profile:below=urn:oid:1.2",
            "code=8480-6\0\u{1}",
        ] {
            assert!(read(text, Handling::Lenient).is_err(), "{text}");
        }
        let many = format!("status={}", "a,".repeat(600));
        assert!(read(&many, Handling::Lenient).is_err());
    }

    #[test]
    fn sorts() {
        let sort = |text: &str| read(text, Handling::Lenient).expect("a search").sort;
        assert_eq!(
            sort("_sort=-date"),
            Sort {
                by: SortBy::Principal,
                descending: true
            }
        );
        assert_eq!(
            sort("_sort=_lastUpdated"),
            Sort {
                by: SortBy::Updated,
                descending: false
            }
        );
        assert_eq!(sort("_sort=status").by, SortBy::Any);
        assert!(read("_sort=date,status", Handling::Strict).is_err());
        let several = read("_sort=date,-_lastUpdated", Handling::Strict).expect("a search");
        assert_eq!((several.sort.by, several.then.len()), (SortBy::Principal, 1));
        assert!(read("_sort=date,date,date,date", Handling::Strict).is_err());
    }

    #[test]
    fn references_to_the_own_base_are_local() {
        let query = read("subject=https://localhost/demo/fhir/Patient/1", Handling::Strict).expect("a search");
        assert!(matches!(&query.filters[0].test, Test::Any(values) if format!("{values:?}").contains("Local")));
    }
}
