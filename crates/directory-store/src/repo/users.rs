//! Users, their passwords and their failures.

use hygie_core::{ObjectId, Secret, Timestamp};
use hygie_jose::digest::sha256;
use hygie_store::{Row, StoreError, Tx};

use super::{ByName, Place, hashes};
use crate::logs::{Subject, seen};
use crate::profile::stored;
use crate::sealed::PASSWORD;
use crate::user::name_key;
use crate::{User, key_of};

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

const COLUMNS: &str =
    "id, upn, display_name, given_name, surname, mail, enabled, valid_from, created_at, password_at, profile";

impl Users<'_, '_> {
    /// The user with this id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_user WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(user).transpose()
    }

    /// The user with this user principal name, and the hash of the password.
    pub async fn find_by_name(&mut self, name: &str) -> Result<Option<(User, Option<Secret<String>>)>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS}, sealed_password FROM idp_user WHERE {{i.is}}tenant = :tenant AND upn_key = ?1");
        let Some(mut row) = self.0.query_one(&sql, &[key_of(name).into()]).await? else {
            return Ok(None);
        };
        let sealed: Option<Vec<u8>> = row.take(11)?;
        let user = user(row)?;
        let password = hashes::open(self.0, &PASSWORD, user.id, sealed).await?;
        Ok(Some((user, password)))
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

    /// Those of these users that are there.
    pub async fn list_by_ids(&mut self, ids: &[ObjectId]) -> Result<Vec<User>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(ids.len());
        let sql = format!("SELECT {COLUMNS} FROM idp_user WHERE {{i.is}}tenant = :tenant AND id IN ({list})");
        let rows = self.0.query(&sql, &super::ids(ids)).await?;
        rows.into_iter().map(user).collect()
    }

    /// The users of a stretch of the order by name, each with its place in it.
    pub async fn page_by_name(&mut self, at: &ByName) -> Result<Vec<(Place, User)>, StoreError> {
        let (condition, values) = at.condition();
        let sql = format!("SELECT {COLUMNS}, name_key FROM idp_user WHERE {{i.is}}tenant = :tenant{condition}");
        let rows = self.0.query(&sql, &values).await?;
        let placed = |mut row: Row| {
            let key = row.take(11)?;
            let user = user(row)?;
            Ok((Place { key, id: user.id }, user))
        };
        rows.into_iter().map(placed).collect()
    }

    /// How many there are.
    pub async fn count(&mut self) -> Result<i64, StoreError> {
        super::count(self.0, "idp_user").await
    }

    /// The user who has this certificate user id.
    pub async fn find_by_certificate_user_id(&mut self, value: &str) -> Result<Option<User>, StoreError> {
        let sql = "SELECT user_id FROM idp_certificate_user_id WHERE {i.is}tenant = :tenant AND digest = ?1";
        match self.0.query_one(sql, &[sha256(value).into()]).await? {
            Some(mut row) => self.find(row.take(0)?).await,
            None => Ok(None),
        }
    }

    /// Writes a user; the name must be new, and what certificates are known by.
    pub async fn insert(&mut self, user: &User, password: Option<&Secret<String>>) -> Result<(), StoreError> {
        seen(self.0, Subject::User(user.id)).await?;
        let sql = "INSERT INTO idp_user ({i.col}tenant, id, upn, upn_key, display_name, given_name, surname, mail,
                   enabled, sealed_password, valid_from, created_at, password_at, name_key, profile)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let sealed = hashes::seal(self.0, &PASSWORD, user.id, password).await?;
        let values = [
            user.id.into(),
            (&user.user_principal_name).into(),
            key_of(&user.user_principal_name).into(),
            (&user.display_name).into(),
            user.given_name.clone().into(),
            user.surname.clone().into(),
            user.mail.clone().into(),
            user.is_enabled.into(),
            sealed.into(),
            user.valid_from.into(),
            user.created_at.into(),
            user.password_at.into(),
            name_key(&user.display_name).into(),
            stored(&*user.profile).into(),
        ];
        self.0.execute(sql, &values).await?;
        self.set_certificate_user_ids(user).await
    }

    /// Writes what may change of a user but the password; the name must be new, and what certificates are known by.
    pub async fn update(&mut self, user: &User) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(user.id)).await?;
        let sql = "UPDATE idp_user SET upn = ?2, upn_key = ?3, display_name = ?4, given_name = ?5, surname = ?6,
                   mail = ?7, enabled = ?8, name_key = ?9, profile = ?10 WHERE {i.is}tenant = :tenant AND id = ?1";
        let values = [
            user.id.into(),
            (&user.user_principal_name).into(),
            key_of(&user.user_principal_name).into(),
            (&user.display_name).into(),
            user.given_name.clone().into(),
            user.surname.clone().into(),
            user.mail.clone().into(),
            user.is_enabled.into(),
            name_key(&user.display_name).into(),
            stored(&*user.profile).into(),
        ];
        if self.0.execute(sql, &values).await? == 0 {
            return Ok(false);
        }
        self.set_certificate_user_ids(user).await?;
        Ok(true)
    }

    async fn set_certificate_user_ids(&mut self, user: &User) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_certificate_user_id WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[user.id.into()]).await?;
        let sql = "INSERT INTO idp_certificate_user_id ({i.col}tenant, digest, user_id)
                   VALUES ({i.val}:tenant, ?1, ?2)";
        for value in user.certificate_user_ids() {
            self.0.execute(sql, &[sha256(value).into(), user.id.into()]).await?;
        }
        Ok(())
    }

    /// The hash of a password.
    pub async fn password(&mut self, id: ObjectId) -> Result<Option<Secret<String>>, StoreError> {
        let sql = "SELECT sealed_password FROM idp_user WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.into()]).await?;
        let sealed: Option<Option<Vec<u8>>> = row.map(|mut row| row.take(0)).transpose()?;
        hashes::open(self.0, &PASSWORD, id, sealed.flatten()).await
    }

    /// Takes a user away. What refers to it is left to who does so. False when there is no such user.
    pub async fn remove(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(id)).await?;
        for sql in [
            "DELETE FROM idp_certificate_user_id WHERE {i.is}tenant = :tenant AND user_id = ?1",
            "DELETE FROM idp_lockout WHERE {i.is}tenant = :tenant AND user_id = ?1",
        ] {
            self.0.execute(sql, &[id.into()]).await?;
        }
        let sql = "DELETE FROM idp_user WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// Replaces the password and revokes what was authenticated before. False when there is no such user.
    pub async fn set_password(
        &mut self,
        id: ObjectId,
        hash: &Secret<String>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(id)).await?;
        let sql = "UPDATE idp_user SET sealed_password = ?2, valid_from = ?3, password_at = ?3
                   WHERE {i.is}tenant = :tenant AND id = ?1";
        let sealed = hashes::seal(self.0, &PASSWORD, id, Some(hash)).await?;
        Ok(self.0.execute(sql, &[id.into(), sealed.into(), at.into()]).await? > 0)
    }

    /// Enables or disables. False when there is no such user.
    pub async fn set_enabled(&mut self, id: ObjectId, is_enabled: bool) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(id)).await?;
        let sql = "UPDATE idp_user SET enabled = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), is_enabled.into()]).await? > 0)
    }

    /// Revokes what was authenticated before `at`. False when there is no such user.
    pub async fn revoke_sessions(&mut self, id: ObjectId, at: Timestamp) -> Result<bool, StoreError> {
        seen(self.0, Subject::User(id)).await?;
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
        password_at: row.take(9)?,
        profile: Box::new(super::profile(row.take(10)?, "idp_user.profile")?),
    })
}
