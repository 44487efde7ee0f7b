//! Reading an access log: to verify it, and to show it.

use std::io;

use super::segment::{self, Opened, Segment, SegmentKeys};
use super::writer::fault;
use super::{AccessKeys, AccessPlace, files};
use crate::StoreError;
use crate::audit::chain::{Block, Link};
use crate::audit::{Finding, Head, HeadFile, Record, Report, Verification};
use crate::keys::Sealer;

/// Walks the log, beside the process that writes it or without. What a crash cut short at the very end is no finding.
pub fn verify_accesses(place: &AccessPlace, keys: &AccessKeys) -> Result<Report, StoreError> {
    verify(place, keys).map_err(|error| fault(&error))
}

fn verify(place: &AccessPlace, keys: &AccessKeys) -> io::Result<Report> {
    // The head first: what is written meanwhile is after it.
    let head = HeadFile::read(&place.heads, &keys.heads, &place.head_name())?;
    let keys = keys.of_segments();
    let numbers = files::list(&place.directory)?;
    let mut verification = Verification::new(keys.links.clone(), head);
    for number in &numbers {
        let is_last = numbers.last() == Some(number);
        let segment = files::read(&place.directory, *number, &keys)?;
        verify_segment(&mut verification, &keys, head, (*number, segment, is_last));
    }
    Ok(verification.finish())
}

fn verify_segment(
    verification: &mut Verification,
    keys: &SegmentKeys,
    head: Option<Head>,
    (number, segment, is_last): (u64, Segment, bool),
) {
    match &segment.header {
        Opened::UnknownKey => return verification.add(Finding::UnknownKey { segment: number }),
        Opened::Valid(header) if header.number == number => {}
        // A segment that was just being begun is no damage.
        _ if is_last && segment.frames.is_empty() => {}
        _ => verification.add(Finding::Unreadable {
            segment: number,
            offset: 0,
        }),
    }
    let damage = segment.damage;
    let mut highest = 0;
    for (_, block) in &segment.frames {
        if block.first < highest {
            verification.add(Finding::Reordered {
                from: block.first,
                to: block.last(),
            });
        }
        highest = highest.max(block.first);
    }
    in_order(keys, head, segment).for_each(|block| verification.push_block(block));
    let is_cut_short = is_last && head.is_none_or(|head| verification.last() >= head.tip.seq);
    if let Some(offset) = damage.filter(|_| !is_cut_short) {
        verification.add(Finding::Unreadable {
            segment: number,
            offset: offset as u64,
        });
    }
}

/// The frames by number, with the instants of those beyond the head.
fn in_order(keys: &SegmentKeys, head: Option<Head>, segment: Segment) -> impl Iterator<Item = Block> {
    let mut prev = segment.before().map(|before| before.link);
    let sealer = match &segment.header {
        Opened::Valid(header) => Some(header.sealer(keys)),
        _ => None,
    };
    let mut blocks: Vec<Block> = segment.frames.into_iter().map(|(_, block)| block).collect();
    blocks.sort_by_key(|block| block.first);
    blocks.into_iter().map(move |block| {
        let before = prev.replace(block.link);
        let is_beyond = head.is_some_and(|head| block.first > head.tip.seq);
        let plain = match (&sealer, before) {
            (Some(sealer), Some(before)) if is_beyond => segment::open_frame(sealer, &before, &block),
            _ => None,
        };
        let span = plain.as_deref().and_then(segment::span);
        Block { span, ..block }
    })
}

/// A record of the log and its number, or what is wrong in its place.
pub type Numbered = Result<(u64, Record), StoreError>;

/// The records of a log in the order of their numbers, one segment in memory at a time. What cannot be read is told and
/// left out; only [`verify_accesses`] tells that nothing is missing.
pub struct AccessRecords {
    place: AccessPlace,
    keys: SegmentKeys,
    segments: std::vec::IntoIter<u64>,
    open: Option<Open>,
    records: std::vec::IntoIter<Numbered>,
}

/// The segment that is being read.
struct Open {
    sealer: Sealer,
    /// The link before the next frame.
    before: Link,
    frames: std::vec::IntoIter<(usize, Block)>,
}

impl AccessRecords {
    /// All that is there now.
    pub fn open(place: AccessPlace, keys: &AccessKeys) -> Result<Self, StoreError> {
        let segments = files::list(&place.directory).map_err(|error| fault(&error))?;
        Ok(Self {
            place,
            keys: keys.of_segments(),
            segments: segments.into_iter(),
            open: None,
            records: Vec::new().into_iter(),
        })
    }

    fn open_segment(&self, number: u64) -> Result<Option<Open>, StoreError> {
        let segment = files::read(&self.place.directory, number, &self.keys).map_err(|error| fault(&error))?;
        match segment.header {
            Opened::Valid(header) => Ok(Some(Open {
                sealer: header.sealer(&self.keys),
                before: header.before.link,
                frames: segment.frames.into_iter(),
            })),
            // Begun a moment ago, or never.
            Opened::Damaged if segment.frames.is_empty() => Ok(None),
            _ => Err(unreadable(&format!("segment {number} of the access log"))),
        }
    }
}

impl Iterator for AccessRecords {
    type Item = Numbered;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.records.next() {
                return Some(record);
            }
            if let Some(records) = self.open.as_mut().and_then(Open::next_frame) {
                self.records = records.into_iter();
                continue;
            }
            let number = self.segments.next()?;
            match self.open_segment(number) {
                Ok(open) => self.open = open,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Open {
    fn next_frame(&mut self) -> Option<Vec<Numbered>> {
        let (_, block) = self.frames.next()?;
        let before = std::mem::replace(&mut self.before, block.link);
        let Some(plain) = segment::open_frame(&self.sealer, &before, &block) else {
            return Some(vec![Err(unreadable(&format!("access log from entry {}", block.first)))]);
        };
        let records = (block.first..).zip(segment::lines(&plain));
        Some(records.map(|(seq, line)| Ok((seq, Record::from_json(line)?))).collect())
    }
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Inconsistent(format!("{what} cannot be read"))
}
