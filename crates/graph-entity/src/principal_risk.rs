//! `riskyServicePrincipal`: <https://learn.microsoft.com/graph/api/resources/riskyserviceprincipal>.

use hygie_core::ObjectId;
use hygie_directory::repo::RiskEvent;
use hygie_directory::{Detection, ServicePrincipal};
use hygie_odata::{EntityType, Kind, Property};
use hygie_policy::risk::UserRisk;
use serde_json::{Map, Value, json};

use super::filled;
use super::service_principal::principal_type;

const TEXT: Kind = Kind::Text;
const INSTANT: Kind = Kind::Instant;

/// `riskyServicePrincipal`.
pub static RISKY_PRINCIPAL: EntityType = EntityType {
    name: "riskyServicePrincipal",
    properties: &[
        Property::new("id", TEXT),
        Property::new("appId", TEXT),
        Property::new("displayName", TEXT),
        Property::new("isEnabled", Kind::Flag),
        Property::new("isProcessing", Kind::Flag),
        Property::new("riskDetail", TEXT),
        Property::new("riskLastUpdatedDateTime", INSTANT),
        Property::new("riskLevel", TEXT),
        Property::new("riskState", TEXT),
        Property::new("servicePrincipalType", TEXT),
    ],
    navigations: &[],
};

/// `riskyServicePrincipalHistoryItem`.
pub static RISKY_PRINCIPAL_HISTORY: EntityType = EntityType {
    name: "riskyServicePrincipalHistoryItem",
    properties: &[
        Property::new("id", TEXT),
        Property::new("appId", TEXT),
        Property::new("displayName", TEXT),
        Property::new("isEnabled", Kind::Flag),
        Property::new("isProcessing", Kind::Flag),
        Property::new("riskDetail", TEXT),
        Property::new("riskLastUpdatedDateTime", INSTANT),
        Property::new("riskLevel", TEXT),
        Property::new("riskState", TEXT),
        Property::new("servicePrincipalType", TEXT),
        Property::new("servicePrincipalId", TEXT),
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

/// `servicePrincipalRiskDetection`.
pub static PRINCIPAL_RISK_DETECTION: EntityType = EntityType {
    name: "servicePrincipalRiskDetection",
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
        Property::new("servicePrincipalId", TEXT),
        Property::new("servicePrincipalDisplayName", TEXT),
        Property::new("appId", TEXT),
        Property::new("keyIds", Kind::List(&TEXT)),
        Property::new("additionalInfo", TEXT),
    ],
    navigations: &[],
};

/// A service principal of which risk was told; without its members where it is gone.
pub fn risky_principal(id: ObjectId, found: Option<&ServicePrincipal>, risk: &UserRisk) -> Map<String, Value> {
    filled(&RISKY_PRINCIPAL, standing(id, found, risk))
}

fn standing(
    id: ObjectId,
    found: Option<&ServicePrincipal>,
    risk: &UserRisk,
) -> impl Iterator<Item = (&'static str, Value)> {
    [
        ("id", id.to_string().into()),
        ("appId", found.map(|found| found.app.to_string()).into()),
        ("displayName", found.map(|found| found.display_name.clone()).into()),
        ("isEnabled", found.is_some_and(|found| found.is_enabled).into()),
        ("isProcessing", false.into()),
        ("riskDetail", risk.detail.as_str().into()),
        ("riskLastUpdatedDateTime", risk.updated_at.to_rfc3339().into()),
        ("riskLevel", risk.level.as_str().into()),
        ("riskState", risk.state.as_str().into()),
        ("servicePrincipalType", found.map(principal_type).into()),
    ]
    .into_iter()
}

/// Something that was told of one.
pub fn principal_history(event: &RiskEvent, found: Option<&ServicePrincipal>) -> Map<String, Value> {
    let seen: Vec<&String> = event.event.iter().collect();
    let mut members = filled(&RISKY_PRINCIPAL_HISTORY, standing(event.user, found, &event.risk));
    let told = [
        ("id", event.id.to_string().into()),
        ("servicePrincipalId", event.user.to_string().into()),
        ("initiatedBy", event.told_by.map(|who| who.to_string()).into()),
        (
            "activity",
            json!({ "detail": event.risk.detail.as_str(), "riskEventTypes": seen }),
        ),
    ];
    members.extend(told.map(|(name, value)| (name.to_owned(), value)));
    members
}

/// A risk that was told of one: how it stands is what was said of it since.
pub fn principal_risk_detection(detection: &Detection, found: Option<&ServicePrincipal>) -> Map<String, Value> {
    let event = &detection.event;
    let members = super::risk::detected(detection, "servicePrincipal");
    let of = [
        ("servicePrincipalId", event.user.to_string().into()),
        (
            "servicePrincipalDisplayName",
            found.map(|found| found.display_name.clone()).into(),
        ),
        ("appId", found.map(|found| found.app.to_string()).into()),
    ];
    filled(&PRINCIPAL_RISK_DETECTION, members.into_iter().chain(of))
}
