//! Days and instants in French local time. <http://hl7.org/fhir/R4/datatypes.html#dateTime>

use time::{Date, Duration, Month};

/// A minute of a day in France.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub day: Date,
    /// Since midnight, below 1440.
    minute: u32,
}

impl Moment {
    /// So many minutes after midnight; more than a day's are the next day.
    pub fn new(day: Date, minute: u32) -> Self {
        let day = day.saturating_add(Duration::days(i64::from(minute / 1440)));
        let minute = minute % 1440;
        Self { day, minute }
    }

    pub fn after(self, minutes: u32) -> Self {
        Self::new(self.day, self.minute + minutes)
    }

    /// An instant with its offset, which suits `dateTime` and `instant` alike.
    pub fn write(self, out: &mut Vec<u8>) {
        write_date(out, self.day);
        out.push(b'T');
        two_digits(out, self.minute / 60);
        out.push(b':');
        two_digits(out, self.minute % 60);
        out.extend_from_slice(if is_summer(self.day) {
            b":00+02:00"
        } else {
            b":00+01:00"
        });
    }
}

/// Whether the day has summer time by the rule in force since 1996: from the last Sunday of March to that of October.
fn is_summer(day: Date) -> bool {
    let last_sunday = |month| {
        let end = Date::from_calendar_date(day.year(), month, 31).expect("March and October have 31 days");
        end - Duration::days(i64::from(end.weekday().number_days_from_sunday()))
    };
    day >= last_sunday(Month::March) && day < last_sunday(Month::October)
}

/// `YYYY-MM-DD`.
pub fn write_date(out: &mut Vec<u8>, day: Date) {
    let year = day.year().unsigned_abs();
    two_digits(out, year / 100);
    two_digits(out, year % 100);
    out.push(b'-');
    two_digits(out, u32::from(u8::from(day.month())));
    out.push(b'-');
    two_digits(out, u32::from(day.day()));
}

fn two_digits(out: &mut Vec<u8>, value: u32) {
    let digit = |value: u32| b'0' + (value % 10) as u8;
    out.extend_from_slice(&[digit(value / 10), digit(value)]);
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn instants_have_the_offset_of_their_season() {
        let cases = [
            (date!(2026 - 01 - 05), 605, "2026-01-05T10:05:00+01:00"),
            (date!(2026 - 03 - 29), 605, "2026-03-29T10:05:00+02:00"),
            (date!(2026 - 10 - 24), 605, "2026-10-24T10:05:00+02:00"),
            (date!(2026 - 10 - 25), 605, "2026-10-25T10:05:00+01:00"),
            (date!(2026 - 12 - 31), 1500, "2027-01-01T01:00:00+01:00"),
        ];
        for (day, minute, expected) in cases {
            let mut out = Vec::new();
            Moment::new(day, minute).write(&mut out);
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }
}
