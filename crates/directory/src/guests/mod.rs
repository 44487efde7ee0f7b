//! Guests: people of another establishment of this installation who were invited.
//! <https://learn.microsoft.com/entra/external-id/redemption-experience>
//!
//! A guest is a user without a password, who signs in at home. An address belongs to the tenant that its domain belongs to,
//! and to the user there who has it as user principal name or mail: whoever administers the domain says who that is.
//!
//! # Deviations
//!
//! - Only addresses of establishments of this installation are invited; no message is sent, and an invitation that is not
//!   accepted is good for thirty days.
//! - Who was deleted at home and made anew is another person, and must be invited again.

mod accept;
mod invite;

use hygie_core::Secret;

pub use accept::Invited;

use crate::{User, UserType};

/// How a guest who has not accepted is marked (`externalUserState`).
const PENDING: &str = "PendingAcceptance";
/// The same of who has.
const ACCEPTED: &str = "Accepted";

/// An invitation to be made.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The address, of another establishment.
    pub address: String,
    /// What the guest is called here; the address when absent.
    pub display_name: Option<String>,
    /// Where the guest is sent when they have accepted.
    pub redirect: String,
    /// Whether they become a guest or a member.
    pub user_type: UserType,
    /// Whether a guest who has accepted does so again, maybe with another account of this address.
    pub resets: bool,
    /// What is written to them; without it nothing is.
    pub message: Option<InvitationMessage>,
}

/// A letter to who is invited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvitationMessage {
    /// What who invites says.
    pub words: Option<String>,
    /// The language of the letter (BCP 47).
    pub language: Option<String>,
    /// Who gets the same letter.
    pub copies: Vec<String>,
}

/// An invitation that was made: the ticket is shown this once.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The guest.
    pub user: User,
    /// What the address of the invitation holds. It opens nothing by itself.
    pub ticket: Secret<String>,
    /// Whether the guest has still to accept.
    pub is_pending: bool,
}

/// The user principal name of a guest: the address, made a name of the inviting tenant.
pub fn guest_name(address: &str, domain: &str) -> String {
    format!("{}#EXT#@{domain}", address.trim().replace('@', "_"))
}
