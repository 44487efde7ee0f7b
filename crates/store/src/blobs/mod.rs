//! Sealed blobs: large objects, encrypted in chunks so that a range can be read alone (`docs/adr/0007-sealed-blobs.md`).
//!
//! A blob is written once under a random id and never changed. What makes it count is its **reference**, a row of the
//! instance's database ([`References`]):
//!
//! 1. [`Blobs::create`], [`Writer::write`]…, [`Writer::finish`]: the blob is durable, and nobody knows it.
//! 2. [`References::insert`] in the transaction that needs it: now it is part of the data.
//! 3. To delete: [`References::delete`] in a transaction, and after its commit [`Blobs::delete`].
//!
//! Whatever stops this in between leaves at most a blob without reference, an orphan. [`Blobs::sweep`] removes orphans
//! that are older than a grace, [`Blobs::verify`] counts them and finds what is missing or damaged.

mod copy;
mod error;
pub mod format;
mod local;
mod read;
mod references;
mod reseal;
#[cfg(test)]
mod tests;
mod uploads;
mod verify;
mod write;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hygie_core::{Cx, Random, TenantId, random_array};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

pub(crate) use self::copy::CopyOnDisk;
pub use self::error::BlobError;
use self::format::Header;
pub use self::local::{open_existing_on_disk, open_on_disk};
pub use self::read::Blob;
pub(crate) use self::references::TABLE;
pub use self::references::{Reference, References, Stored};
pub use self::uploads::Uploads;
pub use self::verify::{Finding, MIN_GRACE, Report, Swept};
pub use self::write::Writer;
use crate::keys::{DataKey, KeyId, Keyring, Purpose};

/// Names a blob: random, so that no name is given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 16]);

impl BlobId {
    /// A new one.
    pub fn random(random: &dyn Random) -> Self {
        Self(random_array(random))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let number = u128::from_str_radix(text, 16);
        let number = number.ok().filter(|_| text.len() == 32 && text.bytes().all(is_digit));
        number
            .map(|n| Self(n.to_be_bytes()))
            .ok_or("a blob id is 32 hexadecimal digits in lower case")
    }
}

/// How to open the blobs of an instance.
pub struct Options<'a> {
    /// Where they are stored; its root is the instance's alone.
    pub objects: Arc<dyn ObjectStore>,
    /// Name of the service instance.
    pub instance: &'a str,
    /// Holds, or gets, the key of the container.
    pub keyring: &'a Arc<Keyring>,
    /// Bytes of a part of an upload, which is also what a reader fetches at a time. S3 wants at least 5 MiB.
    pub part: usize,
    /// How what unfinished uploads leave there is found and removed, where that can be done.
    pub uploads: Option<Arc<dyn Uploads>>,
}

/// The blobs of one service instance. Cheap to clone.
#[derive(Clone)]
pub struct Blobs(Arc<Container>);

struct Container {
    objects: Arc<dyn ObjectStore>,
    instance: String,
    keyring: Arc<Keyring>,
    purpose: Purpose,
    part: usize,
    /// Binary logarithm of the size of new chunks.
    chunk: u8,
    uploads: Option<Arc<dyn Uploads>>,
}

impl Blobs {
    /// Opens the blobs of an instance, whose key is made when there is none.
    pub fn open(options: Options<'_>) -> Result<Self, BlobError> {
        options.keyring.get_or_create(&Purpose::blobs(options.instance))?;
        Self::open_existing(options)
    }

    /// The same, but makes nothing.
    pub fn open_existing(options: Options<'_>) -> Result<Self, BlobError> {
        Ok(Self(Arc::new(Container::new(options)?)))
    }

    /// Begins a new blob of the context's tenant.
    pub fn create(&self, cx: &Cx) -> Writer {
        let id = BlobId::random(&*cx.random);
        let lent = self.0.keyring.lend(&self.0.purpose);
        let lent = lent.expect("a container is opened with a key, and the current one is never removed");
        let header = Header::new(lent.key().id, random_array(&*cx.random)).in_chunks_of(self.0.chunk);
        Writer::new(self.clone(), cx, (id, &header), lent)
    }

    /// Opens a blob of the context's tenant for reading.
    pub async fn read(&self, cx: &Cx, reference: Reference) -> Result<Blob, BlobError> {
        Blob::open(self.clone(), cx.tenant, reference).await
    }

    /// Removes a blob of the context's tenant whose reference was deleted before. That it is gone already is no error.
    pub async fn delete(&self, cx: &Cx, id: BlobId) -> Result<(), BlobError> {
        self.remove(cx.tenant, id).await
    }

    async fn remove(&self, tenant: TenantId, id: BlobId) -> Result<(), BlobError> {
        match self.0.objects.delete(&path(tenant, id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::of(id, error)),
        }
    }
}

impl Container {
    fn new(options: Options<'_>) -> Result<Self, BlobError> {
        let purpose = Purpose::blobs(options.instance);
        options.keyring.get(&purpose)?;
        Ok(Self {
            objects: options.objects,
            instance: options.instance.to_owned(),
            keyring: options.keyring.clone(),
            purpose,
            part: options.part.max(1),
            chunk: format::CHUNK,
            uploads: options.uploads,
        })
    }

    /// The key of this name, which opens what it sealed.
    fn key(&self, id: KeyId) -> Option<DataKey> {
        let keys = self.keyring.find_all(&self.purpose);
        keys.into_iter().find(|key| key.id == id)
    }
}

/// Where a blob lies: by tenant, and in 256 directories of each, so that none holds too many.
fn path(tenant: TenantId, id: BlobId) -> Path {
    let id = id.to_string();
    Path::from_iter([tenant.to_string().as_str(), &id[..2], &id])
}

/// The blob that lies there, if that is where one lies.
fn name(at: &Path) -> Option<(TenantId, BlobId)> {
    let parts: Vec<_> = at.parts().collect();
    let [tenant, _, id] = parts.as_slice() else {
        return None;
    };
    let (tenant, id) = (tenant.as_ref().parse().ok()?, id.as_ref().parse().ok()?);
    (path(tenant, id) == *at).then_some((tenant, id))
}
