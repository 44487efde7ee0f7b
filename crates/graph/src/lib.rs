//! The directory API, with the surface of Microsoft Graph v1.0.
//!
//! - [`odata`]: query options, as pure decisions.
#![warn(missing_docs)]

pub mod odata;
