//! FHIR R4 as the services need it: resources as byte-exact JSON trees, the definitions as compact tables, search
//! parameters compiled to extraction programs, structural validation. <http://hl7.org/fhir/R4/>
//!
//! Nothing here stores or serves: a resource stays the bytes that were received, and types exist for what is computed
//! with (ids, dates, decimals, references), not for each resource.

mod date;
mod decimal;
mod fold;
mod id;
pub mod json;
mod names;
mod narrative;
pub mod patch;
mod primitive;
mod reference;
mod resource_type;
pub mod search;
mod subset;
mod tables;
mod validate;

pub use date::{DateTime, EARLIEST, Interval, LATEST, Precision};
pub use decimal::{Decimal, Scientific, is_same_number};
pub use fold::fold;
pub use id::{Id, InvalidId, is_id};
pub use names::Name;
pub use primitive::Primitive;
pub use reference::Target;
pub use resource_type::{ResourceType, UnknownType};
pub use subset::{Subset, has_element};
pub use validate::{Invalid, Issue, IssueCode, validate};
