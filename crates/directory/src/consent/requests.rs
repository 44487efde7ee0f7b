//! Requests to administrators: where a tenant says so, who cannot consent asks who can, and is told what came of it.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow>

use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory_store::{AskedConsent, ConsentRequestStatus, RequestedPermissions, is_unseen};
use hygie_policy::Patch;
use hygie_policy::consent::ConsentRequestPolicy;
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use super::{ForWhom, Permissions};
use crate::admin::new_uuid;
use crate::conditional::{AccessRules, ConditionalError};
use crate::repo::{ConsentRequests, Grants, Principals, Users};
use crate::{Directory, DirectoryError};

/// Requests of one person that are awaited at once.
const MOST_OF_PERSON: usize = 20;
/// Requests of a tenant that are awaited at once.
pub const MAX_CONSENT_REQUESTS: u32 = 1_000;
/// Signs of a reason, and of a justification.
const MAX_WORDS: usize = 500;
/// How long what was decided is told.
const TOLD: Duration = Duration::from_hours(24 * 30);

/// What a person asks for.
#[derive(Clone, Debug)]
pub struct NewConsentRequest {
    /// The application.
    pub app: AppId,
    /// What it is called.
    pub app_display_name: String,
    /// Who asks.
    pub user: ObjectId,
    /// For what.
    pub permissions: Vec<RequestedPermissions>,
    /// Why.
    pub reason: String,
}

/// What an administrator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDecision {
    /// It is consented to, for everybody.
    Approve,
    /// It is not.
    Deny,
}

impl Directory {
    /// Changes whether people may ask, and how long they wait.
    pub async fn change_consent_request_policy(
        &self,
        cx: &Cx,
        change: Value,
    ) -> Result<ConsentRequestPolicy, ConditionalError> {
        let record = Record::success(cx, "idp.consent.policy", "adminConsentRequestPolicy");
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let before = AccessRules::load(tx).await?.consent_requests;
                let after = before.patched(change)?;
                after.check()?;
                if after != before {
                    crate::conditional::put_consent_requests(tx, &after).await?;
                    tx.audit(record).await?;
                }
                Ok(after)
            })
        })
        .await
    }

    /// Asks administrators for a person. The request that the person made for the same application before goes.
    pub async fn ask_for_consent(&self, cx: &Cx, new: NewConsentRequest) -> Result<(), DirectoryError> {
        let rules = self.access_rules(cx).await?;
        if !rules.consent_requests.is_enabled {
            return Err(DirectoryError::Fixed("consent"));
        }
        let reason = new.reason.trim();
        if reason.is_empty() || !are_words(reason) {
            return Err(DirectoryError::Value("reason"));
        }
        let asked = AskedConsent {
            id: ObjectId::from_uuid(new_uuid(cx)),
            app: new.app,
            app_display_name: new.app_display_name,
            user: new.user,
            permissions: new.permissions,
            reason: reason.to_owned(),
            status: ConsentRequestStatus::Awaited,
            justification: None,
            created_at: cx.now,
            ends_at: cx.now + rules.consent_requests.duration(),
        };
        let record = Record::success(cx, "idp.consent.ask", format!("app/{}", asked.app));
        self.change(cx, (asked, record), |(asked, record), tx| {
            Box::pin(async move {
                let own = ConsentRequests(tx).list_of(asked.user).await?;
                let is_awaited =
                    |one: &&AskedConsent| one.status == ConsentRequestStatus::Awaited && one.app != asked.app;
                let others = ConsentRequests(tx)
                    .count_awaited_beside((asked.user, asked.app))
                    .await?;
                let is_full = others >= i64::from(MAX_CONSENT_REQUESTS);
                if is_full || own.iter().filter(is_awaited).count() >= MOST_OF_PERSON {
                    return Err(DirectoryError::Fixed("consent"));
                }
                ConsentRequests(tx).put(asked).await?;
                Ok(tx.audit(record).await?)
            })
        })
        .await
    }

    /// The requests of the context's tenant that have not ended, the oldest first.
    pub async fn consent_requests(&self, cx: &Cx) -> Result<Vec<AskedConsent>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move { ConsentRequests(tx).list(MAX_CONSENT_REQUESTS).await })
            })
            .await
    }

    /// Those of a person.
    pub async fn own_consent_requests(&self, cx: &Cx, user: ObjectId) -> Result<Vec<AskedConsent>, StoreError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move { ConsentRequests(tx).list_of(*user).await })
            })
            .await
    }

    /// Decides a request. What is approved is given to the application for everybody, and answers all requests that it covers.
    pub async fn decide_consent_request(
        &self,
        cx: &Cx,
        id: ObjectId,
        (decision, justification): (ConsentDecision, Option<String>),
    ) -> Result<(), DirectoryError> {
        if !justification.iter().all(|text| are_words(text)) {
            return Err(DirectoryError::Value("justification"));
        }
        let all = self.consent_requests(cx).await?;
        let is_it = |one: &AskedConsent| one.id == id && one.status == ConsentRequestStatus::Awaited;
        let asked = all.into_iter().find(is_it);
        let asked = asked.ok_or(DirectoryError::NotFound("consent request"))?;
        if decision == ConsentDecision::Approve {
            let of = |asked: RequestedPermissions| Permissions {
                resource: asked.resource,
                scopes: asked.scopes,
                roles: Vec::new(),
            };
            let wanted = (ForWhom::Everybody, asked.permissions.into_iter().map(of).collect());
            let request = Approved {
                id,
                user: asked.user,
                app: asked.app,
                justification,
            };
            return self.consent_to(cx, asked.app, wanted, Some(request)).await.map(drop);
        }
        let record = Record::success(cx, "idp.consent.deny", format!("app/{}", asked.app));
        self.change(cx, (id, justification, record), |(id, justification, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let said = (ConsentRequestStatus::Denied, justification.as_deref());
                if !ConsentRequests(tx).decide(*id, said, now + TOLD).await? {
                    return Err(DirectoryError::NotFound("consent request"));
                }
                Ok(tx.audit(record).await?)
            })
        })
        .await
    }
}

/// A request that an administrator says yes to.
#[derive(Clone)]
pub(super) struct Approved {
    id: ObjectId,
    user: ObjectId,
    app: AppId,
    pub(super) justification: Option<String>,
}

/// Decides it, if it is still awaited by somebody who is still there.
pub(super) async fn approve(tx: &mut Tx<'_>, request: &Approved) -> Result<(), DirectoryError> {
    let gone = DirectoryError::NotFound("consent request");
    let asking = Users(tx).find(request.user).await?;
    if !asking.is_some_and(|user| user.is_enabled) {
        return Err(gone);
    }
    let said = (ConsentRequestStatus::Approved, request.justification.as_deref());
    let told_until = tx.cx().now + TOLD;
    if !ConsentRequests(tx).decide(request.id, said, told_until).await? {
        return Err(gone);
    }
    let record = Record::success(tx.cx(), "idp.consent.approve", format!("app/{}", request.app));
    Ok(tx.audit(&record).await?)
}

/// Answers the requests for an application that are covered by what everybody may have it do by now, with words for who asked.
pub(crate) async fn answer(
    tx: &mut Tx<'_>,
    (client, app): (ObjectId, AppId),
    words: Option<&str>,
) -> Result<(), StoreError> {
    let told_until = tx.cx().now + TOLD;
    for asked in ConsentRequests(tx).list_awaited(app).await? {
        let mut is_covered = true;
        for wanted in &asked.permissions {
            let granted = match Principals(tx).find_by_app(wanted.resource).await? {
                Some(resource) => Grants(tx).list_scopes_of_everybody(client, resource.id).await?,
                None => Vec::new(),
            };
            is_covered &= wanted.scopes.iter().all(|scope| granted.contains(scope));
        }
        if is_covered {
            let said = (ConsentRequestStatus::Approved, words);
            ConsentRequests(tx).decide(asked.id, said, told_until).await?;
        }
    }
    Ok(())
}

/// Words that are shown as they are, and not too many.
fn are_words(text: &str) -> bool {
    let is_shown = |c: char| !c.is_control() && !is_unseen(c) && !matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().count() <= MAX_WORDS && text.chars().all(is_shown)
}
