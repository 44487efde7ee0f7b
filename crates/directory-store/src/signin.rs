//! The log of sign-ins: one entry for each answer to a person, with what every policy did and why.
//! <https://learn.microsoft.com/graph/api/resources/signin>

use std::net::IpAddr;

use hygie_core::{AppId, ObjectId, SessionId, TenantId, Timestamp};
use hygie_policy::decide::{Applied, Status};
use hygie_policy::location::Whereabouts;
use hygie_policy::policy::RiskLevel;
use hygie_policy::risk::RiskState;
use hygie_policy::signin::Used;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Authentications;
use crate::browser::{browser, operating_system};
use crate::logs::{Log, LogEntry, mark};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEntry {
    /// Its id; younger ones have greater ones.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The request as the client names it.
    pub correlation: Uuid,
    /// The person.
    pub user: ObjectId,
    /// What the person is called when signing in.
    pub user_principal_name: String,
    /// Name for display.
    pub user_display_name: String,
    /// The application.
    pub app: AppId,
    /// Its name.
    pub app_display_name: String,
    /// What policies were asked about: resources, and the application itself where it signs in to itself.
    pub targets: Vec<AppId>,
    /// The authentication contexts that were asked for.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// The resource of the token, where there is one.
    pub resource: Option<(AppId, String)>,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which browser.
    pub user_agent: Option<String>,
    /// The kind of program, as Graph's log names it.
    pub client_app: String,
    /// By the code of a device.
    pub is_by_device_code: bool,
    /// By what else than a page.
    #[serde(default)]
    pub protocol: SignInProtocol,
    /// Whether the person was there.
    pub is_interactive: bool,
    /// The session.
    pub session: Option<SessionId>,
    /// What the person had proved.
    pub used: Authentications,
    /// The number of the error; 0 for success.
    pub error_code: u32,
    /// Its words.
    pub failure_reason: Option<String>,
    /// What all policies did together.
    pub status: String,
    /// What each did.
    pub applied: Vec<AppliedPolicy>,
    /// Whether the account is an emergency account ([`Directory::is_emergency_account`]).
    #[serde(default)]
    pub is_emergency: bool,
    /// What else was known of it.
    #[serde(default)]
    pub signals: Signals,
    /// What is told of a certificate that was refused, by names; of one that counted, `used` tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_certificate: Vec<(String, String)>,
}

/// What is known of a sign-in beside what its request says; older entries have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// The country of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The city of the address, its region, and where it lies, in ten-thousandths of degrees north and east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Latitude and longitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<[i32; 2]>,
    /// The tenant that was signed in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The tenant that who signs in is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<TenantId>,
    /// Risk of the sign-in, where there is some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in_risk: Option<String>,
    /// What was seen of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risk_events: Vec<String>,
    /// Risk of the person: the level, how it stands, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_risk: Option<(String, String, String)>,
}

/// By what else than a page somebody came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignInProtocol {
    /// Nothing else.
    #[default]
    None,
    /// By a password that an application was given.
    Ropc,
    /// On the request of an application that named them.
    Ciba,
}

/// What a policy did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPolicy {
    /// Its id; none for what the application asked for by itself.
    pub id: Option<String>,
    /// Its name.
    pub display_name: String,
    /// What it did.
    pub result: String,
    /// Its grant controls, where it applied.
    pub grant_controls: Vec<String>,
    /// Its session controls, where it applied.
    pub session_controls: Vec<String>,
    /// What kept it away (`conditionalAccessWhatIfReasons` of Graph).
    pub unmet: Vec<String>,
}

impl From<&Applied> for AppliedPolicy {
    fn from(applied: &Applied) -> Self {
        Self {
            id: applied.policy.map(|id| id.to_string()),
            display_name: applied.display_name.clone(),
            result: applied.result.as_str().to_owned(),
            grant_controls: applied.grant_controls.clone(),
            session_controls: applied.session_controls.clone(),
            unmet: applied.unmet.iter().map(|reason| reason.as_str().to_owned()).collect(),
        }
    }
}

impl SignInEntry {
    /// Says what policies did.
    #[must_use]
    pub fn judged(mut self, status: Status, applied: &[Applied]) -> Self {
        status.as_str().clone_into(&mut self.status);
        self.applied = applied.iter().map(AppliedPolicy::from).collect();
        self
    }
}

impl SignInEntry {
    /// As Graph calls how the person came (`authenticationProtocol`).
    const fn protocol(&self) -> &'static str {
        match self.protocol {
            _ if self.is_by_device_code => "deviceCode",
            SignInProtocol::Ropc => "ropc",
            SignInProtocol::Ciba => "ciba",
            SignInProtocol::None => "none",
        }
    }

    /// What is told of the certificate.
    fn processing(&self) -> &[(String, String)] {
        if self.refused_certificate.is_empty() {
            self.used.told()
        } else {
            &self.refused_certificate
        }
    }

    /// The risk of the sign-in and of the person, as they were known then.
    pub fn risks(&self) -> (RiskLevel, RiskLevel) {
        let level = |text: Option<&String>| {
            let found = text.and_then(|text| RiskLevel::parse(text));
            found.unwrap_or(RiskLevel::None)
        };
        let signals = &self.signals;
        (
            level(signals.sign_in_risk.as_ref()),
            level(signals.user_risk.as_ref().map(|(level, ..)| level)),
        )
    }

    /// Where it came from, as it was known then.
    pub fn whereabouts(&self) -> Whereabouts {
        Whereabouts {
            address: self.address,
            country: self.signals.country.as_deref().and_then(|country| country.parse().ok()),
            gps_country: None,
        }
    }
}

impl LogEntry for SignInEntry {
    const LOG: Log = Log::SignIns;

    fn id(&self) -> Uuid {
        self.id
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn marks(&self) -> Vec<String> {
        let mut marks = vec![
            mark("userId", &self.user.to_string()),
            mark("userPrincipalName", &self.user_principal_name),
            mark("appId", &self.app.to_string()),
            mark("correlationId", &self.correlation.to_string()),
        ];
        marks.extend(
            self.resource
                .as_ref()
                .map(|(app, _)| mark("resourceId", &app.to_string())),
        );
        marks.extend(self.address.map(|address| mark("ipAddress", &address.to_string())));
        // What nearly all have is no way to find a few.
        if self.error_code != 0 {
            marks.push(mark("status/errorCode", &self.error_code.to_string()));
        }
        if self.status == Status::Failure.as_str() {
            marks.push(mark("conditionalAccessStatus", &self.status));
        }
        marks
    }

    fn category(&self) -> &'static str {
        if self.is_interactive {
            "SignInLogs"
        } else {
            "NonInteractiveUserSignInLogs"
        }
    }

    fn operation(&self) -> &'static str {
        "Sign-in activity"
    }

    fn shown(&self) -> Map<String, Value> {
        let resource = self.resource.as_ref();
        let signals = &self.signals;
        let user_risk = signals.user_risk.as_ref();
        let degrees = |at: usize| {
            let kept = signals.coordinates.and_then(|both| both.get(at).copied());
            kept.map(|kept| f64::from(kept) / 10_000.0)
        };
        let of = |read: fn(&str) -> String| self.user_agent.as_deref().map(read).unwrap_or_default();
        let members = json!({
            "id": self.id.to_string(),
            "createdDateTime": self.at.to_rfc3339(),
            "signInEventTypes": [if self.is_interactive { "interactiveUser" } else { "nonInteractiveUser" }],
            "userDisplayName": self.user_display_name,
            "userPrincipalName": self.user_principal_name,
            "userId": self.user.to_string(),
            "appId": self.app.to_string(),
            "appDisplayName": self.app_display_name,
            // As Graph gives them of people.
            "servicePrincipalId": "",
            "servicePrincipalName": null,
            "ipAddress": self.address.map(|address| address.to_string()),
            "clientAppUsed": self.client_app,
            "authenticationProtocol": self.protocol(),
            "userAgent": self.user_agent,
            "correlationId": self.correlation.to_string(),
            "conditionalAccessStatus": self.status,
            "isInteractive": self.is_interactive,
            "riskDetail": user_risk.map_or("none", |(_, _, detail)| detail),
            "riskLevelAggregated": user_risk.map_or("none", |(level, ..)| level),
            "riskLevelDuringSignIn": signals.sign_in_risk.as_deref().unwrap_or("none"),
            "riskState": match (&signals.sign_in_risk, user_risk) {
                (_, Some((_, state, _))) => state.as_str(),
                (Some(_), None) => RiskState::AtRisk.as_str(),
                (None, None) => RiskState::None.as_str(),
            },
            "riskEventTypes": signals.risk_events,
            "riskEventTypes_v2": signals.risk_events,
            "resourceDisplayName": resource.map(|(_, name)| name.clone()),
            "resourceId": resource.map(|(app, _)| app.to_string()),
            "resourceTenantId": signals.tenant.map(|tenant| tenant.to_string()),
            "homeTenantId": signals.home.map(|tenant| tenant.to_string()),
            "status": { "errorCode": self.error_code, "failureReason": self.failure_reason,
                        "additionalDetails": null },
            "deviceDetail": { "deviceId": "", "displayName": "", "browser": of(browser), "isCompliant": false, "isManaged": false,
                              "trustType": "", "operatingSystem": of(operating_system) },
            "location": { "city": signals.city, "state": signals.state, "countryOrRegion": signals.country,
                          "geoCoordinates": { "altitude": null, "latitude": degrees(0), "longitude": degrees(1) } },
            "authenticationDetails": self.used.used().iter().map(step).collect::<Vec<_>>(),
            "authenticationProcessingDetails": self.processing().iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>(),
            "appliedConditionalAccessPolicies": self.applied.iter().map(AppliedPolicy::shown).collect::<Vec<_>>(),
        });
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// What was proved, and when; with the member names of Graph beta, in the words of authentication strengths.
fn step(used: &Used) -> Value {
    json!({
        "authenticationStepDateTime": used.at.to_rfc3339(),
        "authenticationMethod": used.usage.mode.as_str(),
        "succeeded": true,
    })
}

impl AppliedPolicy {
    /// As Graph's log shows it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "displayName": self.display_name,
            "enforcedGrantControls": self.grant_controls,
            "enforcedSessionControls": self.session_controls,
            "result": self.result,
            "analysisReasons": self.unmet.join(","),
        })
    }
}
