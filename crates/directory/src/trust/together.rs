//! Several authorities at once, all or none: those of a bundle, and those of a configuration in its former form.

use hygie_core::Cx;
use hygie_jose::x509::Authority;
use hygie_store::Tx;
use hygie_store::audit::Record;
use uuid::Uuid;

use super::lists::put;
use super::{AuthorityChange, MAX_AUTHORITIES, MAX_PKIS, Pki, TrustError, TrustedAuthority};
use crate::Directory;
use crate::admin::new_uuid;
use crate::repo::TrustStores;

/// Where authorities are put.
#[derive(Clone, Debug)]
pub enum Into {
    /// An infrastructure that is there; authorities that it has already stay as they are, those of another are refused.
    Known(Uuid),
    /// A new one with this name; authorities that are trusted already are refused.
    New(String),
}

impl Directory {
    /// Adds authorities, each with what is said of it; tells the infrastructure and those that are new.
    pub async fn add_authorities(
        &self,
        cx: &Cx,
        into: Into,
        all: Vec<(Vec<u8>, AuthorityChange)>,
    ) -> Result<(Uuid, Vec<TrustedAuthority>), TrustError> {
        let (id, new) = match into {
            Into::Known(id) => (id, None),
            Into::New(display_name) => {
                let id = new_uuid(cx);
                let modified_at = cx.now;
                let pki = Pki {
                    id,
                    display_name,
                    modified_at,
                };
                (id, Some(pki))
            }
        };
        let mut authorities = Vec::new();
        for (certificate, change) in all {
            let mut trusted = TrustedAuthority {
                id: new_uuid(cx),
                pki: id,
                authority: Authority::from_der(&certificate)?,
                list_url: None,
                delta_url: None,
                is_hint_enabled: false,
                grace_hours: 0,
                created_at: cx.now,
            };
            change.apply(&mut trusted)?;
            authorities.push(trusted);
        }
        let added = self.change(cx, (id, new, authorities), |(id, new, authorities), tx| {
            Box::pin(async move {
                if let Some(pki) = new {
                    make(pki, tx).await?;
                }
                // An infrastructure that is not there is not passed over where all are known.
                TrustStores(tx)
                    .find(*id)
                    .await?
                    .ok_or_else(|| super::operations::missing(*id))?;
                let known = if new.is_some() { IfKnown::Refuse } else { IfKnown::Skip };
                add(authorities, known, tx).await
            })
        });
        Ok((id, added.await?))
    }
}

/// What becomes of an authority that is trusted already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfKnown {
    Refuse,
    Skip,
}

async fn make(pki: &Pki, tx: &mut Tx<'_>) -> Result<(), TrustError> {
    if TrustStores(tx).list().await?.len() >= MAX_PKIS {
        return Err(TrustError::TooManyPkis);
    }
    TrustStores(tx).put(pki).await?;
    let record = Record::success(tx.cx(), "idp.pki.create", format!("pki/{}", pki.id));
    Ok(tx.audit(&record).await?)
}

async fn add(
    authorities: &[TrustedAuthority],
    if_known: IfKnown,
    tx: &mut Tx<'_>,
) -> Result<Vec<TrustedAuthority>, TrustError> {
    let mut known = TrustStores(tx).list_authorities().await?;
    let mut added = Vec::new();
    for trusted in authorities {
        let mut same = known
            .iter()
            .filter(|one| one.authority.der() == trusted.authority.der());
        match same.next() {
            Some(one) if if_known == IfKnown::Skip && one.pki == trusted.pki => continue,
            Some(_) => return Err(TrustError::Exists),
            None => {}
        }
        if known.len() >= MAX_AUTHORITIES {
            return Err(TrustError::TooManyAuthorities);
        }
        put(tx, trusted).await?;
        let record = Record::success(tx.cx(), "idp.authority.add", format!("authority/{}", trusted.id));
        tx.audit(&record).await?;
        known.push(trusted.clone());
        added.push(trusted.clone());
    }
    Ok(added)
}
