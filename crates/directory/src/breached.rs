//! Passwords that were published: looked up by their SHA-1 in a list that the operator supplies, as the public ones are made: one
//! digest in hexadecimal a line, `:` and a number after it or nothing, in the order of the digests. Nothing of it is kept in memory.
//! <https://haveibeenpwned.com/Passwords>

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use hygie_core::Secret;
use hygie_jose::digest;

use crate::{Directory, DirectoryError, WeakPassword};

/// Signs of a digest.
const DIGEST: usize = 40;
/// Octets of the longest line, its end included.
const MAX_LINE: usize = 128;

/// Knows passwords that were published.
pub trait Breached: Send + Sync {
    /// Whether a password of this SHA-1 was. Reads a disk.
    fn holds(&self, digest: &[u8; 20]) -> io::Result<bool>;
}

/// The line that begins at `from` or first after it, with where it begins; none where none does.
fn line_after<R: Read + Seek>(list: &mut R, from: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    // With the octet before it, which tells whether a line begins just there.
    let begin = from.saturating_sub(1);
    list.seek(SeekFrom::Start(begin))?;
    let mut read = Vec::with_capacity(2 * MAX_LINE);
    list.by_ref().take(2 * MAX_LINE as u64).read_to_end(&mut read)?;
    let skipped = match from {
        0 => 0,
        _ => match read.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if read.len() < 2 * MAX_LINE => return Ok(None),
            None => return Err(not_a_list()),
        },
    };
    let rest = read.get(skipped..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    if end > MAX_LINE {
        return Err(not_a_list());
    }
    Ok(Some((begin + skipped as u64, rest[..end].to_vec())))
}

fn not_a_list() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the list of published passwords has a line that is no SHA-1",
    )
}

/// The digest of a line.
fn digest_of(line: &[u8]) -> io::Result<[u8; DIGEST]> {
    let (digest, rest) = line.split_first_chunk::<DIGEST>().ok_or_else(not_a_list)?;
    let is_digest = digest.iter().all(u8::is_ascii_hexdigit);
    let is_alone = rest.first().is_none_or(|next| [b':', b'\r'].contains(next));
    if !is_digest || !is_alone {
        return Err(not_a_list());
    }
    Ok(digest.map(|sign| sign.to_ascii_uppercase()))
}

/// Whether this sorted list has a digest: a few dozen short reads, whatever its length.
pub fn is_listed<R: Read + Seek>(list: &mut R, digest: &[u8; 20]) -> io::Result<bool> {
    let mut wanted = [0; DIGEST];
    for (at, byte) in digest.iter().enumerate() {
        let sign = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
        (wanted[2 * at], wanted[2 * at + 1]) = (sign(byte >> 4), sign(byte & 15));
    }
    let (mut low, mut high) = (0, list.seek(SeekFrom::End(0))?);
    while low < high {
        let middle = low + (high - low) / 2;
        match line_after(list, middle)? {
            Some((begin, line)) if begin < high => match digest_of(&line)?.cmp(&wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = begin + line.len() as u64 + 1,
                std::cmp::Ordering::Greater => high = middle,
            },
            _ => high = middle,
        }
    }
    Ok(false)
}

/// Refuses what begins as no such list.
pub fn check_list<R: Read + Seek>(list: &mut R) -> io::Result<()> {
    let (_, line) = line_after(list, 0)?.ok_or_else(not_a_list)?;
    digest_of(&line).map(drop)
}

impl Directory {
    /// Says by what published passwords are known: once, before anybody sets one. False where they are known already.
    pub fn know_breached(&self, breached: Arc<dyn Breached>) -> bool {
        self.0.breached.set(breached).is_ok()
    }

    /// Refuses a password that was published. Where the list cannot be read none is set.
    pub(crate) async fn check_published(&self, password: &Secret<String>) -> Result<(), DirectoryError> {
        let Some(breached) = self.0.breached.get().cloned() else {
            return Ok(());
        };
        let digest = digest::sha1(password.expose());
        let looked = tokio::task::spawn_blocking(move || breached.holds(&digest)).await;
        let looked = looked.map_err(|_| io::Error::other("the worker stopped"));
        if looked.flatten().map_err(DirectoryError::PasswordList)? {
            Err(WeakPassword::Published.into())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn hex(digest: &[u8; 20]) -> String {
        digest.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "# a comment\n",
            "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8x\n",
            &"A".repeat(500),
        ] {
            assert!(check_list(&mut Cursor::new(text)).is_err(), "{text}");
        }
        let good = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n";
        assert!(check_list(&mut Cursor::new(good)).is_ok());
        assert!(is_listed(&mut Cursor::new(good), &digest::sha1("password")).unwrap());
        assert!(!is_listed(&mut Cursor::new(good), &digest::sha1("Password")).unwrap());
        assert!(is_listed(&mut Cursor::new("x".repeat(1_000)), &digest::sha1("a")).is_err());
    }

    proptest! {
        /// Whatever is in the list is found, nothing else is, and with any ends of lines.
        #[test]
        fn a_list_is_searched(
            listed in prop::collection::btree_set(any::<[u8; 20]>(), 0..40),
            other in any::<[u8; 20]>(),
            (counts, is_crlf, is_ended) in (prop::collection::vec(0u64..u64::MAX, 40), any::<bool>(), any::<bool>()),
        ) {
            let end = if is_crlf { "\r\n" } else { "\n" };
            let lines: Vec<String> = listed.iter().zip(&counts).map(|(digest, count)| format!("{}:{count}", hex(digest))).collect();
            let mut text = lines.join(end);
            if is_ended && !listed.is_empty() {
                text.push_str(end);
            }
            let mut list = Cursor::new(text);
            for digest in &listed {
                prop_assert!(is_listed(&mut list, digest).unwrap());
            }
            prop_assert_eq!(is_listed(&mut list, &other).unwrap(), listed.contains(&other));
        }

        #[test]
        fn any_bytes_are_searched(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = is_listed(&mut Cursor::new(bytes), &[7; 20]);
        }
    }
}
