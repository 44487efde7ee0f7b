//! The FHIR service over the embedded engine.

mod amounts;
mod bundles;
mod crud;
mod documents;
mod inputs;
mod repo;
mod results;
mod rights;
mod samples;
mod search;
mod service;
mod world;
