//! Decimals with their precision: `1.00` is not `1.0`. <http://hl7.org/fhir/R4/datatypes.html#decimal>

use std::cmp::Ordering;
use std::fmt;

/// An exact decimal, `digits × 10^exponent`, as precise as it was written. Equality distinguishes precision; use
/// [`Decimal::compare`] for the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    digits: i128,
    exponent: i16,
}

/// A decimal by value, see [`Decimal::scientific`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scientific {
    /// Its side of zero.
    pub sign: Ordering,
    /// The power of ten of the first digit.
    pub power: i16,
    /// All digits, without sign.
    pub digits: u128,
}

/// Significant digits that are kept; more is refused.
const DIGITS: usize = 36;
/// Largest power of ten, up or down.
const EXPONENT: i16 = 300;

impl Decimal {
    /// Reads a JSON number, or a search value (where a leading `+` is allowed too); `None` when it is none or beyond
    /// 36 digits or powers of ten of ±300, the last digit's and the first one's.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || unsigned.ends_with('.') {
            return None;
        }
        if whole.len() + fraction.len() > DIGITS {
            return None;
        }
        let mut digits: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            digits = digits * 10 + i128::from(byte - b'0');
        }
        if mantissa.starts_with('-') {
            digits = -digits;
        }
        let exponent = exponent.checked_sub(fraction.len() as i16)?;
        let value = Self { digits, exponent };
        // The last digit bounds it below and the first one above: beyond, it would be infinite as a float.
        (exponent >= -EXPONENT && value.magnitude() <= EXPONENT.into()).then_some(value)
    }

    /// The nearest floating-point number.
    pub fn to_f64(self) -> f64 {
        const EXACT: i128 = 1 << 53;
        // A quotient or product of two exact numbers is rounded once: correct. Others go through the text.
        if self.digits.abs() <= EXACT && self.exponent.abs() <= 22 {
            let digits = self.digits as f64;
            let power = 10_f64.powi(i32::from(self.exponent.abs()));
            return if self.exponent < 0 {
                digits / power
            } else {
                digits * power
            };
        }
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// The values that round to this one at its precision: half a unit of the last digit to either side (search, §
    /// number). The lower end belongs to them, the upper does not.
    pub fn range(self) -> (Self, Self) {
        let around = |half: i128| Self {
            digits: self.digits * 10 + half,
            exponent: self.exponent - 1,
        };
        (around(-5), around(5))
    }

    /// About this value: a tenth of it to either side, and at least what rounds to it (search, § prefix, `ap`). Both ends
    /// belong to it.
    pub fn approximation(self) -> (Self, Self) {
        let times = |tenths: i128| Self {
            digits: self.digits * tenths,
            exponent: self.exponent - 1,
        };
        let (near, far) = (times(9), times(11));
        let (low, high) = if self.digits < 0 { (far, near) } else { (near, far) };
        let (least, most) = self.range();
        let low = if least.compare(low).is_lt() { least } else { low };
        let high = if most.compare(high).is_gt() { most } else { high };
        (low, high)
    }

    /// Sign, power of ten of the first digit, and the digits without zeros at the end: the same for equal values.
    pub fn scientific(self) -> Scientific {
        let normal = self.normal();
        Scientific {
            sign: normal.digits.cmp(&0),
            power: normal.magnitude() as i16,
            digits: normal.digits.unsigned_abs(),
        }
    }

    /// By value: 1.0 equals 1.00.
    pub fn compare(self, other: Self) -> Ordering {
        let (a, b) = (self.normal(), other.normal());
        match (a.digits.signum(), b.digits.signum()) {
            (x, y) if x != y => x.cmp(&y),
            (0, _) => Ordering::Equal,
            (sign, _) => {
                let magnitude = a
                    .magnitude()
                    .cmp(&b.magnitude())
                    .then_with(|| a.aligned().cmp(&b.aligned()));
                if sign < 0 { magnitude.reverse() } else { magnitude }
            }
        }
    }

    /// Without trailing zeros.
    fn normal(mut self) -> Self {
        while self.digits != 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.exponent += 1;
        }
        self
    }

    /// The power of ten of the first digit.
    fn magnitude(self) -> i32 {
        self.digits.unsigned_abs().checked_ilog10().map_or(0, |log| log as i32) + i32::from(self.exponent)
    }

    /// The digits, shifted so that all have the same number of them.
    fn aligned(self) -> u128 {
        let digits = self.digits.unsigned_abs();
        let log = digits.checked_ilog10().unwrap_or(0);
        digits * 10_u128.pow(37_u32.saturating_sub(log))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        let places = usize::try_from(-self.exponent).unwrap_or(0);
        // One digit stands before the point, so that as many places as digits would not be read again.
        if self.exponent > 0 || places >= DIGITS {
            return write!(f, "{sign}{digits}e{}", self.exponent);
        }
        if places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// Whether two JSON numbers have one value, however many digits they are written with.
pub fn is_same_number(a: &str, b: &str) -> bool {
    match (value(a), value(b)) {
        (Some(a), Some(b)) => a == b,
        // Exponents that no number has: as written.
        _ => a == b,
    }
}

/// Whether a JSON number is below zero, its digits without zeros at both ends, and the power of ten of the last of them.
fn value(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let written = format!("{whole}{fraction}");
    let digits = written.trim_end_matches('0');
    let power = (written.len() as i64).checked_sub_unsigned(digits.len() as u64)?;
    let power = exponent.checked_sub(fraction.len() as i64)?.checked_add(power)?;
    let digits = digits.trim_start_matches('0');
    Some(match digits {
        "" => (false, String::new(), 0),
        digits => (unsigned.len() < mantissa.len(), digits.to_owned(), power),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn as_many_places_as_digits_are_printed_as_they_are_read() {
        let value = decimal("0.000000000e-27");
        assert_eq!(Decimal::parse(&value.to_string()), Some(value), "{value}");
    }

    proptest! {
        #[test]
        fn print_and_parse_agree(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?(e-?[1-9][0-9]?)?") {
            let value = decimal(&text);
            prop_assert_eq!(Decimal::parse(&value.to_string()), Some(value), "{}", value);
            if !text.contains('e') && text != "-0" && !text.starts_with("-0") {
                prop_assert_eq!(value.to_string(), text);
            }
        }

        #[test]
        fn any_text_is_answered(text in "[-+0-9.eE]{0,50}") {
            if let Some(value) = Decimal::parse(&text) {
                prop_assert_eq!(value.compare(value), Ordering::Equal);
                let (low, high) = value.range();
                prop_assert_eq!(low.compare(value), Ordering::Less);
                prop_assert_eq!(high.compare(value), Ordering::Greater);
                prop_assert!(value.to_f64().is_finite());
            }
        }

        #[test]
        fn order_is_that_of_the_numbers(a in -10_000_i32..10_000, b in -10_000_i32..10_000, e in 0_i16..4) {
            let (x, y) = (Decimal { digits: a.into(), exponent: -e }, Decimal { digits: b.into(), exponent: -e });
            prop_assert_eq!(x.compare(y), a.cmp(&b));
            let finer = Decimal { digits: i128::from(b) * 100, exponent: -e - 2 };
            prop_assert_eq!(x.compare(finer), a.cmp(&b));
        }
    }

    #[test]
    fn precision_is_kept() {
        assert_eq!(decimal("1.00").to_string(), "1.00");
        assert_ne!(decimal("1.00"), decimal("1.0"));
        assert_eq!(decimal("1.00").compare(decimal("1")), Ordering::Equal);
        assert_eq!(decimal("-0.05").to_string(), "-0.05");
        assert_eq!(decimal("12e2").to_string(), "12e2");
        let (low, high) = decimal("100").range();
        assert_eq!(
            (low.to_string(), high.to_string()),
            ("99.5".to_owned(), "100.5".to_owned())
        );
        assert!((decimal("6.02").to_f64() - 6.02).abs() < f64::EPSILON);
    }

    #[test]
    fn approximations_are_a_tenth_or_what_rounds() {
        let about = |text: &str| {
            let (low, high) = decimal(text).approximation();
            (low.to_string(), high.to_string())
        };
        let pair = |low: &str, high: &str| (low.to_owned(), high.to_owned());
        assert_eq!(about("100"), pair("90.0", "110.0"));
        assert_eq!(about("-100"), pair("-110.0", "-90.0"));
        assert_eq!(about("1"), pair("0.5", "1.5"));
        assert_eq!(about("0"), pair("-0.5", "0.5"));
    }

    #[test]
    fn numbers_are_the_same_by_their_value() {
        let long = format!("1.{}", "0".repeat(160));
        for (a, b) in [
            ("1.0", long.as_str()),
            ("0", "-0.0e9"),
            ("120", "12e1"),
            ("0.0012", "12E-4"),
            ("-1200e-1", "-1.2e+2"),
            ("1e99999999999999999999", "1e99999999999999999999"),
        ] {
            assert!(is_same_number(a, b) && is_same_number(b, a), "{a} {b}");
        }
        let longer = format!("{long}1");
        for (a, b) in [
            ("1", "-1"),
            ("1", "10"),
            ("1.0", longer.as_str()),
            ("1e-400", "0"),
            ("1e9999", "1e9998"),
        ] {
            assert!(!is_same_number(a, b) && !is_same_number(b, a), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e",
            "1e999",
            "99999999999999999999999999999999999e300",
            "0e301",
            "1 ",
            "abc",
            "1.2.3",
            "٣",
            &"9".repeat(37),
        ] {
            assert_eq!(Decimal::parse(bad), None, "{bad:?}");
        }
    }
}
