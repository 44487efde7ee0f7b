//! `riskyUser`: <https://learn.microsoft.com/graph/api/resources/riskyuser>, and risks of sign-ins that were supplied [ours].

use hygie_core::ObjectId;
use hygie_directory::User;
use hygie_odata::{EntityType, Kind, Property};
use hygie_policy::risk::UserRisk;
use serde_json::{Map, Value, json};

const TEXT: Kind = Kind::Text;
const INSTANT: Kind = Kind::Instant;

/// `riskyUser`.
pub static RISKY_USER: EntityType = EntityType {
    name: "riskyUser",
    properties: &[
        Property::new("id", TEXT),
        Property::new("isDeleted", Kind::Flag),
        Property::new("isProcessing", Kind::Flag),
        Property::new("riskLastUpdatedDateTime", INSTANT),
        Property::new("riskLevel", TEXT),
        Property::new("riskState", TEXT),
        Property::new("riskDetail", TEXT),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
    ],
    navigations: &[],
};

/// A risk of sign-ins that was supplied.
pub static SUPPLIED_RISK: EntityType = EntityType {
    name: "suppliedRisk",
    properties: &[
        Property::new("id", TEXT),
        Property::new("riskLevel", TEXT),
        Property::new("riskEventType", TEXT),
        Property::new("userIds", Kind::List(&TEXT)),
        Property::new(
            "ipRanges",
            Kind::List(&Kind::Complex(&[Property::new("cidrAddress", TEXT)])),
        ),
        Property::new("endDateTime", INSTANT),
        Property::new("description", TEXT),
        Property::new("createdDateTime", INSTANT),
    ],
    navigations: &[],
};

/// Somebody of whom risk was told; without the user where the account is gone.
pub fn risky_user(id: ObjectId, user: Option<&User>, risk: &UserRisk) -> Map<String, Value> {
    let members = json!({
        "id": id.to_string(),
        "isDeleted": user.is_none(),
        "isProcessing": false,
        "riskLastUpdatedDateTime": risk.updated_at.to_rfc3339(),
        "riskLevel": risk.level.as_str(),
        "riskState": risk.state.as_str(),
        "riskDetail": risk.detail.as_str(),
        "userDisplayName": user.map(|user| user.display_name.as_str()),
        "userPrincipalName": user.map(|user| user.user_principal_name.as_str()),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
