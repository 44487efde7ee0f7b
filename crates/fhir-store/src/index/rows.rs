//! From what a resource says to the keys of its index rows.

use hygie_fhir_model::ResourceType;

use super::amount::Span;
use super::key::{Key, Kind, LAST_MS, SHORT_MS};
use super::when::When;

/// What the search parameters of a resource say, before references and systems have numbers. Made outside of the
/// transaction; it depends on the resource alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// What is said, parameter by parameter.
    pub entries: Vec<Entry>,
    /// Resources of this server that are referred to, each once.
    pub targets: Vec<(ResourceType, String)>,
    /// Systems of tokens, each once.
    pub systems: Vec<String>,
    /// The type's principal date: what a chronology is sorted by.
    pub date: Option<When>,
    /// The patients the resource is about, as positions in `targets`.
    pub patients: Vec<u32>,
}

/// One thing that a search parameter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A code or identifier.
    Token {
        /// Number of the parameter.
        parameter: u16,
        /// The code, or the identifier's value.
        code: String,
        /// Position of the system in [`Extract::systems`].
        system: Option<u32>,
    },
    /// The same for the principal code of a type that has a date.
    DatedToken {
        /// Number of the parameter.
        parameter: u16,
        /// The code.
        code: String,
        /// Position of the system in [`Extract::systems`].
        system: Option<u32>,
    },
    /// A reference to a resource of this server.
    Reference {
        /// Number of the parameter.
        parameter: u16,
        /// Position in [`Extract::targets`].
        target: u32,
    },
    /// A reference to elsewhere.
    External {
        /// Number of the parameter.
        parameter: u16,
        /// Its text.
        url: String,
    },
    /// A range of time, in milliseconds, both ends included.
    Date {
        /// Number of the parameter.
        parameter: u16,
        /// First millisecond.
        low: i64,
        /// Last millisecond.
        high: i64,
    },
    /// A string, folded.
    Text {
        /// Number of the parameter.
        parameter: u16,
        /// Folded text.
        text: String,
    },
    /// A number.
    Number {
        /// Number of the parameter.
        parameter: u16,
        /// Its value.
        amount: Span,
    },
    /// A quantity.
    Quantity(Measured),
    /// That a parameter of [`super::extract::sorting_dates`] has no value.
    Absent {
        /// Number of the parameter.
        parameter: u16,
    },
}

/// A quantity in one way of writing its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Number of the parameter.
    pub parameter: u16,
    /// The coded unit, or the one that people read; empty when there is none.
    pub unit: String,
    /// Position of the coded unit's system in [`Extract::systems`].
    pub system: Option<u32>,
    /// Its value, or the range of it.
    pub amount: Span,
}

impl Measured {
    /// Its key up to the amount, when the unit's system has this number.
    fn start(&self, system: i64) -> Key {
        let kind = if self.amount.is_point() {
            Kind::Quantity
        } else {
            Kind::QuantityRange
        };
        Key::new(kind).short(self.parameter).text(&self.unit).number(system)
    }
}

/// The numbers of what an [`Extract`] names, in its order.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// Resource numbers of [`Extract::targets`].
    pub targets: Vec<i64>,
    /// System numbers of [`Extract::systems`]; a token without system has 0.
    pub systems: Vec<i64>,
}

/// A code hash of [`Kind::PatientDate`] when there is no principal code.
pub const NO_CODE: u32 = 0;

/// A code hash of [`Kind::PatientDate`] when there are several: ask the token rows.
pub const SEVERAL_CODES: u32 = u32::MAX;

/// The keys of a resource, sorted, each once.
pub fn keys(kind: ResourceType, rid: i64, extract: &Extract, numbers: &Numbers) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> = extract
        .entries
        .iter()
        .filter_map(|entry| key(entry, rid, extract, numbers))
        .collect();
    let code = code_hash(extract, numbers);
    let when = extract.date.unwrap_or(When::NEVER);
    for patient in &extract.patients {
        if let Some(patient) = numbers.targets.get(*patient as usize) {
            let start = Key::new(Kind::PatientDate).number(*patient).kind_of(kind);
            let key = when.width(start.date(when.low).number(rid));
            keys.push(key.hash(code).finish());
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The key of one entry; `None` for a position that [`Numbers`] does not have, which cannot be.
fn key(entry: &Entry, rid: i64, extract: &Extract, numbers: &Numbers) -> Option<Vec<u8>> {
    let system = |at: &Option<u32>| match at {
        Some(at) => numbers.systems.get(*at as usize).copied(),
        None => Some(0),
    };
    let start = |kind, parameter| Key::new(kind).short(parameter);
    Some(match entry {
        Entry::Token {
            parameter,
            code,
            system: at,
        } => Key::new(Kind::Token)
            .short(*parameter)
            .text(code)
            .number(system(at)?)
            .number(rid)
            .finish(),
        Entry::DatedToken {
            parameter,
            code,
            system: at,
        } => {
            let patient = only_patient(extract, numbers);
            let start = Key::new(Kind::TokenDate)
                .short(*parameter)
                .text(code)
                .number(system(at)?);
            let when = extract.date.unwrap_or(When::NEVER);
            when.width(start.date(when.low).number(rid)).number(patient).finish()
        }
        Entry::Reference { parameter, target } => {
            let target = numbers.targets.get(*target as usize)?;
            start(Kind::Reference, *parameter).number(*target).number(rid).finish()
        }
        Entry::External { parameter, url } => start(Kind::External, *parameter).text(url).number(rid).finish(),
        Entry::Date { parameter, low, high } => {
            let high = (*high).clamp(*low, LAST_MS);
            let kind = if high.saturating_sub(*low) <= SHORT_MS {
                Kind::Date
            } else {
                Kind::LongDate
            };
            start(kind, *parameter).date(*low).date(high).number(rid).finish()
        }
        Entry::Text { parameter, text } => start(Kind::Text, *parameter).text(text).number(rid).finish(),
        Entry::Number { parameter, amount } => start(Kind::Number, *parameter).span(amount).number(rid).finish(),
        Entry::Absent { parameter } => start(Kind::Absent, *parameter).number(rid).finish(),
        Entry::Quantity(measured) => {
            let start = measured.start(system(&measured.system)?);
            start.span(&measured.amount).number(rid).finish()
        }
    })
}

/// The number of the one patient that a resource is about; 0 when there is none or there are several.
pub fn only_patient(extract: &Extract, numbers: &Numbers) -> i64 {
    match extract.patients[..] {
        [only] => numbers.targets.get(only as usize).copied().unwrap_or(0),
        _ => 0,
    }
}

fn code_hash(extract: &Extract, numbers: &Numbers) -> u32 {
    let mut found = NO_CODE;
    for entry in &extract.entries {
        if let Entry::DatedToken { code, system, .. } = entry {
            let sid = system.map_or(0, |at| numbers.systems.get(at as usize).copied().unwrap_or(0));
            found = if found == NO_CODE {
                hash(code, sid)
            } else {
                SEVERAL_CODES
            };
        }
    }
    found
}

/// FNV-1a of code and system number: a filter that saves a look-up, never an answer.
pub fn hash(code: &str, sid: i64) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in super::key::cut(code).bytes().chain(sid.to_be_bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.clamp(NO_CODE + 1, SEVERAL_CODES - 1)
}
