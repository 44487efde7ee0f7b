//! Which policies would apply to a sign-in that has not happened: the action `evaluate`.
//! <https://learn.microsoft.com/graph/api/conditionalaccessroot-evaluate>

use hygie_core::{AppId, ObjectId, TenantId, Timestamp};
use serde_json::Value;

use crate::applies::{Reasons, reasons};
use crate::decide::Rules;
use crate::filter::Property;
use crate::json::{At, Member, Members, ReadError, Wrong, read, record, vocabulary};
use crate::location::{Country, Whereabouts, locate};
use crate::policy::{
    ClientAppType, ContextId, DevicePlatform, GuestType, InsiderRiskLevel, Policy, RiskLevel, TransferMethod,
    UserAction,
};
use crate::signin::{Application, Device, Identity, Session, SignIn, SignInConditions, Suite, Target};

/// Applications of one question.
const MAX_APPLICATIONS: usize = 100;

vocabulary! {
    /// What a person does, as this action spells it.
    Action {
        RegisterSecurityInformation = "registerSecurityInformation",
        RegisterOrJoinDevices = "registerOrJoinDevices",
    }
}

record! {
    /// The question.
    Request {
        /// Who would sign in.
        identity: Who = "signInIdentity",
        /// To what.
        context: Context = "signInContext",
        /// Around it.
        conditions: Option<Around> = "signInConditions",
        /// Whether policies that would not apply are left out.
        applied_only: Option<bool> = "appliedPoliciesOnly",
    }
    /// What is supposed of the sign-in; unset is not known.
    Around {
        /// On which platform.
        platform: Option<DevicePlatform> = "devicePlatform",
        /// By which kind of program.
        client_app: Option<ClientAppType> = "clientAppType",
        /// From which country.
        country: Option<Country> = "country",
        /// From which address.
        address: Option<Address> = "ipAddress",
        /// Risk of the sign-in.
        sign_in_risk: Option<RiskLevel> = "signInRiskLevel",
        /// Risk of the person.
        user_risk: Option<RiskLevel> = "userRiskLevel",
        /// Risk of the workload.
        service_principal_risk: Option<RiskLevel> = "servicePrincipalRiskLevel",
        /// Risk by the person.
        insider_risk: Supposed<InsiderRiskLevel> = "insiderRiskLevel",
        /// How it was handed over.
        flow: Option<Flow> = "authenticationFlow",
        /// On which device.
        device: Option<DeviceInformation> = "deviceInfo",
    }
    /// How a sign-in was handed over.
    Flow {
        /// By which method.
        transfer: Supposed<TransferMethod> = "transferMethod",
    }
}

/// A value, or `none`, which Graph takes for its absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supposed<T>(pub Option<T>);

impl<T: Member> Member for Supposed<T> {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let found = found.filter(|value| *value != "none");
        Option::read(found, at).map(Self)
    }

    fn write(&self) -> Value {
        self.0.write()
    }
}

/// Who would sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person.
    User {
        /// Which.
        id: ObjectId,
        /// Of which tenant, of a guest.
        tenant: Option<TenantId>,
        /// In which way a guest.
        kind: Option<GuestType>,
    },
    /// A workload.
    ServicePrincipal(ObjectId),
}

/// To what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Applications.
    Applications(Vec<AppId>),
    /// An action of the person.
    Action(Action),
    /// An authentication context.
    Authentication(ContextId),
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub std::net::IpAddr);

/// What is supposed of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInformation(pub Device);

/// The error where an object states a type that is none of its kinds.
fn unknown_type(members: &Members<'_>, at: &At<'_>) -> ReadError {
    At::Member(at, "@odata.type").refuse(members.odata_type().map_or(Wrong::Missing, Wrong::unknown))
}

impl Member for Who {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let known = ["userId", "externalTenantId", "externalUserType", "servicePrincipalId"];
        let members = Members::of(found, at, &known)?;
        match members.odata_type() {
            Some("userSignIn") => Ok(Self::User {
                id: members.read("userId")?,
                tenant: members.read("externalTenantId")?,
                kind: members.read("externalUserType")?,
            }),
            Some("servicePrincipalSignIn") => members.read("servicePrincipalId").map(Self::ServicePrincipal),
            _ => Err(unknown_type(&members, at)),
        }
    }

    fn write(&self) -> Value {
        match self {
            Self::User { id, tenant, kind } => serde_json::json!({ "@odata.type": "#microsoft.graph.userSignIn",
                "userId": id.write(), "externalTenantId": tenant.write(), "externalUserType": kind.write() }),
            Self::ServicePrincipal(id) => serde_json::json!({
                "@odata.type": "#microsoft.graph.servicePrincipalSignIn", "servicePrincipalId": id.write() }),
        }
    }
}

impl Member for Context {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let known = ["includeApplications", "userAction", "authenticationContextValue"];
        let members = Members::of(found, at, &known)?;
        match members.odata_type() {
            Some("applicationContext") => {
                let applications: Vec<AppId> = members.read("includeApplications")?;
                let is_question = (1..=MAX_APPLICATIONS).contains(&applications.len());
                let place = At::Member(at, "includeApplications");
                is_question
                    .then_some(Self::Applications(applications))
                    .ok_or_else(|| place.refuse(Wrong::NotA("a list of 1 to 100 applications")))
            }
            Some("userActionContext") => members.read("userAction").map(Self::Action),
            Some("authContext") => members.read("authenticationContextValue").map(Self::Authentication),
            _ => Err(unknown_type(&members, at)),
        }
    }

    fn write(&self) -> Value {
        match self {
            Self::Applications(list) => serde_json::json!({
                "@odata.type": "#microsoft.graph.applicationContext", "includeApplications": list.write() }),
            Self::Action(action) => serde_json::json!({
                "@odata.type": "#microsoft.graph.userActionContext", "userAction": action.write() }),
            Self::Authentication(context) => serde_json::json!({
                "@odata.type": "#microsoft.graph.authContext", "authenticationContextValue": context.write() }),
        }
    }
}

impl Member for Address {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let text = String::read(found, at)?;
        text.parse().map(Self).map_err(|_| at.refuse(Wrong::NotA("an address")))
    }

    fn write(&self) -> Value {
        self.0.to_string().into()
    }
}

/// Several values in Graph, one in the others.
const LISTS: [Property; 2] = [Property::PhysicalIds, Property::SystemLabels];

/// The name of a property in `deviceInfo`.
fn device_member(property: Property) -> &'static str {
    match property {
        Property::DeviceOwnership => "ownership",
        other => other.as_str(),
    }
}

impl Member for DeviceInformation {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let known: Vec<&str> = Property::ALL.iter().map(|property| device_member(*property)).collect();
        let members = Members::of(found, at, &known)?;
        let is_compliant: Option<bool> = members.read("isCompliant")?;
        let mut device = Device {
            is_compliant: is_compliant.unwrap_or(false),
            ..Device::default()
        };
        for property in Property::ALL
            .iter()
            .filter(|property| **property != Property::IsCompliant)
        {
            let name = device_member(*property);
            let values = if LISTS.contains(property) {
                members.read::<Vec<String>>(name)?
            } else {
                members.read::<Option<String>>(name)?.into_iter().collect()
            };
            if !values.is_empty() {
                device.attributes.insert(property.as_str().to_owned(), values);
            }
        }
        let trust = device.attributes.get(Property::TrustType.as_str());
        device.is_domain_joined = trust.is_some_and(|values| values.iter().any(|value| value == "ServerAD"));
        Ok(Self(device))
    }

    fn write(&self) -> Value {
        let value = |property: &Property| match self.0.attributes.get(property.as_str()) {
            _ if *property == Property::IsCompliant => self.0.is_compliant.write(),
            Some(values) if LISTS.contains(property) => values.write(),
            None if LISTS.contains(property) => Vec::<String>::new().write(),
            found => found.and_then(|values| values.first()).cloned().write(),
        };
        Property::ALL
            .iter()
            .map(|property| (device_member(*property).to_owned(), value(property)))
            .collect()
    }
}

impl Request {
    /// Reads it as a client posts it: strictly.
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        read(document)
    }

    /// The sign-in that it supposes, of whom the caller has found for [`Request::identity`].
    pub fn sign_in(&self, identity: Identity, suite: &dyn Fn(AppId) -> Option<Suite>, now: Timestamp) -> SignIn {
        let target = match &self.context {
            Context::Applications(list) => Target::Resources {
                applications: list
                    .iter()
                    .map(|id| Application {
                        id: *id,
                        suite: suite(*id),
                    })
                    .collect(),
                contexts: [].into(),
            },
            Context::Authentication(context) => Target::Resources {
                applications: Vec::new(),
                contexts: [*context].into(),
            },
            Context::Action(Action::RegisterSecurityInformation) => Target::Action(UserAction::RegisterSecurityInfo),
            Context::Action(Action::RegisterOrJoinDevices) => Target::Action(UserAction::RegisterDevice),
        };
        let conditions = self.conditions.as_ref().map(Around::conditions).unwrap_or_default();
        SignIn {
            identity,
            target,
            conditions,
            session: Session::default(),
            now,
        }
    }
}

impl Around {
    fn conditions(&self) -> SignInConditions {
        SignInConditions {
            whereabouts: Whereabouts {
                address: self.address.map(|address| address.0),
                country: self.country,
                gps_country: None,
            },
            // `all` is what these are when nothing is said.
            platform: self.platform.filter(|platform| *platform != DevicePlatform::All),
            client_app: self.client_app.filter(|client_app| *client_app != ClientAppType::All),
            device: self.device.as_ref().map(|device| device.0.clone()),
            sign_in_risk: self.sign_in_risk,
            user_risk: self.user_risk,
            service_principal_risk: self.service_principal_risk,
            insider_risk: self.insider_risk.0,
            transfer: self.flow.as_ref().and_then(|flow| flow.transfer.0),
            ..SignInConditions::default()
        }
    }
}

/// What is said of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Which.
    pub policy: &'a Policy,
    /// What keeps it away; it would apply where nothing does.
    pub reasons: Reasons,
}

impl Answer<'_> {
    /// whatIfAnalysisResult: the policy and two members more.
    pub fn to_json(&self) -> Value {
        let mut document = self.policy.to_json();
        let words: Vec<&str> = self.reasons.iter().map(|reason| reason.as_str()).collect();
        let reasons = if words.is_empty() {
            "notSet".to_owned()
        } else {
            words.join(",")
        };
        document["policyApplies"] = self.reasons.is_empty().into();
        document["analysisReasons"] = reasons.into();
        document
    }
}

/// Answers for every policy, in their order.
pub fn answers<'a>(rules: &Rules<'a>, sign_in: &SignIn) -> Vec<Answer<'a>> {
    let located = locate(&sign_in.conditions.whereabouts, rules.locations);
    let answer = |policy| Answer {
        policy,
        reasons: reasons(policy, sign_in, &located),
    };
    rules.policies.iter().map(answer).collect()
}

/// The items of the response: every policy, or those that would apply where no others were asked for.
pub fn respond(request: &Request, rules: &Rules<'_>, sign_in: &SignIn) -> Vec<Value> {
    let is_applied_only = request.applied_only == Some(true);
    let found = answers(rules, sign_in).into_iter();
    found
        .filter(|answer| !is_applied_only || answer.reasons.is_empty())
        .map(|answer| answer.to_json())
        .collect()
}
