//! What a search answers with: how much of each match, and whether their number.
//! <http://hl7.org/fhir/R4/search.html#return>

use hygie_fhir_model::{ResourceType, Subset, has_element};

use super::error::SearchError;
use super::value::split;

/// Whether the number of matches is told. <http://hl7.org/fhir/R4/search.html#total>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// It is not.
    None,
    /// As far as it is known cheaply.
    Estimate,
    /// All matches are counted, once for all pages.
    Accurate,
}

impl Total {
    /// The value of `_total`.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        Ok(match text {
            "none" => Self::None,
            "estimate" => Self::Estimate,
            "accurate" => Self::Accurate,
            _ => return Err(wrong("_total", "none, estimate or accurate")),
        })
    }
}

/// What is shown of each match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The whole resource.
    Whole,
    /// A part.
    Part(Subset),
    /// Nothing but how many there are.
    Count,
}

impl Shown {
    /// The value of `_summary`. <http://hl7.org/fhir/R4/search.html#summary>
    pub fn summary(text: &str) -> Result<Self, SearchError> {
        Ok(match text {
            "true" => Self::Part(Subset::Summary),
            "text" => Self::Part(Subset::Text),
            "data" => Self::Part(Subset::Data),
            "count" => Self::Count,
            "false" => Self::Whole,
            _ => return Err(wrong("_summary", "true, text, data, count or false")),
        })
    }

    /// The value of `_elements`, and those of its elements that the type has not.
    /// <http://hl7.org/fhir/R4/search.html#elements>
    pub fn elements(text: &str, kind: ResourceType) -> (Self, Vec<String>) {
        let names = split(text, ',')
            .into_iter()
            .map(str::trim)
            .filter(|name| !name.is_empty());
        // `Patient.name` as `name`: the form of later versions.
        let element = |name: &str| match name.split_once('.') {
            Some((owner, element)) if owner == kind.name() => element.to_owned(),
            _ => name.to_owned(),
        };
        let (known, unknown) = names.map(element).partition(|name| has_element(kind, name));
        (Self::Part(Subset::Elements(known)), unknown)
    }
}

fn wrong(parameter: &str, expected: &'static str) -> SearchError {
    SearchError::Value {
        parameter: parameter.to_owned(),
        expected,
    }
}
