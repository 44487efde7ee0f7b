//! Workloads: programs on this machine that have managed identities.

use hygie_core::{ObjectId, TenantId};
use hygie_store::{StoreError, Tx};

use crate::{ServicePrincipal, Workload};

/// The workloads of a tenant.
pub struct Workloads<'t, 'e>(pub &'t mut Tx<'e>);

impl Workloads<'_, '_> {
    /// Writes a workload with its own identity.
    pub async fn insert(&mut self, workload: &Workload, header: &[u8; 32]) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_workload ({i.col}tenant, name, header, principal, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let values = [
            (&workload.name).into(),
            (*header).into(),
            workload.identity.into(),
            workload.created_at.into(),
        ];
        self.0.execute(sql, &values).await?;
        self.assign(&workload.name, workload.identity).await
    }

    /// The workload of this name.
    pub async fn find(&mut self, name: &str) -> Result<Option<Workload>, StoreError> {
        let sql = "SELECT name, principal, created_at FROM idp_workload WHERE {i.is}tenant = :tenant AND name = ?1";
        let row = self.0.query_one(sql, &[name.into()]).await?;
        row.map(|mut row| {
            Ok(Workload {
                name: row.take(0)?,
                identity: row.take(1)?,
                created_at: row.take(2)?,
            })
        })
        .transpose()
    }

    /// The tenant and name of the workload whose header secret has this digest: the secret is what gives the tenant.
    pub async fn find_by_header(&mut self, header: &[u8; 32]) -> Result<Option<(TenantId, String)>, StoreError> {
        let sql = "SELECT tenant, name FROM idp_workload WHERE {i.is}header = ?1";
        let row = self.0.query_one(sql, &[(*header).into()]).await?;
        row.map(|mut row| Ok((row.take(0)?, row.take(1)?))).transpose()
    }

    /// Changes the header secret. False when there is no such workload.
    pub async fn set_header(&mut self, name: &str, header: &[u8; 32]) -> Result<bool, StoreError> {
        let sql = "UPDATE idp_workload SET header = ?2 WHERE {i.is}tenant = :tenant AND name = ?1";
        Ok(self.0.execute(sql, &[name.into(), (*header).into()]).await? > 0)
    }

    /// Lets a workload use an identity; using it already is no error.
    pub async fn assign(&mut self, name: &str, identity: ObjectId) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_workload_identity ({i.col}tenant, workload, principal)
                   VALUES ({i.val}:tenant, ?1, ?2) ON CONFLICT ({i.col}tenant, workload, principal) DO NOTHING";
        self.0.execute(sql, &[name.into(), identity.into()]).await.map(drop)
    }

    /// The identities that a workload may use, its own first.
    pub async fn list_identities(&mut self, name: &str) -> Result<Vec<ServicePrincipal>, StoreError> {
        let sql = "SELECT principal FROM idp_workload_identity WHERE {i.is}tenant = :tenant AND workload = ?1
                   ORDER BY principal";
        let mut found = Vec::new();
        for mut row in self.0.query(sql, &[name.into()]).await? {
            found.extend(super::Principals(self.0).find(row.take(0)?).await?);
        }
        let own = self.find(name).await?.map(|workload| workload.identity);
        found.sort_by_key(|principal| Some(principal.id) != own);
        Ok(found)
    }

    /// Removes a workload; its own identity goes with it. False when there is no such workload.
    pub async fn remove(&mut self, name: &str) -> Result<bool, StoreError> {
        let Some(workload) = self.find(name).await? else {
            return Ok(false);
        };
        for sql in [
            "DELETE FROM idp_workload_identity WHERE {i.is}tenant = :tenant AND workload = ?1",
            "DELETE FROM idp_workload WHERE {i.is}tenant = :tenant AND name = ?1",
        ] {
            self.0.execute(sql, &[name.into()]).await?;
        }
        for sql in [
            "DELETE FROM idp_workload_identity WHERE {i.is}tenant = :tenant AND principal = ?1",
            "DELETE FROM idp_app_role WHERE {i.is}tenant = :tenant AND principal = ?1",
            "DELETE FROM idp_principal WHERE {i.is}tenant = :tenant AND id = ?1",
        ] {
            self.0.execute(sql, &[workload.identity.into()]).await?;
        }
        Ok(true)
    }
}
