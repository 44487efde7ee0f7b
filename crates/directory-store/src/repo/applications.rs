//! Applications and what they prove themselves by, in their home tenant.

use std::collections::HashMap;
use std::sync::Arc;

use hygie_core::{AppId, ObjectId, Timestamp};
use hygie_jose::Certificate;
use hygie_oidc::grant::StoredSecret;
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use crate::Application;
use crate::logs::{Subject, seen};

/// The applications that are registered in a tenant.
pub struct Applications<'t, 'e>(pub &'t mut Tx<'e>);

/// What an application proves itself by.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Its secrets (`passwordCredentials`).
    pub secrets: Vec<StoredSecret>,
    /// Its certificates (`keyCredentials`).
    pub certificates: Vec<Certificate>,
}

/// Whose credentials they are: of a registration, good in every tenant, or of its presence in one, good there alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A registration.
    Application(AppId),
    /// A service principal.
    Principal(ObjectId),
}

impl From<AppId> for Holder {
    fn from(app: AppId) -> Self {
        Self::Application(app)
    }
}

impl Holder {
    /// In the tables, where client ids and object ids are told apart by their randomness.
    fn key(self) -> AppId {
        match self {
            Self::Application(app) => app,
            Self::Principal(id) => AppId::from_uuid(id.uuid()),
        }
    }

    fn subject(self) -> Subject {
        match self {
            Self::Application(app) => Subject::Application(app),
            Self::Principal(id) => Subject::Principal(id),
        }
    }
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// Its id (`keyId`).
    pub id: Uuid,
    /// What it is for.
    pub display_name: String,
    /// Its first characters.
    pub hint: String,
    /// Keyed SHA-256.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// Not good from here on.
    pub expires_at: Timestamp,
}

/// A certificate that an application proves itself by.
#[derive(Clone, Debug)]
pub struct CertificateRow {
    /// Its id (`keyId`).
    pub id: Uuid,
    /// What it is for.
    pub display_name: String,
    /// The certificate.
    pub certificate: Certificate,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Rows by the service principal that they are of.
type Of<T> = HashMap<ObjectId, Vec<T>>;

const COLUMNS: &str = "app, id, tenant, display_name, definition, created_at";

impl Applications<'_, '_> {
    /// The application with this client id.
    pub async fn find(&mut self, app: AppId) -> Result<Option<Application>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant AND app = ?1");
        self.0
            .query_one(&sql, &[app.into()])
            .await?
            .map(application)
            .transpose()
    }

    /// The application with this object id.
    pub async fn find_by_id(&mut self, id: ObjectId) -> Result<Option<Application>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant AND id = ?1");
        let row = self.0.query_one(&sql, &[id.into()]).await?;
        row.map(application).transpose()
    }

    /// The applications after this object id, in order of it; at most `limit`.
    pub async fn page(&mut self, after: Option<ObjectId>, limit: u32) -> Result<Vec<Application>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant AND id > ?1 ORDER BY id LIMIT ?2"
        );
        let rows = self.0.query(&sql, &[super::after(after), limit.into()]).await?;
        rows.into_iter().map(application).collect()
    }

    /// Those of these applications that are registered here.
    pub async fn list_by_apps(&mut self, apps: &[AppId]) -> Result<Vec<Application>, StoreError> {
        if apps.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(apps.len());
        let sql = format!("SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant AND app IN ({list})");
        let rows = self.0.query(&sql, &super::ids(apps)).await?;
        rows.into_iter().map(application).collect()
    }

    /// Those with these object ids.
    pub async fn list_by_ids(&mut self, ids: &[ObjectId]) -> Result<Vec<Application>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(ids.len());
        let sql = format!("SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant AND id IN ({list})");
        let rows = self.0.query(&sql, &super::ids(ids)).await?;
        rows.into_iter().map(application).collect()
    }

    /// The secrets of each of these applications, without their values, the oldest first.
    pub async fn list_secret_rows(&mut self, apps: &[AppId]) -> Result<Vec<(AppId, SecretRow)>, StoreError> {
        if apps.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(apps.len());
        let sql = format!(
            "SELECT app, id, display_name, hint, digest, created_at, expires_at FROM idp_secret
             WHERE {{i.is}}tenant = :tenant AND app IN ({list}) ORDER BY created_at, id"
        );
        let rows = self.0.query(&sql, &super::ids(apps)).await?;
        rows.into_iter()
            .map(|mut row| {
                let secret = SecretRow {
                    id: super::uuid(&row.take::<Vec<u8>>(1)?, "idp_secret.id")?,
                    display_name: row.take(2)?,
                    hint: row.take(3)?,
                    digest: super::key(row.take(4)?, "idp_secret.digest")?,
                    created_at: row.take(5)?,
                    expires_at: row.take(6)?,
                };
                Ok((row.take(0)?, secret))
            })
            .collect()
    }

    /// All applications, by name.
    pub async fn list(&mut self) -> Result<Vec<Application>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} FROM idp_application WHERE {{i.is}}tenant = :tenant ORDER BY display_name, app");
        self.0.query(&sql, &[]).await?.into_iter().map(application).collect()
    }

    /// Writes an application. `definition` is its JSON.
    pub async fn insert(&mut self, application: &Application, definition: &str) -> Result<(), StoreError> {
        seen(self.0, Subject::Application(application.app)).await?;
        let sql = "INSERT INTO idp_application ({i.col}tenant, app, id, display_name, definition, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)";
        let values = [
            application.app.into(),
            application.id.into(),
            (&application.display_name).into(),
            definition.into(),
            application.created_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Writes what may change of an application. `definition` is its JSON.
    pub async fn update(&mut self, application: &Application, definition: &str) -> Result<bool, StoreError> {
        seen(self.0, Subject::Application(application.app)).await?;
        let sql = "UPDATE idp_application SET display_name = ?2, definition = ?3
                   WHERE {i.is}tenant = :tenant AND app = ?1";
        let values = [
            application.app.into(),
            (&application.display_name).into(),
            definition.into(),
        ];
        Ok(self.0.execute(sql, &values).await? > 0)
    }

    /// Takes a registration away; what it proves itself by stays written. False when there is none.
    pub async fn remove(&mut self, app: AppId) -> Result<bool, StoreError> {
        seen(self.0, Subject::Application(app)).await?;
        let sql = "DELETE FROM idp_application WHERE {i.is}tenant = :tenant AND app = ?1";
        Ok(self.0.execute(sql, &[app.into()]).await? > 0)
    }

    /// Takes away what an application that is gone proved itself by.
    pub async fn remove_credentials(&mut self, of: impl Into<Holder>) -> Result<(), StoreError> {
        let of = of.into();
        let app = of.key();
        seen(self.0, of.subject()).await?;
        for sql in [
            "DELETE FROM idp_secret WHERE {i.is}tenant = :tenant AND app = ?1",
            "DELETE FROM idp_certificate WHERE {i.is}tenant = :tenant AND app = ?1",
            "DELETE FROM idp_federated WHERE {i.is}tenant = :tenant AND app = ?1",
        ] {
            self.0.execute(sql, &[app.into()]).await?;
        }
        Ok(())
    }

    /// The certificates of each of these applications, the oldest first.
    pub async fn list_certificate_rows(&mut self, apps: &[AppId]) -> Result<Vec<(AppId, CertificateRow)>, StoreError> {
        if apps.is_empty() {
            return Ok(Vec::new());
        }
        let list = super::placeholders(apps.len());
        let sql = format!(
            "SELECT app, id, display_name, certificate, created_at FROM idp_certificate
             WHERE {{i.is}}tenant = :tenant AND app IN ({list}) ORDER BY created_at, id"
        );
        let rows = self.0.query(&sql, &super::ids(apps)).await?;
        rows.into_iter()
            .map(|mut row| {
                let unreadable = |_| StoreError::Inconsistent("idp_certificate.certificate".to_owned());
                let der: Vec<u8> = row.take(3)?;
                let certificate = CertificateRow {
                    id: super::uuid(&row.take::<Vec<u8>>(1)?, "idp_certificate.id")?,
                    display_name: row.take(2)?,
                    certificate: Certificate::from_der(&der).map_err(unreadable)?,
                    created_at: row.take(4)?,
                };
                Ok((row.take(0)?, certificate))
            })
            .collect()
    }

    /// Adds a secret.
    pub async fn insert_secret(&mut self, of: impl Into<Holder>, secret: &SecretRow) -> Result<(), StoreError> {
        let of = of.into();
        let app = of.key();
        seen(self.0, of.subject()).await?;
        let sql = "INSERT INTO idp_secret ({i.col}tenant, app, id, display_name, hint, digest, created_at, expires_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = [
            app.into(),
            (*secret.id.as_bytes()).into(),
            (&secret.display_name).into(),
            (&secret.hint).into(),
            secret.digest.into(),
            secret.created_at.into(),
            secret.expires_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a secret away. False when there is none with this id.
    pub async fn remove_secret(&mut self, of: impl Into<Holder>, id: Uuid) -> Result<bool, StoreError> {
        let of = of.into();
        let app = of.key();
        seen(self.0, of.subject()).await?;
        let sql = "DELETE FROM idp_secret WHERE {i.is}tenant = :tenant AND app = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[app.into(), (*id.as_bytes()).into()]).await? > 0)
    }

    /// Adds a certificate.
    pub async fn insert_certificate(
        &mut self,
        of: impl Into<Holder>,
        (id, display_name): (Uuid, &str),
        certificate: &Certificate,
        created_at: Timestamp,
    ) -> Result<(), StoreError> {
        let of = of.into();
        let app = of.key();
        seen(self.0, of.subject()).await?;
        let sql = "INSERT INTO idp_certificate ({i.col}tenant, app, id, display_name, certificate, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5)";
        let values = [
            app.into(),
            (*id.as_bytes()).into(),
            display_name.into(),
            certificate.der().into(),
            created_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Takes a certificate away. False when there is none with this id.
    pub async fn remove_certificate(&mut self, of: impl Into<Holder>, id: Uuid) -> Result<bool, StoreError> {
        let of = of.into();
        let app = of.key();
        seen(self.0, of.subject()).await?;
        let sql = "DELETE FROM idp_certificate WHERE {i.is}tenant = :tenant AND app = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[app.into(), (*id.as_bytes()).into()]).await? > 0)
    }

    /// Everything that these prove themselves by, together.
    pub async fn credentials(&mut self, of: &[Holder]) -> Result<Credentials, StoreError> {
        let of: Vec<AppId> = of.iter().map(|of| of.key()).collect();
        let of = of.as_slice();
        Ok(Credentials {
            secrets: self.list_secrets(of).await?,
            certificates: self.list_certificates(of).await?,
        })
    }

    /// The secrets and certificates of one, the oldest first.
    pub async fn credential_rows(
        &mut self,
        of: impl Into<Holder>,
    ) -> Result<(Vec<SecretRow>, Vec<CertificateRow>), StoreError> {
        let app = of.into().key();
        let secrets = self.list_secret_rows(&[app]).await?;
        let certificates = self.list_certificate_rows(&[app]).await?;
        Ok((
            secrets.into_iter().map(|(_, row)| row).collect(),
            certificates.into_iter().map(|(_, row)| row).collect(),
        ))
    }

    /// The same of each of these service principals.
    pub async fn credential_rows_of(
        &mut self,
        principals: &[ObjectId],
    ) -> Result<(Of<SecretRow>, Of<CertificateRow>), StoreError> {
        let keys: Vec<AppId> = principals.iter().map(|id| Holder::Principal(*id).key()).collect();
        let (mut secrets, mut certificates) = (Of::new(), Of::new());
        for (key, row) in self.list_secret_rows(&keys).await? {
            secrets
                .entry(ObjectId::from_uuid(key.uuid()))
                .or_insert_with(Vec::new)
                .push(row);
        }
        for (key, row) in self.list_certificate_rows(&keys).await? {
            certificates
                .entry(ObjectId::from_uuid(key.uuid()))
                .or_insert_with(Vec::new)
                .push(row);
        }
        Ok((secrets, certificates))
    }

    async fn list_certificates(&mut self, of: &[AppId]) -> Result<Vec<Certificate>, StoreError> {
        let list = super::placeholders(of.len());
        let sql = format!("SELECT certificate FROM idp_certificate WHERE {{i.is}}tenant = :tenant AND app IN ({list})");
        let rows = self.0.query(&sql, &super::ids(of)).await?;
        rows.into_iter()
            .map(|mut row| {
                let der: Vec<u8> = row.take(0)?;
                let unreadable = |_| StoreError::Inconsistent("idp_certificate.certificate".to_owned());
                Certificate::from_der(&der).map_err(unreadable)
            })
            .collect()
    }

    /// The secrets as they are compared.
    async fn list_secrets(&mut self, of: &[AppId]) -> Result<Vec<StoredSecret>, StoreError> {
        let list = super::placeholders(of.len());
        let sql =
            format!("SELECT digest, expires_at FROM idp_secret WHERE {{i.is}}tenant = :tenant AND app IN ({list})");
        let rows = self.0.query(&sql, &super::ids(of)).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(StoredSecret {
                    digest: row.take(0)?,
                    expires_at: row.take(1)?,
                })
            })
            .collect()
    }
}

fn application(mut row: Row) -> Result<Application, StoreError> {
    let definition: String = row.take(4)?;
    Ok(Application {
        app: row.take(0)?,
        id: row.take(1)?,
        home: row.take(2)?,
        display_name: row.take(3)?,
        definition: Arc::new(super::json(&definition, "idp_application.definition")?),
        created_at: row.take(5)?,
    })
}
