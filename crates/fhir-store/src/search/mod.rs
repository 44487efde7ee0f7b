//! Search: text → [`Query`] → plan → range reads of the index. <http://hl7.org/fhir/R4/search.html>
//!
//! - [`parse`] reads the pairs of a search into typed filters, or says what is wrong with them.
//! - [`page`] answers a page. The smallest filter decides: a short list is taken whole, checked and sorted; otherwise the
//!   ranges of one filter (or of the sort parameter) are walked in order and the other filters asked for each candidate,
//!   by one look-up in the index where that is possible, in the resource itself where it is not.
//! - A continuation names the walk and the place in it, so that later pages go on exactly there: what did not change
//!   meanwhile is neither skipped nor repeated.
//!
//! Restrictions (compartments, scopes) become filters: they apply before the page is cut, never afterwards.

mod amount;
mod brought;
mod candidate;
mod chain;
mod continuation;
mod count;
mod criteria;
mod dates;
mod error;
mod execute;
mod explain;
mod filters;
mod hint;
mod include;
mod list;
mod plan;
mod query;
mod ranges;
mod rest;
mod result;
mod through;
mod value;
mod verify;
mod walk;
mod whole;

pub use brought::brought;
pub use continuation::Continuation;
pub use error::SearchError;
pub use execute::{Page, matches, page};
pub use include::{Included, included};
pub use query::{Asked, DEFAULT_COUNT, Handling, MAX_COUNT, Query, is_supported, parse};
pub use rest::Rest;
pub use result::{Shown, Total};
pub use verify::holds;
