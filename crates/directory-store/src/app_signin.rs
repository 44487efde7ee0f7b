//! The log of sign-ins of applications by themselves: service principals and managed identities. Tokens of one application for one
//! resource from one address are one entry for as long as they were counted together (a minute).
//! <https://learn.microsoft.com/graph/api/resources/signin>

use std::net::IpAddr;

use hygie_core::{AppId, ObjectId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::logs::{Log, LogEntry, mark};
use crate::signin::{AppliedPolicy, Signals};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSignInEntry {
    /// Its id; younger ones have greater ones.
    pub id: Uuid,
    /// When, the first time.
    pub at: Timestamp,
    /// How often.
    pub count: u64,
    /// The first request as the client names it.
    pub correlation: Uuid,
    /// The service principal.
    pub principal: ObjectId,
    /// Its application.
    pub app: AppId,
    /// Its name.
    pub display_name: String,
    /// Whether it is a managed identity.
    pub is_managed: bool,
    /// The resource of the tokens, where there is one.
    pub resource: Option<(AppId, String)>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What it proved itself by (`clientCredentialType` of Graph).
    pub credential: String,
    /// The number of the error; 0 for success.
    pub error_code: u32,
    /// Its words.
    pub failure_reason: Option<String>,
    /// What all policies did together.
    pub status: String,
    /// What each did.
    pub applied: Vec<AppliedPolicy>,
    /// What is known of the place.
    pub signals: Signals,
}

impl AppSignInEntry {
    /// The word of its kind (`signInEventTypes`).
    pub const fn kind(&self) -> &'static str {
        if self.is_managed {
            "managedIdentity"
        } else {
            "servicePrincipal"
        }
    }
}

impl LogEntry for AppSignInEntry {
    const LOG: Log = Log::AppSignIns;

    fn id(&self) -> Uuid {
        self.id
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn marks(&self) -> Vec<String> {
        let mut marks = vec![
            mark("servicePrincipalId", &self.principal.to_string()),
            mark("appId", &self.app.to_string()),
            mark("correlationId", &self.correlation.to_string()),
        ];
        let resource = self.resource.as_ref();
        marks.extend(resource.map(|(app, _)| mark("resourceId", &app.to_string())));
        marks.extend(self.address.map(|address| mark("ipAddress", &address.to_string())));
        if self.error_code != 0 {
            marks.push(mark("status/errorCode", &self.error_code.to_string()));
        }
        marks
    }

    fn category(&self) -> &'static str {
        if self.is_managed {
            "ManagedIdentitySignInLogs"
        } else {
            "ServicePrincipalSignInLogs"
        }
    }

    fn operation(&self) -> &'static str {
        "Sign-in activity"
    }

    fn shown(&self) -> Map<String, Value> {
        let resource = self.resource.as_ref();
        let signals = &self.signals;
        let members = json!({
            "id": self.id.to_string(),
            "createdDateTime": self.at.to_rfc3339(),
            "signInEventTypes": [self.kind()],
            "servicePrincipalId": self.principal.to_string(),
            "servicePrincipalName": self.display_name,
            "clientCredentialType": self.credential,
            "signInCount": self.count,
            "appId": self.app.to_string(),
            "appDisplayName": self.display_name,
            "ipAddress": self.address.map(|address| address.to_string()),
            "correlationId": self.correlation.to_string(),
            "conditionalAccessStatus": self.status,
            "isInteractive": false,
            "resourceDisplayName": resource.map(|(_, name)| name.clone()),
            "resourceId": resource.map(|(app, _)| app.to_string()),
            "resourceTenantId": signals.tenant.map(|tenant| tenant.to_string()),
            "homeTenantId": signals.home.map(|tenant| tenant.to_string()),
            "status": { "errorCode": self.error_code, "failureReason": self.failure_reason, "additionalDetails": null },
            "location": { "city": signals.city, "state": signals.state, "countryOrRegion": signals.country,
                          "geoCoordinates": null },
            "appliedConditionalAccessPolicies": self.applied.iter().map(AppliedPolicy::shown).collect::<Vec<_>>(),
        });
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}
