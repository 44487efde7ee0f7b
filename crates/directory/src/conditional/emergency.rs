//! Emergency accounts: those that every policy for all users keeps out.

use hygie_core::{Cx, GroupId, ObjectId};
use hygie_policy::policy::{State, UserTarget};
use hygie_store::StoreError;

use super::AccessRules;
use crate::{Directory, Membership};

impl Directory {
    /// Whether this is an emergency account: one that each policy for all users, enforced or reporting, keeps out by name or by
    /// a group. Where there is no such policy there is no such account.
    pub async fn is_emergency_account(&self, cx: &Cx, user: ObjectId) -> Result<bool, StoreError> {
        let rules = self.access_rules(cx).await?;
        if !could_be(&rules, user) {
            return Ok(false);
        }
        let groups = self.groups_of(cx, user, Membership::Transitive).await?;
        let groups: Vec<GroupId> = groups.into_iter().map(|group| group.id).collect();
        Ok(is_kept_out(&rules, user, &groups))
    }
}

/// Whether the account could be one, whatever its groups are: what is asked at each sign-in costs no reading.
fn could_be(rules: &AccessRules, user: ObjectId) -> bool {
    let mut policies = for_everybody(rules).peekable();
    policies.peek().is_some()
        && policies
            .all(|users| users.exclude_users.contains(&UserTarget::User(user)) || !users.exclude_groups.is_empty())
}

fn is_kept_out(rules: &AccessRules, user: ObjectId, groups: &[GroupId]) -> bool {
    for_everybody(rules).all(|users| {
        users.exclude_users.contains(&UserTarget::User(user))
            || users.exclude_groups.iter().any(|group| groups.contains(group))
    })
}

fn for_everybody(rules: &AccessRules) -> impl Iterator<Item = &hygie_policy::policy::Users> {
    let policies = rules.policies.iter().filter(|policy| policy.state != State::Disabled);
    policies
        .filter_map(|policy| policy.conditions.users.as_ref())
        .filter(|users| users.include_users.contains(&UserTarget::All))
}
