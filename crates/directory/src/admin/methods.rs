//! The authentication methods policy of a tenant.

use std::sync::Arc;

use hygie_core::{Cx, ErrorKind, Fault};
use hygie_policy::methods::{Broken, MAX_MODELS, Method, MethodsPolicy};
use hygie_policy::{Aaguid, ReadError};
use hygie_store::StoreError;
use hygie_store::audit::Record;
use serde_json::Value;

use crate::Directory;
use crate::repo::{MethodsPolicies, MethodsRow};

/// Why the policy is not changed.
#[derive(Debug, thiserror::Error)]
pub enum MethodsError {
    /// The change cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it would become breaks a rule.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The directory cannot be read or written.
    #[error("the directory failed")]
    Store(#[from] StoreError),
}

impl Fault for MethodsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(error) => error.kind(),
            Self::Broken(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code(),
            Self::Broken(error) => error.code(),
            Self::Store(error) if error.kind() == ErrorKind::Unavailable => "serviceNotAvailable",
            Self::Store(_) => "internalServerError",
        }
    }

    fn public(&self) -> String {
        match self {
            Self::Read(error) => error.public(),
            Self::Broken(error) => error.public(),
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
                match change {
                    Change::Policy(change) => row.policy = row.policy.patched(change)?,
                    Change::Configuration(method, change) => row.policy = row.policy.configured(*method, change)?,
                    Change::WindowsHello(models) => row.windows_hello.clone_from(models),
                }
                row.policy.check()?;
                let now = tx.cx().now;
                MethodsPolicies(tx).set(&row, now).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}
