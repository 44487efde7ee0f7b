//! When a resource was: its principal dates, as its keys tell them.

use hygie_fhir_model::Interval;

use super::key::{FIRST_MS, Key, LAST_MS, Parts};

/// The principal dates of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The least beginning, in milliseconds; before all that is written when there is no date.
    pub low: i64,
    /// The last millisecond of the only date, where it is as long as one of [`WIDTHS`].
    high: Option<i64>,
}

/// How long the dates are that keys tell whole: an instant, a second, a minute and a day, to the last millisecond.
const WIDTHS: [i64; 4] = [0, 999, 59_999, 86_399_999];

impl When {
    /// Of what has no date.
    pub const NEVER: Self = Self {
        low: i64::MIN,
        high: None,
    };

    /// Of one date.
    pub fn of(date: Interval) -> Self {
        let width = date.high.saturating_sub(date.low);
        Self {
            low: date.low,
            high: WIDTHS.contains(&width).then_some(date.high),
        }
    }

    /// With another date.
    #[must_use]
    pub fn and(self, date: Interval) -> Self {
        if self == Self::of(date) {
            return self;
        }
        Self {
            low: self.low.min(date.low),
            high: None,
        }
    }

    /// What a key says that has this beginning, and what [`Self::width`] wrote next.
    pub fn read(low: i64, rest: &mut Parts<'_>) -> Self {
        let width = rest
            .byte()
            .and_then(|byte| WIDTHS.get(usize::from(byte).checked_sub(1)?));
        Self {
            low,
            high: width.map(|width| low.saturating_add(*width)),
        }
    }

    /// Appends how long the date is.
    pub fn width(self, key: Key) -> Key {
        let width = self.high.map(|high| high - self.low);
        let at = width.and_then(|width| WIDTHS.iter().position(|known| *known == width));
        key.byte(at.map_or(0, |at| at as u8 + 1))
    }

    /// The only date, if the key tells it whole.
    pub fn only(self) -> Option<Interval> {
        let Self { low, high } = self;
        high.map(|high| Interval { low, high })
    }

    /// Whether the beginning is what was written: those at the ends of what keys hold may stand for others.
    pub fn is_known(self) -> bool {
        self.low > FIRST_MS && self.low < LAST_MS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::key::Kind;

    const MIDNIGHT: i64 = 1_767_312_000_000;

    fn read_back(when: When) -> When {
        let key = when.width(Key::new(Kind::TokenDate).date(when.low)).finish();
        let mut parts = Parts::after(&key, 1);
        let low = parts.date().expect("a date");
        When::read(low, &mut parts)
    }

    proptest! {
        #[test]
        fn a_key_tells_the_date_or_that_it_does_not(width in 0..90_000_000_i64, known in 0..WIDTHS.len()) {
            for width in [width, WIDTHS[known]] {
                let date = Interval { low: MIDNIGHT, high: MIDNIGHT + width };
                let when = read_back(When::of(date));
                prop_assert_eq!(when.low, MIDNIGHT);
                prop_assert_eq!(when.only(), WIDTHS.contains(&width).then_some(date));
            }
        }
    }

    #[test]
    fn several_dates_are_told_by_the_first_beginning() {
        let day = |at: i64| Interval {
            low: MIDNIGHT + at * 86_400_000,
            high: MIDNIGHT + (at + 1) * 86_400_000 - 1,
        };
        let when = When::of(day(1)).and(day(0));
        assert_eq!((when.low, when.only()), (MIDNIGHT, None));
        assert_eq!(When::of(day(1)).and(day(1)).only(), Some(day(1)));
        assert!(!read_back(When::NEVER).is_known());
    }
}
