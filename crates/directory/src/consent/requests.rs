//! Requests to administrators: where a tenant says so, who cannot consent asks who can, and is told what came of it.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow>

use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory_store::{AskedConsent, ConsentRequestStatus, RequestedPermissions};
use hygie_policy::Patch;
use hygie_policy::consent::ConsentRequestPolicy;
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use super::{ForWhom, Permissions};
use crate::admin::new_uuid;
use crate::conditional::{AccessRules, ConditionalError};
use crate::repo::ConsentRequests;
use crate::{Directory, DirectoryError};

/// Requests of one person that are awaited at once.
const MOST_OF_PERSON: usize = 20;
/// Requests of a tenant.
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
        if reason.is_empty() || reason.chars().count() > MAX_WORDS || reason.contains(char::is_control) {
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
                let is_full = ConsentRequests(tx).count().await? >= i64::from(MAX_CONSENT_REQUESTS);
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
        let is_text = |text: &String| text.chars().count() <= MAX_WORDS && !text.contains(char::is_control);
        if !justification.iter().all(is_text) {
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
            let permissions = asked.permissions.into_iter().map(of).collect();
            return self
                .consent_saying(cx, asked.app, (ForWhom::Everybody, permissions), justification)
                .await
                .map(drop);
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

/// Answers the requests for an application that a consent for everybody covers, with words for who asked.
pub(super) async fn answer(
    tx: &mut Tx<'_>,
    app: AppId,
    (given, words): (&[RequestedPermissions], Option<&str>),
) -> Result<(), StoreError> {
    let now = tx.cx().now;
    for asked in ConsentRequests(tx).list_awaited(app).await? {
        let is_given = |wanted: &RequestedPermissions| {
            let mut of = given.iter().filter(|one| one.resource == wanted.resource);
            of.any(|one| wanted.scopes.iter().all(|scope| one.scopes.contains(scope)))
        };
        if asked.permissions.iter().all(is_given) {
            let said = (ConsentRequestStatus::Approved, words);
            ConsentRequests(tx).decide(asked.id, said, now + TOLD).await?;
        }
    }
    Ok(())
}
