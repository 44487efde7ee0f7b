//! The definition of an engine: every engine passes these.
