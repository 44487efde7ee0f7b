//! Passkeys (WebAuthn credentials).

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use crate::logs::{Subject, seen};

/// The passkeys of a tenant's people.
pub struct Passkeys<'t, 'e>(pub &'t mut Tx<'e>);

/// A passkey.
#[derive(Clone, Debug)]
pub struct PasskeyRow {
    /// The id that its authenticator gave it; no two of a tenant have the same.
    pub id: Vec<u8>,
    /// Whose it is.
    pub user: ObjectId,
    /// What its owner calls it.
    pub display_name: String,
    /// Public key and what was told of it, as JSON.
    pub credential: String,
    /// The model of its authenticator.
    pub aaguid: Uuid,
    /// Whether it may be in several devices.
    pub is_synced: bool,
    /// Whether its maker vouched for it.
    pub is_attested: bool,
    /// The last value of its counter; 0 where it has none.
    pub counter: u32,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, user_id, display_name, credential_json, aaguid, synced, attested, counter, created_at, used_at";

impl Passkeys<'_, '_> {
    /// Those of a person, the oldest first.
    pub async fn list(&mut self, user: ObjectId) -> Result<Vec<PasskeyRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_passkey WHERE {{i.is}}tenant = :tenant AND user_id = ?1 ORDER BY created_at, id"
        );
        let rows = self.0.query(&sql, &[user.into()]).await?;
        rows.into_iter().map(passkey).collect()
    }

    /// The passkey with this id.
    pub async fn find(&mut self, id: &[u8]) -> Result<Option<PasskeyRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_passkey WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(passkey).transpose()
    }

    /// Writes one; the id must be new in the tenant.
    pub async fn insert(&mut self, passkey: &PasskeyRow) -> Result<(), StoreError> {
        seen(self.0, Subject::Means(passkey.user)).await?;
        let sql = "INSERT INTO idp_passkey ({i.col}tenant, id, user_id, display_name, credential_json, aaguid, synced,
                   attested, counter, created_at, used_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let values = [
            (&passkey.id).into(),
            passkey.user.into(),
            (&passkey.display_name).into(),
            (&passkey.credential).into(),
            passkey.aaguid.into_bytes().into(),
            passkey.is_synced.into(),
            passkey.is_attested.into(),
            passkey.counter.into(),
            passkey.created_at.into(),
            passkey.used_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a value of its counter. False when it does not grow: then there are two of it.
    pub async fn take_counter(&mut self, id: &[u8], counter: u32, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_passkey SET counter = ?2, used_at = ?3
                   WHERE {i.is}tenant = :tenant AND id = ?1 AND (counter < ?2 OR (counter = 0 AND ?2 = 0))";
        let values = [id.into(), counter.into(), at.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Renames one of a person. False when there is none.
    pub async fn rename(&mut self, user: ObjectId, id: &[u8], name: &str) -> Result<bool, StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "UPDATE idp_passkey SET display_name = ?3 WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[user.into(), id.into(), name.into()]).await? > 0)
    }

    /// Removes one of a person. False when there is none.
    pub async fn remove(&mut self, user: ObjectId, id: &[u8]) -> Result<bool, StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "DELETE FROM idp_passkey WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[user.into(), id.into()]).await? > 0)
    }
}

fn passkey(mut row: Row) -> Result<PasskeyRow, StoreError> {
    let aaguid: Vec<u8> = row.take(4)?;
    Ok(PasskeyRow {
        id: row.take(0)?,
        user: row.take(1)?,
        display_name: row.take(2)?,
        credential: row.take(3)?,
        aaguid: super::uuid(&aaguid, "idp_passkey.aaguid")?,
        is_synced: row.take(5)?,
        is_attested: row.take(6)?,
        counter: row.take(7)?,
        created_at: row.take(8)?,
        used_at: row.take(9)?,
    })
}
