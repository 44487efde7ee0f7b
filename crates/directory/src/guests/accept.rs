//! Accepting an invitation, and what an account of another tenant is here.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, TenantId};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};

use super::ACCEPTED;
use crate::admin::changed;
use crate::repo::{Became, Followed, GuestRow, Guests, Users};
use crate::{Directory, DirectoryError, Home, User, key_of};

/// How long an invitation is good.
const GOOD: Duration = Duration::from_hours(24 * 30);

/// Somebody who was invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The guest.
    pub user: User,
    /// The tenant of their account.
    pub home: TenantId,
    /// The address that was invited.
    pub address: String,
    /// Where they are sent when they have accepted.
    pub redirect: String,
    /// Whether they have still to accept.
    pub is_pending: bool,
}

impl Directory {
    /// Who was invited by this ticket, lately.
    pub async fn find_invited(&self, cx: &Cx, ticket: &str) -> Result<Option<Invited>, StoreError> {
        let digest = self.tickets().digest(ticket);
        self.store()
            .read(cx, digest, |digest, tx| {
                Box::pin(async move {
                    match Guests(tx).find_by_ticket(digest).await? {
                        Some(row) => invited(tx, row).await,
                        None => Ok(None),
                    }
                })
            })
            .await
    }

    /// What an account of another tenant is here: the guest that it is, or may become.
    pub async fn find_guest(&self, cx: &Cx, home: TenantId, account: &User) -> Result<Option<Invited>, StoreError> {
        let name = key_of(&account.user_principal_name);
        self.store()
            .read(cx, (home, account.id, name), |(home, user, name), tx| {
                Box::pin(async move {
                    let mut rows = Guests(tx).list_of(*home, *user).await?;
                    // Not by their mail address: whoever changes users of a house could take the invitation of another.
                    rows.extend(Guests(tx).list_invited(*home, name).await?);
                    for row in rows {
                        if let Some(found) = invited(tx, row).await? {
                            return Ok(Some(found));
                        }
                    }
                    Ok(None)
                })
            })
            .await
    }

    /// Notes that somebody accepted, with this account of theirs.
    pub async fn accept_invitation(
        &self,
        cx: &Cx,
        guest: ObjectId,
        (home, account): (TenantId, &User),
    ) -> Result<User, DirectoryError> {
        let named = account.display_name.clone();
        let input = (
            guest,
            Home {
                tenant: home,
                user: account.id,
            },
            key_of(&account.user_principal_name),
            named,
        );
        self.change(cx, input, |(guest, home, name, named), tx| {
            Box::pin(async move {
                let missing = || DirectoryError::NotFound("invitation");
                let row = Guests(tx).find(*guest).await?.ok_or_else(missing)?;
                let is_theirs = row.home == home.tenant && key_of(&row.address) == *name;
                let is_free = row.home_user.is_none_or(|user| user == home.user);
                let found = invited(tx, row).await?.filter(|_| is_theirs && is_free);
                let Invited { mut user, address, .. } = found.ok_or_else(missing)?;
                user.profile.home = Some(*home);
                user.profile.external_user_state = Some(ACCEPTED.to_owned());
                user.profile.external_user_state_change_date_time = Some(tx.cx().now.to_rfc3339());
                // Who was invited without a name brings their own.
                if key_of(&user.display_name) == key_of(&address) {
                    user.display_name.clone_from(named);
                }
                Users(tx).update(&user).await?;
                Guests(tx).accept(*guest, home.user).await?;
                changed(tx, Followed::Users, *guest, Became::Different).await?;
                let record = Record::success(tx.cx(), "idp.guest.accept", format!("user/{guest}"));
                tx.audit(&record).await?;
                Ok(user)
            })
        })
        .await
    }
}

/// The guest of a row, if they are there, and were invited lately or have accepted.
async fn invited(tx: &mut Tx<'_>, row: GuestRow) -> Result<Option<Invited>, StoreError> {
    let user = Users(tx).find(row.user).await?;
    let is_pending = row.home_user.is_none();
    let is_late = tx.cx().now.since(row.invited_at) > GOOD;
    let good = user.filter(|_| !(is_pending && is_late));
    Ok(good.map(|user| Invited {
        user,
        home: row.home,
        address: row.address,
        redirect: row.redirect,
        is_pending,
    }))
}
