//! What an alteration, a failing disk or a caller that goes away does to blobs.

use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, TryStreamExt as _};
use hygie_core::{Cx, Random, Timestamp};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
};
use proptest::prelude::*;

use super::local::Files;
use super::*;
use crate::embedded::Observer;
use crate::fakes::{FixedClock, SeededRandom, cx};
use crate::keys::{KeyState, MasterKey};

/// Chunks of 4 KiB, so that every byte can be tried.
const CHUNK_LOG2: u8 = 12;
const CHUNK: usize = 1 << CHUNK_LOG2;

fn context() -> Cx {
    cx(
        TenantId::from_uuid(uuid::Uuid::from_u128(1)),
        Timestamp::from_secs(1_795_249_800),
    )
}

fn keyring(directory: &FilePath) -> Arc<Keyring> {
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(5));
    let master = MasterKey::from_text(&"1".repeat(64).into(), "test", random.clone()).unwrap();
    let clock = Arc::new(FixedClock::new(Timestamp::from_secs(1_795_249_800)));
    Arc::new(Keyring::open(directory.join("keys.json"), Arc::new(master), clock, random).unwrap())
}

fn blobs(objects: Arc<dyn ObjectStore>, part: usize, directory: Option<&FilePath>) -> Blobs {
    let keys = tempfile::tempdir().unwrap();
    let container = Container::new_with_key(objects, part, &keyring(keys.path()));
    Blobs(Arc::new(Container {
        uploads: directory.map(|directory| Arc::new(Files::new(directory.to_owned())) as Arc<dyn Uploads>),
        ..container
    }))
}

impl Container {
    fn new_with_key(objects: Arc<dyn ObjectStore>, part: usize, keyring: &Arc<Keyring>) -> Self {
        keyring.get_or_create(&Purpose::blobs("test")).unwrap();
        let container = Self::new(Options {
            objects,
            instance: "test",
            keyring,
            part,
            uploads: None,
        });
        Self {
            chunk: CHUNK_LOG2,
            ..container.unwrap()
        }
    }
}

fn content(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SeededRandom::new(len as u64).fill(&mut bytes);
    bytes
}

/// A blob of three chunks and its sealed bytes.
struct World {
    objects: Arc<InMemory>,
    blobs: Blobs,
    cx: Cx,
    content: Vec<u8>,
    reference: Reference,
    path: Path,
    sealed: Vec<u8>,
}

impl World {
    async fn new(len: usize) -> Self {
        let objects = Arc::new(InMemory::new());
        let blobs = blobs(objects.clone(), 2 * CHUNK, None);
        let (cx, content) = (context(), content(len));
        let mut writer = blobs.create(&cx);
        writer.write(&content).await.unwrap();
        let reference = writer.finish().await.unwrap().reference;
        let path = path(cx.tenant, reference.id);
        let sealed = objects.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        Self {
            objects,
            blobs,
            cx,
            content,
            reference,
            path,
            sealed,
        }
    }

    async fn put(&self, sealed: Vec<u8>) {
        self.objects.put(&self.path, sealed.into()).await.unwrap();
    }

    async fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
        self.blobs.read(&self.cx, self.reference).await?.bytes(range).await
    }
}

#[tokio::test]
async fn every_flipped_byte_is_found_where_it_is() {
    let world = World::new(2 * CHUNK + 100).await;
    let end = world.content.len() as u64;
    for at in 0..world.sealed.len() {
        let mut altered = world.sealed.clone();
        altered[at] ^= 1 << (at % 8);
        world.put(altered).await;
        let whole = world.bytes(0..end).await;
        assert!(
            matches!(whole, Err(BlobError::Damaged { .. })),
            "the byte {at}: {whole:?}"
        );
        // What lies in other chunks is read all the same, and true.
        let Some(place) = at.checked_sub(format::HEADER_LEN) else {
            continue;
        };
        let chunk = place / (CHUNK + 16);
        for other in (0..3).filter(|other| *other != chunk) {
            let (from, to) = (other * CHUNK, ((other + 1) * CHUNK).min(world.content.len()));
            let found = world.bytes(from as u64..to as u64).await;
            assert!(
                found.unwrap() == world.content[from..to],
                "the byte {at}, the chunk {other}"
            );
        }
    }
}

#[tokio::test]
async fn every_cut_is_found_at_once() {
    let world = World::new(2 * CHUNK + 100).await;
    for len in 0..world.sealed.len() {
        world.put(world.sealed[..len].to_vec()).await;
        let opened = world.blobs.read(&world.cx, world.reference).await.map(drop);
        assert!(
            matches!(opened, Err(BlobError::Damaged { .. })),
            "cut to {len}: {opened:?}"
        );
    }
    for more in [1, 15, 16, 17, CHUNK + 16] {
        world.put([world.sealed.clone(), vec![0; more]].concat()).await;
        let opened = world.blobs.read(&world.cx, world.reference).await.map(drop);
        assert!(
            matches!(opened, Err(BlobError::Damaged { .. })),
            "{more} more: {opened:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_range_is_the_content_of_it(
        len in 0_usize..4 * CHUNK,
        ranges in proptest::collection::vec((0_u64..5 * CHUNK as u64, 0_u64..5 * CHUNK as u64), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new(len).await;
            for (from, to) in ranges {
                let (first, last) = (len.min(from as usize), len.min(to as usize));
                let found = world.bytes(from..to).await.unwrap();
                prop_assert!(found == world.content[first..last.max(first)], "{from}..{to} of {len}");
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_opens_until_it_is_forgotten() {
    let keys = tempfile::tempdir().unwrap();
    let (keyring, purpose) = (keyring(keys.path()), Purpose::blobs("test"));
    let container = Container::new_with_key(Arc::new(InMemory::new()), CHUNK, &keyring);
    let (blobs, cx) = (Blobs(Arc::new(container)), context());
    let reference = store(&blobs, &cx, b"image").await;
    let old = keyring.get(&purpose).unwrap();
    keyring.begin(&purpose).unwrap();
    keyring.promote(&purpose, KeyState::Leaving).unwrap();
    assert!(blobs.read(&cx, reference).await.is_ok());
    keyring.forget(&purpose, old.id).unwrap();
    match blobs.read(&cx, reference).await.map(drop) {
        Err(BlobError::Damaged { reason, .. }) => assert_eq!(reason, format::FormatError::UnknownKey(old.id)),
        other => panic!("{other:?}"),
    }
}

/// An object store whose n-th step fails: before it is done, or after.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn ObjectStore>,
    steps: Arc<Steps>,
}

#[derive(Debug)]
struct Steps {
    left: AtomicUsize,
    is_done_all_the_same: bool,
}

impl Steps {
    /// Whether this step is the one.
    fn fails(&self) -> bool {
        self.left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

fn failure<T>() -> object_store::Result<T> {
    Err(object_store::Error::Generic {
        store: "failing",
        source: Box::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
    })
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

#[derive(Debug)]
struct FailingUpload {
    inner: Box<dyn MultipartUpload>,
    steps: Arc<Steps>,
}

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let fails = self.steps.fails();
        let part = self.inner.put_part(data);
        Box::pin(async move {
            part.await?;
            if fails { failure() } else { Ok(()) }
        })
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        let fails = self.steps.fails();
        if fails && !self.steps.is_done_all_the_same {
            return failure();
        }
        let done = self.inner.complete().await?;
        if fails { failure() } else { Ok(done) }
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.inner.abort().await
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        let fails = self.steps.fails();
        if fails && !self.steps.is_done_all_the_same {
            return failure();
        }
        let done = self.inner.put_opts(at, bytes, options).await?;
        if fails { failure() } else { Ok(done) }
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        if self.steps.fails() {
            return failure();
        }
        Ok(Box::new(FailingUpload {
            inner: self.inner.put_multipart_opts(at, options).await?,
            steps: self.steps.clone(),
        }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        at: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(at)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Files below a directory.
fn files(directory: &FilePath) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn on_disk(directory: &FilePath) -> Arc<dyn ObjectStore> {
    let disk = object_store::local::LocalFileSystem::new_with_prefix(directory).unwrap();
    Arc::new(disk.with_fsync(true))
}

/// Writes a blob while the n-th step fails.
async fn write_failing(
    directory: &FilePath,
    step: usize,
    len: usize,
    is_done_all_the_same: bool,
) -> Result<(), BlobError> {
    let steps = Arc::new(Steps {
        left: AtomicUsize::new(step),
        is_done_all_the_same,
    });
    let failing = Failing {
        inner: on_disk(directory),
        steps,
    };
    let blobs = blobs(Arc::new(failing), 2 * CHUNK, Some(directory));
    let mut writer = blobs.create(&context());
    let written = writer.write(&content(len)).await;
    if let Err(error) = written {
        let later = writer.finish().await;
        assert!(matches!(later, Err(BlobError::Broken)), "{later:?}");
        return Err(error);
    }
    writer.finish().await.map(drop)
}

#[tokio::test]
async fn a_failing_disk_leaves_nothing() {
    for is_done_all_the_same in [false, true] {
        for len in [10, 9 * CHUNK] {
            let mut failures = 0;
            for step in 1.. {
                let dir = tempfile::tempdir().unwrap();
                let written = write_failing(dir.path(), step, len, is_done_all_the_same).await;
                if written.is_ok() {
                    assert_eq!(files(dir.path()).len(), 1);
                    break;
                }
                failures += 1;
                assert!(matches!(written, Err(BlobError::Full(_))), "{written:?}");
                assert_eq!(
                    files(dir.path()),
                    Vec::<std::path::PathBuf>::new(),
                    "step {step} of {len} bytes"
                );
            }
            // Beginning, four parts and the rest, completing; or all at once.
            assert_eq!(failures, if len == 10 { 1 } else { 7 });
        }
    }
}

/// What object_store does itself when it cannot complete, seen on a real file: the target is a directory.
#[tokio::test]
async fn an_upload_that_cannot_be_completed_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = blobs(on_disk(dir.path()), 2 * CHUNK, Some(dir.path()));
    let cx = context();
    let mut writer = blobs.create(&cx);
    writer.write(&content(9 * CHUNK)).await.unwrap();
    assert_eq!(files(dir.path()).len(), 1, "the file that is being written");
    let target = path(cx.tenant, writer.id());
    std::fs::create_dir_all(dir.path().join(target.as_ref()).join("occupied")).unwrap();
    assert!(writer.finish().await.is_err());
    assert_eq!(files(dir.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused_and_keeps_its_blob() {
    let world = World::new(10).await;
    // The same randomness again, as no source of it should give.
    let mut writer = world.blobs.create(&context());
    assert_eq!(writer.id(), world.reference.id);
    writer.write(b"other").await.unwrap();
    let refused = writer.finish().await;
    assert!(matches!(refused, Err(BlobError::Unavailable(_))), "{refused:?}");
    assert_eq!(world.bytes(0..10).await.unwrap(), world.content);
}

#[tokio::test]
async fn a_dropped_writer_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = blobs(on_disk(dir.path()), 2 * CHUNK, Some(dir.path()));
    let mut writer = blobs.create(&context());
    writer.write(&content(9 * CHUNK)).await.unwrap();
    assert_eq!(files(dir.path()).len(), 1, "the file that is being written");
    drop(writer);
    for _ in 0..200 {
        if files(dir.path()).is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("left: {:?}", files(dir.path()));
}

#[test]
fn only_the_places_of_blobs_are_names() {
    let (tenant, id) = (TenantId::from_uuid(uuid::Uuid::from_u128(0xabc)), BlobId([0xab; 16]));
    let at = path(tenant, id);
    assert_eq!(at.as_ref(), format!("{tenant}/ab/{id}"));
    assert_eq!(name(&at), Some((tenant, id)));
    for foreign in [
        format!("{tenant}/ac/{id}"),
        format!("{tenant}/ab/{}", id.to_string().to_uppercase()),
        format!("{tenant}/ab/{id}/x"),
        format!("{}/ab/{id}", tenant.to_string().to_uppercase()),
        format!("x/ab/{id}"),
        "x".to_owned(),
    ] {
        assert_eq!(name(&Path::from(foreign.as_str())), None, "{foreign}");
    }
}

struct Counting(AtomicUsize);

impl Observer for Counting {
    fn copied(&self, done: u64, total: u64) {
        assert!((1..=total).contains(&done));
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A blob with this content.
async fn store(blobs: &Blobs, cx: &Cx, content: &[u8]) -> Reference {
    let mut writer = blobs.create(cx);
    writer.write(content).await.unwrap();
    writer.finish().await.unwrap().reference
}

#[tokio::test]
async fn everything_is_sealed_again_under_a_new_key_beside_readers_and_writers() {
    let (keys, objects, cx) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()), context());
    let keyring = keyring(keys.path());
    let blobs = Blobs(Arc::new(Container::new_with_key(objects.clone(), 2 * CHUNK, &keyring)));
    let purpose = Purpose::blobs("test");
    let old = keyring.get(&purpose).unwrap();
    let contents = [0, 1, CHUNK, 2 * CHUNK, 5 * CHUNK + 7].map(content);
    let mut references = Vec::new();
    for content in &contents {
        references.push(store(&blobs, &cx, content).await);
    }
    // One in the middle of reading, one in the middle of writing.
    let mut reading = blobs.read(&cx, references[4]).await.unwrap().whole();
    let mut read = reading.try_next().await.unwrap().unwrap().to_vec();
    let mut writing = blobs.create(&cx);
    writing.write(b"begun before").await.unwrap();
    let replacing = tokio::spawn({
        let (blobs, cx, counting) = (blobs.clone(), cx.clone(), Counting(AtomicUsize::new(0)));
        async move {
            let resealed = blobs.replace_key(&cx, &counting).await;
            (resealed, counting.0.into_inner())
        }
    });
    while keyring.get(&purpose).unwrap().id == old.id {
        tokio::task::yield_now().await;
    }
    // What is begun now is under the new key, and what was begun before is waited for.
    references.push(store(&blobs, &cx, b"begun after").await);
    assert!(keyring.is_lent(old.id) && !replacing.is_finished());
    references.push(writing.finish().await.unwrap().reference);
    let (resealed, seen) = replacing.await.unwrap();
    assert_eq!(
        (resealed.unwrap(), seen),
        (6, 7),
        "all but the one that is under the new key"
    );

    while let Some(piece) = reading.try_next().await.unwrap() {
        read.extend_from_slice(&piece);
    }
    assert!(read == contents[4], "a reader goes on in what was sealed again");
    let current = keyring.get(&purpose).unwrap();
    assert_ne!(current.id, old.id);
    assert_eq!(keyring.find_all(&purpose).len(), 1, "the old key is removed");
    let mut expected: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    expected.extend([b"begun after".as_slice(), b"begun before"]);
    for (reference, content) in references.iter().zip(expected) {
        let blob = blobs.read(&cx, *reference).await.unwrap();
        assert_eq!(blob.header().key, current.id);
        assert!(blob.bytes(0..u64::MAX).await.unwrap() == content, "{reference:?}");
    }
}

#[tokio::test]
async fn a_blob_that_does_not_open_keeps_the_old_key() {
    let (keys, objects, cx) = (tempfile::tempdir().unwrap(), Arc::new(InMemory::new()), context());
    let keyring = keyring(keys.path());
    let blobs = Blobs(Arc::new(Container::new_with_key(objects.clone(), 2 * CHUNK, &keyring)));
    let long = store(&blobs, &cx, &content(3 * CHUNK)).await;
    let at = path(cx.tenant, long.id);
    let sealed = objects.get(&at).await.unwrap().bytes().await.unwrap();
    let mut altered = sealed.to_vec();
    altered[3 * CHUNK] ^= 1;
    objects.put(&at, altered.clone().into()).await.unwrap();
    let observer = Counting(AtomicUsize::new(0));
    let refused = blobs.replace_key(&cx, &observer).await;
    assert!(matches!(refused, Err(BlobError::Damaged { .. })), "{refused:?}");
    assert_eq!(keyring.find_all(&Purpose::blobs("test")).len(), 2);
    let left = objects.get(&at).await.unwrap().bytes().await.unwrap();
    assert!(left == altered, "what is there is left as it is");
    // Repaired from a copy, it is sealed again by the next try, which forgets both.
    objects.put(&at, sealed.into()).await.unwrap();
    assert_eq!(blobs.replace_key(&cx, &observer).await.unwrap(), 1);
    assert_eq!(keyring.find_all(&Purpose::blobs("test")).len(), 1);
    assert!(blobs.read(&cx, long).await.unwrap().bytes(0..u64::MAX).await.unwrap() == content(3 * CHUNK));
}
