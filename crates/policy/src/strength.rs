//! Authentication strengths: which methods together are enough.
//! <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>
//!
//! # Deviations
//!
//! - A combination is a set; it is written in one order, first factors first, which is the one Graph uses for its own.
//! - A configuration holds for every combination that contains one it is said to apply to, so that restricting
//!   `x509CertificateSingleFactor` restricts `password,x509CertificateSingleFactor` too.
//! - Windows Hello for Business is a key of a device of Microsoft's. A passkey whose model the administrator has mapped
//!   counts for it; none does unasked.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use hygie_core::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::json::{At, Member, Members, ReadError, Wrong, record, texts, vocabulary};
use crate::{Aaguid, StrengthId};

vocabulary! {
    /// A method of authentication, as strengths name it; first factors first.
    Mode {
        Password = "password",
        FederatedSingleFactor = "federatedSingleFactor",
        FederatedMultiFactor = "federatedMultiFactor",
        Voice = "voice",
        HardwareOath = "hardwareOath",
        SoftwareOath = "softwareOath",
        Sms = "sms",
        Fido2 = "fido2",
        WindowsHelloForBusiness = "windowsHelloForBusiness",
        MicrosoftAuthenticatorPush = "microsoftAuthenticatorPush",
        DeviceBasedPush = "deviceBasedPush",
        TemporaryAccessPassOneTime = "temporaryAccessPassOneTime",
        TemporaryAccessPassMultiUse = "temporaryAccessPassMultiUse",
        Email = "email",
        X509CertificateSingleFactor = "x509CertificateSingleFactor",
        X509CertificateMultiFactor = "x509CertificateMultiFactor",
        QrCodePin = "qrCodePin",
    }
    /// Who made a strength.
    PolicyType {
        /// It cannot be changed.
        BuiltIn = "builtIn",
        Custom = "custom",
    }
    /// What a strength is worth to an application that asks for multifactor authentication.
    RequirementsSatisfied { Mfa = "mfa", None = "none", }
}

/// Methods that are enough together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Combination(BTreeSet<Mode>);

/// A text that is no combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of methods with commas")]
pub struct NotACombination;

impl Combination {
    /// Of these methods; none of an empty list.
    pub fn new(modes: impl IntoIterator<Item = Mode>) -> Option<Self> {
        let modes: BTreeSet<Mode> = modes.into_iter().collect();
        (!modes.is_empty()).then_some(Self(modes))
    }

    /// Its methods.
    pub fn modes(&self) -> impl Iterator<Item = Mode> + '_ {
        self.0.iter().copied()
    }

    /// Whether it has all of the other's.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mode) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            f.write_str(mode.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Combination {
    type Err = NotACombination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let modes: Option<BTreeSet<Mode>> = text.split(',').map(|word| Mode::parse(word.trim())).collect();
        modes.map(Self).ok_or(NotACombination)
    }
}

texts! { Combination: "methods of authentication with commas between them"; }

record! {
    /// authenticationStrengthPolicy.
    AuthenticationStrength {
        /// Given by the service.
        id: Option<StrengthId> = "id",
        /// Its name.
        display_name: String = "displayName",
        /// What it is for.
        description: Option<String> = "description",
        /// Who made it; unset is `custom`.
        policy_type: Option<PolicyType> = "policyType",
        /// What it is worth; given by the service.
        requirements_satisfied: Option<RequirementsSatisfied> = "requirementsSatisfied",
        /// Any of these is enough.
        allowed_combinations: Vec<Combination> = "allowedCombinations",
        /// What narrows them.
        combination_configurations: Vec<CombinationConfiguration> = "combinationConfigurations",
        /// Given by the service.
        created_at: Option<Timestamp> = "createdDateTime",
        /// Given by the service.
        modified_at: Option<Timestamp> = "modifiedDateTime",
    }
}

/// What narrows combinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinationConfiguration {
    /// Given by the service.
    pub id: Option<String>,
    /// Which combinations it narrows.
    pub applies_to: Vec<Combination>,
    /// To what.
    pub allowed: Allowed,
}

/// What remains of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Passkeys of these models.
    Fido2 {
        /// The models.
        aaguids: Vec<Aaguid>,
    },
    /// Certificates of these issuers and with these policies; where both are named, both must fit.
    X509Certificate {
        /// Subject key identifiers of issuers, in hexadecimal.
        issuer_skis: Vec<String>,
        /// Policies, as OIDs with dots.
        policy_oids: Vec<String>,
    },
}

const FIDO2: &str = "fido2CombinationConfiguration";
const X509: &str = "x509CertificateCombinationConfiguration";

impl Member for CombinationConfiguration {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let known = [
            "id",
            "appliesToCombinations",
            "allowedAAGUIDs",
            "allowedIssuerSkis",
            "allowedPolicyOIDs",
        ];
        let members = Members::of(found, at, &known)?;
        let (others, allowed): (&[&str], Allowed) = match members.odata_type() {
            Some(FIDO2) => (
                &known[3..],
                Allowed::Fido2 {
                    aaguids: members.read("allowedAAGUIDs")?,
                },
            ),
            Some(X509) => {
                let (issuer_skis, policy_oids) =
                    (members.read("allowedIssuerSkis")?, members.read("allowedPolicyOIDs")?);
                (
                    &known[2..3],
                    Allowed::X509Certificate {
                        issuer_skis,
                        policy_oids,
                    },
                )
            }
            Some(other) => return Err(At::Member(at, "@odata.type").refuse(Wrong::unknown(other))),
            None => return Err(At::Member(at, "@odata.type").refuse(Wrong::Missing)),
        };
        if let Some(name) = others.iter().find(|name| members.find(name).is_some()) {
            return Err(At::Member(at, name).refuse(Wrong::UnknownMember));
        }
        Ok(Self {
            id: members.read("id")?,
            applies_to: members.read("appliesToCombinations")?,
            allowed,
        })
    }

    fn write(&self) -> Value {
        let (id, applies_to) = (self.id.write(), self.applies_to.write());
        match &self.allowed {
            Allowed::Fido2 { aaguids } => json!({
                "@odata.type": format!("#microsoft.graph.{FIDO2}"), "id": id, "appliesToCombinations": applies_to,
                "allowedAAGUIDs": aaguids.write(),
            }),
            Allowed::X509Certificate {
                issuer_skis,
                policy_oids,
            } => json!({
                "@odata.type": format!("#microsoft.graph.{X509}"), "id": id, "appliesToCombinations": applies_to,
                "allowedIssuerSkis": issuer_skis.write(), "allowedPolicyOIDs": policy_oids.write(),
            }),
        }
    }
}

/// A strength as a policy refers to it: clients write `{"id"}`, Graph sends the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrengthReference {
    /// Which one.
    pub id: StrengthId,
    /// What Graph sent along; decisions look at the strength itself.
    pub whole: Option<Box<AuthenticationStrength>>,
}

impl StrengthReference {
    /// The bare reference.
    pub const fn to(id: StrengthId) -> Self {
        Self { id, whole: None }
    }
}

impl Member for StrengthReference {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let is_whole = found.is_some_and(|value| value.get("allowedCombinations").is_some());
        if is_whole {
            let whole = AuthenticationStrength::read(found, at)?;
            let id = whole.id.ok_or_else(|| At::Member(at, "id").refuse(Wrong::Missing))?;
            return Ok(Self {
                id,
                whole: Some(Box::new(whole)),
            });
        }
        let members = Members::of(found, at, &["id"])?;
        Ok(Self::to(members.read("id")?))
    }

    fn write(&self) -> Value {
        self.whole
            .as_ref()
            .map_or_else(|| json!({ "id": self.id.to_string() }), |whole| whole.write())
    }
}

/// A method that was used, or could be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usage {
    /// Which.
    pub mode: Mode,
    /// What a strength may ask about it.
    pub details: Details,
}

/// What a strength may ask about a method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Details {
    /// Nothing.
    None,
    /// The model of a passkey.
    Passkey(Aaguid),
    /// A certificate.
    Certificate {
        /// Subject key identifier of its issuer, in hexadecimal.
        issuer_ski: Option<String>,
        /// Its policies.
        policy_oids: BTreeSet<String>,
        /// What the log of sign-ins says of it, by names; nothing is decided by it.
        told: Vec<(String, String)>,
    },
    /// Whatever is wanted: a method that is yet to be registered.
    ToBeChosen,
}

impl Usage {
    /// Of a method about which nothing is asked.
    pub const fn of(mode: Mode) -> Self {
        Self {
            mode,
            details: Details::None,
        }
    }

    /// Whether it is the same method with all that decides: what is only told of a certificate may differ.
    pub fn is_same(&self, other: &Self) -> bool {
        let decisive = |details: &Details| match details {
            Details::Certificate {
                issuer_ski,
                policy_oids,
                ..
            } => Details::Certificate {
                issuer_ski: issuer_ski.clone(),
                policy_oids: policy_oids.clone(),
                told: Vec::new(),
            },
            other => other.clone(),
        };
        self.mode == other.mode && decisive(&self.details) == decisive(&other.details)
    }

    /// Whether it counts as `mode`: itself, or Windows Hello by the administrator's mapping.
    pub(crate) fn counts_as(&self, mode: Mode, windows_hello: &[Aaguid]) -> bool {
        let is_hello = |aaguid: &Aaguid| mode == Mode::WindowsHelloForBusiness && windows_hello.contains(aaguid);
        match &self.details {
            Details::Passkey(aaguid) if self.mode == Mode::Fido2 && is_hello(aaguid) => true,
            _ => self.mode == mode,
        }
    }
}

impl Allowed {
    /// The methods it speaks of.
    fn concerns(&self, mode: Mode) -> bool {
        match self {
            Self::Fido2 { .. } => mode == Mode::Fido2,
            Self::X509Certificate { .. } => {
                matches!(
                    mode,
                    Mode::X509CertificateSingleFactor | Mode::X509CertificateMultiFactor
                )
            }
        }
    }

    /// Whether what was used is among what remains; what is not known is not.
    fn admits(&self, details: &Details) -> bool {
        match (self, details) {
            (_, Details::ToBeChosen) => true,
            (Self::Fido2 { aaguids }, Details::Passkey(aaguid)) => aaguids.contains(aaguid),
            (
                Self::X509Certificate {
                    issuer_skis,
                    policy_oids: wanted,
                },
                Details::Certificate {
                    issuer_ski,
                    policy_oids,
                    ..
                },
            ) => {
                let is_issuer = |ski: &String| issuer_ski.as_ref().is_some_and(|its| its.eq_ignore_ascii_case(ski));
                let by_issuer = issuer_skis.is_empty() || issuer_skis.iter().any(is_issuer);
                by_issuer && (wanted.is_empty() || wanted.iter().any(|oid| policy_oids.contains(oid)))
            }
            _ => false,
        }
    }
}

impl AuthenticationStrength {
    /// The combination by which these methods satisfy it.
    pub fn satisfied_by(&self, used: &[Usage], windows_hello: &[Aaguid]) -> Option<&Combination> {
        self.within_reach(used, windows_hello).next()
    }

    /// Every combination that these methods can make.
    pub fn within_reach<'a, 'm>(
        &'a self,
        methods: &'m [Usage],
        windows_hello: &'m [Aaguid],
    ) -> impl Iterator<Item = &'a Combination> + use<'a, 'm> {
        self.allowed_combinations.iter().filter(move |combination| {
            combination.modes().all(|mode| {
                let fits = |usage: &&Usage| usage.counts_as(mode, windows_hello);
                methods
                    .iter()
                    .filter(fits)
                    .any(|usage| self.admits(combination, mode, usage))
            })
        })
    }

    fn admits(&self, combination: &Combination, mode: Mode, usage: &Usage) -> bool {
        let applies = |configuration: &&CombinationConfiguration| {
            configuration.allowed.concerns(mode)
                && configuration.applies_to.iter().any(|part| combination.contains(part))
        };
        let mut configurations = self.combination_configurations.iter().filter(applies);
        configurations.all(|configuration| configuration.allowed.admits(&usage.details))
    }
}

/// The id of a strength that every tenant has.
const fn built_in(number: u128) -> StrengthId {
    StrengthId::from_uuid(Uuid::from_u128(number))
}

/// Multifactor authentication: also what the control `mfa` asks for.
pub const MFA: StrengthId = built_in(2);
/// Passwordless multifactor authentication.
pub const PASSWORDLESS: StrengthId = built_in(3);
/// Phishing-resistant multifactor authentication.
pub const PHISHING_RESISTANT: StrengthId = built_in(4);

/// Second factors that go with a password or a federated first one.
const SECOND: [Mode; 5] = [
    Mode::MicrosoftAuthenticatorPush,
    Mode::SoftwareOath,
    Mode::HardwareOath,
    Mode::Sms,
    Mode::Voice,
];

/// The three strengths that every tenant has.
pub fn built_ins() -> [AuthenticationStrength; 3] {
    let resistant = [
        Mode::WindowsHelloForBusiness,
        Mode::Fido2,
        Mode::X509CertificateMultiFactor,
    ];
    let certificates = [Mode::X509CertificateSingleFactor, Mode::X509CertificateMultiFactor];
    let passes = [Mode::TemporaryAccessPassOneTime, Mode::TemporaryAccessPassMultiUse];
    let alone = |modes: &[Mode]| modes.iter().map(|mode| vec![*mode]).collect::<Vec<_>>();
    let with = |first: Mode, modes: &[Mode]| modes.iter().map(|mode| vec![first, *mode]).collect::<Vec<_>>();
    let passwordless = [alone(&resistant), alone(&[Mode::DeviceBasedPush])].concat();
    let any = [
        passwordless.clone(),
        alone(&passes),
        with(Mode::Password, &SECOND),
        with(Mode::Password, &certificates),
        alone(&[Mode::FederatedMultiFactor]),
        with(Mode::FederatedSingleFactor, &SECOND),
    ];
    [
        strength(MFA, "Multifactor authentication", any.concat()),
        strength(PASSWORDLESS, "Passwordless MFA", passwordless),
        strength(PHISHING_RESISTANT, "Phishing resistant MFA", alone(&resistant)),
    ]
}

fn strength(id: StrengthId, name: &str, combinations: Vec<Vec<Mode>>) -> AuthenticationStrength {
    AuthenticationStrength {
        id: Some(id),
        display_name: name.to_owned(),
        description: None,
        policy_type: Some(PolicyType::BuiltIn),
        requirements_satisfied: Some(RequirementsSatisfied::Mfa),
        allowed_combinations: combinations.into_iter().filter_map(Combination::new).collect(),
        combination_configurations: Vec::new(),
        created_at: None,
        modified_at: None,
    }
}
