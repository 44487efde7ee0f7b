//! The publishers of a tenant that the operator of this installation vouches for.

use hygie_core::Timestamp;
use hygie_store::{StoreError, Tx};

/// The verified publishers of a tenant.
pub struct Publishers<'t, 'e>(pub &'t mut Tx<'e>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// Its id, as the operator knows it.
    pub id: String,
    /// Its name.
    pub display_name: String,
}

impl Publishers<'_, '_> {
    /// The publisher with this id.
    pub async fn find(&mut self, id: &str) -> Result<Option<Publisher>, StoreError> {
        let sql = "SELECT id, display_name FROM idp_publisher WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[id.into()]).await?;
        row.map(|mut row| {
            Ok(Publisher {
                id: row.take(0)?,
                display_name: row.take(1)?,
            })
        })
        .transpose()
    }

    /// Writes one; another name replaces the earlier one.
    pub async fn put(&mut self, publisher: &Publisher, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_publisher ({i.col}tenant, id, display_name, created_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)
                   ON CONFLICT ({i.col}tenant, id) DO UPDATE SET display_name = excluded.display_name";
        let values = [(&publisher.id).into(), (&publisher.display_name).into(), at.into()];
        self.0.execute(sql, &values).await.map(drop)
    }
}
