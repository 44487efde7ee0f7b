//! One entry of the audit trail.

use std::borrow::Cow;
use std::net::IpAddr;

use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, RequestId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Who acted, by ids only: no name, no address of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Issuer of the token or session.
    pub issuer: String,
    /// Tenant of the actor.
    pub tenant: TenantId,
    /// Object id of user or service principal.
    pub subject: ObjectId,
    /// Person, application or managed identity.
    pub kind: PrincipalKind,
    /// The application acted through.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app: Option<AppId>,
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        Self {
            issuer: principal.issuer.clone(),
            tenant: principal.tenant,
            subject: principal.subject,
            kind: principal.kind,
            app: principal.app,
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused by a rule: authentication, role, policy.
    Refused,
    /// Not done for another reason (bad input, conflict, fault).
    Failed,
}

/// One entry: an operation and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When the operation began.
    pub at: Timestamp,
    /// The request.
    pub request: RequestId,
    /// The tenant whose data were concerned.
    pub tenant: TenantId,
    /// Who; absent before authentication.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<Actor>,
    /// Address of the client.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<IpAddr>,
    /// What: `fhir.read`, `idp.signin`…
    pub action: Cow<'static, str>,
    /// To what, by type and id: `Patient/…`, `app/…`. Search text is not recorded: it may name a patient.
    pub object: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused or failed: a code, never free text from outside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Cow<'static, str>>,
    /// Number of like events that this entry stands for (aggregated refusals); 1 otherwise.
    pub count: u32,
}

impl Record {
    /// A successful operation in this context.
    pub fn success(cx: &Cx, action: &'static str, object: impl Into<String>) -> Self {
        Self {
            at: cx.now,
            request: cx.request,
            tenant: cx.tenant,
            actor: cx.principal.as_deref().map(Actor::from),
            client: cx.client,
            action: Cow::Borrowed(action),
            object: object.into(),
            outcome: Outcome::Success,
            reason: None,
            count: 1,
        }
    }

    /// The same operation with another outcome and its reason.
    #[must_use]
    pub fn ended(self, outcome: Outcome, reason: &'static str) -> Self {
        Self {
            outcome,
            reason: Some(Cow::Borrowed(reason)),
            ..self
        }
    }

    /// The bytes that a chain links: JSON, members in the order of the fields.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("ids, numbers and text become JSON")
    }

    /// From the bytes of an entry.
    pub fn from_json(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|_| StoreError::Inconsistent("an audit entry is not a record".to_owned()))
    }
}
