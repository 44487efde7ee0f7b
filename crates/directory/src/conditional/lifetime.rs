//! How long sessions live in a tenant: one document beside the policies, which every sign-in reads with them.

use hygie_core::Cx;
use hygie_policy::Patch;
use hygie_policy::json::Member;
use hygie_policy::lifetime::SessionLifetime;
use hygie_store::audit::Record;
use serde_json::Value;

use super::{AccessRules, ConditionalError};
use crate::Directory;
use crate::repo::{DocumentRow, Documents};

/// Its kind, and its one id.
pub(super) const KIND: &str = "sessionLifetime";

impl Directory {
    /// Changes in part how long sessions of the context's tenant live, and tells what holds. It counts for those that are open.
    pub async fn change_session_lifetime(&self, cx: &Cx, change: Value) -> Result<SessionLifetime, ConditionalError> {
        let record = Record::success(cx, "idp.sessionlifetime.update", format!("tenant/{}", cx.tenant));
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let before = AccessRules::load(tx).await?.lifetime;
                let after = before.patched(change)?;
                after.check()?;
                if after != before {
                    let row = DocumentRow {
                        kind: KIND.to_owned(),
                        id: KIND.to_owned(),
                        document: after.write().to_string(),
                    };
                    Documents(tx).put(&row).await?;
                    tx.audit(record).await?;
                }
                Ok(after)
            })
        })
        .await
    }
}
