//! What is asked of people: the permissions that a request or a registration names, with the resources that offer them.

use std::collections::BTreeSet;

use hygie_core::{AppId, Cx, ObjectId, TenantId};
use hygie_directory::repo::{Grants, Principals};
use hygie_directory::{Application, Audience, ServicePrincipal, directory_api};
use hygie_oidc::{Aadsts, AuthorizeRequest, Names, Prompt, Refusal, ResourceScopes, Scopes};
use uuid::Uuid;

use super::consent::{AskedPermission, PermissionKind};
use super::party::oidc_names;
use crate::{Idp, IdpError};

/// What is known of an application and a resource in the tenant.
struct Between {
    resource: Application,
    /// The words that were granted before, or need no grant.
    granted: Vec<String>,
}

impl Idp {
    /// What a person's request lacks.
    pub(super) async fn lacking(
        &self,
        cx: &Cx,
        (client, present): (&Application, Option<&ServicePrincipal>),
        (user, request): (ObjectId, &AuthorizeRequest),
    ) -> Result<Vec<AskedPermission>, IdpError> {
        let is_anew = request.prompt == Prompt::Consent;
        let mut asked = Vec::new();
        for scopes in &request.scopes.resources {
            let between = self
                .between(cx, (client, present), (scopes.resource.as_deref(), user))
                .await?;
            if between.resource.app == client.app {
                continue;
            }
            let wanted = match &scopes.names {
                Names::Named(names) => names.clone(),
                Names::Default if between.granted.is_empty() || is_anew => {
                    asked.extend(self.registered_scopes(cx, client).await?);
                    let is_here = |asked: &AskedPermission| asked.resource == between.resource.app;
                    if !asked.iter().any(is_here) {
                        return Err(Refusal::about(Aadsts::NothingAsked, &[&client.app.to_string()]).into());
                    }
                    continue;
                }
                Names::Default => continue,
            };
            let is_granted = |name: &str| between.granted.iter().any(|known| known.eq_ignore_ascii_case(name));
            for name in wanted.iter().filter(|name| is_anew || !is_granted(name)) {
                let found = delegated(&between.resource, name);
                let unknown = || Refusal::about(Aadsts::UnknownScope, &[&client.app.to_string(), name]);
                asked.push(found.ok_or_else(unknown)?);
            }
        }
        if present.is_none() || is_anew {
            let mut names = oidc_names(request.scopes.oidc);
            if request.scopes.oidc.offline_access {
                names.push("offline_access".to_owned());
            }
            asked.extend(names.iter().map(|name| openid(name)));
        }
        let mut seen = BTreeSet::new();
        asked.retain(|asked| seen.insert((asked.resource, asked.value.clone())));
        Ok(asked)
    }

    /// The permissions for people that the registration of an application asks for, of resources that are there or may come.
    async fn registered_scopes(&self, cx: &Cx, client: &Application) -> Result<Vec<AskedPermission>, IdpError> {
        let all = self.registered_permissions(cx, client, None).await?;
        let is_delegated = |asked: &AskedPermission| asked.kind == PermissionKind::Delegated && !asked.id.is_nil();
        Ok(all.into_iter().filter(is_delegated).collect())
    }

    /// What the registration of an application asks for; without anything of its own, to know who signs in.
    pub(super) async fn registered_permissions(
        &self,
        cx: &Cx,
        client: &Application,
        scopes: Option<&Scopes>,
    ) -> Result<Vec<AskedPermission>, IdpError> {
        let mut asked = Vec::new();
        match scopes.filter(|scopes| !scopes.resources.is_empty()) {
            Some(scopes) => {
                for scopes in &scopes.resources {
                    let resource = self.resource_of(cx, client, scopes.resource.as_deref()).await?;
                    asked.extend(of_scopes(client, &resource, scopes)?);
                }
            }
            None => {
                for required in &client.definition.required_resource_access {
                    let resource = self.resource_by_id(cx, client, required.resource_app_id).await?;
                    asked.extend(of_registration(client, &resource));
                }
            }
        }
        let oidc = scopes.map(|scopes| scopes.oidc).unwrap_or_default();
        let mut names: Vec<&str> = oidc.words().collect();
        if asked.is_empty() && names.is_empty() {
            names = vec!["openid", "profile"];
        }
        asked.extend(names.into_iter().map(openid));
        Ok(asked)
    }

    /// An application and a resource in the tenant.
    async fn between(
        &self,
        cx: &Cx,
        (client, present): (&Application, Option<&ServicePrincipal>),
        (resource, user): (Option<&str>, ObjectId),
    ) -> Result<Between, IdpError> {
        let resource = self.resource_of(cx, client, resource).await?;
        let ask = (present.map(|principal| principal.id), resource.app, user);
        let mut granted = self
            .inner()
            .store
            .read(cx, ask, |(client, resource, user), tx| {
                Box::pin(async move {
                    let resource = Principals(tx).find_by_app(*resource).await?;
                    match (client, resource) {
                        (Some(client), Some(resource)) => {
                            Ok::<_, IdpError>(Grants(tx).list_scopes(*client, resource.id, *user).await?)
                        }
                        _ => Ok(Vec::new()),
                    }
                })
            })
            .await?;
        granted.extend(resource.definition.pre_authorized(client.app));
        Ok(Between { resource, granted })
    }

    /// A resource by the name that it is asked for: one that is in the tenant, or that the registration of the client
    /// asks for and that may come with it.
    async fn resource_of(&self, cx: &Cx, client: &Application, name: Option<&str>) -> Result<Application, IdpError> {
        let Some(name) = name.filter(|name| !self.directory_names().iter().any(|known| known == name)) else {
            return Ok(directory_api());
        };
        let canonical = Uuid::try_parse(name).ok().filter(|_| name.len() == 36);
        let name = &canonical.map_or_else(|| name.to_owned(), |id| id.to_string());
        let found = self
            .inner()
            .store
            .read(cx, name.clone(), |name, tx| {
                Box::pin(async move { Ok::<_, IdpError>(Principals(tx).find_by_name(name).await?) })
            })
            .await?;
        let unknown = || Refusal::about(Aadsts::UnknownResource, &[name, &cx.tenant.to_string()]);
        if let Some(principal) = found {
            let found = self.directory().find_application(cx, principal.app).await?;
            return Ok(found.ok_or_else(unknown)?);
        }
        for required in &client.definition.required_resource_access {
            let found = self.directory().find_application(cx, required.resource_app_id).await?;
            let Some(found) = found.filter(|found| may_come(found, client, cx.tenant)) else {
                continue;
            };
            let is_meant = |uri: &String| uri.trim_end_matches('/') == name.trim_end_matches('/');
            if found.app.to_string() == *name || found.definition.identifier_uris.iter().any(is_meant) {
                return Ok(found);
            }
        }
        Err(unknown().into())
    }

    /// A resource by its id, that is in the tenant or may come.
    async fn resource_by_id(&self, cx: &Cx, client: &Application, app: AppId) -> Result<Application, IdpError> {
        let absent = || Refusal::about(Aadsts::ServiceAbsent, &[&app.to_string(), &cx.tenant.to_string()]);
        let found = self.directory().find_application(cx, app).await?.ok_or_else(absent)?;
        let is_present = self.directory().find_service_principal(cx, app).await?.is_some();
        if is_present || may_come(&found, client, cx.tenant) {
            Ok(found)
        } else {
            Err(absent().into())
        }
    }
}

/// Whether a resource may come into a tenant with a client.
fn may_come(resource: &Application, client: &Application, tenant: TenantId) -> bool {
    let definition = &resource.definition;
    let is_known = definition.known_client_applications.contains(&client.app) && resource.home == client.home;
    resource.home == tenant || (is_known && definition.sign_in_audience == Audience::Tenants)
}

/// A permission of OpenID Connect.
fn openid(name: &str) -> AskedPermission {
    let api = directory_api();
    AskedPermission {
        resource: api.app,
        resource_name: api.display_name,
        kind: PermissionKind::Delegated,
        id: Uuid::nil(),
        value: name.to_owned(),
        display_name: name.to_owned(),
        description: None,
        is_for_administrators: false,
    }
}

/// A permission for people, by its word in any case.
fn delegated(resource: &Application, value: &str) -> Option<AskedPermission> {
    let mut scopes = resource.definition.scopes.iter();
    let scope = scopes.find(|scope| scope.value.eq_ignore_ascii_case(value))?;
    Some(AskedPermission {
        resource: resource.app,
        resource_name: resource.display_name.clone(),
        kind: PermissionKind::Delegated,
        id: scope.id,
        value: scope.value.clone(),
        display_name: scope.user_display_name.as_ref().unwrap_or(&scope.display_name).clone(),
        description: scope.user_description.clone().or_else(|| scope.description.clone()),
        is_for_administrators: scope.is_for_administrators,
    })
}

/// What the registration of a client asks of a resource.
fn of_registration(client: &Application, resource: &Application) -> Vec<AskedPermission> {
    let scopes = client.definition.required_scopes(resource);
    let mut asked: Vec<AskedPermission> = scopes.iter().filter_map(|value| delegated(resource, value)).collect();
    let ids = client.definition.required_roles(resource);
    let roles = resource
        .definition
        .app_roles
        .iter()
        .filter(|role| ids.contains(&role.id));
    asked.extend(roles.map(|role| AskedPermission {
        resource: resource.app,
        resource_name: resource.display_name.clone(),
        kind: PermissionKind::Role,
        id: role.id,
        value: role.value.clone(),
        display_name: role.display_name.clone(),
        description: role.description.clone(),
        is_for_administrators: true,
    }));
    asked
}

/// What scopes of an administrator's request name of a resource.
fn of_scopes(
    client: &Application,
    resource: &Application,
    scopes: &ResourceScopes,
) -> Result<Vec<AskedPermission>, Refusal> {
    let app = client.app.to_string();
    match &scopes.names {
        Names::Default => match of_registration(client, resource) {
            asked if asked.is_empty() => Err(Refusal::about(Aadsts::NothingAsked, &[&app])),
            asked => Ok(asked),
        },
        Names::Named(names) => names
            .iter()
            .map(|name| delegated(resource, name).ok_or_else(|| Refusal::about(Aadsts::UnknownScope, &[&app, name])))
            .collect(),
    }
}
