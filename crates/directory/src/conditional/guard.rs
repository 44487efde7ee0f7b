//! Nobody saws off the branch they sit on: a change after which nobody who administers the tenant could sign in is refused,
//! be it one of the policies or of who is in or out of them.
//!
//! Judged is by who is really there: the enabled Global Administrators, by themselves or by a group made for roles, each by
//! the policies as they would be, at the administration portal and at the directory API; one who gets in at both is enough.
//! Where a tenant has none, one person who can sign in must be left by a change of the policies, and nobody watches over
//! people and groups. What was so before a change does not stand in the way of the change.
//!
//! # Deviations
//!
//! - Entra ID's portal warns of such a policy, and its interface takes it. Here there is no support that could open the door
//!   from outside, so the interface refuses it (400).
//! - The first 200 are looked at, in order of id; where all of them are kept out and somebody after them is not, the change
//!   is refused all the same.

use hygie_core::{GroupId, ObjectId};
use hygie_policy::guard::{LockOut, Means, Wall, is_let_in, lock_outs, walls};
use hygie_policy::policy::{GuestType, UserTarget};
use hygie_policy::signin::{Application, Guest, User as Person};
use hygie_policy::strength::Mode;
use hygie_store::{StoreError, Tx};

use super::{AccessRules, ConditionalError};
use crate::repo::{Groups, Roles, Users};
use crate::{DIRECTORY_API, DirectoryError, GLOBAL_ADMINISTRATOR, PORTAL, User, UserType, suite_of};

/// People who are looked at for one change, which others wait for.
const MAX_LOOKED: u32 = 200;
/// Groups that a person may be in and still be judged, as at sign-in.
const MAX_GROUPS: u32 = 2_048;

/// Refuses a change of the policies after which they keep everybody out who administers, and did not before.
pub(super) async fn refuse_lock_out(
    before: &AccessRules,
    after: &AccessRules,
    tx: &mut Tx<'_>,
) -> Result<(), ConditionalError> {
    let shut = shut(after, tx).await?;
    if shut.is_empty() || !self::shut(before, tx).await?.is_empty() {
        return Ok(());
    }
    Err(ConditionalError::LockOut(names(shut)))
}

/// The policies of a tenant that some administrator gets past before people or groups change.
#[must_use]
#[derive(Default)]
pub(crate) struct Watch(Option<AccessRules>);

impl Watch {
    /// Looks before the change, in its transaction.
    pub async fn before(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let rules = AccessRules::load(tx).await?;
        let is_watched = !walls(&rules.policies, &rules.strengths, &rules.locations, &means()).is_empty()
            && !administrators(tx).await?.is_empty()
            && shut(&rules, tx).await?.is_empty();
        Ok(Self(is_watched.then_some(rules)))
    }

    /// Refuses the change if nobody who administers could sign in after it.
    pub async fn after(self, tx: &mut Tx<'_>) -> Result<(), DirectoryError> {
        let Some(rules) = self.0 else {
            return Ok(());
        };
        match shut(&rules, tx).await? {
            shut if shut.is_empty() => Ok(()),
            shut => Err(DirectoryError::LockOut(names(shut))),
        }
    }
}

/// In which way somebody is not of the house.
pub fn guest_of(user: &User) -> Option<Guest> {
    let kind = match (user.profile.user_type, user.profile.home) {
        (UserType::Guest, Some(_)) => GuestType::B2bCollaborationGuest,
        (UserType::Member, Some(_)) => GuestType::B2bCollaborationMember,
        (UserType::Guest, None) => GuestType::InternalGuest,
        (UserType::Member, None) => return None,
    };
    Some(Guest {
        kind,
        home: user.profile.home.map(|home| home.tenant),
    })
}

fn names(shut: Vec<LockOut>) -> Vec<String> {
    shut.into_iter().map(|one| one.display_name).collect()
}

/// The policies that together let nobody in who administers.
async fn shut(rules: &AccessRules, tx: &mut Tx<'_>) -> Result<Vec<LockOut>, StoreError> {
    let walls = walls(&rules.policies, &rules.strengths, &rules.locations, &means());
    if walls.is_empty() {
        return Ok(Vec::new());
    }
    let mut users = administrators(tx).await?;
    if users.is_empty() {
        users = anybody(&walls, tx).await?;
    }
    let mut people = Vec::new();
    for user in users {
        let person = person(&user, tx).await?;
        if is_let_in(&walls, &person) {
            return Ok(Vec::new());
        }
        people.push(person);
    }
    Ok(lock_outs(&walls, &people))
}

/// The Global Administrators who can sign in, as many as are looked at.
async fn administrators(tx: &mut Tx<'_>) -> Result<Vec<User>, StoreError> {
    let mut who = Roles(tx).page_members(GLOBAL_ADMINISTRATOR, None, MAX_LOOKED).await?;
    for group in Groups(tx).list_by_ids(&who).await? {
        who.extend(Groups(tx).page_members(group.id, None, MAX_LOOKED).await?);
    }
    enabled(who, tx).await
}

/// People who can sign in: those first who are named as out of a policy.
async fn anybody(walls: &[Wall<'_>], tx: &mut Tx<'_>) -> Result<Vec<User>, StoreError> {
    let out = || walls.iter().filter_map(Wall::users);
    let named = out()
        .flat_map(|users| &users.exclude_users)
        .filter_map(|target| match target {
            UserTarget::User(id) => Some(*id),
            _ => None,
        });
    let groups: Vec<GroupId> = out().flat_map(|users| users.exclude_groups.iter().copied()).collect();
    let mut who: Vec<ObjectId> = named.collect();
    for group in groups.into_iter().take(MAX_LOOKED as usize) {
        who.extend(Groups(tx).page_transitive_members(group, None, MAX_LOOKED).await?);
    }
    let mut found = enabled(who, tx).await?;
    let others = Users(tx).page(None, MAX_LOOKED).await?;
    found.extend(others.into_iter().filter(|user| user.is_enabled));
    Ok(found)
}

async fn enabled(mut who: Vec<ObjectId>, tx: &mut Tx<'_>) -> Result<Vec<User>, StoreError> {
    who.sort_unstable();
    who.dedup();
    who.truncate(MAX_LOOKED as usize);
    let mut users = Users(tx).list_by_ids(&who).await?;
    users.retain(|user| user.is_enabled);
    Ok(users)
}

/// As policies see somebody.
async fn person(user: &User, tx: &mut Tx<'_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: user.id,
        groups: Groups(tx)
            .list_transitive(user.id, MAX_GROUPS)
            .await?
            .into_iter()
            .collect(),
        roles: Roles(tx).list_of(user.id).await?.into_iter().collect(),
        guest: guest_of(user),
    })
}

/// Any method may be enabled. Devices and programs are not managed here: nobody has what these controls ask for.
fn means() -> Means {
    let consoles = [PORTAL, DIRECTORY_API].map(|id| Application {
        id,
        suite: suite_of(id),
    });
    Means {
        modes: Mode::ALL.iter().copied().collect(),
        consoles: consoles.to_vec(),
        ..Means::default()
    }
}
