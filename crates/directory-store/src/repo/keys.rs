//! Signing keys and the root secret: of the provider, not of a tenant, because one document publishes the keys to the
//! applications of all tenants.

use hygie_core::{Secret, Timestamp};
use hygie_store::{Row, StoreError, Tx};

use crate::sealed::{ROOT, SIGNING_KEY};

/// The keys of the provider.
pub struct Keys<'t, 'e>(pub &'t mut Tx<'e>);

/// A signing key as stored.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Thumbprint of its certificate.
    pub kid: String,
    /// The private key, PKCS#8.
    pub pkcs8: Secret<Vec<u8>>,
    /// Its self-signed certificate, DER.
    pub certificate: Vec<u8>,
    /// When it first stood in the key document.
    pub published_at: Timestamp,
    /// When it began to sign; the next key has none.
    pub active_from: Option<Timestamp>,
    /// When it ceased to sign.
    pub retired_at: Option<Timestamp>,
}

/// What tells one set of keys from another: their names, and which of them signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMark {
    kid: String,
    signs: bool,
}

impl KeyMark {
    /// Of a key.
    pub fn of(row: &KeyRow) -> Self {
        Self {
            kid: row.kid.clone(),
            signs: row.active_from.is_some() && row.retired_at.is_none(),
        }
    }
}

impl Keys<'_, '_> {
    /// The marks of all signing keys, in the order of [`Keys::list`].
    pub async fn list_marks(&mut self) -> Result<Vec<KeyMark>, StoreError> {
        let sql = "SELECT kid, active_from, retired_at FROM idp_signing_key WHERE {i.is}1 = 1
                   ORDER BY published_at, kid";
        let mark = |mut row: Row| {
            let kid = row.take(0)?;
            let (active, retired): (Option<Timestamp>, Option<Timestamp>) = (row.take(1)?, row.take(2)?);
            Ok(KeyMark {
                kid,
                signs: active.is_some() && retired.is_none(),
            })
        };
        self.0.query(sql, &[]).await?.into_iter().map(mark).collect()
    }

    /// All signing keys, the oldest first.
    pub async fn list(&mut self) -> Result<Vec<KeyRow>, StoreError> {
        let sql = "SELECT kid, pkcs8, certificate, published_at, active_from, retired_at FROM idp_signing_key
                   WHERE {i.is}1 = 1 ORDER BY published_at, kid";
        let mut keys = Vec::new();
        for mut row in self.0.query(sql, &[]).await? {
            let (kid, sealed): (String, Vec<u8>) = (row.take(0)?, row.take(1)?);
            keys.push(KeyRow {
                pkcs8: self.0.unseal(&SIGNING_KEY, &[(&kid).into()], &sealed).await?,
                kid,
                certificate: row.take(2)?,
                published_at: row.take(3)?,
                active_from: row.take(4)?,
                retired_at: row.take(5)?,
            });
        }
        Ok(keys)
    }

    /// Writes a key.
    pub async fn insert(&mut self, key: &KeyRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_signing_key ({i.col}kid, pkcs8, certificate, published_at, active_from, retired_at)
                   VALUES ({i.val}?1, ?2, ?3, ?4, ?5, ?6)";
        let row = [(&key.kid).into()];
        let pkcs8 = self.0.seal(&SIGNING_KEY, &row, key.pkcs8.expose()).await?;
        let values = [
            (&key.kid).into(),
            pkcs8.into(),
            (&key.certificate).into(),
            key.published_at.into(),
            key.active_from.into(),
            key.retired_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Retires the key that signs and activates `next`.
    pub async fn activate(&mut self, next: &str, at: Timestamp) -> Result<(), StoreError> {
        let retire = "UPDATE idp_signing_key SET retired_at = ?1
                      WHERE {i.is}active_from IS NOT NULL AND retired_at IS NULL";
        self.0.execute(retire, &[at.into()]).await?;
        let activate = "UPDATE idp_signing_key SET active_from = ?2 WHERE {i.is}kid = ?1";
        self.0.execute(activate, &[next.into(), at.into()]).await.map(drop)
    }

    /// Removes the keys that were retired before `before`.
    pub async fn remove_retired(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idp_signing_key WHERE {i.is}retired_at IS NOT NULL AND retired_at < ?1";
        self.0.execute(sql, &[before.into()]).await
    }

    /// Removes every key.
    pub async fn remove_all(&mut self) -> Result<u64, StoreError> {
        self.0
            .execute("DELETE FROM idp_signing_key WHERE {i.is}1 = 1", &[])
            .await
    }

    /// The secret of this name: `candidate` when there was none.
    pub async fn root(&mut self, name: &str, candidate: &Secret<[u8; 32]>) -> Result<Secret<[u8; 32]>, StoreError> {
        let select = "SELECT secret FROM idp_root WHERE {i.is}name = ?1";
        let row = [name.into()];
        let mut found = self.0.query_one(select, &row).await?;
        if found.is_none() {
            let sealed = self.0.seal(&ROOT, &row, candidate.expose()).await?;
            let insert = "INSERT INTO idp_root ({i.col}name, secret) VALUES ({i.val}?1, ?2)
                          ON CONFLICT ({i.col}name) DO NOTHING";
            self.0.execute(insert, &[name.into(), sealed.into()]).await?;
            found = self.0.query_one(select, &row).await?;
        }
        let found = found.as_mut().map(|found| found.take::<Vec<u8>>(0)).transpose()?;
        let sealed = found.ok_or_else(|| StoreError::Inconsistent("idp_root has no row".to_owned()))?;
        let secret = self.0.unseal(&ROOT, &row, &sealed).await?;
        super::secret_key(&secret, "idp_root.secret")
    }
}
