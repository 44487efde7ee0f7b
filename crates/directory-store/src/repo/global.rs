//! The few look-ups that give the tenant, and so cannot be bound by it.

use hygie_core::{AppId, ObjectId, SessionId, TenantId, Timestamp};
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use super::Familiar;
use super::sessions::{Kept, from_json};
use crate::Authentications;

/// Look-ups over all tenants.
pub struct Global<'t, 'e>(pub &'t mut Tx<'e>);

/// A session of a browser, in whichever tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: ObjectId,
    /// When the credentials were last given.
    pub auth_time: Timestamp,
    /// How, each method with its instant.
    pub used: Authentications,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// Whether it stays when the browser closes.
    pub kept: Kept,
}

impl Global<'_, '_> {
    /// The tenant that a domain name belongs to.
    pub async fn find_tenant_of_domain(&mut self, name: &str) -> Result<Option<TenantId>, StoreError> {
        let sql = "SELECT tenant FROM idp_domain WHERE {i.is}name = ?1";
        let row = self.0.query_one(sql, &[name.to_lowercase().into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// The tenant that an application is registered in.
    pub async fn find_home_of_app(&mut self, app: AppId) -> Result<Option<TenantId>, StoreError> {
        let sql = "SELECT tenant FROM idp_application WHERE {i.is}app = ?1";
        let row = self.0.query_one(sql, &[app.into()]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// The guests, in whichever tenant, who accepted with this account.
    pub async fn list_guests_of(
        &mut self,
        (home, user): (TenantId, ObjectId),
    ) -> Result<Vec<(TenantId, ObjectId)>, StoreError> {
        let sql = "SELECT tenant, user_id FROM idp_guest WHERE {i.is}home = ?1 AND home_user = ?2 ORDER BY tenant";
        let rows = self.0.query(sql, &[home.into(), user.into()]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
            .collect()
    }

    /// Ends what a guest was issued in their tenant, because the account at home was revoked.
    pub async fn revoke_guest(
        &mut self,
        (tenant, user): (TenantId, ObjectId),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for sql in [
            "UPDATE idp_user SET valid_from = ?3 WHERE {i.is}tenant = ?1 AND id = ?2",
            "UPDATE idp_session SET ended_at = COALESCE(ended_at, ?3), revoked_at = ?3
             WHERE {i.is}tenant = ?1 AND user_id = ?2 AND revoked_at IS NULL",
            "UPDATE idp_family SET revoked_at = ?3 WHERE {i.is}tenant = ?1 AND user_id = ?2 AND revoked_at IS NULL",
        ] {
            self.0.execute(sql, &[tenant.into(), user.into(), at.into()]).await?;
        }
        Ok(())
    }

    /// Every tenant.
    pub async fn list_tenants(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let sql = "SELECT tenant FROM idp_tenant WHERE {i.is}1 = 1 ORDER BY created_at, tenant";
        self.0
            .query(sql, &[])
            .await?
            .into_iter()
            .map(|mut row| row.take(0))
            .collect()
    }

    /// The tenants with users or groups that an older release wrote without keys of their names.
    pub async fn list_tenants_without_name_keys(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let sql = "SELECT t.tenant FROM (SELECT tenant FROM idp_tenant WHERE {i.is}1 = 1) AS t
                   WHERE EXISTS (SELECT 1 FROM idp_user WHERE {i.is}tenant = t.tenant AND name_key IS NULL)
                      OR EXISTS (SELECT 1 FROM idp_group WHERE {i.is}tenant = t.tenant AND name_key IS NULL)";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// The tenants with hashes that an older release wrote in clear.
    pub async fn list_tenants_with_clear_hashes(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let sql = "SELECT t.tenant FROM (SELECT tenant FROM idp_tenant WHERE {i.is}1 = 1) AS t
                   WHERE EXISTS (SELECT 1 FROM idp_user WHERE {i.is}tenant = t.tenant AND password IS NOT NULL)
                      OR EXISTS (SELECT 1 FROM idp_deleted WHERE {i.is}tenant = t.tenant AND password IS NOT NULL)
                      OR EXISTS (SELECT 1 FROM idp_pass WHERE {i.is}tenant = t.tenant AND clear_hash IS NOT NULL)";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// The live sessions of the browser whose cookie has this digest.
    pub async fn list_sessions(&mut self, browser: &[u8], now: Timestamp) -> Result<Vec<BrowserSession>, StoreError> {
        let sql = "SELECT tenant, id, user_id, auth_time, methods_json, began_at, used_at, kept FROM idp_session
                   WHERE {i.is}browser = ?1 AND expires_at > ?2 AND ended_at IS NULL ORDER BY used_at DESC LIMIT 10";
        let rows = self.0.query(sql, &[browser.into(), now.into()]).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(BrowserSession {
                    tenant: row.take(0)?,
                    id: row.take(1)?,
                    user: row.take(2)?,
                    auth_time: row.take(3)?,
                    used: from_json(&row.take::<String>(4)?)?,
                    began_at: row.take(5)?,
                    used_at: row.take(6)?,
                    kept: Kept::of(row.take(7)?),
                })
            })
            .collect()
    }

    /// Gives the sessions of a browser to its next cookie: the value changes with each sign-in, so that a value planted
    /// before it is worth nothing after.
    pub async fn move_sessions(&mut self, from: &[u8; 32], to: &[u8; 32]) -> Result<u64, StoreError> {
        let sql = "UPDATE idp_session SET browser = ?2 WHERE {i.is}browser = ?1 AND ended_at IS NULL";
        self.0.execute(sql, &[(*from).into(), (*to).into()]).await
    }

    /// The users and outsiders whose earlier authentications were revoked since.
    pub async fn list_revoked_users(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<(TenantId, ObjectId, Timestamp)>, StoreError> {
        let sql = "SELECT tenant, id, valid_from FROM idp_user WHERE {i.is}valid_from > ?1 AND valid_from > created_at";
        let mut rows = self.0.query(sql, &[since.into()]).await?;
        let sql = "SELECT tenant, id, revoked_at FROM idp_revoked_outsider WHERE {i.is}revoked_at > ?1";
        rows.extend(self.0.query(sql, &[since.into()]).await?);
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?)))
            .collect()
    }

    /// The sessions that were revoked since.
    pub async fn list_revoked_sessions(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<(TenantId, SessionId, Timestamp)>, StoreError> {
        let sql = "SELECT tenant, id, revoked_at FROM idp_session WHERE {i.is}revoked_at > ?1";
        let rows = self.0.query(sql, &[since.into()]).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?)))
            .collect()
    }

    /// The grants that were revoked since, because a code or refresh token was used twice.
    pub async fn list_revoked_grants(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<(TenantId, Uuid, Timestamp)>, StoreError> {
        let sql = "SELECT tenant, family, revoked_at FROM idp_revoked_grant WHERE {i.is}revoked_at > ?1";
        let rows = self.0.query(sql, &[since.into()]).await?;
        rows.into_iter()
            .map(|mut row| {
                let family = super::uuid(&row.take::<Vec<u8>>(1)?, "idp_revoked_grant.family")?;
                Ok((row.take(0)?, family, row.take(2)?))
            })
            .collect()
    }

    /// Removes what expired before `before`. A session is kept as long as refresh tokens of it live: it may be revoked.
    pub async fn purge(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let mut removed = 0;
        for sql in [
            "DELETE FROM idp_code WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_device WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_backchannel WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_challenge WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_handover WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_supplied_risk WHERE {i.is}ends_at < ?1",
            "DELETE FROM idp_consent_request WHERE {i.is}ends_at < ?1",
            "DELETE FROM idp_refresh WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_family WHERE {i.is}expires_at < ?1",
            "DELETE FROM idp_revoked_grant WHERE {i.is}revoked_at < ?1",
            "DELETE FROM idp_revoked_outsider WHERE {i.is}revoked_at < ?1",
            "DELETE FROM idp_session WHERE {i.is}expires_at < ?1
             AND id NOT IN (SELECT session FROM idp_family WHERE {i.is}1 = 1)",
        ] {
            removed += self.0.execute(sql, &[before.into()]).await?;
        }
        let sql = "DELETE FROM idp_lockout WHERE {i.is}locked_until > 0 AND locked_until < ?1";
        removed += self
            .0
            .execute(sql, &[(before - super::Lockout::FORGOTTEN).into()])
            .await?;
        let sql = "DELETE FROM idp_familiar WHERE {i.is}seen_at < ?1";
        removed += self.0.execute(sql, &[(before - Familiar::KEPT).into()]).await?;
        let sql = "DELETE FROM idp_session_app WHERE {i.is}session NOT IN
                   (SELECT id FROM idp_session WHERE {i.is}1 = 1)";
        Ok(removed + self.0.execute(sql, &[]).await?)
    }
}

/// A list kept as words.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
