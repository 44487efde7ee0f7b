//! An instance that is only read, beside the processes that use it.

use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use hygie_core::Cx;
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};

use super::connect::Database;
use super::error::fault;
use super::read;

struct Reader {
    database: Arc<Database>,
    instance: i64,
}

/// Opens an instance without a part in its audit chains: it takes no writes.
pub async fn open_for_reading(database: &Arc<Database>, instance: &str) -> Result<Store, StoreError> {
    let client = database.client().await?;
    let sql = "SELECT number FROM instance WHERE name = $1";
    let row = client.query_opt(sql, &[&instance]).await.map_err(fault)?;
    let row = row.ok_or_else(|| StoreError::Inconsistent(format!("the database has no instance `{instance}`")))?;
    Ok(Store::new(Arc::new(Reader {
        database: database.clone(),
        instance: row.try_get(0).map_err(fault)?,
    })))
}

fn read_only<'a>() -> BoxFuture<'a, Result<(), StoreError>> {
    let error = StoreError::Inconsistent("a write to a store that is open for reading".to_owned());
    Box::pin(ready(Err(error)))
}

impl Engine for Reader {
    fn write<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        read_only()
    }

    fn read<'a>(&'a self, cx: &'a Cx, work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(read::read((&self.database, self.instance), cx, work))
    }

    fn record(&self, _record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        read_only()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}
