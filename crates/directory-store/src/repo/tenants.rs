//! Tenants and their domain names.

use hygie_store::{StoreError, Tx};

use crate::Tenant;
use crate::sealed::PAIRWISE;

/// The tenant of the transaction and its domains.
pub struct Tenants<'t, 'e>(pub &'t mut Tx<'e>);

impl Tenants<'_, '_> {
    /// The tenant, if it exists.
    pub async fn find(&mut self) -> Result<Option<Tenant>, StoreError> {
        let sql = "SELECT tenant, display_name, pairwise, created_at FROM idp_tenant WHERE {i.is}tenant = :tenant";
        let Some(mut row) = self.0.query_one(sql, &[]).await? else {
            return Ok(None);
        };
        let key = [self.0.cx().tenant.into()];
        let sealed: Vec<u8> = row.take(2)?;
        let pairwise = self.0.unseal(&PAIRWISE, &key, &sealed).await?;
        Ok(Some(Tenant {
            id: row.take(0)?,
            display_name: row.take(1)?,
            pairwise: super::secret_key(&pairwise, "idp_tenant.pairwise")?,
            created_at: row.take(3)?,
        }))
    }

    /// Writes the tenant.
    pub async fn insert(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_tenant ({i.col}tenant, display_name, pairwise, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let row = [self.0.cx().tenant.into()];
        let pairwise = self.0.seal(&PAIRWISE, &row, tenant.pairwise.expose()).await?;
        let values = [(&tenant.display_name).into(), pairwise.into(), tenant.created_at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Adds a domain name; a name belongs to one tenant only.
    pub async fn insert_domain(&mut self, name: &str, is_default: IsDefault) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_domain ({i.col}tenant, name, is_default) VALUES ({i.val}:tenant, ?1, ?2)";
        let values = [name.to_lowercase().into(), (is_default == IsDefault::Yes).into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Its domain names, the default one first.
    pub async fn list_domains(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM idp_domain WHERE {i.is}tenant = :tenant ORDER BY is_default DESC, name";
        self.0
            .query(sql, &[])
            .await?
            .into_iter()
            .map(|mut row| row.take(0))
            .collect()
    }
}

/// Whether a domain is the one that new names get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsDefault {
    /// It is.
    Yes,
    /// Another one.
    No,
}
