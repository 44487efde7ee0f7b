//! Query options of OData, as far as Microsoft Graph has them for directory objects: pure decisions over texts.
//! <https://learn.microsoft.com/graph/query-parameters>, <https://docs.oasis-open.org/odata/odata/v4.01/>
//!
//! Text → [`Query`], whose names are resolved against an [`EntityType`] and whose values have the kind of their property:
//! what is not known is refused, never ignored. A [`Filter`] then decides on the JSON of an entity.
//!
//! # Deviations
//!
//! Comparisons are of two values: what lacks a property does not start with anything, and `not` of that holds, where OData
//! has a third value. Texts are compared without case, as the directory of Entra ID does.

#![warn(missing_docs)]

mod entity;
mod filter;
mod lexer;
mod matches;
mod parser;
mod query;
mod search;
#[cfg(test)]
mod tests;
mod walk;

pub use entity::{EntityType, Kind, Property};
pub use filter::{Filter, Function, Literal, Operator, Path, Pin};
pub use query::{Consistency, Direction, Expand, Order, Query};
pub use search::{Search, Term};

/// Why a query is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text of an option cannot be read.
    #[error("Invalid {option} clause: {expected} was expected at position {at}.")]
    Syntax {
        /// The option.
        option: &'static str,
        /// What would have been right.
        expected: &'static str,
        /// Characters before it.
        at: usize,
    },
    /// No such property.
    #[error("Could not find a property named '{name}' on type 'microsoft.graph.{entity}'.")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Of what.
        entity: &'static str,
    },
    /// The property cannot be asked in this way.
    #[error("The property '{name}' does not take this operator or value.")]
    Kind {
        /// The property.
        name: String,
    },
    /// An option that is not known, or not for this resource.
    #[error("The query option '{0}' is not supported.")]
    Option(String),
    /// An option has a value that it cannot have.
    #[error("Invalid value for the query option '{0}'.")]
    Value(&'static str),
    /// Longer or deeper than anybody needs.
    #[error("The {0} clause is too complex.")]
    TooComplex(&'static str),
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    #[error("Request with {0} is an advanced query: it needs the header 'ConsistencyLevel: eventual' and $count=true.")]
    NeedsEventual(&'static str),
}
