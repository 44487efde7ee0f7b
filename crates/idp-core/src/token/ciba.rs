//! Requests of a client for a person whom it names (OpenID CIBA Core 1.0): what waits is what waits for a device
//! ([`super::device`]), with the person's name instead of a code that is shown. They are asked on a page of ours, after a
//! proof that is younger than the request, and the client asks meanwhile (poll mode).

use std::time::Duration;

use hygie_core::{AppId, Cx, ObjectId, Secret, Timestamp};
use hygie_directory::repo::{Backchannels, DeviceRow, Devices, Sessions};
use hygie_directory::{Backchannel, DeviceAsk, ExtraGrant, Place, User};
use hygie_jose::random_secret;
use hygie_oidc::ciba::{self, BackchannelRequest, Hint, INTERVAL};
use hygie_oidc::device::{Answer, UserCode, Waiting};
use hygie_oidc::{Aadsts, Grant, Platform, Refusal, TokenRequest, Version};
use hygie_store::Tx;
use hygie_store::audit::Record;

use super::device::Kind;
use super::issue::object;
use super::party::Wanted;
use super::{Asking, DeviceWay, Granted, Sender};
use crate::signin::SignedIn;
use crate::{Idp, IdpError};

/// Requests that wait for one person at once: who is asked more often is not asked at all.
const MOST: usize = 5;
/// Of these, those of one client.
const MOST_OF_CLIENT: usize = 2;
/// How long a client is not heard after the person said no: who is asked again and again says yes at last.
pub(super) const QUIET: Duration = Duration::from_mins(5);
/// How long who proved who they are is taken to be still there.
const PRESENCE: Duration = Duration::from_mins(5);
/// The next instant after another.
const INSTANT: Duration = Duration::from_millis(1);
/// Rows of a person that are looked at, answered ones among them.
const MAX_ROWS: u32 = 100;

impl Idp {
    /// Has a person be asked; gives the `auth_req_id`.
    pub async fn begin_backchannel(
        &self,
        cx: &Cx,
        place: Place,
        request: BackchannelRequest,
        origin: Option<&str>,
    ) -> Result<Secret<String>, IdpError> {
        let tenant = super::tenant_at(place)?;
        let cx = cx.for_tenant(tenant);
        let client_id = &request.client.client_id;
        let (found, application) = self.client_at(&cx, place, client_id).await?;
        let is_at_home = found.is_at_home(client_id, tenant)?;
        let app = application.app;
        let proof = (Platform::Web, &request.client.credential);
        self.device_client(&cx, app, proof, origin).await?;
        if !is_at_home || !application.definition.allows(ExtraGrant::Ciba) {
            return Err(Refusal::about(Aadsts::NoBackchannel, &[client_id]).into());
        }
        let user = self.named_person(&cx, app, &request.hint).await?;
        let user = user.filter(|user| user.is_enabled);
        let user = user.ok_or_else(|| Refusal::new(Aadsts::UnknownPerson))?;
        // Nobody is asked about what they could not allow.
        let wanted = Wanted::first(&request.scopes);
        let parties = self.parties(&cx, app, &wanted.resource, Some(user.id)).await?;
        parties.delegated(&wanted.names)?;
        let auth_req_id = random_secret(&*cx.random);
        let row = DeviceRow {
            digest: self.inner().digests.devices.digest(auth_req_id.expose()),
            waiting: Waiting {
                client: app,
                answer: Answer::Awaited,
                interval: INTERVAL,
                polled_at: None,
                expires_at: cx.now + request.ttl,
            },
            ask: DeviceAsk {
                place,
                tenant,
                version: Version::V2,
                platform: Platform::Web,
                scopes: request.scopes,
                address: cx.client,
                backchannel: Some(Backchannel {
                    user: user.id,
                    user_principal_name: user.user_principal_name,
                    binding_message: request.binding_message,
                    claims: request.claims,
                }),
            },
            created_at: cx.now,
        };
        self.keep_backchannel(&cx, user.id, row).await?;
        Ok(auth_req_id)
    }

    /// Whom a request names. An id token may have ended: it still says who it was for.
    async fn named_person(&self, cx: &Cx, client: AppId, hint: &Hint) -> Result<Option<User>, IdpError> {
        let token = match hint {
            Hint::Login(name) => return Ok(self.directory().find_user(cx, name).await?),
            Hint::IdToken(token) => token,
        };
        let Ok(verified) = hygie_jose::verify(token, &self.key_set()) else {
            return Ok(None);
        };
        let claims = verified.claims;
        let provider = self.provider();
        let issuers = [provider.issuer_v1(cx.tenant), provider.issuer_v2(cx.tenant)];
        let is_ours = claims.issuer.as_ref().is_some_and(|issuer| issuers.contains(issuer));
        let is_its = claims.audience == [client.to_string()];
        let person: Option<ObjectId> = claims.text("oid").and_then(|oid| oid.parse().ok());
        match person.filter(|_| is_ours && is_its) {
            Some(person) => Ok(self.directory().find_user_by_id(cx, person).await?),
            None => Ok(None),
        }
    }

    async fn keep_backchannel(&self, cx: &Cx, user: ObjectId, row: DeviceRow) -> Result<(), IdpError> {
        let ask = serde_json::to_string(&row.ask)?;
        let code = UserCode::random(&*cx.random);
        let code_digest = self.inner().digests.user_codes.digest(code.as_str());
        let record = Record::success(cx, "idp.device.backchannel", object(row.waiting.client));
        let input = ((user, row), (code, code_digest), ask, record);
        self.inner()
            .store
            .write(cx, input, |((user, row), (code, code_digest), ask, record), tx| {
                Box::pin(async move {
                    check_room(tx, *user, row.waiting.client).await?;
                    Devices(tx).insert(row, code_digest, ask).await?;
                    let named = (&row.digest, code.as_str());
                    Backchannels(tx).insert(*user, named, row.waiting.expires_at).await?;
                    Ok(tx.audit(record).await?)
                })
            })
            .await
    }

    /// The requests that wait for a person, the next to end first.
    pub async fn waiting_for(&self, cx: &Cx, user: ObjectId) -> Result<Vec<DeviceWay>, IdpError> {
        let codes: Vec<String> = self
            .inner()
            .store
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    Ok::<_, IdpError>(Backchannels(tx).list(*user, now, MAX_ROWS).await?)
                })
            })
            .await?;
        let mut ways = Vec::new();
        for code in codes.iter().filter_map(|code| UserCode::parse(code)) {
            let way = self.waiting_device(cx, code).await?;
            ways.extend(way.filter(|way| way.is_meant_for(user)));
        }
        Ok(ways)
    }

    /// The person as far as what they proved counts for this answer. Of a request that a client made for a person only what is
    /// younger than the request counts, and than the last answer of the session, and not for long: a browser that nobody sits at
    /// says yes to nothing, whatever its session is worth elsewhere.
    pub async fn counting(&self, cx: &Cx, way: &DeviceWay, signed_in: &SignedIn) -> Result<SignedIn, IdpError> {
        way.admits(signed_in)?;
        if way.backchannel().is_none() {
            return Ok(signed_in.clone());
        }
        let confirmed: Option<Timestamp> = self
            .inner()
            .store
            .read(cx, signed_in.account.session, |session, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Sessions(tx).find_confirmed(*session).await?) })
            })
            .await?;
        let after = confirmed.map_or(way.row.created_at, |at| way.row.created_at.max(at + INSTANT));
        let used = signed_in.used.since(after);
        let proved = used.primary_at().filter(|at| cx.now.since(*at) <= PRESENCE);
        let auth_time = proved.ok_or_else(|| Refusal::new(Aadsts::SessionTooOld))?;
        let mut counting = SignedIn {
            used,
            ..signed_in.clone()
        };
        counting.account.auth_time = auth_time;
        Ok(counting)
    }

    /// The name of the application that waits.
    pub async fn asking_name(&self, cx: &Cx, way: &DeviceWay) -> Result<String, IdpError> {
        let asking: Asking = self.asking_of(cx, way.clone()).await?;
        Ok(asking.application.display_name)
    }

    /// Decides and answers a client that asks.
    pub async fn ciba(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::Ciba(id) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let waited = self.waited(cx, place, (id, Kind::Backchannel), (request, sender)).await;
        waited.map_err(|error| match error {
            IdpError::Refused(refusal) => ciba::told(refusal).into(),
            other => other,
        })
    }
}

/// Refuses a client where too much waits for the person, or where they refused it just now.
async fn check_room(tx: &mut Tx<'_>, user: ObjectId, client: AppId) -> Result<(), IdpError> {
    let now = tx.cx().now;
    let digests = Backchannels(tx).digests(user, now, MAX_ROWS).await?;
    let (mut waiting, mut of_client, mut is_refused) = (0, 0, digests.len() >= MAX_ROWS as usize);
    for digest in &digests {
        let Some(row) = Devices(tx).find(digest).await? else {
            continue;
        };
        let is_its = row.waiting.client == client;
        match row.waiting.answer {
            Answer::Awaited => {
                waiting += 1;
                of_client += usize::from(is_its);
            }
            Answer::Declined => is_refused |= is_its,
            Answer::Approved(_) => {}
        }
    }
    if is_refused || waiting >= MOST || of_client >= MOST_OF_CLIENT {
        return Err(Refusal::new(Aadsts::Throttled).into());
    }
    Ok(())
}

impl DeviceWay {
    /// Whether it waits for this person, by name.
    pub(super) fn is_meant_for(&self, user: ObjectId) -> bool {
        self.backchannel().is_some_and(|asked| asked.user == user)
    }

    /// Whom it waits for, where a client named somebody.
    pub fn backchannel(&self) -> Option<&Backchannel> {
        self.row.ask.backchannel.as_ref()
    }

    /// Refuses whoever is not the one that the client named.
    pub(super) fn admits(&self, signed_in: &SignedIn) -> Result<(), Refusal> {
        let Some(asked) = self.backchannel() else { return Ok(()) };
        let account = &signed_in.account;
        if (account.user, account.tenant) == (asked.user, self.row.ask.tenant) {
            Ok(())
        } else {
            Err(Refusal::new(Aadsts::DeviceCodeExpired))
        }
    }
}
