//! `signIn`: <https://learn.microsoft.com/graph/api/resources/signin>.

use hygie_odata::{EntityType, Kind, Property};

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
    // [ours]: in the words of what-if answers.
    Property::new("analysisReasons", TEXT),
];

/// Of the application on a telephone by which somebody proved themselves: there is none here.
const APP_DEVICE: &[Property] = &[
    Property::new("deviceId", TEXT),
    Property::new("appVersion", TEXT),
    Property::new("operatingSystem", TEXT),
    Property::new("clientApp", TEXT),
];

const STEP: &[Property] = &[
    Property::new("authenticationStepDateTime", Kind::Instant),
    Property::new("authenticationMethod", TEXT),
    Property::new("succeeded", Kind::Flag),
];

const DETAIL: &[Property] = &[Property::new("key", TEXT), Property::new("value", TEXT)];

/// The type.
pub static SIGN_IN: EntityType = EntityType {
    name: "signIn",
    properties: &[
        Property::new("id", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("signInEventTypes", TEXTS),
        Property::new("userDisplayName", TEXT),
        Property::new("userPrincipalName", TEXT),
        Property::new("userId", TEXT),
        Property::new("appId", TEXT),
        Property::new("appDisplayName", TEXT),
        Property::new("servicePrincipalId", TEXT),
        Property::new("servicePrincipalName", TEXT),
        Property::new("clientCredentialType", TEXT),
        // [ours]: as many as one entry stands for.
        Property::new("signInCount", Kind::Number),
        Property::new("ipAddress", TEXT),
        Property::new("clientAppUsed", TEXT),
        Property::new("userAgent", TEXT),
        Property::new("authenticationProtocol", TEXT),
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
        Property::new("resourceTenantId", TEXT),
        Property::new("homeTenantId", TEXT),
        Property::new("status", Kind::Complex(STATUS)),
        Property::new("deviceDetail", Kind::Complex(DEVICE)),
        Property::new("location", Kind::Complex(LOCATION)),
        Property::new("authenticationAppDeviceDetails", Kind::Complex(APP_DEVICE)),
        Property::new("authenticationDetails", Kind::List(&Kind::Complex(STEP))),
        Property::new("authenticationProcessingDetails", Kind::List(&Kind::Complex(DETAIL))),
        Property::new("appliedConditionalAccessPolicies", Kind::List(&Kind::Complex(POLICY))),
    ],
    navigations: &[],
};
