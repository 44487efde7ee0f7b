//! What people are shown, what they answer, and what of it counts.

use std::collections::BTreeSet;

use hygie_core::{Cx, ObjectId};
use hygie_policy::agreement::{asked_again, best, newest};
use hygie_policy::{AgreementFileId, AgreementId};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};

use super::operations::new_answer;
use super::{AgreementError, Terms};
use crate::Directory;
use crate::repo::{Agreements, AnswerRow, Answers, Users};

/// Answers of one person that are looked at: as many files as all agreements of a tenant may have.
const MAX_ANSWERS: u32 = 4_000;

/// What somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They accept.
    Accepted,
    /// They do not.
    Declined,
}

/// What somebody is shown of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The agreement.
    pub agreement: AgreementId,
    /// Its title for people.
    pub display_name: String,
    /// The file in the best language.
    pub file: AgreementFileId,
    /// Its name.
    pub file_name: String,
    /// Its language.
    pub language: String,
    /// Whether it must be opened before it is accepted.
    pub must_be_viewed: bool,
}

impl Directory {
    /// The agreements that a person has accepted, and whose acceptance counts now.
    pub async fn accepted_agreements(&self, cx: &Cx, user: ObjectId) -> Result<BTreeSet<AgreementId>, StoreError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    let answers = Agreements(tx)
                        .page_answers(Answers::By(*user), None, MAX_ANSWERS)
                        .await?;
                    let agreements: BTreeSet<AgreementId> = answers.iter().map(|answer| answer.agreement).collect();
                    let mut accepted = BTreeSet::new();
                    for agreement in agreements {
                        let all = answers.iter().filter(|answer| answer.agreement == agreement);
                        let last = all.max_by_key(|answer| answer.recorded_at);
                        if let Some(last) = last.filter(|answer| answer.is_accepted)
                            && counts(tx, last).await?
                        {
                            accepted.insert(agreement);
                        }
                    }
                    Ok::<_, StoreError>(accepted)
                })
            })
            .await
    }

    /// What somebody who reads these languages, the best first, is shown of an agreement.
    pub async fn agreement_for(
        &self,
        cx: &Cx,
        agreement: AgreementId,
        languages: &[&str],
    ) -> Result<Option<Shown>, StoreError> {
        let Some(terms) = self.find_agreement(cx, agreement).await? else {
            return Ok(None);
        };
        let shown = best(&terms.files, languages).and_then(|file| {
            let title = file.display_name.as_ref().unwrap_or(&terms.agreement.display_name);
            Some(Shown {
                agreement,
                display_name: title.clone(),
                file: file.id?,
                file_name: file.file_name.clone(),
                language: file.language.clone(),
                must_be_viewed: terms.agreement.must_be_viewed.unwrap_or(false),
            })
        });
        Ok(shown)
    }

    /// Records what a person answers to a file, which must still be the newest of its language.
    pub async fn answer_agreement(
        &self,
        cx: &Cx,
        user: ObjectId,
        (agreement, file): (AgreementId, AgreementFileId),
        answer: Answer,
    ) -> Result<(), AgreementError> {
        let action = match answer {
            Answer::Accepted => "idp.agreement.accept",
            Answer::Declined => "idp.agreement.decline",
        };
        let record = Record::success(cx, action, format!("agreement/{agreement}/file/{file}/user/{user}"));
        let row = AnswerRow {
            id: new_answer(cx),
            agreement,
            user,
            file,
            is_accepted: answer == Answer::Accepted,
            recorded_at: cx.now,
        };
        self.change(cx, (row, record), |(row, record), tx| {
            Box::pin(async move {
                let missing = |id: String| AgreementError::NotFound(id);
                if Users(tx).find(row.user).await?.is_none() {
                    return Err(missing(row.user.to_string()));
                }
                let terms = Terms::load(tx, row.agreement).await?;
                let terms = terms.ok_or_else(|| missing(row.agreement.to_string()))?;
                terms.find(row.file).ok_or_else(|| missing(row.file.to_string()))?;
                if !newest(&terms.files).iter().any(|file| file.id == Some(row.file)) {
                    return Err(AgreementError::Outdated);
                }
                Agreements(tx).put_answer(row).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Whether an acceptance counts now.
async fn counts(tx: &mut Tx<'_>, answer: &AnswerRow) -> Result<bool, StoreError> {
    let now = tx.cx().now;
    let terms = Terms::load(tx, answer.agreement).await?;
    Ok(terms.is_some_and(|terms| {
        let again = asked_again(&terms.files);
        terms.agreement.counts(answer.recorded_at, again, now)
    }))
}
