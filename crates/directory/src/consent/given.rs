//! Giving consent.

use hygie_core::{AppId, Cx, ObjectId};
use hygie_store::Tx;
use hygie_store::audit::Record;
use uuid::Uuid;

use super::requests::{Approved, answer, approve};
use super::{Consented, ForWhom, Permissions};
use crate::admin::{check_scopes, names_of, new_uuid, principal_of};
use crate::repo::{Grants, Principals, Users};
use crate::{Application, Audience, Directory, DirectoryError, MemberTypes, ServicePrincipal};

/// Most resources of one consent.
const MAX_RESOURCES: usize = 50;

/// An application with the service principal that it gets where it has none.
#[derive(Clone)]
struct Comer {
    application: Application,
    candidate: ServicePrincipal,
    /// Whether this consent may bring it into the tenant.
    may_come: bool,
}

/// What is given of one resource.
#[derive(Clone)]
struct Given {
    resource: Comer,
    scopes: Vec<String>,
    /// The id of the grant where there is none yet.
    grant: Uuid,
    /// Roles, each with the id of its assignment.
    roles: Vec<(Uuid, Uuid)>,
}

impl Directory {
    /// Gives an application permissions in the tenant. An application of another tenant that is for several becomes
    /// present in this one; so does a resource of its publisher that names it as its client.
    pub async fn consent(
        &self,
        cx: &Cx,
        app: AppId,
        what: (ForWhom, Vec<Permissions>),
    ) -> Result<Consented, DirectoryError> {
        self.consent_to(cx, app, what, None).await
    }

    /// The same; the request that it answers is decided with it, or nothing is given.
    pub(super) async fn consent_to(
        &self,
        cx: &Cx,
        app: AppId,
        (whom, permissions): (ForWhom, Vec<Permissions>),
        request: Option<Approved>,
    ) -> Result<Consented, DirectoryError> {
        if permissions.len() > MAX_RESOURCES {
            return Err(DirectoryError::Value("scope"));
        }
        let client = self.registered(cx, app, "application").await?;
        let mut given = Vec::new();
        for wanted in permissions {
            if matches!(whom, ForWhom::Person(_)) && !wanted.roles.is_empty() {
                return Err(DirectoryError::Value("appRoleId"));
            }
            given.push(self.given(cx, &client, wanted).await?);
        }
        let client = comer(cx, client, true);
        self.change(
            cx,
            (client, given, whom, request),
            |(client, given, whom, request), tx| {
                Box::pin(async move {
                    if let Some(request) = request {
                        approve(tx, request).await?;
                    }
                    if let ForWhom::Person(user) = whom {
                        Users(tx).find(*user).await?.ok_or(DirectoryError::NotFound("user"))?;
                    }
                    let app = client.application.app;
                    let (client, is_new) = present(tx, client, "application").await?;
                    for one in given {
                        give(tx, (client.id, app), one, *whom).await?;
                    }
                    if *whom == ForWhom::Everybody {
                        let words = request.as_ref().and_then(|request| request.justification.as_deref());
                        answer(tx, (client.id, app), words).await?;
                    }
                    let action = match whom {
                        ForWhom::Everybody => "idp.consent.everybody",
                        ForWhom::Person(_) => "idp.consent.person",
                    };
                    let record = Record::success(tx.cx(), action, format!("app/{app}"));
                    tx.audit(&record).await?;
                    Ok(Consented {
                        client: client.id,
                        is_new,
                    })
                })
            },
        )
        .await
    }

    /// An application that may be present in the tenant.
    async fn registered(&self, cx: &Cx, app: AppId, what: &'static str) -> Result<Application, DirectoryError> {
        let found = self.find_application(cx, app).await?;
        let fits =
            |found: &Application| found.home == cx.tenant || found.definition.sign_in_audience == Audience::Tenants;
        found.filter(fits).ok_or(DirectoryError::NotFound(what))
    }

    async fn given(&self, cx: &Cx, client: &Application, wanted: Permissions) -> Result<Given, DirectoryError> {
        let resource = self.registered(cx, wanted.resource, "resource").await?;
        if !wanted.scopes.is_empty() {
            check_scopes(&resource, &wanted.scopes)?;
        }
        let offered = &resource.definition.app_roles;
        for id in &wanted.roles {
            let role = offered.iter().find(|role| role.id == *id && !role.is_disabled);
            let role = role.ok_or(DirectoryError::NotFound("role"))?;
            if role.members == MemberTypes::User {
                return Err(DirectoryError::Value("principalId"));
            }
        }
        let is_known = resource.definition.known_client_applications.contains(&client.app);
        let may_come = resource.home == cx.tenant || (is_known && resource.home == client.home);
        Ok(Given {
            resource: comer(cx, resource, may_come),
            scopes: wanted.scopes,
            grant: new_uuid(cx),
            roles: wanted.roles.into_iter().map(|role| (role, new_uuid(cx))).collect(),
        })
    }
}

fn comer(cx: &Cx, application: Application, may_come: bool) -> Comer {
    Comer {
        candidate: principal_of(cx, &application),
        application,
        may_come,
    }
}

/// The service principal of an application, made where there is none.
async fn present(
    tx: &mut Tx<'_>,
    comer: &Comer,
    what: &'static str,
) -> Result<(ServicePrincipal, bool), DirectoryError> {
    let app = comer.application.app;
    match Principals(tx).find_by_app(app).await? {
        Some(known) if known.is_enabled => Ok((known, false)),
        Some(_) => Err(DirectoryError::Fixed("an application that is disabled")),
        None if comer.may_come => {
            let names = names_of(&comer.application);
            Principals(tx).insert(&comer.candidate, &names).await?;
            let record = Record::success(tx.cx(), "idp.principal.create", format!("app/{app}"));
            tx.audit(&record).await?;
            Ok((comer.candidate.clone(), true))
        }
        None => Err(DirectoryError::NotFound(what)),
    }
}

async fn give(
    tx: &mut Tx<'_>,
    (client, app): (ObjectId, AppId),
    given: &Given,
    whom: ForWhom,
) -> Result<(), DirectoryError> {
    let (resource, _) = present(tx, &given.resource, "resource").await?;
    let parties = (client, resource.id);
    let user = match whom {
        ForWhom::Everybody => None,
        ForWhom::Person(user) => Some(user),
    };
    let now = tx.cx().now;
    if !given.scopes.is_empty() {
        let before = Grants(tx).find_grant_of(parties, user).await?;
        let mut scopes = before.map(|grant| grant.scopes).unwrap_or_default();
        for scope in &given.scopes {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Grants(tx)
            .set_scopes(parties, user, &scopes, (given.grant, now))
            .await?;
        let record = Record::success(tx.cx(), "idp.grant", format!("app/{app}"));
        tx.audit(&record).await?;
    }
    for (role, id) in &given.roles {
        if Grants(tx).has_role(resource.id, client, *role).await? {
            continue;
        }
        Grants(tx).assign_role(resource.id, client, *role, (*id, now)).await?;
        let object = format!("app/{}", given.resource.application.app);
        let record = Record::success(tx.cx(), "idp.role", object);
        tx.audit(&record).await?;
    }
    Ok(())
}
