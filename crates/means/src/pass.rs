//! Temporary access passes: made by an administrator, shown once, good for a time.
//! <https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod>
//!
//! A pass is short enough to be read out, so it is kept as a password is: by argon2id, on the same bounded pool.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, Random, Secret, Timestamp, random_array};
use hygie_directory::repo::{Attempts, Guessed, Lockout, PassRow, Passes, Users};
use hygie_directory::{User, key_of};
use hygie_policy::methods::{Method, TemporaryAccessPass};
use hygie_policy::strength::{Mode, Usage};
use hygie_store::audit::Record;
use uuid::Uuid;

use crate::guess::refused;
use crate::notice::{Change, tell};
use crate::{Means, MeansError, Refusal, new_uuid, offered, policy_for};

/// Signs that are neither mistaken for others nor change with the case.
const SIGNS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
/// Longest pass and name that are looked at.
const MAX_TEXT: usize = 256;
/// How far ahead a pass may begin.
const MAX_AHEAD: Duration = Duration::from_hours(24 * 365);

/// A pass to make; what is unset is as the policy has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewPass {
    /// Minutes that it lasts.
    pub lifetime: Option<u32>,
    /// Whether it is good once only.
    pub is_usable_once: Option<bool>,
    /// When it begins.
    pub start_at: Option<Timestamp>,
}

/// A pass that was made: its value is shown this once.
#[derive(Clone, Debug)]
pub struct CreatedPass {
    /// Its id.
    pub id: Uuid,
    /// Its value.
    pub value: Secret<String>,
    /// Minutes that it lasts.
    pub lifetime: u32,
    /// Whether it is good once only.
    pub is_usable_once: bool,
    /// When it begins.
    pub start_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is known of a name before its pass is looked at.
struct Known {
    user: Option<User>,
    /// Where the failures are kept.
    id: ObjectId,
    pass: Option<PassRow>,
    is_offered: bool,
    attempts: Lockout,
}

impl Means {
    /// Makes a pass for somebody, in the place of the one before.
    pub async fn create_pass(&self, cx: &Cx, user: ObjectId, new: NewPass) -> Result<CreatedPass, MeansError> {
        let (rules, is_offered, exists) = self
            .store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let (policy, _) = policy_for(tx, *user).await?;
                    let is_offered = offered(tx, *user, Method::TemporaryAccessPass).await?;
                    let exists = Users(tx).find(*user).await?.is_some();
                    Ok::<_, MeansError>((policy.temporary_access_pass(), is_offered, exists))
                })
            })
            .await?;
        if !exists {
            return Err(Refusal::NotFound("user").into());
        }
        if !is_offered {
            return Err(Refusal::NotOffered.into());
        }
        let (lifetime, is_usable_once, start_at) = settled(cx, &rules, new)?;
        let value = random_pass(&*cx.random, rules.default_length);
        let row = PassRow {
            id: new_uuid(cx),
            hash: self.directory().passwords().hash(value.clone(), &*cx.random).await?,
            is_usable_once,
            start_at,
            expires_at: start_at + minutes(lifetime),
            created_at: cx.now,
            used_at: None,
        };
        let created = CreatedPass {
            id: row.id,
            value,
            lifetime,
            is_usable_once,
            start_at,
            created_at: cx.now,
        };
        let notice = Change::PassCreated.of(cx, user, "");
        let record = Record::success(cx, "idp.pass.create", format!("user/{user}/pass/{}", row.id));
        self.store()
            .write(cx, (user, row, notice, record), |(user, row, notice, record), tx| {
                Box::pin(async move {
                    Passes(tx).set(*user, row).await?;
                    // An administrator vouches for the person: the wrong ones before do not lock the new one.
                    Attempts(tx).clear(*user, Guessed::Pass).await?;
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await?;
        Ok(created)
    }

    /// Takes a pass away.
    pub async fn remove_pass(&self, cx: &Cx, user: ObjectId, id: Uuid) -> Result<(), MeansError> {
        let notice = Change::PassRemoved.of(cx, user, "");
        let record = Record::success(cx, "idp.pass.delete", format!("user/{user}/pass/{id}"));
        self.store()
            .write(cx, (user, id, notice, record), |(user, id, notice, record), tx| {
                Box::pin(async move {
                    if !Passes(tx).remove(*user, *id).await? {
                        return Err(Refusal::NotFound("method").into());
                    }
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }

    /// The user of this name and pass, in the tenant of `cx`. An unknown name, one without a pass and a wrong pass are
    /// answered the same, after the same work.
    pub async fn check_pass(&self, cx: &Cx, name: &str, pass: Secret<String>) -> Result<(User, Usage), MeansError> {
        if name.len() > MAX_TEXT || pass.expose().len() > MAX_TEXT {
            return Err(Refusal::Wrong.into());
        }
        let known = self.known_pass(cx, name).await?;
        if known.attempts.is_locked(cx.now) {
            return Err(Refusal::Locked.into());
        }
        let typed = Secret::new(pass.expose().trim().to_ascii_lowercase());
        let mark = self.mark(known.id, typed.expose(), 0);
        let hash = known.pass.as_ref().map(|row| row.hash.clone());
        let is_right = self.directory().passwords().verify(typed, hash).await?;
        let found = known.user.as_ref().zip(known.pass.as_ref()).filter(|_| is_right);
        let Some((user, row)) = found else {
            let record = known.user.map(|user| refused(cx, user.id, "wrong-pass"));
            return Err(self.count(cx, (known.id, Guessed::Pass, mark), record).await?);
        };
        let refusal = if !user.is_enabled {
            Some(Refusal::Disabled)
        } else if !known.is_offered {
            Some(Refusal::NotOffered)
        } else if cx.now < row.start_at || row.expires_at <= cx.now {
            Some(Refusal::Expired)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.store().record(refused(cx, user.id, refusal.reason())).await?;
            return Err(MeansError::Recorded(refusal));
        }
        self.take_pass(cx, user.id, row.id).await?;
        let mode = if row.is_usable_once {
            Mode::TemporaryAccessPassOneTime
        } else {
            Mode::TemporaryAccessPassMultiUse
        };
        Ok((user.clone(), Usage::of(mode)))
    }

    async fn take_pass(&self, cx: &Cx, user: ObjectId, id: Uuid) -> Result<(), MeansError> {
        let used = Record::success(cx, "idp.pass.use", format!("user/{user}/pass/{id}"));
        let again = refused(cx, user, Refusal::Expired.reason());
        let taken = self
            .store()
            .write(cx, (user, id, used, again), |(user, id, used, again), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if Attempts(tx).find(*user, Guessed::Pass).await?.is_locked(now) {
                        return Err(Refusal::Locked.into());
                    }
                    let taken = Passes(tx).take(*user, *id, now).await?;
                    if taken {
                        Attempts(tx).clear(*user, Guessed::Pass).await?;
                    }
                    tx.audit(if taken { used } else { again }).await?;
                    Ok::<_, MeansError>(taken)
                })
            })
            .await?;
        if taken {
            Ok(())
        } else {
            Err(MeansError::Recorded(Refusal::Expired))
        }
    }

    async fn known_pass(&self, cx: &Cx, name: &str) -> Result<Known, MeansError> {
        self.store()
            .read(cx, (name.to_owned(), self.stand_in(name)), |(name, stand_in), tx| {
                Box::pin(async move {
                    let user = Users(tx).find_by_name(name).await?.map(|(user, _)| user);
                    let id = user.as_ref().map_or(*stand_in, |user| user.id);
                    Ok::<_, MeansError>(Known {
                        pass: Passes(tx).find(id).await?,
                        is_offered: offered(tx, id, Method::TemporaryAccessPass).await?,
                        attempts: Attempts(tx).find(id, Guessed::Pass).await?,
                        user,
                        id,
                    })
                })
            })
            .await
    }

    /// Where the failures of a name that nobody has are kept, so that it locks as others do: 65 536 places in a tenant.
    fn stand_in(&self, name: &str) -> ObjectId {
        let digest = self.inner().marks.digest(key_of(name));
        ObjectId::from_uuid(Uuid::from_u64_pair(u64::from(digest[0]) << 8 | u64::from(digest[1]), 1))
    }
}

/// What a new pass is like by the policy.
fn settled(cx: &Cx, rules: &TemporaryAccessPass, new: NewPass) -> Result<(u32, bool, Timestamp), Refusal> {
    let lifetime = new.lifetime.unwrap_or(rules.default_lifetime);
    if !(rules.minimum_lifetime..=rules.maximum_lifetime).contains(&lifetime) {
        return Err(Refusal::Value("lifetimeInMinutes"));
    }
    let only_once = rules.is_usable_once == Some(true);
    if only_once && new.is_usable_once == Some(false) {
        return Err(Refusal::Value("isUsableOnce"));
    }
    let start_at = new.start_at.unwrap_or(cx.now);
    if start_at + minutes(lifetime) <= cx.now || start_at > cx.now + MAX_AHEAD {
        return Err(Refusal::Value("startDateTime"));
    }
    Ok((lifetime, new.is_usable_once.unwrap_or(only_once), start_at))
}

pub(crate) const fn minutes(count: u32) -> Duration {
    Duration::from_secs(count as u64 * 60)
}

/// Signs that are all as likely.
fn random_pass(random: &dyn Random, length: u32) -> Secret<String> {
    let fair = u8::try_from(256 / SIGNS.len() * SIGNS.len()).expect("less than 256");
    let mut text = String::new();
    while text.len() < length as usize {
        let bytes = random_array::<32>(random);
        let signs = bytes.iter().filter(|byte| **byte < fair);
        let left = length as usize - text.len();
        text.extend(
            signs
                .take(left)
                .map(|byte| char::from(SIGNS[*byte as usize % SIGNS.len()])),
        );
    }
    Secret::new(text)
}
