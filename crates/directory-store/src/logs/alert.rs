//! What somebody should look at: an emergency account was used, an application got a secret, a consent was granted, a policy
//! changed, a directory role was given. Kept as a log of its own, which tells where the whole story is.

use hygie_core::{Cx, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::subject::{FOR_ROLES, KEY_DESCRIPTION};
use super::{ChangeEntry, ChangeTarget, Initiator, Log, LogEntry, UserInitiator, mark, new_id};
use crate::SignInEntry;

/// The property that tells the grants that an application has beyond the usual ones.
const EXTRA_GRANTS: &str = "extraGrants";

/// Of what kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlertKind {
    /// Somebody signed in, or tried to, with an account that is kept out of every policy.
    EmergencyAccountUsed,
    /// An application can prove itself by something more.
    CredentialAdded,
    /// An application may do more.
    ConsentGranted,
    /// What conditional access decides by is another.
    PolicyChanged,
    /// Somebody may administer more.
    RoleAssigned,
}

impl AlertKind {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmergencyAccountUsed => "emergencyAccountUsed",
            Self::CredentialAdded => "credentialAdded",
            Self::ConsentGranted => "consentGranted",
            Self::PolicyChanged => "policyChanged",
            Self::RoleAssigned => "roleAssigned",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::EmergencyAccountUsed => "An emergency account was used",
            Self::CredentialAdded => "A credential was added to an application",
            Self::ConsentGranted => "A permission was granted to an application",
            Self::PolicyChanged => "Conditional access was changed",
            Self::RoleAssigned => "A directory role was assigned",
        }
    }

    const fn severity(self) -> &'static str {
        match self {
            Self::EmergencyAccountUsed => "high",
            _ => "medium",
        }
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its id; younger ones have greater ones.
    pub id: Uuid,
    /// When.
    pub created_date_time: Timestamp,
    /// Of what kind.
    pub alert_type: AlertKind,
    /// In words.
    pub title: String,
    /// `high` or `medium`.
    pub severity: String,
    /// Who.
    pub initiated_by: Initiator,
    /// What was done to what, without its values.
    pub target_resources: Vec<ChangeTarget>,
    /// The request.
    pub correlation_id: Uuid,
    /// The log that has the whole of it: `signIns` or `directoryAudits`.
    pub source: String,
    /// The entry there.
    pub source_id: Uuid,
}

impl Alert {
    /// The alert that a change is.
    pub(crate) fn of_change(cx: &Cx, kind: AlertKind, entry: &ChangeEntry) -> Self {
        let without_values = |target: &ChangeTarget| ChangeTarget {
            modified_properties: Vec::new(),
            ..target.clone()
        };
        Self {
            target_resources: entry.target_resources.iter().map(without_values).collect(),
            initiated_by: entry.initiated_by.clone(),
            ..Self::new(cx, kind, ("directoryAudits", entry.id), entry.correlation_id)
        }
    }

    /// The alert that a sign-in is, if any: with an emergency account, by a person who is there.
    pub(crate) fn of_sign_in(cx: &Cx, entry: &SignInEntry) -> Option<Self> {
        (entry.is_emergency && entry.is_interactive).then(|| {
            let user = UserInitiator {
                id: entry.user.to_string(),
                user_principal_name: Some(entry.user_principal_name.clone()),
                display_name: Some(entry.user_display_name.clone()),
                ip_address: entry.address.map(|address| address.to_string()),
            };
            let target = ChangeTarget {
                id: Some(entry.app.to_string()),
                display_name: Some(entry.app_display_name.clone()),
                kind: "Application".to_owned(),
                ..ChangeTarget::default()
            };
            Self {
                initiated_by: Initiator {
                    user: Some(user),
                    app: None,
                },
                target_resources: vec![target],
                ..Self::new(
                    cx,
                    AlertKind::EmergencyAccountUsed,
                    ("signIns", entry.id),
                    entry.correlation,
                )
            }
        })
    }

    fn new(cx: &Cx, kind: AlertKind, (source, source_id): (&str, Uuid), correlation_id: Uuid) -> Self {
        Self {
            id: new_id(cx),
            created_date_time: cx.now,
            alert_type: kind,
            title: kind.title().to_owned(),
            severity: kind.severity().to_owned(),
            initiated_by: Initiator::default(),
            target_resources: Vec::new(),
            correlation_id,
            source: source.to_owned(),
            source_id,
        }
    }
}

impl LogEntry for Alert {
    const LOG: Log = Log::Alerts;

    fn id(&self) -> Uuid {
        self.id
    }

    fn at(&self) -> Timestamp {
        self.created_date_time
    }

    fn marks(&self) -> Vec<String> {
        vec![mark("alertType", self.alert_type.as_str())]
    }

    fn category(&self) -> &'static str {
        "Alerts"
    }

    fn operation(&self) -> &str {
        &self.title
    }

    fn shown(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(mut members)) => {
                members.insert("createdDateTime".to_owned(), self.created_date_time.to_rfc3339().into());
                members
            }
            _ => Map::new(),
        }
    }
}

/// Whether somebody comes to a group that was made for roles, or comes to say who is in it.
pub fn comes_to_roles(targets: &[ChangeTarget]) -> bool {
    let mut properties = targets.iter().flat_map(|target| &target.modified_properties);
    properties.any(|property| {
        property.display_name == FOR_ROLES && property.old_value.is_none() && property.new_value.is_some()
    })
}

/// Whether an application can prove itself by something more, or may have people's passwords or ask for them.
pub fn has_new_key(targets: &[ChangeTarget]) -> bool {
    let keys = |text: Option<&str>| -> Vec<String> {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    let properties = targets.iter().flat_map(|target| &target.modified_properties);
    properties
        .filter(|property| [KEY_DESCRIPTION, EXTRA_GRANTS].contains(&property.display_name.as_str()))
        .any(|property| {
            let (old, new) = (keys(property.old_value.as_deref()), keys(property.new_value.as_deref()));
            // A list that was cut off cannot be read; that it is so long says that something was added.
            new.iter().any(|key| !old.contains(key))
                || (new.is_empty() && property.new_value.is_some() && old.is_empty())
        })
}
