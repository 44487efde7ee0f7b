//! Permissions that an administrator gives an application on its page: on behalf of everybody, or its own.

use std::collections::BTreeSet;

use hygie_web::ui::Page;
use serde_json::{Value, json};

use super::Fields;
use crate::api::{Api, ApiError, quoted, segment};
use crate::parts::{Area, Part, Select};
use crate::wire::{Grant, Resource, Roles};

/// On behalf of people, or by itself.
const KINDS: [&str; 2] = ["delegated", "own"];

/// The form: of which application, which permissions, for whom.
pub fn parts(page: &Page, resources: &[Resource]) -> Vec<Part> {
    let has_some = |one: &&Resource| !(one.app_roles.is_empty() && one.oauth2_permission_scopes.is_empty());
    let resources = resources
        .iter()
        .filter(has_some)
        .map(|one| (one.id.clone(), one.display_name.clone()));
    let kinds = KINDS.map(|kind| (kind.to_owned(), page.t(&format!("application-grant-{kind}"))));
    vec![
        Part::Select(Select::new(
            "resource",
            page.t("application-grant-resource"),
            resources.collect(),
        )),
        Part::Select(Select::new("kind", page.t("application-grant-kind"), kinds.to_vec())),
        Part::Area(Area {
            is_required: true,
            ..Area::new(
                "permissions",
                page.t("application-grant-permissions"),
                page.t("application-grant-hint"),
                String::new(),
            )
        }),
    ]
}

/// Gives what the form says; beside what is given already.
pub async fn give(api: &Api<'_>, client: &str, fields: &Fields) -> Result<&'static str, ApiError> {
    let asked: BTreeSet<&str> = fields.get("permissions").split_whitespace().collect();
    let resource = fields.get("resource");
    if fields.get("kind") == "own" {
        give_own(api, client, resource, &asked).await?;
    } else {
        give_delegated(api, client, resource, asked).await?;
    }
    Ok("application-granted")
}

async fn give_delegated(api: &Api<'_>, client: &str, resource: &str, asked: BTreeSet<&str>) -> Result<(), ApiError> {
    let filter = format!("clientId eq {}", quoted(client));
    let all: Vec<Grant> = api.all("/oauth2PermissionGrants", &[("$filter", &filter)]).await?;
    let known = all
        .iter()
        .find(|grant| grant.resource_id == resource && grant.principal_id.is_none());
    let Some(grant) = known else {
        let scope = asked.into_iter().collect::<Vec<_>>().join(" ");
        let new = json!({ "clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": scope });
        return api.post("/oauth2PermissionGrants", &new).await.map(drop);
    };
    let given: BTreeSet<&str> = grant.scope.split_whitespace().collect();
    if asked.is_subset(&given) {
        return Ok(());
    }
    let scopes: BTreeSet<&str> = given.into_iter().chain(asked).collect();
    let scope = scopes.into_iter().collect::<Vec<_>>().join(" ");
    api.patch(
        &format!("/oauth2PermissionGrants/{}", segment(&grant.id)),
        &json!({ "scope": scope }),
    )
    .await
}

async fn give_own(api: &Api<'_>, client: &str, resource: &str, asked: &BTreeSet<&str>) -> Result<(), ApiError> {
    let path = format!("/servicePrincipals/{}", segment(resource));
    let defined: Roles = api.get(&path, &[("$select", "id,appRoles")]).await?;
    let find = |value: &str| {
        defined
            .app_roles
            .iter()
            .find(|role| role.value.as_deref() == Some(value))
    };
    // All are known before one is given.
    let roles: Vec<&str> = asked
        .iter()
        .map(|value| find(value).map(|role| role.id.as_str()).ok_or(ApiError::NotFound))
        .collect::<Result<_, _>>()?;
    let path = format!("/servicePrincipals/{}/appRoleAssignments", segment(client));
    let given: Vec<Value> = api.all(&path, &[]).await?;
    let is_given = |role: &str| {
        given
            .iter()
            .any(|one| one["resourceId"] == resource && one["appRoleId"] == role)
    };
    for role in roles.into_iter().filter(|role| !is_given(role)) {
        let new: Value = json!({ "principalId": client, "resourceId": resource, "appRoleId": role });
        api.post(&path, &new).await?;
    }
    Ok(())
}
