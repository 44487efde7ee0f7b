//! Applications and devices that make one-time codes (TOTP, RFC 6238).

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_store::{StoreError, Tx, Value};
use uuid::Uuid;

use crate::logs::{Subject, seen};
use crate::sealed::OATH_SECRET;

/// The makers of one-time codes of a tenant's people.
pub struct Oaths<'t, 'e>(pub &'t mut Tx<'e>);

/// A maker of one-time codes.
#[derive(Clone, Debug)]
pub struct OathRow {
    /// Its id.
    pub id: Uuid,
    /// What its owner calls it.
    pub display_name: String,
    /// The seed.
    pub secret: Secret<Vec<u8>>,
    /// The hash function, as RFC 6238 names it: `SHA1`, `SHA256`.
    pub algorithm: String,
    /// Seconds of a step.
    pub period: u32,
    /// The last step whose code was used: none up to it is taken again.
    pub used_step: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was used last.
    pub used_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, display_name, secret, algorithm, period, used_step, created_at, used_at";

impl Oaths<'_, '_> {
    /// Those of a person, the oldest first.
    pub async fn list(&mut self, user: ObjectId) -> Result<Vec<OathRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_oath WHERE {{i.is}}tenant = :tenant AND user_id = ?1 ORDER BY created_at, id"
        );
        let rows = self.0.query(&sql, &[user.into()]).await?;
        let mut oaths = Vec::new();
        for mut row in rows {
            let id: Vec<u8> = row.take(0)?;
            let id = super::uuid(&id, "idp_oath.id")?;
            let (key, sealed) = (self.key(user, id), row.take::<Vec<u8>>(2)?);
            oaths.push(OathRow {
                id,
                display_name: row.take(1)?,
                secret: self.0.unseal(&OATH_SECRET, &key, &sealed).await?,
                algorithm: row.take(3)?,
                period: row.take(4)?,
                used_step: row.take(5)?,
                created_at: row.take(6)?,
                used_at: row.take(7)?,
            });
        }
        Ok(oaths)
    }

    /// What a seed is bound to.
    fn key(&self, user: ObjectId, id: Uuid) -> [Value; 3] {
        [self.0.cx().tenant.into(), user.into(), id.into_bytes().into()]
    }

    /// Writes one; the id must be new.
    pub async fn insert(&mut self, user: ObjectId, oath: &OathRow) -> Result<(), StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql =
            "INSERT INTO idp_oath ({i.col}tenant, user_id, id, display_name, secret, algorithm, period, used_step,
                   created_at, used_at) VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let key = self.key(user, oath.id);
        let secret = self.0.seal(&OATH_SECRET, &key, oath.secret.expose()).await?;
        let values = [
            user.into(),
            oath.id.into_bytes().into(),
            (&oath.display_name).into(),
            secret.into(),
            (&oath.algorithm).into(),
            oath.period.into(),
            oath.used_step.into(),
            oath.created_at.into(),
            oath.used_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a step. False when it, or a later one, was taken before.
    pub async fn take_step(
        &mut self,
        (user, id): (ObjectId, Uuid),
        step: i64,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_oath SET used_step = ?3, used_at = ?4
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2 AND used_step < ?3";
        let values = [user.into(), id.into_bytes().into(), step.into(), at.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Renames one. False when there is none.
    pub async fn rename(&mut self, user: ObjectId, id: Uuid, name: &str) -> Result<bool, StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "UPDATE idp_oath SET display_name = ?3 WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2";
        let values = [user.into(), id.into_bytes().into(), name.into()];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Removes one. False when there is none.
    pub async fn remove(&mut self, user: ObjectId, id: Uuid) -> Result<bool, StoreError> {
        seen(self.0, Subject::Means(user)).await?;
        let sql = "DELETE FROM idp_oath WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[user.into(), id.into_bytes().into()]).await? > 0)
    }
}
