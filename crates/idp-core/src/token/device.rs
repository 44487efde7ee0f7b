//! The device authorization grant (RFC 8628): codes for a device, the answer of the person who typed one, and the tokens
//! that the device fetches. An approval is kept as an authorization code of the device code: it is redeemed, reused and
//! revoked as any other.

use hygie_core::{AppId, Cx, Secret, Timestamp};
use hygie_directory::repo::{Backchannels, DeviceRow, Devices};
use hygie_directory::{DeviceAsk, Place};
use hygie_jose::random_secret;
use hygie_oidc::device::{self, Answer, DeviceRequest, INTERVAL, Poll, TTL, UserCode, Waiting};
use hygie_oidc::{
    Aadsts, AuthorizeRequest, ClaimsRequest, Credential, Grant, Platform, Prompt, Refusal, ResponseMode, ResponseType,
    TokenRequest, Version, grant,
};
use hygie_store::audit::Record;

use super::ciba::QUIET;
use super::code::Attempt;
use super::issue::object;
use super::{Asking, Granted, Sender};
use crate::signin::SECURITY_INFO;
use crate::signin::SignedIn;
use crate::{Idp, IdpError};

/// A device on whose behalf somebody signs in.
#[derive(Clone, Debug)]
pub struct DeviceWay {
    /// The code that was typed.
    pub user_code: UserCode,
    /// What waits.
    pub row: DeviceRow,
    /// When it was looked up.
    pub seen_at: Timestamp,
}

/// What waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A device that shows a code.
    Device,
    /// A client that named the person.
    Backchannel,
}

/// What a device is given.
pub struct DeviceCodes {
    /// To ask with.
    pub device_code: Secret<String>,
    /// To show.
    pub user_code: UserCode,
}

impl DeviceWay {
    /// As a request of the authorization endpoint: the person says with which account, unless the client named them. Then
    /// what they proved must be younger than the request.
    pub(super) fn request(&self) -> AuthorizeRequest {
        let asked = self.backchannel();
        let age = self.seen_at.since(self.row.created_at).as_secs();
        AuthorizeRequest {
            version: self.row.ask.version,
            response_type: ResponseType {
                code: true,
                id_token: false,
                token: false,
            },
            mode: ResponseMode::Query,
            scopes: self.row.ask.scopes.clone(),
            nonce: None,
            prompt: asked.map_or(Prompt::SelectAccount, |_| Prompt::AsNeeded),
            login_hint: asked.map(|asked| asked.user_principal_name.clone()),
            domain_hint: None,
            sid: None,
            max_age: asked.map(|_| u32::try_from(age).unwrap_or(u32::MAX)),
            claims: asked.map_or_else(ClaimsRequest::default, |asked| asked.claims.clone()),
            challenge: None,
        }
    }
}

impl Idp {
    /// Codes for a device of this client.
    pub async fn begin_device(
        &self,
        cx: &Cx,
        (place, version): (Place, Version),
        request: DeviceRequest,
        origin: Option<&str>,
    ) -> Result<DeviceCodes, IdpError> {
        let inner = self.inner();
        if inner.devices.is_closed(cx.client, cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        inner.devices.count(cx.client, cx.now);
        let (found, application) = self.client_at(cx, place, &request.client.client_id).await?;
        // Our own page is for nobody's device.
        if application.app == SECURITY_INFO {
            return Err(Refusal::about(Aadsts::UnknownClient, &[&request.client.client_id, &place.segment()]).into());
        }
        let tenant = place.tenant().unwrap_or(found.home);
        let platform = if application.definition.is_fallback_public_client {
            Platform::PublicClient
        } else {
            Platform::Web
        };
        let cx = cx.for_tenant(tenant);
        self.device_client(&cx, application.app, (platform, &request.client.credential), origin)
            .await?;
        let codes = DeviceCodes {
            device_code: random_secret(&*cx.random),
            user_code: UserCode::random(&*cx.random),
        };
        let row = DeviceRow {
            digest: inner.digests.devices.digest(codes.device_code.expose()),
            waiting: Waiting {
                client: application.app,
                answer: Answer::Awaited,
                interval: INTERVAL,
                polled_at: None,
                expires_at: cx.now + TTL,
            },
            ask: DeviceAsk {
                place,
                tenant,
                version,
                platform,
                scopes: request.scopes,
                address: cx.client,
                backchannel: None,
            },
            created_at: cx.now,
        };
        self.keep_device(&cx, row, &codes.user_code).await?;
        Ok(codes)
    }

    /// Refuses a client that does not prove itself as it must.
    pub(super) async fn device_client(
        &self,
        cx: &Cx,
        client: AppId,
        (platform, credential): (Platform, &Credential),
        origin: Option<&str>,
    ) -> Result<(), IdpError> {
        grant::credential(platform, credential, origin)?;
        match platform {
            Platform::Web => self.prove_by(cx, client, (credential, &cx.tenant.to_string())).await,
            Platform::PublicClient | Platform::Spa => Ok(()),
        }
    }

    async fn keep_device(&self, cx: &Cx, row: DeviceRow, user_code: &UserCode) -> Result<(), IdpError> {
        let ask = serde_json::to_string(&row.ask)?;
        let record = Record::success(cx, "idp.device", object(row.waiting.client));
        let user_code = self.inner().digests.user_codes.digest(user_code.as_str());
        self.inner()
            .store
            .write(
                cx,
                (row, user_code, ask, record),
                |(row, user_code, ask, record), tx| {
                    Box::pin(async move {
                        Devices(tx).insert(row, user_code, ask).await?;
                        tx.audit(record).await?;
                        Ok(())
                    })
                },
            )
            .await
    }

    /// The device that shows what was typed, if it still waits. Wrong codes of an address are counted, and after too many
    /// none is looked for.
    pub(crate) async fn find_device(&self, cx: &Cx, typed: &str) -> Result<Option<DeviceWay>, IdpError> {
        let inner = self.inner();
        if inner.user_codes.is_closed(cx.client, cx.now) {
            return Err(Refusal::new(Aadsts::Throttled).into());
        }
        let found = match UserCode::parse(typed) {
            Some(user_code) => self.waiting_device(cx, user_code).await?,
            None => None,
        };
        if found.is_none() {
            inner.user_codes.count(cx.client, cx.now);
        }
        Ok(found)
    }

    pub(super) async fn waiting_device(&self, cx: &Cx, user_code: UserCode) -> Result<Option<DeviceWay>, IdpError> {
        let digest = self.inner().digests.user_codes.digest(user_code.as_str());
        let row: Option<DeviceRow> = self
            .inner()
            .store
            .read(cx, digest, |digest, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Devices(tx).find_by_user_code(digest).await?) })
            })
            .await?;
        let waits = |row: &DeviceRow| row.waiting.answer == Answer::Awaited && cx.now < row.waiting.expires_at;
        Ok(row.filter(waits).map(|row| DeviceWay {
            user_code,
            row,
            seen_at: cx.now,
        }))
    }

    /// The way of the person who typed this code, which was looked up before.
    pub async fn asking_for_device(&self, cx: &Cx, typed: &str) -> Result<Asking, IdpError> {
        let way = self.find_device(cx, typed).await?;
        let way = way.ok_or_else(|| Refusal::new(Aadsts::DeviceCodeExpired))?;
        self.asking_of(cx, way).await
    }

    /// Refuses a device whose application may not have what it asks for this person, by what counts of what they proved
    /// ([`Idp::counting`]).
    pub async fn check_device(
        &self,
        cx: &Cx,
        (asking, way): (&Asking, &DeviceWay),
        signed_in: &SignedIn,
    ) -> Result<(), IdpError> {
        let authorization = super::authorize::authorization(asking, &way.request(), signed_in);
        self.admitted_parties(cx, &authorization, asking, signed_in)
            .await
            .map(drop)
    }

    /// The person allows it.
    pub async fn approve_device(
        &self,
        cx: &Cx,
        (asking, way): (&Asking, &DeviceWay),
        signed_in: &SignedIn,
    ) -> Result<(), IdpError> {
        let signed_in = &self.counting(cx, way, signed_in).await?;
        let authorization = super::authorize::authorization(asking, &way.request(), signed_in);
        let (_, admitted) = self.admitted_parties(cx, &authorization, asking, signed_in).await?;
        let cx = Cx {
            principal: Some(self.person_actor(cx.tenant, &authorization).into()),
            ..cx.clone()
        };
        self.keep_approval(&cx, &authorization, way.row.digest, admitted.entry)
            .await
    }

    /// The person declines it.
    pub async fn decline_device(&self, cx: &Cx, way: &DeviceWay, signed_in: &SignedIn) -> Result<(), IdpError> {
        let signed_in = &self.counting(cx, way, signed_in).await?;
        let app = way.row.waiting.client;
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, Some(app)).into()),
            ..cx.clone()
        };
        let record = Record::success(&cx, "idp.device.decline", object(app));
        let is_named = way.backchannel().is_some();
        self.inner()
            .store
            .write(
                &cx,
                (way.row.digest, is_named, record),
                |(digest, is_named, record), tx| {
                    Box::pin(async move {
                        let now = tx.cx().now;
                        if !Devices(tx).answered(digest, Answer::Declined, now).await? {
                            return Err(Refusal::new(Aadsts::DeviceCodeExpired).into());
                        }
                        if *is_named {
                            Backchannels(tx).keep_refused(digest, now + QUIET).await?;
                        }
                        tx.audit(record).await?;
                        Ok(())
                    })
                },
            )
            .await
    }

    /// Decides and answers a device that asks.
    pub async fn device_code(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::DeviceCode(code) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        self.waited(cx, place, (code, Kind::Device), (request, sender)).await
    }

    /// Decides and answers who waits with this secret, of this kind.
    pub(super) async fn waited(
        &self,
        cx: &Cx,
        place: Place,
        (code, kind): (&Secret<String>, Kind),
        (request, sender): (&TokenRequest, Sender<'_>),
    ) -> Result<Granted, IdpError> {
        let client = request.client.app(&request.segment)?;
        let digest = self.inner().digests.devices.digest(code.expose());
        let row = self.device_row(cx, digest).await?;
        let is_its = |row: &DeviceRow| {
            row.waiting.client == client
                && row.ask.backchannel.is_some() == (kind == Kind::Backchannel)
                && place
                    .tenant()
                    .is_none_or(|tenant| row.ask.place.tenant() == Some(tenant))
        };
        let row = row.filter(is_its).ok_or_else(|| Refusal::new(Aadsts::BadDeviceCode))?;
        let asked_in = cx.for_tenant(row.ask.tenant);
        self.device_client(
            &asked_in,
            client,
            (row.ask.platform, &request.client.credential),
            sender.origin,
        )
        .await?;
        // Who asks again and again, and waits as long as anybody can be made to, is told so without a write.
        match device::poll(&row.waiting, client, asked_in.now) {
            Poll::Wait(refusal, interval) if refusal.code() == Aadsts::SlowDown && interval == row.waiting.interval => {
                return Err(refusal.into());
            }
            _ => {}
        }
        let tenant = match self.polled(&asked_in, (digest, client)).await? {
            Poll::Approved(tenant) => tenant,
            Poll::Wait(refusal, _) | Poll::Ended(refusal) => return Err(refusal.into()),
        };
        let cx = cx.for_tenant(tenant);
        let attempt = Attempt {
            digest: self.inner().digests.codes.digest(digest),
            redirect_uri: None,
            verifier: None,
        };
        let stored = self.find_code(&cx, attempt.digest).await?;
        let stored = stored.ok_or_else(|| Refusal::new(Aadsts::DeviceCodeExpired))?;
        self.redeemed(&cx, stored, attempt, (request, sender)).await
    }

    async fn device_row(&self, cx: &Cx, digest: [u8; 32]) -> Result<Option<DeviceRow>, IdpError> {
        self.inner()
            .store
            .read(cx, digest, |digest, tx| {
                Box::pin(async move { Ok(Devices(tx).find(digest).await?) })
            })
            .await
    }

    /// Notes that the device asked, and decides.
    async fn polled(&self, cx: &Cx, poll: ([u8; 32], AppId)) -> Result<Poll, IdpError> {
        self.inner()
            .store
            .write(cx, poll, |(digest, client), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    let Some(row) = Devices(tx).find(digest).await? else {
                        return Ok(Poll::Ended(Refusal::new(Aadsts::BadDeviceCode)));
                    };
                    let decision = device::poll(&row.waiting, *client, now);
                    if let Poll::Wait(_, interval) = decision {
                        Devices(tx).polled(digest, now, interval).await?;
                    }
                    Ok::<_, IdpError>(decision)
                })
            })
            .await
    }
}
