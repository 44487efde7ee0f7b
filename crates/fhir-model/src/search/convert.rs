//! Datatypes to search values. <http://hl7.org/fhir/R4/search.html#ptypes>

use super::ParameterKind;
use super::value::{Quantity, Reference, Token, Value};
use crate::date::{DateTime, EARLIEST, Interval, LATEST};
use crate::decimal::Decimal;
use crate::json::{Json, Kind};
use crate::names::Name;
use crate::primitive::Primitive;
use crate::reference::Target;
use crate::resource_type::ResourceType;
use crate::tables::{Schema, TypeId, TypeKind, ValueSetId, definitions};

/// The system of `true` and `false` (R4, search, § token).
const BOOLEAN: &str = "http://terminology.hl7.org/CodeSystem/special-values";
/// The system of `Money.currency`.
const CURRENCY: &str = "urn:iso:std:iso:4217";

/// How a datatype becomes values of a kind of parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Convert {
    Coding,
    CodeableConcept,
    Identifier,
    ContactPoint,
    Boolean,
    /// A `code`, with the value set that tells its system.
    Code(Option<ValueSetId>),
    /// Any other primitive as a token.
    PlainToken,
    PlainString,
    HumanName,
    Address,
    DateTime,
    Period,
    Timing,
    Number,
    Quantity,
    Money,
    Range,
    Uri,
    Reference,
    Canonical,
    /// An inline resource as the target of a reference (`Bundle.entry[0].resource`).
    Resource,
}

/// Takes values, with the type of the target when it is a reference.
pub(super) type Out<'o> = dyn FnMut(Option<ResourceType>, Value<'_>) + 'o;

impl Convert {
    /// The conversion of the datatype `kind` for a parameter; `None` when it has no such values.
    pub(super) fn choose(
        parameter: ParameterKind,
        schema: &Schema,
        kind: TypeId,
        value_set: Option<ValueSetId>,
    ) -> Option<Self> {
        match schema.kind(kind) {
            TypeKind::Primitive(primitive) => Self::primitive(parameter, primitive, value_set),
            TypeKind::AnyResource => (parameter == ParameterKind::Reference).then_some(Self::Resource),
            TypeKind::Resource(_) => None,
            TypeKind::Complex => Self::complex(parameter, schema, kind),
        }
    }

    fn primitive(parameter: ParameterKind, primitive: Primitive, value_set: Option<ValueSetId>) -> Option<Self> {
        use Primitive as P;
        Some(match (parameter, primitive) {
            (ParameterKind::Token, P::Code) => Self::Code(value_set),
            (ParameterKind::Token, P::Boolean) => Self::Boolean,
            (ParameterKind::Token, _) => Self::PlainToken,
            (ParameterKind::String, P::String | P::Markdown | P::Code | P::Id | P::Uri | P::Url | P::Canonical) => {
                Self::PlainString
            }
            (ParameterKind::Date, P::Date | P::DateTime | P::Instant) => Self::DateTime,
            (ParameterKind::Number, P::Decimal | P::Integer | P::PositiveInt | P::UnsignedInt) => Self::Number,
            (ParameterKind::Uri, P::Uri | P::Url | P::Canonical | P::Oid | P::Uuid) => Self::Uri,
            (ParameterKind::Reference, P::Canonical | P::Uri) => Self::Canonical,
            _ => return None,
        })
    }

    fn complex(parameter: ParameterKind, schema: &Schema, kind: TypeId) -> Option<Self> {
        Some(match (parameter, schema.path(kind)) {
            (ParameterKind::Token, "Coding") => Self::Coding,
            (ParameterKind::Token, "CodeableConcept") => Self::CodeableConcept,
            (ParameterKind::Token, "Identifier") => Self::Identifier,
            (ParameterKind::Token, "ContactPoint") => Self::ContactPoint,
            (ParameterKind::String, "HumanName") => Self::HumanName,
            (ParameterKind::String, "Address") => Self::Address,
            (ParameterKind::Date, "Period") => Self::Period,
            (ParameterKind::Date, "Timing") => Self::Timing,
            (ParameterKind::Quantity, "Money") => Self::Money,
            (ParameterKind::Quantity, "Range") => Self::Range,
            (ParameterKind::Quantity, _) if schema.is(kind, "Quantity") => Self::Quantity,
            (ParameterKind::Reference, "Reference") => Self::Reference,
            _ => return None,
        })
    }

    /// Gives the values of `json` to `out`. A value of another shape than the datatype gives nothing.
    pub(super) fn run(self, json: Json<'_>, out: &mut Out<'_>) {
        match self {
            Self::Coding => coding(json, out),
            Self::CodeableConcept => codeable_concept(json, out),
            Self::Identifier => identifier(json, out),
            Self::ContactPoint => token(None, json.get(Name::VALUE), out),
            Self::Boolean if json.kind() == Kind::Boolean => {
                out(
                    None,
                    Value::Token(Token {
                        system: Some(BOOLEAN),
                        code: json.raw(),
                    }),
                );
            }
            Self::Code(value_set) => code(value_set, json, out),
            Self::PlainToken => plain_token(json, out),
            Self::PlainString => string(Some(json), out),
            Self::HumanName => parts(json, &HUMAN_NAME, out),
            Self::Address => parts(json, &ADDRESS, out),
            Self::DateTime => interval(date(Some(json)), out),
            Self::Period => interval(period(json), out),
            Self::Timing => interval(timing(json), out),
            Self::Number => {
                if let Some(number) = json.number().and_then(Decimal::parse) {
                    out(None, Value::Number(number));
                }
            }
            Self::Quantity => quantity(json, out),
            Self::Money => money(json, out),
            Self::Range => range(json, out),
            Self::Uri => {
                if let Some(uri) = json.text() {
                    out(None, Value::Uri(&uri));
                }
            }
            Self::Reference => reference(json, out),
            Self::Canonical => canonical(json, out),
            Self::Resource => resource(json, out),
            Self::Boolean => {}
        }
    }
}

const HUMAN_NAME: [Name; 5] = [Name::TEXT, Name::FAMILY, Name::GIVEN, Name::PREFIX, Name::SUFFIX];
const ADDRESS: [Name; 7] = [
    Name::TEXT,
    Name::LINE,
    Name::CITY,
    Name::DISTRICT,
    Name::STATE,
    Name::POSTAL_CODE,
    Name::COUNTRY,
];

fn token(system: Option<&str>, code: Option<Json<'_>>, out: &mut Out<'_>) {
    if let Some(code) = code.and_then(Json::text) {
        out(None, Value::Token(Token { system, code: &code }));
    }
}

fn token_text(text: Option<Json<'_>>, out: &mut Out<'_>) {
    if let Some(text) = text.and_then(Json::text) {
        out(None, Value::TokenText(&text));
    }
}

fn coding(json: Json<'_>, out: &mut Out<'_>) {
    let system = json.get_text(Name::SYSTEM);
    let code = json.get_text(Name::CODE);
    if system.is_some() || code.is_some() {
        out(
            None,
            Value::Token(Token {
                system: system.as_deref(),
                code: code.as_deref().unwrap_or_default(),
            }),
        );
    }
    token_text(json.get(Name::DISPLAY), out);
}

fn codeable_concept(json: Json<'_>, out: &mut Out<'_>) {
    for item in json.get(Name::CODING).into_iter().flat_map(Json::items) {
        coding(item, out);
    }
    token_text(json.get(Name::TEXT), out);
}

fn identifier(json: Json<'_>, out: &mut Out<'_>) {
    let system = json.get_text(Name::SYSTEM);
    token(system.as_deref(), json.get(Name::VALUE), out);
    token_text(json.get(Name::TYPE).and_then(|kind| kind.get(Name::TEXT)), out);
}

fn code(value_set: Option<ValueSetId>, json: Json<'_>, out: &mut Out<'_>) {
    let Some(code) = json.text() else { return };
    let system = value_set.and_then(|id| definitions().value_sets.get(id.position()).system(&code));
    out(None, Value::Token(Token { system, code: &code }));
}

fn plain_token(json: Json<'_>, out: &mut Out<'_>) {
    match json.number() {
        Some(digits) => out(
            None,
            Value::Token(Token {
                system: None,
                code: digits,
            }),
        ),
        None => token(None, Some(json), out),
    }
}

fn string(json: Option<Json<'_>>, out: &mut Out<'_>) {
    if let Some(text) = json.and_then(Json::text) {
        out(None, Value::String(&text));
    }
}

/// Each part of a name or address is a string of its own.
fn parts(json: Json<'_>, names: &[Name], out: &mut Out<'_>) {
    for member in json.members().filter(|member| names.contains(&member.name())) {
        for part in member.each() {
            string(Some(part), out);
        }
    }
}

fn interval(found: Option<Interval>, out: &mut Out<'_>) {
    if let Some(interval) = found {
        out(None, Value::Date(interval));
    }
}

fn date(json: Option<Json<'_>>) -> Option<Interval> {
    Some(DateTime::parse(&json?.text()?)?.interval())
}

/// A missing end is open.
fn period(json: Json<'_>) -> Option<Interval> {
    let (start, end) = (date(json.get(Name::START)), date(json.get(Name::END)));
    if start.is_none() && end.is_none() {
        return None;
    }
    let low = start.map_or(EARLIEST, |start| start.low);
    Some(Interval {
        low,
        high: end.map_or(LATEST, |end| end.high).max(low),
    })
}

/// The outer limits of the events and of the bounds of the repetition.
fn timing(json: Json<'_>) -> Option<Interval> {
    let events = json
        .get(Name::EVENT)
        .into_iter()
        .flat_map(Json::items)
        .filter_map(|event| date(Some(event)));
    let bounds = json
        .get(Name::REPEAT)
        .and_then(|repeat| repeat.get(Name::BOUNDS_PERIOD))
        .and_then(period);
    events.chain(bounds).reduce(Interval::around)
}

fn decimal(json: Json<'_>, name: Name) -> Option<Decimal> {
    Decimal::parse(json.get(name)?.number()?)
}

fn quantity(json: Json<'_>, out: &mut Out<'_>) {
    let Some(value) = decimal(json, Name::VALUE) else {
        return;
    };
    let comparator = json.get_text(Name::COMPARATOR);
    let (low, high) = match comparator.as_deref() {
        Some("<" | "<=") => (None, Some(value)),
        Some(">" | ">=") => (Some(value), None),
        _ => (Some(value), Some(value)),
    };
    amount(json, low, high, out);
}

/// An amount in the unit of the Quantity `json`.
fn amount(json: Json<'_>, low: Option<Decimal>, high: Option<Decimal>, out: &mut Out<'_>) {
    let (system, code) = (json.get_text(Name::SYSTEM), json.get_text(Name::CODE));
    let unit = json.get_text(Name::UNIT);
    let (system, code, unit) = (system.as_deref(), code.as_deref(), unit.as_deref());
    out(
        None,
        Value::Quantity(Quantity {
            low,
            high,
            system,
            code,
            unit,
        }),
    );
}

fn money(json: Json<'_>, out: &mut Out<'_>) {
    let value = decimal(json, Name::VALUE);
    let currency = json.get_text(Name::CURRENCY);
    let code = currency.as_deref();
    let system = code.map(|_| CURRENCY);
    if value.is_some() {
        out(
            None,
            Value::Quantity(Quantity {
                low: value,
                high: value,
                system,
                code,
                unit: code,
            }),
        );
    }
}

fn range(json: Json<'_>, out: &mut Out<'_>) {
    let (low, high) = (json.get(Name::LOW), json.get(Name::HIGH));
    let end = |end: Option<Json<'_>>| end.and_then(|quantity| decimal(quantity, Name::VALUE));
    let (from, to) = (end(low), end(high));
    // As with periods: what ends before it begins is where it begins.
    let to = match (from, to) {
        (Some(from), Some(to)) if to.compare(from).is_lt() => Some(from),
        _ => to,
    };
    if let Some(unit) = low.or(high)
        && (from.is_some() || to.is_some())
    {
        amount(unit, from, to, out);
    }
}

fn reference(json: Json<'_>, out: &mut Out<'_>) {
    let named = json.get_text(Name::TYPE).and_then(|name| ResourceType::find(&name));
    if let Some(text) = json.get_text(Name::REFERENCE) {
        match Target::parse(&text) {
            Target::Contained(_) => {}
            target => out(target.kind().or(named), Value::Reference(Reference::Literal(target))),
        }
    }
    if let Some(identifier) = json.get(Name::IDENTIFIER)
        && let Some(code) = identifier.get_text(Name::VALUE)
    {
        let system = identifier.get_text(Name::SYSTEM);
        let token = Token {
            system: system.as_deref(),
            code: &code,
        };
        out(named, Value::Reference(Reference::Identifier { kind: named, token }));
    }
}

fn canonical(json: Json<'_>, out: &mut Out<'_>) {
    let Some(text) = json.text() else { return };
    let (url, version) = match text.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (&*text, None),
    };
    let url = url.split('#').next().unwrap_or(url);
    if !url.is_empty() {
        out(None, Value::Reference(Reference::Canonical { url, version }));
    }
}

fn resource(json: Json<'_>, out: &mut Out<'_>) {
    let kind = json
        .get_text(Name::RESOURCE_TYPE)
        .and_then(|name| ResourceType::find(&name));
    if let (Some(kind), Some(id)) = (kind, json.get_text(Name::ID)) {
        let target = Target::Local {
            kind,
            id: &id,
            version: None,
        };
        out(Some(kind), Value::Reference(Reference::Literal(target)));
    }
}
