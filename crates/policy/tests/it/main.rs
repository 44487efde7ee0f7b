//! Documents in and out, and the decisions that follow from them.

mod beginnings;
mod certificates;
mod decisions;
mod documents;
mod filters;
mod methods;
mod model;
mod properties;
mod psc;
mod questions;
mod rules;
