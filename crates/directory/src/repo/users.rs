//! Users, their passwords and their failures.

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_store::{Row, StoreError, Tx};

use crate::User;
use crate::key_of;

/// The users of a tenant.
pub struct Users<'t, 'e>(pub &'t mut Tx<'e>);

/// Failed sign-ins of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lockout {
    /// Since the last success or lock.
    pub failures: u32,
    /// Locks since the last success.
    pub locks: u32,
    /// Locked before this instant.
    pub locked_until: Option<Timestamp>,
    /// Marks of the last wrong passwords: 16 bits each, too few to find a password by, enough to see a repetition.
    pub recent: Vec<u8>,
}

const COLUMNS: &str = "id, upn, display_name, given_name, surname, mail, enabled, valid_from, created_at";

impl Users<'_, '_> {
    /// The user with this id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_user WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(user).transpose()
    }

    /// The user with this user principal name, and the hash of the password.
    pub async fn find_by_name(&mut self, name: &str) -> Result<Option<(User, Option<Secret<String>>)>, StoreError> {
        let sql = format!("SELECT {COLUMNS}, password FROM idp_user WHERE {{i.is}}tenant = :tenant AND upn_key = ?1");
        let Some(mut row) = self.0.query_one(&sql, &[key_of(name).into()]).await? else {
            return Ok(None);
        };
        let password: Option<String> = row.take(9)?;
        Ok(Some((user(row)?, password.map(Secret::new))))
    }

    /// All users, by name.
    pub async fn list(&mut self) -> Result<Vec<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_user WHERE {{i.is}}tenant = :tenant ORDER BY upn_key");
        self.0.query(&sql, &[]).await?.into_iter().map(user).collect()
    }

    /// The users after this id, in order of id; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_user WHERE {{i.is}}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2");
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(user).collect()
    }

    /// Writes a user; the name must be new.
    pub async fn insert(&mut self, user: &User, password: Option<&Secret<String>>) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_user ({i.col}tenant, id, upn, upn_key, display_name, given_name, surname, mail,
                   enabled, password, valid_from, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let values = [
            user.id.into(),
            (&user.user_principal_name).into(),
            key_of(&user.user_principal_name).into(),
            (&user.display_name).into(),
            user.given_name.clone().into(),
            user.surname.clone().into(),
            user.mail.clone().into(),
            user.is_enabled.into(),
            password.map(|hash| hash.expose().clone()).into(),
            user.valid_from.into(),
            user.created_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Replaces the password and revokes what was authenticated before. False when there is no such user.
    pub async fn set_password(
        &mut self,
        id: ObjectId,
        hash: &Secret<String>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_user SET password = ?2, valid_from = ?3 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self
            .0
            .execute(sql, &[id.into(), hash.expose().as_str().into(), at.into()])
            .await?
            > 0)
    }

    /// Enables or disables. False when there is no such user.
    pub async fn set_enabled(&mut self, id: ObjectId, is_enabled: bool) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_user SET enabled = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), is_enabled.into()]).await? > 0)
    }

    /// Revokes what was authenticated before `at`. False when there is no such user.
    pub async fn revoke_sessions(&mut self, id: ObjectId, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_user SET valid_from = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), at.into()]).await? > 0)
    }

    /// The failures of a user.
    pub async fn lockout(&mut self, id: ObjectId) -> Result<Lockout, StoreError> {
        let sql = "SELECT failures, locks, locked_until, recent FROM idp_lockout
                   WHERE {i.is}tenant = :tenant AND user_id = ?1";
        let Some(mut row) = self.0.query_one(sql, &[id.into()]).await? else {
            return Ok(Lockout::default());
        };
        let until: Timestamp = row.take(2)?;
        Ok(Lockout {
            failures: row.take(0)?,
            locks: row.take(1)?,
            locked_until: (until.millis() > 0).then_some(until),
            recent: row.take(3)?,
        })
    }

    /// Keeps the failures of a user.
    pub async fn set_lockout(&mut self, id: ObjectId, lockout: &Lockout) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_lockout ({i.col}tenant, user_id, failures, locks, locked_until, recent)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5) ON CONFLICT ({i.col}tenant, user_id)
                   DO UPDATE SET failures = ?2, locks = ?3, locked_until = ?4, recent = ?5";
        let until = lockout.locked_until.unwrap_or(Timestamp::from_millis(0));
        let values = [
            id.into(),
            lockout.failures.into(),
            lockout.locks.into(),
            until.into(),
            (&lockout.recent).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Forgets the failures of a user.
    pub async fn clear_lockout(&mut self, id: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_lockout WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[id.into()]).await.map(drop)
    }
}

fn user(mut row: Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.take(0)?,
        user_principal_name: row.take(1)?,
        display_name: row.take(2)?,
        given_name: row.take(3)?,
        surname: row.take(4)?,
        mail: row.take(5)?,
        is_enabled: row.take(6)?,
        valid_from: row.take(7)?,
        created_at: row.take(8)?,
    })
}
