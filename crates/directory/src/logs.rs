//! Reading the logs, and forgetting what is old.

use std::time::Duration;

use hygie_core::{Cx, Timestamp};
use hygie_store::StoreError;
use hygie_store::audit::Record;
use uuid::Uuid;

pub use hygie_directory_store::logs::{
    Alert, AlertKind, AppInitiator, ChangeEntry, ChangeScribe, ChangeTarget, GapGroup, GapReport, Initiator, KeyValue,
    LOGS, Log, LogEntry, LogQuery, ModifiedProperty, UserInitiator, mark, new_id,
};

use crate::repo::{Logs, MovedSignIns, SignIns};
use crate::{AppSignInEntry, Directory, DirectoryError, SignInEntry};

/// For how many days logs are kept where nothing else is said, and at most.
pub const LOG_RETENTION: u32 = 30;
/// Ten years.
pub const MAX_LOG_RETENTION: u32 = 3_653;

impl Directory {
    /// Writes an entry that no other write carries: of what was refused.
    pub async fn log_sign_in(&self, cx: &Cx, entry: SignInEntry) -> Result<(), StoreError> {
        self.store()
            .write(cx, entry, |entry, tx| {
                Box::pin(async move { SignIns(tx).insert(entry).await })
            })
            .await
    }

    /// Writes entries of applications that signed in by themselves, with one record for all: a database that is put back
    /// to before them is found by it.
    pub async fn log_app_sign_ins(&self, cx: &Cx, entries: Vec<AppSignInEntry>) -> Result<(), StoreError> {
        let record = Record::success(cx, "idp.signin.applications", format!("log/{}", entries.len()));
        self.store()
            .write(cx, (entries, record), |(entries, record), tx| {
                Box::pin(async move {
                    for entry in entries {
                        Logs(tx).insert(entry).await?;
                    }
                    tx.audit(record).await
                })
            })
            .await
    }

    /// Entries of a log.
    pub async fn list_log<E: LogEntry>(&self, cx: &Cx, query: LogQuery) -> Result<Vec<E>, StoreError> {
        self.store()
            .read(cx, query, |query, tx| {
                Box::pin(async move { Logs(tx).list(query).await })
            })
            .await
    }

    /// The entry of a log with this id.
    pub async fn find_log_entry<E: LogEntry>(&self, cx: &Cx, id: Uuid) -> Result<Option<E>, StoreError> {
        self.store()
            .read(cx, id, |id, tx| Box::pin(async move { Logs(tx).find(*id).await }))
            .await
    }

    /// For how many days the tenant keeps its logs.
    pub async fn log_retention(&self, cx: &Cx) -> Result<u32, StoreError> {
        let found = self
            .store()
            .read(cx, (), |(), tx| Box::pin(async move { Logs(tx).retention().await }));
        Ok(found.await?.unwrap_or(LOG_RETENTION))
    }

    /// Says for how many days the tenant keeps its logs; as others do without a number.
    pub async fn set_log_retention(&self, cx: &Cx, days: Option<u32>) -> Result<(), DirectoryError> {
        if days.is_some_and(|days| !(1..=MAX_LOG_RETENTION).contains(&days)) {
            return Err(DirectoryError::Value("log_retention_days"));
        }
        let record = Record::success(cx, "idp.logs.retention", format!("tenant/{}", cx.tenant));
        self.store()
            .write(cx, (days, record), |(days, record), tx| {
                Box::pin(async move {
                    if Logs(tx).retention().await? == *days {
                        return Ok(());
                    }
                    Logs(tx).set_retention(*days).await?;
                    tx.audit(record).await?;
                    Ok::<_, DirectoryError>(())
                })
            })
            .await
    }

    /// Forgets what of the logs is older than their tenants keep them, some entries in each transaction; tells how many.
    pub async fn purge_logs(&self) -> Result<u64, StoreError> {
        let provider = self.provider_cx();
        let mut removed = 0;
        for tenant in self.list_tenants(&provider).await? {
            let cx = provider.for_tenant(tenant);
            let days = self.log_retention(&cx).await?;
            let before = cx.now - Duration::from_hours(24 * u64::from(days));
            for log in Log::ALL {
                // Nearly always nothing is due: a look costs no commit.
                while self.is_due(&cx, log, before).await? {
                    let some = self.store().write(&cx, (log, before), |(log, before), tx| {
                        Box::pin(async move { Logs(tx).purge(*log, *before).await })
                    });
                    let some: u64 = some.await?;
                    removed += some;
                }
            }
        }
        Ok(removed)
    }

    async fn is_due(&self, cx: &Cx, log: Log, before: Timestamp) -> Result<bool, StoreError> {
        self.store()
            .read(cx, (log, before), |(log, before), tx| {
                Box::pin(async move { Logs(tx).has_before(*log, *before).await })
            })
            .await
    }

    /// Moves what a release with a table of its own for sign-ins wrote.
    pub(crate) async fn move_sign_ins(&self) -> Result<(), StoreError> {
        let provider = self.provider_cx();
        let waiting = self.store().read(&provider, (), |(), tx| {
            Box::pin(async move { MovedSignIns(tx).list_tenants().await })
        });
        for tenant in waiting.await? {
            let cx = provider.for_tenant(tenant);
            while self
                .store()
                .write(&cx, (), |(), tx| Box::pin(async move { MovedSignIns(tx).some().await }))
                .await?
            {}
        }
        Ok(())
    }
}
