//! How long a blob lives: as long as it is referred to, and a while before.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use hygie_core::{Cx, TenantId, Timestamp};
use hygie_store::StoreError;
use hygie_store::blobs::{BlobError, Finding, MIN_GRACE, References};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::{CHUNK, Place, content, objects, refer, stored, whole};
use crate::Moving;

/// The same context at that time.
fn at(cx: &Cx, then: Timestamp) -> Cx {
    let (moving, cx) = Moving::of(cx);
    moving.0.store(then.millis(), Ordering::SeqCst);
    cx
}

pub(super) async fn references_live_and_die_with_their_transaction(place: &Place, cx: &Cx) {
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
    let total = || {
        let read = place
            .store
            .read(cx, (), |(), tx| Box::pin(async move { References(tx).total().await }));
        async move {
            let total: Result<u64, StoreError> = read.await;
            total.expect("a read")
        }
    };
    let before = total().await;
    refer(place, cx, blob).await.expect("a reference");
    assert_eq!(find(id).await.expect("a read"), Some(blob.reference));
    assert_eq!(total().await - before, blob.reference.len);
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

pub(super) async fn a_late_reference_is_refused(place: &Place, cx: &Cx) {
    let start = cx.clock.now();
    let blob = stored(place, &at(cx, start), b"content").await;
    let late = refer(place, &at(cx, start + Duration::from_secs(3601)), blob).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    refer(place, &at(cx, start + Duration::from_hours(1)), blob)
        .await
        .expect("in time");
}

pub(super) async fn only_old_orphans_are_swept(place: &Place, cx: &Cx) {
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
pub(super) async fn unfinished_uploads_are_swept(place: &Place, cx: &Cx) {
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

pub(super) async fn what_is_missing_or_foreign_is_found(place: &Place, cx: &Cx) {
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
