//! Files that only their owner may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result};

/// Makes a directory (and its parents) of mode 0700, durably; one that exists is left as it is.
pub fn create_private_dir(path: &Path) -> Result<()> {
    create_dir(path).with_context(|| format!("cannot create the directory {}", path.display()))
}

fn create_dir(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.is_dir() {
        // A crash may have come before its name was durable. Where the parent may not be read somebody else made it.
        let _as_far_as_allowed = sync(parent);
        return Ok(());
    }
    create_dir(parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => return Err(error),
        _ => {}
    }
    sync(parent)
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Writes a file of mode 0600 whole or not at all: a crash leaves the old content or the new.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    replace(path, content, 0o600).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that everyone may read, whole or not at all.
pub fn write_public(path: &Path, content: &[u8]) -> Result<()> {
    replace(path, content, 0o644).with_context(|| format!("cannot write {}", path.display()))
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync)
}

/// Copies a directory with all that is below it, or a file, durably.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        return copy_file(from, to);
    }
    create_private_dir(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        copy_tree(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Copies a file with its mode, durably.
pub fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .and_then(|()| sync_parent(to));
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Makes the name of a file durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether somebody else than the owner may read or write the file.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & 0o077 != 0)
}

/// Reads a file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let size = fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    anyhow::ensure!(size <= limit, "{} is larger than {limit} bytes", path.display());
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_files_are_private_and_replaced_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        write_private(&path, b"first").expect("written");
        write_private(&path, b"second").expect("replaced");
        assert_eq!(fs::read(&path).expect("read"), b"second");
        assert!(!is_open_to_others(&path).expect("metadata"));
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
        write_public(&path, b"third").expect("replaced");
        assert!(is_open_to_others(&path).expect("metadata"));
    }

    #[test]
    fn a_private_directory_is_made_with_its_parents() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a/b");
        for _ in 0..2 {
            create_private_dir(&path).expect("made, or there");
            assert!(path.is_dir() && !is_open_to_others(&path).expect("metadata"));
        }
        assert!(!is_open_to_others(&dir.path().join("a")).expect("metadata"));
        fs::write(dir.path().join("file"), b"").expect("written");
        assert!(create_private_dir(&dir.path().join("file")).is_err());
        assert!(create_private_dir(&dir.path().join("file/below")).is_err());
    }

    #[test]
    fn a_large_file_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        fs::write(&path, [0; 10]).expect("written");
        assert!(read_limited(&path, 9).is_err());
        assert_eq!(read_limited(&path, 10).expect("read").len(), 10);
    }
}
