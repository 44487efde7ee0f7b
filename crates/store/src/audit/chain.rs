//! A chain of entries whose links are keyed.
//!
//! Each link is HMAC-SHA-256 under the audit key of the instance over the link before it, the number of the entry and
//! its bytes. Who does not hold the audit key can make no link: not for an altered entry, not for a forged one, not for
//! one that has moved. What a chain alone cannot show is that its end was cut off; the [`head`](super::HeadFile), kept
//! outside of the database, shows that.
//!
//! A chain *starts* with a link made from the key and the number of its first entry. It starts anew, one number further
//! on, whenever its end does not fit its head: the gap stays visible to `hygie verify` for ever. A chain gets its head
//! before its database gets a table ([`begin_chains`](super::begin_chains)), so one without a head has lost it, even when
//! it has no entries either.

use aws_lc_rs::hmac;
use hygie_core::Timestamp;
use serde::Deserialize;

use super::{Head, Record};
use crate::Row;
use crate::keys::DataKey;

/// No chain is so long: numbers beyond are made up, and do not push those of a restart to the end of all numbers.
const LONGEST: u64 = 1 << 62;

/// A link of a chain.
pub type Link = [u8; 32];

/// The table of the write chain, one row an entry.
pub const TABLE: &str = "CREATE TABLE audit (
    {i.def}seq {int} NOT NULL,
    link {blob} NOT NULL,
    entry {blob} NOT NULL,
    PRIMARY KEY ({i.col}seq)
)";

/// Adds an entry: number, link, bytes.
pub const INSERT: &str = "INSERT INTO audit ({i.col}seq, link, entry) VALUES ({i.val}?1, ?2, ?3)";

/// What [`Chain::resume`] reads: the entries from the number of the head on; from the last one without a head (`NULL`).
pub const SINCE_HEAD: &str = "SELECT seq, link, entry FROM audit
    WHERE {i.is}seq >= COALESCE(?1, (SELECT max(last.seq) FROM audit AS last)) ORDER BY seq";

/// What a [`Verification`](super::Verification) reads: up to a thousand entries after a number.
pub const PAGE: &str = "SELECT seq, link, entry FROM audit WHERE {i.is}seq > ?1 ORDER BY seq LIMIT 1000";

/// The chains of an instance. Their links are made with different keys, so that no entry passes from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trail {
    /// Writes, recorded with their effect in the database.
    Writes,
    /// Accesses and refusals, recorded in the access log.
    Accesses,
}

impl Trail {
    /// As text, for names of files and for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::Accesses => "accesses",
        }
    }
}

/// The key that makes the links of one chain.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl LinkKey {
    /// For this chain, from the audit key of its instance.
    pub fn new(key: &DataKey, trail: Trail) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key.key.expose());
        let derived = hmac::sign(&root, format!("hygie audit links of {}", trail.as_str()).as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The link of the block that begins at `first`.
    pub(super) fn link(&self, prev: &Link, first: u64, content: &[u8]) -> Link {
        self.mac(&[prev, &first.to_be_bytes(), content])
    }

    /// The link before the entry `first` where a chain starts.
    pub(super) fn start(&self, first: u64) -> Link {
        self.mac(&[b"start", &first.to_be_bytes()])
    }

    /// Authenticates parts that are neither (their first one has another length than a link and a start).
    pub(super) fn mac(&self, parts: &[&[u8]]) -> Link {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let tag = context.sign();
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// Where a chain ends: number and link of its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Number of the last entry; entries are numbered from 1.
    pub seq: u64,
    /// Its link, or the link of a start.
    pub link: Link,
}

impl Tip {
    /// The tip before the entry `first` where a chain starts.
    pub(super) fn start(key: &LinkKey, first: u64) -> Self {
        Self {
            seq: first - 1,
            link: key.start(first),
        }
    }

    /// Whether no entry has followed a start yet.
    pub(super) fn is_start(&self, key: &LinkKey) -> bool {
        self.link == key.start(self.seq + 1)
    }
}

/// One entry, as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its link.
    pub link: Link,
    /// The record as JSON.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// From a row of [`SINCE_HEAD`] or [`PAGE`]. Whatever stands in it: a row that holds other types than it should is an
    /// altered one, and nothing verifies against what is made of it.
    pub fn from_row(mut row: Row) -> Self {
        let seq: i64 = row.take(0).unwrap_or_default();
        let link: Vec<u8> = row.take(1).unwrap_or_default();
        Self {
            seq: u64::try_from(seq).unwrap_or(0),
            link: link.try_into().unwrap_or_default(),
            bytes: row.take(2).unwrap_or_default(),
        }
    }
}

/// A run of entries under one link: one row of the database, or one frame of the access log.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Number of its first entry.
    pub first: u64,
    /// How many.
    pub count: u64,
    pub link: Link,
    /// What the link covers.
    pub content: Vec<u8>,
    /// Earliest and latest instant of its entries, where somebody looked.
    pub span: Option<Span>,
}

impl Block {
    /// Number of its last entry.
    pub fn last(&self) -> u64 {
        self.first.saturating_add(self.count).saturating_sub(1)
    }
}

impl From<Entry> for Block {
    fn from(entry: Entry) -> Self {
        Self {
            first: entry.seq,
            count: 1,
            link: entry.link,
            span: Span::of(&entry.bytes),
            content: entry.bytes,
        }
    }
}

/// Earliest and latest instant of some entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    earliest: Timestamp,
    latest: Timestamp,
}

impl Span {
    /// A head lags behind its chain by a second after a power loss, and an operation is recorded with the instant of its
    /// beginning: entries further apart than this were not all written after the head.
    const LONGEST_LAG_SECS: u64 = 900;

    /// Of one record as JSON.
    pub fn of(record: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Instant {
            at: Timestamp,
        }
        let Instant { at } = serde_json::from_slice(record).ok()?;
        Some(Self {
            earliest: at,
            latest: at,
        })
    }

    /// Of both.
    pub fn join(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(a), Some(b)) => Some(Self {
                earliest: a.earliest.min(b.earliest),
                latest: a.latest.max(b.latest),
            }),
            (a, b) => a.or(b),
        }
    }

    /// Whether the entries beyond a head are too far apart for a head that merely lagged.
    pub fn is_too_long(self) -> bool {
        self.latest.since(self.earliest).as_secs() > Self::LONGEST_LAG_SECS
    }
}

/// Why a chain could not go on where it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// There is no valid head, or it is not as it was written.
    HeadDamaged,
    /// The head knows entries that are not there: the end was cut off.
    Truncated {
        /// Number of the last entry that is there (0: none was looked at).
        found: u64,
        /// Number of the last entry that the head knows.
        head: u64,
    },
    /// The entry at the head's number is not the one that the head signed.
    Replaced(u64),
    /// An entry after the head was not made with the key, or does not follow the one before it.
    Forged(u64),
    /// The entries after the head were written over a longer time than a head ever lags: it was set back.
    HeadSetBack,
}

/// How a chain was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// As it should be; `ahead` entries were written durably after the last update of the head.
    Continued {
        /// How many.
        ahead: u64,
    },
    /// It starts anew after a gap that stays visible. Log it loudly.
    Broken(Break),
}

/// The state of a chain that is being written.
#[derive(Clone)]
pub struct Chain {
    key: LinkKey,
    tip: Tip,
}

impl Chain {
    /// A chain that has no entry yet, for which nothing was ever signed. Begin its head with [`Chain::tip`].
    pub fn begin(key: LinkKey) -> Self {
        let tip = Tip::start(&key, 1);
        Self { key, tip }
    }

    /// Goes on at the end of the entries that [`SINCE_HEAD`] selects, which are verified. Begin the head with
    /// [`Chain::tip`] before the first entry is made: a chain that has entries and no head is a broken one.
    pub fn resume<E>(
        key: LinkKey,
        head: Option<Head>,
        entries: impl IntoIterator<Item = Result<Entry, E>>,
    ) -> Result<(Self, Resumption), E> {
        let mut end = End::at_head(&key, head);
        for entry in entries {
            end.follow(&entry?.into());
        }
        let (tip, resumption) = end.settle();
        Ok((Self { key, tip }, resumption))
    }

    /// The entry for this record, which the chain then ends with.
    pub fn next(&mut self, record: &Record) -> Entry {
        let bytes = record.to_json();
        let (seq, link) = self.extend(1, &bytes);
        Entry { seq, link, bytes }
    }

    /// Number of the first of `count` new entries, and the link of their block: HMAC over the link before, the number of
    /// the first entry and the content.
    pub(super) fn extend(&mut self, count: u64, content: &[u8]) -> (u64, Link) {
        let first = self.tip.seq + 1;
        self.tip = Tip {
            seq: self.tip.seq + count,
            link: self.key.link(&self.tip.link, first, content),
        };
        (first, self.tip.link)
    }

    /// Where the chain ends: what the head is advanced to, and what [`Chain::restore`] goes back to.
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// The chain that goes on at this tip.
    pub(super) fn at(key: LinkKey, tip: Tip) -> Self {
        Self { key, tip }
    }

    /// Goes back to an earlier tip, after a rollback.
    pub fn restore(&mut self, tip: Tip) {
        self.tip = tip;
    }
}

/// Follows the end of a chain and decides how it goes on.
pub(super) struct End<'k> {
    key: &'k LinkKey,
    head: Option<Head>,
    tip: Tip,
    is_head_met: bool,
    forged: Option<u64>,
    /// Highest number that is known to be there.
    highest: u64,
    beyond: Option<Span>,
}

impl<'k> End<'k> {
    /// Along the entries from the head's on.
    pub fn at_head(key: &'k LinkKey, head: Option<Head>) -> Self {
        let start = Tip::start(key, 1);
        let tip = head.map_or(start, |head| head.tip);
        // Where a chain starts, there is no entry yet that could be missing.
        let is_head_met = head.is_some() && tip.is_start(key);
        Self::new(key, head, tip, is_head_met)
    }

    /// Along the blocks after `anchor`, which is trusted.
    pub fn after(key: &'k LinkKey, head: Option<Head>, anchor: Tip) -> Self {
        let is_head_met = head.is_some_and(|head| head.tip == anchor);
        Self {
            highest: anchor.seq,
            ..Self::new(key, head, anchor, is_head_met)
        }
    }

    fn new(key: &'k LinkKey, head: Option<Head>, tip: Tip, is_head_met: bool) -> Self {
        Self {
            key,
            head,
            tip,
            is_head_met,
            forged: None,
            highest: 0,
            beyond: None,
        }
    }

    fn head_seq(&self) -> u64 {
        self.head.map_or(0, |head| head.tip.seq)
    }

    /// Takes the next block; whether it continues the chain.
    pub fn follow(&mut self, block: &Block) -> bool {
        if block.last() <= LONGEST {
            self.highest = self.highest.max(block.last());
        }
        let signed = self.head.filter(|head| head.tip.seq == block.last());
        if let Some(head) = signed {
            self.is_head_met = head.tip.link == block.link;
            if self.tip == head.tip {
                // The head's own entry: there is no link before it to check it with.
                return self.is_head_met;
            }
        }
        let continues = self.forged.is_none() && self.continues(block);
        if continues {
            self.tip = Tip {
                seq: block.last(),
                link: block.link,
            };
            if self.is_beyond_head(block) {
                self.beyond = Span::join(self.beyond, block.span);
            }
        } else {
            self.forged.get_or_insert(block.first);
        }
        continues
    }

    /// Whether the head does not know this block yet.
    pub fn is_beyond_head(&self, block: &Block) -> bool {
        block.first > self.head_seq()
    }

    /// Whether the chain can go on with this block.
    pub fn continues(&self, block: &Block) -> bool {
        block.first == self.tip.seq + 1 && block.link == self.key.link(&self.tip.link, block.first, &block.content)
    }

    /// Where the chain goes on, and whether that is where it ended.
    pub fn settle(self) -> (Tip, Resumption) {
        let Some(reason) = self.find_break() else {
            let ahead = self.tip.seq - self.head_seq();
            return (self.tip, Resumption::Continued { ahead });
        };
        let last = self.highest.max(self.tip.seq).max(self.head_seq());
        (Tip::start(self.key, last + 2), Resumption::Broken(reason))
    }

    fn find_break(&self) -> Option<Break> {
        let Some(head) = self.head else {
            return Some(Break::HeadDamaged);
        };
        let (seq, found) = (head.tip.seq, self.highest);
        if !self.is_head_met {
            return Some(if found < seq {
                Break::Truncated { found, head: seq }
            } else {
                Break::Replaced(seq)
            });
        }
        if !head.is_whole {
            return Some(Break::HeadDamaged);
        }
        let forged = self.forged.map(Break::Forged);
        let set_back = self.beyond.is_some_and(Span::is_too_long);
        forged.or(set_back.then_some(Break::HeadSetBack))
    }
}
