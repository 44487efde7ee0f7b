//! The in-memory tail of the ordered index: what is committed but not yet merged into the table.
//!
//! Each change of a group commit is kept under its key with the group's tag, the highest journal number of the group, so
//! that a reader sees exactly what its snapshot of the journal holds. When the tail has grown, its active part is frozen
//! as it is and merged by the writer in key order, a slice in each following commit; a new active part takes over.
//! Readers hold the parts they began with, so nothing disappears under them. A view also says which keys may be in the
//! table [`recent`](super::recent).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::RwLock;

use super::key::Key;
use super::recent::FirstBytes;
use crate::{IndexRange, Order};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is in the set.
    Add,
    /// It is not, though the table may have it.
    Remove,
}

/// Changes by key, then by tag.
pub type Changes = BTreeMap<(Key, i64), Change>;

/// Changes of the group that is being written, the last for each key.
pub type Pending = BTreeMap<Key, Change>;

/// One view of the tail. Parts are shared with the writer; a view is replaced when parts change hands.
#[derive(Clone, Default)]
pub struct View {
    /// Takes new changes.
    pub active: Arc<RwLock<Changes>>,
    /// Is being merged; never changes.
    pub frozen: Option<Arc<RwLock<Changes>>>,
    /// How the keys begin that may be in the table `recent`.
    pub recent: FirstBytes,
}

/// The tail, shared by the writer and all readers.
#[derive(Default)]
pub struct Tail {
    view: ArcSwap<View>,
}

impl Tail {
    /// The present view.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Whether `view` is still the present one.
    pub fn is_present(&self, view: &Arc<View>) -> bool {
        Arc::ptr_eq(&self.view.load(), view)
    }

    /// Adds the changes of a group under its tag, before its commit makes that tag visible.
    pub fn publish(&self, pending: &Pending, tag: i64) {
        let view = self.view.load();
        let mut active = view.active.write();
        for (key, change) in pending {
            active.insert((key.clone(), tag), *change);
        }
    }

    /// Takes the changes of a group out again: its commit failed.
    pub fn retract(&self, pending: &Pending, tag: i64) {
        let view = self.view.load();
        let mut active = view.active.write();
        for key in pending.keys() {
            active.remove(&(key.clone(), tag));
        }
    }

    /// Number of changes that wait in the active part.
    pub fn waiting(&self) -> usize {
        self.view.load().active.read().len()
    }

    /// Freezes the active part for merging, of which keys with these first bytes come into the table `recent`. Nothing may
    /// be frozen already.
    pub fn freeze(&self, recent: FirstBytes) -> Arc<RwLock<Changes>> {
        let frozen = self.view.load().active.clone();
        self.view.store(Arc::new(View {
            active: Arc::default(),
            frozen: Some(frozen.clone()),
            recent,
        }));
        frozen
    }

    /// Lets go of the frozen part: the tables have all of it.
    pub fn retire(&self) {
        let view = self.view.load();
        self.view.store(Arc::new(View {
            active: view.active.clone(),
            frozen: None,
            recent: view.recent,
        }));
    }

    /// Says which keys may be in the table `recent` from now on.
    pub fn look_in_recent(&self, recent: FirstBytes) {
        let view = self.view.load();
        self.view.store(Arc::new(View {
            recent,
            ..View::clone(&view)
        }));
    }
}

impl View {
    /// The changes of `range` in `order` as of `tag`, with `pending` on top: each key once, with its last change. Stops
    /// after `adds` additions, so that nothing beyond the last key collected can matter to a scan of that many keys.
    pub fn collect(
        &self,
        (range, order): (&IndexRange, Order),
        tag: i64,
        adds: usize,
        pending: Option<&Pending>,
    ) -> Vec<(Key, Change)> {
        if range.from >= range.to {
            return Vec::new();
        }
        let mut found = Vec::new();
        let bounds = tagged_bounds(range);
        let active = self.active.read();
        let frozen = self.frozen.as_ref().map(|part| part.read());
        let none = Changes::new();
        let plain = (
            Bound::Included(Key::from(&*range.from)),
            Bound::Excluded(Key::from(&*range.to)),
        );
        let empty = Pending::new();
        let mut sources = [
            Source::of_pending(pending.unwrap_or(&empty).range(plain), order),
            Source::of_changes(active.range(bounds.clone()), order, tag),
            Source::of_changes(frozen.as_deref().unwrap_or(&none).range(bounds), order, tag),
        ];
        let mut added = 0;
        while added < adds {
            let Some((key, change)) = next_of(&mut sources, order) else {
                break;
            };
            added += usize::from(change == Change::Add);
            found.push((key, change));
        }
        found
    }
}

type Bounds = (Bound<(Key, i64)>, Bound<(Key, i64)>);

fn tagged_bounds(range: &IndexRange) -> Bounds {
    (
        Bound::Included((Key::from(&*range.from), i64::MIN)),
        Bound::Excluded((Key::from(&*range.to), i64::MIN)),
    )
}

/// One ordered source of changes, each key once; earlier sources win over later ones.
struct Source<'a> {
    head: Option<(&'a Key, Change)>,
    rest: Box<dyn Iterator<Item = (&'a Key, Change)> + 'a>,
}

impl<'a> Source<'a> {
    fn new(mut rest: Box<dyn Iterator<Item = (&'a Key, Change)> + 'a>) -> Self {
        let head = rest.next();
        Self { head, rest }
    }

    fn of_pending(range: std::collections::btree_map::Range<'a, Key, Change>, order: Order) -> Self {
        Self::new(match order {
            Order::Ascending => Box::new(range.map(|(key, change)| (key, *change))),
            Order::Descending => Box::new(range.rev().map(|(key, change)| (key, *change))),
        })
    }

    fn of_changes(range: std::collections::btree_map::Range<'a, (Key, i64), Change>, order: Order, tag: i64) -> Self {
        let visible = move |((key, at), change): (&'a (Key, i64), &'a Change)| (*at <= tag).then_some((key, *change));
        Self::new(match order {
            Order::Ascending => Box::new(Latest {
                items: range.filter_map(visible),
                newest: Newest::Last,
                held: None,
            }),
            Order::Descending => Box::new(Latest {
                items: range.rev().filter_map(visible),
                newest: Newest::First,
                held: None,
            }),
        })
    }

    fn advance(&mut self) {
        self.head = self.rest.next();
    }
}

/// Whether the newest change of a key comes first or last among its changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Newest {
    First,
    Last,
}

/// Of the changes of one key, which stand together, gives the newest.
struct Latest<'a, I> {
    items: I,
    newest: Newest,
    held: Option<(&'a Key, Change)>,
}

impl<'a, I: Iterator<Item = (&'a Key, Change)>> Iterator for Latest<'a, I> {
    type Item = (&'a Key, Change);

    fn next(&mut self) -> Option<Self::Item> {
        let mut current = self.held.take().or_else(|| self.items.next())?;
        for item in self.items.by_ref() {
            if item.0 != current.0 {
                self.held = Some(item);
                break;
            }
            if self.newest == Newest::Last {
                current = item;
            }
        }
        Some(current)
    }
}

fn next_of(sources: &mut [Source<'_>], order: Order) -> Option<(Key, Change)> {
    let mut best: Option<(&Key, Change)> = None;
    for source in sources.iter() {
        if let Some((key, change)) = source.head {
            let better = best.is_none_or(|(least, _)| match order {
                Order::Ascending => key < least,
                Order::Descending => key > least,
            });
            if better {
                best = Some((key, change));
            }
        }
    }
    let (key, change) = best?;
    let key = key.clone();
    for source in sources {
        if source.head.is_some_and(|(other, _)| *other == key) {
            source.advance();
        }
    }
    Some((key, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(changes: &[(&str, Change)]) -> Pending {
        changes
            .iter()
            .map(|(key, change)| (Key::from(key.as_bytes()), *change))
            .collect()
    }

    fn seen(view: &View, order: Order, tag: i64, adds: usize, on_top: Option<&Pending>) -> Vec<String> {
        let range = IndexRange {
            from: b"a".to_vec(),
            to: b"z".to_vec(),
        };
        let sign = |change| if change == Change::Add { "" } else { "-" };
        let text = |key: &Key| String::from_utf8(key.as_bytes().to_vec()).expect("test keys are text");
        view.collect((&range, order), tag, adds, on_top)
            .iter()
            .map(|(key, change)| format!("{}{}", sign(*change), text(key)))
            .collect()
    }

    #[test]
    fn a_reader_sees_its_own_tag() {
        let tail = Tail::default();
        tail.publish(&pending(&[("b", Change::Add), ("c", Change::Add)]), 1);
        tail.publish(&pending(&[("b", Change::Remove), ("d", Change::Add)]), 5);
        let view = tail.view();
        assert_eq!(seen(&view, Order::Ascending, 0, 9, None), [""; 0]);
        assert_eq!(seen(&view, Order::Ascending, 4, 9, None), ["b", "c"]);
        assert_eq!(seen(&view, Order::Ascending, 5, 9, None), ["-b", "c", "d"]);
        assert_eq!(seen(&view, Order::Descending, 5, 9, None), ["d", "c", "-b"]);
    }

    #[test]
    fn newer_parts_win_over_frozen_ones() {
        let tail = Tail::default();
        tail.publish(&pending(&[("b", Change::Add), ("c", Change::Add)]), 1);
        tail.freeze(FirstBytes::default());
        tail.publish(&pending(&[("c", Change::Remove)]), 2);
        let on_top = pending(&[("b", Change::Remove), ("e", Change::Add)]);
        let view = tail.view();
        assert_eq!(seen(&view, Order::Ascending, 9, 9, None), ["b", "-c"]);
        assert_eq!(seen(&view, Order::Descending, 9, 9, Some(&on_top)), ["e", "-c", "-b"]);
    }

    #[test]
    fn collection_stops_after_enough_additions() {
        let tail = Tail::default();
        tail.publish(
            &pending(&[("b", Change::Remove), ("c", Change::Add), ("d", Change::Add)]),
            1,
        );
        assert_eq!(seen(&tail.view(), Order::Ascending, 1, 1, None), ["-b", "c"]);
    }

    #[test]
    fn retract_leaves_what_was_there() {
        let tail = Tail::default();
        tail.publish(&pending(&[("b", Change::Add)]), 1);
        let group = pending(&[("b", Change::Remove), ("c", Change::Add)]);
        tail.publish(&group, 2);
        tail.retract(&group, 2);
        assert_eq!(seen(&tail.view(), Order::Ascending, 9, 9, None), ["b"]);
        assert_eq!(tail.waiting(), 1);
    }

    #[test]
    fn a_view_keeps_what_is_retired() {
        let tail = Tail::default();
        tail.publish(&pending(&[("b", Change::Add)]), 1);
        tail.freeze(FirstBytes::default());
        let before = tail.view();
        tail.retire();
        assert!(!tail.is_present(&before));
        assert_eq!(seen(&before, Order::Ascending, 1, 9, None), ["b"]);
        assert_eq!(seen(&tail.view(), Order::Ascending, 1, 9, None), [""; 0]);
    }
}
