//! Directory roles: who administers the tenant.

use std::collections::BTreeSet;

use hygie_core::{Cx, ObjectId};
use hygie_policy::RoleTemplateId;
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};

use crate::conditional::Watch;
use crate::repo::Roles;
use crate::{Cursor, Directory, DirectoryError, DirectoryObject, RoleAssignment, directory_role};
use hygie_directory_store::{object, objects};

impl Directory {
    /// Gives a role, in the whole tenant, to a user, a service principal, or a group that was made for roles.
    pub async fn assign_directory_role(
        &self,
        cx: &Cx,
        principal: ObjectId,
        role: RoleTemplateId,
    ) -> Result<RoleAssignment, DirectoryError> {
        directory_role(role).ok_or(DirectoryError::NotFound("role"))?;
        let assignment = RoleAssignment {
            id: ObjectId::random(&*cx.random),
            principal,
            role,
            created_at: cx.now,
        };
        let record = Record::success(cx, "idp.directory_role.assign", object_of(&assignment));
        self.change(cx, (assignment, record), |(assignment, record), tx| {
            Box::pin(async move {
                match object(tx, assignment.principal).await? {
                    Some(DirectoryObject::User(_) | DirectoryObject::ServicePrincipal(_)) => {}
                    Some(DirectoryObject::Group(group)) if group.profile.is_assignable_to_role => {}
                    Some(DirectoryObject::Group(_)) => {
                        return Err(DirectoryError::Fixed(
                            "the roles of a group that was not made for roles",
                        ));
                    }
                    None => return Err(DirectoryError::NotFound("user, service principal or group")),
                }
                let watch = Watch::before(tx).await?;
                Roles(tx).insert(assignment).await?;
                watch.after(tx).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(assignment)
    }

    /// Takes a role from whoever has it.
    pub async fn remove_directory_role(
        &self,
        cx: &Cx,
        principal: ObjectId,
        role: RoleTemplateId,
    ) -> Result<(), DirectoryError> {
        self.change(cx, (principal, role), |(principal, role), tx| {
            Box::pin(async move {
                let found = Roles(tx).find_of(*role, *principal).await?;
                remove(tx, found).await
            })
        })
        .await
    }

    /// The same, by the id of the assignment.
    pub async fn remove_role_assignment(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let found = Roles(tx).find(*id).await?;
                remove(tx, found).await
            })
        })
        .await
    }

    /// The roles of a user or service principal in the whole tenant.
    pub async fn roles_of(&self, cx: &Cx, user: ObjectId) -> Result<BTreeSet<RoleTemplateId>, StoreError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move { Ok::<_, StoreError>(Roles(tx).list_of(*user).await?.into_iter().collect()) })
            })
            .await
    }

    /// The roles given to somebody themselves, without those of their groups.
    pub async fn roles_given_to(&self, cx: &Cx, principal: ObjectId) -> Result<BTreeSet<RoleTemplateId>, StoreError> {
        self.store()
            .read(cx, principal, |principal, tx| {
                Box::pin(async move {
                    let roles = Roles(tx).list_given_to(*principal).await?;
                    Ok::<_, StoreError>(roles.into_iter().collect())
                })
            })
            .await
    }

    /// The assignment with this id.
    pub async fn find_role_assignment(&self, cx: &Cx, id: ObjectId) -> Result<Option<RoleAssignment>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { Roles(tx).find(*id).await }))
            .await
    }

    /// A page of who has which role.
    pub async fn page_role_assignments(&self, cx: &Cx, at: Cursor) -> Result<Vec<RoleAssignment>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move { Roles(tx).page(at.after, at.limit).await })
            })
            .await
    }

    /// A page of who has this role.
    pub async fn page_role_members(
        &self,
        cx: &Cx,
        role: RoleTemplateId,
        at: Cursor,
    ) -> Result<Vec<DirectoryObject>, StoreError> {
        self.store()
            .read(cx, (role, at), |(role, at), tx| {
                Box::pin(async move {
                    let ids = Roles(tx).page_members(*role, at.after, at.limit).await?;
                    objects(tx, ids).await
                })
            })
            .await
    }
}

async fn remove(tx: &mut Tx<'_>, found: Option<RoleAssignment>) -> Result<(), DirectoryError> {
    let assignment = found.ok_or(DirectoryError::NotFound("role assignment"))?;
    if assignment.role == crate::GLOBAL_ADMINISTRATOR && Roles(tx).is_last_administrator(assignment.principal).await? {
        return Err(DirectoryError::LastAdministrator);
    }
    let watch = Watch::before(tx).await?;
    Roles(tx).remove(assignment.id).await?;
    watch.after(tx).await?;
    let record = Record::success(tx.cx(), "idp.directory_role.remove", object_of(&assignment));
    Ok(tx.audit(&record).await?)
}

/// For the audit: who, and which role.
fn object_of(assignment: &RoleAssignment) -> String {
    format!("principal/{}/role/{}", assignment.principal, assignment.role)
}
