//! Deleting objects, bringing them back, and forgetting them: after thirty days, or when somebody says so.
//! <https://learn.microsoft.com/graph/api/resources/deleteditemcontainer>
//!
//! What refers to a deleted object stays written, and leads nowhere until it is back; directory roles are lost, and places in groups made for them. What has
//! been deleted for thirty days is not shown any more, and goes for good with the next deletions in its tenant.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Cx, GroupId, ObjectId, Secret, TenantId, Timestamp};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{changed, object_of};
use crate::conditional::Watch;
use crate::repo::{
    Activities, Applications, AtRisk, Attempts, Became, Deleted, DeletedRow, Followed, Groups, Holder, Outsiders,
    Owners, Principals, RiskEvents, Risks, Roles, Users,
};
use crate::revocation::revoke_all_of;
use crate::{Application, Cursor, DIRECTORY_API, Definition, Directory, DirectoryError, Group, ServicePrincipal, User};

/// How long a deleted object can be brought back.
pub(crate) const KEPT: Duration = Duration::from_hours(24 * 30);
/// Forgotten objects that one deletion clears away.
const SWEPT: u32 = 20;

/// Kinds of objects that can be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedKind {
    /// People.
    User,
    /// Groups.
    Group,
    /// Registrations.
    Application,
    /// Applications in the tenant.
    ServicePrincipal,
}

impl DeletedKind {
    const ALL: [Self; 4] = [Self::User, Self::Group, Self::Application, Self::ServicePrincipal];

    /// Whether a row holds an object of the directory; rules of conditional access are kept beside them.
    fn is_of(row: &DeletedRow) -> bool {
        Self::ALL.iter().any(|kind| kind.word() == row.kind)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Application => "application",
            Self::ServicePrincipal => "servicePrincipal",
        }
    }
}

/// A deleted object as it was.
#[derive(Clone, Debug)]
pub enum DeletedObject {
    /// A person.
    User(User),
    /// A group.
    Group(Group),
    /// A registration.
    Application(Application),
    /// An application in the tenant, with the names that it was asked for by.
    ServicePrincipal(ServicePrincipal, Vec<String>),
}

#[derive(Serialize, Deserialize)]
struct KeptApplication {
    app: AppId,
    id: ObjectId,
    home: TenantId,
    display_name: String,
    definition: Definition,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct KeptPrincipal {
    principal: ServicePrincipal,
    names: Vec<String>,
}

impl DeletedObject {
    /// Its id.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::User(user) => user.id,
            Self::Group(group) => object_of(group.id),
            Self::Application(application) => application.id,
            Self::ServicePrincipal(principal, _) => principal.id,
        }
    }

    fn read(row: &DeletedRow) -> Result<Self, StoreError> {
        Ok(match row.kind.as_str() {
            "user" => Self::User(content(row)?),
            "group" => Self::Group(content(row)?),
            "application" => {
                let kept: KeptApplication = content(row)?;
                Self::Application(Application {
                    app: kept.app,
                    id: kept.id,
                    home: kept.home,
                    display_name: kept.display_name,
                    definition: Arc::new(kept.definition),
                    created_at: kept.created_at,
                })
            }
            "servicePrincipal" => {
                let kept: KeptPrincipal = content(row)?;
                Self::ServicePrincipal(kept.principal, kept.names)
            }
            _ => return Err(StoreError::Inconsistent("idp_deleted.kind is not known".to_owned())),
        })
    }
}

fn content<T: DeserializeOwned>(row: &DeletedRow) -> Result<T, StoreError> {
    serde_json::from_str(&row.content)
        .map_err(|_| StoreError::Inconsistent("idp_deleted.content cannot be read".to_owned()))
}

impl Directory {
    /// Deletes a user, with everything that they were issued.
    pub async fn delete_user(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let user = Users(tx).find(*id).await?.ok_or(DirectoryError::NotFound("user"))?;
                if Roles(tx).is_last_administrator(*id).await? {
                    return Err(DirectoryError::LastAdministrator);
                }
                let watch = Watch::before(tx).await?;
                let password = Users(tx).password(*id).await?;
                revoke_all_of(tx, *id).await?;
                let now = tx.cx().now;
                // Other processes learn of it by this: the user is none of the directory any more.
                Outsiders(tx).revoke(*id, now).await?;
                lose_roles(tx, *id).await?;
                Users(tx).remove(*id).await?;
                changed(tx, Followed::Users, *id, Became::Deleted).await?;
                keep(tx, (*id, DeletedKind::User), &user, password).await?;
                watch.after(tx).await?;
                record(tx, "idp.user.delete", format!("user/{id}")).await
            })
        })
        .await?;
        Ok(self.know_revoked(cx, id).await?)
    }

    /// Deletes a group.
    pub async fn delete_group(&self, cx: &Cx, id: GroupId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let group = Groups(tx).find(*id).await?.ok_or(DirectoryError::NotFound("group"))?;
                let watch = Watch::before(tx).await?;
                Groups(tx).remove(*id).await?;
                let object = object_of(*id);
                Roles(tx).remove_all_of(object).await?;
                changed(tx, Followed::Groups, object, Became::Deleted).await?;
                keep(tx, (object, DeletedKind::Group), &group, None).await?;
                watch.after(tx).await?;
                record(tx, "idp.group.delete", format!("group/{id}")).await
            })
        })
        .await
    }

    /// Deletes the registration of an application, and the application in its own tenant.
    pub async fn delete_application(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let found = Applications(tx).find_by_id(*id).await?;
                let application = found.ok_or(DirectoryError::NotFound("application"))?;
                Applications(tx).remove(application.app).await?;
                if let Some(principal) = Principals(tx).find_by_app(application.app).await? {
                    remove_principal(tx, principal).await?;
                }
                let object = format!("app/{}", application.app);
                let kept = KeptApplication {
                    app: application.app,
                    id: application.id,
                    home: application.home,
                    display_name: application.display_name,
                    definition: (*application.definition).clone(),
                    created_at: application.created_at,
                };
                keep(tx, (*id, DeletedKind::Application), &kept, None).await?;
                record(tx, "idp.application.delete", object).await
            })
        })
        .await
    }

    /// Deletes an application in this tenant.
    pub async fn delete_service_principal(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let found = Principals(tx).find(*id).await?;
                let principal = found.ok_or(DirectoryError::NotFound("service principal"))?;
                if principal.app == DIRECTORY_API {
                    return Err(DirectoryError::Fixed("the service principal of the directory API"));
                }
                if principal.resource_id.is_some() {
                    return Err(DirectoryError::Fixed("a managed identity"));
                }
                let object = format!("app/{}", principal.app);
                remove_principal(tx, principal).await?;
                record(tx, "idp.principal.delete", object).await
            })
        })
        .await
    }

    /// A page of the deleted objects of a kind, with the instants of their deletion.
    pub async fn page_deleted(
        &self,
        cx: &Cx,
        kind: DeletedKind,
        at: Cursor,
    ) -> Result<Vec<(DeletedObject, Timestamp)>, StoreError> {
        self.store()
            .read(cx, (kind, at), |(kind, at), tx| {
                Box::pin(async move {
                    let since = tx.cx().now - KEPT;
                    let rows = Deleted(tx).page(kind.word(), since, (at.after, at.limit)).await?;
                    let read = |row: &DeletedRow| Ok((DeletedObject::read(row)?, row.deleted_at));
                    rows.iter().map(read).collect::<Result<Vec<_>, StoreError>>()
                })
            })
            .await
    }

    /// A deleted object.
    pub async fn find_deleted(&self, cx: &Cx, id: ObjectId) -> Result<Option<(DeletedObject, Timestamp)>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| {
                Box::pin(async move {
                    let since = tx.cx().now - KEPT;
                    let row = Deleted(tx).find(*id, since).await?.filter(DeletedKind::is_of);
                    row.map(|row| Ok((DeletedObject::read(&row)?, row.deleted_at)))
                        .transpose()
                })
            })
            .await
    }

    /// Brings a deleted object back. What took its name meanwhile must be renamed first.
    pub async fn restore(&self, cx: &Cx, id: ObjectId) -> Result<DeletedObject, DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let row = Deleted(tx).find(*id, now - KEPT).await?.filter(DeletedKind::is_of);
                let row = row.ok_or(DirectoryError::NotFound("deleted object"))?;
                let watch = Watch::before(tx).await?;
                let mut object = DeletedObject::read(&row)?;
                match &mut object {
                    DeletedObject::User(user) => {
                        // What was issued before stays revoked.
                        user.valid_from = now;
                        Users(tx).insert(user, row.password.as_ref()).await?;
                        changed(tx, Followed::Users, *id, Became::Different).await?;
                    }
                    DeletedObject::Group(group) => {
                        Groups(tx).insert(group).await?;
                        changed(tx, Followed::Groups, *id, Became::Different).await?;
                    }
                    DeletedObject::Application(application) => {
                        let json = serde_json::to_string(&*application.definition)?;
                        Applications(tx).insert(application, &json).await?;
                    }
                    DeletedObject::ServicePrincipal(principal, names) => {
                        Principals(tx).insert(principal, names).await?;
                    }
                }
                Deleted(tx).remove(*id).await?;
                watch.after(tx).await?;
                record(tx, "idp.object.restore", format!("{}/{id}", row.kind)).await?;
                Ok(object)
            })
        })
        .await
    }

    /// Forgets a deleted object for good, with whatever refers to it.
    pub async fn forget(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        self.change(cx, id, |id, tx| {
            Box::pin(async move {
                let since = tx.cx().now - KEPT;
                let row = Deleted(tx).find(*id, since).await?.filter(DeletedKind::is_of);
                let row = row.ok_or(DirectoryError::NotFound("deleted object"))?;
                Ok(forget(tx, &row).await?)
            })
        })
        .await
    }
}

/// Takes somebody's directory roles away, and what leads to them: that they are in groups made for roles, or own such groups.
async fn lose_roles(tx: &mut Tx<'_>, who: ObjectId) -> Result<(), StoreError> {
    Roles(tx).remove_all_of(who).await?;
    for group in Groups(tx).list_for_roles(who).await? {
        let object = object_of(group.id);
        if Groups(tx).has_member(group.id, who).await? {
            Groups(tx).remove_member(group.id, who).await?;
        }
        if Owners(tx).has(object, who).await? {
            Owners(tx).remove(object, who).await?;
        }
        changed(tx, Followed::Groups, object, Became::Different).await?;
    }
    Ok(())
}

async fn remove_principal(tx: &mut Tx<'_>, principal: ServicePrincipal) -> Result<(), DirectoryError> {
    let id = principal.id;
    let names = Principals(tx).list_names(id).await?;
    lose_roles(tx, id).await?;
    Principals(tx).remove(id).await?;
    keep(
        tx,
        (id, DeletedKind::ServicePrincipal),
        &KeptPrincipal { principal, names },
        None,
    )
    .await
}

async fn keep<T: Serialize + Sync>(
    tx: &mut Tx<'_>,
    (id, kind): (ObjectId, DeletedKind),
    content: &T,
    password: Option<Secret<String>>,
) -> Result<(), DirectoryError> {
    let now = tx.cx().now;
    let row = DeletedRow {
        id,
        kind: kind.word().to_owned(),
        content: serde_json::to_string(content)?,
        password,
        deleted_at: now,
    };
    Ok(keep_row(tx, &row).await?)
}

/// Keeps what was deleted, and clears away what was long ago.
pub(crate) async fn keep_row(tx: &mut Tx<'_>, row: &DeletedRow) -> Result<(), StoreError> {
    for old in Deleted(tx).list_before(row.deleted_at - KEPT, SWEPT).await? {
        forget(tx, &old).await?;
    }
    Deleted(tx).insert(row).await
}

/// Forgets what was deleted for good.
pub(crate) async fn forget(tx: &mut Tx<'_>, row: &DeletedRow) -> Result<(), StoreError> {
    if DeletedKind::is_of(row) {
        forget_object(tx, row).await?;
    }
    Deleted(tx).remove(row.id).await?;
    let record = Record::success(tx.cx(), "idp.object.forget", format!("{}/{}", row.kind, row.id));
    tx.audit(&record).await
}

async fn forget_object(tx: &mut Tx<'_>, row: &DeletedRow) -> Result<(), StoreError> {
    match DeletedObject::read(row)? {
        DeletedObject::User(_) => {
            Attempts(tx).forget(row.id).await?;
            Risks(tx).forget(AtRisk::User, row.id).await?;
            RiskEvents(tx, AtRisk::User).forget(row.id).await?;
            Activities(tx).forget(row.id).await?;
            changed(tx, Followed::Users, row.id, Became::Forgotten).await?;
        }
        DeletedObject::Group(_) => changed(tx, Followed::Groups, row.id, Became::Forgotten).await?,
        DeletedObject::Application(application) => Applications(tx).remove_credentials(application.app).await?,
        DeletedObject::ServicePrincipal(principal, _) => {
            Risks(tx).forget(AtRisk::ServicePrincipal, row.id).await?;
            RiskEvents(tx, AtRisk::ServicePrincipal).forget(row.id).await?;
            Applications(tx)
                .remove_credentials(Holder::Principal(principal.id))
                .await?;
        }
    }
    Deleted(tx).unlink(row.id).await
}

async fn record(tx: &mut Tx<'_>, action: &'static str, object: String) -> Result<(), DirectoryError> {
    let record = Record::success(tx.cx(), action, object);
    Ok(tx.audit(&record).await?)
}
