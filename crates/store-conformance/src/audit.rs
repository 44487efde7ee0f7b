//! Audit entries live and die with their effect; accesses are durable when answered.

use futures_util::future::join_all;

use super::{Bench, insert};
use hygie_store::StoreError;
use hygie_store::audit::Record;

pub async fn entries_are_written_with_their_effect(bench: Bench<'_>) {
    let writes = (0..40_i64).map(|id| {
        bench.store.write(bench.cx, id, |id, tx| {
            Box::pin(async move {
                insert(tx, *id, "thing").await?;
                let record = Record::success(tx.cx(), "test.insert", format!("thing/{id}"));
                tx.audit(&record).await?;
                if id % 4 == 1 { Err(StoreError::Busy) } else { Ok(()) }
            })
        })
    });
    let committed = join_all(writes).await.iter().filter(|outcome| outcome.is_ok()).count() as u64;
    assert_eq!(committed, 30);
    bench.store.close().await.expect("closing");
    let found = bench.instance.verify().await;
    assert!(found.writes.is_clean(), "{:?}", found.writes.findings);
    assert_eq!(found.writes.entries, committed, "an entry for each effect");
}

pub async fn accesses_are_recorded(bench: Bench<'_>) {
    let records = (0..200).map(|n| {
        let record = Record::success(bench.cx, "test.read", format!("thing/{n}"));
        bench.store.record(record)
    });
    for (n, recorded) in join_all(records).await.into_iter().enumerate() {
        recorded.unwrap_or_else(|error| panic!("the record {n}: {error:?}"));
    }
    bench.store.close().await.expect("closing");
    let found = bench.instance.verify().await;
    assert!(found.accesses.is_clean(), "{:?}", found.accesses.findings);
    assert_eq!(found.accesses.entries, 200);
    assert_eq!(found.writes.entries, 0, "an access is no write");
}
