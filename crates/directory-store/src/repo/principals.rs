//! Service principals and the names that they are asked for by.

use hygie_core::{AppId, ObjectId};
use hygie_store::{Row, StoreError, Tx};

use crate::logs::{Subject, seen};
use crate::profile::stored;
use crate::{PrincipalProfile, ServicePrincipal};

/// The service principals of a tenant.
pub struct Principals<'t, 'e>(pub &'t mut Tx<'e>);

const COLUMNS: &str = "id, app, home, display_name, enabled, assignment_required, created_at, resource_id, profile";

impl Principals<'_, '_> {
    /// The service principal of an application.
    pub async fn find_by_app(&mut self, app: AppId) -> Result<Option<ServicePrincipal>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND app = ?1");
        self.0.query_one(&sql, &[app.into()]).await?.map(principal).transpose()
    }

    /// The service principal with this identifier URI or client id; a final slash more or less is the same name.
    pub async fn find_by_name(&mut self, name: &str) -> Result<Option<ServicePrincipal>, StoreError> {
        let other = match name.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{name}/"),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND id =
             (SELECT principal FROM idp_principal_name WHERE {{i.is}}tenant = :tenant AND name IN (?1, ?2)
              ORDER BY CASE WHEN name = ?1 THEN 0 ELSE 1 END LIMIT 1)"
        );
        self.0
            .query_one(&sql, &[name.into(), other.into()])
            .await?
            .map(principal)
            .transpose()
    }

    /// The service principal with this object id.
    pub async fn find(&mut self, id: ObjectId) -> Result<Option<ServicePrincipal>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[id.into()]).await?.map(principal).transpose()
    }

    /// The managed identity with this resource id.
    pub async fn find_by_resource_id(&mut self, resource_id: &str) -> Result<Option<ServicePrincipal>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND resource_id = ?1");
        let row = self.0.query_one(&sql, &[resource_id.into()]).await?;
        row.map(principal).transpose()
    }

    /// The service principals after this id, in order of id; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<ServicePrincipal>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(principal).collect()
    }

    /// Those of these service principals that are there.
    pub async fn list_by_ids(&mut self, ids: &[ObjectId]) -> Result<Vec<ServicePrincipal>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(ids.len());
        let sql = format!("SELECT {COLUMNS} FROM idp_principal WHERE {{i.is}}tenant = :tenant AND id IN ({list})");
        let rows = self.0.query(&sql, &super::ids(ids)).await?;
        rows.into_iter().map(principal).collect()
    }

    /// The names that each of these service principals is asked for by.
    pub async fn list_names_of(&mut self, ids: &[ObjectId]) -> Result<Vec<(ObjectId, String)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(ids.len());
        let sql = format!(
            "SELECT principal, name FROM idp_principal_name
             WHERE {{i.is}}tenant = :tenant AND principal IN ({list}) ORDER BY name"
        );
        let rows = self.0.query(&sql, &super::ids(ids)).await?;
        rows.into_iter()
            .map(|mut row| Ok((row.take(0)?, row.take(1)?)))
            .collect()
    }

    /// The names that a service principal is asked for by.
    pub async fn list_names(&mut self, id: ObjectId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM idp_principal_name WHERE {i.is}tenant = :tenant AND principal = ?1 ORDER BY name";
        let rows = self.0.query(sql, &[id.into()]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Writes a service principal under these names; each name, with a final slash or without, belongs to one service
    /// principal of a tenant: the services take both for theirs.
    pub async fn insert(&mut self, principal: &ServicePrincipal, names: &[String]) -> Result<(), StoreError> {
        seen(self.0, Subject::Principal(principal.id)).await?;
        let sql = "INSERT INTO idp_principal ({i.col}tenant, id, app, home, display_name, enabled, assignment_required,
                   created_at, resource_id, profile) VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = [
            principal.id.into(),
            principal.app.into(),
            principal.home.into(),
            (&principal.display_name).into(),
            principal.is_enabled.into(),
            principal.requires_assignment.into(),
            principal.created_at.into(),
            principal.resource_id.as_deref().into(),
            stored(&principal.profile).into(),
        ];
        self.0.execute(sql, &values).await?;
        self.insert_names(principal.id, names).await
    }

    async fn insert_names(&mut self, id: ObjectId, names: &[String]) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_principal_name ({i.col}tenant, name, principal) VALUES ({i.val}:tenant, ?1, ?2)";
        for name in names {
            if self.find_by_name(name).await?.is_some_and(|other| other.id != id) {
                return Err(StoreError::Duplicate("the name of another service principal".into()));
            }
            self.0.execute(sql, &[name.into(), id.into()]).await?;
        }
        Ok(())
    }

    /// Gives a service principal these names and no others.
    pub async fn set_names(&mut self, id: ObjectId, names: &[String]) -> Result<(), StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "DELETE FROM idp_principal_name WHERE {i.is}tenant = :tenant AND principal = ?1";
        self.0.execute(sql, &[id.into()]).await?;
        self.insert_names(id, names).await
    }

    /// Gives a service principal another name for display.
    pub async fn rename(&mut self, id: ObjectId, display_name: &str) -> Result<bool, StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "UPDATE idp_principal SET display_name = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), display_name.into()]).await? > 0)
    }

    /// Says what else is known of a service principal. False when there is none.
    pub async fn set_profile(&mut self, id: ObjectId, profile: &PrincipalProfile) -> Result<bool, StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "UPDATE idp_principal SET profile = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), stored(profile).into()]).await? > 0)
    }

    /// Takes a service principal away with its names. False when there is none.
    pub async fn remove(&mut self, id: ObjectId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "DELETE FROM idp_principal_name WHERE {i.is}tenant = :tenant AND principal = ?1";
        self.0.execute(sql, &[id.into()]).await?;
        let sql = "DELETE FROM idp_principal WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into()]).await? > 0)
    }

    /// Enables or disables. False when there is no such service principal.
    pub async fn set_enabled(&mut self, id: ObjectId, is_enabled: bool) -> Result<bool, StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "UPDATE idp_principal SET enabled = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), is_enabled.into()]).await? > 0)
    }

    /// Says whether only principals with a role get tokens. False when there is no such service principal.
    pub async fn set_requires_assignment(&mut self, id: ObjectId, required: bool) -> Result<bool, StoreError> {
        seen(self.0, Subject::Principal(id)).await?;
        let sql = "UPDATE idp_principal SET assignment_required = ?2 WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.into(), required.into()]).await? > 0)
    }
}

fn principal(mut row: Row) -> Result<ServicePrincipal, StoreError> {
    Ok(ServicePrincipal {
        id: row.take(0)?,
        app: row.take(1)?,
        home: row.take(2)?,
        display_name: row.take(3)?,
        is_enabled: row.take(4)?,
        requires_assignment: row.take(5)?,
        created_at: row.take(6)?,
        resource_id: row.take(7)?,
        profile: super::profile(row.take(8)?, "idp_principal.profile")?,
    })
}
