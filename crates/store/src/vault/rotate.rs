//! Replacing the key of the columns of an instance while it is in use (`docs/adr/0030-sealed-columns.md`).
//!
//! Each step is durable before the next one: the next key is there; it is the current one, for every process, since the
//! transaction that seals asks; what is under another one is sealed again; the last transaction finds nothing left, and the
//! key before is removed. Stopped anywhere, every key is there that something is under, and the same call goes on.

use std::time::Duration;

use hygie_core::Cx;

use super::check::PAGE;
use super::{SealedColumn, Vault};
use crate::embedded::{Observer, Step};
use crate::keys::{KeyId, KeyState};
use crate::{Store, StoreError, Tx, Value};

/// How often is looked whether the key before may be removed.
const PATIENCE: Duration = Duration::from_millis(50);

/// A rotation whose last transaction finds something: another process sealed it meanwhile, and that is over soon.
const TRIES: usize = 100;

impl Vault {
    /// Replaces the key of these columns, which are all that are sealed in this store; how many values were sealed again.
    pub async fn replace_key(
        &self,
        store: &Store,
        (cx, columns): (&Cx, &'static [SealedColumn]),
        observer: &dyn Observer,
    ) -> Result<u64, StoreError> {
        let (keyring, purpose) = (&self.0.keyring, &self.0.purpose);
        if self.0.is_shared {
            // What another process began is gone on with, and what it has completed is not the next one any more.
            let lines = store.read(cx, self.clone(), |vault, tx| Box::pin(vault.shared_keys(tx)));
            let lines: Vec<String> = lines.await?;
            keyring.adopt(purpose, &lines)?;
        }
        let next = keyring.begin(purpose)?.id;
        observer.reached(Step::Begun);
        let entry = keyring.export(purpose).into_iter().find(|(id, _)| *id == next);
        let entry = entry.map(|(_, line)| line).unwrap_or_default();
        let input = (self.clone(), next, entry);
        store
            .write(cx, input, |(vault, next, entry), tx| {
                Box::pin(vault.make_current(tx, (*next, entry)))
            })
            .await?;
        observer.reached(Step::Switched);
        let mut resealed = 0;
        for _ in 0..TRIES {
            resealed += self.reseal(store, (cx, columns), observer).await?;
            observer.reached(Step::Ready);
            while !observer.may_switch() {
                tokio::time::sleep(PATIENCE).await;
            }
            let input = (self.clone(), next, columns);
            let is_done = store.write(cx, input, |(vault, next, columns), tx| {
                Box::pin(vault.finish(tx, (*next, columns)))
            });
            if is_done.await? {
                observer.reached(Step::Removed);
                keyring.promote(purpose, KeyState::Leaving)?;
                for (_, key) in keyring.in_state(purpose, KeyState::Leaving) {
                    keyring.forget(purpose, key.id)?;
                }
                observer.reached(Step::Forgotten);
                return Ok(resealed);
            }
        }
        Err(StoreError::Busy)
    }

    /// From now on is sealed under this key, by every process.
    async fn make_current(&self, tx: &mut Tx<'_>, (next, entry): (KeyId, &str)) -> Result<(), StoreError> {
        if self.0.is_shared {
            let sql = "INSERT INTO data_key (purpose, id, entry) VALUES (?1, ?2, ?3)
                       ON CONFLICT (purpose, id) DO NOTHING";
            let values = [self.0.purpose.as_str().into(), next.to_string().into(), entry.into()];
            tx.execute(sql, &values).await?;
        }
        let sql = "INSERT INTO column_key ({i.col}one, id) VALUES ({i.val}1, ?1)
                   ON CONFLICT ({i.col}one) DO UPDATE SET id = ?1";
        tx.execute(sql, &[next.to_string().into()]).await.map(drop)
    }

    /// Seals again what is not under the current key, a page in a transaction.
    async fn reseal(
        &self,
        store: &Store,
        (cx, columns): (&Cx, &'static [SealedColumn]),
        observer: &dyn Observer,
    ) -> Result<u64, StoreError> {
        let mut resealed = 0;
        for (done, column) in columns.iter().enumerate() {
            observer.copied(done as u64, columns.len() as u64);
            loop {
                let input = (self.clone(), *column);
                let page = store.write(cx, input, |(vault, column), tx| Box::pin(vault.reseal_page(tx, column)));
                let page = page.await?;
                resealed += page as u64;
                if page < PAGE {
                    break;
                }
            }
        }
        Ok(resealed)
    }

    async fn reseal_page(&self, tx: &mut Tx<'_>, column: &SealedColumn) -> Result<usize, StoreError> {
        let current = self.current(tx).await?;
        let rows = not_under(tx, column, (current, PAGE)).await?;
        let keys = column.key.iter().enumerate();
        let keys: Vec<String> = keys.map(|(at, name)| format!("{name} = ?{}", at + 2)).collect();
        let (table, name) = (column.table, column.column);
        let update = format!("UPDATE {table} SET {name} = ?1 WHERE {{i.is}}{}", keys.join(" AND "));
        for (key, sealed) in &rows {
            let plain = self.unseal(tx, (column, key), sealed).await?;
            let sealed = self.seal(tx, (column, key), plain.expose()).await?;
            let values: Vec<Value> = [sealed.into()].into_iter().chain(key.iter().cloned()).collect();
            tx.execute(&update, &values).await?;
        }
        Ok(rows.len())
    }

    /// Whether nothing is left under another key; then processes that share keys have only this one.
    async fn finish(
        &self,
        tx: &mut Tx<'_>,
        (next, columns): (KeyId, &'static [SealedColumn]),
    ) -> Result<bool, StoreError> {
        if self.current(tx).await? != next {
            let other = "another process replaces the key of the columns at this moment";
            return Err(StoreError::Inconsistent(other.to_owned()));
        }
        for column in columns {
            if !not_under(tx, column, (next, 1)).await?.is_empty() {
                return Ok(false);
            }
        }
        if self.0.is_shared {
            let sql = "DELETE FROM data_key WHERE purpose = ?1 AND id <> ?2";
            let values = [self.0.purpose.as_str().into(), next.to_string().into()];
            tx.execute(sql, &values).await?;
        }
        Ok(true)
    }
}

/// Rows whose value is not under this key: the key of each, and what is sealed.
async fn not_under(
    tx: &mut Tx<'_>,
    column: &SealedColumn,
    (key, limit): (KeyId, usize),
) -> Result<Vec<(Vec<Value>, Vec<u8>)>, StoreError> {
    let sql = format!(
        "SELECT {} FROM {} WHERE {{i.is}}substr({}, 2, 8) <> ?1 LIMIT {limit}",
        column.columns(),
        column.table,
        column.column
    );
    let rows = tx.query(&sql, &[key.0.into()]).await?;
    let row = |mut row: crate::Row| Ok((row.values(column.key.len()), row.take(column.key.len())?));
    rows.into_iter().map(row).collect()
}
