//! The directory of the establishments: the operations that administer who and what a tenant knows. It knows no protocol of
//! signing in and no page; the identity provider and the directory API stand on it.
//!
//! - `hygie-directory-store`, below: the objects, their tables ([`repo`]) and the logs, which those above find here.
//! - `admin` and the modules beside it: the operations. Each acts in the tenant of its context and is recorded in the
//!   transaction of its effect.
//! - [`logs`]: reading the logs of sign-ins, changes and alerts.
//! - [`Directory`] is also the word on what was revoked ([`hygie_access::Revocations`]).
//!
//! To add a kind of object: its type, its table (a migration in `schema`, a repository in `repo`) and what the log of changes
//! tells of it (`logs/subject.rs`) in `directory-store`; its operations here; and a test in `tests/it/tenants.rs` that one tenant
//! sees and changes nothing of another's.
#![warn(missing_docs)]

mod admin;
pub mod agreements;
pub mod breached;
mod browse;
mod common_passwords;
mod conditional;
mod consent;
mod error;
mod guests;
pub mod logs;
mod notification;
mod password;
mod password_rules;
mod places;
mod presences;
mod revocation;
mod risk;
pub mod trust;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use hygie_core::{Clock, Cx, Random, Secret, TenantId, random_array};
use hygie_jose::Keyed;
use hygie_store::{Store, StoreError, Tx};
use uuid::Uuid;

pub use hygie_directory_store::{
    AccessKind, AppRole, AppRoleAssignment, Application, AppliedPolicy, Arrival, Audience, Authentications,
    Authorization, Belongs, DIRECTORY_API, DIRECTORY_API_NAMES, DIRECTORY_ROLES, Definition, DeviceAsk,
    DirectoryObject, DirectoryRole, FIRST_PARTY, GLOBAL_ADMINISTRATOR, Group, GroupClaims, GroupProfile, Home,
    INCLUDE_USER_TOKEN, Links, LockoutRule, MIGRATIONS, Mark, MemberTypes, NewAppRole, NewGrant, OptionalClaim,
    OptionalClaims, PORTAL, PermissionGrant, Place, PreAuthorized, PrincipalProfile, RequiredAccess, RequiredResource,
    RoleAssignment, SEALED_COLUMNS, Scope, ServicePrincipal, SignInEntry, Signals, Tenant, User, UserProfile, UserType,
    VerifiedPublisher, Visibility, Workload, directory_api, directory_role, grant_of, is_user_principal_name,
    is_workload_name, key_of, managed_identity, repo, rh_of, role, suite_of,
};

pub use hygie_directory_store::{AppSignInEntry, EXTENSION_ATTRIBUTES};
pub use hygie_directory_store::{AskedConsent, ConsentRequestStatus, RequestedPermissions};
pub use hygie_directory_store::{Backchannel, CONSENT_REVIEWERS, ExtraGrant, FederatedCredential, SignInProtocol};
pub use hygie_directory_store::{LETTERS, Letter, Matter};

pub use admin::people::lockout_of;
pub use admin::{
    CERTIFICATES_CHANGED, DeletedKind, DeletedObject, Enabled, GroupChange, KEPT_NOTICES, KeyCredential, MethodsError,
    NewApplication, NewGroup, NewSecret, NewTenant, NewUser, NewWorkload, PASSWORD_CHANGED, PrincipalChange,
    UserChange, notice,
};
pub use browse::{Cursor, Membership, Owned, Presence, Registration};
pub use conditional::Unchanged;
pub use conditional::{
    AccessRules, ConditionalError, Kept, MAX_CONTEXTS, MAX_LOCATIONS, MAX_STRENGTHS, MAX_TOKEN_LIFETIMES, guest_of,
};
pub use consent::{ConsentDecision, MAX_CONSENT_REQUESTS, NewConsentRequest};
pub use consent::{Consented, ForWhom, LowImpact, OwnConsent, Permissions};
pub use error::DirectoryError;
pub use guests::{Invitation, InvitationMessage, Invited, NewInvitation, guest_name};
pub use notification::NotificationMails;
pub use password::{MAX_PASSWORD, PasswordError, Passwords, is_too_long};
pub use password_rules::{Owner as PasswordOwner, WeakPassword, check as check_password};
pub use places::{Countries, CountryTable, NotATable, Town};
pub use risk::{Detection, MAX_RISKY, MAX_SUPPLIED, RiskSaid};

/// The purpose of the keys of the marks of wrong passwords ([`Directory::derive`]).
pub const PASSWORD_MARKS: &str = "password marks";

/// What the directory needs.
pub struct Deps {
    /// Its database, with [`MIGRATIONS`] applied.
    pub store: Store,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of ids and secrets.
    pub random: Arc<dyn Random>,
    /// Passwords hashed at once: the number of cores.
    pub workers: usize,
}

/// The directory of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Passwords,
    root: Keyed,
    digests: Digests,
    revoked: revocation::Revocations,
    /// Counts what this process changed.
    changes: AtomicU64,
    known_rules: conditional::KnownRules,
    countries: OnceLock<Arc<dyn Countries>>,
    breached: OnceLock<Arc<dyn breached::Breached>>,
}

/// Keys of what applications and workloads prove themselves by, which is stored as a digest.
pub struct Digests {
    /// Secrets of applications.
    pub secrets: Keyed,
    /// Headers of workloads.
    pub workloads: Keyed,
}

impl Directory {
    /// Over this store.
    pub async fn open(deps: Deps) -> Result<Self, DirectoryError> {
        let root = Keyed::new(&root_secret(&deps).await?);
        let directory = Self(Arc::new(Inner {
            passwords: Passwords::new(deps.workers, &*deps.random)?,
            digests: Digests {
                secrets: root.derive("client secrets"),
                workloads: root.derive("headers of workloads"),
            },
            root,
            revoked: revocation::Revocations::default(),
            changes: AtomicU64::new(0),
            known_rules: conditional::KnownRules::default(),
            countries: OnceLock::new(),
            breached: OnceLock::new(),
            store: deps.store.with_scribe(Arc::new(logs::ChangeScribe)),
            clock: deps.clock,
            random: deps.random,
        }));
        directory.refresh_revocations().await?;
        directory.complete_names().await?;
        directory.seal_hashes().await?;
        directory.move_sign_ins().await?;
        Ok(directory)
    }

    /// Its database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The source of ids and secrets.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.0.random
    }

    /// Hashes and checks passwords.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// How what applications and workloads show is compared.
    pub fn digests(&self) -> &Digests {
        &self.0.digests
    }

    /// A key for digests of another purpose, the same in every process and after every start.
    pub fn derive(&self, purpose: &str) -> Keyed {
        self.0.root.derive(purpose)
    }

    /// A secret of the installation for another purpose, the same in every process and after every start.
    pub fn secret(&self, purpose: &str) -> Secret<[u8; 32]> {
        Secret::new(self.0.root.digest(purpose))
    }

    /// A number that grows with every change that this process made: what was read under another one may be old.
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// A context that concerns no tenant.
    pub fn provider_cx(&self) -> Cx {
        provider_cx(&self.0.clock, &self.0.random)
    }

    /// Completes what a release without keys of names wrote.
    async fn complete_names(&self) -> Result<(), StoreError> {
        let cx = self.provider_cx();
        let tenants = self.store().read(&cx, (), |(), tx| {
            Box::pin(async move { repo::Global(tx).list_tenants_without_name_keys().await })
        });
        for tenant in tenants.await? {
            let cx = cx.for_tenant(tenant);
            while self
                .store()
                .write(&cx, (), |(), tx| Box::pin(repo::complete_names(tx)))
                .await?
            {}
        }
        Ok(())
    }

    /// Seals the hashes of passwords that a release before wrote in clear.
    async fn seal_hashes(&self) -> Result<(), StoreError> {
        let cx = self.provider_cx();
        let tenants = self.store().read(&cx, (), |(), tx| {
            Box::pin(async move { repo::Global(tx).list_tenants_with_clear_hashes().await })
        });
        for tenant in tenants.await? {
            let cx = cx.for_tenant(tenant);
            while self
                .store()
                .write(&cx, (), |(), tx| Box::pin(repo::seal_hashes(tx)))
                .await?
            {}
        }
        Ok(())
    }

    /// A write transaction after which nothing that was read before counts.
    async fn change<I, T, E, F>(&self, cx: &Cx, input: I, body: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t I, &'t mut Tx<'_>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let outcome = self.0.store.write(cx, input, body).await;
        self.0.changes.fetch_add(1, Ordering::AcqRel);
        outcome
    }
}

fn provider_cx(clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Cx {
    Cx::internal(TenantId::from_uuid(Uuid::nil()), clock.clone(), random.clone())
}

/// The secret under which digests are keyed; made at the first start.
async fn root_secret(deps: &Deps) -> Result<Secret<[u8; 32]>, StoreError> {
    let cx = provider_cx(&deps.clock, &deps.random);
    let candidate = Secret::new(random_array(&*cx.random));
    deps.store
        .write(&cx, candidate, |candidate, tx| {
            Box::pin(async move { repo::Keys(tx).root("digests", candidate).await })
        })
        .await
}
