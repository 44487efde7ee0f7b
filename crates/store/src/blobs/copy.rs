//! Copying the blobs of an instance from one directory to another, sealed as they are.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use hygie_core::{Cx, TenantId};

use super::format::HEADER_LEN;
use super::local::{all_files, is_staging, is_there, place};
use super::references::{Reference, References};
use super::{BlobError, path};
use crate::Store;
use crate::files::sync_directory_of;

/// From the blobs of an instance on the disk to those of its copy.
#[derive(Clone)]
pub struct CopyOnDisk {
    from: PathBuf,
    to: PathBuf,
    /// An earlier copy on the same disk.
    earlier: Option<PathBuf>,
}

impl CopyOnDisk {
    /// Between these directories of instances.
    pub fn new((from, to): (&Path, &Path), earlier: Option<&Path>, instance: &str) -> Self {
        Self {
            from: place(from, instance),
            to: place(to, instance),
            earlier: earlier.map(|earlier| place(earlier, instance)),
        }
    }

    /// Whether there is a directory of blobs to be copied.
    pub fn is_there(&self) -> bool {
        self.from.is_dir()
    }

    /// Copies all that lies there.
    pub async fn everything(&self) -> Result<(), BlobError> {
        self.run(|copy| {
            make_private(&copy.to)?;
            for (file, _) in all_files(&copy.from)? {
                let name = file.strip_prefix(&copy.from);
                if let Some(name) = name.ok().filter(|_| !is_staging(&file)) {
                    copy.copy(name)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Copies what is still missing of the blobs to which this store refers. It counts them, and tells how many are not
    /// there to be copied.
    pub async fn referenced(&self, store: &Store, cx: &Cx, count: &mut u64) -> Result<u64, BlobError> {
        let (mut missing, mut after) = (0, None);
        loop {
            let page = store.read(cx, after, |after, tx| {
                Box::pin(async move { References(tx).page(*after).await })
            });
            let page: Vec<(TenantId, Reference)> = page.await?;
            let Some((tenant, reference)) = page.last() else {
                return Ok(missing);
            };
            after = Some((*tenant, reference.id));
            *count += page.len() as u64;
            missing += self.run(move |copy| copy.page(&page)).await?;
        }
    }

    fn page(&self, page: &[(TenantId, Reference)]) -> io::Result<u64> {
        let mut missing = 0;
        for (tenant, reference) in page {
            let name = path(*tenant, reference.id);
            if !self.copy(Path::new(name.as_ref()))? {
                missing += 1;
            }
        }
        Ok(missing)
    }

    /// Copies one that is not there yet, whole and durably; tells whether there is one.
    fn copy(&self, name: &Path) -> io::Result<bool> {
        let (from, to) = (self.from.join(name), self.to.join(name));
        if to.exists() {
            return Ok(true);
        }
        for directory in [name.parent().and_then(Path::parent), name.parent()]
            .into_iter()
            .flatten()
        {
            make_private(&self.to.join(directory))?;
        }
        if self.has_earlier(name, &from)? {
            return Ok(true);
        }
        let mut unfinished = to.as_os_str().to_owned();
        unfinished.push("#1");
        if is_there(fs::copy(&from, &unfinished))?.is_none() {
            return Ok(false);
        }
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &to)?;
        sync_directory_of(&to)?;
        Ok(true)
    }

    /// Takes a blob from the earlier copy: it never changes, unless it was sealed again under another key, so the same file
    /// may stand in both.
    fn has_earlier(&self, name: &Path, from: &Path) -> io::Result<bool> {
        let Some(earlier) = self.earlier.as_ref().map(|earlier| earlier.join(name)) else {
            return Ok(false);
        };
        let (Some(there), Some(here)) = (is_there(fs::metadata(&earlier))?, is_there(fs::metadata(from))?) else {
            return Ok(false);
        };
        if there.len() != here.len() || header(&earlier)? != header(from)? {
            return Ok(false);
        }
        let to = self.to.join(name);
        // On a disk that cannot do that it is copied.
        Ok(fs::hard_link(&earlier, &to).is_ok_and(|()| sync_directory_of(&to).is_ok()))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let copy = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&copy)).await;
        done.map_err(BlobError::unavailable)?.map_err(BlobError::unavailable)
    }
}

/// The first bytes of a blob, with its key and salt; fewer of what is none.
fn header(blob: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(HEADER_LEN);
    File::open(blob)?.take(HEADER_LEN as u64).read_to_end(&mut header)?;
    Ok(header)
}

fn make_private(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => sync_directory_of(directory),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
