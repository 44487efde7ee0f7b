//! The head of a chain: its last number and link, signed, in a small file outside of the database.
//!
//! The file has two slots, written in turn: a write that power loss cuts short spoils one slot and leaves the one
//! before it. A slot is written after its entries are durable, and synced once a second and at the end. So a head is
//! never ahead of its chain, unless the chain was cut; and a chain is ahead of its head by what a power loss took from
//! the head, which is verified like everything else, since its links are keyed.
//!
//! Both slots are valid from the beginning on ([`HeadFile::begin`]), and a slot is smaller than a sector, which disks write
//! whole. So a slot without a valid signature is a suspicion, not an accident: else one could cut off the last entries and
//! spoil the newest slot, and the older one would vouch for what is left.
//!
//! A slot is valid only in its own place, and the file holds nothing else: else a copy of the older slot over the newer one,
//! or a cut, would pass.
//!
//! Who sets back the head *and* the chain to the same earlier state, with files that once were true, is found by
//! neither: only a copy kept elsewhere shows that.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::hmac;

use super::{AccessKeys, LinkKey, Tip, Trail};
use crate::files;
use crate::keys::DataKey;

const MAGIC: [u8; 8] = *b"hygiehd1";
const MAC_LEN: usize = 32;
const SLOT_LEN: usize = MAGIC.len() + 8 + 8 + 32 + MAC_LEN;
/// Slots lie in different pages, so that one torn write cannot spoil both.
const SLOT_STRIDE: u64 = 4096;
const SLOTS: u64 = 2;
const FILE_LEN: usize = (SLOT_STRIDE * SLOTS) as usize;
/// How often a reader beside a writer tries again.
const REREADS: u32 = 3;
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Whose head it is; bound to the signature, so that the head of another chain does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadName {
    /// The service instance.
    pub instance: String,
    /// Which of its chains.
    pub trail: Trail,
}

impl HeadName {
    /// The file in the directory of heads.
    pub fn path_in(&self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.{}.head", self.instance, self.trail.as_str()))
    }
}

/// A head as it was read: the newest slot with a valid signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The end of the chain that it vouches for.
    pub tip: Tip,
    /// Whether the other slot is valid, too.
    pub is_whole: bool,
}

/// The head of one chain, for the one process that writes the chain.
pub struct HeadFile {
    file: File,
    signer: Signer,
    generation: u64,
    is_synced: bool,
}

impl HeadFile {
    /// Opens or creates the file, and reads the head. A new file has none. A chain has one writer: while another process
    /// holds the head, this one waits for a few seconds and gives up.
    pub fn open(directory: &Path, key: &DataKey, name: &HeadName) -> io::Result<(Self, Option<Head>)> {
        let path = name.path_in(directory);
        match files::create(&path, &[0; FILE_LEN]) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let file = File::options().read(true).write(true).open(&path)?;
        lock(&file)?;
        let signer = Signer::new(key, name);
        let (generation, head) = newest(&file, &signer)?.unzip();
        let opened = Self {
            file,
            signer,
            generation: generation.unwrap_or(0),
            is_synced: true,
        };
        Ok((opened, head))
    }

    /// Reads the head beside the process that writes it.
    pub fn read(directory: &Path, key: &DataKey, name: &HeadName) -> io::Result<Option<Head>> {
        let file = match File::open(name.path_in(directory)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let signer = Signer::new(key, name);
        let mut head = newest(&file, &signer)?;
        for _ in 0..REREADS {
            if head.is_some_and(|(_, head)| head.is_whole) {
                break;
            }
            // Perhaps read in the middle of a write.
            head = newest(&file, &signer)?;
        }
        Ok(head.map(|(_, head)| head))
    }

    /// Signs this tip in both slots, durably: when a chain is opened, before its first entry.
    pub fn begin(&mut self, tip: Tip) -> io::Result<()> {
        if !is_as_written(&read_all(&self.file)?) {
            self.file.write_all_at(&[0; FILE_LEN], 0)?;
            self.file.set_len(FILE_LEN as u64)?;
        }
        for _ in 0..SLOTS {
            self.advance(tip)?;
        }
        self.sync()
    }

    /// Moves the head to this tip, whose entries must be durable: one write, no sync.
    pub fn advance(&mut self, tip: Tip) -> io::Result<()> {
        let generation = self.generation + 1;
        let slot = self.signer.slot(generation, tip);
        self.file.write_all_at(&slot, generation % SLOTS * SLOT_STRIDE)?;
        self.generation = generation;
        self.is_synced = false;
        Ok(())
    }

    /// Makes the last advance durable: once a second, and at the end.
    pub fn sync(&mut self) -> io::Result<()> {
        if !self.is_synced {
            self.file.sync_data()?;
            self.is_synced = true;
        }
        Ok(())
    }
}

/// Signs the beginning of both chains of an instance, where nothing is signed yet: before its database gets a table.
/// From then on a chain without a head is a damaged one.
pub fn begin_chains(directory: &Path, instance: &str, keys: &AccessKeys) -> io::Result<()> {
    for trail in [Trail::Writes, Trail::Accesses] {
        let name = HeadName {
            instance: instance.to_owned(),
            trail,
        };
        let (mut file, head) = HeadFile::open(directory, &keys.heads, &name)?;
        if head.is_none() {
            file.begin(Tip::start(&LinkKey::new(&keys.audit, trail), 1))?;
        }
    }
    Ok(())
}

/// Locks the file until it is closed. One that ends at this moment needs some time to write what waits.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(
        ErrorKind::ResourceBusy,
        "the instance is open in another process",
    ))
}

struct Signer {
    key: hmac::Key,
    label: String,
}

impl Signer {
    fn new(key: &DataKey, name: &HeadName) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key.key.expose()),
            label: format!("hygie audit head of {} of {}", name.trail.as_str(), name.instance),
        }
    }

    fn slot(&self, generation: u64, tip: Tip) -> [u8; SLOT_LEN] {
        let mut slot = [0; SLOT_LEN];
        slot[..8].copy_from_slice(&MAGIC);
        slot[8..16].copy_from_slice(&generation.to_be_bytes());
        slot[16..24].copy_from_slice(&tip.seq.to_be_bytes());
        slot[24..56].copy_from_slice(&tip.link);
        let signature = self.sign(&slot[..56]);
        slot[56..].copy_from_slice(signature.as_ref());
        slot
    }

    fn sign(&self, fields: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(fields);
        context.update(self.label.as_bytes());
        context.sign()
    }

    fn open(&self, slot: &[u8; SLOT_LEN]) -> Option<(u64, Tip)> {
        let (fields, signature) = slot.split_at(SLOT_LEN - MAC_LEN);
        let expected = self.sign(fields);
        let is_signed = aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), signature).is_ok();
        let number = |at: usize| u64::from_be_bytes(fields[at..at + 8].try_into().expect("eight bytes"));
        let tip = Tip {
            seq: number(16),
            link: fields[24..].try_into().expect("the rest is a link"),
        };
        (is_signed && fields.starts_with(&MAGIC)).then(|| (number(8), tip))
    }
}

/// Generation and tip of the newest slot.
fn newest(file: &File, signer: &Signer) -> io::Result<Option<(u64, Head)>> {
    let bytes = read_all(file)?;
    let mut slots = [None; SLOTS as usize];
    for (at, found) in (0..).zip(&mut slots) {
        let slot = bytes.get(slot_start(at)..).and_then(|rest| rest.first_chunk());
        *found = slot
            .and_then(|slot| signer.open(slot))
            .filter(|(generation, _)| generation % SLOTS == at);
    }
    let is_whole = slots.iter().all(Option::is_some) && is_as_written(&bytes);
    let newest = slots.into_iter().flatten().max_by_key(|(generation, _)| *generation);
    Ok(newest.map(|(generation, tip)| (generation, Head { tip, is_whole })))
}

fn slot_start(at: u64) -> usize {
    (at * SLOT_STRIDE) as usize
}

/// The file, and a little more when it is longer than it should be.
fn read_all(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; FILE_LEN + 1];
    let mut len = 0;
    while len < bytes.len() {
        match file.read_at(&mut bytes[len..], len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Whether there is nothing in the file that is not written, nor less.
fn is_as_written(bytes: &[u8]) -> bool {
    bytes.len() == FILE_LEN
        && bytes
            .chunks(SLOT_STRIDE as usize)
            .all(|page| page[SLOT_LEN..].iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hygie_core::Secret;

    use super::*;
    use crate::keys::KeyId;

    fn key(byte: u8) -> DataKey {
        DataKey {
            id: KeyId([byte; 8]),
            key: Secret::new([byte; 32]),
        }
    }

    fn name() -> HeadName {
        HeadName {
            instance: "directory".to_owned(),
            trail: Trail::Writes,
        }
    }

    fn tip(seq: u64) -> Tip {
        Tip {
            seq,
            link: [seq as u8; 32],
        }
    }

    fn read(dir: &tempfile::TempDir) -> Option<Head> {
        HeadFile::read(dir.path(), &key(1), &name()).unwrap()
    }

    fn whole(seq: u64) -> Head {
        let tip = tip(seq);
        Head { tip, is_whole: true }
    }

    #[test]
    fn the_newest_slot_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(&dir), None);
        let (mut head, none) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
        assert_eq!((none, read(&dir)), (None, None));
        head.begin(tip(0)).unwrap();
        assert_eq!(read(&dir), Some(whole(0)));
        for seq in [3, 7, 20] {
            head.advance(tip(seq)).unwrap();
            assert_eq!(read(&dir), Some(whole(seq)));
        }
        head.sync().unwrap();
        drop(head);
        let (mut head, found) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
        assert_eq!(found, Some(whole(20)));
        head.advance(tip(21)).unwrap();
        assert_eq!(read(&dir), Some(whole(21)));
    }

    #[test]
    fn a_spoilt_slot_leaves_the_one_before_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (mut head, _) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
        head.begin(tip(1)).unwrap();
        head.advance(tip(2)).unwrap();
        let path = name().path_in(dir.path());
        let before = fs::read(&path).unwrap();
        head.advance(tip(3)).unwrap();
        let after = fs::read(&path).unwrap();
        let at = (0..before.len()).find(|at| before[*at] != after[*at]).unwrap() / 4096 * 4096;
        for cut in 0..SLOT_LEN {
            // Only the first bytes of the third advance arrive; of the slot it replaces, the others stay.
            let mut torn = after.clone();
            torn[at + cut..at + SLOT_LEN].copy_from_slice(&before[at + cut..at + SLOT_LEN]);
            fs::write(&path, &torn).unwrap();
            let found = read(&dir).unwrap();
            assert_eq!(found.tip, tip(if torn == after { 3 } else { 2 }), "cut at {cut}");
            assert_eq!(found.is_whole, torn == after || torn == before, "cut at {cut}");
        }
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&dir), None);
    }

    #[test]
    fn the_older_slot_does_not_pass_for_the_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        let (mut head, _) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
        head.begin(tip(1)).unwrap();
        let path = name().path_in(dir.path());
        for seq in [2, 3] {
            let before = fs::read(&path).unwrap();
            head.advance(tip(seq)).unwrap();
            let mut bytes = fs::read(&path).unwrap();
            let newer = if before[..4096] == bytes[..4096] { 4096 } else { 0 };
            bytes.copy_within(4096 - newer..4096 - newer + SLOT_LEN, newer);
            let after = fs::read(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            assert!(
                !read(&dir).unwrap().is_whole,
                "the entries up to {seq} could be cut off"
            );
            fs::write(&path, after).unwrap();
            assert_eq!(read(&dir), Some(whole(seq)));
        }
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_told_and_made_anew() {
        type Change = fn(&mut Vec<u8>);
        let changes: [Change; 4] = [
            |bytes| bytes.truncate(bytes.len() / 3 * 2),
            |bytes| bytes.truncate(bytes.len() - 1),
            |bytes| bytes.push(0),
            |bytes| bytes[SLOT_LEN] = 1,
        ];
        for change in changes {
            let dir = tempfile::tempdir().unwrap();
            let (mut head, _) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
            head.begin(tip(1)).unwrap();
            head.advance(tip(2)).unwrap();
            let path = name().path_in(dir.path());
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let spoilt = Head {
                is_whole: false,
                ..whole(2)
            };
            assert_eq!(read(&dir), Some(spoilt));
            drop(head);
            let (mut head, found) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
            assert_eq!(found, Some(spoilt));
            head.begin(tip(9)).unwrap();
            assert_eq!(read(&dir), Some(whole(9)));
        }
    }

    #[test]
    fn the_head_of_another_chain_or_key_does_not_pass() {
        let dir = tempfile::tempdir().unwrap();
        let (mut head, _) = HeadFile::open(dir.path(), &key(1), &name()).unwrap();
        head.advance(tip(5)).unwrap();
        assert_eq!(HeadFile::read(dir.path(), &key(2), &name()).unwrap(), None);
        let others = [
            HeadName {
                trail: Trail::Accesses,
                ..name()
            },
            HeadName {
                instance: "fhir".to_owned(),
                ..name()
            },
        ];
        for other in others {
            fs::copy(name().path_in(dir.path()), other.path_in(dir.path())).unwrap();
            assert_eq!(HeadFile::read(dir.path(), &key(1), &other).unwrap(), None);
        }
    }
}
