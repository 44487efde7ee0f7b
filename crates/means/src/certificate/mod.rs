//! Certificates of people, on the cards of professionals above all: who holds one, whether it still counts, and what it is
//! worth. <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-technical-deep-dive>
//!
//! The chain comes first, then its revocation lists, then whose the certificate is, then what it is worth. Each refusal has
//! a reason of its own: who asks support is told what is wrong with a card, not that something is.
//!
//! # Deviations
//!
//! - A person may come without a name: then the certificate is looked up among the `certificateUserIds` and the names of the
//!   tenant, in the order of its bindings. Entra ID asks for the name first.
//! - Whoever typed a name that nobody has is told what somebody else's certificate is told.

mod hints;
mod lists;
mod refusal;
mod told;
mod trial;

use std::collections::BTreeSet;

use hygie_core::{Cx, GroupId};
use hygie_directory::repo::{Groups, MethodsPolicies, TrustStores, Users};
use hygie_directory::trust::TrustedAuthority;
use hygie_directory::{User, is_user_principal_name};
use hygie_jose::x509::{Authority, Holder, PathFault, path};
use hygie_policy::certificate::{
    Affinity, Fields, Mode as Worth, State, Unbound, UserBinding, UserNames, UserProperty, X509Certificate, bind,
    strength,
};
use hygie_policy::methods::{Configuration, Method, MethodsPolicy};
use hygie_policy::strength::{Details, Mode, Usage};
use hygie_store::{StoreError, Tx};

use crate::guess::refused;
use crate::{MAX_GROUPS, Means, MeansError, Refusal};
pub use hints::Hints;
pub(crate) use lists::Lists;
pub use lists::{Fetch, FetchFirst, ListState};
pub use refusal::CertificateRefusal;
pub use told::Told;
pub use trial::{Card, Trial};

/// Whose a certificate is said to be.
#[derive(Clone, Copy, Debug)]
pub enum Claimed<'a> {
    /// Of whoever has this user principal name.
    By(&'a str),
    /// Of whoever it is.
    Anybody,
}

/// What certificates are judged by in a tenant.
struct Rules {
    configuration: X509Certificate,
    authorities: Vec<TrustedAuthority>,
}

/// A certificate and whose it is said to be.
struct Shown<'a> {
    certificate: &'a [u8],
    claimed: Claimed<'a>,
    /// Who has the name that is claimed.
    named: Option<Candidate>,
}

/// A person that a certificate may be of.
struct Candidate {
    user: User,
    groups: BTreeSet<GroupId>,
}

impl Means {
    /// Whether certificates are a method of the tenant.
    pub async fn offers_certificates(&self, cx: &Cx) -> Result<bool, MeansError> {
        let policy = self.directory().methods_policy(cx).await?;
        Ok(configuration(&policy).state == State::Enabled)
    }

    /// The person of the tenant whose certificate this is, and what it is worth. That its key was there was proved by the
    /// handshake. What the log may say of it is told of who is refused too, as far as the certificate was looked at.
    pub async fn check_certificate(
        &self,
        cx: &Cx,
        certificate: &[u8],
        claimed: Claimed<'_>,
        told: &mut Told,
    ) -> Result<(User, Usage), MeansError> {
        let rules = self.rules(cx).await?;
        if rules.configuration.state != State::Enabled {
            return Err(Refusal::NotOffered.into());
        }
        // Read before anything is said about the certificate, so that a refusal is recorded with the person that it is of.
        let shown = self.shown(cx, certificate, claimed).await?;
        let judged = self.judge(cx, &shown, &rules, told).await;
        match judged {
            Err(MeansError::Refused(refusal)) => match shown.named {
                Some(candidate) => {
                    let record = refused(cx, candidate.user.id, refusal.reason());
                    self.store().record(record).await?;
                    Err(MeansError::Recorded(refusal))
                }
                None => Err(refusal.into()),
            },
            other => other,
        }
    }

    async fn shown<'a>(&self, cx: &Cx, certificate: &'a [u8], claimed: Claimed<'a>) -> Result<Shown<'a>, MeansError> {
        let named = match claimed {
            Claimed::By(name) => self.named_candidate(cx, name).await?,
            Claimed::Anybody => None,
        };
        Ok(Shown {
            certificate,
            claimed,
            named,
        })
    }

    async fn judge(
        &self,
        cx: &Cx,
        shown: &Shown<'_>,
        rules: &Rules,
        told: &mut Told,
    ) -> Result<(User, Usage), MeansError> {
        let certificate = shown.certificate;
        let holder = Holder::of(certificate).map_err(|_| CertificateRefusal::Path(PathFault::Unreadable))?;
        told.subject(&holder.subject);
        let authorities: Vec<&Authority> = rules.authorities.iter().map(|trusted| &trusted.authority).collect();
        let found = path(certificate, &authorities, cx.now).map_err(CertificateRefusal::Path)?;
        let chain: Vec<&TrustedAuthority> = found
            .0
            .iter()
            .filter_map(|place| rules.authorities.get(*place))
            .collect();
        self.check_lists(cx, certificate, &chain, &rules.configuration).await?;
        let fields = fields(&holder);
        let worth = strength(&rules.configuration.authentication_mode, &fields);
        told.worth(&worth);
        let searched;
        let candidate = match shown.claimed {
            Claimed::By(_) => shown.named.as_ref().ok_or(CertificateRefusal::Unbound)?,
            Claimed::Anybody => {
                let bindings = &rules.configuration.user_bindings;
                searched = self.search(cx, bindings, worth.affinity, &fields).await?;
                &searched
            }
        };
        let bound = bind(
            &rules.configuration.user_bindings,
            worth.affinity,
            &fields,
            &names(&candidate.user),
        )
        .map_err(|unbound| match unbound {
            Unbound::NoMatch => CertificateRefusal::Unbound,
            Unbound::AffinityTooLow => CertificateRefusal::AffinityTooLow,
        })?;
        told.binding(bound);
        // Only who holds the person's certificate is told more about the person.
        rules.admit(candidate, &chain)?;
        if !candidate.user.is_enabled {
            return Err(Refusal::Disabled.into());
        }
        let usage = Usage {
            mode: mode(worth.mode),
            details: Details::Certificate {
                issuer_ski: chain
                    .first()
                    .and_then(|issuer| issuer.authority.subject_key_identifier.clone()),
                policy_oids: fields.policy_oids,
                told: told.clone().into_pairs(),
            },
        };
        Ok((candidate.user.clone(), usage))
    }

    async fn rules(&self, cx: &Cx) -> Result<Rules, MeansError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move {
                    let policy = MethodsPolicies(tx).get().await?.policy;
                    Ok::<_, MeansError>(Rules {
                        configuration: configuration(&policy),
                        authorities: TrustStores(tx).list_authorities().await?,
                    })
                })
            })
            .await
    }

    async fn named_candidate(&self, cx: &Cx, name: &str) -> Result<Option<Candidate>, MeansError> {
        if !is_user_principal_name(name) {
            return Ok(None);
        }
        self.store()
            .read(cx, name.to_owned(), |name, tx| {
                Box::pin(async move {
                    match Users(tx).find_by_name(name).await? {
                        Some((user, _)) => Ok::<_, MeansError>(Some(candidate(tx, user).await?)),
                        None => Ok(None),
                    }
                })
            })
            .await
    }

    /// Whoever the certificate names: by the first binding that finds somebody, of those that bind firmly enough.
    async fn search(
        &self,
        cx: &Cx,
        bindings: &[UserBinding],
        required: Affinity,
        fields: &Fields,
    ) -> Result<Candidate, MeansError> {
        let mut bindings: Vec<&UserBinding> = bindings
            .iter()
            .filter(|binding| binding.effective_affinity() >= required)
            .collect();
        bindings.sort_by_key(|binding| binding.priority);
        let values: Vec<(UserProperty, Vec<String>)> = bindings
            .into_iter()
            .map(|binding| match binding.property {
                UserProperty::CertificateUserIds => (binding.property, binding.field.user_ids(fields)),
                _ => (binding.property, binding.field.values(fields)),
            })
            .collect();
        self.store()
            .read(cx, values, |values, tx| {
                Box::pin(async move {
                    for (property, values) in values {
                        let mut found: Vec<User> = Vec::new();
                        for value in values {
                            found.extend(lookup(tx, *property, value).await?);
                        }
                        found.sort_by_key(|user| user.id);
                        found.dedup_by_key(|user| user.id);
                        match <[User; 1]>::try_from(found) {
                            Ok([user]) => return candidate(tx, user).await.map_err(MeansError::from),
                            Err(others) if others.is_empty() => {}
                            Err(_) => return Err(CertificateRefusal::Ambiguous.into()),
                        }
                    }
                    Err(CertificateRefusal::Unbound.into())
                })
            })
            .await
    }
}

impl Rules {
    /// Refuses a person for whom certificates, or those of this authority, are not.
    fn admit(&self, candidate: &Candidate, chain: &[&TrustedAuthority]) -> Result<(), Refusal> {
        let is_for = |configuration: &X509Certificate| configuration.is_for(candidate.user.id, &candidate.groups);
        if !is_for(&self.configuration) {
            return Err(Refusal::NotOffered);
        }
        let scopes: Vec<_> = self
            .configuration
            .authority_scopes
            .iter()
            .filter(|scope| {
                chain.iter().any(|trusted| {
                    let key = trusted.authority.subject_key_identifier.as_deref();
                    let is_key = key.is_some_and(|key| key.eq_ignore_ascii_case(&scope.subject_key_identifier));
                    let pki = scope.public_key_infrastructure.as_deref();
                    is_key && pki.is_none_or(|pki| pki.eq_ignore_ascii_case(&trusted.pki.to_string()))
                })
            })
            .collect();
        let is_in = |scope: &&hygie_policy::certificate::CertificateAuthorityScope| {
            is_for(&X509Certificate {
                include_targets: scope.include_targets.clone(),
                exclude_targets: Vec::new(),
                ..self.configuration.clone()
            })
        };
        if scopes.is_empty() || scopes.iter().any(is_in) {
            Ok(())
        } else {
            Err(CertificateRefusal::OutOfScope.into())
        }
    }
}

/// What counts of a certificate, by the configuration of a tenant: every mode that one of its rules gives.
pub(crate) fn modes(configuration: &X509Certificate) -> BTreeSet<Mode> {
    let mode_of = &configuration.authentication_mode;
    let given = mode_of.rules.iter().map(|rule| rule.mode);
    given.chain([mode_of.default_mode]).map(mode).collect()
}

/// Whether a certificate could be bound to this account.
pub(crate) fn is_bindable(configuration: &X509Certificate, user: &User) -> bool {
    let names = names(user);
    configuration
        .user_bindings
        .iter()
        .any(|binding| match binding.property {
            UserProperty::UserPrincipalName => true,
            UserProperty::OnPremisesUserPrincipalName => names.on_premises_user_principal_name.is_some(),
            UserProperty::CertificateUserIds => !names.certificate_user_ids.is_empty(),
        })
}

/// What a tenant says of certificates.
pub(crate) fn configuration(policy: &MethodsPolicy) -> X509Certificate {
    match policy.configuration(Method::X509Certificate) {
        Configuration::X509Certificate(configuration) => *configuration,
        _ => X509Certificate::initial(),
    }
}

const fn mode(worth: Worth) -> Mode {
    match worth {
        Worth::SingleFactor => Mode::X509CertificateSingleFactor,
        Worth::MultiFactor => Mode::X509CertificateMultiFactor,
    }
}

fn names(user: &User) -> UserNames {
    UserNames {
        user_principal_name: user.user_principal_name.clone(),
        on_premises_user_principal_name: user.profile.on_premises_user_principal_name.clone(),
        certificate_user_ids: user.profile.certificate_user_ids.clone(),
    }
}

fn fields(holder: &Holder) -> Fields {
    Fields {
        subject: holder.subject.clone(),
        issuer: holder.issuer.clone(),
        serial: holder.serial.clone(),
        principal_names: holder.principal_names.clone(),
        rfc822_names: holder.rfc822_names.clone(),
        subject_key_identifier: holder.subject_key_identifier.clone(),
        sha1_public_key: Some(holder.sha1_public_key.clone()),
        policy_oids: holder.policy_oids.clone(),
    }
}

async fn lookup(tx: &mut Tx<'_>, property: UserProperty, value: &str) -> Result<Option<User>, StoreError> {
    match property {
        UserProperty::CertificateUserIds => Users(tx).find_by_certificate_user_id(value).await,
        UserProperty::UserPrincipalName => Ok(Users(tx).find_by_name(value).await?.map(|(user, _)| user)),
        // Names of another directory are not what people are found by.
        UserProperty::OnPremisesUserPrincipalName => Ok(None),
    }
}

async fn candidate(tx: &mut Tx<'_>, user: User) -> Result<Candidate, StoreError> {
    let groups = Groups(tx).list_transitive(user.id, MAX_GROUPS).await?;
    Ok(Candidate {
        groups: groups.into_iter().collect(),
        user,
    })
}
