//! What clients and people may do only so often, beside the limits of an address ([`super::throttle`]).
//!
//! A client is counted by its failures, together with the network they come from: whoever sends wrong secrets in the name of an
//! application closes it for themselves and not for its owner. A person is counted by wrong second factors and codes of devices,
//! whatever the means and the address. Tokens of one person for one client have a limit that only a client in a loop reaches.

use std::net::{IpAddr, Ipv4Addr};

use hygie_core::{AppId, Cx, ObjectId, TenantId};
use hygie_oidc::{Aadsts, ClientAuth, Refusal};
use hygie_store::audit::{Outcome, Record};

use super::limit::{Counted, Limit};
use super::throttle::network;
use crate::{Idp, IdpError};

/// Failures of a client from one network in ten minutes.
const CLIENT: u32 = 100;
/// Wrong second factors and codes of a person in ten minutes: each means locks much earlier by itself.
const PERSON: u32 = 50;
/// Tokens of a person for a client in ten minutes: one a second.
const LOOP: u32 = 600;

/// The counts of this process.
pub(crate) struct Limits {
    clients: Limit<(AppId, IpAddr)>,
    people: Limit<(TenantId, ObjectId)>,
    tokens: Limit<(AppId, TenantId, ObjectId)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: Limit::new(CLIENT),
            people: Limit::new(PERSON),
            tokens: Limit::new(LOOP),
        }
    }
}

/// A client as it is counted: who comes from no address comes from one.
fn client_key(cx: &Cx, app: AppId) -> (AppId, IpAddr) {
    let address = cx.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    (app, network(address))
}

/// Whether a refusal counts against its client: it did not prove itself, or presented what is none of its grants.
const fn is_failure(code: Aadsts) -> bool {
    matches!(
        code,
        Aadsts::ClientCredential
            | Aadsts::BadSecret
            | Aadsts::SecretExpired
            | Aadsts::NoCredential
            | Aadsts::UnknownAssertionKey
            | Aadsts::BadAssertion
            | Aadsts::BadGrant
            | Aadsts::BadDeviceCode
            | Aadsts::BadUserAssertion
            | Aadsts::VerifierMismatch
    )
}

impl Idp {
    /// What a client asks for, within its limit: refused where it failed too often, and counted where it fails.
    pub async fn limited<T>(
        &self,
        cx: &Cx,
        client: &ClientAuth,
        work: impl Future<Output = Result<T, IdpError>>,
    ) -> Result<T, IdpError> {
        let Ok(app) = client.app("") else {
            return work.await;
        };
        self.check_client(cx, app)?;
        let done = work.await;
        if let Err(error) = &done {
            self.count_client(cx, app, error).await?;
        }
        done
    }

    /// Refuses a client that failed too often from where this request comes.
    fn check_client(&self, cx: &Cx, app: AppId) -> Result<(), IdpError> {
        if self.inner().limits.clients.is_closed(client_key(cx, app), cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        Ok(())
    }

    /// Counts a failure of a client, where it is one.
    async fn count_client(&self, cx: &Cx, app: AppId, error: &IdpError) -> Result<(), IdpError> {
        let (IdpError::Refused(refusal) | IdpError::Recorded(refusal)) = error else {
            return Ok(());
        };
        if !is_failure(refusal.code()) {
            return Ok(());
        }
        let counted = self.inner().limits.clients.count(client_key(cx, app), cx.now);
        self.closed(cx, counted, (format!("app/{app}"), "AADSTS90055")).await
    }

    /// Refuses somebody who was wrong too often.
    pub fn check_person(&self, tenant: TenantId, user: ObjectId, cx: &Cx) -> Result<(), IdpError> {
        if self.inner().limits.people.is_closed((tenant, user), cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        Ok(())
    }

    /// Counts a wrong second factor, or a wrong code of a device, of somebody who is known.
    pub async fn count_person(&self, cx: &Cx, user: ObjectId) -> Result<(), IdpError> {
        let counted = self.inner().limits.people.count((cx.tenant, user), cx.now);
        self.closed(cx, counted, (format!("user/{user}"), "AADSTS90055")).await
    }

    /// Counts a token of a person for a client, and refuses one too many.
    pub(crate) async fn count_token(&self, cx: &Cx, app: AppId, user: ObjectId) -> Result<(), IdpError> {
        let (tokens, key) = (&self.inner().limits.tokens, (app, cx.tenant, user));
        if tokens.is_closed(key, cx.now) {
            return Err(Refusal::new(Aadsts::ClientLoop).into());
        }
        let counted = tokens.count(key, cx.now);
        self.closed(cx, counted, (format!("app/{app}"), "AADSTS50196")).await
    }

    /// Records that a limit was reached: once, whatever comes after.
    async fn closed(
        &self,
        cx: &Cx,
        counted: Counted,
        (object, reason): (String, &'static str),
    ) -> Result<(), IdpError> {
        if counted == Counted::Closed {
            let record = Record::success(cx, "idp.limit", object).ended(Outcome::Refused, reason);
            let written = self.inner().store.write(cx, record, |record, tx| {
                Box::pin(async move { Ok::<_, IdpError>(tx.audit(record).await?) })
            });
            written.await?;
        }
        Ok(())
    }
}
