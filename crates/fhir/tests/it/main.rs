//! The FHIR service, on the engine of this run.

mod binary;
mod bulk;
mod bundles;
mod conditional;
mod crud;
mod documents;
mod explain;
mod history;
mod includes;
mod inputs;
mod isolation;
mod outside;
mod patch;
mod professionals;
mod results;
mod rights;
mod samples;
mod searches;
mod service;
