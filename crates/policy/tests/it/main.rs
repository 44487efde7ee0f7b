//! Documents in and out, and the decisions that follow from them.

mod documents;
mod filters;
mod rules;
