//! The FHIR service over the embedded engine.

mod crud;
mod repo;
mod rights;
mod search;
mod service;
mod world;
