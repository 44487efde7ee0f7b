//! Users and groups in the order of their names.

use hygie_core::ObjectId;
use hygie_store::{StoreError, Tx, Value, successor};

use crate::user::name_key;

/// Rows that are completed at once.
const CHUNK: u32 = 500;

/// A place in the order by name: what is equal in it is in the order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name without case.
    pub key: Vec<u8>,
    /// Whose it is.
    pub id: ObjectId,
}

/// A stretch of the order by name.
#[derive(Clone, Debug, Default)]
pub struct ByName {
    /// What comes after this place, in the direction of the order; everything without one.
    pub after: Option<Place>,
    /// Names that begin with this text, without case.
    pub prefix: String,
    /// Whether the last comes first.
    pub is_descending: bool,
    /// Objects at most.
    pub limit: u32,
}

impl ByName {
    /// What follows the condition on the tenant, and its values.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let (mut sql, mut values) = (String::new(), Vec::<Value>::new());
        let mut add = |text: &str, value: Value| {
            values.push(value);
            sql.push_str(&text.replace("??", &format!("?{}", values.len())));
        };
        let prefix = name_key(&self.prefix);
        let (beyond, way) = if self.is_descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        if !prefix.is_empty() {
            add(" AND name_key >= ??", (&prefix).into());
            add(" AND name_key < ??", successor(&prefix).into());
        }
        if let Some(place) = &self.after {
            // The first condition is the one that an index walks by.
            add(&format!(" AND name_key {beyond}= ??"), (&place.key).into());
            add(&format!(" AND (name_key {beyond} ??"), (&place.key).into());
            add(&format!(" OR id {beyond} ??)"), place.id.into());
        }
        add(
            &format!(" ORDER BY name_key {way}, id {way} LIMIT ??"),
            self.limit.into(),
        );
        (sql, values)
    }
}

/// Completes the rows that a release without keys of names wrote, a part of them. False when there was nothing to do.
pub async fn complete(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let mut is_more = false;
    for table in ["idp_user", "idp_group"] {
        let sql = format!(
            "SELECT id, display_name FROM {table} WHERE {{i.is}}tenant = :tenant AND name_key IS NULL LIMIT ?1"
        );
        for mut row in tx.query(&sql, &[CHUNK.into()]).await? {
            let (id, name): (ObjectId, String) = (row.take(0)?, row.take(1)?);
            let sql = format!("UPDATE {table} SET name_key = ?2 WHERE {{i.is}}tenant = :tenant AND id = ?1");
            tx.execute(&sql, &[id.into(), name_key(&name).into()]).await?;
            is_more = true;
        }
    }
    Ok(is_more)
}
