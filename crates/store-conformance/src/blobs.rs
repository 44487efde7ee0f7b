//! The definition of a place for blobs: a disk, S3, Azure pass the same checks, each with real objects and a real store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, TryStreamExt as _};
use hygie_core::{Cx, TenantId, Timestamp};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{Moving, below};
use hygie_store::blobs::{BlobError, Blobs, Finding, MIN_GRACE, Reference, References, Stored};
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
    (0..len as u64)
        .map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
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

async fn references_live_and_die_with_their_transaction(place: &Place, cx: &Cx) {
    let find = |id| {
        place.store.read(cx, id, |id, tx| {
            Box::pin(async move {
                let found = References(tx).find(*id).await?;
                Ok::<_, StoreError>(found)
            })
        })
    };
    let blob = stored(place, cx, b"content").await;
    let id = blob.reference.id;
    let refused = place.store.write(cx, blob, |blob, tx| {
        Box::pin(async move {
            References(tx).insert(blob).await?;
            Err::<(), _>(StoreError::Busy)
        })
    });
    assert!(refused.await.is_err());
    assert_eq!(find(id).await.expect("a read"), None);
    refer(place, cx, blob).await.expect("a reference");
    assert_eq!(find(id).await.expect("a read"), Some(blob.reference));
    let again = refer(place, cx, blob).await;
    assert!(matches!(again, Err(StoreError::Duplicate(_))), "{again:?}");
    for was_there in [true, false] {
        let deleted = place.store.write(cx, id, |id, tx| {
            Box::pin(async move {
                let was_there = References(tx).delete(*id).await?;
                Ok::<_, StoreError>(was_there)
            })
        });
        assert_eq!(deleted.await.expect("a deletion"), was_there);
    }
    assert_eq!(find(id).await.expect("a read"), None);
}

/// The same context at that time.
fn at(cx: &Cx, then: Timestamp) -> Cx {
    let (moving, cx) = Moving::of(cx);
    moving.0.store(then.millis(), Ordering::SeqCst);
    cx
}

async fn a_late_reference_is_refused(place: &Place, cx: &Cx) {
    let start = cx.clock.now();
    let blob = stored(place, &at(cx, start), b"content").await;
    let late = refer(place, &at(cx, start + Duration::from_secs(3601)), blob).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    refer(place, &at(cx, start + Duration::from_hours(1)), blob)
        .await
        .expect("in time");
}

async fn only_old_orphans_are_swept(place: &Place, cx: &Cx) {
    let kept = stored(place, cx, b"kept").await;
    refer(place, cx, kept).await.expect("a reference");
    let orphan = stored(place, cx, b"orphan").await.reference;
    // Of another tenant, so that a sweep is one of all tenants.
    let other = cx.for_tenant(TenantId::from_uuid(uuid::Uuid::from_u128(78)));
    stored(place, &other, b"orphan").await;
    let listed = place
        .objects
        .list(None)
        .map_ok(|object| object.last_modified.timestamp_millis());
    let changes: Vec<i64> = listed.try_collect().await.expect("a listing");
    let oldest = Timestamp::from_millis(changes.into_iter().min().expect("three objects"));

    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!((report.blobs, report.bytes, report.orphans), (1, 4, 2));
    assert!(report.orphaned_bytes > 12 && report.findings.is_empty(), "{report:?}");
    // No grace is shorter than the least.
    let young = place
        .blobs
        .sweep(&place.store, &at(cx, oldest + MIN_GRACE), Duration::ZERO)
        .await;
    assert_eq!(young.expect("swept").orphans, 0);
    let old = at(cx, oldest + MIN_GRACE + Duration::from_mins(10));
    let swept = place
        .blobs
        .sweep(&place.store, &old, Duration::ZERO)
        .await
        .expect("swept");
    assert_eq!((swept.orphans, swept.bytes), (2, report.orphaned_bytes));
    assert!(matches!(whole(place, cx, orphan).await, Err(BlobError::NotFound(_))));
    assert_eq!(whole(place, cx, kept.reference).await.expect("the kept one"), b"kept");
    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!((report.blobs, report.orphans, report.findings.len()), (1, 0, 0));
}

/// Of a program that was killed: nobody takes the upload back.
async fn unfinished_uploads_are_swept(place: &Place, cx: &Cx) {
    stored(place, cx, b"orphan").await;
    let changed = place
        .objects
        .list(None)
        .map_ok(|object| object.last_modified.timestamp_millis());
    let changed: Vec<i64> = changed.try_collect().await.expect("a listing");
    let path = Path::from(format!("{}/ab/ab{:030}", cx.tenant, 7));
    let mut upload = place.objects.put_multipart(&path).await.expect("an upload");
    let part = content(5 << 20);
    upload.put_part(part.into()).await.expect("a part");
    std::mem::forget(upload);
    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!(report.uploads, u64::from(place.shows_uploads), "{report:?}");
    assert!(report.findings.is_empty(), "{report:?}");
    let later = Timestamp::from_millis(changed[0]) + MIN_GRACE + Duration::from_mins(10);
    let swept = place.blobs.sweep(&place.store, &at(cx, later), Duration::ZERO).await;
    let swept = swept.expect("swept");
    assert_eq!((swept.orphans, swept.uploads), (1, report.uploads));
    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!((report.orphans, report.uploads), (0, 0));
}

async fn what_is_missing_or_foreign_is_found(place: &Place, cx: &Cx) {
    let mut references = Vec::new();
    for n in 0..4 {
        let blob = stored(place, cx, &content(CHUNK + n)).await;
        refer(place, cx, blob).await.expect("a reference");
        references.push(blob.reference);
    }
    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!(
        (report.blobs, report.orphans, report.findings.len()),
        (4, 0, 0),
        "{report:?}"
    );
    place.blobs.delete(cx, references[1].id).await.expect("a deletion");
    let paths = objects(place).await;
    let third = references[2].id.to_string();
    let path = paths
        .iter()
        .find(|path| path.as_ref().ends_with(&third))
        .expect("the third");
    let mut bytes = place
        .objects
        .get(path)
        .await
        .expect("the object")
        .bytes()
        .await
        .expect("bytes")
        .to_vec();
    // In the middle: its ends are as they were.
    bytes[30_000] ^= 1;
    place.objects.put(path, bytes.into()).await.expect("put");
    place
        .objects
        .put(&Path::from("stranger"), "x".into())
        .await
        .expect("put");
    let report = place.blobs.verify(&place.store, cx).await.expect("verified");
    assert_eq!((report.blobs, report.orphans), (2, 0));
    let reason = "chunk 0 was altered, moved or cut off".to_owned();
    let mut expected = vec![
        Finding::Missing(cx.tenant, references[1].id),
        Finding::Damaged(cx.tenant, references[2].id, reason),
    ];
    expected.sort_by_key(|finding| match finding {
        Finding::Missing(_, id) | Finding::Damaged(_, id, _) => Some(*id),
        Finding::Foreign(_) => None,
    });
    expected.push(Finding::Foreign("stranger".to_owned()));
    assert_eq!(report.findings, expected);
}
