//! Public key infrastructures, their authorities, and the revocation lists of these.

use hygie_core::Timestamp;
use hygie_jose::x509::Authority;
use hygie_store::{Row, StoreError, Tx, Value};
use uuid::Uuid;

use crate::logs::{Subject, seen};
use crate::trust::{ListKind, ListRow, ListSource, Pki, TrustedAuthority};

/// The trust store of a tenant.
pub struct TrustStores<'t, 'e>(pub &'t mut Tx<'e>);

const AUTHORITY: &str = "id, pki, certificate, list_url, hint, grace_hours, created_at, delta_url";

fn bytes(id: Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

impl TrustStores<'_, '_> {
    /// Every infrastructure, in order of id.
    pub async fn list(&mut self) -> Result<Vec<Pki>, StoreError> {
        let sql = "SELECT id, display_name, modified_at FROM idp_pki WHERE {i.is}tenant = :tenant ORDER BY id";
        self.0.query(sql, &[]).await?.into_iter().map(pki).collect()
    }

    /// One of them.
    pub async fn find(&mut self, id: Uuid) -> Result<Option<Pki>, StoreError> {
        let sql = "SELECT id, display_name, modified_at FROM idp_pki WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0.query_one(sql, &[bytes(id)]).await?.map(pki).transpose()
    }

    /// Writes one, in the place of an earlier one with its id.
    pub async fn put(&mut self, pki: &Pki) -> Result<(), StoreError> {
        seen(self.0, Subject::Pki(pki.id)).await?;
        let sql = "INSERT INTO idp_pki ({i.col}tenant, id, display_name, modified_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3) ON CONFLICT ({i.col}tenant, id)
                   DO UPDATE SET display_name = excluded.display_name, modified_at = excluded.modified_at";
        let values = [bytes(pki.id), (&pki.display_name).into(), pki.modified_at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Removes one. False when there is none.
    pub async fn remove(&mut self, id: Uuid) -> Result<bool, StoreError> {
        seen(self.0, Subject::Pki(id)).await?;
        let sql = "DELETE FROM idp_pki WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[bytes(id)]).await? > 0)
    }

    /// Every authority, in order of id.
    pub async fn list_authorities(&mut self) -> Result<Vec<TrustedAuthority>, StoreError> {
        let sql = format!("SELECT {AUTHORITY} FROM idp_authority WHERE {{i.is}}tenant = :tenant ORDER BY id");
        self.0.query(&sql, &[]).await?.into_iter().map(authority).collect()
    }

    /// One of them.
    pub async fn find_authority(&mut self, id: Uuid) -> Result<Option<TrustedAuthority>, StoreError> {
        let sql = format!("SELECT {AUTHORITY} FROM idp_authority WHERE {{i.is}}tenant = :tenant AND id = ?1");
        self.0.query_one(&sql, &[bytes(id)]).await?.map(authority).transpose()
    }

    /// Writes one, in the place of an earlier one with its id.
    pub async fn put_authority(&mut self, trusted: &TrustedAuthority) -> Result<(), StoreError> {
        seen(self.0, Subject::Authority(trusted.id)).await?;
        let sql =
            "INSERT INTO idp_authority ({i.col}tenant, id, pki, certificate, list_url, hint, grace_hours, created_at, delta_url)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT ({i.col}tenant, id)
                   DO UPDATE SET certificate = excluded.certificate, list_url = excluded.list_url, hint = excluded.hint,
                   grace_hours = excluded.grace_hours, delta_url = excluded.delta_url";
        let values = [
            bytes(trusted.id),
            bytes(trusted.pki),
            trusted.authority.der().into(),
            trusted.list_url.clone().into(),
            trusted.is_hint_enabled.into(),
            trusted.grace_hours.into(),
            trusted.created_at.into(),
            trusted.delta_url.clone().into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Removes one.
    pub async fn remove_authority(&mut self, id: Uuid) -> Result<(), StoreError> {
        seen(self.0, Subject::Authority(id)).await?;
        let sql = "DELETE FROM idp_authority WHERE {i.is}tenant = :tenant AND id = ?1";
        self.0.execute(sql, &[bytes(id)]).await.map(drop)
    }
}

fn pki(mut row: Row) -> Result<Pki, StoreError> {
    let id: Vec<u8> = row.take(0)?;
    Ok(Pki {
        id: super::uuid(&id, "idp_pki.id")?,
        display_name: row.take(1)?,
        modified_at: row.take(2)?,
    })
}

fn authority(mut row: Row) -> Result<TrustedAuthority, StoreError> {
    let (id, pki, certificate): (Vec<u8>, Vec<u8>, Vec<u8>) = (row.take(0)?, row.take(1)?, row.take(2)?);
    let unreadable = |_| StoreError::Inconsistent("idp_authority.certificate cannot be read".to_owned());
    Ok(TrustedAuthority {
        id: super::uuid(&id, "idp_authority.id")?,
        pki: super::uuid(&pki, "idp_authority.pki")?,
        authority: Authority::from_der(&certificate).map_err(unreadable)?,
        list_url: row.take(3)?,
        is_hint_enabled: row.take(4)?,
        grace_hours: row.take(5)?,
        created_at: row.take(6)?,
        delta_url: row.take(7)?,
    })
}

/// The revocation lists of a tenant's authorities, of one kind.
pub struct RevocationLists<'t, 'e>(pub &'t mut Tx<'e>, pub ListKind);

impl RevocationLists<'_, '_> {
    const fn table(&self) -> &'static str {
        match self.1 {
            ListKind::Whole => "idp_crl",
            ListKind::Delta => "idp_delta_crl",
        }
    }

    /// What is known of that of an authority.
    pub async fn find(&mut self, authority: Uuid) -> Result<Option<ListRow>, StoreError> {
        let sql = format!(
            "SELECT digest, this_update, next_update, stored_at, uploaded, revoked FROM {}
             WHERE {{i.is}}tenant = :tenant AND authority = ?1",
            self.table()
        );
        let Some(mut row) = self.0.query_one(&sql, &[bytes(authority)]).await? else {
            return Ok(None);
        };
        let is_uploaded: bool = row.take(4)?;
        Ok(Some(ListRow {
            digest: super::key(row.take(0)?, "idp_crl.digest")?,
            this_update: row.take(1)?,
            next_update: row.take(2)?,
            stored_at: row.take::<Timestamp>(3)?,
            source: if is_uploaded {
                ListSource::Uploaded
            } else {
                ListSource::Fetched
            },
            revoked: row.take(5)?,
        }))
    }

    /// Its content.
    pub async fn content(&mut self, authority: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = format!(
            "SELECT content FROM {} WHERE {{i.is}}tenant = :tenant AND authority = ?1",
            self.table()
        );
        let row = self.0.query_one(&sql, &[bytes(authority)]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Writes one, in the place of the one before.
    pub async fn put(&mut self, authority: Uuid, list: &ListRow, content: &[u8]) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO {} ({{i.col}}tenant, authority, digest, this_update, next_update, stored_at, uploaded,
             revoked, content) VALUES ({{i.val}}:tenant, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT ({{i.col}}tenant, authority) DO UPDATE SET digest = excluded.digest,
             this_update = excluded.this_update, next_update = excluded.next_update,
             stored_at = excluded.stored_at, uploaded = excluded.uploaded, revoked = excluded.revoked,
             content = excluded.content",
            self.table()
        );
        let values = [
            bytes(authority),
            list.digest.to_vec().into(),
            list.this_update.into(),
            list.next_update.into(),
            list.stored_at.into(),
            (list.source == ListSource::Uploaded).into(),
            list.revoked.into(),
            content.into(),
        ];
        self.0.execute(&sql, &values).await.map(drop)
    }

    /// Removes that of an authority.
    pub async fn remove(&mut self, authority: Uuid) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM {} WHERE {{i.is}}tenant = :tenant AND authority = ?1",
            self.table()
        );
        self.0.execute(&sql, &[bytes(authority)]).await.map(drop)
    }
}
