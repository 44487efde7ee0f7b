//! The files of an access log, and the disk they lie on.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::segment::{Segment, SegmentKeys};
use crate::files;

/// Larger files are none of ours.
const MAX_SEGMENT: u64 = 256 << 20;

/// Where segments are created; tests put one there that runs out of space.
pub trait Disk: Send {
    /// Creates a file that must not exist, durably.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Media>>;

    /// Removes a file that could not be begun.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// A file that is being written.
pub trait Media: Send {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// The disk of this machine.
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Media>> {
        let file = files::private().write(true).create_new(true).open(path)?;
        files::sync_directory_of(path)?;
        Ok(Box::new(file))
    }
}

impl Media for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The path of a segment.
pub fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("access-{number:08}.log"))
}

/// The numbers of the segments, ascending; none when there is no directory.
pub fn list(directory: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let digits = name
            .to_str()
            .and_then(|name| name.strip_prefix("access-")?.strip_suffix(".log"));
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads a segment.
pub fn read(directory: &Path, number: u64, keys: &SegmentKeys) -> io::Result<Segment> {
    let path = path(directory, number);
    if fs::metadata(&path)?.len() > MAX_SEGMENT {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "a segment of the access log is larger than any that is written",
        ));
    }
    Ok(Segment::parse(&fs::read(path)?, keys))
}
