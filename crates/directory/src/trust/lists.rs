//! The revocation list of an authority, as it was fetched or given last.

use hygie_core::Cx;
use hygie_jose::digest::sha256;
use hygie_jose::x509::{Authority, DeltaList, ListFault, RevocationList};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use super::operations::{find_authority, missing};
use super::{ListKind, ListRow, ListSource, MAX_LIST, TrustError, TrustedAuthority};
use crate::Directory;
use crate::repo::{RevocationLists, TrustStores};

/// Octets of a list that are read at once.
const AT_ONCE: usize = 64 * 1024;

impl Directory {
    /// What is known of a list of an authority.
    pub async fn revocation_list(
        &self,
        cx: &Cx,
        authority: Uuid,
        kind: ListKind,
    ) -> Result<Option<ListRow>, StoreError> {
        self.store()
            .read(cx, (authority, kind), |(authority, kind), tx| {
                Box::pin(async move { RevocationLists(tx, *kind).find(*authority).await })
            })
            .await
    }

    /// The content of a list of an authority.
    pub async fn revocation_list_content(
        &self,
        cx: &Cx,
        authority: Uuid,
        kind: ListKind,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.store()
            .read(cx, (authority, kind), |(authority, kind), tx| {
                Box::pin(async move { RevocationLists(tx, *kind).content(*authority).await })
            })
            .await
    }

    /// Keeps the list of an authority, which has signed it, in the place of an older one.
    pub async fn keep_revocation_list(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        list: Vec<u8>,
        source: ListSource,
    ) -> Result<RevocationList, TrustError> {
        let (list, read) = read_list(list, trusted).await?;
        let row = ListRow {
            digest: sha256(&list),
            this_update: read.this_update,
            next_update: read.next_update,
            stored_at: cx.now,
            source,
            revoked: u32::try_from(read.len()).unwrap_or(u32::MAX),
        };
        let action = match source {
            ListSource::Fetched => "idp.crl.fetch",
            ListSource::Uploaded => "idp.crl.upload",
        };
        self.keep(cx, trusted, (ListKind::Whole, row, list), action).await?;
        Ok(read)
    }

    /// Keeps what an authority says of changes since its list, which it has signed, in the place of an older one.
    pub async fn keep_delta_list(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        list: Vec<u8>,
    ) -> Result<DeltaList, TrustError> {
        let (list, read) = read_delta(list, trusted).await?;
        let row = ListRow {
            digest: sha256(&list),
            this_update: read.this_update(),
            next_update: read.next_update(),
            stored_at: cx.now,
            source: ListSource::Fetched,
            revoked: u32::try_from(read.len()).unwrap_or(u32::MAX),
        };
        self.keep(cx, trusted, (ListKind::Delta, row, list), "idp.crl.fetch")
            .await?;
        Ok(read)
    }

    async fn keep(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        (kind, row, list): (ListKind, ListRow, Vec<u8>),
        action: &'static str,
    ) -> Result<(), TrustError> {
        let record = Record::success(cx, action, format!("authority/{}", trusted.id));
        let input = ((trusted.pki, trusted.id), (kind, row, list), record);
        self.change(cx, input, |((pki, id), (kind, row, list), record), tx| {
            Box::pin(async move {
                // It may have been removed while the list was fetched.
                find_authority(tx, *pki, *id).await?;
                let known = RevocationLists(tx, *kind).find(*id).await?;
                if known.is_some_and(|known| known.this_update > row.this_update) {
                    return Err(TrustError::ListOlder);
                }
                RevocationLists(tx, *kind).put(*id, row, list).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Says how long the last list of an authority counts after its end.
    pub async fn set_revocation_grace(&self, cx: &Cx, (pki, id): (Uuid, Uuid), hours: u32) -> Result<(), TrustError> {
        if hours > super::MAX_GRACE {
            return Err(TrustError::Grace);
        }
        let record = Record::success(cx, "idp.authority.update", format!("authority/{id}"));
        self.change(cx, (pki, id, hours, record), |(pki, id, hours, record), tx| {
            Box::pin(async move {
                let mut found = find_authority(tx, *pki, *id).await?;
                found.grace_hours = *hours;
                put(tx, &found).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Reads a list; a large one beside the threads that answer, for it takes a while.
pub async fn read_list(list: Vec<u8>, trusted: &TrustedAuthority) -> Result<(Vec<u8>, RevocationList), TrustError> {
    read_by(list, trusted, RevocationList::read).await
}

/// Reads what changed since a list.
pub async fn read_delta(list: Vec<u8>, trusted: &TrustedAuthority) -> Result<(Vec<u8>, DeltaList), TrustError> {
    read_by(list, trusted, DeltaList::read).await
}

async fn read_by<T: Send + 'static>(
    list: Vec<u8>,
    trusted: &TrustedAuthority,
    read: fn(&[u8], &Authority) -> Result<T, ListFault>,
) -> Result<(Vec<u8>, T), TrustError> {
    if list.len() > MAX_LIST {
        return Err(TrustError::ListTooLarge);
    }
    if list.len() <= AT_ONCE {
        let read = read(&list, &trusted.authority)?;
        return Ok((list, read));
    }
    let authority = trusted.authority.clone();
    let work = tokio::task::spawn_blocking(move || {
        let read = read(&list, &authority)?;
        Ok::<_, ListFault>((list, read))
    });
    let done = work.await.map_err(|_| StoreError::Busy)?;
    Ok(done?)
}

/// Writes a changed authority, and that its infrastructure was changed.
pub(super) async fn put(tx: &mut Tx<'_>, authority: &TrustedAuthority) -> Result<(), TrustError> {
    let now = tx.cx().now;
    TrustStores(tx).put_authority(authority).await?;
    let mut pki = TrustStores(tx)
        .find(authority.pki)
        .await?
        .ok_or_else(|| missing(authority.pki))?;
    pki.modified_at = now;
    TrustStores(tx).put(&pki).await?;
    Ok(())
}
