//! Wrong codes and passes: counted per person and kind of means, and locked as passwords are.
//!
//! The counts are not those of the password, and a right password does not clear them: who knows a password must not
//! thereby have as many guesses at the second factor as they like.

use hygie_core::{Cx, ObjectId};
use hygie_directory::Mark;
use hygie_directory::repo::{Attempts, Guessed};
use hygie_store::audit::{Outcome, Record};

use crate::{Means, MeansError, Refusal};

impl Means {
    /// Counts a wrong guess, records it where the person is known, and gives the refusal.
    pub(crate) async fn count(
        &self,
        cx: &Cx,
        (user, guessed, mark): (ObjectId, Guessed, Mark),
        record: Option<Record>,
    ) -> Result<MeansError, MeansError> {
        let is_recorded = record.is_some();
        let input = (user, guessed, mark, record);
        let is_locked = self
            .store()
            .write(cx, input, |(user, guessed, mark, record), tx| {
                Box::pin(async move {
                    let now = tx.cx().now;
                    // Read again: others may have guessed since.
                    let next = Attempts(tx).find(*user, *guessed).await?.failed(*mark, now);
                    Attempts(tx).set(*user, *guessed, &next).await?;
                    if let Some(record) = record {
                        tx.audit(record).await?;
                    }
                    Ok::<_, MeansError>(next.is_locked(now))
                })
            })
            .await?;
        let refusal = if is_locked { Refusal::Locked } else { Refusal::Wrong };
        Ok(if is_recorded {
            MeansError::Recorded(refusal)
        } else {
            refusal.into()
        })
    }

    /// A mark of a guess: too short to find it by.
    pub(crate) fn mark(&self, user: ObjectId, guess: &str, step: i64) -> Mark {
        let digest = self.inner().marks.digest(format!("{user} {step} {guess}"));
        [digest[0], digest[1]]
    }
}

/// A refused sign-in of a known person.
pub(crate) fn refused(cx: &Cx, user: ObjectId, reason: &'static str) -> Record {
    Record::success(cx, "idp.signin", format!("user/{user}")).ended(Outcome::Refused, reason)
}
