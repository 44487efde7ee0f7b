//! Merging the frozen tail into the tables `idx` and [`recent`](super::recent), in key order, a slice per commit.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rusqlite::{CachedStatement, Connection};

use super::connection::{Db, fault};
use super::key::Key;
use super::recent::{FirstBytes, Recent};
use super::session::WriteSession;
use super::tail::{Change, Changes, Tail};
use crate::StoreError;

/// Smallest slice that goes with a commit.
const SLICE: usize = 512;

/// Keys that move from `recent` with a commit between two merges: it is emptied under a load that never pauses, too, and a
/// commit does not wait for many pages.
const TRICKLE: usize = 64;

/// Bytes of the database for each change that the tail takes, from which on keys pass through the table `recent`: before
/// that the keys of one merge meet on the pages of the index itself.
const LARGE: u64 = 1024;

/// The state of merging.
pub struct Merge {
    /// Changes in the active part that start a merge.
    limit: usize,
    run: Option<Run>,
    /// How keys begin that come in no order.
    scattered: FirstBytes,
    recent: Recent,
}

/// A frozen part on its way into the table.
struct Run {
    changes: Arc<RwLock<Changes>>,
    /// How the keys begin that go into the table `recent`.
    recent: FirstBytes,
    /// Highest journal number of the changes passed so far: in the end the part holds all changes up to it.
    upto: i64,
    /// Last key that is in the table for good.
    done: Option<Key>,
    /// Last key of the slice in the open commit.
    sliced: Option<Key>,
    /// Whether the open commit holds the last slice.
    complete: bool,
}

impl Merge {
    /// That starts when `limit` changes wait; keys with these first bytes come in no order.
    pub fn open(session: &WriteSession, limit: usize, scattered: FirstBytes) -> Result<Self, StoreError> {
        let recent = Recent::open(&session.db, limit)?;
        if recent.is_used() {
            session.tail.look_in_recent(scattered);
        }
        Ok(Self {
            limit,
            run: None,
            scattered,
            recent,
        })
    }

    /// Whether an idle writer has something to merge.
    pub fn has_work(&self, session: &WriteSession) -> bool {
        self.has_tail(session) || self.recent.is_used()
    }

    /// Whether something is in memory only.
    pub fn has_tail(&self, session: &WriteSession) -> bool {
        self.run.is_some() || session.tail.waiting() > 0
    }

    /// Freezes the active part when it is full and nothing is frozen. Called between publications.
    pub fn start_when_full(&mut self, session: &WriteSession) {
        if self.run.is_none() && session.tail.waiting() >= self.limit {
            let is_large = |bytes| bytes >= LARGE * self.limit as u64;
            if !self.scattered.is_empty() && session.db.size().is_ok_and(is_large) {
                self.recent.begin();
            }
            self.start(session);
        }
    }

    /// Freezes the active part when something waits there and nothing is frozen.
    pub fn start_when_idle(&mut self, session: &WriteSession) {
        if self.run.is_none() && session.tail.waiting() > 0 {
            self.start(session);
        }
    }

    fn start(&mut self, session: &WriteSession) {
        // What is in `recent` wins over `idx`: while there is anything, no key may pass it by.
        let recent = if self.recent.is_used() {
            self.scattered
        } else {
            FirstBytes::default()
        };
        self.run = Some(Run {
            changes: session.tail.freeze(recent),
            recent,
            upto: 0,
            done: None,
            sliced: None,
            complete: false,
        });
    }

    /// What goes with a commit that adds `added` changes: a slice of a quarter more, so that the tail stays bounded.
    pub fn slice_beside(&mut self, db: &Db, added: usize) -> Result<(), StoreError> {
        self.advance(db, SLICE.max(added + added / 4), SLICE.max(2 * added), TRICKLE)
    }

    /// Merges the next `keys` keys; of those in `recent`, `full` move when there are too many, and `trickle` while nothing
    /// comes.
    fn advance(&mut self, db: &Db, keys: usize, full: usize, trickle: usize) -> Result<(), StoreError> {
        let is_merging = self.run.is_some();
        self.slice(db, keys)?;
        if self.recent.is_full() {
            self.recent.settle(db, full)
        } else if is_merging {
            Ok(())
        } else {
            self.recent.settle(db, trickle)
        }
    }

    /// What an idle writer does in one commit: first what is in memory only.
    pub fn slice_when_idle(&mut self, session: &WriteSession, keys: usize) -> Result<(), StoreError> {
        self.start_when_idle(session);
        if self.run.is_some() {
            self.slice(&session.db, keys)
        } else {
            self.recent.settle(&session.db, keys)
        }
    }

    /// Writes the next `keys` keys into the tables, inside the open transaction.
    fn slice(&mut self, db: &Db, keys: usize) -> Result<(), StoreError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let changes = run.changes.read();
        let from = match &run.done {
            Some(key) => Bound::Excluded((key.clone(), i64::MAX)),
            None => Bound::Unbounded,
        };
        let raw = db.raw();
        let mut tables = Tables::prepare(&raw)?;
        let mut write = |key: &Key, change: Change| {
            if run.recent.begin(key.as_bytes()) {
                self.recent.count();
                tables.put_into_recent(key, change)
            } else {
                tables.put(key, change)
            }
        };
        let mut written = 0;
        let mut last: Option<(&Key, Change)> = None;
        for ((key, tag), change) in changes.range((from, Bound::Unbounded)) {
            run.upto = run.upto.max(*tag);
            if let Some((before, what)) = last
                && before != key
            {
                write(before, what)?;
                run.sliced = Some(before.clone());
                written += 1;
                if written == keys {
                    return Ok(());
                }
            }
            last = Some((key, *change));
        }
        if let Some((key, what)) = last {
            write(key, what)?;
        }
        run.complete = true;
        raw.prepare_cached("UPDATE mark SET value = ?1 WHERE name = 'merged'")
            .and_then(|mut update| update.execute([run.upto]))
            .map(drop)
            .map_err(fault)
    }

    /// Merges what is frozen in commits of its own, before the writer begins.
    pub fn run_alone(&mut self, session: &WriteSession) -> Result<(), StoreError> {
        while self.run.is_some() {
            session.begin()?;
            self.slice(&session.db, 16 * SLICE)?;
            session.db.batch("COMMIT")?;
            self.committed(&session.tail);
        }
        Ok(())
    }

    /// The commit with the last slices is durable.
    pub fn committed(&mut self, tail: &Tail) {
        self.recent.committed();
        match self.run.take_if(|run| run.complete) {
            Some(run) => {
                tail.retire();
                free(run.changes);
            }
            None => {
                if let Some(run) = &mut self.run {
                    run.done.clone_from(&run.sliced);
                }
            }
        }
        // Not while a run may still put keys into it.
        if self.run.is_none() && self.recent.is_done() {
            self.recent.end();
            tail.look_in_recent(FirstBytes::default());
        }
    }

    /// The commit with the last slices did not happen.
    pub fn rolled_back(&mut self) {
        self.recent.rolled_back();
        if let Some(run) = &mut self.run {
            run.sliced.clone_from(&run.done);
            run.complete = false;
        }
    }
}

/// The statements that change the two tables.
struct Tables<'d> {
    insert: CachedStatement<'d>,
    delete: CachedStatement<'d>,
    recent: CachedStatement<'d>,
}

impl<'d> Tables<'d> {
    fn prepare(raw: &'d Connection) -> Result<Self, StoreError> {
        Ok(Self {
            insert: raw
                .prepare_cached("INSERT OR IGNORE INTO idx (k) VALUES (?1)")
                .map_err(fault)?,
            delete: raw.prepare_cached("DELETE FROM idx WHERE k = ?1").map_err(fault)?,
            recent: raw
                .prepare_cached("INSERT OR REPLACE INTO recent (k, gone) VALUES (?1, ?2)")
                .map_err(fault)?,
        })
    }

    fn put(&mut self, key: &Key, change: Change) -> Result<(), StoreError> {
        let statement = match change {
            Change::Add => &mut self.insert,
            Change::Remove => &mut self.delete,
        };
        statement.execute([key.as_bytes()]).map(drop).map_err(fault)
    }

    fn put_into_recent(&mut self, key: &Key, change: Change) -> Result<(), StoreError> {
        let row = (key.as_bytes(), change == Change::Remove);
        self.recent.execute(row).map(drop).map_err(fault)
    }
}

/// Parts with more changes are freed beside the writer: a million takes it some fifty milliseconds.
const SMALL: usize = 10_000;

/// How often is looked whether the last reader has let go.
const READERS: Duration = Duration::from_millis(10);

/// Frees a part that is merged.
fn free(changes: Arc<RwLock<Changes>>) {
    if changes.read().len() <= SMALL {
        return;
    }
    let beside = move || {
        // No reader should be the last that holds it, and pay.
        while Arc::strong_count(&changes) > 1 {
            std::thread::sleep(READERS);
        }
    };
    // Without a thread it is freed here.
    let _freed = std::thread::Builder::new().name("tail-free".to_owned()).spawn(beside);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hygie_core::{Random as _, Secret};

    use super::super::connection::Access;
    use super::super::index::{Sight, scan};
    use super::super::schema;
    use super::super::tail::{Pending, View};
    use super::*;
    use crate::audit::{Chain, LinkKey, Trail};
    use crate::fakes::SeededRandom;
    use crate::keys::{DataKey, KeyId};
    use crate::{IndexKeys, IndexRange, Order};

    /// Changes that the tail takes.
    const TAIL: usize = 40;

    type Keys = BTreeSet<Vec<u8>>;

    /// A snapshot and what has to be in it.
    struct Reader {
        db: Db,
        view: Arc<View>,
        tag: i64,
        keys: Keys,
    }

    struct World {
        _dir: tempfile::TempDir,
        path: std::path::PathBuf,
        random: SeededRandom,
        session: WriteSession,
        merge: Merge,
        keys: Keys,
        tag: i64,
    }

    fn key() -> Secret<[u8; 32]> {
        Secret::new([7; 32])
    }

    impl World {
        fn new(seed: u64) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("test.db");
            let mut db = Db::open(&path, &key(), Access::Write, 2048).unwrap();
            schema::migrate(&mut db, &[]).unwrap();
            let links = DataKey {
                id: KeyId([1; 8]),
                key: key(),
            };
            let chain = Chain::begin(LinkKey::new(&links, Trail::Writes));
            let session = WriteSession::new(db, Arc::new(Tail::default()), chain, 0);
            Self {
                _dir: dir,
                path,
                random: SeededRandom::new(seed),
                merge: Merge::open(&session, TAIL, FirstBytes::which(|first| first == b's')).unwrap(),
                session,
                keys: Keys::new(),
                tag: 0,
            }
        }

        fn below(&self, end: u64) -> u64 {
            let mut bytes = [0; 8];
            self.random.fill(&mut bytes);
            u64::from_le_bytes(bytes) % end
        }

        /// Of those that begin with `s`, which scatter, and those that do not.
        fn any_key(&self) -> Vec<u8> {
            let first = ["r", "s", "s", "t"][self.below(4) as usize];
            format!("{first}{:03}", self.below(300)).into_bytes()
        }

        /// A commit of some changes, which fails now and then.
        fn commit(&mut self) {
            let mut pending = Pending::new();
            for _ in 0..self.below(25) {
                let change = if self.below(3) == 0 {
                    Change::Remove
                } else {
                    Change::Add
                };
                pending.insert(Key::from(&*self.any_key()), change);
            }
            self.tag += 1;
            self.session.begin().unwrap();
            self.merge.start_when_full(&self.session);
            let keys = 1 + pending.len();
            self.merge.advance(&self.session.db, keys, keys, 3).unwrap();
            self.session.tail.publish(&pending, self.tag);
            if self.below(6) == 0 {
                self.session.db.batch("ROLLBACK").unwrap();
                self.session.tail.retract(&pending, self.tag);
                self.merge.rolled_back();
                return;
            }
            self.session.db.batch("COMMIT").unwrap();
            self.merge.committed(&self.session.tail);
            for (key, change) in pending {
                match change {
                    Change::Add => self.keys.insert(key.as_bytes().to_vec()),
                    Change::Remove => self.keys.remove(key.as_bytes()),
                };
            }
        }

        fn idle(&mut self, commits: u64) {
            for _ in 0..commits {
                if !self.merge.has_work(&self.session) {
                    return;
                }
                self.session.begin().unwrap();
                self.merge.slice_when_idle(&self.session, 30).unwrap();
                self.session.db.batch("COMMIT").unwrap();
                self.merge.committed(&self.session.tail);
            }
        }

        fn read(&self) -> Reader {
            let view = self.session.tail.view();
            let db = Db::open(&self.path, &key(), Access::Read, 2048).unwrap();
            db.batch("BEGIN; SELECT count(*) FROM mark").unwrap();
            Reader {
                db,
                view,
                tag: self.tag,
                keys: self.keys.clone(),
            }
        }

        fn check(&self, reader: &Reader) {
            let order = [Order::Ascending, Order::Descending][self.below(2) as usize];
            let range = IndexRange {
                from: self.any_key(),
                to: self.any_key(),
            };
            let limit = 1 + self.below(60) as usize;
            let sight = Sight {
                view: &reader.view,
                tag: reader.tag,
                pending: None,
            };
            let mut found = IndexKeys::default();
            scan(&reader.db, &sight, (&range, order), limit, &mut found).unwrap();
            let within = reader.keys.iter().filter(|key| **key >= range.from && **key < range.to);
            let expected: Vec<&Vec<u8>> = match order {
                Order::Ascending => within.take(limit).collect(),
                Order::Descending => within.rev().take(limit).collect(),
            };
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                expected,
                "{range:?} {order:?} {limit}"
            );
        }
    }

    /// Whatever is in memory, in `recent` or in `idx`, and whatever a commit or its failure left: a snapshot shows what was
    /// committed when it began.
    #[test]
    fn a_snapshot_shows_what_was_committed_wherever_it_is() {
        for seed in 0..3 {
            let mut world = World::new(seed);
            let mut old = world.read();
            let (mut used, mut emptied) = (0, 0);
            for step in 0..500 {
                world.commit();
                let was_used = world.merge.recent.is_used();
                if world.below(30) == 0 {
                    world.idle(world.below(40));
                }
                let is_used = world.merge.recent.is_used();
                used += usize::from(is_used);
                emptied += usize::from(was_used && !is_used);
                if step % 5 == 0 {
                    let new = world.read();
                    for _ in 0..3 {
                        world.check(&new);
                        world.check(&old);
                    }
                    if step % 40 == 0 {
                        old = new;
                    }
                }
            }
            assert!(
                used > 100 && emptied > 0,
                "{used} with keys in it, emptied {emptied} times"
            );
            world.idle(u64::MAX);
            drop(old);
            let count = |table: &str| -> i64 {
                let sql = format!("SELECT count(*) FROM {table}");
                world.session.db.raw().query_row(&sql, (), |row| row.get(0)).unwrap()
            };
            assert_eq!((count("recent"), count("idx")), (0, world.keys.len() as i64));
        }
    }
}
