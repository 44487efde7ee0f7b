//! The signed head of the audit chain of writes, moved with each group.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hygie_core::{Clock, Cx, TenantId, Timestamp};

use super::connection::Db;
use crate::audit::{Chain, Entry, HeadFile, HeadName, LinkKey, Resumption, SINCE_HEAD, Trail};
use crate::keys::{Keyring, Purpose};
use crate::{StoreError, Value};

/// A head is made durable so often while writes come.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Where the writer signs how far the audit chain reaches.
pub struct ChainHead {
    file: HeadFile,
    clock: Arc<dyn Clock>,
    synced_at: Timestamp,
}

/// The chain of an instance as it goes on after the database's last entry, and its head. `settle` makes durable what the
/// database says, before the head signs that it is there; nobody else writes meanwhile.
pub fn resume(
    db: &mut Db,
    keyring: &Keyring,
    (directory, instance): (&Path, &str),
    cx: &Cx,
    settle: impl FnOnce() -> std::io::Result<()>,
) -> Result<(Chain, ChainHead), StoreError> {
    let links = LinkKey::new(&keyring.get_or_create(&Purpose::audit(instance))?, Trail::Writes);
    let name = HeadName {
        instance: instance.to_owned(),
        trail: Trail::Writes,
    };
    let heads_key = keyring.get_or_create(&Purpose::heads())?;
    let (mut file, head) = HeadFile::open(directory, &heads_key, &name).map_err(io)?;
    let from = head.map_or(Value::Null, |head| Value::Int(head.tip.seq.cast_signed()));
    // The chain is the instance's, whatever the tenant.
    let rows = db.query(SINCE_HEAD, TenantId::from_uuid(uuid::Uuid::nil()), &[from])?;
    let entries = rows.into_iter().map(|row| Ok::<_, StoreError>(Entry::from_row(row)));
    let (chain, resumption) = Chain::resume(links, head, entries)?;
    if let Resumption::Broken(reason) = resumption {
        tracing::error!(instance, ?reason, "the audit chain is broken; run `hygie verify`");
    }
    settle().map_err(io)?;
    file.begin(chain.tip()).map_err(io)?;
    let clock = cx.clock.clone();
    let synced_at = clock.now();
    Ok((chain, ChainHead { file, clock, synced_at }))
}

impl ChainHead {
    /// Signs the present end of the chain, after the commit that holds it.
    pub fn advance(&mut self, chain: &Chain) {
        if let Err(error) = self.file.advance(chain.tip()) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "signing the head of the audit chain"
            );
        }
        if self.clock.now().since(self.synced_at) >= SYNC_EVERY {
            self.sync();
        }
    }

    /// Makes the last signature durable.
    pub fn sync(&mut self) {
        self.synced_at = self.clock.now();
        if let Err(error) = self.file.sync() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "syncing the head of the audit chain"
            );
        }
    }
}

fn io(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Some(Box::new(error)))
}
