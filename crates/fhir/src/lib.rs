//! The FHIR R4 service: resources with their versions and search index, interactions, bundles, CapabilityStatement.
//! <http://hl7.org/fhir/R4/http.html>
//!
//! - [`index`]: the keys of the search index. [`repo`]: versions of resources in the journal of the store.

pub mod index;
pub mod repo;
pub mod search;
