//! `appRoleAssignment` and `oAuth2PermissionGrant`: <https://learn.microsoft.com/graph/api/resources/approleassignment>,
//! <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>.

use hygie_directory::{AppRoleAssignment, DirectoryObject, PermissionGrant};
use serde_json::{Map, Value};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

/// That somebody has a role of an application.
pub static APP_ROLE_ASSIGNMENT: EntityType = EntityType {
    name: "appRoleAssignment",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("appRoleId", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("principalDisplayName", TEXT),
        Property::new("principalId", TEXT),
        Property::new("principalType", TEXT),
        Property::new("resourceDisplayName", TEXT),
        Property::new("resourceId", TEXT),
    ],
    navigations: &[],
};

/// That an application may act for somebody.
pub static PERMISSION_GRANT: EntityType = EntityType {
    name: "oAuth2PermissionGrant",
    properties: &[
        Property::new("id", TEXT),
        Property::new("clientId", TEXT),
        Property::new("consentType", TEXT),
        Property::new("principalId", TEXT),
        Property::new("resourceId", TEXT),
        Property::new("scope", TEXT),
    ],
    navigations: &[],
};

/// Its JSON, with the principal and the resource that it is between.
pub fn app_role_assignment(
    assignment: &AppRoleAssignment,
    [principal, resource]: &[Option<DirectoryObject>; 2],
) -> Map<String, Value> {
    let kind = principal.as_ref().map(|principal| match principal {
        DirectoryObject::User(_) => "User",
        DirectoryObject::Group(_) => "Group",
        DirectoryObject::ServicePrincipal(_) => "ServicePrincipal",
    });
    filled(
        &APP_ROLE_ASSIGNMENT,
        [
            ("id", assignment.id.to_string().into()),
            ("appRoleId", assignment.role.to_string().into()),
            ("createdDateTime", assignment.created_at.to_rfc3339().into()),
            ("principalDisplayName", principal.as_ref().map(name).into()),
            ("principalId", assignment.principal.to_string().into()),
            ("principalType", kind.into()),
            ("resourceDisplayName", resource.as_ref().map(name).into()),
            ("resourceId", assignment.resource.to_string().into()),
        ],
    )
}

/// Its JSON.
pub fn permission_grant(grant: &PermissionGrant) -> Map<String, Value> {
    let consent = if grant.user.is_some() {
        "Principal"
    } else {
        "AllPrincipals"
    };
    filled(
        &PERMISSION_GRANT,
        [
            ("id", grant.id.to_string().into()),
            ("clientId", grant.client.to_string().into()),
            ("consentType", consent.into()),
            ("principalId", grant.user.map(|user| user.to_string()).into()),
            ("resourceId", grant.resource.to_string().into()),
            ("scope", grant.scopes.join(" ").into()),
        ],
    )
}

fn name(object: &DirectoryObject) -> String {
    match object {
        DirectoryObject::User(user) => user.display_name.clone(),
        DirectoryObject::Group(group) => group.display_name.clone(),
        DirectoryObject::ServicePrincipal(principal) => principal.display_name.clone(),
    }
}
