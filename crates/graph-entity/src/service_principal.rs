//! `servicePrincipal`: <https://learn.microsoft.com/graph/api/resources/serviceprincipal>.

use hygie_directory::{Belongs, Definition, Presence, ServicePrincipal};
use serde_json::{Map, Value, json};

use super::application::{
    CERTIFICATE, INFO, ROLE, SCOPE, SECRET, audience, certificates, info, roles, scopes, secrets,
};
use super::consent::{PUBLISHER, publisher};
use super::{add_profile, filled};
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const TEXTS: Kind = Kind::List(&Kind::Text);

/// Its type.
pub static SERVICE_PRINCIPAL: EntityType = EntityType {
    name: "servicePrincipal",
    properties: &[
        Property::new("id", TEXT),
        Property::new("appId", TEXT),
        Property::ordered("displayName"),
        Property::new("description", TEXT),
        Property::new("notes", TEXT),
        Property::new("appDisplayName", TEXT),
        Property::new("appOwnerOrganizationId", TEXT),
        Property::new("servicePrincipalType", TEXT),
        Property::new("accountEnabled", Kind::Flag),
        Property::new("appRoleAssignmentRequired", Kind::Flag),
        Property::new("appRoles", Kind::List(&Kind::Complex(ROLE))),
        Property::new("oauth2PermissionScopes", Kind::List(&Kind::Complex(SCOPE))),
        Property::new("servicePrincipalNames", TEXTS),
        Property::new("alternativeNames", TEXTS),
        Property::new("replyUrls", TEXTS),
        Property::new("logoutUrl", TEXT),
        Property::new("homepage", TEXT),
        Property::new("loginUrl", TEXT),
        Property::new("signInAudience", TEXT),
        Property::new("info", Kind::Complex(INFO)),
        Property::new("verifiedPublisher", Kind::Complex(PUBLISHER)),
        Property::new("tags", TEXTS),
        Property::new("preferredSingleSignOnMode", TEXT),
        Property::new("notificationEmailAddresses", TEXTS),
        Property::new("passwordCredentials", Kind::List(&Kind::Complex(SECRET))),
        Property::new("keyCredentials", Kind::List(&Kind::Complex(CERTIFICATE))),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("addIns", Kind::List(&Kind::Complex(&[]))),
        Property::new("applicationTemplateId", TEXT),
        Property::new("disabledByMicrosoftStatus", TEXT),
        Property::new("preferredTokenSigningKeyThumbprint", TEXT),
        Property::new(
            "resourceSpecificApplicationPermissions",
            Kind::List(&Kind::Complex(&[])),
        ),
        Property::new("samlSingleSignOnSettings", Kind::Complex(&[])),
        Property::new("tokenEncryptionKeyId", TEXT),
    ],
    navigations: &["owners", "memberOf", "transitiveMemberOf", "ownedObjects"],
};

/// Its JSON.
pub fn service_principal(presence: &Presence) -> Map<String, Value> {
    let principal = &presence.principal;
    let application = presence.application.as_ref();
    let definition = application.map(|application| &*application.definition);
    let replies = definition.map(|definition| {
        let uris = &definition.redirect_uris;
        [&uris.web[..], &uris.spa, &uris.public_client].concat()
    });
    let mut members = filled(
        &SERVICE_PRINCIPAL,
        [
            ("id", principal.id.to_string().into()),
            ("appId", principal.app.to_string().into()),
            ("displayName", principal.display_name.clone().into()),
            (
                "appDisplayName",
                application.map(|application| application.display_name.clone()).into(),
            ),
            ("appOwnerOrganizationId", principal.home.to_string().into()),
            ("servicePrincipalType", principal_type(principal).into()),
            ("accountEnabled", principal.is_enabled.into()),
            ("appRoleAssignmentRequired", principal.requires_assignment.into()),
            ("appRoles", definition.map_or_else(|| json!([]), roles)),
            ("oauth2PermissionScopes", definition.map_or_else(|| json!([]), scopes)),
            ("servicePrincipalNames", presence.names.clone().into()),
            ("alternativeNames", alternative_names(presence)),
            ("replyUrls", replies.unwrap_or_default().into()),
            (
                "logoutUrl",
                definition.and_then(|definition| definition.logout_url.clone()).into(),
            ),
            ("info", definition.map_or_else(|| info(&Definition::default()), info)),
            (
                "homepage",
                definition
                    .and_then(|definition| definition.home_page_url.clone())
                    .into(),
            ),
            (
                "verifiedPublisher",
                publisher(definition.and_then(|definition| definition.verified_publisher.as_ref())),
            ),
            (
                "signInAudience",
                definition
                    .map(|definition| audience(definition.sign_in_audience))
                    .into(),
            ),
            ("createdDateTime", principal.created_at.to_rfc3339().into()),
        ],
    );
    add_profile(&mut members, &principal.profile);
    add_credentials(&mut members, presence);
    members
}

/// The word of its kind.
pub(super) fn principal_type(principal: &ServicePrincipal) -> &'static str {
    match principal.resource_id {
        Some(_) => "ManagedIdentity",
        None => "Application",
    }
}

/// What it has of its own in the tenant.
fn add_credentials(members: &mut Map<String, Value>, presence: &Presence) {
    let own = [
        ("passwordCredentials", secrets(&presence.secrets)),
        ("keyCredentials", certificates(&presence.certificates)),
    ];
    for (name, value) in own {
        members.insert(name.to_owned(), value);
    }
}

/// What a managed identity belongs to, and whether it was made by itself.
fn alternative_names(presence: &Presence) -> Value {
    let principal = &presence.principal;
    let Some(id) = &principal.resource_id else {
        return json!([]);
    };
    let is_explicit = *id == Belongs::Nobody(&principal.display_name).resource_id(principal.home);
    let explicit = if is_explicit { "True" } else { "False" };
    json!([format!("isExplicit={explicit}"), id])
}
