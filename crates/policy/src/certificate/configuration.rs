//! x509CertificateAuthenticationMethodConfiguration of Graph v1.0.
//! <https://learn.microsoft.com/graph/api/resources/x509certificateauthenticationmethodconfiguration>

use std::collections::BTreeSet;

use hygie_core::{ErrorKind, Fault, GroupId, ObjectId};
use serde_json::Value;
use thiserror::Error;

use super::Fields;
use crate::id::guid;
use crate::json::{At, Member, ReadError, Wrong, record, vocabulary};

/// Values of `certificateUserIds` of one account.
pub const MAX_USER_IDS: usize = 5;
/// Signs of one of them.
const MAX_USER_ID: usize = 1_024;
/// Rules and bindings of a configuration.
const MAX_RULES: usize = 100;

vocabulary! {
    /// Whether something acts.
    State { Enabled = "enabled", Disabled = "disabled", }
    /// What a certificate is worth.
    Mode {
        SingleFactor = "x509CertificateSingleFactor",
        MultiFactor = "x509CertificateMultiFactor",
    }
    /// How firmly a field names a person: `low` can be issued anew to another one.
    Affinity { Low = "low", High = "high", }
    /// What a rule looks at.
    RuleType {
        IssuerSubject = "issuerSubject",
        PolicyOid = "policyOID",
        IssuerSubjectAndPolicyOid = "issuerSubjectAndPolicyOID",
    }
    /// A field of a certificate that names its person.
    Field {
        PrincipalName = "PrincipalName",
        Rfc822Name = "RFC822Name",
        SubjectKeyIdentifier = "SubjectKeyIdentifier",
        Sha1PublicKey = "SHA1PublicKey",
        IssuerAndSubject = "IssuerAndSubject",
        IssuerAndSerialNumber = "IssuerAndSerialNumber",
        Subject = "Subject",
    }
    /// A property of an account that a field is compared with.
    UserProperty {
        UserPrincipalName = "userPrincipalName",
        OnPremisesUserPrincipalName = "onPremisesUserPrincipalName",
        CertificateUserIds = "certificateUserIds",
    }
    /// Whether a target is a person or a group.
    TargetType { User = "user", Group = "group", }
}

record! {
    /// x509CertificateAuthenticationMethodConfiguration.
    X509Certificate {
        /// `X509Certificate`.
        id: Option<String> = "id",
        /// Whether certificates are a method.
        state: State = "state",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
        /// For whom not.
        exclude_targets: Vec<Target> = "excludeTargets",
        /// What certificates are worth.
        authentication_mode: AuthenticationMode = "authenticationModeConfiguration",
        /// Whose certificates are.
        user_bindings: Vec<UserBinding> = "certificateUserBindings",
        /// Which authorities are for whom.
        authority_scopes: Vec<CertificateAuthorityScope> = "certificateAuthorityScopes",
        /// Whether a certificate must be known not to be revoked.
        crl_validation: Option<CrlValidation> = "crlValidationConfiguration",
        /// Whether the browser is told which authorities are accepted.
        issuer_hints: Option<IssuerHints> = "issuerHintsConfiguration",
    }
    /// For whom something is.
    Target {
        /// An id, or `all_users` of a group.
        id: TargetId = "id",
        /// A person or a group.
        kind: TargetType = "targetType",
        /// Whether the person is asked to register.
        is_registration_required: Option<bool> = "isRegistrationRequired",
    }
    /// What certificates are worth.
    AuthenticationMode {
        /// Where no rule fits.
        default_mode: Mode = "x509CertificateAuthenticationDefaultMode",
        /// What a binding must be where no rule fits; unset is low.
        default_affinity: Option<Affinity> = "x509CertificateDefaultRequiredAffinityLevel",
        /// Rules.
        rules: Vec<ModeRule> = "rules",
    }
    /// What certificates of an issuer, or with a policy, are worth.
    ModeRule {
        /// What it looks at.
        kind: RuleType = "x509CertificateRuleType",
        /// The issuer's subject or the OID, by the type.
        identifier: Option<String> = "identifier",
        /// The issuer's subject, of a rule for both.
        issuer_subject: Option<String> = "issuerSubjectIdentifier",
        /// The OID, of a rule for both.
        policy_oid: Option<String> = "policyOidIdentifier",
        /// What they are worth.
        mode: Mode = "x509CertificateAuthenticationMode",
        /// What a binding must be; unset is low.
        affinity: Option<Affinity> = "x509CertificateRequiredAffinityLevel",
    }
    /// A field of certificates and the property of accounts that it is compared with.
    UserBinding {
        /// The field.
        field: Field = "x509CertificateField",
        /// The property.
        property: UserProperty = "userProperty",
        /// Lower ones are looked at first.
        priority: u32 = "priority",
        /// How firmly it binds; unset is as the field does.
        affinity: Option<Affinity> = "trustAffinityLevel",
    }
    /// Which authorities are for whom.
    CertificateAuthorityScope {
        /// The authority, by the identifier of its key.
        subject_key_identifier: String = "subjectKeyIdentifier",
        /// The set of authorities that it is in.
        public_key_infrastructure: Option<String> = "publicKeyInfrastructureIdentifier",
        /// For whom.
        include_targets: Vec<Target> = "includeTargets",
    }
    /// Whether a certificate must be known not to be revoked.
    CrlValidation {
        /// Whether it must.
        state: State = "state",
        /// Authorities of which it need not.
        exempted: Vec<String> = "exemptedCertificateAuthoritiesSubjectKeyIdentifiers",
    }
    /// Whether the browser is told which authorities are accepted.
    IssuerHints {
        /// Whether it is.
        state: State = "state",
    }
}

/// Whom a target names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetId {
    /// `all_users`
    AllUsers,
    /// A person or a group.
    Id(uuid::Uuid),
}

impl Member for TargetId {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let text = String::read(found, at)?;
        if text == "all_users" {
            return Ok(Self::AllUsers);
        }
        guid(&text)
            .map(Self::Id)
            .map_err(|_| at.refuse(Wrong::NotA("a GUID or all_users")))
    }

    fn write(&self) -> Value {
        match self {
            Self::AllUsers => "all_users".into(),
            Self::Id(id) => id.as_hyphenated().to_string().into(),
        }
    }
}

/// A rule of a configuration that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// Too much of something.
    #[error("{0} may have {MAX_RULES} items")]
    TooMany(&'static str),
    /// A rule does not say what it looks at.
    #[error("a rule needs the identifiers of its type and no others")]
    Identifier,
    /// Two rules for one thing.
    #[error("an issuer or a policy has one rule")]
    Repeated,
    /// Two bindings at one place.
    #[error("each binding has a priority and a field of its own")]
    Priority,
    /// A binding claims more than its field gives.
    #[error("the affinity of a binding cannot be higher than that of its field")]
    Affinity,
    /// An account has too many ids, twice the same, or one of another form.
    #[error("certificateUserIds are up to {MAX_USER_IDS} different texts X509:<…> of {MAX_USER_ID} characters")]
    UserIds,
}

impl Fault for Broken {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "BadRequest"
    }

    fn public(&self) -> String {
        self.to_string()
    }
}

impl X509Certificate {
    /// As a new tenant has it: off, single factor.
    pub fn initial() -> Self {
        let binding = |field, property, priority| UserBinding {
            field,
            property,
            priority,
            affinity: Some(Affinity::Low),
        };
        Self {
            id: Some("X509Certificate".to_owned()),
            state: State::Disabled,
            include_targets: vec![Target {
                id: TargetId::AllUsers,
                kind: TargetType::Group,
                is_registration_required: Some(false),
            }],
            exclude_targets: Vec::new(),
            authentication_mode: AuthenticationMode {
                default_mode: Mode::SingleFactor,
                default_affinity: Some(Affinity::Low),
                rules: Vec::new(),
            },
            user_bindings: vec![
                binding(Field::PrincipalName, UserProperty::OnPremisesUserPrincipalName, 1),
                binding(Field::Rfc822Name, UserProperty::UserPrincipalName, 2),
            ],
            authority_scopes: Vec::new(),
            crl_validation: Some(CrlValidation {
                state: State::Disabled,
                exempted: Vec::new(),
            }),
            issuer_hints: Some(IssuerHints { state: State::Disabled }),
        }
    }

    /// Whether it may be stored.
    pub fn check(&self) -> Result<(), Broken> {
        let rules = &self.authentication_mode.rules;
        for (count, name) in [
            (rules.len(), "rules"),
            (self.user_bindings.len(), "certificateUserBindings"),
            (self.include_targets.len(), "includeTargets"),
            (self.exclude_targets.len(), "excludeTargets"),
            (self.authority_scopes.len(), "certificateAuthorityScopes"),
        ] {
            if count > MAX_RULES {
                return Err(Broken::TooMany(name));
            }
        }
        if !rules.iter().all(ModeRule::is_whole) {
            return Err(Broken::Identifier);
        }
        let looks_at: BTreeSet<_> = rules
            .iter()
            .map(|rule| (rule.kind, rule.issuer(), rule.oid()))
            .collect();
        if looks_at.len() < rules.len() {
            return Err(Broken::Repeated);
        }
        let priorities: BTreeSet<u32> = self.user_bindings.iter().map(|binding| binding.priority).collect();
        let fields: BTreeSet<_> = self
            .user_bindings
            .iter()
            .map(|binding| (binding.field, binding.property))
            .collect();
        if priorities.len().min(fields.len()) < self.user_bindings.len() {
            return Err(Broken::Priority);
        }
        let is_modest = |binding: &UserBinding| {
            binding
                .affinity
                .is_none_or(|affinity| affinity <= binding.field.affinity())
        };
        if self.user_bindings.iter().all(is_modest) {
            Ok(())
        } else {
            Err(Broken::Affinity)
        }
    }

    /// Whether certificates are a method of this person.
    pub fn is_for(&self, user: ObjectId, groups: &BTreeSet<GroupId>) -> bool {
        let named = |targets: &[Target]| {
            targets.iter().any(|target| match (target.id, target.kind) {
                (TargetId::AllUsers, TargetType::Group) => true,
                (TargetId::AllUsers, TargetType::User) => false,
                (TargetId::Id(id), TargetType::User) => id == user.uuid(),
                (TargetId::Id(id), TargetType::Group) => groups.contains(&GroupId::from_uuid(id)),
            })
        };
        self.state == State::Enabled && named(&self.include_targets) && !named(&self.exclude_targets)
    }
}

impl ModeRule {
    /// The issuer that it looks at.
    pub fn issuer(&self) -> Option<&str> {
        match self.kind {
            RuleType::IssuerSubject => self.identifier.as_deref().or(self.issuer_subject.as_deref()),
            RuleType::IssuerSubjectAndPolicyOid => self.issuer_subject.as_deref(),
            RuleType::PolicyOid => None,
        }
    }

    /// The policy that it looks at.
    pub fn oid(&self) -> Option<&str> {
        match self.kind {
            RuleType::PolicyOid => self.identifier.as_deref().or(self.policy_oid.as_deref()),
            RuleType::IssuerSubjectAndPolicyOid => self.policy_oid.as_deref(),
            RuleType::IssuerSubject => None,
        }
    }

    fn is_whole(&self) -> bool {
        let said = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        match self.kind {
            RuleType::IssuerSubject => said(self.issuer()) && self.policy_oid.is_none(),
            RuleType::PolicyOid => said(self.oid()) && self.issuer_subject.is_none(),
            RuleType::IssuerSubjectAndPolicyOid => said(self.issuer()) && said(self.oid()),
        }
    }
}

impl UserBinding {
    /// How firmly it binds.
    pub fn effective_affinity(&self) -> Affinity {
        let own = self.field.affinity();
        self.affinity.map_or(own, |stated| stated.min(own))
    }
}

impl Field {
    /// How firmly it names a person.
    pub const fn affinity(self) -> Affinity {
        match self {
            Self::PrincipalName | Self::Rfc822Name | Self::IssuerAndSubject | Self::Subject => Affinity::Low,
            Self::SubjectKeyIdentifier | Self::Sha1PublicKey | Self::IssuerAndSerialNumber => Affinity::High,
        }
    }

    /// What is in a certificate for it, as it is compared with a user principal name.
    pub fn values(self, fields: &Fields) -> Vec<String> {
        let one = |text: &str| {
            if text.is_empty() {
                Vec::new()
            } else {
                vec![text.to_owned()]
            }
        };
        match self {
            Self::PrincipalName => fields.principal_names.clone(),
            Self::Rfc822Name => fields.rfc822_names.clone(),
            Self::SubjectKeyIdentifier => fields.subject_key_identifier.iter().cloned().collect(),
            Self::Sha1PublicKey => fields.sha1_public_key.iter().cloned().collect(),
            Self::Subject => one(&fields.subject),
            Self::IssuerAndSubject if !fields.subject.is_empty() && !fields.issuer.is_empty() => {
                vec![format!("<I>{}<S>{}", fields.issuer, fields.subject)]
            }
            Self::IssuerAndSerialNumber if !fields.serial.is_empty() && !fields.issuer.is_empty() => {
                vec![format!("<I>{}<SR>{}", fields.issuer, fields.serial)]
            }
            Self::IssuerAndSubject | Self::IssuerAndSerialNumber => Vec::new(),
        }
    }

    /// What is in a certificate for it, as `certificateUserIds` has it.
    pub fn user_ids(self, fields: &Fields) -> Vec<String> {
        let mark = match self {
            Self::PrincipalName => "<PN>",
            Self::Rfc822Name => "<RFC822>",
            Self::SubjectKeyIdentifier => "<SKI>",
            Self::Sha1PublicKey => "<SHA1-PUKEY>",
            Self::Subject => "<S>",
            Self::IssuerAndSubject | Self::IssuerAndSerialNumber => "",
        };
        self.values(fields)
            .into_iter()
            .map(|value| format!("X509:{mark}{value}"))
            .collect()
    }
}

/// Whether these may be the ids of one account; that no other account has them is for the directory.
pub fn check_user_ids(ids: &[String]) -> Result<(), Broken> {
    let marks = ["<PN>", "<RFC822>", "<SKI>", "<SHA1-PUKEY>", "<S>", "<I>"];
    let is_written = |id: &String| {
        let rest = id.strip_prefix("X509:").unwrap_or_default();
        let is_marked = marks
            .iter()
            .any(|mark| rest.strip_prefix(mark).is_some_and(|value| !value.is_empty()));
        is_marked && id.chars().count() <= MAX_USER_ID
    };
    let different: BTreeSet<&String> = ids.iter().collect();
    let is_good = ids.len() <= MAX_USER_IDS && different.len() == ids.len() && ids.iter().all(is_written);
    if is_good { Ok(()) } else { Err(Broken::UserIds) }
}
