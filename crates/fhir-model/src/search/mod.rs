//! The standard search parameters, and the values they find in a resource. <http://hl7.org/fhir/R4/search.html>
//!
//! An expression goes text → path ([`path`]) → program ([`program`]): a tree of element names whose nodes say what to
//! take. The programs of a type are merged, so extraction walks a resource once.

mod composite;
mod convert;
mod extract;
mod path;
mod program;
mod value;

pub use composite::{Together, composite, is_composite};
pub use extract::extract;
pub use path::ExpressionError;
pub use value::{Quantity, Reference, Token, Value};

use crate::resource_type::ResourceType;
use crate::tables::definitions;

/// The number of a search parameter: one per resource type and code, part of the stored index, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterNumber(pub(crate) u16);

impl ParameterNumber {
    /// The stored number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The parameter with this number.
    pub fn parameter(self) -> Option<&'static SearchParameter> {
        definitions().parameters.by_number(self)
    }
}

impl From<u16> for ParameterNumber {
    fn from(number: u16) -> Self {
        Self(number)
    }
}

/// The kind of a search parameter: how its value is written and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the variants are the names of the specification")]
pub enum ParameterKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParameterKind {
    /// The kind with this code.
    pub fn find(code: &str) -> Option<Self> {
        Some(match code {
            "number" => Self::Number,
            "date" => Self::Date,
            "string" => Self::String,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "composite" => Self::Composite,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "special" => Self::Special,
            _ => return None,
        })
    }

    /// Its code, as in the CapabilityStatement.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::String => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

/// The types that a reference parameter may point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Any resource type.
    Any,
    /// These; none for parameters of other kinds.
    These(Vec<ResourceType>),
}

impl Targets {
    /// Whether `kind` is among them.
    pub fn contains(&self, kind: ResourceType) -> bool {
        match self {
            Self::Any => true,
            Self::These(kinds) => kinds.contains(&kind),
        }
    }
}

/// A part of a composite parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The code of the parameter that says how the part is compared.
    pub code: &'static str,
    /// Where it is, from each element that the composite parameter finds.
    pub expression: &'static str,
}

/// A standard search parameter of one resource type, or of all.
#[derive(Clone, Debug)]
pub struct SearchParameter {
    /// Its number.
    pub number: ParameterNumber,
    /// Its type; `None` when every type has it.
    pub base: Option<ResourceType>,
    /// Its name in a search.
    pub code: &'static str,
    /// How it is compared.
    pub kind: ParameterKind,
    /// What a reference may point to.
    pub targets: Targets,
    /// Where it is; empty for `_text`, `_content` and `_query`.
    pub expression: &'static str,
    /// The parts of a composite.
    pub components: Vec<Component>,
}

impl SearchParameter {
    /// The parameter `code` of a type, or the one that every type has.
    pub fn find(kind: ResourceType, code: &str) -> Option<&'static Self> {
        let parameters = &definitions().parameters;
        parameters
            .find(Some(kind), code)
            .or_else(|| parameters.find(None, code))
    }

    /// The parameters of a type by code, then those that every type has.
    pub fn of(kind: ResourceType) -> impl Iterator<Item = &'static Self> {
        definitions().parameters.of(Some(kind)).chain(Self::common())
    }

    /// Whether a resource of this type has one value of it at most.
    pub fn is_single(&self, kind: ResourceType) -> bool {
        program::of(kind).is_single(self.number)
    }

    /// The parameters that every type has.
    pub fn common() -> impl Iterator<Item = &'static Self> {
        definitions().parameters.of(None)
    }

    /// All of them, by number.
    pub fn all() -> &'static [Self] {
        definitions().parameters.all()
    }
}
