//! What every service does at its edge: the layers a request passes, extractors, one error renderer per protocol, and
//! the interface: frame, parts, languages, assets.
//!
//! - [`layers::layers`] goes around the router of each service, once: id, limits, trace, audit, security headers.
//! - [`asked::Asked`] is the request as known so far; it makes the `Cx` of an operation and the [`ui::Page`] of an answer.
//! - [`caller::Caller`] is who calls a data service, by its bearer token; [`asked::Asked`] alone serves pages and public
//!   documents.
//! - [`error`]: a handler names its renderer in its return type, and every `Fault` becomes it by `?`.
//! - [`audit::Note`] says what a handler did; the layer records it before the answer leaves.
//! - [`ui`], [`pages`], [`i18n`]: see there how a service adds a page.
#![warn(missing_docs)]

pub mod asked;
pub mod audit;
pub mod caller;
pub mod client;
pub mod cookie;
pub mod csrf;
pub mod error;
pub mod i18n;
pub mod layers;
pub mod pages;
pub mod seal;
pub mod ui;

pub use asked::Asked;
pub use caller::Caller;
