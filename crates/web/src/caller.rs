//! [`Caller`]: who calls a data service, by the bearer token of the request, checked before anything else is read.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hygie_access::{Credentials, Gate, Operation, Permissions, Refusal};
use hygie_core::{Cx, ErrorKind, Principal};
use hygie_store::Store;

use crate::asked::Asked;
use crate::audit::Note;
use crate::client::ClientCertificate;
use crate::error::Failure;

/// A service instance behind its gate, and where its accesses are recorded.
#[derive(Clone)]
pub struct Guarded {
    /// Its gate.
    pub gate: Arc<Gate>,
    /// Its store.
    pub store: Store,
}

/// The instances that one router serves, each under its own base path.
pub trait Instances: Send + Sync {
    /// The instance that the request names; nothing where there is none.
    fn find(&self, request: &Parts) -> Option<Guarded>;
}

/// A caller with a valid token. Every route of a data service has it among its arguments, or a reason not to.
///
/// ```ignore
/// async fn get(caller: Caller, Path(id): Path<Id>) -> Result<(Note, Body), OutcomeError> {
///     caller.authorize(Interaction::Read.on("Patient")).await?;
///     …
/// }
/// ```
#[derive(Clone)]
pub struct Caller {
    /// The context of the operation, with the principal.
    pub cx: Cx,
    /// The principal.
    pub principal: Arc<Principal>,
    /// The request.
    pub asked: Asked,
    gate: Arc<Gate>,
}

impl Caller {
    /// Says what is done, before it is tried, so that a refusal or failure is recorded under its name.
    pub fn note(&self, note: Note) {
        self.asked.note(note);
    }

    /// Whether the caller may do this.
    pub async fn authorize(&self, operation: Operation<'_>) -> Result<(), Refusal> {
        self.gate.authorize(&self.principal, operation).await
    }

    /// What the caller may do, for requests with many operations.
    pub async fn permissions(&self) -> Result<Permissions, Refusal> {
        self.gate.permissions(&self.principal).await
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<dyn Instances>: FromRef<S>,
{
    /// Rendered in the protocol of the service; the challenge is among its headers.
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let asked = Asked::from_request_parts(parts, state).await?;
        let instances = Arc::<dyn Instances>::from_ref(state);
        let Some(Guarded { gate, store }) = instances.find(parts) else {
            return Err(Failure::new(
                ErrorKind::NotFound,
                "not-found",
                "there is no service at this address",
            ));
        };
        asked.recorded_in(store);
        let mut cx = asked.cx(gate.tenant());
        // A value that is not text is no token, and is refused as none.
        let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let certificate = parts.extensions.get::<ClientCertificate>();
        let credentials = Credentials {
            authorization,
            certificate: certificate.map(|certificate| &*certificate.0),
        };
        let principal = gate
            .authenticate(credentials, asked.now())
            .await
            .map_err(|refusal| Failure::of(&refusal))?;
        asked.acts(principal.clone());
        cx.principal = Some(principal.clone());
        Ok(Self {
            cx,
            principal,
            asked,
            gate,
        })
    }
}
