//! The parties of a token: client, resource, person; read together, refused where one may not take part.

use hygie_core::{AppId, Cx, GroupId, ObjectId, TenantId};
use hygie_directory::repo::{
    Applications, Credentials, Global, Grants, Groups, Holder, Principals, Roles, Tenants, Users,
};
use hygie_directory::{
    Application, Audience, DIRECTORY_API, FIRST_PARTY, GroupClaims, ServicePrincipal, Tenant, User, directory_api,
    managed_identity,
};
use hygie_oidc::assertion::{self, Expected};
use hygie_oidc::{
    Aadsts, Credential, Names, OidcScopes, Refusal, ResourceScopes, Scopes, TokenRequest, federation, grant,
};
use hygie_policy::RoleTemplateId;
use hygie_policy::protection::TokenClaims;
use hygie_store::Tx;
use uuid::Uuid;

use super::claims::Proof;
use super::lifetime::Lifetimes;
use crate::{Idp, IdpError};

/// Groups that are looked for: one more than fit into a token.
pub(super) const MAX_GROUPS: usize = 200;

/// An application as present in a tenant.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its service principal in the tenant.
    pub principal: ServicePrincipal,
    /// Its registration, maybe in another tenant.
    pub application: Application,
}

/// A resource by the name it was asked for.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The application.
    pub party: Party,
    /// The name, which is the `aud` of v1 tokens and the prefix of granted scopes.
    pub requested: String,
}

/// A person with what tokens tell of them.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The user.
    pub user: User,
    /// Groups, nested ones included; one more than fit into a token at most.
    pub groups: Vec<GroupId>,
    /// Directory roles, by the ids of their templates.
    pub directory_roles: Vec<RoleTemplateId>,
    /// Roles in the resource.
    pub resource_roles: Vec<(ObjectId, Uuid)>,
    /// Roles in the client.
    pub client_roles: Vec<(ObjectId, Uuid)>,
    /// Scopes of the resource that the client was granted.
    pub granted: Vec<String>,
}

/// Everything a token is made from.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The tenant.
    pub tenant: Tenant,
    /// The client.
    pub client: Party,
    /// What it proves itself by.
    pub credentials: Credentials,
    /// The resource.
    pub resource: Resource,
    /// The person; none when the client acts by itself.
    pub subject: Option<Subject>,
    /// Roles of the client in the resource.
    pub app_roles: Vec<(ObjectId, Uuid)>,
    /// How long tokens live that policies of the tenant say.
    pub lifetimes: Lifetimes,
    /// Claims that tokens of version 2 have in the tenant, whatever their applications ask for.
    pub token_claims: TokenClaims,
}

/// What is asked of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub resource: String,
    /// The scopes.
    pub names: Names,
}

impl Wanted {
    /// Of one entry of a scope parameter.
    pub fn of(scopes: &ResourceScopes) -> Self {
        Self {
            resource: scopes.resource.clone().unwrap_or_else(|| DIRECTORY_API.to_string()),
            names: scopes.names.clone(),
        }
    }

    /// Whether it is nothing but to know who signs in.
    pub fn is_of_the_user_endpoint(&self) -> bool {
        let is_oidc = |name: &String| matches!(name.as_str(), "openid" | "profile" | "email");
        let is_no_more = matches!(&self.names, Names::Named(names) if names.iter().all(is_oidc));
        is_no_more && self.resource == DIRECTORY_API.to_string()
    }

    /// Of the first resource; without one, the user endpoint of the directory API.
    pub fn first(scopes: &Scopes) -> Self {
        scopes.resources.first().map_or_else(
            || Self {
                resource: DIRECTORY_API.to_string(),
                names: Names::Named(oidc_names(scopes.oidc)),
            },
            Self::of,
        )
    }
}

/// The OpenID Connect scopes as scopes of the directory API; a refresh token is not a permission.
pub(super) fn oidc_names(oidc: OidcScopes) -> Vec<String> {
    OidcScopes {
        offline_access: false,
        ..oidc
    }
    .words()
    .map(str::to_owned)
    .collect()
}

/// What is read in one go.
#[derive(Clone, Debug)]
struct Ask {
    client: AppId,
    resource: String,
    user: Option<ObjectId>,
}

/// What was read; the registrations are missing where they are in another tenant.
struct Read {
    tenant: Tenant,
    client: (ServicePrincipal, Option<Application>),
    credentials: Credentials,
    resource: (ServicePrincipal, Option<Application>),
    subject: Option<Subject>,
    app_roles: Vec<(ObjectId, Uuid)>,
}

impl Idp {
    /// The parties of a token of the tenant of `cx`, all of them enabled.
    pub(crate) async fn parties(
        &self,
        cx: &Cx,
        client: AppId,
        resource: &str,
        user: Option<ObjectId>,
    ) -> Result<Parties, IdpError> {
        // A GUID in any spelling is the one application that has it.
        let canonical = Uuid::try_parse(resource).ok().filter(|_| resource.len() == 36);
        let canonical = canonical.map(|id| id.to_string());
        let resource = canonical.as_deref().unwrap_or(resource);
        let is_directory = self.directory_names().iter().any(|name| name == resource);
        let ask = Ask {
            client,
            resource: if is_directory {
                DIRECTORY_API.to_string()
            } else {
                resource.to_owned()
            },
            user,
        };
        let read = self
            .inner()
            .store
            .read(cx, ask, |ask, tx| Box::pin(read(ask, tx)))
            .await?;
        let (principal, application) = read.client;
        // What the presence of an application in this tenant has of its own was read here; the rest is its home's.
        let mut credentials = read.credentials;
        if application.is_none() {
            let home = self.home_credentials(cx, &principal).await?;
            credentials.secrets.extend(home.secrets);
            credentials.certificates.extend(home.certificates);
        }
        let client = self.party(cx, principal, application).await?;
        let (principal, application) = read.resource;
        let resource = Resource {
            party: self.party(cx, principal, application).await?,
            requested: resource.to_owned(),
        };
        let parties = Parties {
            lifetimes: self.lifetimes(cx, &client, &resource.party).await?,
            tenant: read.tenant,
            client,
            credentials,
            resource,
            subject: read.subject,
            app_roles: read.app_roles,
            token_claims: match user {
                Some(_) => self.directory().access_rules(cx).await?.token_claims.clone(),
                None => TokenClaims::default(),
            },
        };
        parties.check()?;
        if let Some(subject) = &parties.subject {
            self.stands_at_home(cx, &subject.user, None).await?;
        }
        Ok(parties)
    }

    /// With the registration from the home tenant, where it was not read already.
    async fn party(
        &self,
        cx: &Cx,
        principal: ServicePrincipal,
        application: Option<Application>,
    ) -> Result<Party, IdpError> {
        let application = match application {
            Some(application) => application,
            None => self
                .registration(cx, &principal)
                .await?
                .ok_or_else(|| Refusal::about(Aadsts::UnknownClient, &[&principal.app.to_string(), "?"]))?,
        };
        Ok(Party { principal, application })
    }

    async fn registration(&self, cx: &Cx, principal: &ServicePrincipal) -> Result<Option<Application>, IdpError> {
        if principal.app == DIRECTORY_API {
            return Ok(Some(directory_api()));
        }
        if principal.resource_id.is_some() {
            return Ok(Some(managed_identity(principal)));
        }
        self.inner()
            .store
            .read(&cx.for_tenant(principal.home), principal.app, |app, tx| {
                Box::pin(async move { Ok(Applications(tx).find(*app).await?) })
            })
            .await
    }

    /// What an application proves itself by, from the tenant it is registered in.
    async fn home_credentials(&self, cx: &Cx, principal: &ServicePrincipal) -> Result<Credentials, IdpError> {
        self.credentials_at(cx, principal.home, principal.app.into()).await
    }

    async fn credentials_at(&self, cx: &Cx, home: TenantId, of: Holder) -> Result<Credentials, IdpError> {
        self.inner()
            .store
            .read(&cx.for_tenant(home), of, |of, tx| {
                Box::pin(async move { Ok(Applications(tx).credentials(&[*of]).await?) })
            })
            .await
    }

    /// How the client proved itself: refused when what it presented is not one of its credentials. Whether it had to
    /// present any is [`grant::credential`]'s to say.
    pub(super) async fn proof(
        &self,
        cx: &Cx,
        client: AppId,
        (request, credentials): (&TokenRequest, &Credentials),
    ) -> Result<Proof, IdpError> {
        self.proof_by(cx, client, (&request.client.credential, &request.segment), credentials)
            .await
    }

    async fn proof_by(
        &self,
        cx: &Cx,
        client: AppId,
        (credential, segment): (&Credential, &str),
        credentials: &Credentials,
    ) -> Result<Proof, IdpError> {
        match credential {
            Credential::None => Ok(Proof::Public),
            Credential::Secret(secret) => {
                let digest = self.directory().digests().secrets.digest(secret.expose());
                grant::secret(&digest, &credentials.secrets, cx.now, client)?;
                Ok(Proof::Secret)
            }
            Credential::Assertion(assertion) => {
                if let Some(issuer) = federation::foreign_issuer(assertion.expose())? {
                    let presented = (issuer.as_str(), assertion.expose().as_str());
                    return self.federated_proof(cx, client, presented).await;
                }
                let expected = Expected {
                    app: client,
                    audiences: self.provider().token_audiences(segment, cx.tenant),
                    now: cx.now,
                };
                assertion::verify(assertion.expose(), &credentials.certificates, &expected)?;
                Ok(Proof::Certificate)
            }
        }
    }

    /// The same for a client that is refused anyway: it learns why when it is who it says. One that is unknown here has
    /// nothing to prove.
    pub(super) async fn prove(&self, cx: &Cx, client: AppId, request: &TokenRequest) -> Result<(), IdpError> {
        if self.directory().find_service_principal(cx, client).await?.is_none() {
            return Ok(());
        }
        self.prove_by(cx, client, (&request.client.credential, &request.segment))
            .await
    }

    /// The same for a client of which nothing else is read. Where nobody consented to it yet, what its registration says
    /// is what it has to prove.
    pub(super) async fn prove_by(
        &self,
        cx: &Cx,
        client: AppId,
        presented: (&Credential, &str),
    ) -> Result<(), IdpError> {
        let principal = self.directory().find_service_principal(cx, client).await?;
        let home = if let Some(principal) = &principal {
            Some(principal.home)
        } else {
            let store = &self.inner().store;
            store
                .read(cx, client, |client, tx| {
                    Box::pin(async move { Ok::<_, IdpError>(Global(tx).find_home_of_app(*client).await?) })
                })
                .await?
        };
        let unknown = || Refusal::about(Aadsts::UnknownClient, &[&client.to_string(), &cx.tenant.to_string()]);
        let mut credentials = self
            .credentials_at(cx, home.ok_or_else(unknown)?, client.into())
            .await?;
        if let Some(principal) = principal {
            let own = self
                .credentials_at(cx, cx.tenant, Holder::Principal(principal.id))
                .await?;
            credentials.secrets.extend(own.secrets);
            credentials.certificates.extend(own.certificates);
        }
        self.proof_by(cx, client, presented, &credentials).await.map(drop)
    }
}

impl Parties {
    /// Refuses an application that is no longer for other tenants than its own, who is disabled, and who is not assigned where that is required.
    fn check(&self) -> Result<(), Refusal> {
        let (client, application) = (&self.client.principal, &self.client.application);
        let is_elsewhere = client.home != self.tenant.id && client.home != FIRST_PARTY;
        if is_elsewhere && application.definition.sign_in_audience == Audience::Home {
            let words = [client.app.to_string(), format!("/{}", self.tenant.id)];
            return Err(Refusal::about(Aadsts::NotMultiTenant, &[&words[0], &words[1]]));
        }
        for party in [&self.client, &self.resource.party] {
            if !party.principal.is_enabled {
                return Err(Refusal::about(Aadsts::AppDisabled, &[&party.principal.app.to_string()]));
            }
        }
        let unassigned = |party: &Party| Refusal::about(Aadsts::NotAssigned, &[&party.principal.app.to_string()]);
        match &self.subject {
            Some(subject) if !subject.user.is_enabled => return Err(Refusal::new(Aadsts::UserDisabled)),
            Some(subject) if subject.user.profile.must_change_password() => {
                return Err(Refusal::new(Aadsts::PasswordExpired));
            }
            Some(subject) => {
                for (party, roles) in [
                    (&self.client, &subject.client_roles),
                    (&self.resource.party, &subject.resource_roles),
                ] {
                    if party.principal.requires_assignment && roles.is_empty() {
                        return Err(unassigned(party));
                    }
                }
            }
            None if self.resource.party.principal.requires_assignment && self.app_roles.is_empty() => {
                return Err(unassigned(&self.resource.party));
            }
            None => {}
        }
        Ok(())
    }

    /// The scopes that the client gets for the person: all of them consented to, or given by the resource to a client that it trusts.
    ///
    /// Those of OpenID Connect need no consent of their own: they tell the application who signed in to it, and its
    /// service principal is the tenant's word that its people may. Nor does an application for itself.
    pub fn delegated(&self, wanted: &Names) -> Result<Vec<String>, Refusal> {
        let mut granted = self
            .subject
            .as_ref()
            .map(|subject| subject.granted.clone())
            .unwrap_or_default();
        let client = self.client.application.app;
        granted.extend(self.resource.party.application.definition.pre_authorized(client));
        if self.resource.party.principal.app == DIRECTORY_API {
            for name in ["openid", "profile", "email"].map(str::to_owned) {
                // They may be consented to as well.
                if !granted.contains(&name) {
                    granted.push(name);
                }
            }
        }
        if self.resource.party.principal.id == self.client.principal.id {
            granted.extend(
                self.client
                    .application
                    .definition
                    .scopes
                    .iter()
                    .map(|scope| scope.value.clone()),
            );
            if *wanted == Names::Default {
                return Ok(granted);
            }
        }
        grant::delegated(wanted, &granted, client)
    }
}

async fn read(ask: &Ask, tx: &mut Tx<'_>) -> Result<Read, IdpError> {
    let id = tx.cx().tenant;
    let unknown_tenant = || Refusal::about(Aadsts::UnknownTenant, &[&id.to_string()]);
    let tenant = Tenants(tx).find().await?.ok_or_else(unknown_tenant)?;
    let client = Principals(tx)
        .find_by_app(ask.client)
        .await?
        .ok_or_else(|| Refusal::about(Aadsts::UnknownClient, &[&ask.client.to_string(), &tenant.display_name]))?;
    let resource = Principals(tx)
        .find_by_name(&ask.resource)
        .await?
        .ok_or_else(|| Refusal::about(Aadsts::UnknownResource, &[&ask.resource, &tenant.display_name]))?;
    let subject = match ask.user {
        Some(user) => Some(subject(tx, user, client.id, resource.id).await?),
        None => None,
    };
    let app_roles = match ask.user {
        Some(_) => Vec::new(),
        None => Grants(tx).list_roles(resource.id, &[client.id]).await?,
    };
    Ok(Read {
        client: (client.clone(), Applications(tx).find(client.app).await?),
        credentials: Applications(tx)
            .credentials(&[client.app.into(), Holder::Principal(client.id)])
            .await?,
        resource: (resource.clone(), Applications(tx).find(resource.app).await?),
        tenant,
        subject,
        app_roles,
    })
}

async fn subject(tx: &mut Tx<'_>, user: ObjectId, client: ObjectId, resource: ObjectId) -> Result<Subject, IdpError> {
    let user = Users(tx)
        .find(user)
        .await?
        .ok_or_else(|| Refusal::new(Aadsts::UnknownUser))?;
    let groups = Groups(tx).list_transitive(user.id, MAX_GROUPS as u32 + 1).await?;
    // Roles come to members of the assigned group itself, not of groups within it, as in Entra ID.
    let direct = Groups(tx).list_direct(user.id).await?;
    let holders: Vec<ObjectId> = std::iter::once(user.id)
        .chain(direct.iter().map(|group| ObjectId::from_uuid(group.uuid())))
        .collect();
    Ok(Subject {
        resource_roles: Grants(tx).list_roles(resource, &holders).await?,
        client_roles: Grants(tx).list_roles(client, &holders).await?,
        granted: Grants(tx).list_scopes(client, resource, user.id).await?,
        directory_roles: Roles(tx).list_of(user.id).await?,
        groups,
        user,
    })
}

impl Subject {
    /// The directory roles that go into a token for this application.
    pub(super) fn roles_for(&self, application: &Application) -> Vec<String> {
        let asked = application.definition.group_membership_claims;
        if !asked.is_some_and(GroupClaims::tells_directory_roles) {
            return Vec::new();
        }
        self.directory_roles.iter().map(ToString::to_string).collect()
    }

    /// The groups that go into a token for this application, and the roles there.
    pub(super) fn groups_for(&self, application: &Application, roles: &[(ObjectId, Uuid)]) -> Vec<GroupId> {
        let Some(asked) = application.definition.group_membership_claims else {
            return Vec::new();
        };
        let is_assigned = |group: &GroupId| roles.iter().any(|(holder, _)| holder.uuid() == group.uuid());
        let is_told = |group: &GroupId| asked.tells_all_groups() || asked.tells_assigned_groups() && is_assigned(group);
        self.groups.iter().copied().filter(is_told).collect()
    }
}
