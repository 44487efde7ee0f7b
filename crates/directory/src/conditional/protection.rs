//! What a tenant says about passwords and about claims: a document each beside the policies, read with them.

use hygie_core::Cx;
use hygie_policy::Patch;
use hygie_policy::consent::ConsentRequestPolicy;
use hygie_policy::json::Member;
use hygie_policy::protection::{SignInProtection, TokenClaims};
use hygie_store::Tx;
use hygie_store::audit::Record;
use serde_json::Value;

use super::{AccessRules, ConditionalError};
use crate::Directory;
use crate::repo::{DocumentRow, Documents};

/// The kind of the rules of passwords, and their one id.
pub(super) const PROTECTION: &str = "signInProtection";
/// The same of the claims.
pub(super) const CLAIMS: &str = "tokenClaims";

/// The same of requests to consent.
pub(super) const CONSENT_REQUESTS: &str = "consentRequests";

/// Writes what holds for requests to consent.
pub async fn put_consent_requests(tx: &mut Tx<'_>, policy: &ConsentRequestPolicy) -> Result<(), ConditionalError> {
    put(tx, CONSENT_REQUESTS, policy).await
}

impl Directory {
    /// Changes in part the rules of passwords of the context's tenant, and tells what holds.
    pub async fn change_sign_in_protection(
        &self,
        cx: &Cx,
        change: Value,
    ) -> Result<SignInProtection, ConditionalError> {
        let record = Record::success(cx, "idp.signinprotection.update", format!("tenant/{}", cx.tenant));
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let before = AccessRules::load(tx).await?.protection;
                let after = before.patched(change)?;
                after.check()?;
                if after != before {
                    put(tx, PROTECTION, &after).await?;
                    tx.audit(record).await?;
                }
                Ok(after)
            })
        })
        .await
    }

    /// Changes in part what tokens of version 2 tell in the context's tenant, and tells what holds.
    pub async fn change_token_claims(&self, cx: &Cx, change: Value) -> Result<TokenClaims, ConditionalError> {
        let record = Record::success(cx, "idp.tokenclaims.update", format!("tenant/{}", cx.tenant));
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let before = AccessRules::load(tx).await?.token_claims;
                let after = before.patched(change)?;
                if after != before {
                    put(tx, CLAIMS, &after).await?;
                    tx.audit(record).await?;
                }
                Ok(after)
            })
        })
        .await
    }
}

async fn put<T: Member>(tx: &mut Tx<'_>, kind: &str, document: &T) -> Result<(), ConditionalError> {
    let row = DocumentRow {
        kind: kind.to_owned(),
        id: kind.to_owned(),
        document: document.write().to_string(),
    };
    Ok(Documents(tx).put(&row).await?)
}
