//! What an error means to a caller: its kind, a stable code and a message that may be shown.

use std::error::Error;

/// The kinds of error a caller can distinguish; the status follows from it in one table ([`ErrorKind::http_status`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request cannot be understood or breaks a rule.
    Invalid,
    /// Nobody, or a credential that is not valid.
    Unauthenticated,
    /// Somebody who may not.
    Forbidden,
    /// Not there, or not to be seen.
    NotFound,
    /// Was there, is deleted.
    Gone,
    /// Another write came first.
    Conflict,
    /// A condition of the request does not hold (`If-Match`, several matches).
    Precondition,
    /// Larger than the limit.
    TooLarge,
    /// The media type of the request is not one we read.
    UnsupportedMediaType,
    /// No representation that the caller accepts.
    NotAcceptable,
    /// The method or operation is not offered here.
    NotSupported,
    /// Well formed, but its content breaks the rules of the protocol.
    Unprocessable,
    /// More requests than allowed.
    TooMany,
    /// A part that is needed does not answer, or the disk is full: may succeed later.
    Unavailable,
    /// Took longer than allowed.
    Timeout,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// The HTTP status of this kind.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::NotSupported => 405,
            Self::NotAcceptable => 406,
            Self::Timeout => 408,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::Precondition => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Unprocessable => 422,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// An error that a renderer can turn into an answer. The chain of sources goes to the log, never to the client.
pub trait Fault: Error + Send + Sync + 'static {
    /// What it means to the caller.
    fn kind(&self) -> ErrorKind;

    /// A stable code of the protocol (`invalid_grant`, `not-found`, …).
    fn code(&self) -> &'static str;

    /// The message for the client: no secret, no internal detail, no hint of what exists.
    fn public(&self) -> String;
}
