//! The directory: who and what a tenant knows. Types of its objects, and the operations that administer them.

mod admin;
mod application;
mod group;
mod tenant;
mod user;
mod workload;

pub use admin::{DirectoryError, Enabled, NewApplication, NewSecret, NewTenant, NewUser, NewWorkload};
pub use application::{
    AppRole, Application, Audience, DIRECTORY_API, DIRECTORY_API_NAMES, Definition, GroupClaims, OptionalClaim,
    OptionalClaims, Scope, ServicePrincipal, directory_api,
};
pub use group::Group;
pub use tenant::Tenant;
pub use user::{User, is_user_principal_name, key_of};
pub use workload::{Belongs, Workload, is_workload_name, managed_identity};
