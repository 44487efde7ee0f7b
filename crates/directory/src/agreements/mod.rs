//! Terms of use of a tenant: agreements with files in several languages, and what people answered to them.
//!
//! A file is never changed: a newer one in its language takes its place, and the older one stays with the answers to it.
//! What is accepted is a file; until when that counts is decided by `hygie_policy::agreement`.

mod answers;
mod error;
mod operations;

use hygie_policy::agreement::{Agreement, AgreementFile};
use hygie_policy::json::{Member, read};
use hygie_policy::{AgreementFileId, AgreementId};
use hygie_store::{StoreError, Tx};

pub use answers::{Answer, Shown};
pub use error::AgreementError;
pub use operations::Upload;

use crate::repo::Agreements;

/// An agreement with its files, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The agreement.
    pub agreement: Agreement,
    /// Its files, earlier versions included.
    pub files: Vec<AgreementFile>,
}

impl Terms {
    /// The file with this id.
    pub fn find(&self, id: AgreementFileId) -> Option<&AgreementFile> {
        self.files.iter().find(|file| file.id == Some(id))
    }

    async fn load(tx: &mut Tx<'_>, id: AgreementId) -> Result<Option<Self>, StoreError> {
        let Some(agreement) = Agreements(tx).find(id).await? else {
            return Ok(None);
        };
        let mut files = Vec::new();
        for file in Agreements(tx).list_files(id).await? {
            files.push(document(&file)?);
        }
        let agreement = document(&agreement)?;
        Ok(Some(Self { agreement, files }))
    }
}

/// What a column holds.
fn document<T: Member>(text: &str) -> Result<T, StoreError> {
    let unreadable = || StoreError::Inconsistent("a document of an agreement cannot be read".to_owned());
    let value = serde_json::from_str(text).map_err(|_| unreadable())?;
    read(&value).map_err(|_| unreadable())
}
