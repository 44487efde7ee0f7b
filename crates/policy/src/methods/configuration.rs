//! authenticationMethodConfiguration of Graph v1.0, method by method.
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethodconfiguration>

use serde_json::Value;

use crate::Aaguid;
use crate::certificate::{State, Target, TargetId, TargetType, X509Certificate};
use crate::json::{At, Flags, Member, ReadError, Wrong, record, vocabulary};

vocabulary! {
    /// A method by the id of its configuration.
    Method {
        Fido2 = "Fido2",
        MicrosoftAuthenticator = "MicrosoftAuthenticator",
        Sms = "Sms",
        TemporaryAccessPass = "TemporaryAccessPass",
        SoftwareOath = "SoftwareOath",
        Voice = "Voice",
        Email = "Email",
        X509Certificate = "X509Certificate",
    }
    /// Whether the listed models are the only ones, or never.
    EnforcementType { Allow = "allow", Block = "block", }
    /// When the origin of a passkey must be proved.
    AttestationEnforcement { Disabled = "disabled", RegistrationOnly = "registrationOnly", }
    /// Whether a passkey stays in one device.
    PasskeyType { DeviceBound = "deviceBound", Synced = "synced", }
    /// Whether something acts, or is as its maker has it.
    AdvancedState { Default = "default", Enabled = "enabled", Disabled = "disabled", }
    /// What a target may do in the application of Microsoft.
    AuthenticatorMode { DeviceBasedPush = "deviceBasedPush", Push = "push", Any = "any", }
}

record! {
    /// fido2AuthenticationMethodConfiguration.
    Fido2 {
        /// `Fido2`.
        id: Option<String> = "id",
        /// Whether passkeys are a method.
        state: State = "state",
        /// For whom.
        include_targets: Vec<PasskeyTarget> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// Whether a passkey must prove its origin when it is registered.
        is_attestation_enforced: Option<bool> = "isAttestationEnforced",
        /// Whether people register their own.
        is_self_service_allowed: Option<bool> = "isSelfServiceRegistrationAllowed",
        /// Which models.
        key_restrictions: Option<KeyRestrictions> = "keyRestrictions",
        /// The profile of whom no target gives another one.
        default_profile: Option<String> = "defaultPasskeyProfile",
        /// Sets of rules that targets name.
        profiles: Vec<PasskeyProfile> = "passkeyProfiles",
    }
    /// For whom passkeys are.
    PasskeyTarget {
        /// An id, or `all_users` of a group.
        id: TargetId = "id",
        /// A person or a group.
        kind: TargetType = "targetType",
        /// Whether the person is asked to register.
        is_registration_required: Option<bool> = "isRegistrationRequired",
        /// The profiles, any of which a passkey must satisfy.
        profiles: Vec<String> = "allowedPasskeyProfiles",
    }
    /// Which models of passkeys.
    KeyRestrictions {
        /// Whether it is restricted at all.
        is_enforced: Option<bool> = "isEnforced",
        /// Those listed, or all but those.
        kind: Option<EnforcementType> = "enforcementType",
        /// The models.
        aaguids: Vec<Aaguid> = "aaGuids",
    }
    /// passkeyProfile.
    PasskeyProfile {
        /// What targets name it by.
        id: String = "id",
        /// Its name.
        name: Option<String> = "name",
        /// Whether a passkey must prove its origin.
        attestation: Option<AttestationEnforcement> = "attestationEnforcement",
        /// In one device, or in several.
        types: Option<Flags<PasskeyType>> = "passkeyTypes",
        /// Which models.
        key_restrictions: Option<KeyRestrictions> = "keyRestrictions",
    }
    /// softwareOathAuthenticationMethodConfiguration: codes of an application.
    SoftwareOath {
        /// `SoftwareOath`.
        id: Option<String> = "id",
        /// Whether they are a method.
        state: State = "state",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
    }
    /// temporaryAccessPassAuthenticationMethodConfiguration.
    TemporaryAccessPass {
        /// `TemporaryAccessPass`.
        id: Option<String> = "id",
        /// Whether they are a method.
        state: State = "state",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// Signs of a pass.
        default_length: u32 = "defaultLength",
        /// Minutes that a pass lasts where nothing else is said.
        default_lifetime: u32 = "defaultLifetimeInMinutes",
        /// The fewest minutes.
        minimum_lifetime: u32 = "minimumLifetimeInMinutes",
        /// The most.
        maximum_lifetime: u32 = "maximumLifetimeInMinutes",
        /// Whether every pass is good once only.
        is_usable_once: Option<bool> = "isUsableOnce",
    }
    /// microsoftAuthenticatorAuthenticationMethodConfiguration.
    MicrosoftAuthenticator {
        /// `MicrosoftAuthenticator`.
        id: Option<String> = "id",
        /// `disabled`.
        state: State = "state",
        /// For whom.
        include_targets: Vec<AuthenticatorTarget> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// Whether the application makes codes.
        is_software_oath_enabled: Option<bool> = "isSoftwareOathEnabled",
        /// What it shows.
        features: Option<AuthenticatorFeatures> = "featureSettings",
    }
    /// For whom it is.
    AuthenticatorTarget {
        /// An id, or `all_users` of a group.
        id: TargetId = "id",
        /// A person or a group.
        kind: TargetType = "targetType",
        /// Whether the person is asked to register.
        is_registration_required: Option<bool> = "isRegistrationRequired",
        /// What they may do.
        mode: Option<AuthenticatorMode> = "authenticationMode",
    }
    /// What the application shows.
    AuthenticatorFeatures {
        /// The name of the application that is signed in to.
        display_app: Option<Feature> = "displayAppInformationRequiredState",
        /// The place of the sign-in.
        display_location: Option<Feature> = "displayLocationInformationRequiredState",
        /// Another application of the maker.
        companion_app: Option<Feature> = "companionAppAllowedState",
    }
    /// A feature and for whom it is.
    Feature {
        /// Whether it acts.
        state: AdvancedState = "state",
        /// For whom.
        include: Option<FeatureTarget> = "includeTarget",
        /// For whom not.
        exclude: Option<FeatureTarget> = "excludeTarget",
    }
    /// For whom a feature is.
    FeatureTarget {
        /// An id, or `all_users`.
        id: String = "id",
        /// What it is the id of.
        kind: Option<String> = "targetType",
    }
    /// smsAuthenticationMethodConfiguration.
    Sms {
        /// `Sms`.
        id: Option<String> = "id",
        /// `disabled`.
        state: State = "state",
        /// For whom.
        include_targets: Vec<SmsTarget> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
    }
    /// For whom it is.
    SmsTarget {
        /// An id, or `all_users` of a group.
        id: TargetId = "id",
        /// A person or a group.
        kind: TargetType = "targetType",
        /// Whether the person is asked to register.
        is_registration_required: Option<bool> = "isRegistrationRequired",
        /// Whether it is a first factor.
        is_usable_for_sign_in: Option<bool> = "isUsableForSignIn",
    }
    /// voiceAuthenticationMethodConfiguration.
    Voice {
        /// `Voice`.
        id: Option<String> = "id",
        /// `disabled`.
        state: State = "state",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// Whether a telephone at the desk will do.
        is_office_phone_allowed: Option<bool> = "isOfficePhoneAllowed",
    }
    /// emailAuthenticationMethodConfiguration.
    Email {
        /// `Email`.
        id: Option<String> = "id",
        /// `disabled`.
        state: State = "state",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// Whether guests sign in by it.
        allow_external: Option<AdvancedState> = "allowExternalIdToUseEmailOtp",
    }
}

/// The configuration of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its type says")]
pub enum Configuration {
    Fido2(Fido2),
    MicrosoftAuthenticator(Box<MicrosoftAuthenticator>),
    Sms(Sms),
    TemporaryAccessPass(TemporaryAccessPass),
    SoftwareOath(SoftwareOath),
    Voice(Voice),
    Email(Email),
    X509Certificate(Box<X509Certificate>),
}

impl Method {
    /// Without regard to case, as Graph reads the address of a configuration.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.as_str().eq_ignore_ascii_case(id))
    }

    /// The name of its type in Graph.
    pub const fn odata_type(self) -> &'static str {
        match self {
            Self::Fido2 => "fido2AuthenticationMethodConfiguration",
            Self::MicrosoftAuthenticator => "microsoftAuthenticatorAuthenticationMethodConfiguration",
            Self::Sms => "smsAuthenticationMethodConfiguration",
            Self::TemporaryAccessPass => "temporaryAccessPassAuthenticationMethodConfiguration",
            Self::SoftwareOath => "softwareOathAuthenticationMethodConfiguration",
            Self::Voice => "voiceAuthenticationMethodConfiguration",
            Self::Email => "emailAuthenticationMethodConfiguration",
            Self::X509Certificate => "x509CertificateAuthenticationMethodConfiguration",
        }
    }

    fn of_type(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.odata_type() == name)
    }

    /// Reads the configuration of this method.
    pub(super) fn read(self, found: Option<&Value>, at: &At<'_>) -> Result<Configuration, ReadError> {
        if let Some(stated) = stated_type(found).filter(|stated| *stated != self.odata_type()) {
            return Err(At::Member(at, "@odata.type").refuse(Wrong::unknown(stated)));
        }
        let stated = found.and_then(|value| value.get("id")).and_then(Value::as_str);
        if let Some(id) = stated.filter(|id| Self::find(id) != Some(self)) {
            return Err(At::Member(at, "id").refuse(Wrong::unknown(id)));
        }
        Ok(match self {
            Self::Fido2 => Configuration::Fido2(Member::read(found, at)?),
            Self::MicrosoftAuthenticator => Configuration::MicrosoftAuthenticator(Box::new(Member::read(found, at)?)),
            Self::Sms => Configuration::Sms(Member::read(found, at)?),
            Self::TemporaryAccessPass => Configuration::TemporaryAccessPass(Member::read(found, at)?),
            Self::SoftwareOath => Configuration::SoftwareOath(Member::read(found, at)?),
            Self::Voice => Configuration::Voice(Member::read(found, at)?),
            Self::Email => Configuration::Email(Member::read(found, at)?),
            Self::X509Certificate => Configuration::X509Certificate(Box::new(Member::read(found, at)?)),
        })
    }
}

fn stated_type(found: Option<&Value>) -> Option<&str> {
    let stated = found?.get("@odata.type")?.as_str()?;
    Some(stated.strip_prefix("#microsoft.graph.").unwrap_or(stated))
}

impl Configuration {
    /// Its method.
    pub const fn method(&self) -> Method {
        match self {
            Self::Fido2(_) => Method::Fido2,
            Self::MicrosoftAuthenticator(_) => Method::MicrosoftAuthenticator,
            Self::Sms(_) => Method::Sms,
            Self::TemporaryAccessPass(_) => Method::TemporaryAccessPass,
            Self::SoftwareOath(_) => Method::SoftwareOath,
            Self::Voice(_) => Method::Voice,
            Self::Email(_) => Method::Email,
            Self::X509Certificate(_) => Method::X509Certificate,
        }
    }

    /// Whether it acts.
    pub const fn state(&self) -> State {
        match self {
            Self::Fido2(it) => it.state,
            Self::MicrosoftAuthenticator(it) => it.state,
            Self::Sms(it) => it.state,
            Self::TemporaryAccessPass(it) => it.state,
            Self::SoftwareOath(it) => it.state,
            Self::Voice(it) => it.state,
            Self::Email(it) => it.state,
            Self::X509Certificate(it) => it.state,
        }
    }
}

impl Member for Configuration {
    /// The method is told by the id, or by the type.
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let id = found.and_then(|value| value.get("id")).and_then(Value::as_str);
        let method = match (id, stated_type(found)) {
            (Some(id), _) => Method::find(id).ok_or_else(|| At::Member(at, "id").refuse(Wrong::unknown(id)))?,
            (None, Some(name)) => {
                Method::of_type(name).ok_or_else(|| At::Member(at, "@odata.type").refuse(Wrong::unknown(name)))?
            }
            (None, None) => return Err(At::Member(at, "id").refuse(Wrong::Missing)),
        };
        method.read(found, at)
    }

    fn write(&self) -> Value {
        let members = match self {
            Self::Fido2(it) => it.write(),
            Self::MicrosoftAuthenticator(it) => it.write(),
            Self::Sms(it) => it.write(),
            Self::TemporaryAccessPass(it) => it.write(),
            Self::SoftwareOath(it) => it.write(),
            Self::Voice(it) => it.write(),
            Self::Email(it) => it.write(),
            Self::X509Certificate(it) => it.write(),
        };
        let mut typed = serde_json::Map::new();
        let method = self.method();
        typed.insert(
            "@odata.type".to_owned(),
            format!("#microsoft.graph.{}", method.odata_type()).into(),
        );
        if let Value::Object(members) = members {
            typed.extend(members);
        }
        typed.insert("id".to_owned(), method.as_str().into());
        Value::Object(typed)
    }
}
