//! Sealed columns: secrets that whoever reads the tables must not have, such as private keys and seeds of one-time codes.
//!
//! A value is sealed with AES-256-GCM under a data key of the keyring ([`Purpose::columns`]), bound to its table, its column
//! and the key of its row, so that it opens nowhere else. The keyring is never in the database in clear, whatever the engine.
//!
//! In a column: one byte for the form (1), eight for the id of the key, twelve of nonce, then what is sealed with its tag.
//! The nonce is random; far fewer values are ever sealed than 2³².

mod check;
mod rotate;

use std::collections::HashMap;
use std::sync::Arc;

use hygie_core::{Secret, random_array};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::keys::{DataKey, KeyError, KeyId, Keyring, NONCE_LEN, Purpose, Sealer, TAG_LEN};
use crate::{StoreError, Tx, Value};

/// Which key is the current one, in every instance: none is until a first one was replaced. It is decided in the transaction
/// that seals, so that of several processes none seals under a key that another one is about to remove.
pub const TABLE: &str =
    "CREATE TABLE column_key ({i.def}one {int} NOT NULL, id TEXT NOT NULL, PRIMARY KEY ({i.col}one))";

const FORM: u8 = 1;
const ID_LEN: usize = 8;

/// A column whose values are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// The columns that tell one row from another, the tenant included: what a value is bound to.
    pub key: &'static [&'static str],
}

impl SealedColumn {
    /// `table.column`, as errors name it.
    fn name(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }

    /// What a value is bound to, unambiguous: each part with its kind and its length.
    fn bound(&self, row: &[Value]) -> Vec<u8> {
        debug_assert_eq!(row.len(), self.key.len(), "the key of a row of {}", self.table);
        let mut bound = b"hygie column 1".to_vec();
        let mut part = |kind: u8, bytes: &[u8]| {
            bound.push(kind);
            bound.extend((bytes.len() as u64).to_be_bytes());
            bound.extend_from_slice(bytes);
        };
        part(b'n', self.table.as_bytes());
        part(b'n', self.column.as_bytes());
        for value in row {
            match value {
                Value::Null => part(b'0', &[]),
                Value::Int(number) => part(b'i', &number.to_be_bytes()),
                Value::Real(number) => part(b'r', &number.to_bits().to_be_bytes()),
                Value::Text(text) => part(b't', text.as_bytes()),
                Value::Blob(bytes) => part(b'b', bytes),
            }
        }
        bound
    }
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// Nobody sealed it as this program does.
    #[error("it is not sealed")]
    Form,
    /// It is sealed under a key that is not there.
    #[error(
        "it is sealed under the key {0}, which the keyring does not have: keys.json is of another installation, or older"
    )]
    Key(KeyId),
    /// It was altered, or sealed for another row.
    #[error("it was altered, or comes from another row")]
    Altered,
}

/// Seals and opens columns of an instance ([`crate::Store::with_vault`], [`Tx::seal`], [`Tx::unseal`]).
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    keyring: Arc<Keyring>,
    purpose: Purpose,
    /// Whether other processes leave keys in the database.
    is_shared: bool,
    /// The keys that were used. One that is removed meanwhile still opens what a snapshot shows of before.
    known: Mutex<HashMap<KeyId, Arc<Sealer>>>,
}

impl Vault {
    /// For an instance of this process alone; its key is made when there is none.
    pub fn open(keyring: Arc<Keyring>, instance: &str) -> Result<Self, KeyError> {
        keyring.get_or_create(&Purpose::columns(instance))?;
        Ok(Self::of((keyring, instance), false))
    }

    /// For an instance whose processes share keys in its database, which this process has taken in.
    pub fn shared(keyring: Arc<Keyring>, instance: &str) -> Result<Self, KeyError> {
        keyring.get(&Purpose::columns(instance))?;
        Ok(Self::of((keyring, instance), true))
    }

    /// To read an instance beside the process that has it.
    pub fn for_reading(keyring: Arc<Keyring>, instance: &str) -> Self {
        Self::of((keyring, instance), false)
    }

    /// The same, where the processes share keys in the database.
    pub fn for_visiting(keyring: Arc<Keyring>, instance: &str) -> Self {
        Self::of((keyring, instance), true)
    }

    fn of((keyring, instance): (Arc<Keyring>, &str), is_shared: bool) -> Self {
        let purpose = Purpose::columns(instance);
        let known = keyring.find_all(&purpose).iter().map(sealer).collect();
        Self(Arc::new(Inner {
            keyring,
            purpose,
            is_shared,
            known: Mutex::new(known),
        }))
    }

    fn find(&self, id: KeyId) -> Option<Arc<Sealer>> {
        let mut known = self.0.known.lock();
        if !known.contains_key(&id) {
            known.extend(self.0.keyring.find_all(&self.0.purpose).iter().map(sealer));
        }
        known.get(&id).cloned()
    }

    /// The key of this id, which another process may have made.
    async fn get(&self, tx: &mut Tx<'_>, id: KeyId) -> Result<Option<Arc<Sealer>>, StoreError> {
        if let Some(found) = self.find(id) {
            return Ok(Some(found));
        }
        if self.0.is_shared {
            self.0.keyring.import(&self.shared_keys(tx).await?)?;
        }
        Ok(self.find(id))
    }

    /// What processes that share keys have left of them in the database.
    async fn shared_keys(&self, tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT entry FROM data_key WHERE purpose = ?1 ORDER BY number";
        let rows = tx.query(sql, &[self.0.purpose.as_str().into()]).await?;
        rows.into_iter().map(|mut row| row.take(0)).collect()
    }

    /// The key under which is sealed now.
    async fn current(&self, tx: &mut Tx<'_>) -> Result<KeyId, StoreError> {
        let sql = "SELECT id FROM column_key WHERE {i.is}one = 1";
        match tx.query_one(sql, &[]).await? {
            Some(mut row) => {
                let id: String = row.take(0)?;
                id.parse()
                    .map_err(|_| StoreError::Inconsistent("column_key.id is no key".to_owned()))
            }
            None => Ok(self.0.keyring.get(&self.0.purpose)?.id),
        }
    }

    pub(crate) async fn seal(
        &self,
        tx: &mut Tx<'_>,
        (column, row): (&SealedColumn, &[Value]),
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let id = self.current(tx).await?;
        let key = self.get(tx, id).await?;
        let key = key.ok_or_else(|| unopened(column, Unopened::Key(id)))?;
        let nonce = random_array::<NONCE_LEN>(&*tx.cx().random);
        // Room for the tag from the start: growing would leave a copy of the clear value behind.
        let mut sealed = Vec::with_capacity(plain.len() + TAG_LEN);
        sealed.extend_from_slice(plain);
        key.seal(nonce, &column.bound(row), &mut sealed);
        Ok([&[FORM], id.0.as_slice(), &nonce, &sealed].concat())
    }

    pub(crate) async fn unseal(
        &self,
        tx: &mut Tx<'_>,
        (column, row): (&SealedColumn, &[Value]),
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        let parted = parts(sealed).ok_or_else(|| unopened(column, Unopened::Form))?;
        let (id, nonce, sealed) = parted;
        let key = self.get(tx, id).await?;
        let key = key.ok_or_else(|| unopened(column, Unopened::Key(id)))?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let opened = key.open(nonce, &column.bound(row), &mut bytes);
        let opened = opened.ok_or_else(|| unopened(column, Unopened::Altered))?;
        Ok(Secret::new(opened.to_vec()))
    }
}

fn sealer(key: &DataKey) -> (KeyId, Arc<Sealer>) {
    (key.id, Arc::new(Sealer::new(key.key.expose())))
}

fn unopened(column: &SealedColumn, why: Unopened) -> StoreError {
    StoreError::Sealed {
        column: column.name(),
        why,
    }
}

/// The id of the key, the nonce and what is sealed.
fn parts(sealed: &[u8]) -> Option<(KeyId, [u8; NONCE_LEN], &[u8])> {
    let sealed = sealed.strip_prefix(&[FORM])?;
    let (id, sealed) = sealed.split_first_chunk::<ID_LEN>()?;
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    Some((KeyId(*id), *nonce, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SealedColumn = SealedColumn {
        table: "t",
        column: "c",
        key: &["a", "b"],
    };

    #[test]
    fn no_two_rows_are_bound_alike() {
        let rows: [[Value; 2]; 6] = [
            ["a".into(), "bc".into()],
            ["ab".into(), "c".into()],
            [b"a".as_slice().into(), "bc".into()],
            [Value::Null, "abc".into()],
            [1_i64.into(), "bc".into()],
            [1.0_f64.into(), "bc".into()],
        ];
        let other = SealedColumn {
            table: "tc",
            column: "",
            ..ONE
        };
        let mut bound: Vec<_> = rows.iter().map(|row| ONE.bound(row)).collect();
        bound.extend(rows.iter().map(|row| other.bound(row)));
        let all = bound.len();
        bound.sort();
        bound.dedup();
        assert_eq!(bound.len(), all);
    }

    #[test]
    fn what_is_too_short_or_of_another_form_is_not_sealed() {
        let good = [&[FORM][..], &[7; ID_LEN], &[8; NONCE_LEN], b"rest"].concat();
        let (id, nonce, rest) = parts(&good).unwrap();
        assert_eq!((id, nonce, rest), (KeyId([7; 8]), [8; 12], b"rest".as_slice()));
        for len in 0..=ID_LEN + NONCE_LEN {
            assert!(parts(&good[..len]).is_none(), "{len}");
        }
        assert!(parts(&[&[2], &good[1..]].concat()).is_none());
    }
}
