//! National identifiers in their test ranges, with correct check digits.

/// INS by the NIR, in the object identifier that the Agence du Numérique en Santé reserves for tests.
pub const INS_TEST: &str = "urn:oid:1.2.250.1.213.1.4.10";
/// RPPS numbers.
pub const RPPS: &str = "https://rpps.esante.gouv.fr";
/// FINESS numbers.
pub const FINESS: &str = "https://finess.esante.gouv.fr";

/// An RPPS number of 11 digits beginning with 9970, which is given to nobody.
pub fn rpps(number: u32) -> String {
    with_luhn(&format!("9970{number:06}"))
}

/// A FINESS number of 9 digits in a department that does not exist.
pub fn finess(number: u32) -> String {
    with_luhn(&format!("99{number:06}"))
}

/// Numbers for which [`nir`] gives different NIR.
pub const NIR_NUMBERS: u32 = 400 * 999;

/// The NIR of the patient of this number: sex, year and month of birth, department 99 (born abroad) with one of the
/// countries 600 to 999, which do not exist, and an order, so that no two patients have the same; then the key, which is 97
/// less the number modulo 97.
pub fn nir(number: u32, is_woman: bool, year: i32, month: u8) -> String {
    let (country, order) = (600 + number / 999 % 400, number % 999 + 1);
    let sex = if is_woman { 2 } else { 1 };
    let number = format!("{sex}{:02}{month:02}99{country:03}{order:03}", year.rem_euclid(100));
    let value: u64 = number.parse().expect("it is made of digits");
    format!("{number}{:02}", 97 - value % 97)
}

/// Appends the digit that makes the Luhn sum a multiple of ten.
fn with_luhn(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = if at % 2 == 0 { digit * 2 } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        assert_eq!(with_luhn("7992739871"), "79927398713");
        assert_eq!(rpps(1).len(), 11);
        assert_eq!(finess(1).len(), 9);
        let nir = nir(1200, true, 1984, 3);
        assert_eq!(nir.len(), 15);
        assert!(nir.starts_with("2840399601202"));
        let (number, key) = nir.split_at(13);
        let number: u64 = number.parse().expect("digits");
        assert_eq!(97 - number % 97, key.parse::<u64>().expect("digits"));
    }
}
