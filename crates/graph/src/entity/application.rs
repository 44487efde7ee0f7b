//! `application`: <https://learn.microsoft.com/graph/api/resources/application>.

use hygie_directory::{AppRole, Audience, Definition, GroupClaims, OptionalClaim, Registration, Scope};
use serde_json::{Map, Value, json};

use super::filled;
use crate::odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);
pub(super) const ROLE: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("value", TEXT),
    Property::new("displayName", TEXT),
    Property::new("description", TEXT),
    Property::new("isEnabled", Kind::Flag),
    Property::new("allowedMemberTypes", TEXTS),
    Property::new("origin", TEXT),
];
pub(super) const SCOPE: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("value", TEXT),
    Property::new("type", TEXT),
    Property::new("isEnabled", Kind::Flag),
    Property::new("adminConsentDisplayName", TEXT),
    Property::new("adminConsentDescription", TEXT),
    Property::new("userConsentDisplayName", TEXT),
    Property::new("userConsentDescription", TEXT),
];
const API: &[Property] = &[
    Property::new("oauth2PermissionScopes", Kind::List(&Kind::Complex(SCOPE))),
    Property::new("requestedAccessTokenVersion", Kind::Number),
];
const IMPLICIT: &[Property] = &[
    Property::new("enableAccessTokenIssuance", Kind::Flag),
    Property::new("enableIdTokenIssuance", Kind::Flag),
];
const WEB: &[Property] = &[
    Property::new("homePageUrl", TEXT),
    Property::new("logoutUrl", TEXT),
    Property::new("redirectUris", TEXTS),
    Property::new("implicitGrantSettings", Kind::Complex(IMPLICIT)),
];
const REDIRECTS: &[Property] = &[Property::new("redirectUris", TEXTS)];
const SECRET: &[Property] = &[
    Property::new("keyId", TEXT),
    Property::new("displayName", TEXT),
    Property::new("hint", TEXT),
    Property::new("startDateTime", Kind::Instant),
    Property::new("endDateTime", Kind::Instant),
];

/// Its type.
pub static APPLICATION: EntityType = EntityType {
    name: "application",
    properties: &[
        Property::new("id", TEXT),
        Property::new("appId", TEXT),
        Property::new("displayName", TEXT),
        Property::new("description", TEXT),
        Property::new("identifierUris", TEXTS),
        Property::new("signInAudience", TEXT),
        Property::new("publisherDomain", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("appRoles", Kind::List(&Kind::Complex(ROLE))),
        Property::new("api", Kind::Complex(API)),
        Property::new("web", Kind::Complex(WEB)),
        Property::new("spa", Kind::Complex(REDIRECTS)),
        Property::new("publicClient", Kind::Complex(REDIRECTS)),
        Property::new("isFallbackPublicClient", Kind::Flag),
        Property::new("groupMembershipClaims", TEXT),
        Property::new("optionalClaims", Kind::Complex(&[])),
        Property::new("passwordCredentials", Kind::List(&Kind::Complex(SECRET))),
        Property::new("tags", TEXTS),
        Property::new("notes", TEXT),
    ],
    navigations: &[],
};

/// Its JSON.
pub fn application(registration: &Registration) -> Map<String, Value> {
    let application = &registration.application;
    let definition = &*application.definition;
    let secrets = registration.secrets.iter().map(|secret| {
        json!({
            "keyId": secret.id,
            "displayName": secret.display_name,
            "hint": secret.hint,
            "secretText": null,
            "startDateTime": secret.created_at.to_rfc3339(),
            "endDateTime": secret.expires_at.to_rfc3339(),
        })
    });
    let uris = &definition.redirect_uris;
    filled(
        &APPLICATION,
        [
            ("id", application.id.to_string().into()),
            ("appId", application.app.to_string().into()),
            ("displayName", application.display_name.clone().into()),
            ("identifierUris", definition.identifier_uris.clone().into()),
            ("signInAudience", audience(definition.sign_in_audience).into()),
            ("createdDateTime", application.created_at.to_rfc3339().into()),
            ("appRoles", roles(definition)),
            (
                "api",
                json!({
                    "oauth2PermissionScopes": scopes(definition),
                    "requestedAccessTokenVersion": definition.requested_access_token_version,
                }),
            ),
            (
                "web",
                json!({
                    "homePageUrl": null,
                    "logoutUrl": definition.logout_url,
                    "redirectUris": uris.web,
                    "implicitGrantSettings": {
                        "enableAccessTokenIssuance": definition.enable_access_token_issuance,
                        "enableIdTokenIssuance": definition.enable_id_token_issuance,
                    },
                }),
            ),
            ("spa", json!({ "redirectUris": uris.spa })),
            ("publicClient", json!({ "redirectUris": uris.public_client })),
            ("isFallbackPublicClient", definition.is_fallback_public_client.into()),
            (
                "groupMembershipClaims",
                definition.group_membership_claims.map(group_claims).into(),
            ),
            (
                "optionalClaims",
                json!({
                    "idToken": claims(&definition.optional_claims.id_token),
                    "accessToken": claims(&definition.optional_claims.access_token),
                    "saml2Token": [],
                }),
            ),
            ("passwordCredentials", secrets.collect()),
        ],
    )
}

/// The word of an audience.
pub(super) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Home => "AzureADMyOrg",
        Audience::Tenants => "AzureADMultipleOrgs",
    }
}

fn group_claims(claims: GroupClaims) -> &'static str {
    match claims {
        GroupClaims::SecurityGroup => "SecurityGroup",
        GroupClaims::ApplicationGroup => "ApplicationGroup",
        GroupClaims::All => "All",
    }
}

fn claims(claims: &[OptionalClaim]) -> Value {
    let one = |claim: &OptionalClaim| json!({ "name": claim.name, "source": null, "essential": false, "additionalProperties": [] });
    claims.iter().map(one).collect()
}

/// The roles that an application offers.
pub(super) fn roles(definition: &Definition) -> Value {
    let one = |role: &AppRole| {
        json!({
            "id": role.id,
            "value": role.value,
            "displayName": role.display_name,
            "description": role.display_name,
            "isEnabled": true,
            "allowedMemberTypes": ["User", "Application"],
            "origin": "Application",
        })
    };
    definition.app_roles.iter().map(one).collect()
}

/// The delegated permissions that an application offers.
pub(super) fn scopes(definition: &Definition) -> Value {
    let one = |scope: &Scope| {
        json!({
            "id": scope.id,
            "value": scope.value,
            "type": "User",
            "isEnabled": true,
            "adminConsentDisplayName": scope.display_name,
            "adminConsentDescription": scope.display_name,
            "userConsentDisplayName": scope.display_name,
            "userConsentDescription": scope.display_name,
        })
    };
    definition.scopes.iter().map(one).collect()
}
