//! Federated credentials of applications, in their home tenant.

use hygie_core::AppId;
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use crate::FederatedCredential;
use crate::logs::{Subject, seen};

/// The federated credentials of a tenant's applications.
pub struct FederatedCredentials<'t, 'e>(pub &'t mut Tx<'e>);

const COLUMNS: &str = "id, name, issuer, subject, audience, description, created_at";

impl FederatedCredentials<'_, '_> {
    /// Those of an application, the oldest first.
    pub async fn list(&mut self, app: AppId) -> Result<Vec<FederatedCredential>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_federated WHERE {{i.is}}tenant = :tenant AND app = ?1 ORDER BY created_at, id"
        );
        let rows = self.0.query(&sql, &[app.into()]).await?;
        rows.into_iter().map(credential).collect()
    }

    /// One of an application, by its id.
    pub async fn find(&mut self, app: AppId, id: Uuid) -> Result<Option<FederatedCredential>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_federated WHERE {{i.is}}tenant = :tenant AND app = ?1 AND id = ?2");
        let row = self.0.query_one(&sql, &[app.into(), (*id.as_bytes()).into()]).await?;
        row.map(credential).transpose()
    }

    /// One of an application, by its name.
    pub async fn find_by_name(&mut self, app: AppId, name: &str) -> Result<Option<FederatedCredential>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_federated WHERE {{i.is}}tenant = :tenant AND app = ?1 AND name = ?2");
        let row = self.0.query_one(&sql, &[app.into(), name.into()]).await?;
        row.map(credential).transpose()
    }

    /// Adds one; refused when the application has one of this name, or of this issuer and subject.
    pub async fn insert(&mut self, app: AppId, new: &FederatedCredential) -> Result<(), StoreError> {
        seen(self.0, Subject::Application(app)).await?;
        let sql = "INSERT INTO idp_federated ({i.col}tenant, app, id, name, issuer, subject, audience, description,
                     created_at) VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let values = [
            app.into(),
            (*new.id.as_bytes()).into(),
            (&new.name).into(),
            (&new.issuer).into(),
            (&new.subject).into(),
            audience(new).into(),
            new.description.clone().into(),
            new.created_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Writes what may change of one. False when there is none with this id.
    pub async fn update(&mut self, app: AppId, changed: &FederatedCredential) -> Result<bool, StoreError> {
        seen(self.0, Subject::Application(app)).await?;
        let sql = "UPDATE idp_federated SET issuer = ?3, subject = ?4, audience = ?5, description = ?6
                   WHERE {i.is}tenant = :tenant AND app = ?1 AND id = ?2";
        let values = [
            app.into(),
            (*changed.id.as_bytes()).into(),
            (&changed.issuer).into(),
            (&changed.subject).into(),
            audience(changed).into(),
            changed.description.clone().into(),
        ];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Takes one away. False when there is none with this id.
    pub async fn remove(&mut self, app: AppId, id: Uuid) -> Result<bool, StoreError> {
        seen(self.0, Subject::Application(app)).await?;
        let sql = "DELETE FROM idp_federated WHERE {i.is}tenant = :tenant AND app = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[app.into(), (*id.as_bytes()).into()]).await? > 0)
    }
}

fn credential(mut row: Row) -> Result<FederatedCredential, StoreError> {
    Ok(FederatedCredential {
        id: super::uuid(&row.take::<Vec<u8>>(0)?, "idp_federated.id")?,
        name: row.take(1)?,
        issuer: row.take(2)?,
        subject: row.take(3)?,
        audiences: vec![row.take(4)?],
        description: row.take(5)?,
        created_at: row.take(6)?,
    })
}

/// The one that it has, once it was checked.
fn audience(credential: &FederatedCredential) -> &str {
    credential.audiences.first().map(String::as_str).unwrap_or_default()
}
