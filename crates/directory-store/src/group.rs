//! A group.

use hygie_core::{GroupId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::GroupProfile;

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Object id.
    pub id: GroupId,
    /// Name for display.
    pub display_name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Everything else.
    pub profile: GroupProfile,
}
