//! What a filter asks, value by value.

use hygie_fhir_model::search::{ParameterKind, SearchParameter, Targets};
use hygie_fhir_model::{DateTime, Interval, ResourceType, Target, fold, is_id};

use super::amount::Amount;
use super::error::SearchError;
use super::value::{split, unescape};

/// One parameter of a search: all filters must hold.
#[derive(Clone, Debug)]
pub struct Filter {
    /// What is looked at.
    pub parameter: &'static SearchParameter,
    /// What must hold of it.
    pub test: Test,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.parameter.number == other.parameter.number && self.test == other.test
    }
}

impl Eq for Filter {}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of these.
    Any(Vec<Criterion>),
    /// None of these (`:not`).
    None(Vec<Criterion>),
    /// There is no value (`:missing=true`), or there is one.
    Missing(bool),
    /// A reference to a resource like one of these (a chain). <http://hl7.org/fhir/R4/search.html#chaining>
    Refers(Vec<Inner>),
    /// A resource like this refers here by the parameter, which is one of its type (`_has`).
    /// <http://hl7.org/fhir/R4/search.html#has>
    ReferredBy(Box<Inner>),
}

/// A search inside of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    /// The type searched.
    pub kind: ResourceType,
    /// All of these hold for a match.
    pub filters: Vec<Filter>,
}

/// One value of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The logical id.
    Id(String),
    /// A code or identifier.
    Token {
        /// Its system.
        system: System,
        /// The code; `None` for any code of the system.
        code: Option<String>,
    },
    /// A string.
    Text {
        /// How it is compared.
        compare: Compare,
        /// Folded, but for [`Compare::Exact`].
        text: String,
    },
    /// A date.
    Date {
        /// How it is compared.
        prefix: Prefix,
        /// The time that the value stands for.
        interval: Interval,
    },
    /// A resource of this server; without type, of any type that the parameter may refer to.
    Local {
        /// The type.
        kind: Option<ResourceType>,
        /// The logical id.
        id: String,
    },
    /// A reference to elsewhere, or a URI.
    External(String),
    /// A URI that this one is, or is under (`:above`).
    Above(String),
    /// A URI that begins so (`:below`).
    Below(String),
    /// A number.
    Number(Amount),
    /// A quantity.
    Quantity {
        /// Its value.
        amount: Amount,
        /// The system of its coded unit; without one, `code` is asked of the unit that people read too.
        system: System,
        /// The unit; `None` for any.
        code: Option<String>,
    },
    /// The parts of a composite, all in one element.
    Together(Vec<Self>),
}

/// The system part of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// `code`: whatever the system.
    Any,
    /// `|code`: without system.
    Absent,
    /// `system|code`.
    Is(String),
}

/// How strings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Begins so, whatever case and accents.
    Start,
    /// Has it somewhere, whatever case and accents.
    Contains,
    /// Is it, as written.
    Exact,
}

/// How dates, numbers and quantities are compared. <http://hl7.org/fhir/R4/search.html#prefix>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// Within.
    Eq,
    /// Not within.
    Ne,
    /// Has something later.
    Gt,
    /// Has something earlier.
    Lt,
    /// Has something later, or lies within.
    Ge,
    /// Has something earlier, or lies within.
    Le,
    /// Begins after.
    Sa,
    /// Ends before.
    Eb,
    /// Overlaps.
    Ap,
}

impl Prefix {
    /// Whether a value with this interval passes the test with `asked`.
    pub fn holds(self, value: Interval, asked: Interval) -> bool {
        let within = asked.low <= value.low && value.high <= asked.high;
        match self {
            Self::Eq => within,
            Self::Ne => !within,
            Self::Gt => value.high > asked.high,
            Self::Lt => value.low < asked.low,
            Self::Ge => value.high > asked.high || within,
            Self::Le => value.low < asked.low || within,
            Self::Sa => value.low > asked.high,
            Self::Eb => value.high < asked.low,
            Self::Ap => value.low <= asked.high && asked.low <= value.high,
        }
    }

    /// The same for amounts, by their ends. What is asked without prefix or with `ne` ends before its upper end, with
    /// `ap` there; with the other prefixes it is one value.
    pub fn admits<T: Ord + ?Sized>(self, (low, high): (&T, &T), (from, to): (&T, &T)) -> bool {
        match self {
            Self::Eq => from <= low && high < to,
            Self::Ne => low < from || to <= high,
            Self::Gt => high > to,
            Self::Lt => low < from,
            Self::Ge => high > to || from <= low,
            Self::Le => low < from || high <= to,
            Self::Sa => low > to,
            Self::Eb => high < from,
            Self::Ap => low <= to && from <= high,
        }
    }

    /// The prefix of a value, and what follows it.
    pub fn split(text: &str) -> (Self, &str) {
        let prefix = match text.get(..2) {
            Some("eq") => Self::Eq,
            Some("ne") => Self::Ne,
            Some("gt") => Self::Gt,
            Some("lt") => Self::Lt,
            Some("ge") => Self::Ge,
            Some("le") => Self::Le,
            Some("sa") => Self::Sa,
            Some("eb") => Self::Eb,
            Some("ap") => Self::Ap,
            _ => return (Self::Eq, text),
        };
        (prefix, &text[2..])
    }
}

/// What the value of a parameter should be, for errors.
const DATE: &str = "a date with an optional prefix (eq, ne, gt, lt, ge, le, sa, eb, ap)";

const NUMBER: &str = "a number with an optional prefix (eq, ne, gt, lt, ge, le, sa, eb, ap)";
const QUANTITY: &str = "number|system|code, with an optional prefix (eq, ne, gt, lt, ge, le, sa, eb, ap)";
const URL: &str = "a URL: those of URNs are not under one another";

/// Reads one filter from its name (with modifier) and its text.
pub fn filter(
    parameter: &'static SearchParameter,
    modifier: Option<&str>,
    text: &str,
    now: i64,
) -> Result<Filter, SearchError> {
    if modifier == Some("missing") {
        let missing = text.parse().map_err(|_| wrong(parameter, "true or false"))?;
        return Ok(Filter {
            parameter,
            test: Test::Missing(missing),
        });
    }
    let values = split(text, ',').into_iter().filter(|part| !part.is_empty());
    let values = values
        .map(|part| criterion((parameter, modifier), part, now))
        .collect::<Result<Vec<_>, _>>()?;
    let test = if modifier == Some("not") {
        Test::None(values)
    } else {
        Test::Any(values)
    };
    Ok(Filter { parameter, test })
}

fn wrong(parameter: &SearchParameter, expected: &'static str) -> SearchError {
    SearchError::Value {
        parameter: parameter.code.to_owned(),
        expected,
    }
}

/// One value of a parameter.
fn criterion(
    (parameter, modifier): (&'static SearchParameter, Option<&str>),
    part: &str,
    now: i64,
) -> Result<Criterion, SearchError> {
    let wrong = |expected| wrong(parameter, expected);
    let unsupported = || SearchError::UnsupportedModifier {
        parameter: parameter.code.to_owned(),
        modifier: modifier.unwrap_or_default().to_owned(),
    };
    match (parameter.kind, modifier) {
        _ if parameter.code == "_id" && modifier.is_none() => is_id(part)
            .then(|| Criterion::Id(part.to_owned()))
            .ok_or_else(|| wrong("a logical id")),
        (ParameterKind::Token, None | Some("not")) | (ParameterKind::Reference, Some("identifier")) => Ok(token(part)),
        (ParameterKind::Token, Some("text")) | (ParameterKind::String, None) => Ok(string(part, Compare::Start)),
        (ParameterKind::String, Some("contains")) => Ok(string(part, Compare::Contains)),
        (ParameterKind::String, Some("exact")) => Ok(string(part, Compare::Exact)),
        (ParameterKind::Date, None) => date(part, now).ok_or_else(|| wrong(DATE)),
        (ParameterKind::Number, None) => Amount::parse(part).map(Criterion::Number).ok_or_else(|| wrong(NUMBER)),
        (ParameterKind::Quantity, None) => quantity(part).ok_or_else(|| wrong(QUANTITY)),
        (ParameterKind::Uri, None) => Ok(Criterion::External(unescape(part).into_owned())),
        (ParameterKind::Uri, Some("above")) => url(part).map(Criterion::Above).ok_or_else(|| wrong(URL)),
        (ParameterKind::Uri, Some("below")) => url(part).map(Criterion::Below).ok_or_else(|| wrong(URL)),
        (ParameterKind::Composite, None) => together(parameter, part, now),
        (ParameterKind::Reference, _) => {
            let kind = modifier
                .map(|name| ResourceType::find(name).ok_or_else(unsupported))
                .transpose()?;
            reference(parameter, kind, &unescape(part)).ok_or_else(|| wrong("a reference to one of its types"))
        }
        _ => Err(unsupported()),
    }
}

/// The parameter that says how a part of a composite is compared.
pub fn definition(parameter: &SearchParameter, part: usize) -> Option<&'static SearchParameter> {
    SearchParameter::find(parameter.base?, parameter.components.get(part)?.code)
}

/// `a$b`: a value for each part.
fn together(parameter: &SearchParameter, text: &str, now: i64) -> Result<Criterion, SearchError> {
    let parts = split(text, '$');
    if parts.len() != parameter.components.len() || parts.contains(&"") {
        return Err(wrong(parameter, "a value for each of its parts, with $ between them"));
    }
    let parts = parts.into_iter().enumerate().map(|(at, part)| {
        let definition = definition(parameter, at).ok_or_else(|| wrong(parameter, "known"))?;
        criterion((definition, None), part, now)
    });
    parts.collect::<Result<_, _>>().map(Criterion::Together)
}

fn token(text: &str) -> Criterion {
    let parts = split(text, '|');
    let (system, code) = match parts[..] {
        [code] => (System::Any, code),
        ["", code, ..] => (System::Absent, code),
        [system, code, ..] => (System::Is(unescape(system).into_owned()), code),
        [] => (System::Any, ""),
    };
    let code = Some(unescape(code).into_owned()).filter(|code| !code.is_empty());
    Criterion::Token { system, code }
}

fn string(text: &str, compare: Compare) -> Criterion {
    let text = unescape(text);
    let text = if compare == Compare::Exact {
        text.into_owned()
    } else {
        fold(&text).into_owned()
    };
    Criterion::Text { compare, text }
}

fn date(text: &str, now: i64) -> Option<Criterion> {
    let (prefix, rest) = Prefix::split(text);
    let mut interval = DateTime::parse(rest)?.interval();
    if prefix == Prefix::Ap {
        // The specification proposes a tenth of the gap between now and the date.
        let slack = (now - interval.low).abs() / 10;
        interval = Interval {
            low: interval.low - slack,
            high: interval.high + slack,
        };
    }
    Some(Criterion::Date { prefix, interval })
}

fn quantity(text: &str) -> Option<Criterion> {
    let parts = split(text, '|');
    let (amount, system, code) = match parts[..] {
        [amount] => (amount, "", ""),
        [amount, system, code] => (amount, system, code),
        _ => return None,
    };
    let amount = Amount::parse(amount)?;
    let system = match system {
        "" => System::Any,
        system => System::Is(unescape(system).into_owned()),
    };
    let code = Some(unescape(code).into_owned()).filter(|code| !code.is_empty());
    Some(Criterion::Quantity { amount, system, code })
}

/// `:above` and `:below` are for URLs: URNs have no hierarchy.
fn url(text: &str) -> Option<String> {
    let url = unescape(text).into_owned();
    let is_urn = url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
    (!is_urn).then_some(url)
}

/// A URL and those that it is under, with and without their final slash.
pub fn ancestors(url: &str) -> impl Iterator<Item = &str> {
    let slashes = url.match_indices('/').map(|(at, _)| at);
    let parents = slashes
        .flat_map(|at| [at, at + 1])
        .filter(|at| (1..url.len()).contains(at));
    parents.map(|at| &url[..at]).chain([url])
}

fn reference(parameter: &SearchParameter, kind: Option<ResourceType>, text: &str) -> Option<Criterion> {
    match Target::parse(text) {
        Target::Local { kind: named, id, .. } => {
            let fits = kind.is_none_or(|kind| kind == named) && parameter.targets.contains(named);
            fits.then(|| Criterion::Local {
                kind: Some(named),
                id: id.to_owned(),
            })
        }
        Target::Uri(id) if is_id(id) => Some(Criterion::Local {
            kind: kind.or(only(parameter)),
            id: id.to_owned(),
        }),
        Target::Absolute { base, kind, id, .. } => Some(Criterion::External(format!("{base}/{kind}/{id}"))),
        Target::Uri(_) => Some(Criterion::External(text.to_owned())),
        Target::Conditional { .. } | Target::Contained(_) => None,
    }
}

/// The one type that a parameter may refer to.
fn only(parameter: &SearchParameter) -> Option<ResourceType> {
    match &parameter.targets {
        Targets::These(kinds) if kinds.len() == 1 => kinds.first().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, code: &str, modifier: Option<&str>, text: &str) -> Result<Test, String> {
        let kind = ResourceType::find(kind).expect("a type");
        let parameter = SearchParameter::find(kind, code).expect("a parameter");
        filter(parameter, modifier, text, 0)
            .map(|filter| filter.test)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn tokens() {
        let token = |system, code: Option<&str>| Criterion::Token {
            system,
            code: code.map(str::to_owned),
        };
        let test = read(
            "Observation",
            "code",
            None,
            r"8480-6,http://loinc.org|8462-4,|x,http://loinc.org|,a\|b",
        );
        let expected = [
            token(System::Any, Some("8480-6")),
            token(System::Is("http://loinc.org".to_owned()), Some("8462-4")),
            token(System::Absent, Some("x")),
            token(System::Is("http://loinc.org".to_owned()), None),
            token(System::Any, Some("a|b")),
        ];
        assert_eq!(test, Ok(Test::Any(expected.to_vec())));
    }

    #[test]
    fn dates() {
        assert!(read("Observation", "date", None, "ge2026-01-02").is_ok());
        for text in ["2026-13-01", "xx2026", "2", "", "ge"] {
            let found = read("Observation", "date", None, text);
            assert!(found.is_err() || found == Ok(Test::Any(Vec::new())), "{text}");
        }
    }

    #[test]
    fn quantities() {
        let quantity = |system, code: Option<&str>| Criterion::Quantity {
            amount: Amount::parse("le5.4").expect("a number"),
            system,
            code: code.map(str::to_owned),
        };
        let ucum = || System::Is("http://unitsofmeasure.org".to_owned());
        let text = "le5.4|http://unitsofmeasure.org|mg,le5.4||mg,le5.4,le5.4||,le5.4|http://unitsofmeasure.org|";
        let expected = [
            quantity(ucum(), Some("mg")),
            quantity(System::Any, Some("mg")),
            quantity(System::Any, None),
            quantity(System::Any, None),
            quantity(ucum(), None),
        ];
        let found = read("Observation", "value-quantity", None, text);
        assert_eq!(found, Ok(Test::Any(expected.to_vec())));
        for text in ["mg", "5.4|mg", "5.4|a|b|c", "|a|b"] {
            assert!(read("Observation", "value-quantity", None, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_is_under_those_that_its_segments_begin_with() {
        let found: Vec<_> = ancestors("http://a/b/c/").collect();
        let expected = [
            "http:",
            "http:/",
            "http:/",
            "http://",
            "http://a",
            "http://a/",
            "http://a/b",
            "http://a/b/",
            "http://a/b/c",
            "http://a/b/c/",
        ];
        assert_eq!(found, expected);
        assert_eq!(ancestors("/").collect::<Vec<_>>(), ["/"]);
    }

    #[test]
    fn references() {
        let patient = ResourceType::find("Patient");
        let local = |kind| {
            Ok(Test::Any(vec![Criterion::Local {
                kind,
                id: "1".to_owned(),
            }]))
        };
        assert_eq!(read("Observation", "patient", None, "1"), local(None));
        assert_eq!(read("Observation", "subject", None, "1"), local(None));
        assert_eq!(read("Observation", "subject", Some("Patient"), "1"), local(patient));
        assert_eq!(read("Observation", "subject", None, "Patient/1"), local(patient));
        assert!(read("Observation", "patient", None, "Device/1").is_err());
        assert!(read("Observation", "subject", Some("Nothing"), "1").is_err());
    }

    #[test]
    fn intervals_are_compared_by_their_prefix() {
        let day = Interval { low: 10, high: 19 };
        let holds = |prefix: Prefix, low, high| prefix.holds(Interval { low, high }, day);
        let cases = [
            (Prefix::Eq, (12, 13), true),
            (Prefix::Eq, (5, 13), false),
            (Prefix::Ne, (5, 13), true),
            (Prefix::Gt, (12, 20), true),
            (Prefix::Gt, (12, 19), false),
            (Prefix::Lt, (9, 30), true),
            (Prefix::Ge, (12, 13), true),
            (Prefix::Ge, (1, 13), false),
            (Prefix::Le, (15, 30), false),
            (Prefix::Sa, (20, 21), true),
            (Prefix::Sa, (19, 21), false),
            (Prefix::Eb, (1, 9), true),
            (Prefix::Ap, (19, 40), true),
        ];
        for (prefix, (low, high), expected) in cases {
            assert_eq!(holds(prefix, low, high), expected, "{prefix:?} {low}–{high}");
        }
    }
}
