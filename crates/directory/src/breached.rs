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
/// Lines that are looked at before a list is taken.
const LOOKS: u64 = 1_000;

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
    broken("the list of published passwords has a line that is no SHA-1")
}

fn broken(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
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

/// Refuses what is no such list: what is not sorted would be searched in vain. Looks at lines at even steps and at the last one.
pub fn check_list<R: Read + Seek>(list: &mut R) -> io::Result<()> {
    let length = list.seek(SeekFrom::End(0))?;
    let (_, first) = line_after(list, 0)?.ok_or_else(not_a_list)?;
    let mut known = digest_of(&first)?;
    let step = (length / LOOKS).max(1);
    let mut from = step;
    while from < length {
        let Some((begin, line)) = line_after(list, from)? else {
            break;
        };
        known = next_of(known, &line)?;
        from = (begin + 1).max(from + step);
    }
    next_of(known, &last_line(list, length)?).map(drop)
}

/// The digest of a line after that of one before it.
fn next_of(known: [u8; DIGEST], line: &[u8]) -> io::Result<[u8; DIGEST]> {
    let next = digest_of(line)?;
    if next < known {
        return Err(broken("the list of published passwords is not sorted by digest"));
    }
    Ok(next)
}

/// The last line: of a file that was cut off it is no whole one.
fn last_line<R: Read + Seek>(list: &mut R, length: u64) -> io::Result<Vec<u8>> {
    list.seek(SeekFrom::Start(length.saturating_sub(2 * MAX_LINE as u64)))?;
    let mut read = Vec::with_capacity(2 * MAX_LINE);
    list.by_ref().take(2 * MAX_LINE as u64).read_to_end(&mut read)?;
    let whole = read.strip_suffix(b"\n").unwrap_or(&read);
    let last = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(last.to_vec())
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

    #[test]
    fn what_is_not_sorted_or_cut_off_is_no_list() {
        let sorted: Vec<String> = (0..5_000u32)
            .map(|n| format!("{:08X}{}:{n}", n * 800_000, "0".repeat(32)))
            .collect();
        let check = |lines: &[String]| check_list(&mut Cursor::new(lines.join("\r\n")));
        check(&sorted).unwrap();
        // By how often they were seen, as the other public list is.
        let mut by_count = sorted.clone();
        by_count.rotate_left(2_500);
        assert!(check(&by_count).is_err());
        assert!(check(&[sorted[1].clone(), sorted[0].clone()]).is_err());
        let mut cut = sorted;
        cut.push("FFFFFF".to_owned());
        assert!(check(&cut).is_err());
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
            prop_assert_eq!(check_list(&mut list).is_ok(), !listed.is_empty());
            for digest in &listed {
                prop_assert!(is_listed(&mut list, digest).unwrap());
            }
            prop_assert_eq!(is_listed(&mut list, &other).unwrap(), listed.contains(&other));
        }

        #[test]
        fn any_bytes_are_searched(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = is_listed(&mut Cursor::new(&bytes), &[7; 20]);
            let _ = check_list(&mut Cursor::new(&bytes));
        }
    }
}
