//! The security defaults: what a tenant without policies of its own may decide by.
//! <https://learn.microsoft.com/graph/api/resources/identitysecuritydefaultsenforcementpolicy>

use hygie_core::Cx;
use hygie_store::audit::Record;

use super::{AccessRules, ConditionalError};
use crate::repo::{DocumentRow, Documents};
use crate::{Directory, Enabled};

/// They are on where there is a row.
pub(super) struct SecurityDefaults;

impl SecurityDefaults {
    /// Its kind, and its one id.
    pub(super) const KIND: &'static str = "securityDefaults";
}

impl Directory {
    /// Switches the security defaults of the context's tenant. They and an enforced policy of its own exclude each other.
    pub async fn set_security_defaults(&self, cx: &Cx, state: Enabled) -> Result<(), ConditionalError> {
        let action = match state {
            Enabled::Yes => "idp.securitydefaults.enable",
            Enabled::No => "idp.securitydefaults.disable",
        };
        let record = Record::success(cx, action, format!("tenant/{}", cx.tenant));
        self.change(cx, (state, record), |(state, record), tx| {
            Box::pin(async move {
                let enabled = AccessRules::load(tx).await?.enabled();
                let row = DocumentRow {
                    kind: SecurityDefaults::KIND.to_owned(),
                    id: SecurityDefaults::KIND.to_owned(),
                    document: "{}".to_owned(),
                };
                match state {
                    Enabled::Yes if !enabled.is_empty() => return Err(ConditionalError::PoliciesEnabled(enabled)),
                    Enabled::Yes => Documents(tx).put(&row).await?,
                    Enabled::No => drop(Documents(tx).remove(&row.kind, &row.id).await?),
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}
