//! A user.

use hygie_core::{ObjectId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::UserProfile;

/// A person of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Object id (`oid`).
    pub id: ObjectId,
    /// What the person types to sign in, with the case it was given.
    pub user_principal_name: String,
    /// Name for display.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Address.
    pub mail: Option<String>,
    /// Whether the person may sign in.
    pub is_enabled: bool,
    /// What was authenticated before this instant is revoked (`signInSessionsValidFromDateTime`).
    pub valid_from: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the password was set; none without one.
    pub password_at: Option<Timestamp>,
    /// Everything else.
    pub profile: Box<UserProfile>,
}

impl User {
    /// What certificates are known by (`authorizationInfo.certificateUserIds`): each names one user of the tenant.
    pub fn certificate_user_ids(&self) -> &[String] {
        &self.profile.certificate_user_ids
    }
}

/// Longest user principal name, as in Entra ID.
const MAX_NAME: usize = 113;

/// Whether somebody can have this user principal name: `local@domain`, nothing in it that a page would not show.
pub fn is_user_principal_name(text: &str) -> bool {
    let is_shown = |c: char| !c.is_control() && !c.is_whitespace() && !is_unseen(c);
    text.len() <= MAX_NAME
        && text.chars().all(is_shown)
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

/// Characters that turn or hide what is around them (Unicode TR 36 §2.4): a name with them looks like another.
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A user principal name as it is compared: without case.
pub fn key_of(user_principal_name: &str) -> String {
    user_principal_name.trim().to_lowercase()
}

/// A name for display as lists are sorted and searched by it: without case.
pub(crate) fn name_key(display_name: &str) -> Vec<u8> {
    display_name.to_lowercase().into_bytes()
}
