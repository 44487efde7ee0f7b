//! `hygie demo`: the whole chain on one machine.

pub mod document;
