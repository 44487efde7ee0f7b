//! Mail: the letters of the directory (`hygie_directory_store::Letter`), sent to the mail server of the establishment.
//!
//! - [`Relay`] says where that is; it takes what it is given (RFC 5321) and brings it further.
//! - [`Mail`] follows the outbox: a letter is sent after its transaction, at least once, and again until the relay has it.
//! - [`text`](self::Text): how a letter reads, French first.
#![warn(missing_docs)]

mod letters;
mod post;
mod relay;

pub use letters::{Places, Text};
pub use lettre::message::Mailbox;
pub use post::Mail;
pub use relay::{MailError, Relay, Security};
