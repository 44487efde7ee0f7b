//! One ascending sequence of numbers, and records under some of them.

use futures_util::future::join_all;

use super::Bench;
use hygie_store::StoreError;

pub async fn numbers_ascend_and_are_unique(bench: Bench<'_>) {
    let take = |fails: bool| {
        bench.store.write(bench.cx, fails, |fails, tx| {
            Box::pin(async move {
                let numbers = [tx.number().await?, tx.number().await?, tx.append(b"record").await?];
                if *fails { Err(StoreError::Busy) } else { Ok(numbers) }
            })
        })
    };
    let mut last = 0;
    for _ in 0..3 {
        let numbers = take(false).await.expect("numbers");
        assert!(
            numbers[0] > last && numbers.is_sorted() && numbers[0] != numbers[1],
            "{numbers:?} after {last}"
        );
        last = numbers[2];
    }
    let taken = join_all((0..60).map(|n| take(n % 4 == 0))).await;
    let mut all: Vec<i64> = taken.into_iter().filter_map(Result::ok).flatten().collect();
    assert_eq!(all.len(), 45 * 3);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 45 * 3, "a number was given twice to what committed");
    assert!(all[0] > last);
}

pub async fn records_come_back(bench: Bench<'_>) {
    let records: Vec<Vec<u8>> = vec![Vec::new(), b"record".to_vec(), vec![0, 255, 10], vec![7; 1 << 20]];
    let mut numbers = Vec::new();
    for record in &records {
        let appended = bench.store.write(bench.cx, record.clone(), |record, tx| {
            Box::pin(async move {
                let seq = tx.append(record).await?;
                let own = tx.journal(seq).await?;
                Ok::<_, StoreError>((seq, own))
            })
        });
        let (seq, own) = appended.await.expect("an append");
        assert_eq!(own.as_ref(), Some(record), "a transaction sees its own record");
        numbers.push(seq);
    }
    for (seq, record) in numbers.iter().zip(&records) {
        let read = bench
            .store
            .read(bench.cx, *seq, |seq, tx| Box::pin(tx.journal(*seq)))
            .await;
        assert_eq!(read.expect("a read").as_ref(), Some(record), "the record {seq}");
    }
    for absent in [0, -1, numbers[3] + 1, i64::MAX] {
        let read = bench
            .store
            .read(bench.cx, absent, |seq, tx| Box::pin(tx.journal(*seq)))
            .await;
        assert_eq!(read.expect("a read"), None, "the record {absent}");
    }
}

/// The journal is what an engine rebuilds from: its numbers and its index must not run ahead of it.
pub async fn a_number_without_record_is_refused(bench: Bench<'_>) {
    let numbered = bench.store.write(bench.cx, (), |(), tx| Box::pin(tx.number())).await;
    assert!(matches!(numbered, Err(StoreError::Inconsistent(_))), "{numbered:?}");
    let late = bench.store.write(bench.cx, (), |(), tx| {
        Box::pin(async move {
            tx.append(b"record").await?;
            tx.number().await
        })
    });
    let late = late.await;
    assert!(matches!(late, Err(StoreError::Inconsistent(_))), "{late:?}");
    let indexed = bench
        .store
        .write(bench.cx, (), |(), tx| Box::pin(tx.index_add(b"key")))
        .await;
    assert!(matches!(indexed, Err(StoreError::Inconsistent(_))), "{indexed:?}");
}
