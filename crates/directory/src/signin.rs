//! The log of sign-ins: one entry for each answer to a person, with what every policy did and why.
//! <https://learn.microsoft.com/graph/api/resources/signin>

use std::net::IpAddr;

use hygie_core::{AppId, Cx, ObjectId, SessionId, Timestamp, random_array};
use hygie_policy::decide::{Applied, Status};
use hygie_store::StoreError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::repo::SignIns;
use crate::{Authentications, Directory};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEntry {
    /// Its id; younger ones have greater ones.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The request as the client names it.
    pub correlation: Uuid,
    /// The person.
    pub user: ObjectId,
    /// What the person is called when signing in.
    pub user_principal_name: String,
    /// Name for display.
    pub user_display_name: String,
    /// The application.
    pub app: AppId,
    /// Its name.
    pub app_display_name: String,
    /// What policies were asked about: resources, and the application itself where it signs in to itself.
    pub targets: Vec<AppId>,
    /// The resource of the token, where there is one.
    pub resource: Option<(AppId, String)>,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which browser.
    pub user_agent: Option<String>,
    /// The kind of program, as Graph's log names it.
    pub client_app: String,
    /// By the code of a device.
    pub is_by_device_code: bool,
    /// Whether the person was there.
    pub is_interactive: bool,
    /// The session.
    pub session: Option<SessionId>,
    /// What the person had proved.
    pub used: Authentications,
    /// The number of the error; 0 for success.
    pub error_code: u32,
    /// Its words.
    pub failure_reason: Option<String>,
    /// What all policies did together.
    pub status: String,
    /// What each did.
    pub applied: Vec<AppliedPolicy>,
}

/// What a policy did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPolicy {
    /// Its id; none for what the application asked for by itself.
    pub id: Option<String>,
    /// Its name.
    pub display_name: String,
    /// What it did.
    pub result: String,
    /// Its grant controls, where it applied.
    pub grant_controls: Vec<String>,
    /// Its session controls, where it applied.
    pub session_controls: Vec<String>,
    /// What kept it away (`conditionalAccessWhatIfReasons` of Graph).
    pub unmet: Vec<String>,
}

impl From<&Applied> for AppliedPolicy {
    fn from(applied: &Applied) -> Self {
        Self {
            id: applied.policy.map(|id| id.to_string()),
            display_name: applied.display_name.clone(),
            result: applied.result.as_str().to_owned(),
            grant_controls: applied.grant_controls.clone(),
            session_controls: applied.session_controls.clone(),
            unmet: applied.unmet.iter().map(|reason| reason.as_str().to_owned()).collect(),
        }
    }
}

impl SignInEntry {
    /// An id for an entry of now.
    pub fn new_id(cx: &Cx) -> Uuid {
        let millis = u64::try_from(cx.now.millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random_array(&*cx.random)).into_uuid()
    }

    /// Says what policies did.
    #[must_use]
    pub fn judged(mut self, status: Status, applied: &[Applied]) -> Self {
        status.as_str().clone_into(&mut self.status);
        self.applied = applied.iter().map(AppliedPolicy::from).collect();
        self
    }
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInQuery {
    /// Those before this one; the latest without.
    pub before: Option<Uuid>,
    /// Of this person.
    pub user: Option<ObjectId>,
    /// Entries at most.
    pub limit: u32,
}

impl Directory {
    /// Writes an entry that no other write carries: of what was refused.
    pub async fn log_sign_in(&self, cx: &Cx, entry: SignInEntry) -> Result<(), StoreError> {
        self.store()
            .write(cx, entry, |entry, tx| {
                Box::pin(async move { SignIns(tx).insert(entry).await })
            })
            .await
    }

    /// Entries, the latest first.
    pub async fn list_sign_ins(&self, cx: &Cx, query: SignInQuery) -> Result<Vec<SignInEntry>, StoreError> {
        self.store()
            .read(cx, query, |query, tx| {
                Box::pin(async move { SignIns(tx).list(query).await })
            })
            .await
    }

    /// The entry with this id.
    pub async fn find_sign_in(&self, cx: &Cx, id: Uuid) -> Result<Option<SignInEntry>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { SignIns(tx).find(*id).await }))
            .await
    }
}
