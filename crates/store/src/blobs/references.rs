//! The rows that make blobs part of the data.

use std::time::Duration;

use hygie_core::{TenantId, Timestamp};

use super::BlobId;
use crate::{Row, StoreError, Tx, Value};

/// The table of references. It is the store's own, so that what refers to a blob can be found without knowing the tables
/// of the services.
pub const TABLE: &str = "CREATE TABLE blob (
    {i.def}tenant {blob} NOT NULL,
    id {blob} NOT NULL,
    len {int} NOT NULL,
    stored_at {int} NOT NULL,
    PRIMARY KEY ({i.col}tenant, id)
) {clustered};";

/// How long after it was stored a blob may be referred to first. Far less than the grace of a sweep
/// ([`super::MIN_GRACE`]): a sweep never takes a blob that a transaction is about to refer to.
pub const REFER_WITHIN: Duration = Duration::from_hours(1);

/// References that [`References::page`] gives at a time.
const PAGE: i64 = 500;

/// What a row says of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Which blob.
    pub id: BlobId,
    /// Bytes of content.
    pub len: u64,
}

/// A blob that is durable and has no reference yet.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    pub(super) tenant: TenantId,
    pub(super) at: Timestamp,
    /// Its reference to be.
    pub reference: Reference,
}

/// The references of the transaction's tenant.
pub struct References<'t, 'e>(pub &'t mut Tx<'e>);

#[derive(Debug, thiserror::Error)]
#[error("the blob was stored too long ago to be referred to")]
struct TooLate;

impl References<'_, '_> {
    /// Makes a blob part of the data. To be done in the transaction that needs it, soon after it was stored.
    pub async fn insert(&mut self, stored: &Stored) -> Result<(), StoreError> {
        let cx = self.0.cx();
        if stored.tenant != cx.tenant {
            return Err(StoreError::Inconsistent("a blob of another tenant".to_owned()));
        }
        if cx.clock.now() > stored.at + REFER_WITHIN {
            return Err(StoreError::Unavailable(Some(Box::new(TooLate))));
        }
        let Reference { id, len } = stored.reference;
        let sql = "INSERT INTO blob ({i.col}tenant, id, len, stored_at) VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let values = [id.0.into(), Value::Int(len.cast_signed()), stored.at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The reference to this blob, if there is one.
    pub async fn find(&mut self, id: BlobId) -> Result<Option<Reference>, StoreError> {
        let sql = "SELECT len FROM blob WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.0.into()]).await?;
        row.map(|mut row| {
            Ok(Reference {
                id,
                len: len(&mut row, 0)?,
            })
        })
        .transpose()
    }

    /// Bytes of content of all blobs of the instance, whatever their tenant.
    pub async fn total(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(len), 0) AS {int}) FROM blob WHERE {i.is}len >= 0";
        let row = self.0.query_one(sql, &[]).await?;
        row.map_or(Ok(0), |mut row| len(&mut row, 0))
    }

    /// Takes a blob out of the data; tells whether it was part of them. [`super::Blobs::delete`] is for after the commit.
    pub async fn delete(&mut self, id: BlobId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM blob WHERE {i.is}tenant = :tenant AND id = ?1";
        Ok(self.0.execute(sql, &[id.0.into()]).await? > 0)
    }

    /// Whether a row of any tenant's refers to this blob.
    pub(super) async fn exists(&mut self, tenant: TenantId, id: BlobId) -> Result<bool, StoreError> {
        let sql = "SELECT len FROM blob WHERE {i.is}tenant = ?1 AND id = ?2";
        let row = self.0.query_one(sql, &[tenant.into(), id.0.into()]).await?;
        Ok(row.is_some())
    }

    /// References of all tenants in order, some at a time, after the one given.
    pub(super) async fn page(
        &mut self,
        after: Option<(TenantId, BlobId)>,
    ) -> Result<Vec<(TenantId, Reference)>, StoreError> {
        let sql = "SELECT tenant, id, len FROM blob WHERE {i.is}(tenant, id) > (?1, ?2) ORDER BY tenant, id LIMIT ?3";
        let (tenant, id) = match after {
            Some((tenant, id)) => (tenant.into(), id.0.into()),
            // No key is shorter.
            None => (Value::Blob(Vec::new()), Value::Blob(Vec::new())),
        };
        let rows = self.0.query(sql, &[tenant, id, Value::Int(PAGE)]).await?;
        rows.into_iter().map(reference).collect()
    }
}

fn reference(mut row: Row) -> Result<(TenantId, Reference), StoreError> {
    let id: Vec<u8> = row.take(1)?;
    let id = id.try_into().map_err(|_| inconsistent("id"))?;
    let reference = Reference {
        id: BlobId(id),
        len: len(&mut row, 2)?,
    };
    Ok((row.take(0)?, reference))
}

fn len(row: &mut Row, at: usize) -> Result<u64, StoreError> {
    row.take::<i64>(at)?.try_into().map_err(|_| inconsistent("len"))
}

fn inconsistent(column: &str) -> StoreError {
    StoreError::Inconsistent(format!("{column} of the table blob"))
}
