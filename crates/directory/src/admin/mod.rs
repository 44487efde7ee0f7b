//! Administering the directory: what the demo world, the command line and later the directory API call.
//!
//! Every operation acts in the tenant of its `Cx` and is recorded in the transaction of its effect.

mod applications;
mod assignments;
mod deletion;
mod federated;
mod groups;
mod holders;
mod identifier_uris;
mod managers;
mod methods;
pub(crate) mod people;
mod permissions;
mod registration;
mod roles;
mod told;
mod users;
mod workloads;

use hygie_core::{AppId, Cx, GroupId, ObjectId, Secret, TenantId, Timestamp, random_array};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use crate::repo::{Became, Changes, Followed, Global, IsDefault, Principals, Tenants};
use crate::{
    Application, DIRECTORY_API, DIRECTORY_API_NAMES, Definition, Directory, DirectoryError, PrincipalProfile,
    ServicePrincipal, Tenant, UserProfile, directory_api,
};
use hygie_directory_store::is_unseen;

pub use deletion::{DeletedKind, DeletedObject};
pub use groups::{GroupChange, NewGroup};
pub use methods::MethodsError;
pub use registration::{KeyCredential, PrincipalChange};
pub use told::{CERTIFICATES_CHANGED, KEPT_NOTICES, PASSWORD_CHANGED, notice};
pub use users::UserChange;
pub use workloads::NewWorkload;

pub(crate) use applications::names_of;
pub(crate) use assignments::check_scopes;
pub(crate) use deletion::{KEPT, forget, keep_row};

/// Longest name for display.
const MAX_NAME: usize = 256;

/// A tenant to create.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// Name of the establishment.
    pub display_name: String,
    /// Its domain name.
    pub domain: String,
}

/// A user to create.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// What the person signs in with; its domain is one of the tenant.
    pub user_principal_name: String,
    /// Name for display.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Address.
    pub mail: Option<String>,
    /// The password; without one the person cannot sign in with one.
    pub password: Option<Secret<String>>,
    /// Whether the person may not sign in.
    pub is_disabled: bool,
    /// Everything else.
    pub profile: UserProfile,
}

/// An application to register, with a service principal in its own tenant.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// Its client id; random when absent.
    pub app: Option<AppId>,
    /// Name for display.
    pub display_name: String,
    /// Everything else.
    pub definition: Definition,
}

/// A secret that was made: the value is shown this once.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Its id (`keyId`).
    pub id: Uuid,
    /// Its value.
    pub value: Secret<String>,
    /// Not good from here on.
    pub expires_at: Timestamp,
}

impl Directory {
    /// Creates a tenant with its domain and the service principal of the directory API.
    pub async fn create_tenant(&self, cx: &Cx, new: NewTenant) -> Result<Tenant, DirectoryError> {
        let cx = cx.for_tenant(new.id);
        let tenant = Tenant {
            id: new.id,
            display_name: named(new.display_name)?,
            pairwise: Secret::new(random_array(&*cx.random)),
            created_at: cx.now,
        };
        let domain = domain(&new.domain)?;
        let principal = principal_of(&cx, &directory_api());
        let record = Record::success(&cx, "idp.tenant.create", format!("tenant/{}", new.id));
        let input = (tenant.clone(), domain, principal, record);
        self.change(&cx, input, |(tenant, domain, principal, record), tx| {
            Box::pin(async move {
                Tenants(tx).insert(tenant).await?;
                Tenants(tx).insert_domain(domain, IsDefault::Yes).await?;
                let mut names = vec![DIRECTORY_API.to_string()];
                names.extend(DIRECTORY_API_NAMES.iter().map(|&name| name.to_owned()));
                Principals(tx).insert(principal, &names).await?;
                tx.audit(record).await?;
                Ok::<_, DirectoryError>(())
            })
        })
        .await?;
        Ok(tenant)
    }

    /// Every tenant, the oldest first.
    pub async fn list_tenants(&self, cx: &Cx) -> Result<Vec<TenantId>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move { Global(tx).list_tenants().await })
            })
            .await
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// On.
    Yes,
    /// Off.
    No,
}

pub(crate) fn principal_of(cx: &Cx, application: &Application) -> ServicePrincipal {
    ServicePrincipal {
        id: ObjectId::random(&*cx.random),
        app: application.app,
        home: application.home,
        display_name: application.display_name.clone(),
        is_enabled: true,
        requires_assignment: false,
        resource_id: None,
        profile: PrincipalProfile::default(),
        created_at: cx.now,
    }
}

/// Notes what became of an object, for those who follow its kind.
pub(crate) async fn changed(
    tx: &mut Tx<'_>,
    kind: Followed,
    object: ObjectId,
    became: Became,
) -> Result<(), StoreError> {
    Changes(tx).insert(kind, object, became).await
}

/// A group as an object among others.
fn object_of(group: GroupId) -> ObjectId {
    ObjectId::from_uuid(group.uuid())
}

pub(crate) fn new_uuid(cx: &Cx) -> Uuid {
    uuid::Builder::from_random_bytes(random_array(&*cx.random)).into_uuid()
}

pub(crate) fn named(name: String) -> Result<String, DirectoryError> {
    let is_shown = |c: char| !c.is_control() && !is_unseen(c);
    let fits = !name.trim().is_empty() && name.len() <= MAX_NAME && name.chars().all(is_shown);
    if fits {
        Ok(name)
    } else {
        Err(DirectoryError::Value("displayName"))
    }
}

fn domain(name: &str) -> Result<String, DirectoryError> {
    let name = name.to_lowercase();
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let fits = name.len() <= 253 && name.contains('.') && name.split('.').all(is_label);
    if fits {
        Ok(name)
    } else {
        Err(DirectoryError::Value("domain"))
    }
}
