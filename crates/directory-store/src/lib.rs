//! What a directory keeps: its objects, the tables of them and of what stands on them, and the log of what changes. Nothing here
//! decides who may change what, or what must hold before: that is `hygie-directory`, through which everybody else comes here.
//!
//! - the objects: people, groups, applications and their presence in a tenant, what was granted, how somebody signed in.
//! - [`repo`], [`MIGRATIONS`]: the tables, those of sessions, grants and signing keys included.
//! - [`SEALED_COLUMNS`]: those of them that hold secrets.
//! - [`logs`]: sign-ins, changes, alerts. What is recorded with `tx.audit` is in the log of changes by itself, with the values of
//!   before and after of what repositories have seen.
#![warn(missing_docs)]

mod api;
mod app_signin;
mod application;
mod assignment;
mod authentication;
mod browser;
mod consent_request;
mod federated;
mod grant;
mod group;
mod group_claims;
mod letter;
mod lockout;
pub mod logs;
mod object;
pub mod profile;
pub mod repo;
mod roles;
mod schema;
mod sealed;
mod signin;
mod tenant;
pub mod trust;
mod user;
mod workload;

pub use api::{DIRECTORY_API, DIRECTORY_API_NAMES, FIRST_PARTY, PORTAL, directory_api, suite_of};
pub use app_signin::AppSignInEntry;
pub use application::{
    AccessKind, AppRole, Application, Audience, Definition, ExtraGrant, INCLUDE_USER_TOKEN, Links, MemberTypes,
    OptionalClaim, OptionalClaims, PreAuthorized, RequiredAccess, RequiredResource, Scope, ServicePrincipal,
    VerifiedPublisher,
};
pub use assignment::{AppRoleAssignment, NewAppRole, NewGrant, PermissionGrant};
pub use authentication::Authentications;
pub use consent_request::{AskedConsent, ConsentRequestStatus, RequestedPermissions};
pub use federated::{FederatedCredential, MAX_FEDERATED};
pub use grant::{Arrival, Authorization, Backchannel, DeviceAsk, Place, grant_of, rh_of};
pub use group::Group;
pub use group_claims::GroupClaims;
pub use letter::{LETTERS, Letter, Matter};
pub use lockout::{LockoutRule, Mark};
pub use object::{DirectoryObject, object, objects};
pub use profile::{
    EXTENSION_ATTRIBUTES, GroupProfile, Home, PrincipalProfile, SignOnMode, UserProfile, UserType, Visibility,
};
pub use roles::{
    CONSENT_REVIEWERS, DIRECTORY_ROLES, DirectoryRole, GLOBAL_ADMINISTRATOR, RoleAssignment, directory_role, role,
};
pub use schema::MIGRATIONS;
pub use sealed::SEALED_COLUMNS;
pub use signin::{AppliedPolicy, SignInEntry, SignInProtocol, Signals};
pub use tenant::Tenant;
pub use user::{User, is_unseen, is_user_principal_name, key_of};
pub use workload::{Belongs, Workload, is_workload_name, managed_identity};
