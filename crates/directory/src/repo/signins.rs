//! The log of sign-ins.

use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use crate::signin::{SignInEntry, SignInQuery};

/// The log of a tenant.
pub struct SignIns<'t, 'e>(pub &'t mut Tx<'e>);

impl SignIns<'_, '_> {
    /// Writes an entry.
    pub async fn insert(&mut self, entry: &SignInEntry) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_sign_in ({i.col}tenant, id, user_id, at, entry_json)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let json = serde_json::to_string(entry)
            .map_err(|error| StoreError::Inconsistent(format!("idp_sign_in.entry_json: {error}")))?;
        let values = [key(entry.id).into(), entry.user.into(), entry.at.into(), json.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Entries, the latest first.
    pub async fn list(&mut self, query: &SignInQuery) -> Result<Vec<SignInEntry>, StoreError> {
        let before = query.before.map_or([0xff; 16], |id| *id.as_bytes());
        let limit = i64::from(query.limit);
        let rows = if let Some(user) = query.user {
            let sql = "SELECT entry_json FROM idp_sign_in
                           WHERE {i.is}tenant = :tenant AND user_id = ?2 AND id < ?1 ORDER BY id DESC LIMIT ?3";
            let values = [before.to_vec().into(), user.into(), limit.into()];
            self.0.query(sql, &values).await?
        } else {
            let sql = "SELECT entry_json FROM idp_sign_in
                           WHERE {i.is}tenant = :tenant AND id < ?1 ORDER BY id DESC LIMIT ?2";
            self.0.query(sql, &[before.to_vec().into(), limit.into()]).await?
        };
        rows.into_iter().map(entry).collect()
    }

    /// The entry with this id.
    pub async fn find(&mut self, id: Uuid) -> Result<Option<SignInEntry>, StoreError> {
        let sql = "SELECT entry_json FROM idp_sign_in WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0.query_one(sql, &[key(id).into()]).await?.map(entry).transpose()
    }
}

fn key(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn entry(mut row: Row) -> Result<SignInEntry, StoreError> {
    super::json(&row.take::<String>(0)?, "idp_sign_in.entry_json")
}
