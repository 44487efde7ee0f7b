//! The definition of a place for blobs: a disk, S3, Azure pass the same checks, each with real objects and a real store.

mod life;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, TryStreamExt as _};
use hygie_core::{Cx, Random, SeededRandom, TenantId};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use self::life::{
    a_late_reference_is_refused, only_old_orphans_are_swept, references_live_and_die_with_their_transaction,
    unfinished_uploads_are_swept, what_is_missing_or_foreign_is_found,
};
use super::below;
use hygie_store::blobs::{BlobError, Blobs, Reference, References, Stored};
use hygie_store::{Store, StoreError};

/// Makes places for blobs.
pub trait Fixture: Send + Sync {
    /// A new, empty place with a store beside it.
    fn create(&self, name: &str) -> BoxFuture<'_, Place>;
}

/// A place for blobs and what belongs to it.
pub struct Place {
    /// The blobs.
    pub blobs: Blobs,
    /// The store that refers to them.
    pub store: Store,
    /// Where the blobs lie, for one who alters them.
    pub objects: Arc<dyn ObjectStore>,
    /// Whether uploads that were not completed can be seen there.
    pub shows_uploads: bool,
    /// What has to live as long.
    pub keep: Box<dyn Send + Sync>,
}

type Check = for<'a> fn(&'a Place, &'a Cx) -> BoxFuture<'a, ()>;

macro_rules! checks {
    ($($name:ident,)*) => {
        &[$((stringify!($name), |place, cx| Box::pin($name(place, cx))),)*]
    };
}

const CHECKS: &[(&str, Check)] = checks![
    content_comes_back,
    ranges_come_back,
    a_blob_is_seen_when_it_is_whole,
    what_is_given_up_leaves_nothing,
    many_are_written_at_once,
    tenants_are_apart,
    a_blob_opens_only_where_it_was_stored,
    what_was_altered_is_found,
    what_was_not_altered_is_read,
    a_deleted_blob_is_gone,
    references_live_and_die_with_their_transaction,
    a_late_reference_is_refused,
    only_old_orphans_are_swept,
    unfinished_uploads_are_swept,
    what_is_missing_or_foreign_is_found,
];

/// Runs every check, each on a place of its own. It wants a Tokio runtime.
pub async fn run(fixture: &dyn Fixture, cx: &Cx) {
    for (name, check) in CHECKS {
        tracing::info!(name, "conformance check of blobs");
        let place = fixture.create(&name.replace('_', "-")).await;
        check(&place, cx).await;
        place.store.close().await.expect("closing");
    }
}

/// Bytes of a chunk.
const CHUNK: usize = 1 << 16;

/// Content that differs everywhere.
fn content(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SeededRandom::new(0).fill(&mut bytes);
    bytes
}

async fn stored(place: &Place, cx: &Cx, content: &[u8]) -> Stored {
    let mut writer = place.blobs.create(cx);
    writer.write(content).await.expect("a write");
    assert_eq!(writer.len(), content.len() as u64);
    writer.finish().await.expect("the end of a blob")
}

async fn refer(place: &Place, cx: &Cx, stored: Stored) -> Result<(), StoreError> {
    let write = place.store.write(cx, stored, |stored, tx| {
        Box::pin(async move { References(tx).insert(stored).await })
    });
    write.await
}

async fn whole(place: &Place, cx: &Cx, reference: Reference) -> Result<Vec<u8>, BlobError> {
    let blob = place.blobs.read(cx, reference).await?;
    blob.bytes(0..blob.len()).await
}

async fn objects(place: &Place) -> Vec<Path> {
    let listed = place.objects.list(None).map_ok(|object| object.location);
    listed.try_collect().await.expect("a listing")
}

async fn content_comes_back(place: &Place, cx: &Cx) {
    // Around the borders of chunks and parts; the longest has several parts anywhere.
    let lengths = [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        3 * CHUNK,
        (1 << 20) + 7,
        (18 << 20) + 1,
    ];
    for len in lengths {
        let content = content(len);
        let mut writer = place.blobs.create(cx);
        // In pieces that fit nothing.
        for piece in content.chunks(100_003) {
            writer.write(piece).await.expect("a write");
        }
        let reference = writer.finish().await.expect("the end").reference;
        assert_eq!(reference.len, len as u64);
        let blob = place.blobs.read(cx, reference).await.expect("the blob");
        assert_eq!(blob.len(), len as u64);
        let pieces: Vec<_> = blob.whole().try_collect().await.expect("the content");
        assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= CHUNK));
        assert!(pieces.concat() == content, "the content of {len} bytes");
    }
}

async fn ranges_come_back(place: &Place, cx: &Cx) {
    let content = content(5 * CHUNK + 123);
    let reference = stored(place, cx, &content).await.reference;
    let blob = place.blobs.read(cx, reference).await.expect("the blob");
    let end = content.len() as u64;
    let border = CHUNK as u64;
    let mut ranges = vec![
        (0, 0),
        (0, 1),
        (0, end),
        (0, u64::MAX),
        (end, u64::MAX),
        (u64::MAX, u64::MAX),
        (end - 1, end),
        (border - 1, border + 1),
        (border, 2 * border),
    ];
    ranges.extend((0..60).map(|_| {
        let from = below(&*cx.random, end);
        (from, from + below(&*cx.random, end))
    }));
    for (from, to) in ranges {
        let (first, last) = (from.min(end) as usize, to.min(end) as usize);
        let found = blob.bytes(from..to).await.expect("a range");
        assert!(found == content[first..last.max(first)], "the range {from}..{to}");
    }
    #[expect(clippy::reversed_empty_ranges, reason = "a range that a careless caller may make")]
    let reversed = blob.bytes(7..3).await;
    assert!(reversed.expect("nothing").is_empty());
}

async fn a_blob_is_seen_when_it_is_whole(place: &Place, cx: &Cx) {
    let mut writer = place.blobs.create(cx);
    writer.write(&content(20 << 20)).await.expect("a write");
    assert!(objects(place).await.is_empty(), "an unfinished blob is seen");
    writer.finish().await.expect("the end");
    assert_eq!(objects(place).await.len(), 1);
}

async fn what_is_given_up_leaves_nothing(place: &Place, cx: &Cx) {
    for len in [10, 20 << 20] {
        let mut writer = place.blobs.create(cx);
        writer.write(&content(len)).await.expect("a write");
        drop(writer);
        // Cut off in the middle of a write.
        let mut writer = place.blobs.create(cx);
        let long = content(40 << 20);
        let interrupted = writer.write(&long).now_or_never();
        if interrupted.is_none() {
            let refused = writer.write(b"more").await.err();
            let finished = writer.finish().await.err();
            let both = [refused, finished];
            assert!(
                both.iter().any(|error| matches!(error, Some(BlobError::Broken))),
                "{both:?}"
            );
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(objects(place).await.is_empty());
    let after = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!((after.orphans, after.findings.len()), (0, 0));
}

async fn many_are_written_at_once(place: &Place, cx: &Cx) {
    let writes = (0..16).map(|n| async move {
        let content = content(CHUNK * n + n);
        (stored(place, cx, &content).await.reference, content)
    });
    for (reference, content) in join_all(writes).await {
        let found = whole(place, cx, reference).await.expect("the content");
        assert!(found == content, "the content of {} bytes", content.len());
    }
    assert_eq!(objects(place).await.len(), 16);
}

async fn tenants_are_apart(place: &Place, cx: &Cx) {
    let other = cx.for_tenant(TenantId::from_uuid(uuid::Uuid::from_u128(77)));
    let blob = stored(place, cx, b"of one").await;
    let reference = blob.reference;
    let read = whole(place, &other, reference).await;
    assert!(
        matches!(read, Err(BlobError::NotFound(id)) if id == reference.id),
        "{read:?}"
    );
    let referred = refer(place, &other, blob).await;
    assert!(matches!(referred, Err(StoreError::Inconsistent(_))), "{referred:?}");
    place
        .blobs
        .delete(&other, reference.id)
        .await
        .expect("nothing to delete");
    refer(place, cx, blob).await.expect("a reference");
    let seen = place.store.read(&other, reference.id, |id, tx| {
        Box::pin(async move {
            let found = References(tx).find(*id).await?;
            Ok::<_, StoreError>(found)
        })
    });
    assert_eq!(seen.await.expect("a read"), None);
    assert_eq!(whole(place, cx, reference).await.expect("its own"), b"of one");
}

async fn a_blob_opens_only_where_it_was_stored(place: &Place, cx: &Cx) {
    let one = stored(place, cx, b"first content").await.reference;
    let [at_one] = <[Path; 1]>::try_from(objects(place).await).expect("one object");
    let two = stored(place, cx, b"other content").await.reference;
    let at_two = objects(place)
        .await
        .into_iter()
        .find(|path| *path != at_one)
        .expect("another");
    place.objects.copy(&at_one, &at_two).await.expect("a copy");
    assert_damaged(&whole(place, cx, two).await, "another blob in its place");
    assert_eq!(whole(place, cx, one).await.expect("the first"), b"first content");
}

fn assert_damaged<T: std::fmt::Debug>(outcome: &Result<T, BlobError>, what: &str) {
    assert!(matches!(outcome, Err(BlobError::Damaged { .. })), "{what}: {outcome:?}");
}

async fn what_was_not_altered_is_read(place: &Place, cx: &Cx) {
    let content = content(2 * CHUNK + 100);
    let reference = stored(place, cx, &content).await.reference;
    let [path] = <[Path; 1]>::try_from(objects(place).await).expect("one object");
    let mut bytes = place
        .objects
        .get(&path)
        .await
        .expect("the object")
        .bytes()
        .await
        .expect("its bytes")
        .to_vec();
    let end = bytes.len();
    bytes[end - 20] ^= 1;
    place.objects.put(&path, bytes.into()).await.expect("put");
    let blob = place.blobs.read(cx, reference).await.expect("it opens");
    let before = blob
        .bytes(0..2 * CHUNK as u64)
        .await
        .expect("what is before the alteration");
    assert!(before == content[..2 * CHUNK]);
    assert_damaged(&blob.bytes(0..blob.len()).await, "the altered chunk");
}

async fn what_was_altered_is_found(place: &Place, cx: &Cx) {
    let content = content(2 * CHUNK + 100);
    let reference = stored(place, cx, &content).await.reference;
    let [path] = <[Path; 1]>::try_from(objects(place).await).expect("one object");
    let true_bytes = place
        .objects
        .get(&path)
        .await
        .expect("the object")
        .bytes()
        .await
        .expect("its bytes");
    let end = true_bytes.len();
    assert!(
        !true_bytes.windows(16).any(|window| window == &content[..16]),
        "it is not encrypted"
    );
    for at in [
        0,
        4,
        5,
        6,
        8,
        16,
        47,
        48,
        48 + CHUNK,
        48 + CHUNK + 16,
        end - 17,
        end - 1,
    ] {
        let mut altered = true_bytes.to_vec();
        altered[at] ^= 0x10;
        place.objects.put(&path, altered.into()).await.expect("put");
        assert_damaged(&whole(place, cx, reference).await, &format!("the byte {at}"));
    }
    for len in [0, 1, 47, 48, 63, 64, 48 + CHUNK + 16, 48 + 2 * (CHUNK + 16), end - 1] {
        place
            .objects
            .put(&path, true_bytes.slice(..len).into())
            .await
            .expect("put");
        assert_damaged(
            &place.blobs.read(cx, reference).await.map(drop),
            &format!("cut to {len}"),
        );
    }
    let longer = [&true_bytes[..], b"x"].concat();
    place.objects.put(&path, longer.into()).await.expect("put");
    assert_damaged(&whole(place, cx, reference).await, "a byte more");
    place.objects.put(&path, true_bytes.into()).await.expect("put");
    assert!(whole(place, cx, reference).await.expect("unaltered") == content);
}

async fn a_deleted_blob_is_gone(place: &Place, cx: &Cx) {
    let reference = stored(place, cx, b"content").await.reference;
    place.blobs.delete(cx, reference.id).await.expect("a deletion");
    place
        .blobs
        .delete(cx, reference.id)
        .await
        .expect("what is gone may be deleted");
    let read = whole(place, cx, reference).await;
    assert!(matches!(read, Err(BlobError::NotFound(_))), "{read:?}");
    assert!(objects(place).await.is_empty());
}
