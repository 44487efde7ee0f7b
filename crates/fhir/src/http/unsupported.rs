//! What is not built: "not supported" to everybody with a token.

use super::call::{Call, Failed};
use crate::interaction::Error;

/// Answers for every address and method that has no interaction.
pub async fn any(_: Call) -> Result<(), Failed> {
    Err(Error::NotSupported("this operation or method").into())
}
