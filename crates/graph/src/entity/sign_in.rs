//! `signIn`: <https://learn.microsoft.com/graph/api/resources/signin>.

use hygie_directory::{AppliedPolicy, SignInEntry};
use hygie_policy::client::platform;
use serde_json::{Map, Value, json};

use super::filled;
use crate::odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);

const STATUS: &[Property] = &[
    Property::new("errorCode", Kind::Number),
    Property::new("failureReason", TEXT),
    Property::new("additionalDetails", TEXT),
];

const COORDINATES: &[Property] = &[
    Property::new("altitude", Kind::Number),
    Property::new("latitude", Kind::Number),
    Property::new("longitude", Kind::Number),
];

const LOCATION: &[Property] = &[
    Property::new("city", TEXT),
    Property::new("state", TEXT),
    Property::new("countryOrRegion", TEXT),
    Property::new("geoCoordinates", Kind::Complex(COORDINATES)),
];

const DEVICE: &[Property] = &[
    Property::new("deviceId", TEXT),
    Property::new("displayName", TEXT),
    Property::new("operatingSystem", TEXT),
    Property::new("browser", TEXT),
    Property::new("isCompliant", Kind::Flag),
    Property::new("isManaged", Kind::Flag),
    Property::new("trustType", TEXT),
];

const POLICY: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("displayName", TEXT),
    Property::new("enforcedGrantControls", TEXTS),
    Property::new("enforcedSessionControls", TEXTS),
    Property::new("result", TEXT),
];

/// The type.
pub static SIGN_IN: EntityType = EntityType {
    name: "signIn",
    properties: &[
        Property::new("id", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
        Property::new("userId", TEXT),
        Property::new("appId", TEXT),
        Property::new("appDisplayName", TEXT),
        Property::new("ipAddress", TEXT),
        Property::new("clientAppUsed", TEXT),
        Property::new("userAgent", TEXT),
        Property::new("correlationId", TEXT),
        Property::new("conditionalAccessStatus", TEXT),
        Property::new("isInteractive", Kind::Flag),
        Property::new("riskDetail", TEXT),
        Property::new("riskLevelAggregated", TEXT),
        Property::new("riskLevelDuringSignIn", TEXT),
        Property::new("riskState", TEXT),
        Property::new("riskEventTypes", TEXTS),
        Property::new("riskEventTypes_v2", TEXTS),
        Property::new("resourceDisplayName", TEXT),
        Property::new("resourceId", TEXT),
        Property::new("status", Kind::Complex(STATUS)),
        Property::new("deviceDetail", Kind::Complex(DEVICE)),
        Property::new("location", Kind::Complex(LOCATION)),
        Property::new("appliedConditionalAccessPolicies", Kind::List(&Kind::Complex(POLICY))),
    ],
    navigations: &[],
};

/// Its JSON.
pub fn sign_in(entry: &SignInEntry) -> Map<String, Value> {
    let resource = entry.resource.as_ref();
    let system = entry.user_agent.as_deref().and_then(platform);
    filled(
        &SIGN_IN,
        [
            ("id", entry.id.to_string().into()),
            ("createdDateTime", entry.at.to_rfc3339().into()),
            ("userDisplayName", entry.user_display_name.clone().into()),
            ("userPrincipalName", entry.user_principal_name.clone().into()),
            ("userId", entry.user.to_string().into()),
            ("appId", entry.app.to_string().into()),
            ("appDisplayName", entry.app_display_name.clone().into()),
            ("ipAddress", entry.address.map(|address| address.to_string()).into()),
            ("clientAppUsed", entry.client_app.clone().into()),
            ("userAgent", entry.user_agent.clone().into()),
            ("correlationId", entry.correlation.to_string().into()),
            ("conditionalAccessStatus", entry.status.clone().into()),
            ("isInteractive", entry.is_interactive.into()),
            ("riskDetail", "none".into()),
            ("riskLevelAggregated", "none".into()),
            ("riskLevelDuringSignIn", "none".into()),
            ("riskState", "none".into()),
            ("resourceDisplayName", resource.map(|(_, name)| name.clone()).into()),
            ("resourceId", resource.map(|(app, _)| app.to_string()).into()),
            (
                "status",
                json!({ "errorCode": entry.error_code, "failureReason": entry.failure_reason,
                        "additionalDetails": null }),
            ),
            (
                "deviceDetail",
                json!({ "deviceId": "", "displayName": "", "browser": "", "isCompliant": false, "isManaged": false,
                        "trustType": "", "operatingSystem": system.map_or("", |system| system.as_str()) }),
            ),
            (
                "location",
                json!({ "city": null, "state": null, "countryOrRegion": null,
                        "geoCoordinates": { "altitude": null, "latitude": null, "longitude": null } }),
            ),
            (
                "appliedConditionalAccessPolicies",
                entry.applied.iter().map(policy).collect::<Vec<_>>().into(),
            ),
        ],
    )
}

fn policy(applied: &AppliedPolicy) -> Value {
    json!({
        "id": applied.id,
        "displayName": applied.display_name,
        "enforcedGrantControls": applied.grant_controls,
        "enforcedSessionControls": applied.session_controls,
        "result": applied.result,
    })
}
