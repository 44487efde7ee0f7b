//! A role assignment: who has which role where.

use std::fmt;
use std::str::FromStr;

use hygie_core::{ObjectId, Random, TenantId, Timestamp};
use hygie_store::{FromValue, Value};
use uuid::Uuid;

use crate::{Kind, Profile, Role};

/// The id of a role assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AssignmentId(Uuid);

impl AssignmentId {
    /// A new random id.
    pub fn random(random: &dyn Random) -> Self {
        Self(ObjectId::random(random).uuid())
    }
}

impl fmt::Display for AssignmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for AssignmentId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

impl From<AssignmentId> for Value {
    fn from(id: AssignmentId) -> Self {
        Self::Blob(id.0.as_bytes().to_vec())
    }
}

impl FromValue for AssignmentId {
    fn from_value(value: Value) -> Option<Self> {
        ObjectId::from_value(value).map(|id| Self(id.uuid()))
    }
}

/// What kind of principal has the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum AssigneeKind {
    /// A person.
    User,
    /// The members of a group.
    Group,
    /// An application, by the object id of its service principal.
    App,
    /// A managed identity.
    ManagedIdentity,
}

impl AssigneeKind {
    const ALL: [Self; 4] = [Self::User, Self::Group, Self::App, Self::ManagedIdentity];

    /// Its name in the store and in `demo.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::App => "App",
            Self::ManagedIdentity => "ManagedIdentity",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who has a role: an object of a directory, always with its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assignee {
    /// The tenant of the object; an outside one where the workspace trusts it.
    pub tenant: TenantId,
    /// The object.
    pub id: ObjectId,
    /// What it is.
    pub kind: AssigneeKind,
}

/// Who a role is given to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An object of a directory.
    Object(Assignee),
    /// Every professional of a kind.
    Profile(Profile),
}

impl From<Assignee> for Holder {
    fn from(assignee: Assignee) -> Self {
        Self::Object(assignee)
    }
}

impl From<Profile> for Holder {
    fn from(profile: Profile) -> Self {
        Self::Profile(profile)
    }
}

impl fmt::Display for Holder {
    /// As the audit trail names it: ids and codes, no name of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(Assignee { tenant, id, kind }) => write!(f, "{} {tenant}/{id}", kind.name()),
            Self::Profile(profile) => write!(f, "Profile {profile}"),
        }
    }
}

/// Where a role holds: `/workspaces/{workspace}` or `/workspaces/{workspace}/{kind}/{service}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    workspace: String,
    service: Option<(Kind, String)>,
}

/// Text that is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a scope of role assignments")]
pub struct NotAScope;

impl Scope {
    /// All services of a workspace.
    pub fn workspace(name: &str) -> Result<Self, NotAScope> {
        Ok(Self {
            workspace: checked(name)?,
            service: None,
        })
    }

    /// One service of a workspace.
    pub fn service(workspace: &str, kind: Kind, name: &str) -> Result<Self, NotAScope> {
        Ok(Self {
            workspace: checked(workspace)?,
            service: Some((kind, checked(name)?)),
        })
    }

    /// The kind of the service, when it is one.
    pub fn kind(&self) -> Option<Kind> {
        self.service.as_ref().map(|(kind, _)| *kind)
    }

    /// Whether the service of this name lies in it.
    pub(crate) fn covers(&self, workspace: &str, kind: Kind, service: &str) -> bool {
        self.workspace == workspace
            && self
                .service
                .as_ref()
                .is_none_or(|(own, name)| *own == kind && name == service)
    }
}

/// A name that needs no escaping in a URL: lower-case letters, digits and inner hyphens, at most 64.
fn checked(name: &str) -> Result<String, NotAScope> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let edges = [name.bytes().next(), name.bytes().last()];
    if name.len() > 64 || !name.bytes().all(plain) || edges.iter().any(|edge| edge.is_none_or(|b| b == b'-')) {
        return Err(NotAScope);
    }
    Ok(name.to_owned())
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/workspaces/{}", self.workspace)?;
        match &self.service {
            Some((kind, name)) => write!(f, "/{}/{name}", kind.name()),
            None => Ok(()),
        }
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        let parts: Vec<&str> = text.strip_prefix("/workspaces/").ok_or(NotAScope)?.split('/').collect();
        match parts.as_slice() {
            [workspace] => Self::workspace(workspace),
            [workspace, kind, name] => Self::service(workspace, Kind::find(kind).ok_or(NotAScope)?, name),
            _ => Err(NotAScope),
        }
    }
}

/// A role assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Its id.
    pub id: AssignmentId,
    /// Who.
    pub holder: Holder,
    /// Which role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// Since when.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_and_written() {
        for text in [
            "/workspaces/demo",
            "/workspaces/demo/fhir/fhir",
            "/workspaces/a-1/dicom/x",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "/",
            "/workspaces/",
            "/workspaces/demo/",
            "/workspaces/demo/fhir",
            "/workspaces/demo/fhir/",
            "/workspaces/demo/fhir/a/b",
            "/workspaces/demo/sql/a",
            "/workspaces/Demo",
            "/workspaces/-a",
            "/workspaces/a b",
        ] {
            assert_eq!(text.parse::<Scope>(), Err(NotAScope), "{text}");
        }
    }

    #[test]
    fn scopes_cover_what_lies_in_them() {
        let workspace: Scope = "/workspaces/demo".parse().unwrap();
        let service: Scope = "/workspaces/demo/fhir/one".parse().unwrap();
        for (place, in_workspace, in_service) in [
            (("demo", Kind::Fhir, "one"), true, true),
            (("demo", Kind::Fhir, "two"), true, false),
            (("demo", Kind::Dicom, "one"), true, false),
            (("demo2", Kind::Fhir, "one"), false, false),
        ] {
            assert_eq!(workspace.covers(place.0, place.1, place.2), in_workspace, "{place:?}");
            assert_eq!(service.covers(place.0, place.1, place.2), in_service, "{place:?}");
        }
    }
}
