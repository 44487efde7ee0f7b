//! An entry of the log of changes, in the shape of Graph.
//! <https://learn.microsoft.com/graph/api/resources/directoryaudit>

use hygie_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Log, LogEntry, mark};

/// What was done, by whom, to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeEntry {
    /// Its id; younger ones have greater ones.
    pub id: Uuid,
    /// When.
    pub activity_date_time: Timestamp,
    /// What, as Entra ID calls it.
    pub activity_display_name: String,
    /// Of which kind (`UserManagement`).
    pub category: String,
    /// `Add`, `Update`, `Delete`, `Assign`, `Unassign`.
    pub operation_type: String,
    /// The request.
    pub correlation_id: Uuid,
    /// The part that says so.
    pub logged_by_service: String,
    /// `success` or `failure`.
    pub result: String,
    /// Why it failed, as a code.
    pub result_reason: Option<String>,
    /// Who.
    pub initiated_by: Initiator,
    /// To what.
    pub target_resources: Vec<ChangeTarget>,
    /// What else is known.
    pub additional_details: Vec<KeyValue>,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initiator {
    /// A person.
    pub user: Option<UserInitiator>,
    /// A program.
    pub app: Option<AppInitiator>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInitiator {
    /// Object id.
    pub id: String,
    /// What the person signs in with.
    pub user_principal_name: Option<String>,
    /// Name for display.
    pub display_name: Option<String>,
    /// From where.
    pub ip_address: Option<String>,
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInitiator {
    /// Client id.
    pub app_id: Option<String>,
    /// Name for display.
    pub display_name: Option<String>,
    /// Its service principal.
    pub service_principal_id: Option<String>,
    /// The name of that.
    pub service_principal_name: Option<String>,
}

/// An object that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeTarget {
    /// Its id.
    pub id: Option<String>,
    /// Name for display.
    pub display_name: Option<String>,
    /// `User`, `Group`, `Application`, `ServicePrincipal`, `Role`, `Policy`, `Other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a user.
    pub user_principal_name: Option<String>,
    /// Of a group.
    pub group_type: Option<String>,
    /// What of it.
    pub modified_properties: Vec<ModifiedProperty>,
}

/// A property that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifiedProperty {
    /// Its name.
    pub display_name: String,
    /// What it was, as JSON; nothing where there was none.
    pub old_value: Option<String>,
    /// What it is.
    pub new_value: Option<String>,
}

/// Something more that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl LogEntry for ChangeEntry {
    const LOG: Log = Log::Changes;

    fn id(&self) -> Uuid {
        self.id
    }

    fn at(&self) -> Timestamp {
        self.activity_date_time
    }

    fn marks(&self) -> Vec<String> {
        let mut marks = vec![
            mark("activityDisplayName", &self.activity_display_name),
            mark("category", &self.category),
            mark("correlationId", &self.correlation_id.to_string()),
        ];
        if self.result != "success" {
            marks.push(mark("result", &self.result));
        }
        if let Some(user) = &self.initiated_by.user {
            marks.push(mark("initiatedBy/user/id", &user.id));
            let name = user.user_principal_name.as_deref();
            marks.extend(name.map(|name| mark("initiatedBy/user/userPrincipalName", name)));
        }
        if let Some(app) = &self.initiated_by.app {
            marks.extend(app.app_id.as_deref().map(|id| mark("initiatedBy/app/appId", id)));
        }
        for target in &self.target_resources {
            marks.extend(target.id.as_deref().map(|id| mark("targetResources/id", id)));
        }
        marks.sort_unstable();
        marks.dedup();
        marks
    }

    fn category(&self) -> &'static str {
        "AuditLogs"
    }

    fn operation(&self) -> &str {
        &self.activity_display_name
    }

    fn shown(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut members)) => {
                members.insert(
                    "activityDateTime".to_owned(),
                    self.activity_date_time.to_rfc3339().into(),
                );
                members
            }
            _ => Map::new(),
        }
    }
}
