//! One-time codes by time (TOTP, RFC 6238): an application on a telephone, or a device.
//!
//! # Deviations
//!
//! - A code of the step before or after the present one is taken (RFC 6238 §5.2), and no code of a step up to the last one
//!   that was used: each is good once, whoever asks at the same time.
//! - What an application registers is SHA-1, thirty seconds, six digits, because many applications ignore anything else.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, Secret, random_array};
use hygie_directory::User;
use hygie_directory::repo::{Attempts, Guessed, Lockout, NoticeRow, OathRow, Oaths, Users};
use hygie_jose::base64url;
use hygie_policy::methods::Method;
use hygie_policy::strength::{Mode, Usage};
use hygie_store::audit::Record;
use totp_rs::{Algorithm, Builder, Totp};
use uuid::Uuid;

use crate::guess::refused;
use crate::notice::{Change, tell};
use crate::{Means, MeansError, Refusal, named, new_uuid, offered};

/// Makers of codes of one person.
pub const MAX_OATHS: usize = 5;
/// A new maker is confirmed within this time.
const CONFIRM_TTL: Duration = Duration::from_mins(10);
/// Octets of a seed: what SHA-1 gives (RFC 4226 §4).
const SEED: usize = 20;
/// Digits of a code.
const DIGITS: u8 = 6;
/// Seconds of a step.
const PERIOD: u32 = 30;

/// What a person copies into an application to register it. Shown this once.
#[derive(Clone, Debug)]
pub struct CodeOffer {
    /// The seed in base32, to type.
    pub key: Secret<String>,
    /// The same as the address of a QR code (`otpauth://totp/…`).
    pub uri: Secret<String>,
    /// What [`Means::register_codes`] wants back; it holds the seed, and is good for ten minutes.
    pub token: Secret<String>,
}

/// What is known before a code is looked at.
struct Known {
    user: Option<User>,
    is_offered: bool,
    oaths: Vec<OathRow>,
    attempts: Lockout,
}

impl Means {
    /// Begins the registration of an application that makes codes; `issuer` is what it will show above them.
    pub async fn begin_codes(&self, cx: &Cx, user: &User, issuer: &str) -> Result<CodeOffer, MeansError> {
        let known = self.known_codes(cx, user.id).await?;
        check_room(&known)?;
        let seed = Secret::new(random_array::<SEED>(&*cx.random).to_vec());
        let plain = |text: &str| text.replace(':', " ");
        let totp = builder("SHA1", PERIOD, &seed)
            .with_issuer(Some(plain(issuer)))
            .with_account_name(plain(&user.user_principal_name))
            .build_noncompliant();
        let uri = totp.to_url().map_err(|_| MeansError::Setting("no address of a code"))?;
        let value = base64url::encode(seed.expose());
        Ok(CodeOffer {
            key: Secret::new(totp.secret().to_base32()),
            uri: Secret::new(uri),
            token: Secret::new(self.inner().seals.codes.seal(cx, user.id, value, CONFIRM_TTL)?),
        })
    }

    /// Registers the application after it has made its first code.
    pub async fn register_codes(
        &self,
        cx: &Cx,
        user: ObjectId,
        (token, name): (&str, &str),
        code: &str,
    ) -> Result<Uuid, MeansError> {
        let name = named(name)?;
        let seed: String = self.inner().seals.codes.open(cx, user, token)?;
        let seed = Secret::new(base64url::decode(seed).map_err(|_| Refusal::Expired)?);
        let step = matching(&builder("SHA1", PERIOD, &seed).build_noncompliant(), cx, code).ok_or(Refusal::Wrong)?;
        check_room(&self.known_codes(cx, user).await?)?;
        self.insert_codes(cx, user, (seed, step), name).await
    }

    /// Gives a person a maker of codes that is handed over by other ways, as hardware is: its seed, in base32, shown this
    /// once.
    pub async fn assign_codes(&self, cx: &Cx, user: ObjectId, name: &str) -> Result<Secret<String>, MeansError> {
        let name = named(name)?;
        check_room(&self.known_codes(cx, user).await?)?;
        let seed = Secret::new(random_array::<SEED>(&*cx.random).to_vec());
        let key = builder("SHA1", PERIOD, &seed).build_noncompliant().secret().to_base32();
        // Of the steps before now no code was shown to anybody.
        let step = cx.now.secs() / i64::from(PERIOD) - 1;
        self.insert_codes(cx, user, (seed, step), name).await?;
        Ok(Secret::new(key))
    }

    async fn insert_codes(
        &self,
        cx: &Cx,
        user: ObjectId,
        (seed, used_step): (Secret<Vec<u8>>, i64),
        name: String,
    ) -> Result<Uuid, MeansError> {
        let row = OathRow {
            id: new_uuid(cx),
            display_name: name.clone(),
            secret: seed,
            algorithm: "SHA1".to_owned(),
            period: PERIOD,
            used_step,
            created_at: cx.now,
            used_at: None,
        };
        let id = row.id;
        let notice = Change::CodesAdded.of(cx, user, &name);
        let record = Record::success(cx, "idp.oath.create", format!("user/{user}/oath/{id}"));
        self.store()
            .write(cx, (user, row, notice, record), |(user, row, notice, record), tx| {
                Box::pin(async move {
                    let there = Oaths(tx).list(*user).await?;
                    if there.len() >= MAX_OATHS {
                        return Err(Refusal::Full.into());
                    }
                    if there.iter().any(|known| known.secret.expose() == row.secret.expose()) {
                        return Err(Refusal::Exists.into());
                    }
                    Oaths(tx).insert(*user, row).await?;
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await?;
        Ok(id)
    }

    /// Checks a code of somebody who is known by a first factor.
    pub async fn check_code(&self, cx: &Cx, user: ObjectId, code: &str) -> Result<Usage, MeansError> {
        let known = self.known_codes(cx, user).await?;
        if known.attempts.is_locked(cx.now) {
            return Err(Refusal::Locked.into());
        }
        if known.user.is_none_or(|user| !user.is_enabled) {
            return Err(Refusal::Disabled.into());
        }
        if !known.is_offered {
            return Err(Refusal::NotOffered.into());
        }
        // Written in groups as some applications show it.
        let code: String = code.chars().filter(|c| !c.is_whitespace()).take(16).collect();
        let found = known.oaths.iter().find_map(|oath| {
            let totp = builder(&oath.algorithm, oath.period, &oath.secret).build_noncompliant();
            matching(&totp, cx, &code).map(|step| (oath.id, step))
        });
        if let Some((id, step)) = found
            && self.take_step(cx, (user, id), step).await?
        {
            return Ok(Usage::of(Mode::SoftwareOath));
        }
        // Each step has other codes: the same wrong code counts anew with each.
        let mark = self.mark(user, &code, cx.now.secs() / i64::from(PERIOD));
        let record = Some(refused(cx, user, "wrong-code"));
        Err(self.count(cx, (user, Guessed::Code, mark), record).await?)
    }

    /// Takes the step of a right code. False when it was taken before; codes that locked the person meanwhile go first.
    async fn take_step(&self, cx: &Cx, (user, id): (ObjectId, Uuid), step: i64) -> Result<bool, MeansError> {
        let record = Record::success(cx, "idp.oath.use", format!("user/{user}/oath/{id}"));
        self.store()
            .write(cx, (user, id, step, record), |(user, id, step, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    if Attempts(tx).find(*user, Guessed::Code).await?.is_locked(now) {
                        return Err(Refusal::Locked.into());
                    }
                    if !Oaths(tx).take_step((*user, *id), *step, now).await? {
                        return Ok(false);
                    }
                    Attempts(tx).clear(*user, Guessed::Code).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(true)
                })
            })
            .await
    }

    /// Renames a maker of codes.
    pub async fn rename_codes(&self, cx: &Cx, user: ObjectId, id: Uuid, name: &str) -> Result<(), MeansError> {
        let name = named(name)?;
        let notice = Change::CodesRenamed.of(cx, user, &name);
        let record = Record::success(cx, "idp.oath.update", format!("user/{user}/oath/{id}"));
        let input = (user, id, name, notice, record);
        self.store()
            .write(cx, input, |(user, id, name, notice, record), tx| {
                Box::pin(async move {
                    if !Oaths(tx).rename(*user, *id, name).await? {
                        return Err(Refusal::NotFound("method").into());
                    }
                    tell(tx, notice).await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }

    /// Removes a maker of codes.
    pub async fn remove_codes(&self, cx: &Cx, user: ObjectId, id: Uuid) -> Result<(), MeansError> {
        let record = Record::success(cx, "idp.oath.delete", format!("user/{user}/oath/{id}"));
        let notice = Change::CodesRemoved.of(cx, user, "");
        self.store()
            .write(cx, (user, id, notice, record), |(user, id, notice, record), tx| {
                Box::pin(async move {
                    let there = Oaths(tx).list(*user).await?;
                    let found = there.into_iter().find(|oath| oath.id == *id);
                    let found = found.ok_or(Refusal::NotFound("method"))?;
                    Oaths(tx).remove(*user, *id).await?;
                    let about = found.display_name;
                    tell(
                        tx,
                        &NoticeRow {
                            about,
                            ..notice.clone()
                        },
                    )
                    .await?;
                    tx.audit(record).await?;
                    Ok::<_, MeansError>(())
                })
            })
            .await
    }

    async fn known_codes(&self, cx: &Cx, user: ObjectId) -> Result<Known, MeansError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    Ok::<_, MeansError>(Known {
                        user: Users(tx).find(*user).await?,
                        is_offered: offered(tx, *user, Method::SoftwareOath).await?,
                        oaths: Oaths(tx).list(*user).await?,
                        attempts: Attempts(tx).find(*user, Guessed::Code).await?,
                    })
                })
            })
            .await
    }
}

fn check_room(known: &Known) -> Result<(), Refusal> {
    if known.user.is_none() {
        Err(Refusal::NotFound("user"))
    } else if !known.is_offered {
        Err(Refusal::NotOffered)
    } else if known.oaths.len() >= MAX_OATHS {
        Err(Refusal::Full)
    } else {
        Ok(())
    }
}

fn builder(algorithm: &str, period: u32, seed: &Secret<Vec<u8>>) -> Builder {
    let algorithm = match algorithm {
        "SHA256" => Algorithm::SHA256,
        _ => Algorithm::SHA1,
    };
    Builder::new()
        .with_algorithm(algorithm)
        .with_digits(DIGITS)
        .with_skew(1)
        .with_step_duration(period.max(1).into())
        .with_secret(seed.expose().clone())
}

/// The step of a code, if it is one of now.
fn matching(totp: &Totp, cx: &Cx, code: &str) -> Option<i64> {
    let now = u64::try_from(cx.now.secs()).ok()?;
    let step = totp.check(code, now)?;
    i64::try_from(step).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, its last six digits.
    #[test]
    fn examples_of_the_rfc() {
        let sha1 = Secret::new(b"12345678901234567890".to_vec());
        let sha256 = Secret::new(b"12345678901234567890123456789012".to_vec());
        for (at, code1, code256) in [
            (59, "287082", "119246"),
            (1_111_111_109, "081804", "084774"),
            (1_234_567_890, "005924", "819424"),
            (20_000_000_000, "353130", "737706"),
        ] {
            for (algorithm, seed, code) in [("SHA1", &sha1, code1), ("SHA256", &sha256, code256)] {
                let totp = builder(algorithm, 30, seed).build_noncompliant();
                assert_eq!(totp.check(code, at), Some(at / 30), "{algorithm} {at}");
                assert_eq!(totp.check(code, at + 60), None, "{algorithm} {at}");
            }
        }
    }
}
