//! Passwords: argon2id (RFC 9106) on a bounded pool.
//!
//! One hash takes about 28 ms of a core and 19 MiB. As many run at once as there are cores; a few more wait; the rest
//! is told to come back, so that a crowd of guesses neither fills the memory nor holds up the tokens of everybody else.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hygie_core::{Random, Secret, random_array};
use tokio::sync::Semaphore;

/// Longest password that is looked at, in characters.
pub const MAX_PASSWORD: usize = 256;

/// Whether a password is longer than anybody looks at.
pub fn is_too_long(password: &str) -> bool {
    password.chars().nth(MAX_PASSWORD).is_some()
}

/// Passwords that may wait for each one that is being checked.
const WAITING: usize = 32;

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// More wait than the pool takes.
    #[error("too many passwords are waiting")]
    Busy,
    /// It cannot be hashed.
    #[error("a password cannot be hashed")]
    Hash,
    /// The task ended without an answer.
    #[error("a worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

/// The pool.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Checked when there is no user, so that the time does not tell.
    decoy: Arc<Secret<String>>,
}

impl Passwords {
    /// A pool that checks `workers` passwords at once.
    pub fn new(workers: usize, random: &dyn Random) -> Result<Self, PasswordError> {
        let nobody = Secret::new(String::from_utf8_lossy(&random_array::<16>(random)).into_owned());
        Ok(Self {
            running: Arc::new(Semaphore::new(workers)),
            waiting: Arc::new(Semaphore::new(workers * WAITING)),
            decoy: Arc::new(hash_now(&nobody, random_array(random))?),
        })
    }

    /// The hash of a new password, as a PHC string.
    pub async fn hash(&self, password: Secret<String>, random: &dyn Random) -> Result<Secret<String>, PasswordError> {
        let salt = random_array(random);
        self.run(move || hash_now(&password, salt)).await?
    }

    /// Whether `password` made `hash`; without a hash it takes as long, and is false.
    pub async fn verify(&self, password: Secret<String>, hash: Option<Secret<String>>) -> Result<bool, PasswordError> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| (*self.decoy).clone());
        let matches = self
            .run(move || {
                let parsed = PasswordHash::new(hash.expose()).map_err(|_| PasswordError::Hash)?;
                Ok::<_, PasswordError>(argon2()?.verify_password(password.expose().as_bytes(), &parsed).is_ok())
            })
            .await??;
        Ok(matches && is_known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        // Never closed: it lives as long as the pool.
        let permit = self
            .running
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Busy)?;
        // The permit goes with the work: a caller that gives up does not make room for another hash at once.
        let done = tokio::task::spawn_blocking(move || {
            let out = work();
            drop(permit);
            out
        });
        Ok(done.await?)
    }
}

/// The OWASP minimum: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| PasswordError::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &Secret<String>, salt: [u8; 16]) -> Result<Secret<String>, PasswordError> {
    let hash: PasswordHash = argon2()?
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|_| PasswordError::Hash)?;
    Ok(Secret::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_fits_its_hash_only() {
        let random = Counting(0.into());
        let pool = Passwords::new(1, &random).unwrap();
        let hash = pool.hash(secret("correct horse"), &random).await.unwrap();
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.expose()
        );
        assert!(pool.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!pool.verify(secret("Correct horse"), Some(hash)).await.unwrap());
        assert!(!pool.verify(secret("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_crowd_is_sent_away() {
        let random = Counting(0.into());
        let pool = Passwords::new(1, &random).unwrap();
        let places: Vec<_> = (0..WAITING).map(|_| pool.waiting.try_acquire().unwrap()).collect();
        assert!(matches!(pool.verify(secret("x"), None).await, Err(PasswordError::Busy)));
        drop(places);
        assert!(pool.verify(secret("x"), None).await.is_ok());
    }
}
