//! Small files of the store that only their owner may read, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a replacement that failed left.
#[derive(Debug)]
pub enum NotReplaced {
    /// The old content.
    Old(io::Error),
    /// The new content, which a power loss may take back.
    New(io::Error),
}

/// Replaces the file: a crash leaves the old content or the new.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), NotReplaced> {
    // Before, so that afterwards nothing can be lacking but the disk.
    let directory = directory_of(path).map_err(NotReplaced::Old)?;
    let temporary = write_beside(path, content).map_err(NotReplaced::Old)?;
    fs::rename(&temporary, path).map_err(NotReplaced::Old)?;
    directory.sync_all().map_err(NotReplaced::New)
}

/// Creates the file, and fails when there is one: a crash leaves no file or the whole of it.
pub fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = write_beside(path, content)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    linked?;
    sync_directory_of(path)
}

/// Makes the names in the directory of `path` durable.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    directory_of(path)?.sync_all()
}

fn directory_of(path: &Path) -> io::Result<File> {
    File::open(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })
}

/// Writes a file again as it reads, from `from` on, and syncs it. What an earlier process could not sync is in the memory of
/// the system, passes there for written (`fsync(2)`, NOTES), and would be missing after a power loss, however often it is
/// synced. A file that is not there is left alone.
pub fn write_again(path: &Path, from: u64) -> io::Result<()> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut block = vec![0; 1 << 20];
    let mut at = from;
    loop {
        match file.read_at(&mut block, at) {
            Ok(0) => return file.sync_all(),
            Ok(read) => {
                file.write_all_at(&block[..read], at)?;
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The options for a new file of mode 0600.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().write(true).create_new(true).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_written_again_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        write_again(&path, 0).unwrap();
        assert!(!path.exists());
        let content: Vec<u8> = (0..3 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        fs::write(&path, &content).unwrap();
        for from in [0, 1000, 3 << 20, 4 << 20] {
            write_again(&path, from).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn files_are_private_whole_and_not_overwritten_by_create() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, b"first").unwrap();
        assert_eq!(
            create(&path, b"second").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"first");
        replace(&path, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays");
    }
}
