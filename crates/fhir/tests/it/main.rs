//! The FHIR service over the embedded engine.

mod amounts;
mod bulk;
mod bundles;
mod chains;
mod composites;
mod conditional;
mod crud;
mod documents;
mod explain;
mod history;
mod includes;
mod inputs;
mod outside;
mod patch;
mod professionals;
mod repo;
mod results;
mod rights;
mod samples;
mod search;
mod service;
mod sorts;
mod ways;
mod world;
