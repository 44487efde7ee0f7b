//! What changed of people's means of identification, as they are told it.

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{Row, StoreError, Tx};
use uuid::Uuid;

use super::Letters;
use crate::Matter;

/// The changes of a tenant's people.
pub struct Notices<'t, 'e>(pub &'t mut Tx<'e>);

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Its id.
    pub id: Uuid,
    /// Whose means.
    pub user: ObjectId,
    /// What changed, in a word.
    pub change: String,
    /// What the thing is called.
    pub about: String,
    /// Whether the person did it.
    pub is_own: bool,
    /// When.
    pub at: Timestamp,
}

impl Notices<'_, '_> {
    /// Keeps a change, no more than the last `kept` ones of the person, and writes to the person.
    pub async fn insert(&mut self, notice: &NoticeRow, kept: u32) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_notice ({i.col}tenant, user_id, id, change_word, about, own, at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6)";
        let values = [
            notice.user.into(),
            notice.id.into_bytes().into(),
            (&notice.change).into(),
            (&notice.about).into(),
            notice.is_own.into(),
            notice.at.into(),
        ];
        self.0.execute(sql, &values).await?;
        let sql = "DELETE FROM idp_notice WHERE {i.is}tenant = :tenant AND user_id = ?1 AND id NOT IN
                   (SELECT id FROM idp_notice WHERE {i.is}tenant = :tenant AND user_id = ?1 ORDER BY at DESC, id LIMIT ?2)";
        self.0.execute(sql, &[notice.user.into(), kept.into()]).await?;
        let matter = Matter::MeansChanged {
            change: notice.change.clone(),
            about: notice.about.clone(),
            is_own: notice.is_own,
        };
        Letters(self.0).to_person(notice.user, matter).await
    }

    /// The last changes of a person, the latest first.
    pub async fn list(&mut self, user: ObjectId, limit: u32) -> Result<Vec<NoticeRow>, StoreError> {
        let sql = "SELECT id, user_id, change_word, about, own, at FROM idp_notice
                   WHERE {i.is}tenant = :tenant AND user_id = ?1 ORDER BY at DESC, id LIMIT ?2";
        let rows = self.0.query(sql, &[user.into(), limit.into()]).await?;
        rows.into_iter().map(notice).collect()
    }
}

fn notice(mut row: Row) -> Result<NoticeRow, StoreError> {
    let id: Vec<u8> = row.take(0)?;
    Ok(NoticeRow {
        id: super::uuid(&id, "idp_notice.id")?,
        user: row.take(1)?,
        change: row.take(2)?,
        about: row.take(3)?,
        is_own: row.take(4)?,
        at: row.take(5)?,
    })
}
