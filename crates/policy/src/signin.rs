//! What is known of a sign-in when policies are evaluated.

use std::collections::{BTreeMap, BTreeSet};

use hygie_core::{AppId, GroupId, ObjectId, TenantId, Timestamp};

use crate::location::Whereabouts;
use crate::policy::{
    ClientAppType, ContextId, DevicePlatform, GuestType, InsiderRiskLevel, RiskLevel, TransferMethod, UserAction,
};
use crate::strength::{Mode, Usage};
use crate::{AgreementId, RoleTemplateId};

/// A sign-in, or any other issuance of a token to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who.
    pub identity: Identity,
    /// To what.
    pub target: Target,
    /// Around it.
    pub conditions: SignInConditions,
    /// What has been done, and could be.
    pub session: Session,
    /// When it is looked at.
    pub now: Timestamp,
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A person.
    User(User),
    /// A workload.
    Workload(Workload),
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Which.
    pub id: ObjectId,
    /// Groups, those around groups included.
    pub groups: BTreeSet<GroupId>,
    /// Active roles over the whole tenant, by their templates.
    pub roles: BTreeSet<RoleTemplateId>,
    /// Where the person is not of the house.
    pub guest: Option<Guest>,
}

/// A person who is not of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest {
    /// In which way.
    pub kind: GuestType,
    /// Of which tenant, where it is one.
    pub home: Option<TenantId>,
}

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its service principal.
    pub id: ObjectId,
    /// Policies are for those of one tenant alone.
    pub ownership: Ownership,
}

/// Whose a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// An application of this tenant and no other.
    SingleTenant,
    /// An application of others, or for others too.
    MultiTenant,
    /// A managed identity.
    Managed,
}

/// To what a sign-in leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Resources, with the contexts that they ask for.
    Resources {
        /// The applications; for a mere sign-in the client.
        applications: Vec<Application>,
        /// What was asked for by `acrs`.
        contexts: BTreeSet<ContextId>,
    },
    /// An action of the person on its own account.
    Action(UserAction),
}

/// An application as a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its client id.
    pub id: AppId,
    /// The suite that it belongs to.
    pub suite: Option<Suite>,
}

/// Applications that policies name together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `Office365`
    Office365,
    /// `MicrosoftAdminPortals`
    MicrosoftAdminPortals,
}

/// What is known around a sign-in; unset is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInConditions {
    /// From where.
    pub whereabouts: Whereabouts,
    /// On which platform, as the program says.
    pub platform: Option<DevicePlatform>,
    /// By which kind of program.
    pub client_app: Option<ClientAppType>,
    /// On which device, where it is registered.
    pub device: Option<Device>,
    /// The program, where it is managed.
    pub program: Program,
    /// Risk of this sign-in.
    pub sign_in_risk: Option<RiskLevel>,
    /// Risk of the person.
    pub user_risk: Option<RiskLevel>,
    /// Risk of the workload.
    pub service_principal_risk: Option<RiskLevel>,
    /// Risk by the person.
    pub insider_risk: Option<InsiderRiskLevel>,
    /// How it was handed over.
    pub transfer: Option<TransferMethod>,
}

/// A registered device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Whether it obeys its own policies.
    pub is_compliant: bool,
    /// Whether it is joined to the establishment's domain as well.
    pub is_domain_joined: bool,
    /// What rules ask about it, by the name after `device.`: `displayName`, `trustType`, …
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A managed program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// It is on the list of approved ones.
    pub is_approved: bool,
    /// A protection policy acts in it.
    pub is_protected: bool,
}

/// A method that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The method.
    pub usage: Usage,
    /// When.
    pub at: Timestamp,
}

/// What a person has done, and could do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Methods that were used, each as often as it was.
    pub used: Vec<Used>,
    /// When a first factor was given last; a method that is several factors is one.
    pub primary_at: Option<Timestamp>,
    /// When a second factor was given last; a method that is several factors is one too.
    pub secondary_at: Option<Timestamp>,
    /// Methods that the person has registered and may use.
    pub registered: Vec<Usage>,
    /// Methods that the person may register now.
    pub registrable: BTreeSet<Mode>,
    /// Terms that are accepted and have not ended.
    pub accepted: BTreeSet<AgreementId>,
    /// The password was changed in this session.
    pub has_changed_password: bool,
    /// Its risk was remedied in this session.
    pub has_remediated_risk: bool,
}
