//! What changed, in order: what a reader who knows the directory as it was has to read again.
//!
//! Each change of a tenant takes the next number of that tenant, in its transaction: what is committed later has a
//! greater one, in whichever process. Only the last change of an object is kept.

use hygie_core::ObjectId;
use hygie_store::{Row, StoreError, Tx};

/// The changes of a tenant.
pub struct Changes<'t, 'e>(pub &'t mut Tx<'e>);

/// Kinds of objects whose changes are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// People.
    Users,
    /// Groups, with who is in them.
    Groups,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is there, and may look different.
    Different,
    /// It was deleted, and can be restored.
    Deleted,
    /// It was deleted for good.
    Forgotten,
}

/// The last change of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub number: i64,
    /// The object.
    pub object: ObjectId,
    /// What became of it.
    pub became: Became,
}

impl Changes<'_, '_> {
    /// The number of the last change; 0 before the first.
    pub async fn last(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT number FROM idp_change_count WHERE {i.is}tenant = :tenant";
        let row = self.0.query_one(sql, &[]).await?;
        row.map_or(Ok(0), |mut row| row.take(0))
    }

    /// Notes a change.
    pub async fn insert(&mut self, kind: Followed, object: ObjectId, became: Became) -> Result<(), StoreError> {
        let sql = "UPDATE idp_change_count SET number = number + 1 WHERE {i.is}tenant = :tenant";
        if self.0.execute(sql, &[]).await? == 0 {
            let sql = "INSERT INTO idp_change_count ({i.col}tenant, number) VALUES ({i.val}:tenant, 1)";
            self.0.execute(sql, &[]).await?;
        }
        let number = self.last().await?;
        let sql = "INSERT INTO idp_change ({i.col}tenant, kind, object, number, became)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)
                   ON CONFLICT ({i.col}tenant, kind, object) DO UPDATE SET number = ?3, became = ?4";
        let values = [code(kind).into(), object.into(), number.into(), became.code().into()];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// The changes after this number, in their order; at most `limit`.
    pub async fn page(&mut self, kind: Followed, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        let sql = "SELECT number, object, became FROM idp_change
                   WHERE {i.is}tenant = :tenant AND kind = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
        let rows = self
            .0
            .query(sql, &[code(kind).into(), after.into(), limit.into()])
            .await?;
        rows.into_iter().map(change).collect()
    }
}

const fn code(kind: Followed) -> i64 {
    match kind {
        Followed::Users => 1,
        Followed::Groups => 2,
    }
}

impl Became {
    const fn code(self) -> i64 {
        match self {
            Self::Different => 0,
            Self::Deleted => 1,
            Self::Forgotten => 2,
        }
    }
}

fn change(mut row: Row) -> Result<Change, StoreError> {
    Ok(Change {
        number: row.take(0)?,
        object: row.take(1)?,
        became: match row.take::<i64>(2)? {
            0 => Became::Different,
            1 => Became::Deleted,
            _ => Became::Forgotten,
        },
    })
}
