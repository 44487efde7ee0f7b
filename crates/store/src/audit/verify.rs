//! Walks a chain and tells what was done to it by someone without the audit key.
//!
//! The caller is assumed to face a holder of the database key and of the access log's data key, who may change every
//! byte of both, but holds neither the audit key nor the heads key (both wrapped by the master key).
//!
//! | done to the chain | found as |
//! |---|---|
//! | an entry changed, its link left or made up | [`Finding::Altered`] |
//! | entries removed from the middle | [`Finding::Missing`]; the entry after the gap cannot be checked any more |
//! | entries exchanged | [`Finding::Reordered`] |
//! | the last entries removed | [`Finding::Truncated`] |
//! | an entry added at the end | [`Finding::Forged`] |
//! | the end removed, and the program let to write on | [`Finding::Restarted`], for ever |
//! | heads file removed or spoilt, with or without all entries | [`Finding::HeadDamaged`]; once the program has run again, [`Finding::Restarted`] |
//! | heads file set back by more than a quarter of an hour of entries | [`Finding::HeadSetBack`], then as above |
//!
//! Not found: a heads file set back by less (the entries themselves are still verified one by one: nothing is lost by
//! it); and a heads file set back *together* with the chain to a state that once was true, such as a whole directory
//! restored from an old copy. Only a copy of the head kept elsewhere shows that: [`Report::tip`] is what to keep.

use std::fmt;

use super::chain::{Block, Span};
use super::{Entry, Head, Link, LinkKey, Tip};

/// Findings that are listed; the rest is counted.
const MAX_FINDINGS: usize = 1000;

/// Blocks out of place that are compared with each other; beyond it they are altered ones.
const MAX_SUSPECTS: usize = 512;

/// What was found, by numbers of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The entries are not those that were linked.
    Altered {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The entries are not there, though later ones are; the one after them cannot be checked.
    Missing {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The entries are there, but in the place of others.
    Reordered {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The head knows entries that are not there any more.
    Truncated {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The entries stand after the head and were not made with the key (or a crash cut them short, when the program has
    /// not run since).
    Forged {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The program found the end of the chain damaged and started it anew: of these numbers, entries that once were there
    /// were removed; the last number is never an entry.
    Restarted {
        /// First number without an entry.
        from: u64,
        /// Last number without an entry.
        to: u64,
    },
    /// The entry at the head is a valid one, but not the one that the head signed.
    Replaced(u64),
    /// There is no head, or it is not as it was written.
    HeadDamaged,
    /// The entries after the head were written over a longer time than a head ever lags behind.
    HeadSetBack(u64),
    /// Part of a file cannot be read as what it should be.
    Unreadable {
        /// Number of the segment of the access log.
        segment: u64,
        /// Where in it.
        offset: u64,
    },
    /// A segment of the access log is written under keys that the keyring does not have.
    UnknownKey {
        /// Number of the segment of the access log.
        segment: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { from, to } => write!(f, "{} altered", Numbers(*from, *to)),
            Self::Missing { from, to } => {
                write!(f, "{} missing; entry {} cannot be checked", Numbers(*from, *to), to + 1)
            }
            Self::Reordered { from, to } => write!(f, "{} moved to another place", Numbers(*from, *to)),
            Self::Truncated { from, to } => write!(f, "{} removed from the end", Numbers(*from, *to)),
            Self::Forged { from, to } => write!(f, "{} at the end not made by this program", Numbers(*from, *to)),
            Self::Restarted { from, to } => write!(
                f,
                "the chain was found damaged at its end and restarted: {} without record",
                Numbers(*from, *to)
            ),
            Self::Replaced(seq) => write!(f, "entry {seq} is not the one that the head signed"),
            Self::HeadDamaged => f.write_str("the head is missing or spoilt"),
            Self::HeadSetBack(seq) => write!(f, "the head was set back to entry {seq}"),
            Self::Unreadable { segment, offset } => write!(f, "segment {segment} is damaged at byte {offset}"),
            Self::UnknownKey { segment } => write!(f, "segment {segment} is written under an unknown key"),
        }
    }
}

struct Numbers(u64, u64);

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(one, same) if one == same => write!(f, "entry {one}"),
            Self(from, to) => write!(f, "entries {from} to {to}"),
        }
    }
}

/// The outcome of a walk.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Entries that were there.
    pub entries: u64,
    /// What was found, in no particular order; the first thousand.
    pub findings: Vec<Finding>,
    /// How many more findings there are.
    pub more: u64,
    /// Number and link of the last entry: kept elsewhere, they show later that the chain still contains it.
    pub tip: Option<Tip>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// What was found in the two chains of an instance.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The chain of writes.
    pub writes: Report,
    /// The chain of accesses.
    pub accesses: Report,
}

/// A walk over a chain: push its entries in order, then finish. Read the head before the entries: those that a live
/// process adds meanwhile are after it.
pub struct Verification {
    key: LinkKey,
    head: Option<Head>,
    next: u64,
    /// The link before `next`; unknown after a gap.
    prev: Option<Link>,
    suspects: Vec<Suspect>,
    is_head_replaced: bool,
    beyond: Option<Span>,
    report: Report,
}

/// A block whose link does not follow from where it stands.
struct Suspect {
    prev: Link,
    block: Block,
}

impl Verification {
    /// Of the chain with this key and head.
    pub fn new(key: LinkKey, head: Option<Head>) -> Self {
        let start = key.start(1);
        Self {
            key,
            head,
            next: 1,
            prev: Some(start),
            suspects: Vec::new(),
            is_head_replaced: false,
            beyond: None,
            report: Report::default(),
        }
    }

    /// Takes the next entry, by ascending number.
    pub fn push(&mut self, entry: Entry) {
        self.push_block(entry.into());
    }

    pub(super) fn push_block(&mut self, block: Block) {
        self.report.entries += block.count;
        if block.first < self.next || block.count == 0 {
            // A second one with the same number: a copy or a forgery.
            return self.report.add(forged(&block));
        }
        if block.first > self.next {
            self.cross_gap(&block);
        }
        let seq = block.last();
        self.next = seq + 1;
        let prev = self.prev.replace(block.link);
        self.report.tip = Some(Tip { seq, link: block.link });
        match prev {
            Some(prev) if block.link != self.key.link(&prev, block.first, &block.content) => {
                self.suspect(Suspect { prev, block });
            }
            _ => self.compare_with_head(&block),
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.report.add(finding);
    }

    /// Number of the last entry pushed.
    pub(super) fn last(&self) -> u64 {
        self.next - 1
    }

    fn cross_gap(&mut self, block: &Block) {
        let (from, to) = (self.next, block.first - 1);
        let start = self.key.start(block.first);
        if block.link == self.key.link(&start, block.first, &block.content) {
            self.report.add(Finding::Restarted { from, to });
            self.prev = Some(start);
        } else {
            self.report.add(Finding::Missing { from, to });
            self.prev = None;
        }
    }

    fn suspect(&mut self, suspect: Suspect) {
        if self.suspects.len() < MAX_SUSPECTS {
            self.suspects.push(suspect);
        } else {
            let finding = self.unexplained(&suspect.block);
            self.report.add(finding);
        }
    }

    fn compare_with_head(&mut self, block: &Block) {
        match self.head.map(|head| head.tip) {
            Some(head) if block.last() == head.seq => self.is_head_replaced = block.link != head.link,
            Some(head) if block.first > head.seq => self.beyond = Span::join(self.beyond, block.span),
            _ => {}
        }
    }

    /// The outcome.
    pub fn finish(mut self) -> Report {
        self.explain_suspects();
        match self.head {
            None => self.report.add(Finding::HeadDamaged),
            Some(head) => {
                if !head.is_whole {
                    self.report.add(Finding::HeadDamaged);
                }
                self.conclude_at_head(head.tip);
            }
        }
        self.report
    }

    fn conclude_at_head(&mut self, head: Tip) {
        if head.seq >= self.next {
            let (from, to) = (self.next, head.seq);
            self.report.add(if head.is_start(&self.key) {
                Finding::Restarted { from, to }
            } else {
                Finding::Truncated { from, to }
            });
        }
        if self.is_head_replaced {
            self.report.add(Finding::Replaced(head.seq));
        }
        if self.beyond.is_some_and(Span::is_too_long) {
            self.report.add(Finding::HeadSetBack(head.seq));
        }
    }

    /// Two blocks exchanged make up to four suspects: both, and the ones after them. What stands at a number is looked
    /// for among all; where it is found, the link before the next number is known again.
    fn explain_suspects(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        let mut carried: Option<(u64, Link)> = None;
        for suspect in &suspects {
            let block = &suspect.block;
            let prev = match carried {
                Some((last, link)) if last + 1 == block.first => link,
                _ => suspect.prev,
            };
            let fits = |other: &&Suspect| {
                other.block.count == block.count
                    && other.block.link == self.key.link(&prev, block.first, &other.block.content)
            };
            if fits(&suspect) {
                carried = Some((block.last(), block.link));
                continue;
            }
            let moved = suspects.iter().find(fits);
            carried = Some((block.last(), moved.unwrap_or(suspect).block.link));
            let finding = match moved {
                Some(_) => Finding::Reordered {
                    from: block.first,
                    to: block.last(),
                },
                None => self.unexplained(block),
            };
            self.report.add(finding);
        }
    }

    fn unexplained(&self, block: &Block) -> Finding {
        match self.head {
            Some(head) if block.first > head.tip.seq => forged(block),
            _ => Finding::Altered {
                from: block.first,
                to: block.last(),
            },
        }
    }
}

fn forged(block: &Block) -> Finding {
    Finding::Forged {
        from: block.first,
        to: block.last(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hygie_core::{Secret, TenantId, Timestamp};

    use super::*;
    use crate::audit::{Break, Chain, Record, Resumption, Trail};
    use crate::fakes;
    use crate::keys::{DataKey, KeyId};

    fn link_key(byte: u8) -> LinkKey {
        let key = DataKey {
            id: KeyId([0; 8]),
            key: Secret::new([byte; 32]),
        };
        LinkKey::new(&key, Trail::Writes)
    }

    fn record(secs: i64) -> Record {
        let cx = fakes::cx(TenantId::from_uuid(uuid::Uuid::nil()), Timestamp::from_secs(secs));
        Record::success(&cx, "fhir.create", format!("Patient/{secs}"))
    }

    fn whole(tip: Tip) -> Head {
        Head { tip, is_whole: true }
    }

    /// What a database and its heads file hold.
    #[derive(Clone)]
    struct World {
        rows: Vec<Entry>,
        head: Option<Head>,
    }

    impl World {
        /// With entries 1 to `count`, a second each, and the head at the last.
        fn with(count: u64) -> Self {
            let mut world = Self {
                rows: Vec::new(),
                head: Some(whole(Tip::start(&link_key(1), 1))),
            };
            world.run(0, count);
            world
        }

        /// The program starts, writes entries from the second `at` on, and ends.
        fn run(&mut self, at: i64, count: u64) -> Resumption {
            let since = self.head.map_or(self.rows.len().saturating_sub(1), |head| {
                self.rows
                    .iter()
                    .position(|row| row.seq >= head.tip.seq)
                    .unwrap_or(self.rows.len())
            });
            let rows = self.rows[since..].iter().cloned().map(Ok::<_, Infallible>);
            let (mut chain, resumption) = Chain::resume(link_key(1), self.head, rows).unwrap();
            self.rows.extend((0..count).map(|n| chain.next(&record(at + n as i64))));
            self.head = Some(whole(chain.tip()));
            resumption
        }

        fn verify(&self) -> Report {
            let mut verification = Verification::new(link_key(1), self.head);
            self.rows.iter().cloned().for_each(|row| verification.push(row));
            verification.finish()
        }

        fn findings(&self) -> Vec<Finding> {
            self.verify().findings
        }

        /// Exchanges what two rows hold, as an `UPDATE` of their numbers would.
        fn swap(&mut self, a: usize, b: usize) {
            self.rows.swap(a - 1, b - 1);
            self.rows[a - 1].seq = a as u64;
            self.rows[b - 1].seq = b as u64;
        }
    }

    const CONTINUED: Resumption = Resumption::Continued { ahead: 0 };

    #[test]
    fn a_true_chain_is_clean_over_restarts() {
        let mut world = World::with(0);
        assert!(world.verify().is_clean());
        assert_eq!(world.run(0, 5), CONTINUED);
        assert_eq!(world.run(100_000, 7), CONTINUED);
        let report = world.verify();
        assert!(report.is_clean(), "{:?}", report.findings);
        assert_eq!((report.entries, report.tip), (12, world.head.map(|head| head.tip)));
    }

    #[test]
    fn a_rollback_leaves_no_gap() {
        let mut world = World::with(3);
        let rows = world.rows[2..].iter().cloned().map(Ok::<_, Infallible>);
        let (mut chain, _) = Chain::resume(link_key(1), world.head, rows).unwrap();
        let before = chain.tip();
        chain.next(&record(3));
        chain.next(&record(4));
        chain.restore(before);
        world.rows.push(chain.next(&record(5)));
        world.head = Some(whole(chain.tip()));
        assert!(world.verify().is_clean());
    }

    #[test]
    fn an_altered_entry_is_found() {
        for at in [1, 5, 9, 10] {
            let mut world = World::with(10);
            world.rows[at - 1].bytes = record(77).to_json();
            let seq = at as u64;
            assert_eq!(world.findings(), [Finding::Altered { from: seq, to: seq }]);
        }
        let mut world = World::with(10);
        world.rows[4].link = [9; 32];
        world.rows[4].bytes = record(77).to_json();
        let findings = world.findings();
        assert!(findings.contains(&Finding::Altered { from: 5, to: 5 }), "{findings:?}");
    }

    #[test]
    fn entries_linked_with_another_key_are_found() {
        let mut world = World::with(10);
        let prev = world.rows[3].link;
        let entry = &mut world.rows[4];
        entry.bytes = record(77).to_json();
        entry.link = link_key(2).link(&prev, 5, &entry.bytes);
        assert!(world.findings().contains(&Finding::Altered { from: 5, to: 5 }));
    }

    #[test]
    fn a_removed_entry_is_found() {
        for at in 1..=9_u64 {
            let mut world = World::with(10);
            world.rows.remove(at as usize - 1);
            assert_eq!(world.findings(), [Finding::Missing { from: at, to: at }]);
        }
    }

    #[test]
    fn the_numbers_closed_over_a_removed_entry_are_found() {
        let mut world = World::with(10);
        world.rows.remove(4);
        (1..).zip(&mut world.rows).for_each(|(seq, row)| row.seq = seq);
        assert!(!world.verify().is_clean());
    }

    #[test]
    fn a_truncated_chain_is_found_and_stays_found() {
        let mut world = World::with(10);
        world.rows.truncate(7);
        assert_eq!(world.findings(), [Finding::Truncated { from: 8, to: 10 }]);
        let broken = world.run(20, 0);
        assert_eq!(broken, Resumption::Broken(Break::Truncated { found: 0, head: 10 }));
        assert_eq!(world.findings(), [Finding::Restarted { from: 8, to: 11 }]);
        assert_eq!(world.run(20, 0), CONTINUED, "one break, not one each start");
        assert_eq!(world.run(20, 4), CONTINUED);
        assert_eq!(world.findings(), [Finding::Restarted { from: 8, to: 11 }]);
        assert_eq!(world.rows[7].seq, 12);
    }

    #[test]
    fn an_emptied_chain_is_found_and_stays_found() {
        let mut world = World::with(10);
        world.rows.clear();
        assert_eq!(world.findings(), [Finding::Truncated { from: 1, to: 10 }]);
        world.run(20, 2);
        assert_eq!(world.findings(), [Finding::Restarted { from: 1, to: 11 }]);
    }

    #[test]
    fn exchanged_entries_are_found() {
        for (a, b) in [(5, 6), (1, 2), (9, 10), (1, 10), (3, 8)] {
            let mut world = World::with(10);
            world.swap(a, b);
            let moved = |seq: usize| Finding::Reordered {
                from: seq as u64,
                to: seq as u64,
            };
            assert_eq!(world.findings(), [moved(a), moved(b)]);
        }
    }

    #[test]
    fn a_forged_entry_at_the_end_is_found_and_stays_found() {
        let mut world = World::with(10);
        let bytes = record(10).to_json();
        let link = link_key(2).link(&world.rows[9].link, 11, &bytes);
        world.rows.push(Entry { seq: 11, link, bytes });
        assert_eq!(world.findings(), [Finding::Forged { from: 11, to: 11 }]);
        assert_eq!(world.run(20, 1), Resumption::Broken(Break::Forged(11)));
        let findings = [
            Finding::Restarted { from: 12, to: 12 },
            Finding::Altered { from: 11, to: 11 },
        ];
        assert_eq!(world.findings(), findings);
    }

    #[test]
    fn a_replayed_entry_is_found() {
        let mut world = World::with(10);
        let copy = Entry {
            seq: 11,
            ..world.rows[4].clone()
        };
        world.rows.push(copy);
        assert_eq!(world.findings(), [Finding::Forged { from: 11, to: 11 }]);
    }

    #[test]
    fn a_chain_ahead_of_its_head_goes_on() {
        let mut world = World::with(5);
        let head = world.head;
        world.run(100_000, 5);
        world.head = head;
        assert!(
            world.verify().is_clean(),
            "a power loss took the last write of the head"
        );
        assert_eq!(world.run(100_010, 1), Resumption::Continued { ahead: 5 });
        assert!(world.verify().is_clean());
    }

    #[test]
    fn a_head_set_back_far_is_found_and_stays_found() {
        let mut world = World::with(5);
        let head = world.head;
        world.run(10, 5);
        world.run(10_000, 5);
        world.head = head;
        assert_eq!(world.findings(), [Finding::HeadSetBack(5)]);
        assert_eq!(world.run(10_010, 1), Resumption::Broken(Break::HeadSetBack));
        assert_eq!(world.findings(), [Finding::Restarted { from: 16, to: 16 }]);
    }

    #[test]
    fn head_and_chain_set_back_together_are_not_found() {
        let mut world = World::with(5);
        let earlier = world.clone();
        world.run(10, 5);
        let kept = world.verify().tip.unwrap();
        world = earlier;
        assert!(
            world.verify().is_clean(),
            "the limit of what a machine can know about itself"
        );
        assert!(
            !world.rows.iter().any(|row| row.link == kept.link),
            "a kept tip shows it"
        );
    }

    #[test]
    fn the_last_entries_removed_and_the_newest_slot_spoilt_is_found_and_stays_found() {
        let mut world = World::with(5);
        let tip = world.head.unwrap().tip;
        world.run(10, 3);
        world.rows.truncate(5);
        world.head = Some(Head { tip, is_whole: false });
        assert_eq!(world.findings(), [Finding::HeadDamaged]);
        assert_eq!(world.run(20, 1), Resumption::Broken(Break::HeadDamaged));
        assert_eq!(world.findings(), [Finding::Restarted { from: 6, to: 6 }]);
    }

    #[test]
    fn a_missing_head_is_found_and_stays_found() {
        let mut world = World::with(5);
        world.head = None;
        assert_eq!(world.findings(), [Finding::HeadDamaged]);
        assert_eq!(world.run(10, 2), Resumption::Broken(Break::HeadDamaged));
        assert_eq!(world.findings(), [Finding::Restarted { from: 6, to: 6 }]);
    }

    #[test]
    fn a_chain_set_back_and_written_on_is_found() {
        let mut world = World::with(10);
        let current = world.head;
        world.rows.truncate(5);
        world.head = Some(whole(Tip {
            seq: 5,
            link: world.rows[4].link,
        }));
        world.run(50, 5);
        world.head = current;
        assert_eq!(world.findings(), [Finding::Replaced(10)]);
        assert_eq!(world.run(60, 1), Resumption::Broken(Break::Replaced(10)));
    }

    #[test]
    fn findings_are_bounded() {
        let mut world = World::with(4000);
        for row in world.rows.iter_mut().step_by(2) {
            row.bytes.push(b' ');
        }
        let report = world.verify();
        assert_eq!(report.findings.len() as u64 + report.more, 2000);
        assert_eq!(report.findings.len(), MAX_FINDINGS);
    }

    #[test]
    fn no_finding_shows_a_record() {
        let mut world = World::with(3);
        world.rows[1].bytes = br#"{"object":"Patient/secret"}"#.to_vec();
        let shown: Vec<_> = world.findings().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["entry 2 altered"]);
    }
}
