//! Nobody saws off the branch they sit on: a change after which the enforced policies let nobody in is refused.
//!
//! # Deviations
//!
//! Entra ID's portal warns of such a policy, and its interface takes it. Here there is no support that could open the door
//! from outside, so the interface refuses it (400), unless an account that can sign in is out of the policy: by itself, by a
//! group that has such a member, or by a role, or unless the policy is report-only or disabled. What was so before a change
//! does not stand in the way of the change.

use hygie_core::GroupId;
use hygie_policy::Policy;
use hygie_policy::guard::{LockOut, Means, lock_outs};
use hygie_policy::policy::UserTarget;
use hygie_policy::strength::Mode;
use hygie_store::Tx;

use super::{AccessRules, ConditionalError};
use crate::repo::{Groups, Users};

/// Accounts that are looked for in an excluded group.
const MAX_LOOKED: u32 = 1_000;

/// Refuses a change after which the policies shut everybody out, and did not before.
pub(super) async fn refuse_lock_out(
    before: &AccessRules,
    after: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<(), ConditionalError> {
    // Mostly nobody has to be looked for.
    if shut(&after.policies, after).is_empty() && shut(&bare(after), after).is_empty() {
        return Ok(());
    }
    let locked_out = shut(&manned(after, tx).await?, after);
    if locked_out.is_empty() || !shut(&manned(before, tx).await?, before).is_empty() {
        return Ok(());
    }
    let names = locked_out.into_iter().map(|one| one.display_name).collect();
    Err(ConditionalError::LockOut(names))
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

/// The policies, with those exclusions alone behind which there is an account that can sign in.
async fn manned(rules: &AccessRules, tx: &mut Tx<'_>) -> Result<Vec<Policy>, ConditionalError> {
    let mut policies = rules.policies.clone();
    for users in policies
        .iter_mut()
        .filter_map(|policy| policy.conditions.users.as_mut())
    {
        let mut people = Vec::new();
        for target in std::mem::take(&mut users.exclude_users) {
            if let UserTarget::User(id) = target {
                let found = Users(tx).find(id).await?;
                people.extend(found.filter(|user| user.is_enabled).map(|_| target));
            }
        }
        users.exclude_users = people;
        let mut groups = Vec::new();
        for group in std::mem::take(&mut users.exclude_groups) {
            if has_account(group, tx).await? {
                groups.push(group);
            }
        }
        users.exclude_groups = groups;
    }
    Ok(policies)
}

/// Whether an account that can sign in is in a group, or in one within it, among the first that are looked at.
async fn has_account(group: GroupId, tx: &mut Tx<'_>) -> Result<bool, ConditionalError> {
    let (mut waiting, mut seen, mut left) = (vec![group], Vec::new(), MAX_LOOKED);
    while let Some(group) = waiting.pop().filter(|_| left > 0) {
        seen.push(group);
        for member in Groups(tx).page_members(group, None, left).await? {
            left -= 1;
            if Users(tx).find(member).await?.is_some_and(|user| user.is_enabled) {
                return Ok(true);
            }
            let inner = GroupId::from_uuid(member.uuid());
            if !seen.contains(&inner) && !waiting.contains(&inner) {
                waiting.push(inner);
            }
        }
    }
    Ok(false)
}
