//! What changed of a person's means, told to the person on their own page and by a letter: whoever did not do it themselves sees so.

use hygie_core::{Cx, ObjectId, Timestamp};
use hygie_directory::repo::{NoticeRow, Notices};
use hygie_directory::{CERTIFICATES_CHANGED, KEPT_NOTICES, PASSWORD_CHANGED, notice};
use hygie_store::{StoreError, Tx};

use crate::{Means, MeansError};

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum Change {
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
    CodesAdded,
    CodesRenamed,
    CodesRemoved,
    PassCreated,
    PassRemoved,
    /// Told by the directory, in the transaction of the change.
    PasswordChanged,
    /// As that.
    CertificatesChanged,
}

impl Change {
    const ALL: [Self; 10] = [
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::CodesAdded,
        Self::CodesRenamed,
        Self::CodesRemoved,
        Self::PassCreated,
        Self::PassRemoved,
        Self::PasswordChanged,
        Self::CertificatesChanged,
    ];

    /// Its word: of the table, and of messages about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::CodesAdded => "codes-added",
            Self::CodesRenamed => "codes-renamed",
            Self::CodesRemoved => "codes-removed",
            Self::PassCreated => "pass-created",
            Self::PassRemoved => "pass-removed",
            Self::PasswordChanged => PASSWORD_CHANGED,
            Self::CertificatesChanged => CERTIFICATES_CHANGED,
        }
    }

    /// Of somebody, now; `about` is what the thing is called.
    pub(crate) fn of(self, cx: &Cx, user: ObjectId, about: &str) -> NoticeRow {
        notice(cx, user, self.as_str(), about)
    }
}

/// A change of a person's means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What changed.
    pub change: Change,
    /// What the thing is called.
    pub about: String,
    /// Whether the person did it; otherwise an administrator.
    pub is_own: bool,
    /// When.
    pub at: Timestamp,
}

/// Keeps a change in the transaction that makes it.
pub(crate) async fn tell(tx: &mut Tx<'_>, notice: &NoticeRow) -> Result<(), StoreError> {
    Notices(tx).insert(notice, KEPT_NOTICES).await
}

impl Means {
    /// The last changes of a person's means, the latest first.
    pub async fn list_notices(&self, cx: &Cx, user: ObjectId, limit: u32) -> Result<Vec<Notice>, MeansError> {
        let rows = self
            .store()
            .read(cx, (user, limit), |(user, limit), tx| {
                Box::pin(async move { Notices(tx).list(*user, *limit).await })
            })
            .await?;
        // A word of a later release is left out.
        let known = |row: NoticeRow| {
            let change = Change::ALL.into_iter().find(|change| change.as_str() == row.change)?;
            Some(Notice {
                change,
                about: row.about,
                is_own: row.is_own,
                at: row.at,
            })
        };
        Ok(rows.into_iter().filter_map(known).collect())
    }
}
