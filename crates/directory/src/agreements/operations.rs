//! Making, changing and removing agreements. Each is one transaction with its record.

use hygie_core::{Cx, ObjectId};
use hygie_policy::agreement::{Agreement, AgreementFile, MAX_AGREEMENTS, MAX_FILES, MAX_PDF, is_pdf};
use hygie_policy::json::Member;
use hygie_policy::{AgreementFileId, AgreementId, Patch};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use serde_json::Value;

use super::{AgreementError, Terms, document};
use crate::admin::new_uuid;
use crate::conditional::AccessRules;
use crate::repo::{Agreements, AnswerRow, Answers};
use crate::{Cursor, Directory};

/// A file to be kept.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What is said of it; its id and its instant are given to it.
    pub file: AgreementFile,
    /// Its bytes.
    pub pdf: Vec<u8>,
}

impl Upload {
    /// As it is kept.
    fn made(mut self, cx: &Cx) -> Result<Self, AgreementError> {
        self.file.check()?;
        if self.pdf.len() > MAX_PDF {
            return Err(AgreementError::TooLarge);
        }
        if !is_pdf(&self.pdf) {
            return Err(AgreementError::NotPdf);
        }
        self.file.id = Some(AgreementFileId::from_uuid(new_uuid(cx)));
        self.file.created_at = Some(cx.now);
        self.file.is_default = Some(self.file.is_default.unwrap_or(false));
        self.file.is_major_version = Some(self.file.is_major_version.unwrap_or(false));
        Ok(self)
    }

    async fn put(&self, tx: &mut Tx<'_>, agreement: AgreementId, number: usize) -> Result<(), StoreError> {
        let id = self.file.id.unwrap_or(AgreementFileId::from_uuid(uuid::Uuid::nil()));
        let text = self.file.write().to_string();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Agreements(tx)
            .insert_file((agreement, id), number, &text, &self.pdf)
            .await
    }
}

/// A person is shown the file of their language, or else the one by default: there is one of each.
fn each_has_a_place(files: &[Upload]) -> Result<(), AgreementError> {
    let language = |one: &Upload| one.file.language.to_ascii_lowercase();
    let is_twice = |(n, one): (usize, &Upload)| files[..n].iter().any(|other| language(other) == language(one));
    if files.iter().enumerate().any(is_twice) {
        return Err(AgreementError::SameLanguage);
    }
    let defaults = files.iter().filter(|one| one.file.is_default == Some(true));
    if defaults.count() > 1 {
        return Err(AgreementError::SeveralDefaults);
    }
    Ok(())
}

fn missing(id: AgreementId) -> AgreementError {
    AgreementError::NotFound(id.to_string())
}

impl Directory {
    /// Makes an agreement with its files.
    pub async fn create_agreement(
        &self,
        cx: &Cx,
        mut agreement: Agreement,
        files: Vec<Upload>,
    ) -> Result<Terms, AgreementError> {
        let id = AgreementId::from_uuid(new_uuid(cx));
        agreement.id = Some(id);
        agreement.check()?;
        if files.is_empty() {
            return Err(AgreementError::NoFile);
        }
        if files.len() > MAX_FILES {
            return Err(AgreementError::TooManyFiles);
        }
        let files: Vec<Upload> = files.into_iter().map(|one| one.made(cx)).collect::<Result<_, _>>()?;
        each_has_a_place(&files)?;
        let made = Terms {
            agreement: agreement.clone(),
            files: files.iter().map(|one| one.file.clone()).collect(),
        };
        let record = Record::success(cx, "idp.agreement.create", format!("agreement/{id}"));
        self.change(
            cx,
            (id, agreement, files, record),
            |(id, agreement, files, record), tx| {
                Box::pin(async move {
                    if Agreements(tx).list().await?.len() >= MAX_AGREEMENTS {
                        return Err(AgreementError::TooMany);
                    }
                    Agreements(tx).put(*id, &agreement.write().to_string()).await?;
                    for (number, file) in files.iter().enumerate() {
                        file.put(tx, *id, number).await?;
                    }
                    tx.audit(record).await?;
                    Ok(())
                })
            },
        )
        .await?;
        Ok(made)
    }

    /// Changes an agreement in part.
    pub async fn update_agreement(&self, cx: &Cx, id: AgreementId, change: Value) -> Result<Agreement, AgreementError> {
        let record = Record::success(cx, "idp.agreement.update", format!("agreement/{id}"));
        self.change(cx, (id, change, record), |(id, change, record), tx| {
            Box::pin(async move {
                let text = Agreements(tx).find(*id).await?.ok_or_else(|| missing(*id))?;
                let changed: Agreement = document::<Agreement>(&text)?.patched(change)?;
                changed.check()?;
                Agreements(tx).put(*id, &changed.write().to_string()).await?;
                tx.audit(record).await?;
                Ok(changed)
            })
        })
        .await
    }

    /// Removes an agreement that no policy asks for, with its files and the answers to it.
    pub async fn delete_agreement(&self, cx: &Cx, id: AgreementId) -> Result<(), AgreementError> {
        let record = Record::success(cx, "idp.agreement.delete", format!("agreement/{id}"));
        self.change(cx, (id, record), |(id, record), tx| {
            Box::pin(async move {
                Agreements(tx).find(*id).await?.ok_or_else(|| missing(*id))?;
                let rules = AccessRules::load(tx).await?;
                let uses = rules.policies.iter().filter(|policy| {
                    let grants = policy.grant_controls.as_ref();
                    grants.is_some_and(|grants| grants.terms_of_use.contains(id))
                });
                let names: Vec<String> = uses.map(|policy| policy.display_name.clone()).collect();
                if !names.is_empty() {
                    return Err(AgreementError::InUse(names));
                }
                Agreements(tx).remove(*id).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives an agreement a file: the newest of its language from now on.
    pub async fn create_agreement_file(
        &self,
        cx: &Cx,
        agreement: AgreementId,
        upload: Upload,
    ) -> Result<AgreementFile, AgreementError> {
        let upload = upload.made(cx)?;
        let made = upload.file.clone();
        let record = Record::success(cx, "idp.agreement.file", format!("agreement/{agreement}"));
        self.change(cx, (agreement, upload, record), |(agreement, upload, record), tx| {
            Box::pin(async move {
                let terms = Terms::load(tx, *agreement).await?;
                let terms = terms.ok_or_else(|| missing(*agreement))?;
                if terms.files.len() >= MAX_FILES {
                    return Err(AgreementError::TooManyFiles);
                }
                upload.put(tx, *agreement, terms.files.len()).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(made)
    }

    /// Every agreement, in order of id.
    pub async fn list_agreements(&self, cx: &Cx) -> Result<Vec<Agreement>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move {
                    let all = Agreements(tx).list().await?;
                    all.iter().map(|text| document(text)).collect()
                })
            })
            .await
    }

    /// An agreement with its files.
    pub async fn find_agreement(&self, cx: &Cx, id: AgreementId) -> Result<Option<Terms>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { Terms::load(tx, *id).await }))
            .await
    }

    /// The bytes of a file of an agreement.
    pub async fn agreement_pdf(
        &self,
        cx: &Cx,
        agreement: AgreementId,
        file: AgreementFileId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.store()
            .read(cx, (agreement, file), |(agreement, file), tx| {
                Box::pin(async move { Agreements(tx).pdf(*agreement, *file).await })
            })
            .await
    }

    /// A page of answers, in order of their ids.
    pub async fn page_answers(&self, cx: &Cx, answers: Answers, at: Cursor) -> Result<Vec<AnswerRow>, StoreError> {
        self.store()
            .read(cx, (answers, at), |(answers, at), tx| {
                Box::pin(async move { Agreements(tx).page_answers(*answers, at.after, at.limit).await })
            })
            .await
    }
}

/// A new id of an answer.
pub(super) fn new_answer(cx: &Cx) -> ObjectId {
    ObjectId::random(&*cx.random)
}
