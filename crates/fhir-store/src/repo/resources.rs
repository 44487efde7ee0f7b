//! Reading and writing versions of resources.

use std::collections::HashMap;

use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::{Id, ResourceType};
use hygie_store::blobs::References;
use hygie_store::{IndexKeys, IndexRange, Order, StoreError, Tx};

use super::record::{Given, Method, Record, Version, decode, decode_version, encode, encode_numbers};
use super::{Change, Content, Large, Learned, Repository, Write, event};
use crate::index::key::{Key, Kind, Parts};
use crate::index::{Extract, Numbers, When, rows};

/// What is stored was within the limits when it came: they may have been lowered since.
pub const STORED: Limits = Limits {
    bytes: u32::MAX as usize,
    depth: 256,
    values: u32::MAX as usize,
};

/// A stored body as a tree.
pub fn stored(version: &Version) -> Result<Document, StoreError> {
    let inconsistent = |_| StoreError::Inconsistent(format!("the body of journal record {} is not JSON", version.seq));
    Document::parse(version.body.as_bytes(), &STORED).map_err(inconsistent)
}

/// The resources of a FHIR service.
pub struct Resources<'t, 'e> {
    tx: &'t mut Tx<'e>,
    repository: Repository,
    learned: Learned,
    new: New,
    read: Reads,
}

/// The numbers that the transaction gave: nobody else knows them before its commit.
#[derive(Default)]
struct New {
    resources: HashMap<ResourceType, HashMap<Box<str>, i64>>,
    systems: HashMap<Box<str>, i64>,
}

/// What was read of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Ranges of the index.
    pub ranges: u64,
    /// Keys in them.
    pub keys: u64,
    /// Versions of resources.
    pub versions: u64,
}

/// What the search parameters of a version say, with the numbers of what they name.
type Said<'s> = (&'s Extract, &'s Numbers);

impl<'t, 'e> Resources<'t, 'e> {
    pub(super) fn new(tx: &'t mut Tx<'e>, repository: Repository) -> Self {
        Self {
            tx,
            repository,
            learned: Learned::default(),
            new: New::default(),
            read: Reads::default(),
        }
    }

    /// What was read so far.
    pub fn reads(&self) -> Reads {
        self.read
    }

    /// Reads keys of the index.
    pub async fn scan(
        &mut self,
        range: &IndexRange,
        order: Order,
        limit: usize,
        keys: &mut IndexKeys,
    ) -> Result<(), StoreError> {
        self.tx.index_scan(range, order, limit, keys).await?;
        self.read.ranges += 1;
        self.read.keys += keys.len() as u64;
        Ok(())
    }

    /// The transaction itself, for searches inside of it.
    pub fn tx(&mut self) -> &mut Tx<'e> {
        self.tx
    }

    /// The current version of a resource, a deletion included.
    pub async fn find(&mut self, kind: ResourceType, id: &Id) -> Result<Option<Version>, StoreError> {
        match self.find_number(kind, id.as_str()).await? {
            Some(rid) => self.find_by_number(rid).await,
            None => Ok(None),
        }
    }

    /// The current version of the resource with this number.
    pub async fn find_by_number(&mut self, rid: i64) -> Result<Option<Version>, StoreError> {
        match self.find_current(rid).await? {
            Some(seq) => self.get(seq).await.map(Some),
            None => Ok(None),
        }
    }

    /// A version by its number, superseded or current.
    pub async fn find_version(
        &mut self,
        kind: ResourceType,
        id: &Id,
        number: u32,
    ) -> Result<Option<Version>, StoreError> {
        let Some(rid) = self.find_number(kind, id.as_str()).await? else {
            return Ok(None);
        };
        let prefix = Key::new(Kind::History).number(rid).number(i64::from(number)).finish();
        match self.first_number(&prefix).await? {
            Some(seq) => self.get(seq).await.map(Some),
            None => Ok(self
                .find_by_number(rid)
                .await?
                .filter(|version| version.number == number)),
        }
    }

    /// The versions of a resource from one number to another, both included, in order, at most `limit`.
    pub async fn list_versions(
        &mut self,
        current: &Version,
        (first, last): (u32, u32),
        (order, limit): (Order, usize),
    ) -> Result<Vec<Version>, StoreError> {
        let has_current = (first..=last).contains(&current.number) && limit > 0;
        let mut versions = Vec::new();
        if has_current && order == Order::Descending {
            versions.push(current.clone());
        }
        let prefix = Key::new(Kind::History).number(current.rid);
        let bound = |number: u32| prefix.clone().number(i64::from(number)).finish();
        let range = IndexRange {
            from: bound(first),
            to: bound(last.saturating_add(1).max(first)),
        };
        let mut keys = IndexKeys::default();
        let older = limit - versions.len();
        self.scan(&range, order, older, &mut keys).await?;
        for key in keys.iter() {
            let mut parts = Parts::after(key, prefix.as_bytes().len());
            let (_, seq) = (parts.number(), parts.number());
            let seq = seq.ok_or_else(|| StoreError::Inconsistent("a history key without record".to_owned()))?;
            versions.push(self.get(seq).await?);
        }
        if has_current && order == Order::Ascending && versions.len() < limit {
            versions.push(current.clone());
        }
        Ok(versions)
    }

    /// How many versions of a resource were written before an instant: they are in the order of time.
    pub async fn versions_before(&mut self, current: &Version, millis: i64) -> Result<u32, StoreError> {
        if current.updated.millis() < millis {
            return Ok(current.number);
        }
        let (mut before, mut not_before) = (0, current.number);
        while not_before - before > 1 {
            let middle = before + (not_before - before) / 2;
            let version = self.find_version(current.kind, &current.id, middle).await?;
            let missing = || StoreError::Inconsistent(format!("version {middle} of a resource is missing"));
            if version.ok_or_else(missing)?.updated.millis() < millis {
                before = middle;
            } else {
                not_before = middle;
            }
        }
        Ok(before)
    }

    /// The number of a resource that exists, existed or is referred to.
    pub async fn find_number(&mut self, kind: ResourceType, id: &str) -> Result<Option<i64>, StoreError> {
        let new = self.new.resources.get(&kind).and_then(|new| new.get(id)).copied();
        if let Some(rid) = new.or_else(|| self.repository.0.known.resource(kind, id)) {
            return Ok(Some(rid));
        }
        let found = self.first_number(ident(kind, id).as_bytes()).await?;
        if let Some(rid) = found {
            self.learned.resources.push((kind, id.to_owned(), rid));
        }
        Ok(found)
    }

    /// The number of a system that some token has.
    pub async fn find_system(&mut self, uri: &str) -> Result<Option<i64>, StoreError> {
        let new = self.new.systems.get(uri).copied();
        if let Some(sid) = new.or_else(|| self.repository.0.known.system(uri)) {
            return Ok(Some(sid));
        }
        let found = self.first_number(system(uri).as_bytes()).await?;
        if let Some(sid) = found {
            self.learned.systems.push((uri.to_owned(), sid));
        }
        Ok(found)
    }

    /// What was looked up, to be remembered once the transaction is committed.
    pub fn learned(&mut self) -> Learned {
        std::mem::take(&mut self.learned)
    }

    /// Writes a version on top of `current`, which must be the current one, with all its index rows, and tells of it.
    pub async fn put(&mut self, change: &Change<'_>, current: Option<&Version>) -> Result<Version, StoreError> {
        let nothing = Content {
            packed: self.repository.0.codec.compress(&[]),
            ..Content::default()
        };
        let content = change.write.content().unwrap_or(&nothing);
        let mut given = Given::default();
        let rid = match (current, change.write) {
            (Some(current), _) => current.rid,
            (None, Write::Create(_)) => self.number_of_new(change.kind, change.id.as_str(), &mut given).await?,
            (None, _) => self.number_of(change.kind, change.id.as_str(), &mut given).await?,
        };
        let numbers = self.numbers(&content.extract, &mut given).await?;
        let mut version = Version {
            kind: change.kind,
            id: change.id.clone(),
            rid,
            number: current.map_or(0, |current| current.number) + 1,
            seq: 0,
            previous: current.map_or(0, |current| current.seq),
            // A clock that was set back must not turn the history around.
            updated: current.map_or(change.updated, |current| change.updated.max(current.updated)),
            method: change.write.method(),
            body: content.text.clone(),
            seams: content.seams.clone(),
            large: content.large.map(Large::reference),
        };
        if let Some(Large::New(stored)) = &content.large {
            References(self.tx).insert(stored).await?;
        }
        version.seq = self.tx.append(&encode(&version, &given, &content.packed)).await?;
        self.index(&version, (&content.extract, &numbers), current).await?;
        if let Some(account) = &self.repository.0.account {
            event::tell(self.tx, account, &version, current).await?;
        }
        Ok(version)
    }

    /// Makes the index changes of a journal record again.
    ///
    /// It reads what the record names (the version before it, the numbers) and nothing that later records changed: a
    /// merge that was cut off may have left later keys in the index already.
    pub(super) async fn replay(&mut self, seq: i64, record: &[u8]) -> Result<(), StoreError> {
        let version = match decode(seq, record, &self.repository.0.codec)? {
            Record::Numbers(given) => return self.add_given(&given).await,
            Record::Version(version, given) => {
                self.add_given(&given).await?;
                version
            }
        };
        let current = match version.previous {
            0 => None,
            previous => Some(self.get(previous).await?),
        };
        let extract = self.extract(&version)?;
        let numbers = self.known_numbers(&extract).await?;
        self.index(&version, (&extract, &numbers), current.as_ref()).await
    }

    /// Makes the numbers of a journal record known, and gives those that the present form of the index needs and
    /// the record has not.
    pub(super) async fn number(&mut self, record: &[u8]) -> Result<(), StoreError> {
        let version = match decode(0, record, &self.repository.0.codec)? {
            Record::Numbers(given) => return self.add_given(&given).await,
            Record::Version(version, given) => {
                self.add_given(&given).await?;
                version
            }
        };
        let mut given = Given::default();
        self.numbers(&self.extract(&version)?, &mut given).await?;
        if given != Given::default() {
            self.tx.append(&encode_numbers(&given)).await?;
        }
        Ok(())
    }

    async fn add_given(&mut self, given: &Given) -> Result<(), StoreError> {
        for (kind, id, rid) in &given.resources {
            self.tx.index_add(&ident(*kind, id).number(*rid).finish()).await?;
        }
        for (uri, sid) in &given.systems {
            self.tx.index_add(&system(uri).number(*sid).finish()).await?;
        }
        Ok(())
    }

    fn extract(&self, version: &Version) -> Result<Extract, StoreError> {
        Ok(match version.method {
            Method::Delete => Extract::default(),
            Method::Create | Method::Update => (self.repository.0.extractor)(version.kind, &stored(version)?),
        })
    }

    /// The version in this journal record, which the index names.
    pub async fn get(&mut self, seq: i64) -> Result<Version, StoreError> {
        let record = self.tx.journal(seq).await?;
        self.read.versions += 1;
        let record = record.ok_or_else(|| StoreError::Inconsistent(format!("journal record {seq} is missing")))?;
        decode_version(seq, &record, &self.repository.0.codec)
    }

    async fn find_current(&mut self, rid: i64) -> Result<Option<i64>, StoreError> {
        self.first_number(Key::new(Kind::Current).number(rid).as_bytes()).await
    }

    /// The number after `prefix` in the first key that begins with it.
    async fn first_number(&mut self, prefix: &[u8]) -> Result<Option<i64>, StoreError> {
        let mut keys = IndexKeys::default();
        let range = IndexRange::prefix(prefix);
        self.scan(&range, Order::Ascending, 1, &mut keys).await?;
        let Some(key) = keys.get(0) else { return Ok(None) };
        let number = Parts::after(key, prefix.len()).number();
        number
            .map(Some)
            .ok_or_else(|| StoreError::Inconsistent("an index key ends too early".to_owned()))
    }

    /// The number of a resource, given now if it has none.
    async fn number_of(&mut self, kind: ResourceType, id: &str, given: &mut Given) -> Result<i64, StoreError> {
        match self.find_number(kind, id).await? {
            Some(rid) => Ok(rid),
            None => self.give(kind, id, given).await,
        }
    }

    /// The number of a resource whose id was made for this transaction. Nothing else can name it, so it is not looked for.
    async fn number_of_new(&mut self, kind: ResourceType, id: &str, given: &mut Given) -> Result<i64, StoreError> {
        match self.new.resources.get(&kind).and_then(|new| new.get(id)) {
            Some(rid) => Ok(*rid),
            None => self.give(kind, id, given).await,
        }
    }

    async fn give(&mut self, kind: ResourceType, id: &str, given: &mut Given) -> Result<i64, StoreError> {
        let rid = self.tx.number().await?;
        self.tx.index_add(&ident(kind, id).number(rid).finish()).await?;
        self.new.resources.entry(kind).or_default().insert(id.into(), rid);
        given.resources.push((kind, id.to_owned(), rid));
        Ok(rid)
    }

    async fn system_of(&mut self, uri: &str, given: &mut Given) -> Result<i64, StoreError> {
        if let Some(sid) = self.find_system(uri).await? {
            return Ok(sid);
        }
        let sid = self.tx.number().await?;
        self.tx.index_add(&system(uri).number(sid).finish()).await?;
        self.new.systems.insert(uri.into(), sid);
        given.systems.push((uri.to_owned(), sid));
        Ok(sid)
    }

    /// The numbers of what a version names, given now where there are none.
    async fn numbers(&mut self, extract: &Extract, given: &mut Given) -> Result<Numbers, StoreError> {
        let mut numbers = Numbers::default();
        for (kind, id) in &extract.targets {
            numbers.targets.push(self.number_of(*kind, id, given).await?);
        }
        for uri in &extract.systems {
            numbers.systems.push(self.system_of(uri, given).await?);
        }
        Ok(numbers)
    }

    /// The numbers of what a version that is already written names: all were given when it was.
    async fn known_numbers(&mut self, extract: &Extract) -> Result<Numbers, StoreError> {
        let missing = || StoreError::Inconsistent("a written version names something without number".to_owned());
        let mut numbers = Numbers::default();
        for (kind, id) in &extract.targets {
            numbers
                .targets
                .push(self.find_number(*kind, id).await?.ok_or_else(missing)?);
        }
        for uri in &extract.systems {
            numbers.systems.push(self.find_system(uri).await?.ok_or_else(missing)?);
        }
        Ok(numbers)
    }

    /// Changes the index from `current` to `version`.
    async fn index(&mut self, version: &Version, said: Said<'_>, current: Option<&Version>) -> Result<(), StoreError> {
        let mut old = Vec::new();
        if let Some(current) = current {
            let extract = self.extract(current)?;
            let numbers = self.known_numbers(&extract).await?;
            old = current_keys(current, (&extract, &numbers));
            let superseded = Key::new(Kind::History)
                .number(current.rid)
                .number(i64::from(current.number));
            self.tx.index_add(&superseded.number(current.seq).finish()).await?;
        }
        let mut new = current_keys(version, said);
        if let Some(current) = current {
            new.push(past(current));
            new.sort_unstable();
        }
        for key in &old {
            if new.binary_search(key).is_err() {
                self.tx.index_remove(key).await?;
            }
        }
        for key in &new {
            if old.binary_search(key).is_err() {
                self.tx.index_add(key).await?;
            }
        }
        Ok(())
    }
}

fn ident(kind: ResourceType, id: &str) -> Key {
    Key::new(Kind::Ident).kind_of(kind).text(id)
}

fn system(uri: &str) -> Key {
    Key::new(Kind::System).long_text(uri)
}

/// The place of a version in time once it is superseded, or when it is a deletion; it stays.
fn past(version: &Version) -> Vec<u8> {
    let key = Key::new(Kind::Past).kind_of(version.kind);
    let key = key.date(version.updated.millis()).number(version.rid);
    key.number(version.seq).finish()
}

/// All keys that a version has while it is current, sorted.
fn current_keys(version: &Version, (extract, numbers): Said<'_>) -> Vec<Vec<u8>> {
    let is_deleted = version.method == Method::Delete;
    let mut keys = if is_deleted {
        Vec::new()
    } else {
        rows::keys(version.kind, version.rid, extract, numbers)
    };
    let when = extract.date.unwrap_or(When::NEVER);
    let current = Key::new(Kind::Current)
        .number(version.rid)
        .number(version.seq)
        .kind_of(version.kind)
        .byte(u8::from(is_deleted))
        .date(when.low);
    let patient = rows::only_patient(extract, numbers);
    keys.push(when.width(current).number(patient).finish());
    if is_deleted {
        keys.push(past(version));
    } else {
        let updated = Key::new(Kind::Updated)
            .kind_of(version.kind)
            .date(version.updated.millis());
        keys.push(updated.number(version.rid).finish());
    }
    keys.sort_unstable();
    keys
}
