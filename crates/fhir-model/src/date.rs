//! Dates and instants of any precision, and the interval of time each stands for.
//! <http://hl7.org/fhir/R4/datatypes.html#dateTime>, <http://hl7.org/fhir/R4/search.html#date>

use std::fmt;

/// The start of the year 1, in ms since 1970: the lower end of an interval that is open below.
pub const EARLIEST: i64 = -62_135_596_800_000;
/// The last ms of the year 9999: the upper end of an interval that is open above.
pub const LATEST: i64 = 253_402_300_799_999;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// An interval of time, both ends included, in ms since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// First ms.
    pub low: i64,
    /// Last ms.
    pub high: i64,
}

impl Interval {
    /// The smallest interval around both.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// How much of a date was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `2024`
    Year,
    /// `2024-05`
    Month,
    /// `2024-05-17`
    Day,
    /// `2024-05-17T10:30`, in searches only
    Minute,
    /// `2024-05-17T10:30:00`
    Second,
    /// With so many digits of a fraction of a second (1 to 9).
    Fraction(u8),
}

/// A date or date and time as written: any precision, with or without an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    nanos: u32,
    precision: Precision,
    zone: Option<Zone>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Zone {
    Utc,
    Minutes(i16),
}

impl DateTime {
    /// Reads a `date`, `dateTime` or `instant`, or the value of a date search (which may stop at the minute and leave
    /// the offset out). `None` when it is no such text or no day of the calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.number(4, 1..=9999)?;
        let mut date = Self {
            year,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            precision: Precision::Year,
            zone: None,
        };
        if reader.take(b'-') {
            date.month = reader.number(2, 1..=12)? as u8;
            date.precision = Precision::Month;
            if reader.take(b'-') {
                date.day = reader.number(2, 1..=days_in_month(date.year, date.month).into())? as u8;
                date.precision = Precision::Day;
                if reader.take(b'T') {
                    date.time(&mut reader)?;
                }
            }
        }
        reader.0.is_empty().then_some(date)
    }

    fn time(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        self.hour = reader.number(2, 0..=23)? as u8;
        if !reader.take(b':') {
            return None;
        }
        self.minute = reader.number(2, 0..=59)? as u8;
        self.precision = Precision::Minute;
        if reader.take(b':') {
            self.second = reader.number(2, 0..=60)? as u8;
            self.precision = Precision::Second;
            if reader.take(b'.') {
                let (nanos, digits) = reader.fraction()?;
                self.nanos = nanos;
                self.precision = Precision::Fraction(digits);
            }
        }
        if !reader.0.is_empty() {
            self.zone = Some(reader.zone()?);
        }
        Some(())
    }

    /// How much of it was given.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The form of a `date`.
    pub fn is_date(&self) -> bool {
        self.precision <= Precision::Day
    }

    /// The form of a `dateTime`: with a time there are seconds and an offset.
    pub fn is_date_time(&self) -> bool {
        self.is_date() || self.is_instant()
    }

    /// The form of an `instant`.
    pub fn is_instant(&self) -> bool {
        self.precision >= Precision::Second && self.zone.is_some()
    }

    /// The interval it stands for; without an offset it is read as UTC.
    pub fn interval(&self) -> Interval {
        let offset = match self.zone {
            Some(Zone::Minutes(minutes)) => i64::from(minutes) * MINUTE,
            Some(Zone::Utc) | None => 0,
        };
        let seconds = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        let millis = seconds * 1000 + i64::from(self.nanos / 1_000_000);
        let low = days_from_civil(self.year, self.month, self.day) * DAY + millis - offset;
        let width = match self.precision {
            Precision::Year => (if is_leap(self.year) { 366 } else { 365 }) * DAY,
            Precision::Month => i64::from(days_in_month(self.year, self.month)) * DAY,
            Precision::Day => DAY,
            Precision::Minute => MINUTE,
            Precision::Second => 1000,
            Precision::Fraction(1) => 100,
            Precision::Fraction(2) => 10,
            Precision::Fraction(_) => 1,
        };
        let clamp = |instant: i64| instant.clamp(EARLIEST, LATEST);
        Interval {
            low: clamp(low),
            high: clamp(low + width - 1),
        }
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.precision >= Precision::Month {
            write!(f, "-{:02}", self.month)?;
        }
        if self.precision >= Precision::Day {
            write!(f, "-{:02}", self.day)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, "T{:02}:{:02}", self.hour, self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if let Precision::Fraction(digits) = self.precision {
            let nanos = format!("{:09}", self.nanos);
            write!(f, ".{}", &nanos[..usize::from(digits)])?;
        }
        match self.zone {
            Some(Zone::Utc) => f.write_str("Z"),
            Some(Zone::Minutes(minutes)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
            None => Ok(()),
        }
    }
}

struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn number(&mut self, digits: usize, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
        let (head, rest) = self.0.split_at_checked(digits)?;
        let mut number = 0;
        for byte in head {
            number = number * 10 + u16::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        self.0 = rest;
        range.contains(&number).then_some(number)
    }

    /// Nanoseconds and the digits they were given with; digits beyond nine are dropped.
    fn fraction(&mut self) -> Option<(u32, u8)> {
        let len = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(len);
        self.0 = rest;
        let kept = &digits[..len.min(9)];
        let value = kept.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        (len > 0).then(|| (value * 10_u32.pow(9 - kept.len() as u32), kept.len() as u8))
    }

    fn zone(&mut self) -> Option<Zone> {
        if self.take(b'Z') {
            return Some(Zone::Utc);
        }
        let sign = if self.take(b'-') {
            -1
        } else if self.take(b'+') {
            1
        } else {
            return None;
        };
        let hours = self.number(2, 0..=14)? as i16;
        let minutes = if self.take(b':') {
            self.number(2, 0..=59)? as i16
        } else {
            return None;
        };
        // `-00:00` keeps no sign and is read as no offset of its own; it prints as `+00:00`.
        Some(Zone::Minutes(sign * (hours * 60 + minutes)))
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar: whole years, then the days of the year.
fn days_from_civil(year: u16, month: u8, day: u8) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let past = i64::from(year) - 1;
    let years = past * 365 + past / 4 - past / 100 + past / 400;
    let leap_day = i64::from(month > 2 && is_leap(year));
    years - 719_162 + BEFORE[usize::from(month - 1)] + leap_day + i64::from(day) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(text: &str) -> (i64, i64) {
        let found = DateTime::parse(text).unwrap().interval();
        (found.low, found.high)
    }

    #[test]
    fn each_precision_has_its_interval() {
        assert_eq!(interval("1970"), (0, 365 * DAY - 1));
        assert_eq!(interval("1970-02"), (31 * DAY, 59 * DAY - 1));
        assert_eq!(interval("1970-01-02"), (DAY, 2 * DAY - 1));
        assert_eq!(interval("1970-01-01T01:00"), (3_600_000, 3_659_999));
        assert_eq!(interval("1970-01-01T01:00:00+01:00"), (0, 999));
        assert_eq!(interval("1970-01-01T00:00:00.12Z"), (120, 129));
        assert_eq!(interval("1970-01-01T00:00:00.123456Z"), (123, 123));
        assert_eq!(interval("2024-02-29").0, 1_709_164_800_000);
        assert_eq!(interval("0001").0, EARLIEST);
        assert_eq!(interval("9999").1, LATEST);
        assert_eq!(interval("2016-12-31T23:59:60Z").0, interval("2017-01-01T00:00:00Z").0);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bad in [
            "",
            "24",
            "0000",
            "2024-",
            "2024-13",
            "2024-00",
            "2024-02-30",
            "2024-02-01T",
            "2024-02-01T1:00",
            "2024-02-01T25:00:00Z",
            "2024-02-01T10:00:00.Z",
            "2024-02-01T10:00:00+1:00",
            "2024-02-01T10:00:00X",
            "2024-02-01 10:00:00",
            "2024-02-01Z",
            "٢٠٢٤",
        ] {
            assert_eq!(DateTime::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[-0-9T:.Z+]{0,40}") {
            if let Some(date) = DateTime::parse(&text) {
                let interval = date.interval();
                prop_assert!(interval.low <= interval.high);
                prop_assert_eq!(DateTime::parse(&date.to_string()), Some(date));
            }
        }

        #[test]
        fn print_and_parse_agree(
            (y, m, d) in (1_u16..=9999, 1_u8..=12, 1_u8..=28),
            (h, min, s) in (0_u8..24, 0_u8..60, 0_u8..60),
            fraction in "(\\.[0-9]{1,9})?",
            zone in "Z|[+-](0[1-9]|1[0-4]):[0-5][0-9]",
        ) {
            let text = format!("{y:04}-{m:02}-{d:02}T{h:02}:{min:02}:{s:02}{fraction}{zone}");
            let date = DateTime::parse(&text).unwrap();
            prop_assert_eq!(date.to_string(), text);
            prop_assert!(date.is_instant());
        }

        #[test]
        fn days_follow_each_other(year in 2_u16..9999, month in 1_u8..=12) {
            let last = days_from_civil(year, month, days_in_month(year, month));
            let next = if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
            prop_assert_eq!(next, last + 1);
        }
    }
}
