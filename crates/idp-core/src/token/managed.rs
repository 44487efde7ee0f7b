//! Tokens of managed identities: for a workload that shows its header secret, and for the services of this program, which
//! ask in process.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::{NoOwnToken, OwnIdentity, OwnToken};
use hygie_core::{AppId, Clock, Cx, ObjectId, Principal, PrincipalKind, Random, Secret, TenantId, Timestamp};
use hygie_directory::ServicePrincipal;
use hygie_directory::repo::Workloads;
use hygie_oidc::{Refusal, grant};
use parking_lot::Mutex;

use super::Sender;
use super::claims::{self, Proof};
use super::issue::header;
use crate::signin::app_log::Applicant;
use crate::signin::workload::Admitted;
use crate::{Idp, IdpError};

/// Which of the identities of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Its own.
    Own,
    /// By client id.
    Client(AppId),
    /// By object id.
    Object(ObjectId),
    /// By resource id; letters of any case.
    Resource(String),
}

impl Selector {
    fn names(&self, principal: &ServicePrincipal, is_own: bool) -> bool {
        match self {
            Self::Own => is_own,
            Self::Client(app) => principal.app == *app,
            Self::Object(id) => principal.id == *id,
            Self::Resource(id) => principal
                .resource_id
                .as_ref()
                .is_some_and(|known| known.eq_ignore_ascii_case(id)),
        }
    }
}

/// A program on this machine, as it was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Its tenant.
    pub tenant: TenantId,
    /// Its name.
    pub workload: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// The workload has no such identity.
    #[error("no such identity is assigned")]
    NoIdentity,
    /// The rules of the directory refuse it, or something failed.
    #[error(transparent)]
    Idp(#[from] IdpError),
}

/// A token of a managed identity.
#[derive(Debug)]
pub struct ManagedToken {
    /// The token.
    pub token: Secret<String>,
    /// From when to when it is good.
    pub validity: (Timestamp, Timestamp),
    /// The client id of the identity.
    pub client: AppId,
    /// The identity, for the record.
    pub actor: Principal,
}

impl Idp {
    /// The workload that shows this header secret. It has 256 random bits and is looked up by its keyed digest, so that
    /// nothing is compared byte by byte.
    pub async fn recognise(&self, cx: &Cx, header: &str) -> Result<Option<Recognised>, IdpError> {
        let digest = self.directory().digests().workloads.digest(header);
        let found = self
            .inner()
            .store
            .read(cx, digest, |digest, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Workloads(tx).find_by_header(digest).await?) })
            })
            .await?;
        Ok(found.map(|(tenant, workload)| Recognised { tenant, workload }))
    }

    /// A token of an identity of a workload.
    pub async fn managed_token(
        &self,
        cx: &Cx,
        workload: &str,
        selector: &Selector,
        resource: &str,
    ) -> Result<ManagedToken, ManagedError> {
        let identities = self
            .inner()
            .store
            .read(cx, workload.to_owned(), |workload, tx| {
                Box::pin(async move {
                    let own = Workloads(tx).find(workload).await?.map(|workload| workload.identity);
                    Ok::<_, IdpError>((own, Workloads(tx).list_identities(workload).await?))
                })
            })
            .await?;
        let (own, identities) = identities;
        let identity = identities
            .into_iter()
            .find(|identity| selector.names(identity, Some(identity.id) == own))
            .ok_or(ManagedError::NoIdentity)?;
        let parties = self.own_parties(cx, identity.app, resource).await?;
        let applicant = Applicant {
            principal: &parties.client.principal,
            resource: Some((
                parties.resource.party.application.app,
                &parties.resource.party.application.display_name,
            )),
            credential: "managedIdentity",
        };
        self.count_app_sign_in(cx, applicant, Ok(&Admitted::default())).await?;
        let facts = self.app_facts(cx, &parties, (Proof::Certificate, Sender::default()));
        let ends = cx.now + grant::access_ttl(&*cx.random);
        let claims = claims::access(&facts, ends, &[]);
        let token = self.inner().signer.sign(header(&parties), claims).await?;
        let actor = self.actor(cx.tenant, identity.id, PrincipalKind::ManagedIdentity);
        Ok(ManagedToken {
            token: Secret::new(token),
            validity: (cx.now, ends),
            client: identity.app,
            actor: Principal {
                app: Some(identity.app),
                ..actor
            },
        })
    }

    /// The own identity of a service of this program, which has a workload of this name in the tenant.
    pub fn own_identity(&self, tenant: TenantId, workload: &str) -> Arc<dyn OwnIdentity> {
        Arc::new(OwnWorkload {
            idp: self.clone(),
            tenant,
            workload: workload.to_owned(),
            kept: Mutex::default(),
        })
    }
}

/// Most resources whose tokens are kept: a service calls a few.
const MOST: usize = 16;

struct OwnWorkload {
    idp: Idp,
    tenant: TenantId,
    workload: String,
    /// By resource, each with when it is fetched again.
    kept: Mutex<HashMap<String, (OwnToken, Timestamp)>>,
}

impl OwnWorkload {
    fn kept(&self, resource: &str, now: Timestamp) -> Option<OwnToken> {
        let kept = self.kept.lock();
        let (token, renew_at) = kept.get(resource)?;
        (now < *renew_at).then(|| token.clone())
    }

    async fn fetch(&self, resource: &str) -> Result<OwnToken, NoOwnToken> {
        let inner = self.idp.inner();
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (inner.clock.clone(), inner.random.clone());
        let cx = Cx::internal(self.tenant, clock, random);
        if let Some(token) = self.kept(resource, cx.now) {
            return Ok(token);
        }
        let made = self.recorded(&cx, resource).await.map_err(|source| NoOwnToken {
            resource: resource.to_owned(),
            source: Box::new(source),
        })?;
        let (from, to) = made.validity;
        let token = OwnToken {
            token: made.token,
            expires_at: to,
        };
        let mut kept = self.kept.lock();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(resource.to_owned(), (token.clone(), from + to.since(from) / 2));
        Ok(token)
    }

    async fn recorded(&self, cx: &Cx, resource: &str) -> Result<ManagedToken, ManagedError> {
        let made = self
            .idp
            .managed_token(cx, &self.workload, &Selector::Own, resource)
            .await?;
        let cx = Cx {
            principal: Some(made.actor.clone().into()),
            ..cx.clone()
        };
        let record =
            hygie_store::audit::Record::success(&cx, "idp.token.identity", format!("workload/{}", self.workload));
        self.idp.inner().store.record(record).await.map_err(IdpError::from)?;
        Ok(made)
    }
}

impl OwnIdentity for OwnWorkload {
    fn token<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<OwnToken, NoOwnToken>> {
        Box::pin(self.fetch(resource))
    }
}

/// As the endpoints tell it.
impl ManagedError {
    /// The refusal of the directory, when it is one.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::NoIdentity => None,
            Self::Idp(error) => Some(error.refusal()),
        }
    }
}
