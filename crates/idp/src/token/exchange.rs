//! The exchange of an access token of Pro Santé Connect for one of ours — RFC 8693.
//!
//! Its tokens live two minutes and name no audience, so that data services never take them. While one lives we check its
//! signature, ask whether it is active (RFC 7662) and who its person is (UserInfo), and issue a token for one resource
//! that says what roles are given by: national identifier, professions, structures.
//!
//! Nothing is asked of Pro Santé Connect for a caller that has not proved to be a client of ours, nor for a token that
//! Pro Santé Connect has not signed.
//!
//! # Deviations
//!
//! One `resource` or `audience`, which RFC 8693 §2.1 allows to be several. There is no `act` claim: the application is in
//! `appid` or `azp`, as in every token of ours.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hygie_access::{Confirmation, Discovered, KeySource, Outgoing, ThumbprintForm, derived_id};
use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, Secret, TenantId, Timestamp};
use hygie_jose::{Claims, Untrusted, json};
use hygie_oidc::psc::{self, Expected, Identity, SubjectToken, Unacceptable};
use hygie_oidc::{Aadsts, Grant, Platform, Refusal, TOKEN_EXCHANGE, TokenRequest, TokenResponse, grant};
use hygie_web::audit::Note;
use serde_json::Value;
use url::Url;

use super::claims::{self, Exchanged, Proof};
use super::issue::{header, object, scope_text};
use super::party::{Parties, Wanted};
use super::{Granted, Place, Sender};
use crate::directory::DIRECTORY_API;
use crate::repo::Grants;
use crate::{Idp, IdpError};

/// What is done, in the trail.
pub(crate) const ACTION: &str = "idp.token.exchange";
/// Largest answer that is read; UserInfo of somebody with many practices has some thirty thousand octets.
const MAX_ANSWER: usize = 256 * 1024;
/// A session at Pro Santé Connect lasts so long at most, and so does what comes of it.
const SESSION: Duration = Duration::from_hours(4);

/// The Pro Santé Connect that a tenant trusts, and whose tokens it takes from whom.
#[derive(Clone)]
pub struct TrustedPsc {
    /// The tenant.
    pub tenant: TenantId,
    /// `iss` of its tokens.
    pub issuer: String,
    /// Its keys and endpoints.
    pub metadata: Discovered,
    /// We, as it knows us.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret<String>,
    /// Applications of ours that exchange tokens.
    pub clients: Vec<PscClient>,
    /// How it writes the thumbprint of a certificate that a token is bound to.
    pub thumbprint: ThumbprintForm,
    /// How long our tokens live; as long as the token that is exchanged, when absent.
    pub life: Option<Duration>,
}

/// An application of ours that exchanges tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PscClient {
    /// The application.
    pub app: AppId,
    /// The services there (`azp`) whose tokens it may present: its own. A token names no audience, so that another
    /// service's, which somebody handed on or lost, would be as good.
    pub services: Vec<String>,
}

/// Whose tokens are exchanged.
#[derive(Clone)]
pub struct Exchanges {
    /// What asks them.
    pub outgoing: Outgoing,
    /// Who is trusted; at most one for a tenant.
    pub trusted: Vec<TrustedPsc>,
}

impl Idp {
    /// Decides and answers; `certificate` is what the client showed in its TLS handshake.
    pub(crate) async fn token_exchange(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::TokenExchange(token) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let tenant = place.tenant().ok_or_else(|| Refusal::new(Aadsts::TenantNeeded))?;
        let cx = cx.for_tenant(tenant);
        let (exchanges, trusted) = self.exchanges(tenant).ok_or_else(unsupported)?;
        let client = request.client.app(&tenant.to_string())?;
        grant::credential(Platform::Web, &request.client.credential, sender.origin)?;
        let scopes = request.scopes.as_ref().ok_or_else(|| Refusal::missing("scope"))?;
        let wanted = scopes.single()?.map(Wanted::of);
        let wanted = wanted.ok_or_else(|| Refusal::new(Aadsts::NoResource))?;
        let (parties, proof) = self.exchanging(&cx, client, (request, &wanted)).await?;
        let services = trusted.services_of(client)?;
        let granted = self.granted_to_everybody(&cx, &parties).await?;
        let scopes = grant::delegated(&wanted.names, &granted, client)?;
        let asked = exchanges.ask((trusted, services), token, (cx.now, sender)).await;
        let (subject, identity) = asked.map_err(|error| self.by_client(error, &parties))?;
        let ends = trusted.end(&subject, cx.now);
        let ends = ends.map_err(|fault| self.by_client(fault.into(), &parties))?;
        let told = Exchanged {
            person: person(trusted, &identity),
            identity: &identity,
            issuer: &trusted.issuer,
            scopes: &scopes,
        };
        let claims = claims::exchanged(&self.app_facts(&cx, &parties, (proof, sender)), ends, &told);
        let access_token = self.inner().signer.sign(header(&parties), claims).await?;
        Ok(Granted {
            response: TokenResponse {
                version: request.version,
                access_token,
                validity: (cx.now, ends),
                scope: Some(scope_text(&parties, &wanted, &scopes, request.version)),
                resource: wanted.resource,
                refresh: None,
                id_token: None,
                client_info: None,
                is_exchanged: true,
            },
            note: self.exchanged_note(&parties, &told),
            platform: None,
        })
    }

    /// Whether a tenant exchanges tokens, for its metadata.
    pub(crate) fn grant_of_exchange(&self, tenant: TenantId) -> Option<&'static str> {
        self.exchanges(tenant).map(|_| TOKEN_EXCHANGE)
    }

    fn exchanges(&self, tenant: TenantId) -> Option<(&Exchanges, &TrustedPsc)> {
        let exchanges = self.inner().exchanges.as_ref()?;
        let trusted = exchanges.trusted.iter().find(|trusted| trusted.tenant == tenant)?;
        Some((exchanges, trusted))
    }

    /// The parties, once the client has proved to be who it says. The person is in no directory, so that nobody has
    /// assigned them: a resource or client that asks for it is none for them.
    async fn exchanging(
        &self,
        cx: &Cx,
        client: AppId,
        (request, wanted): (&TokenRequest, &Wanted),
    ) -> Result<(Parties, Proof), IdpError> {
        let parties = match self.parties(cx, client, &wanted.resource, None).await {
            Ok(parties) => parties,
            Err(error) => {
                self.prove(cx, client, request).await?;
                return Err(match error.refusal().code() {
                    Aadsts::UnknownResource => bad_target(wanted).into(),
                    _ => error,
                });
            }
        };
        let proof = self.proof(cx, client, (request, &parties.credentials))?;
        let resource = &parties.resource.party;
        // People of the directory alone have anything there.
        if resource.application.app == DIRECTORY_API {
            return Err(bad_target(wanted).into());
        }
        for party in [&parties.client, resource] {
            if party.principal.requires_assignment {
                return Err(Refusal::about(Aadsts::NotAssigned, &[&party.principal.app.to_string()]).into());
            }
        }
        Ok((parties, proof))
    }

    /// The scopes of the resource that the client has for whoever it acts for.
    async fn granted_to_everybody(&self, cx: &Cx, parties: &Parties) -> Result<Vec<String>, IdpError> {
        let pair = (parties.client.principal.id, parties.resource.party.principal.id);
        self.inner()
            .store
            .read(cx, pair, |(client, resource), tx| {
                Box::pin(async move { Ok(Grants(tx).list_scopes_of_everybody(*client, *resource).await?) })
            })
            .await
    }

    /// What is wrong with the token is recorded as the client's doing.
    fn by_client(&self, error: IdpError, parties: &Parties) -> IdpError {
        match error {
            IdpError::Subject { fault, .. } => IdpError::Subject {
                fault,
                by: Some(Box::new(self.application_actor(parties))),
            },
            error => error,
        }
    }

    /// Who got a token for what, by the identifier that the law asks to keep.
    fn exchanged_note(&self, parties: &Parties, told: &Exchanged<'_>) -> Note {
        let actor = Principal {
            app: Some(parties.client.application.app),
            ..self.actor(parties.tenant.id, told.person, PrincipalKind::User)
        };
        let resource = object(parties.resource.party.application.app);
        let national_id = &told.identity.professional.national_id;
        Note::new(ACTION, format!("{resource}/professional/{national_id}")).by(&actor)
    }
}

/// The same for the same person in every token, whoever exchanges theirs; `sub` of Pro Santé Connect changes its form.
fn person(trusted: &TrustedPsc, identity: &Identity) -> ObjectId {
    ObjectId::from_uuid(derived_id(&trusted.issuer, &identity.professional.national_id))
}

fn unsupported() -> Refusal {
    Refusal::about(Aadsts::GrantType, &[TOKEN_EXCHANGE])
}

fn bad_target(wanted: &Wanted) -> Refusal {
    Refusal::about(Aadsts::BadTarget, &[&wanted.resource])
}

impl TrustedPsc {
    /// The services whose tokens an application may present.
    fn services_of(&self, client: AppId) -> Result<&[String], Refusal> {
        let named = self.clients.iter().find(|known| known.app == client);
        let named = named.ok_or_else(|| Refusal::about(Aadsts::NotExchanging, &[&client.to_string()]))?;
        Ok(&named.services)
    }

    /// When our token ends: never after the session there, nor after the token where nothing says when that began.
    fn end(&self, subject: &SubjectToken, now: Timestamp) -> Result<Timestamp, Unacceptable> {
        let Some(life) = self.life else {
            return Ok(subject.expires_at);
        };
        let session = subject.auth_time.map_or(subject.expires_at, |at| at + SESSION);
        let ends = session.min(now + life);
        (now < ends).then_some(ends).ok_or(Unacceptable::Time)
    }

    /// The claims of a token that it signed.
    async fn claims(&self, token: &str) -> Result<Claims, IdpError> {
        let token = Untrusted::parse(token).map_err(|_| Unacceptable::Signature)?;
        if token.issuer() != Some(&self.issuer) {
            return Err(Unacceptable::Issuer.into());
        }
        let mut keys = self.metadata.keys().await.map_err(|_| unavailable())?;
        if !keys.knows(token.header()) {
            keys = self.metadata.refreshed().await.map_err(|_| unavailable())?;
        }
        let verified = token.verify(&keys).map_err(|_| Unacceptable::Signature)?;
        Ok(verified.claims)
    }
}

impl Exchanges {
    /// What a token is, and whose.
    async fn ask(
        &self,
        (trusted, services): (&TrustedPsc, &[String]),
        token: &Secret<String>,
        (now, sender): (Timestamp, Sender<'_>),
    ) -> Result<(SubjectToken, Identity), IdpError> {
        let claims = trusted.claims(token.expose()).await?;
        let expected = Expected {
            issuer: &trusted.issuer,
            client: &trusted.client_id,
            services,
            now,
        };
        let subject = psc::subject_token(&claims, &expected)?;
        let bound = Confirmation::of(&claims, trusted.thumbprint).map_err(|_| Unacceptable::Confirmation)?;
        let proved = bound.map_or(Ok(()), |bound| bound.check(sender.certificate));
        proved.map_err(|_| Unacceptable::Certificate)?;
        let endpoints = trusted.metadata.endpoints().await.map_err(|_| unavailable())?;
        let (Some(introspection), Some(userinfo)) = (endpoints.introspection_endpoint, endpoints.userinfo_endpoint)
        else {
            tracing::error!(
                issuer = trusted.issuer,
                "its metadata name no introspection endpoint or no userinfo endpoint"
            );
            return Err(unavailable().into());
        };
        self.introspect(trusted, (&introspection, token), &subject).await?;
        let identity = self.userinfo((&userinfo, token), &subject).await?;
        Ok((subject, identity))
    }

    async fn introspect(
        &self,
        trusted: &TrustedPsc,
        (endpoint, token): (&Url, &Secret<String>),
        subject: &SubjectToken,
    ) -> Result<(), IdpError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token.expose())
            .append_pair("token_type_hint", "access_token")
            .finish();
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        // RFC 6749 §2.3.1: both halves are form-encoded first.
        let pair = format!(
            "{}:{}",
            encode(&trusted.client_id),
            encode(trusted.client_secret.expose())
        );
        let request = http::Request::post(endpoint.as_str())
            .header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body.into_bytes())
            .map_err(|_| unavailable())?;
        let answer = self.answer(request, endpoint).await?;
        if answer.status().as_u16() != 200 {
            tracing::error!(%endpoint, status = answer.status().as_u16(), "introspection is not answered: is the client known there?");
            return Err(unavailable().into());
        }
        Ok(psc::introspected(&read(&answer, endpoint)?, subject)?)
    }

    async fn userinfo(
        &self,
        (endpoint, token): (&Url, &Secret<String>),
        subject: &SubjectToken,
    ) -> Result<Identity, IdpError> {
        let request = http::Request::get(endpoint.as_str())
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Unacceptable::Signature)?;
        let answer = self.answer(request, endpoint).await?;
        match answer.status().as_u16() {
            200 => Ok(psc::identity(&read(&answer, endpoint)?, subject)?),
            // It ended between the two requests.
            401 | 403 => Err(Unacceptable::Inactive.into()),
            status => {
                tracing::warn!(%endpoint, status, "userinfo is not answered");
                Err(unavailable().into())
            }
        }
    }

    async fn answer(
        &self,
        request: http::Request<Vec<u8>>,
        endpoint: &Url,
    ) -> Result<http::Response<Vec<u8>>, IdpError> {
        self.outgoing.send(request).await.map_err(|error| {
            tracing::warn!(%endpoint, error = &error as &dyn std::error::Error, "Pro Santé Connect does not answer");
            unavailable().into()
        })
    }
}

fn read(answer: &http::Response<Vec<u8>>, endpoint: &Url) -> Result<Value, IdpError> {
    let body = answer.body();
    let value = (body.len() <= MAX_ANSWER).then(|| json::read(body, "answer").ok());
    value.flatten().ok_or_else(|| {
        tracing::warn!(%endpoint, "the answer is not JSON, or too large or too deep");
        unavailable().into()
    })
}

fn unavailable() -> Refusal {
    Refusal::new(Aadsts::Unavailable)
}
