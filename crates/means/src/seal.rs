//! What goes through the browser and comes back: signed by us, for one purpose, one person and a time.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, TenantId, Timestamp};
use hygie_jose::{Keyed, base64url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{MeansError, Refusal};

/// Longest text that is opened.
const MAX_TEXT: usize = 8_192;

/// A key for texts of one purpose.
pub(crate) struct Seal(Keyed);

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    tenant: TenantId,
    user: ObjectId,
    until: i64,
    value: T,
}

impl Seal {
    pub(crate) fn new(key: Keyed) -> Self {
        Self(key)
    }

    /// A text that [`Self::open`] takes from this person for so long.
    pub(crate) fn seal<T: Serialize>(
        &self,
        cx: &Cx,
        user: ObjectId,
        value: T,
        ttl: Duration,
    ) -> Result<String, MeansError> {
        let sealed = Sealed {
            tenant: cx.tenant,
            user,
            until: (cx.now + ttl).millis(),
            value,
        };
        let content = serde_json::to_vec(&sealed)?;
        let mac = self.0.digest(&content);
        Ok(format!("{}.{}", base64url::encode(&content), base64url::encode(mac)))
    }

    /// What was sealed for this person, if it is not too old.
    pub(crate) fn open<T: DeserializeOwned>(&self, cx: &Cx, user: ObjectId, text: &str) -> Result<T, Refusal> {
        if text.len() > MAX_TEXT {
            return Err(Refusal::Expired);
        }
        let (content, mac) = text.split_once('.').ok_or(Refusal::Expired)?;
        let content = base64url::decode(content).map_err(|_| Refusal::Expired)?;
        let mac = base64url::decode(mac).map_err(|_| Refusal::Expired)?;
        if !self.0.matches(&content, &mac) {
            return Err(Refusal::Expired);
        }
        let sealed: Sealed<T> = serde_json::from_slice(&content).map_err(|_| Refusal::Expired)?;
        let is_ours = sealed.tenant == cx.tenant && sealed.user == user;
        if is_ours && cx.now < Timestamp::from_millis(sealed.until) {
            Ok(sealed.value)
        } else {
            Err(Refusal::Expired)
        }
    }
}
