//! The revocation list of an authority, as it was fetched or given last.

use hygie_core::Cx;
use hygie_jose::digest::sha256;
use hygie_jose::x509::{ListFault, RevocationList};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use uuid::Uuid;

use super::operations::{find_authority, missing};
use super::{ListRow, ListSource, MAX_LIST, TrustError, TrustedAuthority};
use crate::Directory;
use crate::repo::{RevocationLists, TrustStores};

/// Octets of a list that are read at once.
const AT_ONCE: usize = 64 * 1024;

impl Directory {
    /// What is known of the list of an authority.
    pub async fn revocation_list(&self, cx: &Cx, authority: Uuid) -> Result<Option<ListRow>, StoreError> {
        self.store()
            .read(cx, authority, |authority, tx| {
                Box::pin(async move { RevocationLists(tx).find(*authority).await })
            })
            .await
    }

    /// The content of the list of an authority.
    pub async fn revocation_list_content(&self, cx: &Cx, authority: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        self.store()
            .read(cx, authority, |authority, tx| {
                Box::pin(async move { RevocationLists(tx).content(*authority).await })
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
        if list.len() > MAX_LIST {
            return Err(TrustError::ListTooLarge);
        }
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
        let record = Record::success(cx, action, format!("authority/{}", trusted.id));
        let input = ((trusted.pki, trusted.id), row, list, record);
        self.change(cx, input, |((pki, id), row, list, record), tx| {
            Box::pin(async move {
                // It may have been removed while the list was fetched.
                find_authority(tx, *pki, *id).await?;
                let known = RevocationLists(tx).find(*id).await?;
                if known.is_some_and(|known| known.this_update > row.this_update) {
                    return Err(TrustError::ListOlder);
                }
                RevocationLists(tx).put(*id, row, list).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(read)
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
    if list.len() <= AT_ONCE {
        let read = RevocationList::read(&list, &trusted.authority)?;
        return Ok((list, read));
    }
    let authority = trusted.authority.clone();
    let work = tokio::task::spawn_blocking(move || {
        let read = RevocationList::read(&list, &authority)?;
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
