//! Who answers for whom: <https://learn.microsoft.com/graph/api/user-post-manager>.

use hygie_core::{Cx, ObjectId};
use hygie_directory_store::objects;
use hygie_store::StoreError;
use hygie_store::audit::Record;

use super::changed;
use crate::repo::{Became, Followed, Managers, Users};
use crate::{Cursor, Directory, DirectoryError, DirectoryObject, User};

impl Directory {
    /// The manager of a user; none where the manager's account is gone.
    pub async fn manager_of(&self, cx: &Cx, user: ObjectId) -> Result<Option<User>, StoreError> {
        self.store()
            .read(cx, user, |user, tx| {
                Box::pin(async move {
                    match Managers(tx).find(*user).await? {
                        Some(manager) => Users(tx).find(manager).await,
                        None => Ok(None),
                    }
                })
            })
            .await
    }

    /// A page of those whose manager somebody is.
    pub async fn page_reports(
        &self,
        cx: &Cx,
        manager: ObjectId,
        at: Cursor,
    ) -> Result<Vec<DirectoryObject>, StoreError> {
        self.store()
            .read(cx, (manager, at), |(manager, at), tx| {
                Box::pin(async move {
                    let ids = Managers(tx).page_reports(*manager, at.after, at.limit).await?;
                    objects(tx, ids).await
                })
            })
            .await
    }

    /// Gives a user a manager, in the place of another, or none any more.
    pub async fn set_manager(&self, cx: &Cx, user: ObjectId, manager: Option<ObjectId>) -> Result<(), DirectoryError> {
        let action = match manager {
            Some(_) => "idp.user.manager",
            None => "idp.user.manager.remove",
        };
        let record = Record::success(cx, action, format!("user/{user}"));
        self.change(cx, (user, manager, record), |(user, manager, record), tx| {
            Box::pin(async move {
                Users(tx).find(*user).await?.ok_or(DirectoryError::NotFound("user"))?;
                match manager {
                    Some(manager) if manager == user => return Err(DirectoryError::Value("manager")),
                    Some(manager) => {
                        let found = Users(tx).find(*manager).await?;
                        found.ok_or(DirectoryError::NotFound("manager"))?;
                        Managers(tx).put(*user, *manager).await?;
                    }
                    None if Managers(tx).remove(*user).await? => {}
                    None => return Err(DirectoryError::NotFound("manager")),
                }
                changed(tx, Followed::Users, *user, Became::Different).await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}
