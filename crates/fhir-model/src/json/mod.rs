//! FHIR JSON as a flat tree over its own bytes: numbers and strings are slices of the source, so decimals keep their
//! digits and an edit changes nothing but what it names. <http://hl7.org/fhir/R4/json.html>

mod document;
mod edit;
mod parse;
mod splice;
mod text;

pub use document::{Document, Items, Json, Kind, Members};
pub use edit::Edit;
pub use parse::{Limits, ParseError, Problem};
pub use text::quote;
