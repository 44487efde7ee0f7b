//! A conditional access policy as Graph v1.0 has it.
//! <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>

use std::fmt;
use std::str::FromStr;

use hygie_core::{AppId, GroupId, ObjectId, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::id::guid;
use crate::json::{At, Flags, Member, Members, ReadError, Wrong, record, texts, vocabulary};
use crate::strength::StrengthReference;
use crate::{AgreementId, LocationId, NotAGuid, PolicyId, RoleTemplateId, TemplateId};

/// A tenant has at most so many policies, drafts and report-only ones included.
pub const MAX_POLICIES: usize = 195;

vocabulary! {
    /// Whether a policy acts.
    State {
        /// It is enforced.
        Enabled = "enabled",
        /// It is not looked at.
        Disabled = "disabled",
        /// Its result is recorded, and nobody notices.
        ReportOnly = "enabledForReportingButNotEnforced",
    }
    /// Something a person does that is no application.
    UserAction {
        /// Registering an authentication method.
        RegisterSecurityInfo = "urn:user:registersecurityinfo",
        /// Registering or joining a device.
        RegisterDevice = "urn:user:registerdevice",
    }
    /// The kind of program that asks.
    ClientAppType {
        /// Any.
        All = "all",
        Browser = "browser",
        /// Installed programs with modern authentication.
        MobileAppsAndDesktopClients = "mobileAppsAndDesktopClients",
        /// Legacy authentication of mail programs.
        ExchangeActiveSync = "exchangeActiveSync",
        /// The part of it that can show a page of quarantine.
        EasSupported = "easSupported",
        /// Other legacy authentication.
        Other = "other",
    }
    /// A platform of devices.
    DevicePlatform {
        Android = "android",
        Ios = "iOS",
        Windows = "windows",
        WindowsPhone = "windowsPhone",
        MacOs = "macOS",
        Linux = "linux",
        /// Any, unknown ones included.
        All = "all",
    }
    /// How likely it is that somebody else acts.
    RiskLevel {
        Low = "low",
        Medium = "medium",
        High = "high",
        /// Not shown for want of a licence.
        Hidden = "hidden",
        None = "none",
    }
    /// How likely it is that a person of the house does harm.
    InsiderRiskLevel { Minor = "minor", Moderate = "moderate", Elevated = "elevated", }
    /// How a sign-in was handed from one device to another.
    TransferMethod { DeviceCodeFlow = "deviceCodeFlow", AuthenticationTransfer = "authenticationTransfer", }
    /// The kinds of guest and other outsiders.
    GuestType {
        InternalGuest = "internalGuest",
        B2bCollaborationGuest = "b2bCollaborationGuest",
        B2bCollaborationMember = "b2bCollaborationMember",
        B2bDirectConnectUser = "b2bDirectConnectUser",
        OtherExternalUser = "otherExternalUser",
        ServiceProvider = "serviceProvider",
    }
    /// Whether a filter names what is in or what is out.
    FilterMode { Include = "include", Exclude = "exclude", }
    /// Whether all controls are needed or one.
    Operator { And = "AND", Or = "OR", }
    /// What a policy asks for.
    BuiltInControl {
        /// Nobody passes.
        Block = "block",
        Mfa = "mfa",
        CompliantDevice = "compliantDevice",
        /// Joined to the establishment's own domain as well.
        DomainJoinedDevice = "domainJoinedDevice",
        ApprovedApplication = "approvedApplication",
        /// An application under a protection policy.
        CompliantApplication = "compliantApplication",
        PasswordChange = "passwordChange",
        RiskRemediation = "riskRemediation",
    }
    /// What a broker of cloud applications does.
    CloudAppSecurityType {
        McasConfigured = "mcasConfigured",
        MonitorOnly = "monitorOnly",
        BlockDownloads = "blockDownloads",
    }
    /// Whether a session outlives the browser.
    PersistentBrowserMode { Always = "always", Never = "never", }
    /// The unit of a sign-in frequency.
    FrequencyType { Days = "days", Hours = "hours", }
    /// Whether a sign-in frequency is a time.
    FrequencyInterval { TimeBased = "timeBased", EveryTime = "everyTime", }
    /// Which factors must be fresh.
    AuthenticationType {
        PrimaryAndSecondary = "primaryAndSecondaryAuthentication",
        /// The second factor alone.
        Secondary = "secondaryAuthentication",
    }
}

/// Lists whose items are words or ids.
macro_rules! targets {
    ($($(#[$doc:meta])* $name:ident { $($(#[$keyword_doc:meta])* $keyword:ident = $text:literal,)* _ => $id:ident($type:ty), })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$keyword_doc])* #[doc = concat!("`", $text, "`")] $keyword,)*
            /// This one.
            $id($type),
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$keyword => f.write_str($text),)*
                    Self::$id(id) => id.fmt(f),
                }
            }
        }

        impl FromStr for $name {
            type Err = NotAGuid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$keyword),)*
                    _ => guid(text).map(<$type>::from_uuid).map(Self::$id),
                }
            }
        }
    )*};
}

targets! {
    /// Of whom a policy speaks.
    UserTarget {
        /// Everybody.
        All = "All",
        /// Nobody by name: a policy for groups or roles may say so.
        None = "None",
        /// Whoever is not of the house.
        GuestsOrExternalUsers = "GuestsOrExternalUsers",
        _ => User(ObjectId),
    }
    /// Of which application a policy speaks.
    AppTarget {
        /// Every one.
        All = "All",
        /// None.
        None = "None",
        /// The suite of this name.
        Office365 = "Office365",
        /// The portals of administration.
        MicrosoftAdminPortals = "MicrosoftAdminPortals",
        _ => App(AppId),
    }
    /// Of which place a policy speaks.
    LocationTarget {
        /// Anywhere, where an address is unknown too.
        All = "All",
        /// Every location that is marked as trusted.
        AllTrusted = "AllTrusted",
        _ => Location(LocationId),
    }
    /// Of which workload a policy speaks.
    ServicePrincipalTarget {
        /// Every one that is owned by the tenant.
        InMyTenant = "ServicePrincipalsInMyTenant",
        _ => ServicePrincipal(ObjectId),
    }
}

texts! {
    UserTarget: "a GUID, All, None or GuestsOrExternalUsers";
    AppTarget: "a GUID, All, None, Office365 or MicrosoftAdminPortals";
    LocationTarget: "a GUID, All or AllTrusted";
    ServicePrincipalTarget: "a GUID or ServicePrincipalsInMyTenant";
    ContextId: "one of c1 to c99";
}

/// An authentication context, `c1` to `c99`: what an application asks for at a step of its own (`acrs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(u8);

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// A text that names no authentication context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of c1 to c99")]
pub struct NotAContext;

impl FromStr for ContextId {
    type Err = NotAContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_prefix('c').and_then(|digits| digits.parse().ok());
        let context = number.filter(|number| (1..=99).contains(number)).map(Self);
        context.filter(|context| context.to_string() == text).ok_or(NotAContext)
    }
}

record! {
    /// conditionalAccessPolicy.
    Policy {
        /// Given by the service.
        id: Option<PolicyId> = "id",
        /// The template it was made from.
        template_id: Option<TemplateId> = "templateId",
        /// Its name.
        display_name: String = "displayName",
        /// What it is for.
        description: Option<String> = "description",
        /// Given by the service.
        created_at: Option<Timestamp> = "createdDateTime",
        /// Given by the service; unset until the first change.
        modified_at: Option<Timestamp> = "modifiedDateTime",
        /// Given by the service.
        deleted_at: Option<Timestamp> = "deletedDateTime",
        /// Whether it acts.
        state: State = "state",
        /// When it applies.
        conditions: Conditions = "conditions",
        /// What it asks for.
        grant_controls: Option<GrantControls> = "grantControls",
        /// What it does to the session.
        session_controls: Option<SessionControls> = "sessionControls",
    }
    /// When a policy applies: every condition that is set must hold.
    #[derive(Default)]
    Conditions {
        /// To what.
        applications: Option<Applications> = "applications",
        /// To whom.
        users: Option<Users> = "users",
        /// To which workloads; a policy is for people or for workloads.
        client_applications: Option<ClientApplications> = "clientApplications",
        /// By which kinds of program; none is all.
        client_app_types: Vec<ClientAppType> = "clientAppTypes",
        /// On which platforms.
        platforms: Option<Platforms> = "platforms",
        /// From where.
        locations: Option<Locations> = "locations",
        /// On which devices.
        devices: Option<Devices> = "devices",
        /// At which risks of the sign-in.
        sign_in_risk_levels: Vec<RiskLevel> = "signInRiskLevels",
        /// At which risks of the person.
        user_risk_levels: Vec<RiskLevel> = "userRiskLevels",
        /// At which risks of the workload.
        service_principal_risk_levels: Vec<RiskLevel> = "servicePrincipalRiskLevels",
        /// At which risks by the person.
        insider_risk_levels: Option<Flags<InsiderRiskLevel>> = "insiderRiskLevels",
        /// By which transfers between devices.
        authentication_flows: Option<AuthenticationFlows> = "authenticationFlows",
    }
    /// To what a policy applies: applications, or actions, or contexts.
    #[derive(Default)]
    Applications {
        /// Those that are in.
        include_applications: Vec<AppTarget> = "includeApplications",
        /// Those that are out all the same.
        exclude_applications: Vec<AppTarget> = "excludeApplications",
        /// By attributes of applications, which this directory does not have.
        application_filter: Option<Filter> = "applicationFilter",
        /// Actions, in the place of applications.
        include_user_actions: Vec<UserAction> = "includeUserActions",
        /// Contexts, in the place of applications.
        include_authentication_contexts: Vec<ContextId> = "includeAuthenticationContextClassReferences",
    }
    /// A rule over attributes.
    Filter {
        /// Whether it names what is in or out.
        mode: FilterMode = "mode",
        /// The rule.
        rule: String = "rule",
    }
    /// To whom a policy applies.
    #[derive(Default)]
    Users {
        /// People who are in.
        include_users: Vec<UserTarget> = "includeUsers",
        /// People who are out all the same.
        exclude_users: Vec<UserTarget> = "excludeUsers",
        /// Groups that are in, nested members included.
        include_groups: Vec<GroupId> = "includeGroups",
        /// Groups that are out.
        exclude_groups: Vec<GroupId> = "excludeGroups",
        /// Roles that are in.
        include_roles: Vec<RoleTemplateId> = "includeRoles",
        /// Roles that are out.
        exclude_roles: Vec<RoleTemplateId> = "excludeRoles",
        /// Outsiders who are in.
        include_guests: Option<Guests> = "includeGuestsOrExternalUsers",
        /// Outsiders who are out.
        exclude_guests: Option<Guests> = "excludeGuestsOrExternalUsers",
    }
    /// Some kinds of outsider.
    Guests {
        /// Which kinds.
        types: Flags<GuestType> = "guestOrExternalUserTypes",
        /// Of which tenants; unset is all.
        external_tenants: Option<ExternalTenants> = "externalTenants",
    }
    /// To which workloads a policy applies.
    #[derive(Default)]
    ClientApplications {
        /// Those that are in.
        include_service_principals: Vec<ServicePrincipalTarget> = "includeServicePrincipals",
        /// Those that are out all the same.
        exclude_service_principals: Vec<ServicePrincipalTarget> = "excludeServicePrincipals",
        /// By attributes of workloads, which this directory does not have.
        service_principal_filter: Option<Filter> = "servicePrincipalFilter",
    }
    /// On which platforms a policy applies.
    Platforms {
        /// Those that are in.
        include_platforms: Vec<DevicePlatform> = "includePlatforms",
        /// Those that are out all the same.
        exclude_platforms: Vec<DevicePlatform> = "excludePlatforms",
    }
    /// From where a policy applies.
    Locations {
        /// Places that are in.
        include_locations: Vec<LocationTarget> = "includeLocations",
        /// Places that are out all the same.
        exclude_locations: Vec<LocationTarget> = "excludeLocations",
    }
    /// On which devices a policy applies.
    Devices {
        /// By their attributes.
        device_filter: Option<Filter> = "deviceFilter",
    }
    /// By which transfers a policy applies.
    #[derive(Default)]
    AuthenticationFlows {
        /// Which of them.
        transfer_methods: Option<Flags<TransferMethod>> = "transferMethods",
    }
    /// What a policy asks for.
    #[derive(Default)]
    GrantControls {
        /// All of it, or one.
        operator: Option<Operator> = "operator",
        /// Controls with a name.
        built_in_controls: Vec<BuiltInControl> = "builtInControls",
        /// Controls of others, which are not offered here.
        custom_authentication_factors: Vec<String> = "customAuthenticationFactors",
        /// Terms of use to be accepted.
        terms_of_use: Vec<AgreementId> = "termsOfUse",
        /// Means of identification to be used.
        authentication_strength: Option<StrengthReference> = "authenticationStrength",
    }
    /// What a policy does to the session.
    #[derive(Default)]
    SessionControls {
        /// The application restricts by itself.
        application_enforced_restrictions: Option<Switch> = "applicationEnforcedRestrictions",
        /// A broker watches.
        cloud_app_security: Option<CloudAppSecurity> = "cloudAppSecurity",
        /// Whether the session outlives the browser.
        persistent_browser: Option<PersistentBrowser> = "persistentBrowser",
        /// How often one authenticates anew.
        sign_in_frequency: Option<SignInFrequency> = "signInFrequency",
        /// No session goes on when policies cannot be evaluated.
        disable_resilience_defaults: Option<bool> = "disableResilienceDefaults",
        /// Tokens are bound to the device.
        secure_sign_in_session: Option<Switch> = "secureSignInSession",
    }
    /// Something that is on or off.
    #[derive(Default)]
    Switch {
        /// On; unset is off.
        is_enabled: Option<bool> = "isEnabled",
    }
    /// A broker of cloud applications.
    CloudAppSecurity {
        /// On; unset is off.
        is_enabled: Option<bool> = "isEnabled",
        /// What it does.
        kind: Option<CloudAppSecurityType> = "cloudAppSecurityType",
    }
    /// Whether the session outlives the browser.
    PersistentBrowser {
        /// On; unset is off.
        is_enabled: Option<bool> = "isEnabled",
        /// Always or never.
        mode: Option<PersistentBrowserMode> = "mode",
    }
    /// How often one authenticates anew.
    #[derive(Default)]
    SignInFrequency {
        /// On; unset is off.
        is_enabled: Option<bool> = "isEnabled",
        /// How many units; none with `everyTime`.
        value: Option<u32> = "value",
        /// The unit; none with `everyTime`.
        unit: Option<FrequencyType> = "type",
        /// A time, or each time; unset is a time.
        interval: Option<FrequencyInterval> = "frequencyInterval",
        /// Which factors; unset is both.
        authentication_type: Option<AuthenticationType> = "authenticationType",
    }
    /// authenticationContextClassReference.
    AuthenticationContext {
        /// `c1` to `c99`.
        id: ContextId = "id",
        /// Its name.
        display_name: Option<String> = "displayName",
        /// What it is for.
        description: Option<String> = "description",
        /// Whether applications see it.
        is_available: Option<bool> = "isAvailable",
    }
}

/// Of which tenants outsiders come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalTenants {
    /// Of any.
    All,
    /// Of these.
    Enumerated(Vec<TenantId>),
}

impl Member for ExternalTenants {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let members = Members::of(found, at, &["membershipKind", "members"])?;
        match members.read::<String>("membershipKind")?.as_str() {
            "all" if members.find("members").is_some() => {
                Err(At::Member(at, "members").refuse(Wrong::NotA("absent where all tenants are meant")))
            }
            "all" => Ok(Self::All),
            "enumerated" => Ok(Self::Enumerated(members.read("members")?)),
            other => Err(At::Member(at, "membershipKind").refuse(Wrong::unknown(other))),
        }
    }

    fn write(&self) -> Value {
        match self {
            Self::All => json!({
                "@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all",
            }),
            Self::Enumerated(members) => json!({
                "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
                "membershipKind": "enumerated", "members": members.write(),
            }),
        }
    }
}

impl Policy {
    /// Reads it as Graph sends it, or as a client posts it: strictly.
    pub fn from_json(document: &Value) -> Result<Self, ReadError> {
        crate::json::read(document)
    }

    /// Writes all its members.
    pub fn to_json(&self) -> Value {
        self.write()
    }

    /// With a bare reference to its strength, as it is stored: what came along with it says nothing about the strength.
    #[must_use]
    pub fn referring(mut self) -> Self {
        let strength = self
            .grant_controls
            .as_mut()
            .and_then(|grants| grants.authentication_strength.as_mut());
        if let Some(reference) = strength {
            reference.whole = None;
        }
        self
    }
}
