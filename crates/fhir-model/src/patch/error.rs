//! Why a patch is not applied.

use hygie_core::{ErrorKind, Fault};

use crate::json::ParseError;

/// Why a patch is not applied.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// The body is no patch at all.
    #[error("{0}")]
    Form(&'static str),
    /// More operations than allowed.
    #[error("the patch has more than {0} operations")]
    TooMany(usize),
    /// So many operations on so large a resource.
    #[error("the patch would take too long: fewer operations at a time on so large a resource")]
    TooCostly,
    /// What is wrong with one operation.
    #[error("operation {index} of the patch: {why}")]
    Operation {
        /// Its position, from 0.
        index: usize,
        /// What.
        why: Why,
    },
    /// The patch changes what the server alone writes.
    #[error("a patch must not change {0}")]
    Immutable(&'static str),
}

/// What is wrong with an operation.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Why {
    #[error("{0} is missing or not a text")]
    Missing(&'static str),
    #[error("{0} is none that is known")]
    Unknown(&'static str),
    #[error("{0} is not a JSON Pointer")]
    Pointer(&'static str),
    #[error("nothing stands at the path")]
    Nowhere,
    #[error("the index is not one of the list")]
    Index,
    #[error("the whole resource cannot be removed")]
    Whole,
    #[error("a value cannot be moved into itself")]
    Inside,
    #[error("the value at the path is not the one that is tested for")]
    Test,
    #[error("{0}")]
    Text(ParseError),
    #[error("the path is not FHIRPath as patches use it (at character {0})")]
    Path(usize),
    #[error("the path finds several elements")]
    Several,
    #[error("there is no element {0} here")]
    Element(String),
    #[error("the element is there already and does not repeat")]
    Present,
    #[error("the path does not name a list")]
    NoList,
}

impl PatchError {
    pub(super) fn at(index: usize) -> impl FnOnce(Why) -> Self {
        move |why| Self::Operation { index, why }
    }
}

impl Fault for PatchError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany(_) | Self::TooCostly => "too-costly",
            Self::Form(_) => "structure",
            Self::Operation { why, .. } => match why {
                Why::Nowhere | Why::Index | Why::Test | Why::Several | Why::Present => "processing",
                _ => "invalid",
            },
            Self::Immutable(_) => "invalid",
        }
    }

    fn public(&self) -> String {
        self.to_string()
    }
}
