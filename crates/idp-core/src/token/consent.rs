//! Consent: what an application lacks of what it asks for, who may give it, and giving it.
//! <https://learn.microsoft.com/entra/identity-platform/permissions-consent-overview>
//!
//! # Deviations
//!
//! - The permissions of OpenID Connect need no consent of their own in a tenant where the application is present; where
//!   it comes anew they are consented to, and count as of low impact.
//! - Policies are asked before anything is shown or given: who has to prove more does so first.

use hygie_core::{AppId, Cx, ObjectId, TenantId};
use hygie_directory::repo::{Consents, Grants, Principals};
use hygie_directory::{
    Application, Audience, Authorization, DIRECTORY_API, DirectoryError, ForWhom, Permissions, ServicePrincipal,
    directory_api, role,
};
use hygie_oidc::{Aadsts, AuthorizeRequest, Names, Prompt, Refusal, ResourceScopes, Scopes};
use hygie_policy::RoleTemplateId;
use hygie_policy::consent::{AuthorizationPolicy, Client, Wanted};
use uuid::Uuid;

use super::Asking;
use super::admitted::{Names as Called, entry};
use super::authorize::authorization;
use super::party::oidc_names;
use crate::signin::SignedIn;
use crate::{Idp, IdpError};

/// Who may give delegated permissions, and roles of other resources than the directory API.
const GRANTERS: &[RoleTemplateId] = &[
    role::GLOBAL_ADMINISTRATOR,
    role::PRIVILEGED_ROLE_ADMINISTRATOR,
    role::APPLICATION_ADMINISTRATOR,
    role::CLOUD_APPLICATION_ADMINISTRATOR,
];
/// Who may give roles of the directory API as well: who has one can give itself any other.
const ROLE_GRANTERS: &[RoleTemplateId] = &[role::GLOBAL_ADMINISTRATOR, role::PRIVILEGED_ROLE_ADMINISTRATOR];

/// What kind of permission is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionKind {
    /// For people who use the application.
    Delegated,
    /// For the application by itself.
    Role,
}

/// A permission as people are asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPermission {
    /// The application that offers it.
    pub resource: AppId,
    /// What that is called.
    pub resource_name: String,
    /// For people or for the application.
    pub kind: PermissionKind,
    /// Its id; nil for those of OpenID Connect.
    pub id: Uuid,
    /// Its word.
    pub value: String,
    /// What it is called: to people, or to administrators.
    pub display_name: String,
    /// What it allows.
    pub description: Option<String>,
    /// Whether only administrators can give it.
    pub is_for_administrators: bool,
}

/// Who may give what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person, for themselves.
    Person,
    /// The person, for themselves and for everybody.
    Administrator,
    /// Somebody else.
    Nobody,
}

/// What somebody is asked to consent to.
#[derive(Clone, Debug)]
pub struct ConsentAsk {
    /// The application.
    pub application: Application,
    /// The establishment that it is registered in.
    pub home_name: String,
    /// Whether that is this one.
    pub is_own: bool,
    /// The establishment that consents.
    pub organisation: String,
    /// What it asks for.
    pub permissions: Vec<AskedPermission>,
    /// Who may give it.
    pub verdict: Verdict,
}

impl ConsentAsk {
    /// What is asked, by itself: whoever answers answers this and nothing that came later.
    pub fn fingerprint(&self) -> String {
        let mut words: Vec<String> = self
            .permissions
            .iter()
            .map(|asked| format!("{}/{:?}/{}", asked.resource, asked.kind, asked.value))
            .collect();
        words.sort_unstable();
        hygie_jose::base64url::encode(hygie_jose::digest::sha256(words.join(" ")))
    }

    /// The resources.
    fn resources(&self) -> Vec<AppId> {
        let mut all: Vec<AppId> = self.permissions.iter().map(|asked| asked.resource).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// As the directory is told.
    fn given(&self) -> Vec<Permissions> {
        let of = |resource: AppId| {
            let here = || self.permissions.iter().filter(move |asked| asked.resource == resource);
            let delegated = here().filter(|asked| asked.kind == PermissionKind::Delegated);
            let roles = here().filter(|asked| asked.kind == PermissionKind::Role);
            Permissions {
                resource,
                scopes: delegated.map(|asked| asked.value.clone()).collect(),
                roles: roles.map(|asked| asked.id).collect(),
            }
        };
        self.resources().into_iter().map(of).collect()
    }
}

/// What consent is asked for.
#[derive(Clone, Copy, Debug)]
pub enum ConsentRequest<'a> {
    /// What a person needs for these scopes.
    Person(&'a AuthorizeRequest),
    /// Everything that the registration asks for, or what of it belongs to these scopes, for everybody.
    Everybody(Option<&'a Scopes>),
}

/// What is known of an application and a resource in the tenant.
struct Between {
    resource: Application,
    /// The words that were granted before.
    granted: Vec<String>,
}

impl Idp {
    /// What this person is asked to consent to before the application gets what it wants; nothing where nothing lacks.
    /// Policies are asked first.
    pub async fn consent_ask(
        &self,
        cx: &Cx,
        (asking, signed_in): (&Asking, &SignedIn),
        request: ConsentRequest<'_>,
    ) -> Result<Option<ConsentAsk>, IdpError> {
        let cx = &cx.for_tenant(signed_in.account.tenant);
        let client = &asking.application;
        let present = self.directory().find_service_principal(cx, client.app).await?;
        let permissions = match request {
            ConsentRequest::Person(request) => {
                let of = (client, present.as_ref());
                self.lacking(cx, of, (signed_in.account.user, request)).await?
            }
            ConsentRequest::Everybody(scopes) => self.registered_permissions(cx, client, scopes).await?,
        };
        if permissions.is_empty() {
            return Ok(None);
        }
        let verdict = self.verdict(cx, client, (signed_in, &permissions)).await?;
        let home = self.directory().find_tenant(&cx.for_tenant(client.home)).await?;
        let here = self.directory().find_tenant(cx).await?;
        let called = |found: Option<(hygie_directory::Tenant, Vec<String>)>| {
            found.map(|(tenant, _)| tenant.display_name).unwrap_or_default()
        };
        let ask = ConsentAsk {
            application: client.clone(),
            home_name: called(home),
            is_own: client.home == cx.tenant,
            organisation: called(here),
            permissions,
            verdict,
        };
        self.admit_consent(cx, (asking, signed_in), (&ask, request)).await?;
        Ok(Some(ask))
    }

    /// Gives what was asked.
    pub async fn give_consent(
        &self,
        cx: &Cx,
        signed_in: &SignedIn,
        (ask, whom): (&ConsentAsk, ForWhom),
    ) -> Result<(), IdpError> {
        let app = ask.application.app;
        let is_allowed = match (ask.verdict, whom) {
            (Verdict::Administrator, _) => true,
            (Verdict::Person, ForWhom::Person(user)) => user == signed_in.account.user,
            _ => false,
        };
        if !is_allowed {
            return Err(administrator_needed(ask).into());
        }
        let cx = Cx {
            principal: Some(self.person(&signed_in.account, Some(app)).into()),
            ..cx.for_tenant(signed_in.account.tenant)
        };
        let given = self.directory().consent(&cx, app, (whom, ask.given())).await;
        given.map(drop).map_err(|error| refused(&cx, ask, error))
    }

    /// Lets policies judge the person for what is asked, as if it was there already.
    async fn admit_consent(
        &self,
        cx: &Cx,
        (asking, signed_in): (&Asking, &SignedIn),
        (ask, request): (&ConsentAsk, ConsentRequest<'_>),
    ) -> Result<(), IdpError> {
        let authorization = match request {
            ConsentRequest::Person(request) => authorization(asking, request, signed_in),
            ConsentRequest::Everybody(_) => of_session(asking, signed_in),
        };
        let mut resources = ask.resources();
        // Consent is a change of the directory.
        if matches!(request, ConsentRequest::Everybody(_)) && !resources.contains(&DIRECTORY_API) {
            resources.push(DIRECTORY_API);
        }
        let entry = entry(cx, &authorization, &Called::asked(asking, signed_in));
        self.admit_browser(cx, &authorization, resources, entry).await.map(drop)
    }

    /// What a person's request lacks.
    async fn lacking(
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
            for name in wanted.iter().filter(|name| is_anew || !between.granted.contains(name)) {
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
        let mut seen = std::collections::BTreeSet::new();
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
    async fn registered_permissions(
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
        let granted = self
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

    /// Who may give these permissions.
    async fn verdict(
        &self,
        cx: &Cx,
        client: &Application,
        (signed_in, permissions): (&SignedIn, &[AskedPermission]),
    ) -> Result<Verdict, IdpError> {
        let roles = self.directory().roles_of(cx, signed_in.account.user).await?;
        let has_one = |of: &[RoleTemplateId]| of.iter().any(|role| roles.contains(role));
        let is_role = |asked: &AskedPermission| asked.kind == PermissionKind::Role;
        let gives_directory = permissions
            .iter()
            .any(|asked| is_role(asked) && asked.resource == DIRECTORY_API);
        if has_one(ROLE_GRANTERS) || (has_one(GRANTERS) && !gives_directory) {
            return Ok(Verdict::Administrator);
        }
        if permissions.iter().any(is_role) {
            return Ok(Verdict::Nobody);
        }
        let policy: AuthorizationPolicy = self.directory().authorization_policy(cx).await?;
        let mut wanted = Vec::new();
        for asked in permissions {
            wanted.push(Wanted {
                is_for_administrators: asked.is_for_administrators,
                is_low: asked.id.is_nil() || self.is_low(cx, asked).await?,
            });
        }
        let client = Client {
            is_own: client.home == cx.tenant,
            is_verified: client.definition.verified_publisher.is_some(),
        };
        Ok(match policy.lets_consent(client, &wanted) {
            true => Verdict::Person,
            false => Verdict::Nobody,
        })
    }

    async fn is_low(&self, cx: &Cx, asked: &AskedPermission) -> Result<bool, IdpError> {
        let listed = self
            .inner()
            .store
            .read(cx, asked.resource, |resource, tx| {
                Box::pin(async move {
                    match Principals(tx).find_by_app(*resource).await? {
                        Some(resource) => Ok::<_, IdpError>(Consents(tx).list_low(resource.id).await?),
                        None => Ok(Vec::new()),
                    }
                })
            })
            .await?;
        Ok(listed.iter().any(|row| row.permission == asked.id))
    }
}

/// That somebody else must consent.
fn administrator_needed(ask: &ConsentAsk) -> Refusal {
    let app = ask.application.app.to_string();
    Refusal::about(Aadsts::AdministratorNeeded, &[&app, &ask.organisation])
}

impl From<&ConsentAsk> for Refusal {
    fn from(ask: &ConsentAsk) -> Self {
        administrator_needed(ask)
    }
}

/// Why a consent was not given.
fn refused(cx: &Cx, ask: &ConsentAsk, error: DirectoryError) -> IdpError {
    let app = ask.application.app.to_string();
    match error {
        DirectoryError::Store(error) => error.into(),
        DirectoryError::Json(error) => error.into(),
        DirectoryError::NotFound("resource") => {
            Refusal::about(Aadsts::ServiceAbsent, &["?", &cx.tenant.to_string()]).into()
        }
        DirectoryError::Fixed(_) => Refusal::about(Aadsts::AppDisabled, &[&app]).into(),
        _ => Refusal::about(Aadsts::NoConsent, &[&app]).into(),
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

/// A permission for people, by its word.
fn delegated(resource: &Application, value: &str) -> Option<AskedPermission> {
    let scope = resource.definition.scopes.iter().find(|scope| scope.value == value)?;
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

/// What an administrator's session authorizes for policies to judge: nothing is issued of it.
fn of_session(asking: &Asking, signed_in: &SignedIn) -> Authorization {
    Authorization {
        client: asking.application.app,
        platform: asking.platform,
        version: asking.version,
        user: signed_in.account.user,
        session: signed_in.account.session,
        auth_time: signed_in.account.auth_time,
        used: signed_in.used.clone(),
        arrival: asking.arrival.clone(),
        scopes: Scopes::default(),
        claims: hygie_oidc::ClaimsRequest::default(),
        redirect_uri: None,
        nonce: None,
        challenge: None,
    }
}
