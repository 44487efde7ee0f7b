//! The directory: who and what a tenant knows. Types of its objects, and the operations that administer them.

mod admin;
mod application;
mod group;
mod tenant;
mod user;

pub use admin::{DirectoryError, Enabled, NewApplication, NewSecret, NewTenant, NewUser};
pub use application::{
    AppRole, Application, Audience, DIRECTORY_API, DIRECTORY_API_NAMES, Definition, GroupClaims, OptionalClaim,
    OptionalClaims, Scope, ServicePrincipal, directory_api,
};
pub use group::Group;
pub use tenant::Tenant;
pub use user::{User, is_user_principal_name, key_of};
