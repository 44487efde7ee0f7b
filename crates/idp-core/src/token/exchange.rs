//! The exchange of an access token of Pro Santé Connect for one of ours — RFC 8693.
//!
//! Its tokens live two minutes and name no audience, so that data services never take them. While one lives we check its
//! signature, ask whether it is active (RFC 7662) and who its person is (UserInfo), and issue a token for one resource
//! that says what roles are given by: national identifier, professions, structures.
//!
//! Nothing is asked of Pro Santé Connect for a caller that has not proved to be a client of ours, nor for a token that
//! Pro Santé Connect has not signed.
//!
//! Policies are asked as for any token of a person ([`crate::signin::professional`]).
//!
//! # Deviations
//!
//! One `resource` or `audience`, which RFC 8693 §2.1 allows to be several. There is no `act` claim: the application is in
//! `appid` or `azp`, as in every token of ours.

use std::time::Duration;

use hygie_access::derived_id;
use hygie_core::{AppId, Cx, ObjectId, Principal, PrincipalKind, Secret, SessionId, TenantId, Timestamp};
use hygie_directory::repo::{Grants, Outsiders};
use hygie_directory::{Arrival, Authentications, DIRECTORY_API, Place, SignInEntry, SignInProtocol, Signals};
use hygie_oidc::psc::{Identity, SubjectToken, Unacceptable};
use hygie_oidc::{Aadsts, Grant, Platform, Refusal, TOKEN_EXCHANGE, TokenRequest, TokenResponse, grant};
use hygie_policy::client::logged;
use hygie_policy::decide::Status;
use hygie_policy::strength::{Mode, Usage};
use hygie_web::audit::Note;

use super::claims::{self, Exchanged, Proof};
use super::issue::{earlier, header, object, scope_text};
use super::party::{Parties, Wanted};
use super::psc::Psc;
use super::{Granted, Sender};
use crate::signin::{Professional, client_app_of};
use crate::{Idp, IdpError};

/// What is done, in the trail.
pub const ACTION: &str = "idp.token.exchange";
/// A session at Pro Santé Connect lasts so long at most, and so does what comes of it.
const SESSION: Duration = Duration::from_hours(4);

/// What Pro Santé Connect vouched for, in our words.
struct Vouched {
    identity: Identity,
    person: ObjectId,
    session: SessionId,
    /// When they signed in there, at the earliest.
    began: Timestamp,
    ends: Timestamp,
}

impl Idp {
    /// Decides and answers; `certificate` is what the client showed in its TLS handshake.
    pub async fn token_exchange(
        &self,
        cx: &Cx,
        place: Place,
        request: &TokenRequest,
        sender: Sender<'_>,
    ) -> Result<Granted, IdpError> {
        let Grant::TokenExchange(token) = &request.grant else {
            return Err(Refusal::about(Aadsts::BadGrant, &["grant_type"]).into());
        };
        let tenant = super::tenant_at(place)?;
        let cx = cx.for_tenant(tenant);
        let psc = self.psc(tenant).ok_or_else(unsupported)?;
        let client = request.client.app(&tenant.to_string())?;
        grant::credential(Platform::Web, &request.client.credential, sender.origin)?;
        let scopes = request.scopes.as_ref().ok_or_else(|| Refusal::missing("scope"))?;
        let wanted = scopes.single()?.map(Wanted::of);
        let wanted = wanted.ok_or_else(|| Refusal::new(Aadsts::NoResource))?;
        let (parties, proof) = self.exchanging(&cx, client, (request, &wanted)).await?;
        let services = psc.trusted.services_of(client)?;
        let granted = self.granted_to_everybody(&cx, &parties).await?;
        let scopes = grant::delegated(&wanted.names, &granted, client)?;
        let vouched = self.vouched(&cx, (psc, services), token, sender).await;
        let vouched = vouched.map_err(|error| self.by_client(error, &parties))?;
        let (until, entry) = self.admitted_professional(&cx, &parties, &vouched).await?;
        let ends = earlier(vouched.ends, until);
        let told = Exchanged {
            person: vouched.person,
            session: vouched.session,
            identity: &vouched.identity,
            issuer: &psc.trusted.issuer,
            scopes: &scopes,
        };
        let claims = claims::exchanged(&self.app_facts(&cx, &parties, (proof, sender)), ends, &told);
        let access_token = self.inner().signer.sign(header(&parties), claims).await?;
        self.directory().log_sign_in(&cx, entry).await?;
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
    pub fn grant_of_exchange(&self, tenant: TenantId) -> Option<&'static str> {
        self.psc(tenant).map(|_| TOKEN_EXCHANGE)
    }

    fn psc(&self, tenant: TenantId) -> Option<&Psc> {
        self.inner().exchanges.as_ref()?.of(tenant)
    }

    /// Who it is and until when, once Pro Santé Connect has answered for the token and nobody here revoked them.
    async fn vouched(
        &self,
        cx: &Cx,
        (psc, services): (&Psc, &[String]),
        token: &Secret<String>,
        sender: Sender<'_>,
    ) -> Result<Vouched, IdpError> {
        let (subject, identity) = psc.ask(services, token, (cx.now, sender)).await?;
        let issuer = &psc.trusted.issuer;
        let person = person(issuer, &identity);
        let revoked_at = self
            .inner()
            .store
            .read(cx, person, |person, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Outsiders(tx).find_revocation(*person).await?) })
            })
            .await?;
        // Where nobody tells when they signed in, it is not longer ago than a session lasts.
        let began = subject.auth_time.unwrap_or_else(|| cx.now - SESSION);
        // The instant there has whole seconds.
        if revoked_at.is_some_and(|at| began.secs() <= at.secs()) {
            return Err(Unacceptable::Revoked.into());
        }
        Ok(Vouched {
            person,
            session: session(issuer, &subject),
            ends: end(&subject, cx.now, psc.trusted.life)?,
            began,
            identity,
        })
    }

    /// Until when a token may live at most, and what the log is told, when policies let it be issued; what they refuse is logged.
    async fn admitted_professional(
        &self,
        cx: &Cx,
        parties: &Parties,
        vouched: &Vouched,
    ) -> Result<(Option<Timestamp>, SignInEntry), IdpError> {
        let used = Authentications::of(Usage::of(Mode::FederatedMultiFactor), vouched.began);
        let resource = &parties.resource.party.application;
        let professional = Professional {
            person: vouched.person,
            used: &used,
            address: cx.client,
        };
        let judged = self.admit_professional(cx, professional, resource.app).await;
        let entry = SignInEntry {
            used: used.clone(),
            signals: self.directory().signals_of(cx.client),
            ..entry(cx, parties, vouched)
        };
        let judged = self.logged(cx, entry.clone(), judged).await?;
        let entry = SignInEntry {
            signals: judged.signals,
            ..entry.judged(judged.status, &judged.applied)
        };
        Ok((judged.effects.tokens_until, entry))
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
        let proof = self.proof(cx, client, (request, &parties.credentials)).await?;
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
            session: Some(told.session),
            ..self.actor(parties.tenant.id, told.person, PrincipalKind::User)
        };
        let resource = object(parties.resource.party.application.app);
        let national_id = &told.identity.professional.national_id;
        Note::new(ACTION, format!("{resource}/professional/{national_id}")).by(&actor)
    }
}

/// What the log is told of a professional whose token is exchanged.
fn entry(cx: &Cx, parties: &Parties, vouched: &Vouched) -> SignInEntry {
    let (client, resource) = (&parties.client.application, &parties.resource.party.application);
    let identity = &vouched.identity;
    let names = [&identity.given_name, &identity.family_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    SignInEntry {
        id: hygie_directory::logs::new_id(cx),
        at: cx.now,
        correlation: cx.request.uuid(),
        user: vouched.person,
        user_principal_name: identity.professional.national_id.clone(),
        user_display_name: names.join(" "),
        app: client.app,
        app_display_name: client.display_name.clone(),
        targets: vec![resource.app],
        contexts: Vec::new(),
        resource: Some((resource.app, resource.display_name.clone())),
        address: cx.client,
        user_agent: None,
        client_app: logged(client_app_of(&Arrival::default(), Platform::Web)).to_owned(),
        is_by_device_code: false,
        protocol: SignInProtocol::default(),
        is_interactive: false,
        session: Some(vouched.session),
        used: Authentications::default(),
        error_code: 0,
        failure_reason: None,
        status: Status::NotApplied.as_str().to_owned(),
        applied: Vec::new(),
        is_emergency: false,
        refused_certificate: Vec::new(),
        signals: Signals::default(),
    }
}

/// The same for the same person in every token, whoever exchanges theirs; `sub` of Pro Santé Connect changes its form.
fn person(issuer: &str, identity: &Identity) -> ObjectId {
    ObjectId::from_uuid(derived_id(issuer, &identity.professional.national_id))
}

/// The same in every token that comes of one session there; of one person, where no session is told.
fn session(issuer: &str, subject: &SubjectToken) -> SessionId {
    let name = match &subject.session {
        Some(session) => format!("sid {session}"),
        None => format!("sub {}", subject.subject),
    };
    SessionId::from_uuid(derived_id(issuer, &name))
}

/// When our token ends: never after the session there, nor after the token where nothing says when that began.
fn end(subject: &SubjectToken, now: Timestamp, life: Option<Duration>) -> Result<Timestamp, Unacceptable> {
    let Some(life) = life else {
        return Ok(subject.expires_at);
    };
    let session = subject.auth_time.map_or(subject.expires_at, |at| at + SESSION);
    let ends = session.min(now + life);
    (now < ends).then_some(ends).ok_or(Unacceptable::Time)
}

fn unsupported() -> Refusal {
    Refusal::about(Aadsts::GrantType, &[TOKEN_EXCHANGE])
}

fn bad_target(wanted: &Wanted) -> Refusal {
    Refusal::about(Aadsts::BadTarget, &[&wanted.resource])
}
