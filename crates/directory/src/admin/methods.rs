//! The authentication methods policy of a tenant.

use std::sync::Arc;

use hygie_core::{Cx, ErrorKind, Fault, GroupId, ObjectId};
use hygie_policy::certificate::TargetType;
use hygie_policy::methods::{Broken, MAX_MODELS, Method, MethodsPolicy, Named};
use hygie_policy::{Aaguid, ReadError};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use crate::Directory;
use crate::repo::{Groups, MethodsPolicies, MethodsRow, Users};

/// Why the policy is not changed.
#[derive(Debug, thiserror::Error)]
pub enum MethodsError {
    /// The change cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it would become breaks a rule.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Somebody is named who is not there.
    #[error("{at}: there is no user or group {id} in the tenant")]
    Missing {
        /// The member that names them.
        at: &'static str,
        /// Their id.
        id: ObjectId,
    },
    /// The directory cannot be read or written.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl Fault for MethodsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Broken(error) => error.kind(),
            Self::Missing { .. } => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code(),
            Self::Broken(error) => error.code(),
            Self::Missing { .. } => "BadRequest",
            Self::Store(error) if error.kind() == ErrorKind::Unavailable => "serviceNotAvailable",
            Self::Store(_) => "internalServerError",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Read(error) => error.public(),
            Self::Broken(error) => error.public(),
            Self::Missing { .. } => self.to_string(),
            Self::Store(error) => error.public(),
        }
    }
}

/// A change of the policy.
enum Change {
    Policy(Value),
    Configuration(Method, Value),
    WindowsHello(Vec<Aaguid>),
}

impl Directory {
    /// What the tenant says about means of identification.
    pub async fn methods_policy(&self, cx: &Cx) -> Result<MethodsPolicy, StoreError> {
        Ok(self.methods_row(cx).await?.policy)
    }

    /// The models of passkeys that count as Windows Hello for Business in the tenant, for `hygie_policy::Rules`.
    pub async fn windows_hello(&self, cx: &Cx) -> Result<Arc<[Aaguid]>, StoreError> {
        Ok(self.methods_row(cx).await?.windows_hello.into())
    }

    async fn methods_row(&self, cx: &Cx) -> Result<MethodsRow, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move { MethodsPolicies(tx).get().await })
            })
            .await
    }

    /// Changes everything but the configurations of methods, by a partial document of Graph.
    pub async fn change_methods_policy(&self, cx: &Cx, change: Value) -> Result<(), MethodsError> {
        self.change_methods(cx, Change::Policy(change)).await
    }

    /// Changes the configuration of a method, by a partial document of Graph.
    pub async fn configure_method(&self, cx: &Cx, method: Method, change: Value) -> Result<(), MethodsError> {
        self.change_methods(cx, Change::Configuration(method, change)).await
    }

    /// Says which models of passkeys count as Windows Hello for Business.
    pub async fn set_windows_hello(&self, cx: &Cx, mut models: Vec<Aaguid>) -> Result<(), MethodsError> {
        models.sort_unstable();
        models.dedup();
        if models.len() > MAX_MODELS {
            return Err(Broken::TooMany("aaGuids").into());
        }
        self.change_methods(cx, Change::WindowsHello(models)).await
    }

    async fn change_methods(&self, cx: &Cx, change: Change) -> Result<(), MethodsError> {
        let object = match &change {
            Change::Policy(_) => "authenticationMethodsPolicy".to_owned(),
            Change::Configuration(method, _) => format!("authenticationMethodConfiguration/{method}"),
            Change::WindowsHello(_) => "authenticationMethodConfiguration/WindowsHelloForBusiness".to_owned(),
        };
        let record = Record::success(cx, "idp.methods.update", object);
        self.change(cx, (change, record), |(change, record), tx| {
            Box::pin(async move {
                let mut row = MethodsPolicies(tx).get().await?;
                let before = row.policy.named();
                match change {
                    Change::Policy(change) => row.policy = row.policy.patched(change)?,
                    Change::Configuration(method, change) => row.policy = row.policy.configured(*method, change)?,
                    Change::WindowsHello(models) => row.windows_hello.clone_from(models),
                }
                row.policy.check()?;
                must_be_there(tx, &row.policy, &before).await?;
                let now = tx.cx().now;
                MethodsPolicies(tx).set(&row, now).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Refuses whom the policy names who is not there and was not named before: who was may be gone meanwhile.
async fn must_be_there(tx: &mut Tx<'_>, policy: &MethodsPolicy, before: &[Named]) -> Result<(), MethodsError> {
    for named in policy.named().into_iter().filter(|one| !before.contains(one)) {
        let is_there = match named.kind {
            TargetType::User => Users(tx).find(ObjectId::from_uuid(named.id)).await?.is_some(),
            TargetType::Group => Groups(tx).find(GroupId::from_uuid(named.id)).await?.is_some(),
        };
        if !is_there {
            return Err(MethodsError::Missing {
                at: named.at,
                id: ObjectId::from_uuid(named.id),
            });
        }
    }
    Ok(())
}
