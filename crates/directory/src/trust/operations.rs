//! Making, changing and removing infrastructures and authorities. Each is one transaction with its record.

use hygie_core::Cx;
use hygie_jose::x509::{Authority, Position};
use hygie_store::audit::Record;
use hygie_store::{StoreError, Tx};
use url::Url;
use uuid::Uuid;

use super::lists::put;
use super::{ListKind, MAX_AUTHORITIES, MAX_PKIS, Pki, TrustError, TrustedAuthority};
use crate::Directory;
use crate::admin::new_uuid;
use crate::repo::{RevocationLists, TrustStores};

/// Signs of a name.
const MAX_NAME: usize = 256;
/// Signs of an address.
const MAX_URL: usize = 2_048;

/// What may be changed of an authority; unset stays as it is.
#[derive(Clone, Debug, Default)]
pub struct AuthorityChange {
    /// Its certificate: another one of the same authority.
    pub certificate: Option<Vec<u8>>,
    /// What it is said to be.
    pub position: Option<Position>,
    /// Where its list is; of nowhere there is none any more.
    pub list_url: Option<Option<String>>,
    /// Where the list of what changed since is; of nowhere there is none any more.
    pub delta_url: Option<Option<String>>,
    /// Whether browsers may be told of it.
    pub is_hint_enabled: Option<bool>,
}

impl AuthorityChange {
    /// Takes it over.
    pub(super) fn apply(&self, authority: &mut TrustedAuthority) -> Result<(), TrustError> {
        if let Some(der) = &self.certificate {
            authority.authority = Authority::from_der(der)?;
        }
        if let Some(url) = &self.list_url {
            authority.list_url = url.as_deref().map(checked_url).transpose()?;
        }
        if let Some(url) = &self.delta_url {
            let url = url.as_deref().map(checked_url).transpose();
            authority.delta_url = url.map_err(|_| TrustError::DeltaUrl)?;
        }
        if let Some(is_hint_enabled) = self.is_hint_enabled {
            authority.is_hint_enabled = is_hint_enabled;
        }
        if self
            .position
            .is_some_and(|position| position != authority.authority.position)
        {
            return Err(TrustError::Position);
        }
        if authority.list_url.is_some() && !authority.authority.may_sign_lists {
            return Err(TrustError::SignsNoLists);
        }
        if authority.delta_url.is_some() && authority.list_url.is_none() {
            return Err(TrustError::DeltaAlone);
        }
        Ok(())
    }
}

impl Directory {
    /// Makes an infrastructure without authorities.
    pub async fn create_pki(&self, cx: &Cx, display_name: &str) -> Result<Pki, TrustError> {
        let pki = Pki {
            id: new_uuid(cx),
            display_name: checked_name(display_name)?,
            modified_at: cx.now,
        };
        let record = Record::success(cx, "idp.pki.create", format!("pki/{}", pki.id));
        self.change(cx, (pki.clone(), record), |(pki, record), tx| {
            Box::pin(async move {
                if TrustStores(tx).list().await?.len() >= MAX_PKIS {
                    return Err(TrustError::TooManyPkis);
                }
                TrustStores(tx).put(pki).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(pki)
    }

    /// Renames an infrastructure.
    pub async fn rename_pki(&self, cx: &Cx, id: Uuid, display_name: &str) -> Result<(), TrustError> {
        let display_name = checked_name(display_name)?;
        let record = Record::success(cx, "idp.pki.update", format!("pki/{id}"));
        self.change(cx, (id, display_name, record), |(id, display_name, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let mut pki = TrustStores(tx).find(*id).await?.ok_or_else(|| missing(*id))?;
                pki.display_name.clone_from(display_name);
                pki.modified_at = now;
                TrustStores(tx).put(&pki).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes an infrastructure with its authorities: nobody signs in by their certificates any more.
    pub async fn delete_pki(&self, cx: &Cx, id: Uuid) -> Result<(), TrustError> {
        let record = Record::success(cx, "idp.pki.delete", format!("pki/{id}"));
        self.change(cx, (id, record), |(id, record), tx| {
            Box::pin(async move {
                for authority in TrustStores(tx).list_authorities().await? {
                    if authority.pki == *id {
                        remove_lists(tx, authority.id).await?;
                        TrustStores(tx).remove_authority(authority.id).await?;
                    }
                }
                if !TrustStores(tx).remove(*id).await? {
                    return Err(missing(*id));
                }
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Every infrastructure, in order of id.
    pub async fn list_pkis(&self, cx: &Cx) -> Result<Vec<Pki>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| Box::pin(async move { TrustStores(tx).list().await }))
            .await
    }

    /// Every authority that the tenant trusts, in order of id.
    pub async fn list_authorities(&self, cx: &Cx) -> Result<Vec<TrustedAuthority>, StoreError> {
        self.store()
            .read(cx, (), |(), tx| {
                Box::pin(async move { TrustStores(tx).list_authorities().await })
            })
            .await
    }

    /// Adds an authority to an infrastructure.
    pub async fn add_authority(
        &self,
        cx: &Cx,
        pki: Uuid,
        certificate: &[u8],
        change: AuthorityChange,
    ) -> Result<TrustedAuthority, TrustError> {
        let mut trusted = TrustedAuthority {
            id: new_uuid(cx),
            pki,
            authority: Authority::from_der(certificate)?,
            list_url: None,
            delta_url: None,
            is_hint_enabled: false,
            grace_hours: 0,
            created_at: cx.now,
        };
        change.apply(&mut trusted)?;
        let record = Record::success(cx, "idp.authority.add", format!("authority/{}", trusted.id));
        self.change(cx, (trusted.clone(), record), |(trusted, record), tx| {
            Box::pin(async move {
                let known = TrustStores(tx).list_authorities().await?;
                if known.len() >= MAX_AUTHORITIES {
                    return Err(TrustError::TooManyAuthorities);
                }
                if known.iter().any(|one| one.authority.der() == trusted.authority.der()) {
                    return Err(TrustError::Exists);
                }
                put(tx, trusted).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await?;
        Ok(trusted)
    }

    /// Changes an authority.
    pub async fn update_authority(
        &self,
        cx: &Cx,
        (pki, id): (Uuid, Uuid),
        change: AuthorityChange,
    ) -> Result<(), TrustError> {
        let record = Record::success(cx, "idp.authority.update", format!("authority/{id}"));
        self.change(cx, (pki, id, change, record), |(pki, id, change, record), tx| {
            Box::pin(async move {
                let mut found = find_authority(tx, *pki, *id).await?;
                let before = found.authority.clone();
                change.apply(&mut found)?;
                if found.authority != before {
                    let known = TrustStores(tx).list_authorities().await?;
                    let is_there = |one: &TrustedAuthority| one.authority.der() == found.authority.der();
                    if known.iter().any(is_there) {
                        return Err(TrustError::Exists);
                    }
                    // What another key signed is not its list.
                    remove_lists(tx, *id).await?;
                }
                put(tx, &found).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Removes an authority.
    pub async fn delete_authority(&self, cx: &Cx, (pki, id): (Uuid, Uuid)) -> Result<(), TrustError> {
        let record = Record::success(cx, "idp.authority.delete", format!("authority/{id}"));
        self.change(cx, (pki, id, record), |(pki, id, record), tx| {
            Box::pin(async move {
                find_authority(tx, *pki, *id).await?;
                remove_lists(tx, *id).await?;
                TrustStores(tx).remove_authority(*id).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}

pub(super) fn missing(id: Uuid) -> TrustError {
    TrustError::NotFound(id.to_string())
}

/// An authority of this infrastructure.
pub(super) async fn find_authority(tx: &mut Tx<'_>, pki: Uuid, id: Uuid) -> Result<TrustedAuthority, TrustError> {
    let found = TrustStores(tx).find_authority(id).await?;
    found.filter(|found| found.pki == pki).ok_or_else(|| missing(id))
}

async fn remove_lists(tx: &mut Tx<'_>, authority: Uuid) -> Result<(), StoreError> {
    for kind in [ListKind::Whole, ListKind::Delta] {
        RevocationLists(tx, kind).remove(authority).await?;
    }
    Ok(())
}

fn checked_name(name: &str) -> Result<String, TrustError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or(TrustError::Name)
}

fn checked_url(text: &str) -> Result<String, TrustError> {
    let url = Url::parse(text).ok().filter(|url| {
        let has_place = url.host().is_some() && url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && has_place && text.len() <= MAX_URL
    });
    url.map(|_| text.to_owned()).ok_or(TrustError::Url)
}
