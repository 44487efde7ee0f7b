//! Client-Initiated Backchannel Authentication (OpenID CIBA Core 1.0), as a provider answers it: a client asks for a person
//! whom it names, they are asked at a place of ours, and the client asks meanwhile whether they answered (poll mode).
//! <https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html>
//!
//! # Deviations
//! Poll alone is offered. Signed requests, user codes and `login_hint_token` are not: the metadata say so, and what brings
//! one of the first and the last is refused.

use std::time::Duration;

use hygie_core::{AppId, Timestamp};
use serde_json::{Value, json};

use crate::device::{self, Poll, Waiting};
use crate::{Aadsts, ClaimsRequest, ClientAuth, Params, Refusal, Scopes};

/// `grant_type` of the token request (§10.1).
pub const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// How long a request waits where the client says nothing.
pub const TTL: Duration = Duration::from_mins(5);
/// A client may have it wait so long at most.
pub const LONGEST: Duration = Duration::from_mins(15);
/// The client asks no more often at first.
pub const INTERVAL: Duration = device::INTERVAL;

/// Longest message for the person: it is compared by eye (§7.1).
const MAX_MESSAGE: usize = 100;
/// Longest hint.
const MAX_HINT: usize = 8 * 1024;

/// Of whom a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// `login_hint`: what the person signs in with.
    Login(String),
    /// `id_token_hint`: an id token of ours.
    IdToken(String),
}

/// An authentication request (§7.1).
#[derive(Clone, Debug)]
pub struct BackchannelRequest {
    /// The client and its proof.
    pub client: ClientAuth,
    /// What is asked; `openid` is in it.
    pub scopes: Scopes,
    /// For whom.
    pub hint: Hint,
    /// What both screens show.
    pub binding_message: Option<String>,
    /// How long it waits.
    pub ttl: Duration,
    /// What is asked of the authentication.
    pub claims: ClaimsRequest,
}

impl BackchannelRequest {
    /// From the body and the `Authorization` header.
    pub fn parse(params: &Params, authorization: Option<&str>) -> Result<Self, Refusal> {
        let scopes = Scopes::parse(params.require("scope")?)?;
        if !scopes.oidc.openid {
            return Err(Refusal::about(Aadsts::BadScope, &["without openid"]));
        }
        // Tokens are for one resource.
        scopes.single()?;
        if let Some(name) = ["request", "login_hint_token"]
            .into_iter()
            .find(|name| params.get(name).is_some())
        {
            return Err(Refusal::bad(name));
        }
        let hint = match (params.get("login_hint"), params.get("id_token_hint")) {
            (Some(name), None) => Hint::Login(name.to_owned()),
            (None, Some(token)) => Hint::IdToken(token.to_owned()),
            (None, None) => return Err(Refusal::missing("login_hint")),
            (Some(_), Some(_)) => return Err(Refusal::bad("id_token_hint")),
        };
        if matches!(&hint, Hint::Login(text) | Hint::IdToken(text) if text.len() > MAX_HINT) {
            return Err(Refusal::new(Aadsts::UnknownPerson));
        }
        Ok(Self {
            client: ClientAuth::parse(params, authorization)?,
            scopes,
            hint,
            binding_message: params.get("binding_message").map(message).transpose()?,
            ttl: params.get("requested_expiry").map_or(Ok(TTL), expiry)?,
            claims: ClaimsRequest::parse(params)?,
        })
    }
}

/// Plain text of one line (§7.1): what a person reads, and nothing that turns it around.
fn message(text: &str) -> Result<String, Refusal> {
    let is_plain = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            && !matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let fits = text.chars().count() <= MAX_MESSAGE && text.trim() == text;
    if fits && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(Refusal::new(Aadsts::BindingMessage))
    }
}

fn expiry(text: &str) -> Result<Duration, Refusal> {
    let seconds: u64 = text.parse().map_err(|_| Refusal::bad("requested_expiry"))?;
    if seconds == 0 {
        return Err(Refusal::bad("requested_expiry"));
    }
    Ok(Duration::from_secs(seconds).min(LONGEST))
}

/// The answer (§7.3).
pub fn acknowledgement(auth_req_id: &str, ttl: Duration) -> Value {
    json!({
        "auth_req_id": auth_req_id,
        "expires_in": ttl.as_secs(),
        "interval": INTERVAL.as_secs(),
    })
}

/// Decides for a client that asks (§11): as for a device, in the words of this specification.
pub fn poll(waiting: &Waiting, client: AppId, now: Timestamp) -> Poll {
    match device::poll(waiting, client, now) {
        Poll::Ended(refusal) => Poll::Ended(told(refusal)),
        other => other,
    }
}

/// The same refusal in the words of this specification.
pub fn told(refusal: Refusal) -> Refusal {
    match refusal.code() {
        Aadsts::Declined => Refusal::new(Aadsts::BackchannelDenied),
        Aadsts::BadDeviceCode => Refusal::about(Aadsts::BadGrant, &["auth_req_id"]),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use hygie_core::TenantId;
    use proptest::prelude::*;

    use super::*;
    use crate::device::Answer;

    fn parse(body: &str) -> Result<BackchannelRequest, Aadsts> {
        BackchannelRequest::parse(&Params::parse(body.as_bytes()).unwrap(), None).map_err(|refusal| refusal.code())
    }

    #[test]
    fn requests() {
        let good = "client_id=x&client_secret=s&scope=openid+profile&login_hint=anna%40ch.example";
        let request = parse(good).unwrap();
        assert_eq!(
            (request.hint, request.ttl),
            (Hint::Login("anna@ch.example".to_owned()), TTL)
        );
        let more = parse(&format!(
            "{good}&binding_message=K7+42&requested_expiry=60&acr_values=mfa&user_code=1"
        ))
        .unwrap();
        assert_eq!(more.binding_message.as_deref(), Some("K7 42"));
        assert_eq!((more.ttl.as_secs(), more.claims.acr), (60, vec!["mfa".to_owned()]));
        assert_eq!(parse(&format!("{good}&requested_expiry=999999")).unwrap().ttl, LONGEST);
        let hinted = good.replace("login_hint=anna%40ch.example", "id_token_hint=a.b.c");
        assert_eq!(parse(&hinted).unwrap().hint, Hint::IdToken("a.b.c".to_owned()));
    }

    #[test]
    fn requests_that_are_refused() {
        let good = "client_id=x&client_secret=s&scope=openid&login_hint=anna";
        let long = format!("binding_message={}", "a".repeat(MAX_MESSAGE + 1));
        for (more, code) in [
            ("id_token_hint=a.b.c", Aadsts::BadParameter),
            ("login_hint_token=a.b.c", Aadsts::BadParameter),
            ("request=a.b.c", Aadsts::BadParameter),
            ("requested_expiry=0", Aadsts::BadParameter),
            ("requested_expiry=-1", Aadsts::BadParameter),
            ("requested_expiry=soon", Aadsts::BadParameter),
            ("binding_message=a%0Ab", Aadsts::BindingMessage),
            ("binding_message=a%E2%80%AEb", Aadsts::BindingMessage),
            ("binding_message=a%D8%9Cb", Aadsts::BindingMessage),
            ("binding_message=a%C2%ADb", Aadsts::BindingMessage),
            ("binding_message=a%E1%A0%8Eb", Aadsts::BindingMessage),
            ("binding_message=a%F3%A0%81%81b", Aadsts::BindingMessage),
            (&long, Aadsts::BindingMessage),
            ("claims=%5B%5D", Aadsts::BadParameter),
        ] {
            assert_eq!(parse(&format!("{good}&{more}")).unwrap_err(), code, "{more}");
        }
        for (body, code) in [
            (good.replace("&login_hint=anna", ""), Aadsts::Missing),
            (good.replace("openid", "profile"), Aadsts::BadScope),
            (good.replace("scope=openid&", ""), Aadsts::Missing),
            (
                good.replace("openid", "openid+api://a/x+api://b/y"),
                Aadsts::SeveralResources,
            ),
        ] {
            assert_eq!(parse(&body).unwrap_err(), code, "{body}");
        }
    }

    #[test]
    fn a_client_waits_and_is_answered() {
        let at = Timestamp::from_secs;
        let [app, other]: [AppId; 2] = [
            "00000000-0000-4000-8000-000000000001",
            "00000000-0000-4000-8000-000000000002",
        ]
        .map(|id| id.parse().unwrap());
        let tenant: TenantId = "00000000-0000-4000-8000-000000000003".parse().unwrap();
        for (answer, polled_at, client, now, expected) in [
            (Answer::Awaited, None, app, 0, "authorization_pending"),
            (Answer::Awaited, Some(7), app, 10, "slow_down"),
            (Answer::Awaited, None, app, 300, "expired_token"),
            (Answer::Declined, None, app, 10, "access_denied"),
            (Answer::Approved(tenant), None, app, 10, "approved"),
            (Answer::Approved(tenant), None, other, 10, "invalid_grant"),
        ] {
            let waiting = Waiting {
                client: app,
                answer,
                interval: INTERVAL,
                polled_at: polled_at.map(at),
                expires_at: at(300),
            };
            let told = match poll(&waiting, client, at(now)) {
                Poll::Approved(_) => "approved",
                Poll::Wait(refusal, _) | Poll::Ended(refusal) => refusal.code().error(),
            };
            assert_eq!(told, expected, "{answer:?} {now}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,150}") {
            let _ = message(&text);
            let _ = expiry(&text);
        }
    }
}
