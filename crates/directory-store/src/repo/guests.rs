//! Guests: users whose account is in another tenant of the installation.

use hygie_core::{ObjectId, TenantId, Timestamp};
use hygie_store::{Row, StoreError, Tx};

use crate::key_of;

/// The guests of a tenant.
pub struct Guests<'t, 'e>(pub &'t mut Tx<'e>);

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestRow {
    /// The user here.
    pub user: ObjectId,
    /// The tenant of their account.
    pub home: TenantId,
    /// The user there, once they have accepted.
    pub home_user: Option<ObjectId>,
    /// The address that was invited.
    pub address: String,
    /// Where they are sent when they have accepted.
    pub redirect: String,
    /// When they were invited last.
    pub invited_at: Timestamp,
}

const COLUMNS: &str = "user_id, home, home_user, address, redirect, invited_at";

impl Guests<'_, '_> {
    /// The guest that this user is.
    pub async fn find(&mut self, user: ObjectId) -> Result<Option<GuestRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_guest WHERE {{i.is}}tenant = :tenant AND user_id = ?1");
        self.0.query_one(&sql, &[user.into()]).await?.map(guest).transpose()
    }

    /// The guest who was invited by a ticket with this digest.
    pub async fn find_by_ticket(&mut self, digest: &[u8; 32]) -> Result<Option<GuestRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_guest WHERE {{i.is}}tenant = :tenant AND ticket = ?1");
        self.0
            .query_one(&sql, &[(*digest).into()])
            .await?
            .map(guest)
            .transpose()
    }

    /// The guests, deleted ones among them, that this account of another tenant is here.
    pub async fn list_of(&mut self, home: TenantId, home_user: ObjectId) -> Result<Vec<GuestRow>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_guest WHERE {{i.is}}tenant = :tenant AND home = ?1 AND home_user = ?2");
        let rows = self.0.query(&sql, &[home.into(), home_user.into()]).await?;
        rows.into_iter().map(guest).collect()
    }

    /// The guests, deleted ones among them, who were invited by this address and have not accepted.
    pub async fn list_invited(&mut self, home: TenantId, address: &str) -> Result<Vec<GuestRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_guest
             WHERE {{i.is}}tenant = :tenant AND home = ?1 AND address = ?2 AND home_user IS NULL"
        );
        let rows = self.0.query(&sql, &[home.into(), key_of(address).into()]).await?;
        rows.into_iter().map(guest).collect()
    }

    /// Writes an invitation, in the place of an earlier one of the same user.
    pub async fn put(&mut self, row: &GuestRow, ticket: &[u8; 32]) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO idp_guest ({i.col}tenant, user_id, home, home_user, address, ticket, redirect, invited_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT ({i.col}tenant, user_id) DO UPDATE SET home = excluded.home,
                   home_user = excluded.home_user, address = excluded.address, ticket = excluded.ticket,
                   redirect = excluded.redirect, invited_at = excluded.invited_at";
        let values = [
            row.user.into(),
            row.home.into(),
            row.home_user.into(),
            key_of(&row.address).into(),
            (*ticket).into(),
            (&row.redirect).into(),
            row.invited_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Notes whose account accepted; the ticket is good no more. False when there is no such guest.
    pub async fn accept(&mut self, user: ObjectId, home_user: ObjectId) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_guest SET home_user = ?2, ticket = NULL WHERE {i.is}tenant = :tenant AND user_id = ?1";
        Ok(self.0.execute(sql, &[user.into(), home_user.into()]).await? > 0)
    }
}

fn guest(mut row: Row) -> Result<GuestRow, StoreError> {
    Ok(GuestRow {
        user: row.take(0)?,
        home: row.take(1)?,
        home_user: row.take(2)?,
        address: row.take(3)?,
        redirect: row.take(4)?,
        invited_at: row.take(5)?,
    })
}
