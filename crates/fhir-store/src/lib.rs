//! FHIR R4 resources over the store, without HTTP: what a FHIR service keeps and how it finds it.
//!
//! - [`repo`]: versions of resources in the journal of the store.
//! - [`index`]: the keys of the search index.
//! - [`search`]: from the text of a search to its pages.

pub mod index;
pub mod repo;
pub mod search;
