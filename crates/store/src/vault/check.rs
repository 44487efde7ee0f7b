//! Looking whether every sealed value opens.

use hygie_core::Cx;

use super::SealedColumn;
use crate::{Store, StoreError};

/// Values of a column that are sealed again in one transaction.
pub(super) const PAGE: usize = 500;

impl SealedColumn {
    /// Columns of the key and the sealed one, for a statement.
    pub(super) fn columns(&self) -> String {
        format!("{}, {}", self.key.join(", "), self.column)
    }
}

impl Store {
    /// How many values of these columns are sealed and open, and what is wrong with the others: one finding for a column.
    pub async fn verify_sealed(
        &self,
        cx: &Cx,
        columns: &'static [SealedColumn],
    ) -> Result<(u64, Vec<String>), StoreError> {
        let (mut opened, mut findings) = (0, Vec::new());
        for column in columns {
            let (good, bad, first) = self
                .read(cx, *column, |column, tx| {
                    Box::pin(async move {
                        let sql = format!(
                            "SELECT {} FROM {} WHERE {{i.is}}{} IS NOT NULL",
                            column.columns(),
                            column.table,
                            column.column
                        );
                        let (mut good, mut bad, mut first) = (0_u64, 0_u64, None);
                        for mut row in tx.query(&sql, &[]).await? {
                            let key = row.values(column.key.len());
                            let sealed: Vec<u8> = row.take(column.key.len())?;
                            match tx.unseal(column, &key, &sealed).await {
                                Ok(_) => good += 1,
                                Err(StoreError::Sealed { why, .. }) => {
                                    bad += 1;
                                    first = first.or(Some(why));
                                }
                                Err(error) => return Err(error),
                            }
                        }
                        Ok::<_, StoreError>((good, bad, first))
                    })
                })
                .await?;
            opened += good;
            if let Some(why) = first {
                findings.push(format!("{}: {bad} sealed values do not open: {why}", column.name()));
            }
        }
        Ok((opened, findings))
    }
}
