//! Whom the authentication methods policy names.

use super::MethodsPolicy;
use super::configuration::Configuration;
use crate::certificate::{Target, TargetId, TargetType};

/// A person or a group that is named, by the member that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// `includeTargets` or `excludeTargets`.
    pub at: &'static str,
    /// What it is the id of.
    pub kind: TargetType,
    /// The id.
    pub id: uuid::Uuid,
}

impl MethodsPolicy {
    /// Everybody that configurations and the campaign name; not all users.
    pub fn named(&self) -> Vec<Named> {
        let mut all: Vec<Named> = self.configurations.iter().flat_map(Configuration::named).collect();
        if let Some(campaign) = self.registration.as_ref().and_then(|it| it.campaign.as_ref()) {
            let included = campaign.include_targets.iter().map(|target| (target.id, target.kind));
            all.extend(both(included, &campaign.exclude_targets));
        }
        all
    }
}

impl Configuration {
    fn named(&self) -> Vec<Named> {
        let plain = |include: &[Target], exclude: &[Target]| {
            let included = include.iter().map(|target| (target.id, target.kind));
            both(included, exclude)
        };
        match self {
            Self::Fido2(it) => both(
                it.include_targets.iter().map(|target| (target.id, target.kind)),
                &it.exclude_targets,
            ),
            Self::MicrosoftAuthenticator(it) => both(
                it.include_targets.iter().map(|target| (target.id, target.kind)),
                &it.exclude_targets,
            ),
            Self::Sms(it) => both(
                it.include_targets.iter().map(|target| (target.id, target.kind)),
                &it.exclude_targets,
            ),
            Self::TemporaryAccessPass(it) => plain(&it.include_targets, &it.exclude_targets),
            Self::SoftwareOath(it) => plain(&it.include_targets, &it.exclude_targets),
            Self::Voice(it) => plain(&it.include_targets, &it.exclude_targets),
            Self::Email(it) => plain(&it.include_targets, &it.exclude_targets),
            Self::X509Certificate(it) => {
                let scopes = it.authority_scopes.iter().flat_map(|scope| &scope.include_targets);
                let included = it.include_targets.iter().chain(scopes);
                both(included.map(|target| (target.id, target.kind)), &it.exclude_targets)
            }
        }
    }
}

fn both(included: impl Iterator<Item = (TargetId, TargetType)>, excluded: &[Target]) -> Vec<Named> {
    let named = |at| {
        move |(id, kind)| match id {
            TargetId::AllUsers => None,
            TargetId::Id(id) => Some(Named { at, kind, id }),
        }
    };
    let excluded = excluded.iter().map(|target| (target.id, target.kind));
    let mut all: Vec<Named> = included.filter_map(named("includeTargets")).collect();
    all.extend(excluded.filter_map(named("excludeTargets")));
    all
}
