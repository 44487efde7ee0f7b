//! When people signed in last, by the way they did.

use std::collections::HashMap;

use hygie_core::{ObjectId, Timestamp};
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use crate::SignInEntry;

/// The last sign-ins of the people of a tenant.
pub struct Activities<'t, 'e>(pub &'t mut Tx<'e>);

/// A sign-in: when, and its entry in the log.
pub type LastSignIn = (Timestamp, Uuid);

/// The last sign-ins of somebody (`signInActivity`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignInActivity {
    /// The last attempt where the person was there.
    pub interactive: Option<LastSignIn>,
    /// The last by a program for them.
    pub non_interactive: Option<LastSignIn>,
    /// The last that succeeded.
    pub successful: Option<LastSignIn>,
}

const INTERACTIVE: i64 = 1;
const NON_INTERACTIVE: i64 = 2;
const SUCCESSFUL: i64 = 3;

impl Activities<'_, '_> {
    /// Notes a sign-in.
    pub async fn note(&mut self, entry: &SignInEntry) -> Result<(), StoreError> {
        let way = if entry.is_interactive {
            INTERACTIVE
        } else {
            NON_INTERACTIVE
        };
        let rows = if entry.error_code == 0 {
            "({i.val}:tenant, ?1, ?2, ?3, ?4), ({i.val}:tenant, ?1, ?5, ?3, ?4)"
        } else {
            "({i.val}:tenant, ?1, ?2, ?3, ?4)"
        };
        let sql = format!(
            "INSERT INTO idp_sign_in_activity ({{i.col}}tenant, user_id, kind, at, entry) VALUES {rows}
             ON CONFLICT ({{i.col}}tenant, user_id, kind) DO UPDATE SET at = excluded.at, entry = excluded.entry"
        );
        let mut values = vec![
            entry.user.into(),
            way.into(),
            entry.at.into(),
            entry.id.as_bytes().to_vec().into(),
        ];
        if entry.error_code == 0 {
            values.push(SUCCESSFUL.into());
        }
        self.0.execute(&sql, &values).await.map(drop)
    }

    /// Those of each of these people who ever signed in; as many as one statement looks for.
    pub async fn list_of(&mut self, users: &[ObjectId]) -> Result<HashMap<ObjectId, SignInActivity>, StoreError> {
        let mut all: HashMap<ObjectId, SignInActivity> = HashMap::new();
        if users.is_empty() {
            return Ok(all);
        }
        let list = super::placeholders(users.len());
        let sql = format!(
            "SELECT user_id, kind, at, entry FROM idp_sign_in_activity
             WHERE {{i.is}}tenant = :tenant AND user_id IN ({list})"
        );
        for mut row in self.0.query(&sql, &super::ids(users)).await? {
            let activity = all.entry(row.take(0)?).or_default();
            let entry = super::uuid(&row.take::<Vec<u8>>(3)?, "idp_sign_in_activity.entry")?;
            let last = Some((row.take(2)?, entry));
            match row.take::<i64>(1)? {
                INTERACTIVE => activity.interactive = last,
                NON_INTERACTIVE => activity.non_interactive = last,
                SUCCESSFUL => activity.successful = last,
                _ => {
                    return Err(StoreError::Inconsistent(
                        "idp_sign_in_activity.kind is not known".to_owned(),
                    ));
                }
            }
        }
        Ok(all)
    }

    /// Forgets those of somebody.
    pub async fn forget(&mut self, user: ObjectId) -> Result<(), StoreError> {
        let sql = "DELETE FROM idp_sign_in_activity WHERE {i.is}tenant = :tenant AND user_id = ?1";
        self.0.execute(sql, &[user.into()]).await.map(drop)
    }
}
