//! Settles the demo world: establishments, people, applications and roles into the directory, once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use hygie_access::{Assignee, AssigneeKind, Kind, Role, Scope};
use hygie_core::{AppId, Cx, ObjectId, Secret, TenantId};
use hygie_directory::{
    DIRECTORY_API, Definition, NewApplication, NewTenant, NewUser, Scope as Permission, UserProfile, directory_api,
};
use hygie_oidc::RedirectUris;
use hygie_policy::RoleTemplateId;
use hygie_policy::psc::SANDBOX;

use super::cards::{Authorities, Holder};
use super::document::{App, Cards, RoleAssignment, Tenant, User};
use super::layout::{Layout, Service};
use super::people::{self, ESTABLISHMENTS, Establishment, Person};
use super::{certificate, conditional};
use crate::wiring::{Base, USER_IMPERSONATION};

/// Secrets of the demo's applications are good as long as anybody keeps a demo.
const SECRET_LIFE: Duration = Duration::from_hours(24 * 365 * 10);

/// What was settled.
pub struct Settled {
    /// The establishments, the owner of the workspace first.
    pub tenants: Vec<Tenant>,
    /// The application of the FHIR service.
    pub fhir_app: AppId,
    /// Who has which role.
    pub role_assignments: Vec<RoleAssignment>,
    /// The program with managed identities.
    pub workload: Workload,
    /// The infrastructure of the cards.
    pub cards: Cards,
}

/// A program with managed identities.
pub struct Workload {
    /// What it shows.
    pub header: Secret<String>,
    /// Client id of its own identity.
    pub system_assigned: AppId,
    /// Client id of the one that it shares.
    pub user_assigned: AppId,
}

/// Settles everything. Cut short, it must begin again in an empty directory.
pub async fn settle(base: &Base, dir: &Path, layout: &Layout) -> Result<Settled> {
    let now = base.settings.clock.now();
    let mut settler = Settler {
        base,
        dir,
        authorities: Authorities::make(dir, &layout.origin(Service::Health), now)?,
        role_assignments: Vec::new(),
    };
    let mut tenants = Vec::new();
    for establishment in ESTABLISHMENTS {
        tenants.push(settler.establishment(establishment).await?);
    }
    let owner = tenants.first_mut().context("there is no establishment")?;
    let fhir_app = settler.owner_of_workspace(owner, &layout.fhir_base()).await?;
    let workload = settler.workload(owner.id).await?;
    let cards = settler.cards(owner).await?;
    Ok(Settled {
        cards,
        tenants,
        fhir_app,
        workload,
        role_assignments: settler.role_assignments,
    })
}

struct Settler<'a> {
    base: &'a Base,
    dir: &'a Path,
    authorities: Authorities,
    role_assignments: Vec<RoleAssignment>,
}

impl Settler<'_> {
    async fn establishment(&mut self, establishment: &Establishment) -> Result<Tenant> {
        let id = TenantId::random(&*self.base.settings.random);
        let cx = self.base.cx(id);
        let new = NewTenant {
            id,
            display_name: establishment.display_name.to_owned(),
            domain: establishment.domain.to_owned(),
        };
        self.base.directory.create_tenant(&cx, new).await?;
        let mut users = Vec::new();
        for person in establishment.people {
            users.push(self.person(&cx, establishment, person).await?);
        }
        let mut apps = Vec::new();
        for (name, role) in establishment.clients {
            apps.push(self.client(&cx, name, *role).await?);
        }
        Ok(Tenant {
            id,
            domain: establishment.domain.to_owned(),
            display_name: establishment.display_name.to_owned(),
            psc_allowed: establishment.psc_allowed,
            users,
            apps,
        })
    }

    async fn person(&self, cx: &Cx, establishment: &Establishment, person: &Person) -> Result<User> {
        let upn = format!("{}@{}", person.local, establishment.domain);
        let password = people::password(&*self.base.settings.random);
        let holder = person.card.map(|national_id| Holder {
            national_id,
            display_name: person.display_name,
        });
        let ids = holder.map(|holder| format!("X509:<PN>{}", holder.principal_name()));
        let new = NewUser {
            user_principal_name: upn.clone(),
            display_name: person.display_name.to_owned(),
            password: Some(Secret::new(password.clone())),
            profile: UserProfile {
                certificate_user_ids: ids.into_iter().collect(),
                ..UserProfile::default()
            },
            ..NewUser::default()
        };
        let user = self.base.directory.create_user(cx, new).await?;
        for role in person.roles {
            self.base.directory.assign_directory_role(cx, user.id, *role).await?;
        }
        // Everybody has a telephone with an application that makes codes, but the account that is kept for emergencies.
        let totp_secret = if person.name == people::EMERGENCY {
            None
        } else {
            let key = self.base.idp.means().assign_codes(cx, user.id, "Téléphone").await?;
            Some(key.expose().clone())
        };
        let made = (cx.now, &*self.base.settings.random);
        let card = holder.map(|holder| self.authorities.card(person.name, holder, made));
        Ok(User {
            card: card.transpose()?,
            name: person.name.to_owned(),
            oid: user.id,
            upn,
            password,
            display_name: user.display_name,
            directory_roles: role_names(person.roles),
            groups: Vec::new(),
            totp_secret,
        })
    }

    /// Trusts the authorities of the cards, as the guide for cards asks.
    async fn cards(&self, owner: &Tenant) -> Result<Cards> {
        let cx = self.base.cx(owner.id);
        conditional::accept_cards(&self.base.directory, &cx, &self.authorities).await?;
        let doctor = owner.users.iter().find(|user| user.name == people::DOCTOR);
        let doctor = doctor.context("there is no doctor")?;
        let card = doctor.card.as_ref().context("the doctor has no card")?;
        let holder = Holder {
            national_id: &card.national_id,
            display_name: &doctor.display_name,
        };
        let refused = self
            .authorities
            .refused(holder, (cx.now, &*self.base.settings.random))?;
        Ok(self.authorities.document(refused))
    }

    async fn client(&mut self, cx: &Cx, name: &str, role: Option<Role>) -> Result<App> {
        let new = NewApplication {
            app: None,
            display_name: name.to_owned(),
            definition: Definition::default(),
        };
        let (application, principal) = self.base.directory.create_application(cx, new).await?;
        let secret = self.secret(cx, application.app).await?;
        let certificate = match name {
            people::CERTIFIED => Some(self.certificate(cx, (name, application.app)).await?),
            _ => None,
        };
        if let Some(role) = role {
            self.assign(cx, (principal.id, AssigneeKind::App), role, name).await?;
        }
        if name == people::DIRECTORY_ADMIN {
            for role in &directory_api().definition.app_roles {
                let directory = &self.base.directory;
                directory
                    .assign_app_role(cx, DIRECTORY_API, principal.id, &role.value)
                    .await?;
            }
        }
        Ok(App {
            name: name.to_owned(),
            client_id: application.app,
            client_secret: Some(secret),
            certificate,
            redirect_uris: Vec::new(),
            scope: None,
        })
    }

    async fn secret(&self, cx: &Cx, app: AppId) -> Result<String> {
        let secret = self.base.directory.add_secret(cx, app, "demo", SECRET_LIFE).await?;
        Ok(secret.value.expose().clone())
    }

    async fn certificate(&self, cx: &Cx, (name, app): (&str, AppId)) -> Result<String> {
        let (certificate, file) = certificate::make(cx, self.dir, name)?;
        self.base
            .directory
            .add_certificate(cx, app, "demo", certificate)
            .await?;
        Ok(file)
    }

    /// The FHIR service's application, those through which people read it, and who may.
    async fn owner_of_workspace(&mut self, owner: &mut Tenant, fhir_base: &str) -> Result<AppId> {
        let cx = self.base.cx(owner.id);
        let service = NewApplication {
            app: None,
            display_name: "FHIR".to_owned(),
            definition: Definition {
                identifier_uris: vec![fhir_base.to_owned()],
                scopes: vec![permission(
                    &cx,
                    USER_IMPERSONATION,
                    "Access the FHIR service as the signed-in person",
                )],
                ..Definition::default()
            },
        };
        let (service, _) = self.base.directory.create_application(&cx, service).await?;
        for user in owner
            .users
            .iter()
            .filter(|user| people::READERS.contains(&user.name.as_str()))
        {
            self.assign(&cx, (user.oid, AssigneeKind::User), people::READER, &user.upn)
                .await?;
        }
        owner.apps.extend(self.sign_in_apps(&cx, service.app).await?);
        owner.apps.push(self.pro_sante_connect(&cx, &owner.users).await?);
        Ok(service.app)
    }

    /// Pro Santé Connect as people reach it with the account of the house, and the policies that guard it.
    async fn pro_sante_connect(&self, cx: &Cx, people: &[User]) -> Result<App> {
        let emergency = people.iter().find(|user| user.name == people::EMERGENCY);
        let emergency = emergency.context("there is no emergency account")?.oid;
        // Its publisher knows its secret, and registers it where no establishment administers it.
        let publisher = self.base.cx(TenantId::random(&*self.base.settings.random));
        conditional::publish(&self.base.directory, &publisher).await?;
        conditional::make(&self.base.directory, cx, emergency).await?;
        Ok(App {
            name: people::PRO_SANTE_CONNECT.to_owned(),
            client_id: SANDBOX,
            client_secret: Some(self.secret(&publisher, SANDBOX).await?),
            certificate: None,
            redirect_uris: owned(people::SERVER_ADDRESSES),
            scope: None,
        })
    }

    /// A program of this machine: its own identity reads the FHIR service, the one that it shares has no role.
    async fn workload(&mut self, owner: TenantId) -> Result<Workload> {
        let cx = self.base.cx(owner);
        let directory = &self.base.directory;
        let made = directory.create_workload(&cx, people::WORKLOAD).await?;
        let shared = directory
            .create_user_assigned_identity(&cx, people::SHARED_IDENTITY)
            .await?;
        directory.assign_identity(&cx, people::WORKLOAD, shared.id).await?;
        let own = (made.identity.id, AssigneeKind::ManagedIdentity);
        self.assign(&cx, own, people::READER, people::WORKLOAD).await?;
        Ok(Workload {
            header: made.header,
            system_assigned: made.identity.app,
            user_assigned: shared.app,
        })
    }

    /// The applications that people sign in to, one of each platform. Each reads FHIR for its person; the server does
    /// it for the other two as well.
    async fn sign_in_apps(&self, cx: &Cx, service: AppId) -> Result<[App; 3]> {
        let server = self.server(cx).await?;
        let web = self
            .public_app(cx, people::DEMO_WEB, public_client(&[people::LOOPBACK]))
            .await?;
        let spa = self
            .public_app(cx, people::DEMO_SPA, spa(people::SPA_ADDRESSES))
            .await?;
        for (client, resource, scope) in [
            (&web, service, USER_IMPERSONATION),
            (&spa, service, USER_IMPERSONATION),
            (&server, service, USER_IMPERSONATION),
            (&web, server.client_id, people::ACCESS_AS_USER),
            (&spa, server.client_id, people::ACCESS_AS_USER),
            (&web, DIRECTORY_API, people::OWN_PROFILE),
            (&spa, DIRECTORY_API, people::OWN_PROFILE),
            (&server, DIRECTORY_API, people::OWN_PROFILE),
        ] {
            self.base
                .directory
                .grant_scopes(cx, (client.client_id, resource), None, &[scope])
                .await?;
        }
        Ok([web, spa, server])
    }

    async fn public_app(&self, cx: &Cx, name: &str, redirect_uris: RedirectUris) -> Result<App> {
        let known = [&redirect_uris.spa[..], &redirect_uris.public_client].concat();
        let is_installed = !redirect_uris.public_client.is_empty();
        let new = NewApplication {
            app: None,
            display_name: name.to_owned(),
            definition: Definition {
                redirect_uris,
                is_fallback_public_client: is_installed,
                ..Definition::default()
            },
        };
        let (application, _) = self.base.directory.create_application(cx, new).await?;
        Ok(App {
            name: name.to_owned(),
            client_id: application.app,
            client_secret: None,
            certificate: None,
            redirect_uris: known,
            scope: None,
        })
    }

    /// The server: a client with secret and certificate, and an API whose tokens are of version 2.
    async fn server(&self, cx: &Cx) -> Result<App> {
        let (name, app) = (people::DEMO_SERVER, AppId::random(&*cx.random));
        let uri = format!("api://{app}");
        let scope = format!("{uri}/{}", people::ACCESS_AS_USER);
        let redirect_uris = owned(people::SERVER_ADDRESSES);
        let new = NewApplication {
            app: Some(app),
            display_name: name.to_owned(),
            definition: Definition {
                identifier_uris: vec![uri],
                requested_access_token_version: Some(2),
                scopes: vec![permission(
                    cx,
                    people::ACCESS_AS_USER,
                    "Call the server as the signed-in person",
                )],
                redirect_uris: RedirectUris {
                    web: redirect_uris.clone(),
                    ..RedirectUris::default()
                },
                ..Definition::default()
            },
        };
        self.base.directory.create_application(cx, new).await?;
        Ok(App {
            name: name.to_owned(),
            client_id: app,
            client_secret: Some(self.secret(cx, app).await?),
            certificate: Some(self.certificate(cx, (name, app)).await?),
            redirect_uris,
            scope: Some(scope),
        })
    }

    async fn assign(&mut self, cx: &Cx, (id, kind): (ObjectId, AssigneeKind), role: Role, name: &str) -> Result<()> {
        let assignee = Assignee {
            tenant: cx.tenant,
            id,
            kind,
        };
        let scope = Scope::service(people::WORKSPACE, Kind::Fhir, people::FHIR)?;
        self.base.assignments.assign(cx, assignee, role, scope.clone()).await?;
        self.role_assignments.push(RoleAssignment {
            tenant: cx.tenant,
            principal: name.to_owned(),
            role: role.name().to_owned(),
            scope: scope.to_string(),
        });
        Ok(())
    }
}

/// What directory roles are called.
fn role_names(roles: &[RoleTemplateId]) -> Vec<String> {
    let known = roles.iter().filter_map(|role| hygie_directory::directory_role(*role));
    known.map(|role| role.display_name.to_owned()).collect()
}

fn permission(cx: &Cx, value: &str, display_name: &str) -> Permission {
    Permission {
        id: ObjectId::random(&*cx.random).uuid(),
        value: value.to_owned(),
        display_name: display_name.to_owned(),
        ..Permission::default()
    }
}

fn public_client(addresses: &[&str]) -> RedirectUris {
    RedirectUris {
        public_client: owned(addresses),
        ..RedirectUris::default()
    }
}

fn spa(addresses: &[&str]) -> RedirectUris {
    RedirectUris {
        spa: owned(addresses),
        ..RedirectUris::default()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
