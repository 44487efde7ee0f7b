//! What the directory shows: objects one by one, and in pages in the order of their ids.

use std::collections::{HashMap, HashSet};

use hygie_core::{AppId, Cx, GroupId, ObjectId};
use hygie_directory_store::{object, objects};
use hygie_store::{StoreError, Tx};

use crate::repo::{
    Activities, Applications, ByName, CertificateRow, Change, Changes, Followed, Groups, Owners, Place, SecretRow,
    SignInActivity, Tenants, Users,
};
use crate::{Application, Directory, DirectoryObject, Group, ServicePrincipal, Tenant, User};

/// Groups that somebody is in, nested ones included, at most.
const MAX_GROUPS: u32 = 10_000;

/// Objects that one statement looks for.
const CHUNK: usize = 500;

/// A page to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// What comes after this id; everything without one.
    pub after: Option<ObjectId>,
    /// Objects at most.
    pub limit: u32,
}

/// How memberships are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Of the object itself (`memberOf`).
    Direct,
    /// Through groups in groups as well (`transitiveMemberOf`).
    Transitive,
}

/// An application with the secrets that it has, without their values.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The application.
    pub application: Application,
    /// Its secrets.
    pub secrets: Vec<SecretRow>,
    /// Its certificates.
    pub certificates: Vec<CertificateRow>,
}

/// A service principal with what it is known by.
#[derive(Clone, Debug)]
pub struct Presence {
    /// The service principal.
    pub principal: ServicePrincipal,
    /// The names that it is asked for by.
    pub names: Vec<String>,
    /// The registration, from whichever tenant; none where it is gone, and of a managed identity.
    pub application: Option<Application>,
    /// The secrets that it has of its own in the tenant, without their values.
    pub secrets: Vec<SecretRow>,
    /// And the certificates.
    pub certificates: Vec<CertificateRow>,
}

/// Something that has an owner.
#[derive(Clone, Debug)]
pub enum Owned {
    /// A group or a service principal.
    Object(DirectoryObject),
    /// A registration.
    Application(Registration),
}

impl Owned {
    /// Its id.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Object(object) => object.id(),
            Self::Application(registration) => registration.application.id,
        }
    }
}

/// These objects and registrations, in the order of their ids; of those that are there.
pub(crate) async fn owned(tx: &mut Tx<'_>, ids: Vec<ObjectId>) -> Result<Vec<Owned>, StoreError> {
    let found = objects(tx, ids.clone()).await?;
    let mut all: Vec<Owned> = found.into_iter().map(Owned::Object).collect();
    let known: HashSet<ObjectId> = all.iter().map(Owned::id).collect();
    let others: Vec<ObjectId> = ids.into_iter().filter(|id| !known.contains(id)).collect();
    let mut applications = Vec::new();
    for some in others.chunks(CHUNK) {
        applications.extend(Applications(tx).list_by_ids(some).await?);
    }
    let found = registrations(tx, applications).await?;
    all.extend(found.into_iter().map(Owned::Application));
    all.sort_by_key(Owned::id);
    Ok(all)
}

impl Directory {
    /// Those of these objects and registrations that are there.
    pub async fn list_objects(&self, cx: &Cx, ids: Vec<ObjectId>) -> Result<Vec<Owned>, StoreError> {
        self.store()
            .read(cx, ids, |ids, tx| Box::pin(owned(tx, ids.clone())))
            .await
    }

    /// A page of what somebody owns.
    pub async fn page_owned(&self, cx: &Cx, owner: ObjectId, at: Cursor) -> Result<Vec<Owned>, StoreError> {
        self.store()
            .read(cx, (owner, at), |(owner, at), tx| {
                Box::pin(async move {
                    let ids = Owners(tx).page_owned(*owner, at.after, at.limit).await?;
                    owned(tx, ids).await
                })
            })
            .await
    }

    /// A page of who is in a group, by the groups within it as well.
    pub async fn page_transitive_members(
        &self,
        cx: &Cx,
        group: GroupId,
        at: Cursor,
    ) -> Result<Vec<DirectoryObject>, StoreError> {
        self.store()
            .read(cx, (group, at), |(group, at), tx| {
                Box::pin(async move {
                    let ids = Groups(tx).page_transitive_members(*group, at.after, at.limit).await?;
                    objects(tx, ids).await
                })
            })
            .await
    }

    /// When each of these people signed in last, of those who ever did.
    pub async fn sign_in_activities(
        &self,
        cx: &Cx,
        users: Vec<ObjectId>,
    ) -> Result<HashMap<ObjectId, SignInActivity>, StoreError> {
        self.store()
            .read(cx, users, |users, tx| {
                Box::pin(async move {
                    let mut all = HashMap::new();
                    for some in users.chunks(CHUNK) {
                        all.extend(Activities(tx).list_of(some).await?);
                    }
                    Ok::<_, StoreError>(all)
                })
            })
            .await
    }

    /// Whether somebody is in a group that was made for roles, or owns one.
    pub async fn is_of_role_group(&self, cx: &Cx, who: ObjectId) -> Result<bool, StoreError> {
        self.store()
            .read(cx, who, |who, tx| {
                Box::pin(async move { Ok::<_, StoreError>(!Groups(tx).list_for_roles(*who).await?.is_empty()) })
            })
            .await
    }

    /// Those of these people who are there.
    pub async fn list_users(&self, cx: &Cx, ids: Vec<ObjectId>) -> Result<Vec<User>, StoreError> {
        self.store()
            .read(cx, ids, |ids, tx| {
                Box::pin(async move {
                    let mut all = Vec::new();
                    for some in ids.chunks(CHUNK) {
                        all.extend(Users(tx).list_by_ids(some).await?);
                    }
                    Ok::<_, StoreError>(all)
                })
            })
            .await
    }

    /// The user with this id.
    pub async fn find_user_by_id(&self, cx: &Cx, id: ObjectId) -> Result<Option<User>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { Users(tx).find(*id).await }))
            .await
    }

    /// The user who has this certificate user id.
    pub async fn find_user_by_certificate_user_id(&self, cx: &Cx, value: &str) -> Result<Option<User>, StoreError> {
        self.store()
            .read(cx, value.to_owned(), |value, tx| {
                Box::pin(async move { Users(tx).find_by_certificate_user_id(value).await })
            })
            .await
    }

    /// A page of users in the order of their names.
    pub async fn page_users_by_name(&self, cx: &Cx, at: ByName) -> Result<Vec<(Place, User)>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move { Users(tx).page_by_name(at).await })
            })
            .await
    }

    /// A page of groups in the order of their names.
    pub async fn page_groups_by_name(&self, cx: &Cx, at: ByName) -> Result<Vec<(Place, Group)>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move { Groups(tx).page_by_name(at).await })
            })
            .await
    }

    /// How many users there are.
    pub async fn count_users(&self, cx: &Cx) -> Result<i64, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { Users(tx).count().await }))
            .await
    }

    /// How many groups there are.
    pub async fn count_groups(&self, cx: &Cx) -> Result<i64, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { Groups(tx).count().await }))
            .await
    }

    /// A page of the owners of an object.
    pub async fn page_owners(&self, cx: &Cx, of: ObjectId, at: Cursor) -> Result<Vec<DirectoryObject>, StoreError> {
        self.store()
            .read(cx, (of, at), |(of, at), tx| {
                Box::pin(async move {
                    let ids = Owners(tx).page(*of, at.after, at.limit).await?;
                    objects(tx, ids).await
                })
            })
            .await
    }

    /// Whether somebody owns an object.
    pub async fn is_owner(&self, cx: &Cx, of: ObjectId, owner: ObjectId) -> Result<bool, StoreError> {
        self.store()
            .read(cx, (of, owner), |(of, owner), tx| {
                Box::pin(async move { Owners(tx).has(*of, *owner).await })
            })
            .await
    }

    /// The number of the last change in the tenant.
    pub async fn last_change(&self, cx: &Cx) -> Result<i64, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { Changes(tx).last().await }))
            .await
    }

    /// What changed after this number, in order, each with the object where it is there.
    pub async fn page_changes(
        &self,
        cx: &Cx,
        kind: Followed,
        (after, limit): (i64, u32),
    ) -> Result<Vec<(Change, Option<DirectoryObject>)>, StoreError> {
        self.store()
            .read(cx, (kind, after, limit), |(kind, after, limit), tx| {
                Box::pin(async move {
                    let changes = Changes(tx).page(*kind, *after, *limit).await?;
                    let found = objects(tx, changes.iter().map(|change| change.object).collect()).await?;
                    let mut found: HashMap<_, _> = found.into_iter().map(|object| (object.id(), object)).collect();
                    let with = |change: Change| (change, found.remove(&change.object));
                    Ok::<_, StoreError>(changes.into_iter().map(with).collect::<Vec<_>>())
                })
            })
            .await
    }

    /// The object with this id, of whichever kind.
    pub async fn find_object(&self, cx: &Cx, id: ObjectId) -> Result<Option<DirectoryObject>, StoreError> {
        self.store().read(cx, id, |id, tx| Box::pin(object(tx, *id))).await
    }

    /// A page of users.
    pub async fn page_users(&self, cx: &Cx, at: Cursor) -> Result<Vec<User>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move { Users(tx).page(at.after, at.limit).await })
            })
            .await
    }

    /// The group with this id.
    pub async fn find_group(&self, cx: &Cx, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { Groups(tx).find(*id).await }))
            .await
    }

    /// A page of groups.
    pub async fn page_groups(&self, cx: &Cx, at: Cursor) -> Result<Vec<Group>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move { Groups(tx).page(at.after, at.limit).await })
            })
            .await
    }

    /// A page of the members of a group.
    pub async fn page_members(&self, cx: &Cx, group: GroupId, at: Cursor) -> Result<Vec<DirectoryObject>, StoreError> {
        self.store()
            .read(cx, (group, at), |(group, at), tx| {
                Box::pin(async move {
                    let ids = Groups(tx).page_members(*group, at.after, at.limit).await?;
                    objects(tx, ids).await
                })
            })
            .await
    }

    /// The groups that an object is in.
    pub async fn groups_of(&self, cx: &Cx, member: ObjectId, how: Membership) -> Result<Vec<Group>, StoreError> {
        self.store()
            .read(cx, (member, how), |(member, how), tx| {
                Box::pin(async move {
                    let ids = match how {
                        Membership::Direct => Groups(tx).list_direct(*member).await?,
                        Membership::Transitive => Groups(tx).list_transitive(*member, MAX_GROUPS).await?,
                    };
                    let ids: Vec<ObjectId> = ids.into_iter().map(|id| ObjectId::from_uuid(id.uuid())).collect();
                    let mut groups = Vec::new();
                    for some in ids.chunks(CHUNK) {
                        groups.extend(Groups(tx).list_by_ids(some).await?);
                    }
                    Ok::<_, StoreError>(groups)
                })
            })
            .await
    }

    /// An application of this tenant, by its object id.
    pub async fn find_registration(&self, cx: &Cx, id: ObjectId) -> Result<Option<Registration>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| {
                Box::pin(async move {
                    let found = Applications(tx).find_by_id(*id).await?;
                    registrations(tx, found.into_iter().collect())
                        .await
                        .map(|mut all| all.pop())
                })
            })
            .await
    }

    /// An application of this tenant, by its client id.
    pub async fn find_registration_of(&self, cx: &Cx, app: AppId) -> Result<Option<Registration>, StoreError> {
        self.store()
            .read(cx, app, |app, tx| {
                Box::pin(async move {
                    let found = Applications(tx).find(*app).await?;
                    registrations(tx, found.into_iter().collect())
                        .await
                        .map(|mut all| all.pop())
                })
            })
            .await
    }

    /// A page of the applications of this tenant.
    pub async fn page_registrations(&self, cx: &Cx, at: Cursor) -> Result<Vec<Registration>, StoreError> {
        self.store()
            .read(cx, at, |at, tx| {
                Box::pin(async move {
                    let page = Applications(tx).page(at.after, at.limit).await?;
                    registrations(tx, page).await
                })
            })
            .await
    }

    /// The tenant of the context and its domain names, the default one first.
    pub async fn find_tenant(&self, cx: &Cx) -> Result<Option<(Tenant, Vec<String>)>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move {
                    let Some(tenant) = Tenants(tx).find().await? else {
                        return Ok(None);
                    };
                    Ok::<_, StoreError>(Some((tenant, Tenants(tx).list_domains().await?)))
                })
            })
            .await
    }
}

pub(crate) async fn registrations(tx: &mut Tx<'_>, page: Vec<Application>) -> Result<Vec<Registration>, StoreError> {
    let apps: Vec<AppId> = page.iter().map(|application| application.app).collect();
    let (mut secrets, mut certificates): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = (HashMap::new(), HashMap::new());
    for (app, secret) in Applications(tx).list_secret_rows(&apps).await? {
        secrets.entry(app).or_default().push(secret);
    }
    for (app, certificate) in Applications(tx).list_certificate_rows(&apps).await? {
        certificates.entry(app).or_default().push(certificate);
    }
    let whole = |application: Application| Registration {
        secrets: secrets.remove(&application.app).unwrap_or_default(),
        certificates: certificates.remove(&application.app).unwrap_or_default(),
        application,
    };
    Ok(page.into_iter().map(whole).collect())
}
