//! Graph's JSON, read strictly and written whole. What is not known is refused with the place where it stands, because a
//! condition that is silently dropped makes a policy weaker than its author believes.
//!
//! Annotations (`@odata.type`, `ipRanges@odata.context`, …) may stand anywhere, and `null` or absence means unset, as in
//! what Graph itself sends. All members are written, unset lists as `[]` and everything else as `null`.

use std::collections::BTreeSet;
use std::fmt;

use hygie_core::{ErrorKind, Fault, Timestamp};
use serde_json::{Map, Value};
use thiserror::Error;

/// A text in a message is cut after so many signs: it comes from outside.
const SHOWN: usize = 64;

/// What was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {wrong}", if path.is_empty() { "the document" } else { path.as_str() })]
pub struct ReadError {
    /// The place, such as `conditions.users.includeUsers[2]`; empty for the whole document.
    pub path: String,
    /// Why.
    pub wrong: Wrong,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// No such member exists.
    #[error("there is no such member")]
    UnknownMember,
    /// The vocabulary has no such value; `unknownFutureValue` is for readers and never written.
    #[error("{0:?} is not one of its values")]
    UnknownValue(String),
    /// Another kind of JSON, or a text of another form.
    #[error("must be {0}")]
    NotA(&'static str),
    /// It must be there.
    #[error("is required")]
    Missing,
    /// It is set by the service alone.
    #[error("cannot be changed")]
    ReadOnly,
}

impl Wrong {
    /// A value that its vocabulary does not have.
    pub fn unknown(found: &str) -> Self {
        Self::UnknownValue(found.chars().take(SHOWN).collect())
    }
}

impl Fault for ReadError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "BadRequest"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

/// A place in a document.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// The document.
    Root,
    /// A member of an object.
    Member(&'a At<'a>, &'a str),
    /// An item of a list.
    Item(&'a At<'a>, usize),
}

impl At<'_> {
    /// The refusal of what is here.
    pub fn refuse(&self, wrong: Wrong) -> ReadError {
        let path = self.to_string();
        ReadError { path, wrong }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root => Ok(()),
            At::Member(At::Root, name) => f.write_str(name),
            At::Member(parent, name) => write!(f, "{parent}.{name}"),
            At::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What can be a member of a document of Graph.
pub trait Member: Sized {
    /// Reads it; `None` is absence, which `null` means too.
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError>;

    /// Writes it.
    fn write(&self) -> Value;
}

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a> {
    object: &'a Map<String, Value>,
    at: &'a At<'a>,
}

impl<'a> Members<'a> {
    /// Those of an object that has no others than these.
    pub fn of(found: Option<&'a Value>, at: &'a At<'a>, known: &[&str]) -> Result<Self, ReadError> {
        let object = match found {
            Some(Value::Object(object)) => object,
            None => return Err(at.refuse(Wrong::Missing)),
            Some(_) => return Err(at.refuse(Wrong::NotA("an object"))),
        };
        let is_known = |name: &str| known.contains(&name) || is_annotation(name);
        if let Some(name) = object.keys().find(|name| !is_known(name)) {
            let name: String = name.chars().take(SHOWN).collect();
            return Err(At::Member(at, &name).refuse(Wrong::UnknownMember));
        }
        Ok(Self { object, at })
    }

    /// One of them.
    pub fn read<T: Member>(&self, name: &str) -> Result<T, ReadError> {
        T::read(self.find(name), &At::Member(self.at, name))
    }

    /// One of them as it stands there; `null` is absence.
    pub fn find(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// The type that an object of several kinds states, without `#microsoft.graph.`.
    pub fn odata_type(&self) -> Option<&'a str> {
        let stated = self.find("@odata.type")?.as_str()?;
        Some(stated.strip_prefix("#microsoft.graph.").unwrap_or(stated))
    }
}

/// Whether a member is an annotation of OData: of its object, or of the member whose name it begins with.
fn is_annotation(name: &str) -> bool {
    name.contains("@odata.")
}

impl Member for String {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        match found {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(at.refuse(Wrong::NotA("a text"))),
            None => Err(at.refuse(Wrong::Missing)),
        }
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Member for bool {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        match found {
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(at.refuse(Wrong::NotA("true or false"))),
            None => Err(at.refuse(Wrong::Missing)),
        }
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Member for u32 {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let value = found.ok_or_else(|| at.refuse(Wrong::Missing))?;
        let number = value.as_u64().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| at.refuse(Wrong::NotA("a whole number that is not negative")))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Member for Timestamp {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let text = String::read(found, at)?;
        text.parse().map_err(|_| at.refuse(Wrong::NotA("an instant")))
    }

    fn write(&self) -> Value {
        Value::String(self.to_rfc3339())
    }
}

impl<T: Member> Member for Option<T> {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        found.map(|value| T::read(Some(value), at)).transpose()
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Member::write)
    }
}

impl<T: Member> Member for Vec<T> {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let items = match found {
            None => return Ok(Self::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(at.refuse(Wrong::NotA("a list"))),
        };
        let read = |(index, item): (usize, &Value)| T::read((!item.is_null()).then_some(item), &At::Item(at, index));
        items.iter().enumerate().map(read).collect()
    }

    fn write(&self) -> Value {
        self.iter().map(Member::write).collect()
    }
}

/// A value of a vocabulary.
pub trait Word: Copy + Ord + 'static {
    /// Every value.
    const WORDS: &'static [Self];

    /// As Graph spells it.
    fn word(self) -> &'static str;

    /// The value of this spelling.
    fn find(text: &str) -> Option<Self> {
        Self::WORDS.iter().copied().find(|value| value.word() == text)
    }
}

/// A set of values that Graph writes as one text with commas; the empty one is `none`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags<T>(pub BTreeSet<T>);

impl<T: Word> fmt::Display for Flags<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, value) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            f.write_str(value.word())?;
        }
        Ok(())
    }
}

impl<T: Word> Member for Flags<T> {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let text = String::read(found, at)?;
        if text == "none" {
            return Ok(Self(BTreeSet::new()));
        }
        let known = |word: &str| T::find(word.trim()).ok_or_else(|| at.refuse(Wrong::unknown(word)));
        text.split(',').map(known).collect::<Result<_, _>>().map(Self)
    }

    fn write(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// Reads a whole document.
pub fn read<T: Member>(document: &Value) -> Result<T, ReadError> {
    T::read((!document.is_null()).then_some(document), &At::Root)
}

/// Objects of Graph: each member with its name in JSON.
macro_rules! record {
    ($($(#[$doc:meta])* $name:ident { $($(#[$member:meta])* $field:ident: $type:ty = $json:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$member])* pub $field: $type,)*
        }

        impl $crate::json::Member for $name {
            fn read(
                found: Option<&serde_json::Value>,
                at: &$crate::json::At<'_>,
            ) -> Result<Self, $crate::json::ReadError> {
                let members = $crate::json::Members::of(found, at, &[$($json),*])?;
                Ok(Self { $($field: members.read($json)?,)* })
            }

            fn write(&self) -> serde_json::Value {
                let members = [$(($json.to_owned(), $crate::json::Member::write(&self.$field)),)*];
                serde_json::Value::Object(members.into_iter().collect())
            }
        }
    )*};
}
pub(crate) use record;

/// Enumerations of Graph: each value with its text.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* $name:ident { $($(#[$value:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$value])* #[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As Graph spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The value of this spelling.
            pub fn parse(text: &str) -> Option<Self> {
                <Self as $crate::json::Word>::find(text)
            }
        }

        impl $crate::json::Word for $name {
            const WORDS: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::json::Member for $name {
            fn read(
                found: Option<&serde_json::Value>,
                at: &$crate::json::At<'_>,
            ) -> Result<Self, $crate::json::ReadError> {
                let text = <String as $crate::json::Member>::read(found, at)?;
                Self::parse(&text).ok_or_else(|| at.refuse($crate::json::Wrong::unknown(&text)))
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::String(self.as_str().to_owned())
            }
        }
    )*};
}
pub(crate) use vocabulary;

/// Texts with a form of their own: read by `FromStr`, written by `Display`.
macro_rules! texts {
    ($($type:ty: $what:literal;)*) => {$(
        impl $crate::json::Member for $type {
            fn read(
                found: Option<&serde_json::Value>,
                at: &$crate::json::At<'_>,
            ) -> Result<Self, $crate::json::ReadError> {
                let text = <String as $crate::json::Member>::read(found, at)?;
                text.parse().map_err(|_| at.refuse($crate::json::Wrong::NotA($what)))
            }

            fn write(&self) -> serde_json::Value {
                serde_json::Value::String(self.to_string())
            }
        }
    )*};
}
pub(crate) use texts;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    vocabulary! {
        /// A colour.
        Colour { Red = "red", DarkBlue = "darkBlue", }
    }
    record! {
        /// A thing.
        Thing { name: String = "name", colours: Vec<Colour> = "colours", inner: Option<Inner> = "inner", }
        /// In it.
        Inner { is_on: Option<bool> = "isOn", count: Option<u32> = "count", at: Option<Timestamp> = "at", }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (document, path, wrong) in [
            (json!(null), "", Wrong::Missing),
            (json!([]), "", Wrong::NotA("an object")),
            (json!({}), "name", Wrong::Missing),
            (json!({"name": 1}), "name", Wrong::NotA("a text")),
            (json!({"name": "x", "nome": null}), "nome", Wrong::UnknownMember),
            (json!({"name": "x", "colours": "red"}), "colours", Wrong::NotA("a list")),
            (json!({"name": "x", "colours": [null]}), "colours[0]", Wrong::Missing),
            (
                json!({"name": "x", "colours": ["red", "Red"]}),
                "colours[1]",
                Wrong::unknown("Red"),
            ),
            (
                json!({"name": "x", "colours": ["unknownFutureValue"]}),
                "colours[0]",
                Wrong::unknown("unknownFutureValue"),
            ),
            (
                json!({"name": "x", "inner": {"isOff": true}}),
                "inner.isOff",
                Wrong::UnknownMember,
            ),
            (
                json!({"name": "x", "inner": {"isOn": "yes"}}),
                "inner.isOn",
                Wrong::NotA("true or false"),
            ),
            (
                json!({"name": "x", "inner": {"count": -1}}),
                "inner.count",
                Wrong::NotA("a whole number that is not negative"),
            ),
            (
                json!({"name": "x", "inner": {"at": "today"}}),
                "inner.at",
                Wrong::NotA("an instant"),
            ),
        ] {
            let error = read::<Thing>(&document).expect_err("refused");
            assert_eq!((error.path.as_str(), &error.wrong), (path, &wrong), "{document}");
        }
    }

    #[test]
    fn what_is_unset_is_written() {
        let document = json!({"@odata.type": "#thing", "name": "x", "inner@odata.context": "…", "inner": {"at": "2026-11-21T09:30:00.1234567+01:00"}});
        let thing: Thing = read(&document).expect("a thing");
        let inner = json!({"isOn": null, "count": null, "at": "2026-11-21T08:30:00.123Z"});
        assert_eq!(thing.write(), json!({"name": "x", "colours": [], "inner": inner}));
        assert_eq!(read::<Thing>(&thing.write()), Ok(thing));
    }

    #[test]
    fn texts_from_outside_are_cut() {
        let long = "x".repeat(5_000);
        let error = read::<Thing>(&json!({ long: 1 })).expect_err("refused");
        assert_eq!(error.path.len(), SHOWN);
    }
}
