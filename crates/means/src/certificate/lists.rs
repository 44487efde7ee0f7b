//! Revocation lists: fetched when they are needed, kept until the next one is there, and counted against whoever holds a
//! certificate when there is none. An authority that publishes what changed since its list (delta) is judged by both together,
//! and each of them must be there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_access::{Outgoing, OutgoingError};
use hygie_core::{Cx, TenantId, Timestamp};
use hygie_directory::trust::{
    ListKind, ListRow, ListSource, MAX_LIST, TrustError, TrustedAuthority, read_delta, read_list,
};
use hygie_jose::x509::{DeltaList, ListFault, RevocationList};
use hygie_policy::certificate::{State, X509Certificate};
use hygie_store::StoreError;
use hygie_store::audit::Record;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use url::Url;
use uuid::Uuid;

use super::CertificateRefusal;
use crate::{Means, MeansError, Refusal};

/// After a fetch that failed, whoever comes is not kept waiting for another one.
const PAUSE: Duration = Duration::from_secs(30);
/// Lists in memory.
const MAX_LISTS: usize = 64;

/// The lists that this process knows.
#[derive(Default)]
pub(crate) struct Lists(Mutex<HashMap<(TenantId, Uuid), Arc<Known>>>);

/// What this process knows of the lists of an authority.
#[derive(Default)]
struct Known {
    /// One fetch of a kind at a time; when the last one failed, and how.
    whole: AsyncMutex<Option<(Timestamp, Fetch)>>,
    delta: AsyncMutex<Option<(Timestamp, Fetch)>>,
    /// The list with this digest.
    read: Mutex<Option<([u8; 32], Arc<RevocationList>)>>,
    /// The two lists with these digests, as one.
    together: Mutex<Option<(Digests, Arc<RevocationList>)>>,
}

/// Digests of a list and of what changed since.
type Digests = [[u8; 32]; 2];

impl Known {
    const fn fetching(&self, kind: ListKind) -> &AsyncMutex<Option<(Timestamp, Fetch)>> {
        match kind {
            ListKind::Whole => &self.whole,
            ListKind::Delta => &self.delta,
        }
    }
}

/// How a fetch ended that brought no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fetch {
    /// The installation asks no other servers.
    #[error("this installation fetches nothing")]
    Off,
    /// The outgoing client may not ask this address.
    #[error("the address is not allowed")]
    Denied,
    /// No answer, or not in time.
    #[error("no answer")]
    NoAnswer,
    /// Another answer than a list.
    #[error("the answer had the status {0}")]
    Status(u16),
    /// Too large.
    #[error("the answer is too large")]
    TooLarge,
    /// Not the list of the authority.
    #[error("the answer is not the list of the authority")]
    Invalid,
    /// A list that was replaced since.
    #[error("the answer is older than the list that is known")]
    Older,
    /// A list that has ended.
    #[error("the answer is a list that has ended")]
    Ended,
    /// What changed since a later list, or of other certificates.
    #[error("the list of changes does not follow the revocation list")]
    Unrelated,
}

/// The list of an authority, for who administers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// What is kept.
    pub list: Option<ListRow>,
    /// What is kept of changes since.
    pub delta: Option<ListRow>,
    /// Whether certificates of the authority are judged by it now, with what changed where it publishes that.
    pub is_current: bool,
    /// How a fetch ended that was asked for and brought none.
    pub fault: Option<Fetch>,
    /// The same of the list of changes; or why it does not count with the list.
    pub delta_fault: Option<Fetch>,
}

impl Lists {
    fn known(&self, tenant: TenantId, authority: Uuid) -> Arc<Known> {
        let mut lists = self.0.lock();
        if lists.len() >= MAX_LISTS && !lists.contains_key(&(tenant, authority)) {
            lists.clear();
        }
        lists.entry((tenant, authority)).or_default().clone()
    }
}

impl Means {
    /// Refuses a certificate that is revoked, or of which nobody can tell. `chain` leads from its issuer to the root.
    pub(super) async fn check_lists(
        &self,
        cx: &Cx,
        certificate: &[u8],
        chain: &[&TrustedAuthority],
        configuration: &X509Certificate,
    ) -> Result<(), MeansError> {
        for (place, issuer) in chain.iter().enumerate() {
            let issued = place.checked_sub(1).and_then(|below| chain.get(below));
            let Some(list) = self.list_of(cx, issuer, configuration).await? else {
                continue;
            };
            let is_revoked = match issued {
                None => list.revokes(certificate),
                Some(authority) => list.revokes_authority(&authority.authority),
            };
            match (is_revoked, issued) {
                (Some(false), _) => {}
                (Some(true), None) => return Err(CertificateRefusal::Revoked.into()),
                (Some(true), Some(_)) => return Err(CertificateRefusal::AuthorityRevoked.into()),
                (None, _) => return Err(CertificateRefusal::ListPartial.into()),
            }
        }
        Ok(())
    }

    /// The list of an authority that counts now; none where the authority has none and needs none.
    async fn list_of(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        configuration: &X509Certificate,
    ) -> Result<Option<Arc<RevocationList>>, MeansError> {
        let row = self.row(cx, trusted, ListKind::Whole).await?;
        if trusted.list_url.is_none() && row.is_none() {
            return if needs_list(trusted, configuration) {
                Err(CertificateRefusal::ListMissing.into())
            } else {
                Ok(None)
            };
        }
        let row = self.current(cx, trusted, ListKind::Whole).await?;
        if trusted.delta_url.is_none() {
            return self.read_list(cx, trusted, &row).await.map(Some);
        }
        let delta = self.current(cx, trusted, ListKind::Delta).await?;
        match self.together(cx, trusted, (&row, &delta)).await? {
            Ok(list) => Ok(Some(list)),
            Err(_) => self.newer_together(cx, trusted, (&row, &delta)).await.map(Some),
        }
    }

    async fn row(&self, cx: &Cx, trusted: &TrustedAuthority, kind: ListKind) -> Result<Option<ListRow>, StoreError> {
        self.directory().revocation_list(cx, trusted.id, kind).await
    }

    /// What is known of a list that counts now, fetched where it has ended.
    async fn current(&self, cx: &Cx, trusted: &TrustedAuthority, kind: ListKind) -> Result<ListRow, MeansError> {
        let row = self.row(cx, trusted, kind).await?;
        if let Some(row) = row.as_ref().filter(|row| cx.now < row.next_update) {
            return Ok(row.clone());
        }
        let fault = match self.fetch(cx, trusted, (kind, None)).await? {
            Ok(row) => return Ok(row),
            Err(fault) => fault,
        };
        let Some(row) = row else {
            return Err(match fault {
                Fetch::Invalid | Fetch::Older => CertificateRefusal::ListInvalid,
                Fetch::Ended => CertificateRefusal::ListExpired,
                _ => CertificateRefusal::ListUnavailable,
            }
            .into());
        };
        if cx.now < row.next_update + trusted.grace() {
            tracing::warn!(authority = %trusted.id, %fault, "a revocation list counts after its end");
            let record = Record::success(cx, "idp.crl.grace", format!("authority/{}", trusted.id));
            self.store().record(record).await?;
            return Ok(row);
        }
        Err(CertificateRefusal::ListExpired.into())
    }

    /// A list with what changed since, made once.
    async fn together(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        (row, delta): (&ListRow, &ListRow),
    ) -> Result<Result<Arc<RevocationList>, ListFault>, MeansError> {
        let known = self.inner().lists.known(cx.tenant, trusted.id);
        let digests = [row.digest, delta.digest];
        if let Some((_, list)) = known.together.lock().as_ref().filter(|(of, _)| *of == digests) {
            return Ok(Ok(list.clone()));
        }
        let list = self.read_list(cx, trusted, row).await?;
        let changes = self.read_changes(cx, trusted).await?;
        let work = tokio::task::spawn_blocking(move || list.with_changes(&changes));
        let list = match work.await.map_err(|_| StoreError::Busy)? {
            Ok(list) => Arc::new(list),
            Err(fault) => return Ok(Err(fault)),
        };
        *known.together.lock() = Some((digests, list.clone()));
        Ok(Ok(list))
    }

    /// Where what changed does not follow the list, there may be a newer one already, before the end of the last: it is asked
    /// for.
    async fn newer_together(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        (row, delta): (&ListRow, &ListRow),
    ) -> Result<Arc<RevocationList>, MeansError> {
        let invalid = CertificateRefusal::ListInvalid;
        let fetched = self.fetch(cx, trusted, (ListKind::Whole, Some(row.digest))).await?;
        let row = fetched.map_err(|_| invalid)?;
        let list = self.together(cx, trusted, (&row, delta)).await?;
        Ok(list.map_err(|_| invalid)?)
    }

    /// The content of a list, read once.
    async fn read_list(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        row: &ListRow,
    ) -> Result<Arc<RevocationList>, MeansError> {
        let known = self.inner().lists.known(cx.tenant, trusted.id);
        if let Some((_, list)) = known.read.lock().as_ref().filter(|(digest, _)| *digest == row.digest) {
            return Ok(list.clone());
        }
        let directory = self.directory();
        let content = directory
            .revocation_list_content(cx, trusted.id, ListKind::Whole)
            .await?;
        let content = content.ok_or(CertificateRefusal::ListUnavailable)?;
        let (content, list) = match read_list(content, trusted).await {
            Ok(read) => read,
            Err(TrustError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(CertificateRefusal::ListInvalid.into()),
        };
        let list = Arc::new(list);
        *known.read.lock() = Some((hygie_jose::digest::sha256(&content), list.clone()));
        Ok(list)
    }

    /// What is kept of changes since the list; it is read for a new pair of lists only.
    async fn read_changes(&self, cx: &Cx, trusted: &TrustedAuthority) -> Result<DeltaList, MeansError> {
        let directory = self.directory();
        let content = directory
            .revocation_list_content(cx, trusted.id, ListKind::Delta)
            .await?;
        match read_delta(content.ok_or(CertificateRefusal::ListUnavailable)?, trusted).await {
            Ok((_, changes)) => Ok(changes),
            Err(TrustError::Store(error)) => Err(error.into()),
            Err(_) => Err(CertificateRefusal::ListInvalid.into()),
        }
    }

    /// Fetches a list of an authority, another one than that with a digest, and keeps it; who waits for another fetch of it
    /// takes what that one brought.
    async fn fetch(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        (kind, but): (ListKind, Option<[u8; 32]>),
    ) -> Result<Result<ListRow, Fetch>, MeansError> {
        let known = self.inner().lists.known(cx.tenant, trusted.id);
        let mut last = known.fetching(kind).lock().await;
        let kept = self.row(cx, trusted, kind).await?;
        if let Some(row) = kept.filter(|row| cx.now < row.next_update && Some(row.digest) != but) {
            return Ok(Ok(row));
        }
        if let Some((at, fault)) = *last
            && cx.now.since(at) < PAUSE
        {
            return Ok(Err(fault));
        }
        let fetched = match self.fetch_now(cx, trusted, kind).await? {
            Ok(row) if Some(row.digest) == but => Err(Fetch::Older),
            other => other,
        };
        *last = fetched.as_ref().err().map(|fault| (cx.now, *fault));
        Ok(fetched)
    }

    async fn fetch_now(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        kind: ListKind,
    ) -> Result<Result<ListRow, Fetch>, MeansError> {
        let list = match self.download(trusted, kind).await {
            Ok(list) => list,
            Err(fault) => {
                tracing::warn!(authority = %trusted.id, ?kind, %fault, "a revocation list cannot be fetched");
                return Ok(Err(fault));
            }
        };
        let directory = self.directory();
        let kept = match kind {
            ListKind::Whole => {
                let kept = directory.keep_revocation_list(cx, trusted, list, ListSource::Fetched);
                kept.await.map(|list| list.next_update)
            }
            ListKind::Delta => {
                let kept = directory.keep_delta_list(cx, trusted, list);
                kept.await.map(|list| list.next_update())
            }
        };
        let fault = match kept {
            Ok(next_update) if next_update <= cx.now => Fetch::Ended,
            Ok(_) => return Ok(self.row(cx, trusted, kind).await?.ok_or(Fetch::Invalid)),
            Err(TrustError::Store(error)) => return Err(error.into()),
            Err(TrustError::ListOlder) => Fetch::Older,
            Err(_) => Fetch::Invalid,
        };
        tracing::warn!(authority = %trusted.id, ?kind, %fault, "a revocation list does not count");
        Ok(Err(fault))
    }

    async fn download(&self, trusted: &TrustedAuthority, kind: ListKind) -> Result<Vec<u8>, Fetch> {
        let outgoing: &Outgoing = self.inner().outgoing.as_ref().ok_or(Fetch::Off)?;
        let url = match kind {
            ListKind::Whole => &trusted.list_url,
            ListKind::Delta => &trusted.delta_url,
        };
        let url = url.as_deref().and_then(|url| Url::parse(url).ok());
        let answer = outgoing.get_signed(&url.ok_or(Fetch::Off)?, MAX_LIST).await;
        let answer = answer.map_err(|error| match error {
            OutgoingError::Denied | OutgoingError::Malformed => Fetch::Denied,
            OutgoingError::TooLarge => Fetch::TooLarge,
            OutgoingError::Setup(_) | OutgoingError::NoAnswer(_) => Fetch::NoAnswer,
        })?;
        let status = answer.status().as_u16();
        if status == 200 {
            Ok(answer.into_body())
        } else {
            Err(Fetch::Status(status))
        }
    }

    /// What is known of the lists of an authority; fetched anew before, where `fetch` says so.
    pub async fn list_state(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        fetch: FetchFirst,
    ) -> Result<ListState, MeansError> {
        let (mut fault, mut delta_fault) = (None, None);
        if fetch == FetchFirst::Yes {
            fault = self.fetch_now(cx, trusted, ListKind::Whole).await?.err();
            if trusted.delta_url.is_some() {
                delta_fault = self.fetch_now(cx, trusted, ListKind::Delta).await?.err();
            }
        }
        let list = self.row(cx, trusted, ListKind::Whole).await?;
        let counts = |row: Option<&ListRow>| row.is_some_and(|row| cx.now < row.next_update + trusted.grace());
        let mut is_current = counts(list.as_ref());
        let mut delta = None;
        if trusted.delta_url.is_some() {
            delta = self.row(cx, trusted, ListKind::Delta).await?;
            is_current &= counts(delta.as_ref());
            if let (Some(list), Some(delta)) = (&list, &delta)
                && self.together(cx, trusted, (list, delta)).await?.is_err()
            {
                is_current = false;
                delta_fault = delta_fault.or(Some(Fetch::Unrelated));
            }
        }
        Ok(ListState {
            list,
            delta,
            is_current,
            fault,
            delta_fault,
        })
    }
}

/// Whether a list is fetched before it is told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFirst {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// Whether the establishment asks that each authority has a list, this one too.
fn needs_list(trusted: &TrustedAuthority, configuration: &X509Certificate) -> bool {
    let Some(validation) = &configuration.crl_validation else {
        return false;
    };
    let key = trusted.authority.subject_key_identifier.as_deref();
    let is_exempted = |exempted: &String| key.is_some_and(|key| key.eq_ignore_ascii_case(exempted));
    validation.state == State::Enabled && !validation.exempted.iter().any(is_exempted)
}

impl From<CertificateRefusal> for Refusal {
    fn from(refusal: CertificateRefusal) -> Self {
        Self::Certificate(refusal)
    }
}

impl From<CertificateRefusal> for MeansError {
    fn from(refusal: CertificateRefusal) -> Self {
        Self::Refused(refusal.into())
    }
}
