//! What clients and people may do only so often, beside the limits of an address ([`super::throttle`]).
//!
//! A client is counted by proofs of it that fail, together with the network they come from: who sends wrong secrets in the name of
//! an application is told to wait, and who proves the application is heard, also from there. A person is counted by wrong codes,
//! passes and codes of devices, whatever the address. Tokens of one person for one client have a limit that only a client in a loop reaches.

use std::net::{IpAddr, Ipv4Addr};

use hygie_core::{AppId, Cx, ObjectId, TenantId};
use hygie_directory::repo::Global;
use hygie_oidc::{Aadsts, ClientAuth, Refusal};
use hygie_store::audit::{Outcome, Record};

use super::limit::{Counted, Limit};
use super::throttle::network;
use crate::{Idp, IdpError};

/// Failed proofs of a client from one network in ten minutes.
const CLIENT: u32 = 100;
/// Wrong codes and passes of a person in ten minutes: each means locks much earlier by itself.
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

/// Whether a refusal counts against its client: it did not prove itself. Codes and tokens that are none do not: anybody has an
/// application redeem what they typed.
const fn is_unproved(code: Aadsts) -> bool {
    matches!(
        code,
        Aadsts::ClientCredential
            | Aadsts::BadSecret
            | Aadsts::SecretExpired
            | Aadsts::NoCredential
            | Aadsts::UnknownAssertionKey
            | Aadsts::BadAssertion
    )
}

impl Idp {
    /// What a client asks for. A proof that fails is counted, and refused as one too many where there were too many; what is proved is
    /// answered whatever failed before.
    pub async fn limited<T>(
        &self,
        cx: &Cx,
        client: &ClientAuth,
        work: impl Future<Output = Result<T, IdpError>>,
    ) -> Result<T, IdpError> {
        let Ok(app) = client.app("") else {
            return work.await;
        };
        match work.await {
            Err(error) => Err(self.unproved(cx, app, error).await?),
            done => done,
        }
    }

    /// Counts a failed proof, where the error is one, and gives what it is answered.
    async fn unproved(&self, cx: &Cx, app: AppId, error: IdpError) -> Result<IdpError, IdpError> {
        let (IdpError::Refused(refusal) | IdpError::Recorded(refusal)) = &error else {
            return Ok(error);
        };
        if !is_unproved(refusal.code()) {
            return Ok(error);
        }
        let (key, clients) = (client_key(cx, app), &self.inner().limits.clients);
        if clients.is_closed(key, cx.now) {
            let throttled = Refusal::new(Aadsts::Throttled);
            return Ok(match error {
                IdpError::Recorded(_) => IdpError::Recorded(throttled),
                _ => throttled.into(),
            });
        }
        if clients.count(key, cx.now) == Counted::Closed {
            // Whose it is is told, wherever it was tried.
            let home = self.home_of(cx, app).await?.unwrap_or(cx.tenant);
            let reached = (format!("app/{app}"), "AADSTS90055");
            self.closed(&cx.for_tenant(home), Counted::Closed, reached).await?;
        }
        Ok(error)
    }

    /// Refuses a code or a pass of somebody who was wrong too often: passkeys cannot be guessed, and go on.
    pub fn check_person(&self, tenant: TenantId, user: ObjectId, cx: &Cx) -> Result<(), IdpError> {
        if self.inner().limits.people.is_closed((tenant, user), cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        Ok(())
    }

    /// Counts a wrong code or pass, or a wrong code of a device, of somebody who is known.
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

    async fn home_of(&self, cx: &Cx, app: AppId) -> Result<Option<TenantId>, IdpError> {
        let found = self.inner().store.read(cx, app, |app, tx| {
            Box::pin(async move { Ok::<_, IdpError>(Global(tx).find_home_of_app(*app).await?) })
        });
        found.await
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
