//! Requests to administrators: where a tenant says so, who cannot consent asks who can, and is told what came of it.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow>

use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId};
use hygie_directory_store::{AskedConsent, ConsentRequestStatus, Matter, RequestedPermissions, is_unseen};
use hygie_policy::Patch;
use hygie_policy::consent::ConsentRequestPolicy;
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use super::{ForWhom, Permissions};
use crate::admin::new_uuid;
use crate::conditional::{AccessRules, ConditionalError};
use crate::repo::{ConsentRequests, Grants, Letters, Principals, Users};
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
        let tells = rules.consent_requests.tells_reviewers;
        self.change(cx, (asked, record), move |(asked, record), tx| {
            Box::pin(async move {
                let own = ConsentRequests(tx).list_of(asked.user).await?;
                let is_awaited = |one: &&AskedConsent| is_awaited_still(one) && one.app != asked.app;
                let others = ConsentRequests(tx)
                    .count_awaited_beside((asked.user, asked.app))
                    .await?;
                let is_full = others >= i64::from(MAX_CONSENT_REQUESTS);
                if is_full || own.iter().filter(is_awaited).count() >= MOST_OF_PERSON {
                    return Err(DirectoryError::Fixed("consent"));
                }
                let is_new = !own.iter().any(|one| one.app == asked.app && is_awaited_still(one));
                ConsentRequests(tx).put(asked).await?;
                if tells && is_new {
                    tell_reviewers(tx, asked).await?;
                }
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
        let is_it = |one: &AskedConsent| one.id == id && is_awaited_still(one);
        let asked = all.into_iter().find(is_it);
        let asked = asked.ok_or(DirectoryError::NotFound("consent request"))?;
        if decision == ConsentDecision::Approve {
            let of = |asked: RequestedPermissions| Permissions {
                resource: asked.resource,
                scopes: asked.scopes,
                roles: Vec::new(),
            };
            let wanted = (ForWhom::Everybody, asked.permissions.iter().cloned().map(of).collect());
            let app = asked.app;
            let request = Approved { asked, justification };
            return self.consent_to(cx, app, wanted, Some(request)).await.map(drop);
        }
        let record = Record::success(cx, "idp.consent.deny", format!("app/{}", asked.app));
        self.change(
            cx,
            (asked, justification, record),
            |(asked, justification, record), tx| {
                Box::pin(async move {
                    let said = (ConsentRequestStatus::Denied, justification.as_deref());
                    if !decide(tx, asked, said).await? {
                        return Err(DirectoryError::NotFound("consent request"));
                    }
                    Ok(tx.audit(record).await?)
                })
            },
        )
        .await
    }
}

/// A request that an administrator says yes to.
#[derive(Clone)]
pub(super) struct Approved {
    asked: AskedConsent,
    pub(super) justification: Option<String>,
}

/// Decides it, if it is still awaited by somebody who is still there.
pub(super) async fn approve(tx: &mut Tx<'_>, request: &Approved) -> Result<(), DirectoryError> {
    let gone = DirectoryError::NotFound("consent request");
    let asking = Users(tx).find(request.asked.user).await?;
    if !asking.is_some_and(|user| user.is_enabled) {
        return Err(gone);
    }
    let said = (ConsentRequestStatus::Approved, request.justification.as_deref());
    if !decide(tx, &request.asked, said).await? {
        return Err(gone);
    }
    let record = Record::success(tx.cx(), "idp.consent.approve", format!("app/{}", request.asked.app));
    Ok(tx.audit(&record).await?)
}

/// Writes what came of a request, and to whom asked. False where it is not awaited any more.
async fn decide(
    tx: &mut Tx<'_>,
    asked: &AskedConsent,
    said: (ConsentRequestStatus, Option<&str>),
) -> Result<bool, StoreError> {
    let told_until = tx.cx().now + TOLD;
    if !ConsentRequests(tx).decide(asked.id, said, told_until).await? {
        return Ok(false);
    }
    let matter = Matter::ConsentDecided {
        application: asked.app_display_name.clone(),
        is_approved: said.0 == ConsentRequestStatus::Approved,
        words: said.1.map(str::to_owned),
    };
    Letters(tx).to_person(asked.user, matter).await?;
    Ok(true)
}

async fn tell_reviewers(tx: &mut Tx<'_>, asked: &AskedConsent) -> Result<(), StoreError> {
    let by = Users(tx).find(asked.user).await?;
    let matter = Matter::ConsentAsked {
        application: asked.app_display_name.clone(),
        by: by.map(|user| user.user_principal_name).unwrap_or_default(),
    };
    Letters(tx).to_reviewers(&matter).await
}

fn is_awaited_still(asked: &AskedConsent) -> bool {
    asked.status == ConsentRequestStatus::Awaited
}

/// Answers the requests for an application that are covered by what everybody may have it do by now, with words for who asked.
pub(crate) async fn answer(
    tx: &mut Tx<'_>,
    (client, app): (ObjectId, AppId),
    words: Option<&str>,
) -> Result<(), StoreError> {
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
            decide(tx, &asked, (ConsentRequestStatus::Approved, words)).await?;
        }
    }
    Ok(())
}

/// Words that are shown as they are, and not too many.
fn are_words(text: &str) -> bool {
    let is_shown = |c: char| !c.is_control() && !is_unseen(c) && !matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().count() <= MAX_WORDS && text.chars().all(is_shown)
}
