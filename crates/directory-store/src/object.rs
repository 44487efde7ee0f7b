//! What an id of the directory may be of.

use std::collections::HashSet;

use hygie_core::{GroupId, ObjectId};
use hygie_store::{StoreError, Tx};

use crate::repo::{Groups, Principals, Users};
use crate::{Group, ServicePrincipal, User};

/// Objects that one statement looks for.
const CHUNK: usize = 500;

/// Something that can be a member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryObject {
    /// A person.
    User(User),
    /// A group.
    Group(Group),
    /// An application in this tenant.
    ServicePrincipal(ServicePrincipal),
}

impl DirectoryObject {
    /// Its id.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::User(user) => user.id,
            Self::Group(group) => ObjectId::from_uuid(group.id.uuid()),
            Self::ServicePrincipal(principal) => principal.id,
        }
    }
}

/// The object with this id, of whichever kind.
pub async fn object(tx: &mut Tx<'_>, id: ObjectId) -> Result<Option<DirectoryObject>, StoreError> {
    if let Some(user) = Users(tx).find(id).await? {
        return Ok(Some(DirectoryObject::User(user)));
    }
    if let Some(group) = Groups(tx).find(GroupId::from_uuid(id.uuid())).await? {
        return Ok(Some(DirectoryObject::Group(group)));
    }
    let principal = Principals(tx).find(id).await?;
    Ok(principal.map(DirectoryObject::ServicePrincipal))
}

/// The objects with these ids, of whichever kinds, in order of id.
pub async fn objects(tx: &mut Tx<'_>, ids: Vec<ObjectId>) -> Result<Vec<DirectoryObject>, StoreError> {
    let mut found = Vec::new();
    for some in ids.chunks(CHUNK) {
        let users = Users(tx).list_by_ids(some).await?;
        found.extend(users.into_iter().map(DirectoryObject::User));
        // Nearly always all are people.
        let rest = rest_of(some, &found);
        let groups = Groups(tx).list_by_ids(&rest).await?;
        found.extend(groups.into_iter().map(DirectoryObject::Group));
        let rest = rest_of(&rest, &found);
        let principals = Principals(tx).list_by_ids(&rest).await?;
        found.extend(principals.into_iter().map(DirectoryObject::ServicePrincipal));
    }
    found.sort_by_key(DirectoryObject::id);
    Ok(found)
}

/// The ids of which there is no object yet.
fn rest_of(ids: &[ObjectId], found: &[DirectoryObject]) -> Vec<ObjectId> {
    let known: HashSet<ObjectId> = found.iter().map(DirectoryObject::id).collect();
    ids.iter().copied().filter(|id| !known.contains(id)).collect()
}
