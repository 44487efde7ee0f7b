//! Instants in milliseconds since 1970 (UTC), and the clock that gives them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970, the unit of JWT's `NumericDate`; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The instant in the `time` crate's type; the ends of its range beyond it.
    pub fn to_utc(self) -> time::UtcDateTime {
        time::UtcDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).unwrap_or(if self.0 < 0 {
            time::UtcDateTime::MIN
        } else {
            time::UtcDateTime::MAX
        })
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T08:30:00.000Z` (FHIR's `instant`).
    pub fn to_rfc3339(self) -> String {
        let t = self.to_utc();
        let mut text = String::with_capacity(24);
        if t.year() < 0 {
            text.push('-');
        }
        for (value, digits, mark) in [
            (t.year().unsigned_abs(), 4, '-'),
            (u32::from(u8::from(t.month())), 2, '-'),
            (u32::from(t.day()), 2, 'T'),
            (u32::from(t.hour()), 2, ':'),
            (u32::from(t.minute()), 2, ':'),
            (u32::from(t.second()), 2, '.'),
            (u32::from(t.millisecond()), 3, 'Z'),
        ] {
            // A third of the time of `format!`: an instant stands in each resource that is shown.
            for place in (0..digits).rev() {
                text.push(char::from(b'0' + (value / 10_u32.pow(place) % 10) as u8));
            }
            text.push(mark);
        }
        text
    }
}

impl std::str::FromStr for Timestamp {
    type Err = NotAnInstant;

    /// Reads RFC 3339, with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, NotAnInstant> {
        let format = &time::format_description::well_known::Rfc3339;
        let at = time::OffsetDateTime::parse(text, format).map_err(|_| NotAnInstant)?;
        let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Self).map_err(|_| NotAnInstant)
    }
}

/// A text is no instant of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnInstant;

impl fmt::Display for NotAnInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an instant")
    }
}

impl std::error::Error for NotAnInstant {}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

/// Where the present comes from: the system in `server`, a virtual clock in tests.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_has_milliseconds() {
        assert_eq!(
            Timestamp::from_millis(1_795_249_800_007).to_rfc3339(),
            "2026-11-21T08:30:00.007Z"
        );
        assert_eq!(Timestamp::from_millis(-1).to_rfc3339(), "1969-12-31T23:59:59.999Z");
        assert_eq!(
            Timestamp::from_millis(i64::MIN).to_rfc3339(),
            "-9999-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_rfc3339(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn rfc3339_is_read_with_any_offset() {
        for (text, millis) in [
            ("2026-11-21T08:30:00.007Z", 1_795_249_800_007),
            ("2026-11-21T09:30:00.0079+01:00", 1_795_249_800_007),
            ("1969-12-31T23:59:59.999Z", -1),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)), "{text}");
        }
        for text in ["", "2026-11-21", "2026-13-21T08:30:00Z", "2026-11-21T08:30:00"] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotAnInstant), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(
            Timestamp::from_millis(i64::MAX) + Duration::from_secs(1),
            Timestamp::from_millis(i64::MAX)
        );
        assert_eq!(Timestamp::from_secs(5).since(Timestamp::from_secs(9)), Duration::ZERO);
        assert_eq!(Timestamp::from_millis(-1).secs(), -1);
    }
}
