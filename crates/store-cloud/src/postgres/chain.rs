//! One audit chain of this process: its state, its head outside of the database, and the statements of its entries.
//!
//! Concurrent transactions cannot extend one chain, because an entry's link needs the one before it committed. So a
//! process has a chain for each write that may run at the same time (`WRITER.0`, `WRITER.1`…), and one for accesses.

use std::path::Path;
use std::sync::Arc;

use deadpool_postgres::Client;
use hygie_core::{Random, random_array};
use hygie_store::StoreError;
use hygie_store::audit::{Chain, Entry, Head, HeadFile, HeadName, LinkKey, Record, Resumption, Tip, Trail};
use hygie_store::keys::{DataKey, Keyring, Purpose};
use tokio_postgres::types::ToSql;

use super::error::fault;
use super::link::{Batch, owned};

/// Adds entries of writes.
const AUDIT: &str = "INSERT INTO audit (instance, chain, seq, link, entry)
    SELECT $1, $2, seq, link, entry FROM unnest($3::bigint[], $4::bytea[], $5::bytea[]) AS new (seq, link, entry)";
/// Leaves a mark of a transaction without entries.
const MARK: &str = "UPDATE chain SET mark = $4 WHERE instance = $1 AND trail = $2 AND name = $3";
/// Adds entries of accesses.
pub const ACCESS: &str = "INSERT INTO access (instance, chain, seq, link, entry)
    SELECT $1, $2, seq, link, entry FROM unnest($3::bigint[], $4::bytea[], $5::bytea[]) AS new (seq, link, entry)";

/// The entries from a number on; from the last one without (`NULL`).
const fn since(trail: Trail) -> &'static str {
    match trail {
        Trail::Writes => {
            "SELECT seq, link, entry FROM audit WHERE instance = $1 AND chain = $2 AND seq >= COALESCE($3,
             (SELECT max(last.seq) FROM audit AS last WHERE last.instance = $1 AND last.chain = $2)) ORDER BY seq"
        }
        Trail::Accesses => {
            "SELECT seq, link, entry FROM access WHERE instance = $1 AND chain = $2 AND seq >= COALESCE($3,
             (SELECT max(last.seq) FROM access AS last WHERE last.instance = $1 AND last.chain = $2)) ORDER BY seq"
        }
    }
}

/// Columns of entries, as the statements take them.
pub struct Entries<'a> {
    chain: &'a str,
    /// Their numbers.
    pub seqs: Vec<i64>,
    links: Vec<&'a [u8]>,
    bytes: Vec<&'a [u8]>,
}

impl Entries<'_> {
    /// The values of [`AUDIT`] and [`ACCESS`].
    pub fn params<'p>(&'p self, instance: &'p i64) -> Vec<&'p (dyn ToSql + Sync)> {
        vec![instance, &self.chain, &self.seqs, &self.links, &self.bytes]
    }
}

/// The columns of these entries.
pub fn insert_entries<'a>(chain: &'a str, entries: &'a [Entry]) -> Entries<'a> {
    Entries {
        chain,
        seqs: entries.iter().map(|entry| entry.seq.cast_signed()).collect(),
        links: entries.iter().map(|entry| entry.link.as_slice()).collect(),
        bytes: entries.iter().map(|entry| entry.bytes.as_slice()).collect(),
    }
}

/// What a chain adds to a transaction. It tells later whether the transaction was committed, when the answer was lost: its
/// number does not, because a server that crashed gives numbers again of which it has written nothing.
pub struct Addition {
    chain: String,
    sign: Sign,
}

enum Sign {
    /// These entries, which end so.
    Entries(Vec<Entry>, Tip),
    /// Nothing was recorded: a mark that no other transaction leaves.
    Mark([u8; 16]),
}

/// The columns of an addition.
pub enum Columns<'a> {
    /// Entries.
    Entries(Entries<'a>),
    /// A mark: trail, chain, mark.
    Mark(&'static str, &'a str, &'a [u8]),
}

impl Addition {
    /// As its statement takes it.
    pub fn columns(&self) -> Columns<'_> {
        match &self.sign {
            Sign::Entries(entries, _) => Columns::Entries(insert_entries(&self.chain, entries)),
            Sign::Mark(mark) => Columns::Mark(Trail::Writes.as_str(), &self.chain, mark),
        }
    }
}

impl Columns<'_> {
    /// The statement.
    pub fn batch<'b>(&'b self, instance: &'b i64) -> Batch<'b> {
        match self {
            Self::Entries(entries) => Batch {
                sql: AUDIT,
                params: entries.params(instance),
            },
            Self::Mark(trail, chain, mark) => Batch {
                sql: MARK,
                params: vec![instance, trail, chain, mark],
            },
        }
    }
}

/// The keys of the chains of an instance.
#[derive(Clone)]
pub struct ChainKeys {
    audit: DataKey,
    heads: DataKey,
}

impl ChainKeys {
    /// From the keyring, where they must be.
    pub fn get(keyring: &Keyring, instance: &str) -> Result<Self, StoreError> {
        Ok(Self {
            audit: keyring.get(&Purpose::audit(instance))?,
            heads: keyring.get(&Purpose::heads())?,
        })
    }

    /// The key of the links of a trail.
    pub fn links(&self, trail: Trail) -> LinkKey {
        LinkKey::new(&self.audit, trail)
    }

    /// The key that signs heads.
    pub fn heads(&self) -> &DataKey {
        &self.heads
    }
}

/// Name of the head of a chain.
pub fn head_name(instance: &str, chain: &str, trail: Trail) -> HeadName {
    HeadName {
        instance: format!("{instance}@{chain}"),
        trail,
    }
}

/// What a chain is called, and where.
#[derive(Clone, Debug)]
pub struct Place {
    /// Name of the instance.
    pub instance: Arc<str>,
    /// Its number.
    pub number: i64,
    /// Name of the chain.
    pub chain: String,
    /// Which trail it belongs to.
    pub trail: Trail,
}

/// A chain that this process writes, for one transaction at a time.
pub struct Lane {
    place: Place,
    key: LinkKey,
    file: HeadFile,
    /// The end that was last known to be committed.
    head: Option<Head>,
    /// How it goes on; unknown at the start, and after a commit whose outcome is.
    chain: Option<Chain>,
    is_synced: bool,
}

impl Lane {
    /// Takes the head of the chain for this process. It blocks while another process has it, for a few seconds.
    pub fn open(place: Place, heads: &Path, keys: &ChainKeys) -> Result<Self, StoreError> {
        let name = head_name(&place.instance, &place.chain, place.trail);
        let (file, head) = HeadFile::open(heads, keys.heads(), &name).map_err(io)?;
        Ok(Self {
            key: keys.links(place.trail),
            place,
            file,
            head,
            chain: None,
            is_synced: true,
        })
    }

    /// Name of the chain.
    pub fn name(&self) -> &str {
        &self.place.chain
    }

    /// Finds where the chain goes on, at the start of the process. A chain that the database does not know and that has no
    /// head is a new one. The beginning is signed before the database learns of the chain, and before its first entry.
    pub async fn register(&mut self, client: &Client) -> Result<(), StoreError> {
        let trail = self.place.trail.as_str();
        let known = "SELECT 1 FROM chain WHERE instance = $1 AND trail = $2 AND name = $3";
        let found = client
            .query_opt(known, &[&self.place.number, &trail, &self.place.chain])
            .await;
        let is_known = found.map_err(fault)?.is_some();
        if self.head.is_none() && !is_known {
            self.chain = Some(Chain::begin(self.key.clone()));
        } else {
            self.resume(client).await?;
        }
        let tip = self.tip().ok_or(StoreError::Unavailable(None))?;
        self.file.begin(tip).map_err(io)?;
        self.head = Some(Head { tip, is_whole: true });
        if !is_known {
            let insert = "INSERT INTO chain (instance, trail, name) VALUES ($1, $2, $3)";
            let inserted = client
                .execute(insert, &[&self.place.number, &trail, &self.place.chain])
                .await;
            inserted.map_err(fault)?;
        }
        Ok(())
    }

    /// Makes sure that it is known how the chain goes on.
    pub async fn resume(&mut self, client: &Client) -> Result<(), StoreError> {
        if self.chain.is_some() {
            return Ok(());
        }
        let sql = since(self.place.trail);
        let from = self.head.map(|head| head.tip.seq.cast_signed());
        let statement = client.prepare_cached(sql).await.map_err(fault)?;
        let found = client
            .query(&statement, &[&self.place.number, &self.place.chain, &from])
            .await;
        let name: Arc<str> = Arc::from(sql);
        let found = found.map_err(fault)?;
        let entries = found.iter().map(|row| owned(&name, row).map(Entry::from_row));
        let (chain, resumption) = Chain::resume(self.key.clone(), self.head, entries)?;
        if let Resumption::Broken(reason) = resumption {
            let (instance, chain) = (&*self.place.instance, &*self.place.chain);
            tracing::error!(
                instance,
                chain,
                ?reason,
                "the audit chain is broken; run `hygie verify`"
            );
        }
        self.chain = Some(chain);
        Ok(())
    }

    /// The entries for these records, which the chain ends with from now on. Tell it what becomes of them.
    pub fn extend(&mut self, records: &[Record]) -> Result<Vec<Entry>, StoreError> {
        let chain = self.chain.as_mut().ok_or(StoreError::Unavailable(None))?;
        Ok(records.iter().map(|record| chain.next(record)).collect())
    }

    /// What the chain adds to a transaction that recorded these.
    pub async fn add(
        &mut self,
        client: &Client,
        records: &[Record],
        random: &dyn Random,
    ) -> Result<Addition, StoreError> {
        let sign = if records.is_empty() {
            Sign::Mark(random_array(random))
        } else {
            self.resume(client).await?;
            let entries = self.extend(records)?;
            Sign::Entries(entries, self.tip().ok_or(StoreError::Unavailable(None))?)
        };
        Ok(Addition {
            chain: self.place.chain.clone(),
            sign,
        })
    }

    /// Whether a transaction that has ended was committed: what was added to it is there.
    pub async fn has(&mut self, client: &Client, addition: &Addition) -> Result<bool, StoreError> {
        match &addition.sign {
            Sign::Entries(_, tip) => {
                self.unknown();
                self.resume(client).await?;
                Ok(self.tip() == Some(*tip))
            }
            Sign::Mark(mark) => {
                let sql = "SELECT mark FROM chain WHERE instance = $1 AND trail = $2 AND name = $3";
                let trail = self.place.trail.as_str();
                let found = client
                    .query_one(sql, &[&self.place.number, &trail, &self.place.chain])
                    .await;
                let found: Option<Vec<u8>> = found.map_err(fault)?.try_get(0).map_err(fault)?;
                Ok(found.as_deref() == Some(mark))
            }
        }
    }

    /// Where the chain ends, when that is known.
    pub fn tip(&self) -> Option<Tip> {
        self.chain.as_ref().map(Chain::tip)
    }

    /// What was added is committed: its end is signed. A transaction that recorded nothing has not moved it, and it may not
    /// be known then.
    pub fn committed(&mut self) {
        let Some(tip) = self.tip() else { return };
        if self.head.is_some_and(|head| head.tip == tip) {
            return;
        }
        self.head = Some(Head { tip, is_whole: true });
        self.is_synced = false;
        if let Err(error) = self.file.advance(tip) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "signing the head of an audit chain"
            );
        }
    }

    /// What was added did not happen, or it is not known what became of it: [`Lane::resume`] looks.
    pub fn unknown(&mut self) {
        self.chain = None;
    }

    /// Whether its last signature may be lost with the power.
    pub fn is_unsynced(&self) -> bool {
        !self.is_synced
    }

    /// Makes the last signature durable. It blocks for as long as the disk takes.
    pub fn sync(&mut self) {
        self.is_synced = true;
        if let Err(error) = self.file.sync() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "syncing the head of an audit chain"
            );
        }
    }
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}
