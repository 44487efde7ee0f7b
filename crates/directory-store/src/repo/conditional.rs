//! What conditional access decides by, as documents: policies, named locations, strengths, authentication contexts.

use hygie_store::{StoreError, Tx};

use crate::logs::{Subject, seen};

/// The documents of a tenant.
pub struct Documents<'t, 'e>(pub &'t mut Tx<'e>);

/// A document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// What it is.
    pub kind: String,
    /// Its id, among those of its kind.
    pub id: String,
    /// Its JSON.
    pub document: String,
}

impl Documents<'_, '_> {
    /// All of them, in order of kind and id.
    pub async fn list(&mut self) -> Result<Vec<DocumentRow>, StoreError> {
        let sql = "SELECT kind, id, document FROM idp_conditional WHERE {i.is}tenant = :tenant ORDER BY kind, id";
        let rows = self.0.query(sql, &[]).await?;
        let row = |mut row: hygie_store::Row| {
            Ok(DocumentRow {
                kind: row.take(0)?,
                id: row.take(1)?,
                document: row.take(2)?,
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// The one of this kind and id.
    pub async fn find(&mut self, kind: &str, id: &str) -> Result<Option<DocumentRow>, StoreError> {
        let sql = "SELECT document FROM idp_conditional WHERE {i.is}tenant = :tenant AND kind = ?1 AND id = ?2";
        let row = self.0.query_one(sql, &[kind.into(), id.into()]).await?;
        let found = |mut row: hygie_store::Row| {
            Ok(DocumentRow {
                kind: kind.to_owned(),
                id: id.to_owned(),
                document: row.take(0)?,
            })
        };
        row.map(found).transpose()
    }

    /// Writes one, in the place of an earlier one with its kind and id.
    pub async fn put(&mut self, row: &DocumentRow) -> Result<(), StoreError> {
        seen(self.0, Subject::Rule(row.kind.clone(), row.id.clone())).await?;
        let sql = "INSERT INTO idp_conditional ({i.col}tenant, kind, id, document) VALUES ({i.val}:tenant, ?1, ?2, ?3)
                   ON CONFLICT ({i.col}tenant, kind, id) DO UPDATE SET document = excluded.document";
        let values = [(&row.kind).into(), (&row.id).into(), (&row.document).into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Removes one. False when there is none.
    pub async fn remove(&mut self, kind: &str, id: &str) -> Result<bool, StoreError> {
        seen(self.0, Subject::Rule(kind.to_owned(), id.to_owned())).await?;
        let sql = "DELETE FROM idp_conditional WHERE {i.is}tenant = :tenant AND kind = ?1 AND id = ?2";
        Ok(self.0.execute(sql, &[kind.into(), id.into()]).await? > 0)
    }
}
