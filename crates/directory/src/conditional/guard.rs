//! Nobody saws off the branch they sit on: a change after which the enforced policies let nobody in is refused.
//!
//! # Deviations
//!
//! Entra ID's portal warns of such a policy, and its interface takes it. Here there is no support that could open the door
//! from outside, so the interface refuses it (400), unless an account that can sign in is out of all policies of the kind, by
//! itself or by a group, or one role is, or unless they are report-only or disabled. What was so before a change does not
//! stand in the way of the change.

use std::collections::BTreeSet;

use hygie_core::{GroupId, ObjectId};
use hygie_policy::Policy;
use hygie_policy::guard::{LockOut, Means, lock_outs};
use hygie_policy::policy::{UserTarget, Users};
use hygie_policy::strength::Mode;
use hygie_store::Tx;

use super::{AccessRules, ConditionalError};
use crate::repo::{Groups, Users as People};

/// Accounts and members that are looked up for one change, which others wait for.
const MAX_LOOKED: u32 = 1_000;

/// Refuses a change after which the policies shut everybody out, and did not before.
pub(super) async fn refuse_lock_out(
    before: &AccessRules,
    after: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<(), ConditionalError> {
    let locked_out = locked_out(after, tx).await?;
    if locked_out.is_empty() || !self::locked_out(before, tx).await?.is_empty() {
        return Ok(());
    }
    let names = locked_out.into_iter().map(|one| one.display_name).collect();
    Err(ConditionalError::LockOut(names))
}

/// The policies that together let nobody in.
async fn locked_out(rules: &AccessRules, tx: &mut Tx<'_>) -> Result<Vec<LockOut>, ConditionalError> {
    let found = shut(&bare(rules), rules);
    // Mostly there are none, and nobody has to be looked for.
    let is_strict = |policy: &&Policy| found.iter().any(|one| one.policy == policy.id);
    let strict: Vec<&Users> = rules
        .policies
        .iter()
        .filter(is_strict)
        .filter_map(|policy| policy.conditions.users.as_ref())
        .collect();
    let Some((first, others)) = strict.split_first() else {
        return Ok(found);
    };
    let is_role_out = |role| others.iter().all(|users| users.exclude_roles.contains(role));
    if first.exclude_roles.iter().any(is_role_out) || somebody_is_out(first, others, tx).await? {
        return Ok(Vec::new());
    }
    Ok(found)
}

/// Whether an account that can sign in is out of all of them.
async fn somebody_is_out(first: &Users, others: &[&Users], tx: &mut Tx<'_>) -> Result<bool, ConditionalError> {
    let people = first.exclude_users.iter().filter_map(|target| match target {
        UserTarget::User(id) => Some(*id),
        _ => None,
    });
    let groups = first
        .exclude_groups
        .iter()
        .map(|group| ObjectId::from_uuid(group.uuid()));
    // What is no user may be a group; groups may hold each other in a circle.
    let mut waiting: Vec<ObjectId> = groups.chain(people).collect();
    let (mut seen, mut left) = (BTreeSet::new(), MAX_LOOKED);
    while let Some(id) = waiting.pop().filter(|_| left > 0) {
        left -= 1;
        if !seen.insert(id) {
            continue;
        }
        match People(tx).find(id).await? {
            Some(user) if user.is_enabled && is_out(id, others, tx).await? => return Ok(true),
            Some(_) => {}
            None => waiting.extend(
                Groups(tx)
                    .page_members(GroupId::from_uuid(id.uuid()), None, left)
                    .await?,
            ),
        }
    }
    Ok(false)
}

/// Whether an account is out of all of them, by itself or by a group.
async fn is_out(id: ObjectId, policies: &[&Users], tx: &mut Tx<'_>) -> Result<bool, ConditionalError> {
    let groups = Groups(tx).list_transitive(id, MAX_LOOKED).await?;
    Ok(policies.iter().all(|users| {
        let is_named = users.exclude_users.contains(&UserTarget::User(id));
        is_named || users.exclude_groups.iter().any(|group| groups.contains(group))
    }))
}

fn shut(policies: &[Policy], rules: &AccessRules) -> Vec<LockOut> {
    // Any method may be enabled. Devices and programs are not managed here: nobody has what these controls ask for.
    let means = Means {
        modes: Mode::ALL.iter().copied().collect(),
        ..Means::default()
    };
    lock_outs(policies, &rules.strengths, &means)
}

/// The policies as if nobody was out of them.
fn bare(rules: &AccessRules) -> Vec<Policy> {
    let mut policies = rules.policies.clone();
    for users in policies
        .iter_mut()
        .filter_map(|policy| policy.conditions.users.as_mut())
    {
        users.exclude_users.clear();
        users.exclude_groups.clear();
        users.exclude_roles.clear();
    }
    policies
}
