//! Groups, their members and owners, and the owners of applications.

use hygie_core::{Cx, GroupId, ObjectId};
use hygie_store::Tx;
use hygie_store::audit::Record;
use serde_json::{Map, Value};

use super::{changed, named, object_of};
use crate::conditional::Watch;
use crate::repo::{Applications, Became, Followed, Groups, Owners};
use crate::{Directory, DirectoryError, DirectoryObject, Group, GroupProfile};
use hygie_directory_store::object;
use hygie_directory_store::profile::merged;

/// A group to create.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Name for display.
    pub display_name: String,
    /// Everything else.
    pub profile: GroupProfile,
    /// Its first members.
    pub members: Vec<ObjectId>,
    /// Its first owners.
    pub owners: Vec<ObjectId>,
}

/// What changes of a group; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// Name for display.
    pub display_name: Option<String>,
    /// Members of the profile, by their names.
    pub profile: Map<String, Value>,
    /// More members.
    pub members: Vec<ObjectId>,
}

impl Directory {
    /// Creates a group with its first members and owners.
    pub async fn create_group_with(&self, cx: &Cx, new: NewGroup) -> Result<Group, DirectoryError> {
        let group = Group {
            id: GroupId::random(&*cx.random),
            display_name: named(new.display_name)?,
            created_at: cx.now,
            profile: new.profile,
        };
        group.profile.check().map_err(DirectoryError::Value)?;
        let record = Record::success(cx, "idp.group.create", format!("group/{}", group.id));
        let input = (group.clone(), new.members, new.owners, record);
        self.change(cx, input, |(group, members, owners, record), tx| {
            Box::pin(async move {
                Groups(tx).insert(group).await?;
                changed(tx, Followed::Groups, object_of(group.id), Became::Different).await?;
                for member in members {
                    add_member(tx, group.id, *member).await?;
                }
                for owner in owners {
                    add_owner(tx, object_of(group.id), *owner).await?;
                }
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(group)
    }

    /// Changes a group.
    pub async fn update_group(&self, cx: &Cx, id: GroupId, change: GroupChange) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.group.update", format!("group/{id}"));
        self.change(cx, (id, change, record), |(id, change, record), tx| {
            Box::pin(async move {
                let found = Groups(tx).find(*id).await?;
                let mut group = found.ok_or(DirectoryError::NotFound("group"))?;
                if let Some(name) = &change.display_name {
                    group.display_name = named(name.clone())?;
                }
                let holds_roles = group.profile.is_assignable_to_role;
                group.profile = merged(&group.profile, &change.profile)?;
                if group.profile.is_assignable_to_role != holds_roles {
                    return Err(DirectoryError::Fixed("isAssignableToRole of a group"));
                }
                group.profile.check().map_err(DirectoryError::Value)?;
                Groups(tx).update(&group).await?;
                changed(tx, Followed::Groups, object_of(*id), Became::Different).await?;
                let watch = Watch::before(tx).await?;
                for member in &change.members {
                    add_member(tx, *id, *member).await?;
                }
                watch.after(tx).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Makes a user, group or service principal a member of a group, who is none yet.
    pub async fn add_member(&self, cx: &Cx, group: GroupId, member: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.group.member", format!("group/{group}"));
        self.change(cx, (group, member, record), |(group, member, record), tx| {
            Box::pin(async move {
                if Groups(tx).find(*group).await?.is_none() {
                    return Err(DirectoryError::NotFound("group"));
                }
                let watch = Watch::before(tx).await?;
                add_member(tx, *group, *member).await?;
                watch.after(tx).await?;
                changed(tx, Followed::Groups, object_of(*group), Became::Different).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends a membership.
    pub async fn remove_member(&self, cx: &Cx, group: GroupId, member: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.group.remove_member", format!("group/{group}"));
        self.change(cx, (group, member, record), |(group, member, record), tx| {
            Box::pin(async move {
                let watch = Watch::before(tx).await?;
                if !Groups(tx).remove_member(*group, *member).await? {
                    return Err(DirectoryError::NotFound("member"));
                }
                watch.after(tx).await?;
                changed(tx, Followed::Groups, object_of(*group), Became::Different).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Makes a user or a service principal the owner of a group, application or service principal.
    pub async fn add_owner(&self, cx: &Cx, of: ObjectId, owner: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.owner.add", format!("object/{of}"));
        self.change(cx, (of, owner, record), |(of, owner, record), tx| {
            Box::pin(async move {
                let is_owned = match object(tx, *of).await? {
                    Some(DirectoryObject::User(_)) => false,
                    Some(_) => true,
                    None => Applications(tx).find_by_id(*of).await?.is_some(),
                };
                if !is_owned {
                    return Err(DirectoryError::NotFound("object"));
                }
                add_owner(tx, *of, *owner).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends an ownership.
    pub async fn remove_owner(&self, cx: &Cx, of: ObjectId, owner: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.owner.remove", format!("object/{of}"));
        self.change(cx, (of, owner, record), |(of, owner, record), tx| {
            Box::pin(async move {
                if !Owners(tx).remove(*of, *owner).await? {
                    return Err(DirectoryError::NotFound("owner"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn add_member(tx: &mut Tx<'_>, group: GroupId, member: ObjectId) -> Result<(), DirectoryError> {
    if member.uuid() == group.uuid() {
        return Err(DirectoryError::Value("members"));
    }
    let found = object(tx, member).await?.ok_or(DirectoryError::NotFound("member"))?;
    let is_nested = matches!(found, DirectoryObject::Group(_));
    let holds_roles = Groups(tx)
        .find(group)
        .await?
        .is_some_and(|group| group.profile.is_assignable_to_role);
    // As in Entra ID: who has roles by a group is in it themselves.
    if is_nested && holds_roles {
        return Err(DirectoryError::Fixed(
            "the membership of a group in one that was made for roles",
        ));
    }
    if Groups(tx).has_member(group, member).await? {
        return Err(DirectoryError::Exists);
    }
    Ok(Groups(tx).add_member(group, member).await?)
}

async fn add_owner(tx: &mut Tx<'_>, of: ObjectId, owner: ObjectId) -> Result<(), DirectoryError> {
    match object(tx, owner).await? {
        Some(DirectoryObject::User(_) | DirectoryObject::ServicePrincipal(_)) => {
            Ok(Owners(tx).insert(of, owner).await?)
        }
        Some(DirectoryObject::Group(_)) | None => Err(DirectoryError::NotFound("owner")),
    }
}
