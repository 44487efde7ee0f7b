//! What a caller of the store distinguishes.

use hygie_core::{ErrorKind, Fault};

use crate::keys::KeyError;
use crate::vault::Unopened;

/// An error of the store, the same on every engine.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique key exists already.
    #[error("a row with this key exists already")]
    Duplicate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More writes wait than the bounded queue takes.
    #[error("the write queue is full")]
    Busy,
    /// No space is left on the device.
    #[error("no space is left for writing")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The instance, or all together, have taken the space they may.
    #[error("the quota is used up")]
    Quota,
    /// A write that looks at more of the index than one may while all others wait.
    #[error("a write looks at too much of the index")]
    TooCostly,
    /// Text with U+0000, which PostgreSQL does not take.
    #[error("text holds U+0000")]
    NulText,
    /// Another process has the lease now.
    #[error("the lease was lost to another process")]
    LeaseLost,
    /// The engine is closed, stopped or cannot be reached.
    #[error("the store is not available")]
    Unavailable(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The key does not open the data.
    #[error("the key does not open {0}")]
    WrongKey(String),
    /// A data key cannot be had.
    #[error("a data key cannot be had")]
    Key(#[from] KeyError),
    /// A sealed value does not open: names table and column, never a value.
    #[error("`{column}` does not open: {why}")]
    Sealed {
        /// Table and column.
        column: String,
        /// Why.
        why: Unopened,
    },
    /// A stored value that cannot be: names table and column, never a value.
    #[error("inconsistent storage: {0}")]
    Inconsistent(String),
    /// A closure awaited something else than its own transaction.
    #[error("a transaction awaited something else than itself")]
    ForeignAwait,
    /// Any other error of the engine: a fault of ours.
    #[error("the engine refused a statement")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fault for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Duplicate(_) | Self::LeaseLost => ErrorKind::Conflict,
            Self::TooCostly | Self::NulText => ErrorKind::Invalid,
            Self::Busy | Self::Full(_) | Self::Quota | Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::WrongKey(_)
            | Self::Key(_)
            | Self::Sealed { .. }
            | Self::Inconsistent(_)
            | Self::ForeignAwait
            | Self::Engine(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooCostly => "too-costly",
            Self::NulText => "invalid",
            _ => match self.kind() {
                ErrorKind::Conflict => "conflict",
                ErrorKind::Unavailable => "unavailable",
                _ => "internal",
            },
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Duplicate(_) => "it exists already".to_owned(),
            Self::TooCostly => {
                "what this write has to search takes too long; search in a request of its own, or by more criteria"
                    .to_owned()
            }
            Self::NulText => "a text holds the character U+0000, which cannot be stored".to_owned(),
            Self::Busy => "too many writes are waiting; try again".to_owned(),
            Self::Full(_) => "the server has no space left".to_owned(),
            Self::Quota => "the space that this service may take is used up".to_owned(),
            Self::Unavailable(_) => "the storage does not answer; try again".to_owned(),
            _ => "an internal error occurred".to_owned(),
        }
    }
}
