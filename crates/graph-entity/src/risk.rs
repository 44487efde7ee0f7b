//! `riskyUser`: <https://learn.microsoft.com/graph/api/resources/riskyuser>, and risks of sign-ins that were supplied [ours].

use hygie_core::ObjectId;
use hygie_directory::repo::RiskEvent;
use hygie_directory::{Detection, User};
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

/// `riskyUserHistoryItem`.
pub static RISKY_USER_HISTORY: EntityType = EntityType {
    name: "riskyUserHistoryItem",
    properties: &[
        Property::new("id", TEXT),
        Property::new("userId", TEXT),
        Property::new("isDeleted", Kind::Flag),
        Property::new("isProcessing", Kind::Flag),
        Property::new("riskLastUpdatedDateTime", INSTANT),
        Property::new("riskLevel", TEXT),
        Property::new("riskState", TEXT),
        Property::new("riskDetail", TEXT),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
        Property::new("initiatedBy", TEXT),
        Property::new(
            "activity",
            Kind::Complex(&[
                Property::new("detail", TEXT),
                Property::new("riskEventTypes", Kind::List(&TEXT)),
            ]),
        ),
    ],
    navigations: &[],
};

/// `riskDetection`.
pub static RISK_DETECTION: EntityType = EntityType {
    name: "riskDetection",
    properties: &[
        Property::new("id", TEXT),
        Property::new("requestId", TEXT),
        Property::new("correlationId", TEXT),
        Property::new("riskEventType", TEXT),
        Property::new("riskState", TEXT),
        Property::new("riskLevel", TEXT),
        Property::new("riskDetail", TEXT),
        Property::new("source", TEXT),
        Property::new("detectionTimingType", TEXT),
        Property::new("activity", TEXT),
        Property::new("tokenIssuerType", TEXT),
        Property::new("ipAddress", TEXT),
        Property::new("activityDateTime", INSTANT),
        Property::new("detectedDateTime", INSTANT),
        Property::new("lastUpdatedDateTime", INSTANT),
        Property::new("userId", TEXT),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
        Property::new("additionalInfo", TEXT),
    ],
    navigations: &[],
};

/// Something that was told of somebody.
pub fn history(event: &RiskEvent, user: Option<&User>) -> Map<String, Value> {
    let mut members = risky_user(event.user, user, &event.risk);
    members.insert("id".to_owned(), event.id.to_string().into());
    members.insert("userId".to_owned(), event.user.to_string().into());
    members.insert(
        "initiatedBy".to_owned(),
        event.told_by.map(|who| who.to_string()).into(),
    );
    let seen: Vec<&String> = event.event.iter().collect();
    members.insert(
        "activity".to_owned(),
        json!({ "detail": event.risk.detail.as_str(), "riskEventTypes": seen }),
    );
    members
}

/// A risk that was told of somebody: how it stands is what was said of it since.
pub fn risk_detection(detection: &Detection, user: Option<&User>) -> Map<String, Value> {
    let of = [
        ("userId", detection.event.user.to_string().into()),
        ("userDisplayName", user.map(|user| user.display_name.clone()).into()),
        (
            "userPrincipalName",
            user.map(|user| user.user_principal_name.clone()).into(),
        ),
    ];
    super::filled(&RISK_DETECTION, detected(detection, "user").into_iter().chain(of))
}

/// What a detection says of whichever account.
pub(super) fn detected(detection: &Detection, activity: &'static str) -> [(&'static str, Value); 12] {
    let event = &detection.event;
    let now = detection.end.unwrap_or(event.risk);
    let at = event.risk.updated_at.to_rfc3339();
    [
        ("id", event.id.to_string().into()),
        ("riskEventType", event.event.clone().into()),
        ("riskState", now.state.as_str().into()),
        ("riskLevel", event.risk.level.as_str().into()),
        ("riskDetail", now.detail.as_str().into()),
        // Who told it: an administrator or a detector, by the directory API.
        ("source", "MicrosoftGraph".into()),
        ("detectionTimingType", "offline".into()),
        ("activity", activity.into()),
        ("tokenIssuerType", "AzureAD".into()),
        ("activityDateTime", at.clone().into()),
        ("detectedDateTime", at.into()),
        ("lastUpdatedDateTime", now.updated_at.to_rfc3339().into()),
    ]
}

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
