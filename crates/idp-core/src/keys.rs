//! Signing keys: the ring in memory, its document, and rotation.
//!
//! There is always one key that signs and one that is published to sign next; a key that ceased to sign stays published
//! until no token of it can be alive and no cache of it is asked. Every key has a self-signed certificate, whose SHA-1
//! thumbprint names it, because that is what clients of Entra ID look for (`x5t`, `x5c`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use hygie_core::{Cx, Timestamp};
use hygie_directory::Directory;
use hygie_directory::repo::{KeyMark, KeyRow, Keys};
use hygie_jose::{Algorithm, Certificate, JoseError, Jwks, KeySet, Protected, SigningKey};
use hygie_oidc::discovery::Provider;
use hygie_store::Store;
use hygie_store::audit::Record;
use serde_json::{Map, Value};

use crate::signers::Signers;
use crate::{Deps, IdpError};

/// A key signs for so long.
const ROTATE_AFTER: Duration = Duration::from_hours(90 * 24);
/// A key is published so long before it signs: as long as our document may be cached.
const PUBLISHED_BEFORE: Duration = Duration::from_hours(24);
/// A key stays published so long after it ceased to sign.
const KEPT_AFTER: Duration = Duration::from_hours(28 * 24);
/// The store is asked again for keys we do not know after so long.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Certificates of keys are valid so long; nobody checks it, and no key lives as long.
const CERTIFIED_FOR: Duration = Duration::from_hours(5 * 365 * 24);

/// The keys as used: parsed once, replaced as a whole.
pub struct Ring {
    /// The key that signs.
    signer: Arc<SigningKey>,
    /// What verifies our own tokens.
    pub keys: Arc<KeySet>,
    /// The published keys.
    pub jwks: Jwks,
    /// The document at `discovery/v2.0/keys`.
    pub document_v2: Bytes,
    /// The document at `discovery/keys`: without `issuer`.
    pub document_v1: Bytes,
    /// What it was made of.
    marks: Vec<KeyMark>,
}

impl Ring {
    fn of(rows: &[KeyRow], issuer: &str) -> Result<Self, IdpError> {
        let mut jwks = Jwks::default();
        let mut signer = None;
        for row in rows {
            let key = SigningKey::from_pkcs8(Algorithm::Rs256, &row.pkcs8)?
                .with_certificate(Certificate::from_der(&row.certificate)?)?;
            let mut jwk = key.public_jwk();
            jwk.issuer = Some(issuer.to_owned());
            jwks.keys.push(jwk);
            if row.active_from.is_some() && row.retired_at.is_none() {
                signer = Some(Arc::new(key));
            }
        }
        let mut without = jwks.clone();
        without.keys.iter_mut().for_each(|key| key.issuer = None);
        Ok(Self {
            signer: signer.ok_or(JoseError::Key("none of the stored keys is active"))?,
            keys: Arc::new(KeySet::new(&jwks)),
            document_v2: serde_json::to_vec(&jwks)?.into(),
            document_v1: serde_json::to_vec(&without)?.into(),
            marks: rows.iter().map(KeyMark::of).collect(),
            jwks,
        })
    }
}

/// When to rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// If the key is old enough, and the next one was published long enough.
    WhenDue,
    /// At once; clients that cached the document find the new one by its unknown `kid`.
    Now,
    /// At once and without grace, because somebody else may have the keys: nothing that they signed is accepted any
    /// more: no new token from now on, one that a data service has verified for five minutes more at most, elsewhere
    /// when the document is fetched again. Who had the one that signs had the next.
    Compromised,
}

/// Signs, and keeps the keys it signs with.
pub struct Signer {
    directory: Directory,
    /// `issuer` of each published key.
    issuer: String,
    /// Common name of the certificates.
    name: String,
    ring: ArcSwap<Ring>,
    threads: Signers,
    /// When the ring was last read, in milliseconds.
    read_at: AtomicI64,
}

impl Signer {
    /// Reads the keys; makes the first ones when there are none. `workers` signatures are made at once.
    pub(crate) async fn open(deps: &Deps, provider: &Provider) -> Result<Self, IdpError> {
        let name = provider.login.trim_start_matches("https://").to_owned();
        let directory = deps.directory.clone();
        let cx = directory.provider_cx();
        let mut rows = key_rows(directory.store(), &cx).await?;
        if rows.is_empty() {
            rows = first_keys(directory.store(), &cx, &name).await?;
        }
        Ok(Self {
            ring: ArcSwap::from_pointee(Ring::of(&rows, &provider.issuer_of_keys())?),
            directory,
            issuer: provider.issuer_of_keys(),
            name,
            threads: Signers::start(deps.workers).map_err(IdpError::Threads)?,
            read_at: AtomicI64::new(cx.now.millis()),
        })
    }

    /// The keys as used now.
    pub fn ring(&self) -> Arc<Ring> {
        self.ring.load_full()
    }

    /// Signs claims with the current key, on one of the threads for it.
    pub(crate) async fn sign(&self, header: Protected, claims: Map<String, Value>) -> Result<String, IdpError> {
        let key = self.ring.load().signer.clone();
        let signed = self.threads.run(move || key.sign(&header, &claims)).await;
        Ok(signed.ok_or(IdpError::Unsigned)??)
    }

    /// Takes in what other processes rotated, unless that was done a moment ago: whoever sends tokens with invented key
    /// ids does not make us read the store for each.
    pub(crate) async fn refresh_soon(&self) -> Result<(), IdpError> {
        let now = self.directory.clock().now();
        let last = Timestamp::from_millis(self.read_at.load(Ordering::Relaxed));
        if now.since(last) < ASKED_AGAIN_AFTER {
            return Ok(());
        }
        self.refresh().await
    }

    /// Takes in what other processes rotated, and removes the keys that nobody needs any more.
    pub(crate) async fn refresh(&self) -> Result<(), IdpError> {
        let cx = self.directory.provider_cx();
        self.read_at.store(cx.now.millis(), Ordering::Relaxed);
        let before = cx.now - KEPT_AFTER;
        let rows = key_rows(self.directory.store(), &cx).await?;
        if rows.iter().any(|row| row.retired_at.is_some_and(|at| at < before)) {
            self.directory
                .store()
                .write(&cx, before, |before, tx| {
                    Box::pin(async move { Keys(tx).remove_retired(*before).await })
                })
                .await?;
        }
        let kept: Vec<KeyRow> = rows
            .into_iter()
            .filter(|row| row.retired_at.is_none_or(|at| at >= before))
            .collect();
        self.ring.store(Arc::new(Ring::of(&kept, &self.issuer)?));
        Ok(())
    }

    /// Takes in what other processes rotated or replaced, if anything: mostly it costs the reading of three names.
    pub(crate) async fn follow(&self) -> Result<(), IdpError> {
        let cx = self.directory.provider_cx();
        let marks = self
            .directory
            .store()
            .read(&cx, (), |(), tx| {
                Box::pin(async move { Ok::<_, IdpError>(Keys(tx).list_marks().await?) })
            })
            .await?;
        if marks == self.ring.load().marks {
            return Ok(());
        }
        self.refresh().await
    }

    /// Lets the next key sign, and publishes a new next one. False when nothing was due.
    pub(crate) async fn rotate(&self, rotation: Rotation) -> Result<bool, IdpError> {
        if rotation == Rotation::Compromised {
            return self.replace().await;
        }
        let cx = self.directory.provider_cx();
        if next_to_sign(&key_rows(self.directory.store(), &cx).await?, rotation, cx.now).is_none() {
            return Ok(false);
        }
        let fresh = new_key(&self.name, cx.now, None).await?;
        let input = (fresh, rotation, Record::success(&cx, "idp.keys.rotate", "keys"));
        let rotated = self
            .directory
            .store()
            .write(&cx, input, |(fresh, rotation, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    // Decided again inside the transaction: another process may have rotated meanwhile.
                    let Some(next) = next_to_sign(&Keys(tx).list().await?, *rotation, now) else {
                        return Ok::<_, IdpError>(false);
                    };
                    Keys(tx).activate(&next, now).await?;
                    Keys(tx).insert(fresh).await?;
                    tx.audit(record).await?;
                    Ok(true)
                })
            })
            .await?;
        self.refresh().await?;
        Ok(rotated)
    }

    /// Removes every key, retired ones too, and begins anew.
    async fn replace(&self) -> Result<bool, IdpError> {
        let cx = self.directory.provider_cx();
        let record = Record::success(&cx, "idp.keys.replace", "keys");
        self.directory
            .store()
            .write(
                &cx,
                (new_keys(&self.name, cx.now).await?, record),
                |(keys, record), tx| {
                    Box::pin(async move {
                        Keys(tx).remove_all().await?;
                        for key in keys {
                            Keys(tx).insert(key).await?;
                        }
                        tx.audit(record).await?;
                        Ok::<_, IdpError>(())
                    })
                },
            )
            .await?;
        self.refresh().await?;
        Ok(true)
    }
}

async fn key_rows(store: &Store, cx: &Cx) -> Result<Vec<KeyRow>, IdpError> {
    store
        .read(cx, (), |(), tx| Box::pin(async move { Ok(Keys(tx).list().await?) }))
        .await
}

async fn first_keys(store: &Store, cx: &Cx, name: &str) -> Result<Vec<KeyRow>, IdpError> {
    let keys = new_keys(name, cx.now).await?;
    let input = (keys, Record::success(cx, "idp.keys.create", "keys"));
    store
        .write(cx, input, |(keys, record), tx| {
            Box::pin(async move {
                let present = Keys(tx).list().await?;
                if !present.is_empty() {
                    return Ok(present);
                }
                for key in keys {
                    Keys(tx).insert(key).await?;
                }
                tx.audit(record).await?;
                // In the order of the table, in which every other process publishes them.
                Ok::<_, IdpError>(Keys(tx).list().await?)
            })
        })
        .await
}

/// A key that signs and the next one.
async fn new_keys(name: &str, now: Timestamp) -> Result<Vec<KeyRow>, IdpError> {
    Ok(vec![
        new_key(name, now, Some(now)).await?,
        new_key(name, now, None).await?,
    ])
}

async fn new_key(name: &str, now: Timestamp, active_from: Option<Timestamp>) -> Result<KeyRow, IdpError> {
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || {
        let key = SigningKey::generate(Algorithm::Rs256)?;
        let certificate = Certificate::self_signed(&key, &name, now, now + CERTIFIED_FOR)?;
        Ok(KeyRow {
            kid: certificate.x5t(),
            pkcs8: key.to_pkcs8()?,
            certificate: certificate.der().to_vec(),
            published_at: now,
            active_from,
            retired_at: None,
        })
    })
    .await?
}

/// The key that shall sign from now on, if it is time.
fn next_to_sign(rows: &[KeyRow], rotation: Rotation, now: Timestamp) -> Option<String> {
    let current = rows
        .iter()
        .find(|row| row.active_from.is_some() && row.retired_at.is_none())?;
    let next = rows.iter().find(|row| row.active_from.is_none())?;
    let is_due = now.since(current.active_from?) >= ROTATE_AFTER && now.since(next.published_at) >= PUBLISHED_BEFORE;
    (rotation == Rotation::Now || is_due).then(|| next.kid.clone())
}

#[cfg(test)]
mod tests {
    use hygie_core::Secret;

    use super::*;

    fn row(kid: &str, published: i64, active: Option<i64>, retired: Option<i64>) -> KeyRow {
        let at = |hours: i64| Timestamp::from_secs(hours * 3600);
        KeyRow {
            kid: kid.to_owned(),
            pkcs8: Secret::new(Vec::new()),
            certificate: Vec::new(),
            published_at: at(published),
            active_from: active.map(at),
            retired_at: retired.map(at),
        }
    }

    #[test]
    fn a_key_signs_ninety_days_and_is_published_a_day_before() {
        let days = |n: i64| n * 24;
        let rows = [
            row("old", 0, Some(0), Some(1)),
            row("now", 0, Some(1), None),
            row("next", 1, None, None),
        ];
        for (hours, rotation, expected) in [
            (days(90), Rotation::WhenDue, None),
            (days(90) + 1, Rotation::WhenDue, Some("next")),
            (2, Rotation::Now, Some("next")),
        ] {
            let found = next_to_sign(&rows, rotation, Timestamp::from_secs(hours * 3600));
            assert_eq!(found.as_deref(), expected, "{hours} {rotation:?}");
        }
        let late = [row("now", 0, Some(0), None), row("next", days(90) - 1, None, None)];
        let at = |hours: i64| next_to_sign(&late, Rotation::WhenDue, Timestamp::from_secs(hours * 3600));
        assert_eq!(at(days(90)), None, "published for an hour only");
        assert_eq!(at(days(91) - 1).as_deref(), Some("next"));
        assert_eq!(next_to_sign(&[], Rotation::Now, Timestamp::from_secs(0)), None);
    }
}
