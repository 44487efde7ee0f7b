//! Revocation lists: fetched when they are needed, kept until the next one is there, and counted against whoever holds a
//! certificate when there is none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hygie_access::{Outgoing, OutgoingError};
use hygie_core::{Cx, TenantId, Timestamp};
use hygie_directory::trust::{ListRow, ListSource, MAX_LIST, TrustError, TrustedAuthority, read_list};
use hygie_jose::x509::RevocationList;
use hygie_policy::certificate::{State, X509Certificate};
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

/// What this process knows of the list of an authority.
#[derive(Default)]
struct Known {
    /// One fetch at a time; when the last one failed, and how.
    fetching: AsyncMutex<Option<(Timestamp, Fetch)>>,
    /// The list with this digest.
    read: Mutex<Option<([u8; 32], Arc<RevocationList>)>>,
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
}

/// The list of an authority, for who administers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListState {
    /// What is kept.
    pub list: Option<ListRow>,
    /// Whether certificates of the authority are judged by it now.
    pub is_current: bool,
    /// How a fetch ended that was asked for and brought none.
    pub fault: Option<Fetch>,
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
        let row = self.directory().revocation_list(cx, trusted.id).await?;
        if let Some(row) = row.as_ref().filter(|row| cx.now < row.next_update) {
            return self.read_list(cx, trusted, row).await.map(Some);
        }
        if trusted.list_url.is_none() && row.is_none() {
            return if needs_list(trusted, configuration) {
                Err(CertificateRefusal::ListMissing.into())
            } else {
                Ok(None)
            };
        }
        let fault = match self.fetch(cx, trusted).await? {
            Ok(row) => return self.read_list(cx, trusted, &row).await.map(Some),
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
            return self.read_list(cx, trusted, &row).await.map(Some);
        }
        Err(CertificateRefusal::ListExpired.into())
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
        let content = self.directory().revocation_list_content(cx, trusted.id).await?;
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

    /// Fetches the list of an authority and keeps it; who waits for another fetch of it takes what that one brought.
    async fn fetch(&self, cx: &Cx, trusted: &TrustedAuthority) -> Result<Result<ListRow, Fetch>, MeansError> {
        let known = self.inner().lists.known(cx.tenant, trusted.id);
        let mut last = known.fetching.lock().await;
        let kept = self.directory().revocation_list(cx, trusted.id).await?;
        if let Some(row) = kept.filter(|row| cx.now < row.next_update) {
            return Ok(Ok(row));
        }
        if let Some((at, fault)) = *last
            && cx.now.since(at) < PAUSE
        {
            return Ok(Err(fault));
        }
        let fetched = self.fetch_now(cx, trusted).await?;
        *last = fetched.as_ref().err().map(|fault| (cx.now, *fault));
        Ok(fetched)
    }

    async fn fetch_now(&self, cx: &Cx, trusted: &TrustedAuthority) -> Result<Result<ListRow, Fetch>, MeansError> {
        let list = match self.download(trusted).await {
            Ok(list) => list,
            Err(fault) => {
                tracing::warn!(authority = %trusted.id, %fault, "a revocation list cannot be fetched");
                return Ok(Err(fault));
            }
        };
        let kept = self
            .directory()
            .keep_revocation_list(cx, trusted, list, ListSource::Fetched);
        let fault = match kept.await {
            Ok(list) if list.next_update <= cx.now => Fetch::Ended,
            Ok(_) => {
                let row = self.directory().revocation_list(cx, trusted.id).await?;
                return Ok(row.ok_or(Fetch::Invalid));
            }
            Err(TrustError::Store(error)) => return Err(error.into()),
            Err(TrustError::ListOlder) => Fetch::Older,
            Err(_) => Fetch::Invalid,
        };
        tracing::warn!(authority = %trusted.id, %fault, "a revocation list does not count");
        Ok(Err(fault))
    }

    async fn download(&self, trusted: &TrustedAuthority) -> Result<Vec<u8>, Fetch> {
        let outgoing: &Outgoing = self.inner().outgoing.as_ref().ok_or(Fetch::Off)?;
        let url = trusted.list_url.as_deref().and_then(|url| Url::parse(url).ok());
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

    /// What is known of the list of an authority; fetched anew before, where `fetch` says so.
    pub async fn list_state(
        &self,
        cx: &Cx,
        trusted: &TrustedAuthority,
        fetch: FetchFirst,
    ) -> Result<ListState, MeansError> {
        let fault = match fetch {
            FetchFirst::Yes => self.fetch_now(cx, trusted).await?.err(),
            FetchFirst::No => None,
        };
        let list = self.directory().revocation_list(cx, trusted.id).await?;
        let is_current = list
            .as_ref()
            .is_some_and(|row| cx.now < row.next_update + trusted.grace());
        Ok(ListState {
            list,
            is_current,
            fault,
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
