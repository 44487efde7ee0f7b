//! The role assignments in memory: read by every request, at most a second old, changed only through here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hygie_core::{Clock, Cx, ErrorKind, Fault, ObjectId, Principal, PrincipalKind, Random, TenantId, Timestamp};
use hygie_store::audit::Record;
use hygie_store::{Store, StoreError};
use tokio::sync::Mutex;

use crate::assignment::{Assignee, AssigneeKind, AssignmentId, Holder, RoleAssignment, Scope};
use crate::repo::RoleAssignments;
use crate::{ActionSet, Kind, Profile, Role, RoleSemantics};

/// Another process may have written: what is in memory is read again after this.
const MAX_AGE: Duration = Duration::from_secs(1);

/// A service instance as scopes name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub workspace: String,
    pub kind: Kind,
    pub service: String,
}

/// What one holder has somewhere.
struct Given {
    role: Role,
    scope: Scope,
}

/// What one assignee has, in the role of a person, group or program.
struct Assigned {
    kind: AssigneeKind,
    given: Given,
}

impl Given {
    fn holds_at(&self, place: &Place) -> bool {
        self.role.kind() == place.kind && self.scope.covers(&place.workspace, place.kind, &place.service)
    }
}

/// The assignments of one tenant's workspaces, by assignee.
pub(crate) struct Snapshot {
    loaded_at: Timestamp,
    by_assignee: HashMap<(TenantId, ObjectId), Vec<Assigned>>,
    by_profile: Vec<(Profile, Given)>,
}

impl Snapshot {
    fn new(loaded_at: Timestamp, list: Vec<RoleAssignment>) -> Self {
        let mut by_assignee: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_profile = Vec::new();
        for RoleAssignment {
            holder, role, scope, ..
        } in list
        {
            let given = Given { role, scope };
            match holder {
                Holder::Object(Assignee { tenant, id, kind }) => {
                    let assigned = Assigned { kind, given };
                    by_assignee.entry((tenant, id)).or_default().push(assigned);
                }
                Holder::Profile(profile) => by_profile.push((profile, given)),
            }
        }
        Self {
            loaded_at,
            by_assignee,
            by_profile,
        }
    }

    /// The actions of all roles that a principal has at a place, itself, through its groups or by its profession.
    pub fn actions(&self, principal: &Principal, place: &Place, semantics: RoleSemantics) -> ActionSet {
        let is_self = |assigned: &&Assigned| match assigned.kind {
            AssigneeKind::User => principal.kind == PrincipalKind::User,
            // Both are service principals; a token does not always tell them apart.
            AssigneeKind::App | AssigneeKind::ManagedIdentity => principal.kind != PrincipalKind::User,
            AssigneeKind::Group => false,
        };
        let is_group = |assigned: &&Assigned| assigned.kind == AssigneeKind::Group;
        let own = self.assigned(principal, principal.subject).filter(is_self);
        let by_group = principal
            .groups
            .iter()
            .flat_map(|group| self.assigned(principal, ObjectId::from_uuid(group.uuid())))
            .filter(is_group);
        let by_profession = self
            .by_profile
            .iter()
            .filter_map(|(profile, given)| profile.includes(principal).then_some(given));
        own.chain(by_group)
            .map(|assigned| &assigned.given)
            .chain(by_profession)
            .filter(|given| given.holds_at(place))
            .fold(ActionSet::EMPTY, |actions, given| {
                actions.union(given.role.actions(semantics))
            })
    }

    /// What the object of this id in the principal's tenant has.
    fn assigned(&self, principal: &Principal, id: ObjectId) -> impl Iterator<Item = &Assigned> {
        self.by_assignee.get(&(principal.tenant, id)).into_iter().flatten()
    }
}

/// Why an assignment is not made.
#[derive(Debug, thiserror::Error)]
pub enum AssignmentError {
    /// The role is for another kind of service than the scope.
    #[error("the role is for another kind of service")]
    OtherKind,
    /// It exists already.
    #[error("the assignment exists already")]
    Exists,
    /// The store.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AssignmentError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Duplicate(_) => Self::Exists,
            other => Self::Store(other),
        }
    }
}

impl Fault for AssignmentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OtherKind => ErrorKind::Invalid,
            Self::Exists => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OtherKind => "RoleDefinitionNotApplicable",
            Self::Exists => "RoleAssignmentExists",
            Self::Store(error) => error.code(),
        }
    }

    fn public(&self) -> String {
        match self {
            Self::OtherKind => "The role is for another kind of service.".to_owned(),
            Self::Exists => "The role assignment already exists.".to_owned(),
            Self::Store(error) => error.public(),
        }
    }
}

/// All role assignments: in the directory store, and in memory by the tenant of the workspaces.
pub struct Assignments {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tenants: ArcSwap<HashMap<TenantId, Arc<Snapshot>>>,
    loading: Mutex<()>,
}

impl Assignments {
    /// Of this directory store.
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            store,
            clock,
            random,
            tenants: ArcSwap::default(),
            loading: Mutex::new(()),
        }
    }

    /// Gives a role, for the workspaces of the context's tenant. It holds when this returns.
    pub async fn assign(
        &self,
        cx: &Cx,
        holder: impl Into<Holder>,
        role: Role,
        scope: Scope,
    ) -> Result<RoleAssignment, AssignmentError> {
        if scope.kind().is_some_and(|kind| kind != role.kind()) {
            return Err(AssignmentError::OtherKind);
        }
        let assignment = RoleAssignment {
            id: AssignmentId::random(&*cx.random),
            holder: holder.into(),
            role,
            scope,
            created_at: cx.now,
        };
        self.store
            .write(cx, assignment.clone(), |assignment, tx| {
                Box::pin(async move {
                    RoleAssignments(tx).insert(assignment).await?;
                    let record = Record::success(tx.cx(), "access.assign", object(assignment));
                    tx.audit(&record).await
                })
            })
            .await
            .map_err(AssignmentError::from)?;
        self.reload(cx.tenant).await;
        Ok(assignment)
    }

    /// Takes a role away and tells what it was. It no longer holds when this returns.
    pub async fn remove(&self, cx: &Cx, id: AssignmentId) -> Result<Option<RoleAssignment>, StoreError> {
        let removed = self
            .store
            .write(cx, id, |id, tx| {
                Box::pin(async move {
                    let Some(assignment) = RoleAssignments(tx).find(*id).await? else {
                        return Ok::<_, StoreError>(None);
                    };
                    RoleAssignments(tx).delete(*id).await?;
                    let record = Record::success(tx.cx(), "access.unassign", object(&assignment));
                    tx.audit(&record).await?;
                    Ok(Some(assignment))
                })
            })
            .await?;
        self.reload(cx.tenant).await;
        Ok(removed)
    }

    /// The assignments of the workspaces of the context's tenant, oldest first.
    pub async fn list(&self, cx: &Cx) -> Result<Vec<RoleAssignment>, StoreError> {
        self.store
            .read(cx, (), |(), tx| {
                Box::pin(async move { RoleAssignments(tx).list().await })
            })
            .await
    }

    /// Those of a tenant's workspaces, at most a second old. A failed read is an error, not an old answer: a role that
    /// was taken away must not outlive its second.
    pub(crate) async fn of(&self, tenant: TenantId) -> Result<Arc<Snapshot>, StoreError> {
        if let Some(fresh) = self.fresh(tenant) {
            return Ok(fresh);
        }
        let loading = self.loading.lock().await;
        if let Some(fresh) = self.fresh(tenant) {
            return Ok(fresh);
        }
        let loaded = self.load(tenant).await;
        drop(loading);
        loaded
    }

    fn fresh(&self, tenant: TenantId) -> Option<Arc<Snapshot>> {
        let now = self.clock.now();
        let found = self.tenants.load().get(&tenant).cloned()?;
        (found.loaded_at <= now && now.since(found.loaded_at) < MAX_AGE).then_some(found)
    }

    /// After a write. The write stands even if this fails; then it holds within a second, as for other processes.
    async fn reload(&self, tenant: TenantId) {
        let _loading = self.loading.lock().await;
        if let Err(error) = self.load(tenant).await {
            tracing::warn!(%tenant, %error, "role assignments could not be read again after a write");
        }
    }

    /// Reads a tenant's assignments; the caller holds `loading`, so that an older answer never replaces a newer one.
    async fn load(&self, tenant: TenantId) -> Result<Arc<Snapshot>, StoreError> {
        let cx = Cx::internal(tenant, self.clock.clone(), self.random.clone());
        let snapshot = Arc::new(Snapshot::new(cx.now, self.list(&cx).await?));
        let mut tenants = HashMap::clone(&self.tenants.load());
        tenants.insert(tenant, snapshot.clone());
        self.tenants.store(Arc::new(tenants));
        Ok(snapshot)
    }
}

/// An assignment in an audit record: ids, codes and names of roles, no name of a person.
fn object(assignment: &RoleAssignment) -> String {
    let RoleAssignment {
        id,
        holder,
        role,
        scope,
        ..
    } = assignment;
    format!("roleAssignment/{id} {holder} {} {scope}", role.name())
}
