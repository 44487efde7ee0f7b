//! What is not built: said to whoever has a token, whatever their permissions.

use http::StatusCode;
use hygie_web::error::{Failure, GraphError};

use super::caller::Caller;
use crate::GraphFault;

pub async fn any(_: Caller) -> GraphError {
    let failure = Failure::of(&GraphFault::Unsupported).status(StatusCode::NOT_IMPLEMENTED);
    GraphError(Box::new(failure))
}
