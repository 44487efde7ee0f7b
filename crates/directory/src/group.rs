//! A group.

use hygie_core::{GroupId, Timestamp};

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Object id.
    pub id: GroupId,
    /// Name for display.
    pub display_name: String,
    /// When it was created.
    pub created_at: Timestamp,
}
