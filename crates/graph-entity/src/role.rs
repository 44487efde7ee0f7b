//! `directoryRole`, `unifiedRoleDefinition`, `unifiedRoleAssignment`:
//! <https://learn.microsoft.com/graph/api/resources/rolemanagement>.

use hygie_core::ObjectId;
use hygie_directory::{DirectoryRole, RoleAssignment};
use serde_json::{Map, Value};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

/// A role as the tenant has it.
pub static DIRECTORY_ROLE: EntityType = EntityType {
    name: "directoryRole",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("description", TEXT),
        Property::new("displayName", TEXT),
        Property::new("roleTemplateId", TEXT),
    ],
    navigations: &[],
};

/// A role as every tenant can have it.
pub static DIRECTORY_ROLE_TEMPLATE: EntityType = EntityType {
    name: "directoryRoleTemplate",
    properties: &[
        Property::new("id", TEXT),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("description", TEXT),
        Property::new("displayName", TEXT),
    ],
    navigations: &[],
};

/// A role as assignments refer to it.
pub static ROLE_DEFINITION: EntityType = EntityType {
    name: "unifiedRoleDefinition",
    properties: &[
        Property::new("id", TEXT),
        Property::new("description", TEXT),
        Property::new("displayName", TEXT),
        Property::new("isBuiltIn", Kind::Flag),
        Property::new("isEnabled", Kind::Flag),
        Property::new("isPrivileged", Kind::Flag),
        Property::new("resourceScopes", Kind::List(&Kind::Text)),
        Property::new("templateId", TEXT),
        Property::new("version", TEXT),
    ],
    navigations: &[],
};

/// That somebody has a role.
pub static ROLE_ASSIGNMENT: EntityType = EntityType {
    name: "unifiedRoleAssignment",
    properties: &[
        Property::new("id", TEXT),
        Property::new("principalId", TEXT),
        Property::new("directoryScopeId", TEXT),
        Property::new("roleDefinitionId", TEXT),
    ],
    navigations: &["principal", "roleDefinition"],
};

/// The id under which a tenant has a role: that of its template.
pub fn role_id(role: &DirectoryRole) -> ObjectId {
    ObjectId::from_uuid(role.template.uuid())
}

/// Its JSON.
pub fn directory_role(role: &DirectoryRole) -> Map<String, Value> {
    filled(
        &DIRECTORY_ROLE,
        [
            ("id", role.template.to_string().into()),
            ("description", role.description.into()),
            ("displayName", role.display_name.into()),
            ("roleTemplateId", role.template.to_string().into()),
        ],
    )
}

/// Its JSON.
pub fn directory_role_template(role: &DirectoryRole) -> Map<String, Value> {
    filled(
        &DIRECTORY_ROLE_TEMPLATE,
        [
            ("id", role.template.to_string().into()),
            ("description", role.description.into()),
            ("displayName", role.display_name.into()),
        ],
    )
}

/// Its JSON.
pub fn role_definition(role: &DirectoryRole) -> Map<String, Value> {
    filled(
        &ROLE_DEFINITION,
        [
            ("id", role.template.to_string().into()),
            ("description", role.description.into()),
            ("displayName", role.display_name.into()),
            ("isBuiltIn", true.into()),
            ("isEnabled", true.into()),
            ("isPrivileged", role.is_privileged.into()),
            ("resourceScopes", serde_json::json!(["/"])),
            ("templateId", role.template.to_string().into()),
            ("version", "1".into()),
        ],
    )
}

/// Its JSON.
pub fn role_assignment(assignment: &RoleAssignment) -> Map<String, Value> {
    filled(
        &ROLE_ASSIGNMENT,
        [
            ("id", assignment.id.to_string().into()),
            ("principalId", assignment.principal.to_string().into()),
            ("directoryScopeId", "/".into()),
            ("roleDefinitionId", assignment.role.to_string().into()),
        ],
    )
}
