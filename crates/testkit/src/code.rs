//! What an application on a telephone shows: RFC 6238 with SHA-1, thirty seconds and six digits, written apart from what
//! checks it.

use aws_lc_rs::hmac;
use hygie_core::Timestamp;

/// The code of this instant, from the seed in base32.
pub fn one_time_code(key: &str, at: Timestamp) -> String {
    let seed = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(key));
    let step = at.secs() / 30;
    let digest = hmac::sign(&seed, &step.to_be_bytes());
    let digest = digest.as_ref();
    let offset = usize::from(digest[19] & 15);
    let part: [u8; 4] = digest[offset..offset + 4].try_into().expect("four octets");
    format!("{:06}", (u32::from_be_bytes(part) & 0x7fff_ffff) % 1_000_000)
}

/// RFC 4648 §6.
fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for sign in text.bytes().filter(|sign| *sign != b'=') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|known| *known == sign.to_ascii_uppercase())
            .expect("base32");
        bits = bits << 5 | value as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
