//! `application`: <https://learn.microsoft.com/graph/api/resources/application>.

use hygie_directory::repo::{CertificateRow, SecretRow};
use hygie_directory::{AppRole, Audience, Definition, ExtraGrant, MemberTypes, OptionalClaim, Registration, Scope};
use serde_json::{Map, Value, json};

use super::consent::{PUBLISHER, publisher};
use super::filled;
use hygie_odata::{EntityType, Kind, Property};

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
const ACCESS: &[Property] = &[Property::new("id", TEXT), Property::new("type", TEXT)];
const REQUIRED: &[Property] = &[
    Property::new("resourceAppId", TEXT),
    Property::new("resourceAccess", Kind::List(&Kind::Complex(ACCESS))),
];
pub(super) const INFO: &[Property] = &[
    Property::new("logoUrl", TEXT),
    Property::new("marketingUrl", TEXT),
    Property::new("privacyStatementUrl", TEXT),
    Property::new("supportUrl", TEXT),
    Property::new("termsOfServiceUrl", TEXT),
];
pub(super) const CERTIFICATE: &[Property] = &[
    Property::new("keyId", TEXT),
    Property::new("type", TEXT),
    Property::new("usage", TEXT),
    Property::new("key", TEXT),
    Property::new("displayName", TEXT),
    Property::new("customKeyIdentifier", TEXT),
    Property::new("startDateTime", Kind::Instant),
    Property::new("endDateTime", Kind::Instant),
];
const PARENTAL: &[Property] = &[
    Property::new("countriesBlockedForMinors", TEXTS),
    Property::new("legalAgeGroupRule", TEXT),
];
const API: &[Property] = &[
    Property::new("acceptMappedClaims", Kind::Flag),
    Property::new("knownClientApplications", TEXTS),
    Property::new("preAuthorizedApplications", Kind::List(&Kind::Complex(&[]))),
    Property::new("oauth2PermissionScopes", Kind::List(&Kind::Complex(SCOPE))),
    Property::new("requestedAccessTokenVersion", Kind::Number),
];
const IMPLICIT: &[Property] = &[
    Property::new("enableAccessTokenIssuance", Kind::Flag),
    Property::new("enableIdTokenIssuance", Kind::Flag),
];
const REDIRECT_SETTING: &[Property] = &[Property::new("uri", TEXT), Property::new("index", Kind::Number)];
const WEB: &[Property] = &[
    Property::new("homePageUrl", TEXT),
    Property::new("logoutUrl", TEXT),
    Property::new("redirectUris", TEXTS),
    Property::new("redirectUriSettings", Kind::List(&Kind::Complex(REDIRECT_SETTING))),
    Property::new("implicitGrantSettings", Kind::Complex(IMPLICIT)),
];
const REDIRECTS: &[Property] = &[Property::new("redirectUris", TEXTS)];
pub(super) const SECRET: &[Property] = &[
    Property::new("customKeyIdentifier", TEXT),
    Property::new("keyId", TEXT),
    Property::new("displayName", TEXT),
    Property::new("hint", TEXT),
    Property::new("secretText", TEXT),
    Property::new("startDateTime", Kind::Instant),
    Property::new("endDateTime", Kind::Instant),
];

/// Its type.
pub static APPLICATION: EntityType = EntityType {
    name: "application",
    properties: &[
        Property::new("id", TEXT),
        Property::new("appId", TEXT),
        Property::ordered("displayName"),
        Property::new("description", TEXT),
        Property::new("identifierUris", TEXTS),
        Property::new("signInAudience", TEXT),
        Property::new("publisherDomain", TEXT),
        Property::new("verifiedPublisher", Kind::Complex(PUBLISHER)),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("appRoles", Kind::List(&Kind::Complex(ROLE))),
        Property::new("api", Kind::Complex(API)),
        Property::new("web", Kind::Complex(WEB)),
        Property::new("spa", Kind::Complex(REDIRECTS)),
        Property::new("publicClient", Kind::Complex(REDIRECTS)),
        Property::new("isFallbackPublicClient", Kind::Flag),
        Property::new("isPasswordGrantEnabled", Kind::Flag),
        Property::new("isBackchannelAuthenticationEnabled", Kind::Flag),
        Property::new("groupMembershipClaims", TEXT),
        Property::new("optionalClaims", Kind::Complex(&[])),
        Property::new("passwordCredentials", Kind::List(&Kind::Complex(SECRET))),
        Property::new("keyCredentials", Kind::List(&Kind::Complex(CERTIFICATE))),
        Property::new("requiredResourceAccess", Kind::List(&Kind::Complex(REQUIRED))),
        Property::new("info", Kind::Complex(INFO)),
        Property::new("tags", TEXTS),
        Property::new("notes", TEXT),
        Property::new("uniqueName", TEXT),
        Property::new("isDisabled", Kind::Flag),
        Property::new("serviceManagementReference", TEXT),
        Property::new("isDeviceOnlyAuthSupported", Kind::Flag),
        Property::new("oauth2RequirePostResponse", Kind::Flag),
        Property::new("parentalControlSettings", Kind::Complex(PARENTAL)),
        Property::new("addIns", Kind::List(&Kind::Complex(&[]))),
        Property::new("applicationTemplateId", TEXT),
        Property::new("certification", Kind::Complex(&[])),
        Property::new("defaultRedirectUri", TEXT),
        Property::new("disabledByMicrosoftStatus", TEXT),
        Property::new("requestSignatureVerification", Kind::Complex(&[])),
        Property::new("samlMetadataUrl", TEXT),
        Property::new("servicePrincipalLockConfiguration", Kind::Complex(&[])),
        Property::new("tokenEncryptionKeyId", TEXT),
    ],
    navigations: &["owners"],
};

/// Its JSON.
pub fn application(registration: &Registration) -> Map<String, Value> {
    let application = &registration.application;
    let definition = &*application.definition;
    let uris = &definition.redirect_uris;
    filled(
        &APPLICATION,
        [
            ("id", application.id.to_string().into()),
            ("appId", application.app.to_string().into()),
            ("displayName", application.display_name.clone().into()),
            ("description", definition.description.clone().into()),
            ("notes", definition.notes.clone().into()),
            (
                "serviceManagementReference",
                definition.service_management_reference.clone().into(),
            ),
            ("oauth2RequirePostResponse", false.into()),
            (
                "parentalControlSettings",
                json!({ "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow" }),
            ),
            ("tags", definition.tags.clone().into()),
            ("identifierUris", definition.identifier_uris.clone().into()),
            ("signInAudience", audience(definition.sign_in_audience).into()),
            ("createdDateTime", application.created_at.to_rfc3339().into()),
            ("appRoles", roles(definition)),
            ("api", api(definition)),
            ("web", web(definition)),
            ("spa", json!({ "redirectUris": uris.spa })),
            ("publicClient", json!({ "redirectUris": uris.public_client })),
            ("isFallbackPublicClient", definition.is_fallback_public_client.into()),
            (
                "isBackchannelAuthenticationEnabled",
                definition.allows(ExtraGrant::Ciba).into(),
            ),
            ("isPasswordGrantEnabled", definition.allows(ExtraGrant::Password).into()),
            (
                "groupMembershipClaims",
                definition
                    .group_membership_claims
                    .map(|claims| claims.to_string())
                    .into(),
            ),
            (
                "optionalClaims",
                json!({
                    "idToken": claims(&definition.optional_claims.id_token),
                    "accessToken": claims(&definition.optional_claims.access_token),
                    "saml2Token": [],
                }),
            ),
            ("publisherDomain", definition.publisher_domain.clone().into()),
            ("verifiedPublisher", publisher(definition.verified_publisher.as_ref())),
            ("info", info(definition)),
            ("requiredResourceAccess", json!(definition.required_resource_access)),
            ("passwordCredentials", secrets(&registration.secrets)),
            ("keyCredentials", certificates(&registration.certificates)),
            ("isDisabled", false.into()),
        ],
    )
}

fn api(definition: &Definition) -> Value {
    json!({
        "acceptMappedClaims": null,
        "knownClientApplications": definition.known_client_applications,
        "oauth2PermissionScopes": scopes(definition),
        "preAuthorizedApplications": definition.pre_authorized_applications,
        "requestedAccessTokenVersion": definition.requested_access_token_version,
    })
}

fn web(definition: &Definition) -> Value {
    json!({
        "homePageUrl": definition.home_page_url,
        "logoutUrl": definition.logout_url,
        "redirectUris": definition.redirect_uris.web,
        // An index is of SAML alone.
        "redirectUriSettings": definition.redirect_uris.web.iter()
            .map(|uri| json!({ "uri": uri, "index": null })).collect::<Vec<_>>(),
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": definition.enable_access_token_issuance,
            "enableIdTokenIssuance": definition.enable_id_token_issuance,
        },
    })
}

pub(super) fn info(definition: &Definition) -> Value {
    json!({
        "logoUrl": null,
        "marketingUrl": definition.links.marketing_url,
        "privacyStatementUrl": definition.links.privacy_statement_url,
        "supportUrl": definition.links.support_url,
        "termsOfServiceUrl": definition.links.terms_of_service_url,
    })
}

/// A thumbprint as certificates have it in tokens (base64url), in base64.
fn base64_of(thumbprint: &str) -> String {
    let text = thumbprint.replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    format!("{text}{padding}")
}

pub(super) fn secrets(rows: &[SecretRow]) -> Value {
    let secrets = rows.iter().map(|secret| {
        json!({
            "customKeyIdentifier": null,
            "keyId": secret.id,
            "displayName": secret.display_name,
            "hint": secret.hint,
            "secretText": null,
            "startDateTime": secret.created_at.to_rfc3339(),
            "endDateTime": secret.expires_at.to_rfc3339(),
        })
    });
    secrets.collect()
}

pub(super) fn certificates(rows: &[CertificateRow]) -> Value {
    let certificates = rows.iter().map(|row| {
        let (from, until) = row.certificate.validity();
        json!({
            "customKeyIdentifier": base64_of(&row.certificate.x5t()),
            "keyId": row.id,
            "displayName": row.display_name,
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "key": null,
            "startDateTime": from.to_rfc3339(),
            "endDateTime": until.to_rfc3339(),
        })
    });
    certificates.collect()
}

/// The word of an audience.
pub(super) fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Home => "AzureADMyOrg",
        Audience::Tenants => "AzureADMultipleOrgs",
    }
}

fn claims(claims: &[OptionalClaim]) -> Value {
    let one = |claim: &OptionalClaim| {
        json!({ "name": claim.name, "source": null, "essential": false,
        "additionalProperties": claim.additional_properties })
    };
    claims.iter().map(one).collect()
}

/// The roles that an application offers.
pub(super) fn roles(definition: &Definition) -> Value {
    let one = |role: &AppRole| {
        json!({
            "id": role.id,
            "value": role.value,
            "displayName": role.display_name,
            "description": role.description.as_ref().unwrap_or(&role.display_name),
            "isEnabled": !role.is_disabled,
            "allowedMemberTypes": match role.members {
                MemberTypes::All => json!(["User", "Application"]),
                MemberTypes::User => json!(["User"]),
                MemberTypes::Application => json!(["Application"]),
            },
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
            "type": if scope.is_for_administrators { "Admin" } else { "User" },
            "isEnabled": true,
            "adminConsentDisplayName": scope.display_name,
            "adminConsentDescription": scope.description.as_ref().unwrap_or(&scope.display_name),
            "userConsentDisplayName": scope.user_display_name.as_ref().unwrap_or(&scope.display_name),
            "userConsentDescription": scope.user_description.as_ref().unwrap_or(&scope.display_name),
        })
    };
    definition.scopes.iter().map(one).collect()
}
