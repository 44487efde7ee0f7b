//! What people are told of changes of what they sign in with, in the transaction of the change: it cannot be lost.

use hygie_core::{Cx, ObjectId};
use hygie_store::{StoreError, Tx};

use super::new_uuid;
use crate::repo::{Letters, NoticeRow, Notices, address_of};
use crate::{Matter, User};

/// The word of a changed password.
pub const PASSWORD_CHANGED: &str = "password-changed";
/// The word of other certificates.
pub const CERTIFICATES_CHANGED: &str = "certificates-changed";
/// Changes that are kept for a person.
pub const KEPT_NOTICES: u32 = 50;

/// A change of somebody's means, now, by whoever acts; `about` is what the thing is called.
pub fn notice(cx: &Cx, user: ObjectId, change: &str, about: &str) -> NoticeRow {
    let actor = cx.principal.as_ref().map(|principal| principal.subject);
    NoticeRow {
        id: new_uuid(cx),
        user,
        change: change.to_owned(),
        about: about.to_owned(),
        is_own: actor == Some(user),
        at: cx.now,
    }
}

/// Tells a person of a change.
pub(super) async fn tell(tx: &mut Tx<'_>, user: ObjectId, change: &str) -> Result<(), StoreError> {
    let notice = notice(tx.cx(), user, change, "");
    Notices(tx).insert(&notice, KEPT_NOTICES).await
}

/// Tells a person whose address changed, at the former one too: whoever gave another one reads there what is told from here on.
pub(super) async fn tell_address(tx: &mut Tx<'_>, before: &User, after: &User) -> Result<(), StoreError> {
    if address_of(before) == address_of(after) {
        return Ok(());
    }
    let actor = tx.cx().principal.as_ref().map(|principal| principal.subject);
    let is_own = actor == Some(after.id);
    for user in [before, after] {
        Letters(tx).to_user(user, Matter::AddressChanged { is_own }).await?;
    }
    Ok(())
}
