//! Consent and invitations: <https://learn.microsoft.com/graph/api/resources/authorizationpolicy>,
//! <https://learn.microsoft.com/graph/api/resources/permissiongrantpolicy>,
//! <https://learn.microsoft.com/graph/api/resources/delegatedpermissionclassification>,
//! <https://learn.microsoft.com/graph/api/resources/invitation>.

use hygie_directory::{LowImpact, VerifiedPublisher};
use serde_json::{Map, Value, json};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);
const DEFAULT_USER: &[Property] = &[
    Property::new("allowedToCreateApps", Kind::Flag),
    Property::new("allowedToCreateSecurityGroups", Kind::Flag),
    Property::new("allowedToCreateTenants", Kind::Flag),
    Property::new("allowedToReadBitlockerKeysForOwnedDevice", Kind::Flag),
    Property::new("allowedToReadOtherUsers", Kind::Flag),
    Property::new("permissionGrantPoliciesAssigned", TEXTS),
];
const CONDITIONS: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("permissionClassification", TEXT),
    Property::new("permissionType", TEXT),
    Property::new("resourceApplication", TEXT),
    Property::new("permissions", TEXTS),
    Property::new("clientApplicationIds", TEXTS),
    Property::new("clientApplicationTenantIds", TEXTS),
    Property::new("clientApplicationPublisherIds", TEXTS),
    Property::new("clientApplicationsFromVerifiedPublisherOnly", Kind::Flag),
];
const INVITED: &[Property] = &[Property::new("id", TEXT)];
/// The members of a verified publisher.
pub(super) const PUBLISHER: &[Property] = &[
    Property::new("displayName", TEXT),
    Property::new("verifiedPublisherId", TEXT),
    Property::new("addedDateTime", Kind::Instant),
];

/// Its type.
pub static AUTHORIZATION_POLICY: EntityType = EntityType {
    name: "authorizationPolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("allowInvitesFrom", TEXT),
        Property::new("allowedToSignUpEmailBasedSubscriptions", Kind::Flag),
        Property::new("allowedToUseSSPR", Kind::Flag),
        Property::new("allowEmailVerifiedUsersToJoinOrganization", Kind::Flag),
        Property::new("allowUserConsentForRiskyApps", Kind::Flag),
        Property::new("blockMsolPowerShell", Kind::Flag),
        Property::new("guestUserRoleId", TEXT),
        Property::new("defaultUserRolePermissions", Kind::Complex(DEFAULT_USER)),
    ],
    navigations: &[],
};

/// Its type.
pub static PERMISSION_GRANT_POLICY: EntityType = EntityType {
    name: "permissionGrantPolicy",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("includes", Kind::List(&Kind::Complex(CONDITIONS))),
        Property::new("excludes", Kind::List(&Kind::Complex(CONDITIONS))),
    ],
    navigations: &[],
};

/// Its type.
pub static CLASSIFICATION: EntityType = EntityType {
    name: "delegatedPermissionClassification",
    properties: &[
        Property::new("id", TEXT),
        Property::new("classification", TEXT),
        Property::new("permissionId", TEXT),
        Property::new("permissionName", TEXT),
    ],
    navigations: &[],
};

const ADDRESS: &[Property] = &[Property::new("name", TEXT), Property::new("address", TEXT)];

const RECIPIENT: &[Property] = &[Property::new("emailAddress", Kind::Complex(ADDRESS))];

const MESSAGE: &[Property] = &[
    Property::new("messageLanguage", TEXT),
    Property::new("customizedMessageBody", TEXT),
    Property::new("ccRecipients", Kind::List(&Kind::Complex(RECIPIENT))),
];

/// Its type.
pub static INVITATION: EntityType = EntityType {
    name: "invitation",
    properties: &[
        Property::new("id", TEXT),
        Property::new("inviteRedeemUrl", TEXT),
        Property::new("invitedUserDisplayName", TEXT),
        Property::new("invitedUserType", TEXT),
        Property::new("invitedUserEmailAddress", TEXT),
        Property::new("sendInvitationMessage", Kind::Flag),
        Property::new("invitedUserMessageInfo", Kind::Complex(MESSAGE)),
        Property::new("resetRedemption", Kind::Flag),
        Property::new("inviteRedirectUrl", TEXT),
        Property::new("status", TEXT),
        Property::new("invitedUser", Kind::Complex(INVITED)),
    ],
    navigations: &[],
};

/// A document that is kept in the shape of Graph.
pub fn document(entity: &'static EntityType, document: Value) -> Map<String, Value> {
    let Value::Object(mut members) = document else {
        return Map::new();
    };
    let known = entity.properties.iter();
    filled(
        entity,
        known.filter_map(|property| Some((property.name, members.remove(property.name)?))),
    )
}

/// Its JSON.
pub fn classification(found: &LowImpact) -> Map<String, Value> {
    filled(
        &CLASSIFICATION,
        [
            ("id", found.id.to_string().into()),
            ("classification", "low".into()),
            ("permissionId", found.permission.to_string().into()),
            ("permissionName", found.value.clone().into()),
        ],
    )
}

/// Its JSON.
pub(super) fn publisher(found: Option<&VerifiedPublisher>) -> Value {
    json!({
        "displayName": found.map(|found| &found.display_name),
        "verifiedPublisherId": found.map(|found| &found.verified_publisher_id),
        "addedDateTime": found.map(|found| found.added_date_time.to_rfc3339()),
    })
}

/// The requests of people for one application: <https://learn.microsoft.com/graph/api/resources/appconsentrequest>
pub static APP_CONSENT_REQUEST: EntityType = EntityType {
    name: "appConsentRequest",
    properties: &[
        Property::new("id", Kind::Text),
        Property::new("appId", Kind::Text),
        Property::new("appDisplayName", Kind::Text),
        Property::new("pendingScopes", Kind::List(&Kind::Complex(SCOPE))),
        // Ours: whose application it is.
        Property::new("appOwnerOrganizationId", Kind::Text),
        Property::new(
            "verifiedPublisher",
            Kind::Complex(&[Property::new("displayName", Kind::Text)]),
        ),
    ],
    navigations: &[],
};

/// A permission that is asked for; of which resource is ours.
const SCOPE: &[Property] = &[
    Property::new("displayName", Kind::Text),
    Property::new("resourceAppId", Kind::Text),
    Property::new("resourceDisplayName", Kind::Text),
];

/// The request of a person: <https://learn.microsoft.com/graph/api/resources/userconsentrequest>
pub static USER_CONSENT_REQUEST: EntityType = EntityType {
    name: "userConsentRequest",
    properties: &[
        Property::new("id", Kind::Text),
        Property::new("approvalId", Kind::Text),
        Property::new(
            "createdBy",
            Kind::Complex(&[Property::new(
                "user",
                Kind::Complex(&[
                    Property::new("id", Kind::Text),
                    Property::new("displayName", Kind::Text),
                    Property::new("userPrincipalName", Kind::Text),
                ]),
            )]),
        ),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("customData", Kind::Text),
        Property::new("reason", Kind::Text),
        Property::new("status", Kind::Text),
        // Ours: what this person asks for.
        Property::new("requestedScopes", Kind::List(&Kind::Complex(SCOPE))),
    ],
    navigations: &[],
};
