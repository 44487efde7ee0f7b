//! What a search parameter finds.

use crate::date::Interval;
use crate::decimal::Decimal;
use crate::reference::Target;
use crate::resource_type::ResourceType;

/// A value of a search parameter. It borrows from the document, or for the time of the call from a decoded string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// Of a token parameter: code with its system.
    Token(Token<'v>),
    /// Of a token parameter: a text that `:text` searches (display, text, type text). As written, not folded.
    TokenText(&'v str),
    /// Of a string parameter; as written, see [`crate::fold`].
    String(&'v str),
    /// Of a date parameter.
    Date(Interval),
    /// Of a number parameter.
    Number(Decimal),
    /// Of a quantity parameter.
    Quantity(Quantity<'v>),
    /// Of a uri parameter.
    Uri(&'v str),
    /// Of a reference parameter.
    Reference(Reference<'v>),
}

/// A code, with the system that gives it its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'v> {
    /// The system; `None` when the element has none (or none was given).
    pub system: Option<&'v str>,
    /// The code, identifier value, or `true`/`false`. Empty when only a system was given.
    pub code: &'v str,
}

/// A measured amount, or a range of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity<'v> {
    /// The value, or the lower end; `None` when open below.
    pub low: Option<Decimal>,
    /// The value again, or the upper end; `None` when open above.
    pub high: Option<Decimal>,
    /// The code system of the unit; for money the one of currencies.
    pub system: Option<&'v str>,
    /// The coded unit.
    pub code: Option<&'v str>,
    /// The unit as people read it.
    pub unit: Option<&'v str>,
}

/// What a reference parameter finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'v> {
    /// A literal reference to a resource, here or elsewhere; never a contained one.
    Literal(Target<'v>),
    /// A canonical URL, with its version.
    Canonical {
        /// The URL, without version and fragment.
        url: &'v str,
        /// After the bar.
        version: Option<&'v str>,
    },
    /// A logical reference: the identifier of the target (searched by `:identifier`).
    Identifier {
        /// `Reference.type`, when it is there.
        kind: Option<ResourceType>,
        /// The identifier.
        token: Token<'v>,
    },
}
