//! Agreements, their files, and what people answered to them.

use hygie_core::{ObjectId, Timestamp};
use hygie_policy::{AgreementFileId, AgreementId};
use hygie_store::{Row, StoreError, Tx, Value};

use super::uuid;

use crate::logs::{Subject, seen};

/// The agreements of a tenant.
pub struct Agreements<'t, 'e>(pub &'t mut Tx<'e>);

/// What somebody answered last to a file of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// Its id.
    pub id: ObjectId,
    /// To which agreement.
    pub agreement: AgreementId,
    /// Who.
    pub user: ObjectId,
    /// To which file of it.
    pub file: AgreementFileId,
    /// Whether it was accepted.
    pub is_accepted: bool,
    /// When.
    pub recorded_at: Timestamp,
}

/// Answers of whom, or to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// To this agreement.
    Of(AgreementId),
    /// By this person.
    By(ObjectId),
}

fn bytes(id: ::uuid::Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

const ANSWER: &str = "id, agreement, user_id, file, accepted, recorded_at";

impl Agreements<'_, '_> {
    /// The documents of all of them, in order of id.
    pub async fn list(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT document FROM idp_agreement WHERE {i.is}tenant = :tenant ORDER BY id";
        let rows = self.0.query(sql, &[]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// The document of one.
    pub async fn find(&mut self, id: AgreementId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT document FROM idp_agreement WHERE {i.is}tenant = :tenant AND id = ?1";
        let row = self.0.query_one(sql, &[bytes(id.uuid())]).await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Writes one, in the place of an earlier one with its id.
    pub async fn put(&mut self, id: AgreementId, document: &str) -> Result<(), StoreError> {
        seen(self.0, Subject::Agreement(id.uuid())).await?;
        let sql = "INSERT INTO idp_agreement ({i.col}tenant, id, document) VALUES ({i.val}:tenant, ?1, ?2)
                   ON CONFLICT ({i.col}tenant, id) DO UPDATE SET document = excluded.document";
        self.0
            .execute(sql, &[bytes(id.uuid()), document.into()])
            .await
            .map(drop)
    }

    /// Removes one with its files and all answers to it.
    pub async fn remove(&mut self, id: AgreementId) -> Result<(), StoreError> {
        seen(self.0, Subject::Agreement(id.uuid())).await?;
        for sql in [
            "DELETE FROM idp_agreement_pdf WHERE {i.is}tenant = :tenant AND agreement = ?1",
            "DELETE FROM idp_agreement_file WHERE {i.is}tenant = :tenant AND agreement = ?1",
            "DELETE FROM idp_agreement_answer WHERE {i.is}tenant = :tenant AND agreement = ?1",
            "DELETE FROM idp_agreement WHERE {i.is}tenant = :tenant AND id = ?1",
        ] {
            self.0.execute(sql, &[bytes(id.uuid())]).await?;
        }
        Ok(())
    }

    /// The documents of the files of an agreement, the oldest first.
    pub async fn list_files(&mut self, agreement: AgreementId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT document FROM idp_agreement_file WHERE {i.is}tenant = :tenant AND agreement = ?1
                   ORDER BY number";
        let rows = self.0.query(sql, &[bytes(agreement.uuid())]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// Writes a file: its document, and its bytes apart. Numbers tell the order of files.
    pub async fn insert_file(
        &mut self,
        (agreement, id): (AgreementId, AgreementFileId),
        number: u32,
        document: &str,
        pdf: &[u8],
    ) -> Result<(), StoreError> {
        seen(self.0, Subject::Agreement(agreement.uuid())).await?;
        let sql = "INSERT INTO idp_agreement_file ({i.col}tenant, agreement, id, number, document)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4)";
        let keys = [bytes(agreement.uuid()), bytes(id.uuid())];
        let values = [keys[0].clone(), keys[1].clone(), number.into(), document.into()];
        self.0.execute(sql, &values).await?;
        let sql = "INSERT INTO idp_agreement_pdf ({i.col}tenant, agreement, file, pdf)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3)";
        let [agreement, file] = keys;
        self.0.execute(sql, &[agreement, file, pdf.into()]).await.map(drop)
    }

    /// The bytes of a file.
    pub async fn pdf(&mut self, agreement: AgreementId, file: AgreementFileId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT pdf FROM idp_agreement_pdf
                   WHERE {i.is}tenant = :tenant AND agreement = ?1 AND file = ?2";
        let row = self
            .0
            .query_one(sql, &[bytes(agreement.uuid()), bytes(file.uuid())])
            .await?;
        row.map(|mut row| row.take(0)).transpose()
    }

    /// Writes an answer, in the place of an earlier one by the same person to the same file, which keeps its id.
    pub async fn put_answer(&mut self, answer: &AnswerRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO idp_agreement_answer
                   ({i.col}tenant, agreement, user_id, file, id, accepted, recorded_at)
                   VALUES ({i.val}:tenant, ?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT ({i.col}tenant, agreement, user_id, file)
                   DO UPDATE SET accepted = excluded.accepted, recorded_at = excluded.recorded_at";
        let values = [
            bytes(answer.agreement.uuid()),
            answer.user.into(),
            bytes(answer.file.uuid()),
            answer.id.into(),
            answer.is_accepted.into(),
            answer.recorded_at.into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Answers after this id, in order of id; at most `limit`.
    pub async fn page_answers(
        &mut self,
        answers: Answers,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<AnswerRow>, StoreError> {
        let (column, value) = match answers {
            Answers::Of(agreement) => ("agreement", bytes(agreement.uuid())),
            Answers::By(user) => ("user_id", user.into()),
        };
        let sql = format!(
            "SELECT {ANSWER} FROM idp_agreement_answer
             WHERE {{i.is}}tenant = :tenant AND {column} = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        );
        let rows = self.0.query(&sql, &[value, super::after(after), limit.into()]).await?;
        rows.into_iter().map(answer).collect()
    }
}

fn answer(mut row: Row) -> Result<AnswerRow, StoreError> {
    let agreement: Vec<u8> = row.take(1)?;
    let file: Vec<u8> = row.take(3)?;
    Ok(AnswerRow {
        id: row.take(0)?,
        agreement: AgreementId::from_uuid(uuid(&agreement, "idp_agreement_answer.agreement")?),
        user: row.take(2)?,
        file: AgreementFileId::from_uuid(uuid(&file, "idp_agreement_answer.file")?),
        is_accepted: row.take(4)?,
        recorded_at: row.take(5)?,
    })
}
