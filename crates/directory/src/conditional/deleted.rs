//! What was removed of conditional access and can be brought back for thirty days: policies and named locations, kept beside
//! the deleted objects of the directory. <https://learn.microsoft.com/graph/api/resources/policydeletableitem>

use hygie_core::{Cx, ObjectId, Timestamp};
use hygie_policy::json::read;
use hygie_store::{StoreError, Tx};

use super::ConditionalError;
use super::kept::Kept;
use crate::admin::{KEPT, forget, keep_row};
use crate::repo::{Deleted, DeletedRow};
use crate::{Cursor, Directory};

/// Removed ones of a kind that are kept.
const MAX_REMOVED: u32 = 200;
/// What is beyond that and goes at once; by one removal it is one.
const SWEPT: u32 = 20;

impl Directory {
    /// A page of the removed ones of a kind, in order of id, with the instants of their removal.
    pub async fn page_deleted_rules<T: Kept>(
        &self,
        cx: &Cx,
        at: Cursor,
    ) -> Result<Vec<(ObjectId, T, Timestamp)>, StoreError> {
        let Some(kind) = T::DELETED else { return Ok(Vec::new()) };
        let rows = self
            .store()
            .read(cx, at, move |at, tx| {
                Box::pin(async move {
                    let since = tx.cx().now - KEPT;
                    Deleted(tx).page(kind, since, (at.after, at.limit)).await
                })
            })
            .await?;
        rows.iter()
            .map(|row| Ok((row.id, content(row)?, row.deleted_at)))
            .collect()
    }

    /// A removed one, with the instant of its removal.
    pub async fn find_deleted_rule<T: Kept>(&self, cx: &Cx, key: &str) -> Result<Option<(T, Timestamp)>, StoreError> {
        let key = key.to_owned();
        let row = self
            .store()
            .read(cx, key, |key, tx| Box::pin(async move { find::<T>(key, tx).await }))
            .await?;
        row.map(|row| Ok((content(&row)?, row.deleted_at))).transpose()
    }

    /// Forgets a removed one for good.
    pub async fn forget_rule<T: Kept>(&self, cx: &Cx, key: &str) -> Result<(), ConditionalError> {
        self.change(cx, key.to_owned(), |key, tx| {
            Box::pin(async move {
                let row = find::<T>(key, tx).await?;
                let row = row.ok_or_else(|| ConditionalError::NotFound(key.clone()))?;
                Ok(forget(tx, &row).await?)
            })
        })
        .await
    }
}

/// Keeps what is removed, where it is of a kind that can be brought back.
pub(super) async fn keep<T: Kept>(removed: &T, tx: &mut Tx<'_>) -> Result<(), ConditionalError> {
    let id = removed.key().and_then(|key| key.parse().ok());
    let (Some(kind), Some(id)) = (T::DELETED, id) else {
        return Ok(());
    };
    let row = DeletedRow {
        id,
        kind: kind.to_owned(),
        content: removed.write().to_string(),
        password: None,
        deleted_at: tx.cx().now,
    };
    keep_row(tx, &row).await?;
    // Making and removing policies again and again fills nothing up.
    for old in Deleted(tx).list_beyond(kind, MAX_REMOVED, SWEPT).await? {
        forget(tx, &old).await?;
    }
    Ok(())
}

/// Takes a removed one from what is kept, to bring it back.
pub(super) async fn take<T: Kept>(key: &str, tx: &mut Tx<'_>) -> Result<T, ConditionalError> {
    let row = find::<T>(key, tx).await?;
    let row = row.ok_or_else(|| ConditionalError::NotFound(key.to_owned()))?;
    Deleted(tx).remove(row.id).await?;
    Ok(content(&row)?)
}

async fn find<T: Kept>(key: &str, tx: &mut Tx<'_>) -> Result<Option<DeletedRow>, StoreError> {
    let id: Option<ObjectId> = key.parse().ok();
    let (Some(kind), Some(id)) = (T::DELETED, id) else {
        return Ok(None);
    };
    let since = tx.cx().now - KEPT;
    let row = Deleted(tx).find(id, since).await?;
    Ok(row.filter(|row| row.kind == kind))
}

fn content<T: Kept>(row: &DeletedRow) -> Result<T, StoreError> {
    let unreadable = || StoreError::Inconsistent("idp_deleted.content cannot be read".to_owned());
    let value = serde_json::from_str(&row.content).map_err(|_| unreadable())?;
    read(&value).map_err(|_| unreadable())
}
