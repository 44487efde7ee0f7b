//! What was authorized, as it is kept with codes, refresh tokens and waiting devices, and how a token names it.

use std::net::IpAddr;

use hygie_core::{AppId, ObjectId, Random, SessionId, TenantId, Timestamp, random_array};
use hygie_jose::base64url;
use hygie_oidc::{Challenge, ClaimsRequest, Platform, Scopes, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Authentications, SignInProtocol};

/// What a person authorized: kept with the code, then with the family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The application.
    pub client: AppId,
    /// What kind of client it is, by its redirect URI.
    pub platform: Platform,
    /// The endpoints it used.
    pub version: Version,
    /// The person.
    pub user: ObjectId,
    /// The session.
    pub session: SessionId,
    /// When the person authenticated.
    pub auth_time: Timestamp,
    /// How, each method with its instant.
    #[serde(default)]
    pub used: Authentications,
    /// From where and how they came.
    #[serde(default)]
    pub arrival: Arrival,
    /// What was asked.
    pub scopes: Scopes,
    /// The redirect URI of the request, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// What was asked of the authentication, and met.
    #[serde(default)]
    pub claims: ClaimsRequest,
    /// To be repeated in the id token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// PKCE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// The grant that it descends from, where the application got it by a token that it was called with (on behalf of).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Uuid>,
}

impl Authorization {
    /// What kind of client redeems it: who was called with a token of a person is a server, however the person came.
    pub fn client_platform(&self) -> Platform {
        match self.root {
            Some(_) => Platform::Web,
            None => self.platform,
        }
    }
}

/// From where and how a person came to authorize something: what policies ask about, and what a later exchange of a code
/// or refresh token by a server does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The address of the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The `User-Agent` of the browser, cut off where no program's is as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// By the code of a device.
    #[serde(default)]
    pub is_by_device_code: bool,
    /// By a password that an application was given.
    #[serde(default)]
    pub is_by_password: bool,
    /// On the request of an application that named the person (CIBA).
    #[serde(default)]
    pub is_by_backchannel: bool,
}

/// Longest `User-Agent` that is kept.
const MAX_USER_AGENT: usize = 512;

impl Arrival {
    /// As the log of sign-ins names it.
    pub const fn protocol(&self) -> SignInProtocol {
        if self.is_by_password {
            SignInProtocol::Ropc
        } else if self.is_by_backchannel {
            SignInProtocol::Ciba
        } else {
            SignInProtocol::None
        }
    }

    /// Of a browser.
    pub fn of_browser(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self {
            address,
            user_agent: user_agent.map(|text| text.chars().take(MAX_USER_AGENT).collect()),
            is_by_device_code: false,
            is_by_password: false,
            is_by_backchannel: false,
        }
    }

    /// The same where something else waits for the tokens: what named the person, or a device that shows a code.
    #[must_use]
    pub fn waited_for(self, is_named: bool) -> Self {
        Self {
            is_by_device_code: !is_named,
            is_by_backchannel: is_named,
            ..self
        }
    }

    /// Whether the tokens go elsewhere than where the person signed in, which is what policies judge as the flow of device
    /// codes.
    pub const fn goes_elsewhere(&self) -> bool {
        self.is_by_device_code || self.is_by_backchannel
    }
}

/// What a device asked, kept until a person answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceAsk {
    /// Where it asked.
    pub place: Place,
    /// The tenant of that place, or that of the application.
    pub tenant: TenantId,
    /// The endpoints it used.
    pub version: Version,
    /// What kind of client it is.
    pub platform: Platform,
    /// What was asked.
    pub scopes: Scopes,
    /// The address that it asked from, which the person is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Whom it waits for, where the client named somebody (CIBA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel: Option<Backchannel>,
}

/// A person whom a client named, and what they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backchannel {
    /// The person.
    pub user: ObjectId,
    /// What they sign in with.
    pub user_principal_name: String,
    /// What both screens show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// What is asked of the authentication.
    #[serde(default)]
    pub claims: ClaimsRequest,
}

/// What the first segment of a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// One tenant, which exists.
    Tenant(TenantId),
    /// Any tenant.
    Organizations,
    /// Any account; the same here, where there are no personal accounts.
    Common,
}

impl Place {
    /// The segment itself.
    pub fn segment(self) -> String {
        match self {
            Self::Tenant(tenant) => tenant.to_string(),
            Self::Organizations => "organizations".to_owned(),
            Self::Common => "common".to_owned(),
        }
    }

    /// The tenant, when it is one.
    pub fn tenant(self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Organizations | Self::Common => None,
        }
    }
}

const RH_PREFIX: &str = "1.A";

/// The claim by which a token is revalidated: names the grant of a person's; the rest is random.
pub fn rh_of(grant: Option<Uuid>, random: &dyn Random) -> String {
    let mut bytes: [u8; 33] = random_array(random);
    if let Some(grant) = grant {
        bytes[..16].copy_from_slice(grant.as_bytes());
    }
    format!("{RH_PREFIX}{}", base64url::encode(bytes))
}

/// The grant that an `rh` of ours names.
pub fn grant_of(rh: &str) -> Option<Uuid> {
    let bytes = base64url::decode(rh.strip_prefix(RH_PREFIX)?).ok()?;
    Uuid::from_slice(bytes.get(..16)?).ok()
}
