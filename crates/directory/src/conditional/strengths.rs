//! What strengths have beside themselves: the policies that use them, and combinations with what narrows them.

use std::sync::Arc;

use hygie_core::Cx;
use hygie_policy::json::{At, Wrong};
use hygie_policy::strength::{Combination, CombinationConfiguration};
use hygie_policy::{AuthenticationStrength, Patch, Policy};
use serde_json::Value;

use super::{AccessRules, ConditionalError};
use crate::Directory;
use crate::admin::new_uuid;

impl AccessRules {
    /// The policies that use a strength, which may be one that every tenant has.
    pub fn users_of<'a>(&'a self, strength: &'a AuthenticationStrength) -> impl Iterator<Item = &'a Policy> {
        self.policies.iter().filter(|policy| {
            let grants = policy.grant_controls.as_ref();
            let reference = grants.and_then(|grants| grants.authentication_strength.as_ref());
            reference.is_some_and(|reference| Some(reference.id) == strength.id)
        })
    }
}

impl Directory {
    /// Replaces the combinations of a strength; tells it before and after.
    pub async fn update_combinations(
        &self,
        cx: &Cx,
        strength: &str,
        combinations: Vec<Combination>,
    ) -> Result<(AuthenticationStrength, AuthenticationStrength), ConditionalError> {
        let edit = move |strength: &AuthenticationStrength| {
            Ok(AuthenticationStrength {
                allowed_combinations: combinations.clone(),
                ..strength.clone()
            })
        };
        self.edit_rule(cx, strength, Arc::new(edit)).await
    }

    /// Narrows combinations of a strength.
    pub async fn create_configuration(
        &self,
        cx: &Cx,
        strength: &str,
        mut new: CombinationConfiguration,
    ) -> Result<CombinationConfiguration, ConditionalError> {
        if new.id.is_some() {
            return Err(At::Member(&At::Root, "id").refuse(Wrong::ReadOnly).into());
        }
        new.id = Some(new_uuid(cx).to_string());
        let added = new.clone();
        let edit = move |strength: &AuthenticationStrength| {
            let mut strength = strength.clone();
            strength.combination_configurations.push(added.clone());
            Ok(strength)
        };
        self.edit_rule::<AuthenticationStrength>(cx, strength, Arc::new(edit))
            .await?;
        Ok(new)
    }

    /// Changes what narrows combinations.
    pub async fn update_configuration(
        &self,
        cx: &Cx,
        (strength, id): (&str, &str),
        change: Value,
    ) -> Result<(), ConditionalError> {
        let sought = id.to_owned();
        let edit = move |strength: &AuthenticationStrength| {
            let mut strength = strength.clone();
            let mut all = strength.combination_configurations.iter_mut();
            let found = all.find(|one| one.id.as_ref() == Some(&sought));
            let found = found.ok_or_else(|| ConditionalError::NotFound(sought.clone()))?;
            *found = found.patched(&change)?;
            Ok(strength)
        };
        self.edit_rule::<AuthenticationStrength>(cx, strength, Arc::new(edit))
            .await
            .map(drop)
    }

    /// Lets combinations be what they are.
    pub async fn delete_configuration(&self, cx: &Cx, (strength, id): (&str, &str)) -> Result<(), ConditionalError> {
        let sought = id.to_owned();
        let edit = move |strength: &AuthenticationStrength| {
            let mut strength = strength.clone();
            let before = strength.combination_configurations.len();
            strength
                .combination_configurations
                .retain(|one| one.id.as_ref() != Some(&sought));
            if strength.combination_configurations.len() == before {
                return Err(ConditionalError::NotFound(sought.clone()));
            }
            Ok(strength)
        };
        self.edit_rule::<AuthenticationStrength>(cx, strength, Arc::new(edit))
            .await
            .map(drop)
    }
}
