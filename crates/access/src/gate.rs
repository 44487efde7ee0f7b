//! The gate of one data service: token → principal → permission.

use std::sync::Arc;

use hygie_core::{AppId, Principal, TenantId, Timestamp};

use crate::assignments::{Assignments, Place};
use crate::{
    Authenticator, Credentials, Issuers, Kind, Operation, Permissions, Reason, Refusal, Revocations, Role,
    RoleSemantics, TrustedIssuer,
};

/// An application role of an outside issuer that counts as a role of ours, because the configuration says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRole {
    /// `iss` of the token.
    pub issuer: String,
    /// Tenant of the principal.
    pub tenant: TenantId,
    /// Value in the token's `roles`.
    pub value: String,
    /// What it stands for.
    pub role: Role,
}

/// One service instance, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its kind.
    pub kind: Kind,
    /// Its workspace.
    pub workspace: String,
    /// Its name in the workspace.
    pub name: String,
    /// The tenant that the workspace belongs to, whose role assignments hold.
    pub tenant: TenantId,
    /// Its identifier URIs, the first one shown to callers without a token. Each is accepted with and without final
    /// slash; the shared URI of the kind is accepted as well.
    pub audiences: Vec<String>,
    /// Its application id: `aud` of version 2 tokens.
    pub app: Option<AppId>,
    /// Where callers without a token are sent to get one (`https://login.example/{tid}`).
    pub authority: String,
    /// Who is trusted here.
    pub issuers: Vec<TrustedIssuer>,
    /// Which definition of the roles holds.
    pub semantics: RoleSemantics,
    /// Application roles of outside tokens that count.
    pub app_roles: Vec<AppRole>,
}

/// The gate of one service instance. Cheap to share, not to make.
pub struct Gate {
    kind: Kind,
    place: Place,
    tenant: TenantId,
    semantics: RoleSemantics,
    app_roles: Vec<AppRole>,
    assignments: Arc<Assignments>,
    authenticator: Authenticator,
}

impl Gate {
    /// Of this instance.
    pub fn new(instance: Instance, assignments: Arc<Assignments>, revocations: Arc<dyn Revocations>) -> Self {
        let shared = instance.kind.shared_audience().map(str::to_owned);
        let authenticator = Authenticator::new(
            instance.audiences.into_iter().chain(shared),
            instance.app,
            &instance.authority,
            Issuers::listed(instance.issuers),
            revocations,
        );
        Self {
            kind: instance.kind,
            place: Place {
                workspace: instance.workspace,
                kind: instance.kind,
                service: instance.name,
            },
            tenant: instance.tenant,
            semantics: instance.semantics,
            app_roles: instance.app_roles,
            assignments,
            authenticator,
        }
    }

    /// The tenant whose data this service holds.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The kind of service.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Who sent the request with these credentials.
    pub async fn authenticate(
        &self,
        credentials: impl Into<Credentials<'_>>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, Refusal> {
        self.authenticator.authenticate(credentials, now).await
    }

    /// What a principal may do here. Take it once where one request asks for many operations.
    pub async fn permissions(&self, principal: &Principal) -> Result<Permissions, Refusal> {
        let assignments = self
            .assignments
            .of(self.tenant)
            .await
            .map_err(|_| Refusal::from(Reason::AssignmentsUnavailable))?;
        let mut actions = assignments.actions(principal, &self.place, self.semantics);
        for granted in &self.app_roles {
            if granted.role.kind() == self.kind
                && granted.tenant == principal.tenant
                && granted.issuer == principal.issuer
                && principal.app_roles.contains(&granted.value)
            {
                actions = actions.union(granted.role.actions(self.semantics));
            }
        }
        Ok(Permissions::new(self.kind, self.semantics, actions, principal))
    }

    /// Whether a principal may do this here.
    pub async fn authorize(&self, principal: &Principal, operation: Operation<'_>) -> Result<(), Refusal> {
        Ok(self.permissions(principal).await?.check(operation)?)
    }
}
