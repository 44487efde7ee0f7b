//! The FHIR service over the embedded engine.

mod repo;
mod search;
mod world;
