//! Delegated permissions and roles.

use hygie_core::{AppId, Cx, ObjectId};
use hygie_store::audit::Record;

use super::new_uuid;
use crate::repo::{Grants, Principals};
use crate::{Directory, DirectoryError};

impl Directory {
    /// Grants `client` these scopes of `resource`, for one user or for everybody.
    pub async fn grant_scopes(
        &self,
        cx: &Cx,
        (client, resource): (AppId, AppId),
        user: Option<ObjectId>,
        scopes: &[&str],
    ) -> Result<(), DirectoryError> {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        if scopes.iter().any(|scope| scope.is_empty() || scope.contains(' ')) {
            return Err(DirectoryError::Value("scope"));
        }
        let record = Record::success(cx, "idp.grant", format!("app/{client}"));
        let input = (client, resource, user, scopes, new_uuid(cx), record);
        self.change(cx, input, |(client, resource, user, scopes, id, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let missing = || DirectoryError::NotFound("service principal");
                let client = Principals(tx).find_by_app(*client).await?.ok_or_else(missing)?;
                let resource = Principals(tx).find_by_app(*resource).await?.ok_or_else(missing)?;
                Grants(tx)
                    .set_scopes((client.id, resource.id), *user, scopes, (*id, now))
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives `principal` (user, group or service principal) a role of the application `resource`, by its word.
    pub async fn assign_app_role(
        &self,
        cx: &Cx,
        resource: AppId,
        principal: ObjectId,
        role: &str,
    ) -> Result<(), DirectoryError> {
        let application = self
            .find_application(cx, resource)
            .await?
            .ok_or(DirectoryError::NotFound("application"))?;
        let role = application
            .definition
            .app_roles
            .iter()
            .find(|known| known.value == role);
        let role = role.ok_or(DirectoryError::NotFound("role"))?.id;
        let record = Record::success(cx, "idp.role", format!("app/{resource}"));
        let input = (resource, principal, role, new_uuid(cx), record);
        self.change(cx, input, |(resource, principal, role, id, record), tx| {
            Box::pin(async move {
                let now = tx.cx().now;
                let missing = DirectoryError::NotFound("service principal");
                let resource = Principals(tx).find_by_app(*resource).await?.ok_or(missing)?;
                Grants(tx)
                    .assign_role(resource.id, *principal, *role, (*id, now))
                    .await?;
                tx.audit(record).await?;
                Ok(())
            })
        })
        .await
    }
}
