//! Roles of applications and grants of delegated permissions, by their ids.

use std::collections::{BTreeMap, BTreeSet};

use hygie_core::{Cx, ObjectId};
use hygie_store::StoreError;
use hygie_store::audit::Record;
use uuid::Uuid;

use crate::consent::requests::answer;
use crate::repo::{Grants, GrantsOf, Principals, RolesOf, Users};
use crate::{
    AppRoleAssignment, Application, Cursor, Directory, DirectoryError, DirectoryObject, MemberTypes, NewAppRole,
    NewGrant, PermissionGrant,
};
use hygie_directory_store::{object, objects};

/// Permissions of the protocol itself, which every resource has.
const OPENID: &[&str] = &["openid", "profile", "email", "offline_access"];

impl Directory {
    /// Gives a role that the principal does not have.
    pub async fn create_app_role_assignment(
        &self,
        cx: &Cx,
        new: NewAppRole,
    ) -> Result<AppRoleAssignment, DirectoryError> {
        let application = self.application_of(cx, new.resource).await?;
        let members = members_of(&application, new.role)?;
        let made = AppRoleAssignment {
            id: ObjectId::random(&*cx.random),
            resource: new.resource,
            principal: new.principal,
            role: new.role,
            created_at: cx.now,
        };
        let record = Record::success(cx, "idp.role", format!("app/{}", application.app));
        self.change(cx, (made, members, record), |(made, members, record), tx| {
            Box::pin(async move {
                let principal = object(tx, made.principal).await?;
                let principal = principal.ok_or(DirectoryError::NotFound("principal"))?;
                let is_program = matches!(principal, DirectoryObject::ServicePrincipal(_));
                let fits = match members {
                    MemberTypes::All => true,
                    MemberTypes::User => !is_program,
                    MemberTypes::Application => is_program,
                };
                if !fits {
                    return Err(DirectoryError::Value("principalId"));
                }
                if Grants(tx).has_role(made.resource, made.principal, made.role).await? {
                    return Err(DirectoryError::Exists);
                }
                let at = (made.id.uuid(), made.created_at);
                Grants(tx)
                    .assign_role(made.resource, made.principal, made.role, at)
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(made)
    }

    /// Takes a role.
    pub async fn remove_app_role_assignment(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.role.remove", format!("assignment/{id}"));
        self.change(cx, (id, record), |(id, record), tx| {
            Box::pin(async move {
                if !Grants(tx).remove_role(*id).await? {
                    return Err(DirectoryError::NotFound("assignment"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// The assignment with this id.
    pub async fn find_app_role_assignment(
        &self,
        cx: &Cx,
        id: ObjectId,
    ) -> Result<Option<AppRoleAssignment>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| {
                Box::pin(async move { Grants(tx).find_role(*id).await })
            })
            .await
    }

    /// A page of roles, each with the objects that it is between, as far as they are there.
    pub async fn page_app_role_assignments(
        &self,
        cx: &Cx,
        of: RolesOf,
        at: Cursor,
    ) -> Result<Vec<(AppRoleAssignment, [Option<DirectoryObject>; 2])>, StoreError> {
        self.store()
            .read(cx, (of, at), |(of, at), tx| {
                Box::pin(async move {
                    let page = Grants(tx).page_roles(*of, (at.after, at.limit)).await?;
                    let parties = page.iter().flat_map(|found| [found.principal, found.resource]);
                    let parties: BTreeSet<ObjectId> = parties.collect();
                    let found = objects(tx, parties.into_iter().collect()).await?;
                    let known: BTreeMap<_, _> = found.into_iter().map(|object| (object.id(), object)).collect();
                    let with = |found: AppRoleAssignment| {
                        let party = |id| known.get(&id).cloned();
                        (found, [party(found.principal), party(found.resource)])
                    };
                    Ok::<_, StoreError>(page.into_iter().map(with).collect::<Vec<_>>())
                })
            })
            .await
    }

    /// Grants delegated permissions to parties between which there is no grant yet.
    pub async fn create_grant(&self, cx: &Cx, new: NewGrant) -> Result<PermissionGrant, DirectoryError> {
        let application = self.application_of(cx, new.resource).await?;
        check_scopes(&application, &new.scopes)?;
        let made = PermissionGrant {
            id: ObjectId::random(&*cx.random),
            client: new.client,
            resource: new.resource,
            user: new.user,
            scopes: new.scopes,
        };
        let record = Record::success(cx, "idp.grant", format!("principal/{}", made.client));
        self.change(cx, (made.clone(), record), |(made, record), tx| {
            Box::pin(async move {
                let client = Principals(tx).find(made.client).await?;
                let client = client.ok_or(DirectoryError::NotFound("service principal"))?;
                if let Some(user) = made.user {
                    Users(tx).find(user).await?.ok_or(DirectoryError::NotFound("user"))?;
                }
                let parties = (made.client, made.resource);
                if Grants(tx).find_grant_of(parties, made.user).await?.is_some() {
                    return Err(DirectoryError::Exists);
                }
                let at = (made.id.uuid(), tx.cx().now);
                Grants(tx).set_scopes(parties, made.user, &made.scopes, at).await?;
                if made.user.is_none() {
                    answer(tx, (client.id, client.app), None).await?;
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(made)
    }

    /// Grants other permissions than before.
    pub async fn update_grant(&self, cx: &Cx, id: ObjectId, scopes: Vec<String>) -> Result<(), DirectoryError> {
        let found = self.find_grant(cx, id).await?;
        let grant = found.ok_or(DirectoryError::NotFound("grant"))?;
        let application = self.application_of(cx, grant.resource).await?;
        check_scopes(&application, &scopes)?;
        let record = Record::success(cx, "idp.grant", format!("principal/{}", grant.client));
        self.change(cx, (grant, scopes, record), |(grant, scopes, record), tx| {
            Box::pin(async move {
                if Grants(tx).find_grant(grant.id).await?.is_none() {
                    return Err(DirectoryError::NotFound("grant"));
                }
                let at = (grant.id.uuid(), tx.cx().now);
                let parties = (grant.client, grant.resource);
                Grants(tx).set_scopes(parties, grant.user, scopes, at).await?;
                if let (None, Some(client)) = (grant.user, Principals(tx).find(grant.client).await?) {
                    answer(tx, (client.id, client.app), None).await?;
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes a grant away.
    pub async fn remove_grant(&self, cx: &Cx, id: ObjectId) -> Result<(), DirectoryError> {
        let record = Record::success(cx, "idp.grant.remove", format!("grant/{id}"));
        self.change(cx, (id, record), |(id, record), tx| {
            Box::pin(async move {
                if !Grants(tx).remove_grant(*id).await? {
                    return Err(DirectoryError::NotFound("grant"));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// The grant with this id.
    pub async fn find_grant(&self, cx: &Cx, id: ObjectId) -> Result<Option<PermissionGrant>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| {
                Box::pin(async move { Grants(tx).find_grant(*id).await })
            })
            .await
    }

    /// A page of grants.
    pub async fn page_grants(&self, cx: &Cx, of: GrantsOf, at: Cursor) -> Result<Vec<PermissionGrant>, StoreError> {
        self.store()
            .read(cx, (of, at), |(of, at), tx| {
                Box::pin(async move { Grants(tx).page_grants(*of, (at.after, at.limit)).await })
            })
            .await
    }

    /// The application behind a service principal.
    async fn application_of(&self, cx: &Cx, resource: ObjectId) -> Result<Application, DirectoryError> {
        let found = self.find_presence(cx, resource).await?;
        let application = found.and_then(|presence| presence.application);
        application.ok_or(DirectoryError::NotFound("resource"))
    }
}

/// Who can have a role of an application; everybody can be assigned without one.
fn members_of(application: &Application, role: Uuid) -> Result<MemberTypes, DirectoryError> {
    if role.is_nil() {
        return Ok(MemberTypes::All);
    }
    let mut roles = application.definition.app_roles.iter();
    let found = roles.find(|known| known.id == role && !known.is_disabled);
    found.map(|role| role.members).ok_or(DirectoryError::NotFound("role"))
}

pub(crate) fn check_scopes(application: &Application, scopes: &[String]) -> Result<(), DirectoryError> {
    let offered = &application.definition.scopes;
    let is_known = |word: &String| OPENID.contains(&word.as_str()) || offered.iter().any(|scope| scope.value == *word);
    if scopes.is_empty() || !scopes.iter().all(is_known) {
        return Err(DirectoryError::Value("scope"));
    }
    Ok(())
}
