//! What the configuration asks the directory to hold: tenants with their first administrator, applications of the data
//! services, role assignments. What is there already is left as it is.

use anyhow::{Context, Result, anyhow};
use hygie_access::{Assignee, AssigneeKind, AssignmentError, Holder, Kind, Role, Scope};
use hygie_core::{Cx, ObjectId, Secret};
use hygie_directory::{
    Cursor, DIRECTORY_API, Definition, Enabled, GLOBAL_ADMINISTRATOR, NewApplication, NewTenant, NewUser,
    Scope as Permission, directory_api, repo::RolesOf,
};
use hygie_jose::Certificate;
use hygie_oidc::RedirectUris;

use crate::config::{Application, Config, FhirInstance, Publisher, RoleAssignment, Tenant, Whose, Workload, Workspace};
use crate::files;
use crate::tls::certificate::read_certificate;
use crate::wiring::{Base, USER_IMPERSONATION, own_workload};

/// Permissions of an application that are looked through.
const MAX_PERMISSIONS: u32 = 500;

/// Brings the directory to what the configuration says. Processes that share it do so one after another.
pub async fn prepare(base: &Base, config: &Config) -> Result<()> {
    let _alone = base.stores.prepare_alone().await?;
    for tenant in &config.tenants {
        make_tenant(base, tenant.get_ref()).await?;
        let (days, cx) = (tenant.get_ref().log_retention_days, base.cx(tenant.get_ref().id));
        base.directory.set_log_retention(&cx, days).await?;
        for workload in &tenant.get_ref().workloads {
            make_workload(base, &base.cx(tenant.get_ref().id), workload).await?;
        }
    }
    for workspace in config.workspaces.iter().map(toml::Spanned::get_ref) {
        let cx = base.cx(workspace.tenant);
        for service in &workspace.fhir {
            register(base, &cx, service, &fhir_base(config, workspace, service)?).await?;
            if service.has_identity() {
                make_own_workload(base, &cx, &own_workload(&workspace.name, &service.name)).await?;
            }
        }
    }
    for tenant in config.tenants.iter().map(toml::Spanned::get_ref) {
        for application in &tenant.applications {
            add_application(base, &base.cx(tenant.id), application, config).await?;
        }
        for publisher in &tenant.publishers {
            vouch(base, &base.cx(tenant.id), publisher).await?;
        }
    }
    for workspace in config.workspaces.iter().map(toml::Spanned::get_ref) {
        let cx = base.cx(workspace.tenant);
        for assignment in &workspace.role_assignments {
            assign(base, &cx, workspace, assignment).await?;
        }
    }
    Ok(())
}

/// The address of a FHIR service.
pub fn fhir_base(config: &Config, workspace: &Workspace, service: &FhirInstance) -> Result<String> {
    let fhir = config.fhir.as_ref().context("there is no [fhir]")?;
    let url = fhir.get_ref().url.as_str().trim_end_matches('/');
    Ok(format!("{url}/{}/{}", workspace.name, service.name))
}

async fn make_tenant(base: &Base, tenant: &Tenant) -> Result<()> {
    let cx = base.cx(tenant.id);
    let exists = base.directory.list_tenants(&cx).await?.contains(&tenant.id);
    // A start that was killed in between is taken up: somebody always administers a tenant that was begun.
    let first = Cursor { after: None, limit: 1 };
    let administrators = base.directory.page_role_members(&cx, GLOBAL_ADMINISTRATOR, first);
    if exists && (tenant.administrator.is_none() || !administrators.await?.is_empty()) {
        return Ok(());
    }
    // Read before anything is made: without the password nobody could sign in to what was made.
    let administrator = tenant.administrator.as_ref();
    let administrator = administrator
        .map(|administrator| administrator.account(tenant))
        .transpose()?;
    let new = NewTenant {
        id: tenant.id,
        display_name: tenant.display_name.clone(),
        domain: tenant.domain.clone(),
    };
    if !exists {
        // Before the tenant: there is no instant in which it has none.
        if tenant.security_defaults {
            base.directory.set_security_defaults(&cx, Enabled::Yes).await?;
        }
        base.directory.create_tenant(&cx, new).await?;
    }
    if let Some((upn, password)) = administrator {
        make_administrator(base, &cx, (upn, password)).await?;
    }
    tracing::info!(tenant = %tenant.id, "tenant created");
    Ok(())
}

/// The first administrator, or what lacks of them.
async fn make_administrator(base: &Base, cx: &Cx, (upn, password): (String, Secret<String>)) -> Result<()> {
    let made = if let Some(known) = base.directory.find_user(cx, &upn).await? {
        known
    } else {
        let new = NewUser {
            display_name: upn.clone(),
            user_principal_name: upn,
            password: Some(password),
            ..NewUser::default()
        };
        base.directory.create_user(cx, new).await?
    };
    base.directory
        .assign_directory_role(cx, made.id, GLOBAL_ADMINISTRATOR)
        .await?;
    Ok(())
}

/// A publisher whose applications people of other tenants may trust.
async fn vouch(base: &Base, cx: &Cx, publisher: &Publisher) -> Result<()> {
    let known = hygie_directory::repo::Publisher {
        id: publisher.id.clone(),
        display_name: publisher.display_name.clone(),
    };
    let vouched = base.directory.vouch_for_publisher(cx, known).await;
    vouched.with_context(|| format!("cannot vouch for the publisher {}", publisher.id))
}

/// A program with its identities. Its secret is shown once, to the file: one that was lost is replaced.
async fn make_workload(base: &Base, cx: &Cx, workload: &Workload) -> Result<()> {
    let (directory, name, file) = (&base.directory, workload.name.as_str(), &workload.header_file);
    let header = match directory.find_workload(cx, name).await? {
        None => Some(directory.create_workload(cx, name).await?.header),
        Some(_) if !file.exists() => Some(directory.renew_workload_header(cx, name).await?),
        Some(_) => None,
    };
    if let Some(header) = header {
        let written = files::write_private(file, header.expose().as_bytes());
        written.with_context(|| format!("cannot write the secret of {name} to {}", file.display()))?;
    }
    for shared in &workload.user_assigned {
        let identity = match directory.find_user_assigned_identity(cx, shared).await? {
            Some(identity) => identity,
            None => directory.create_user_assigned_identity(cx, shared).await?,
        };
        directory.assign_identity(cx, name, identity.id).await?;
    }
    Ok(())
}

/// A service of this program with an identity of its own. It asks in process, so that nobody needs the secret of the
/// workload.
async fn make_own_workload(base: &Base, cx: &Cx, name: &str) -> Result<()> {
    let identity = match base.directory.find_workload(cx, name).await? {
        Some(workload) => workload.identity,
        None => base.directory.create_workload(cx, name).await?.identity.id,
    };
    tracing::info!(workload = name, object = %identity, "the service has a managed identity");
    Ok(())
}

async fn register(base: &Base, cx: &Cx, service: &FhirInstance, address: &str) -> Result<()> {
    if let Some(known) = base.directory.find_application(cx, service.app).await? {
        let is_same = known.home == cx.tenant && known.definition.identifier_uris.iter().any(|uri| uri == address);
        return if is_same {
            Ok(())
        } else {
            Err(anyhow!(
                "application {} is registered for another service than {address}",
                service.app
            ))
        };
    }
    let definition = Definition {
        identifier_uris: vec![address.to_owned()],
        scopes: vec![Permission {
            id: ObjectId::random(&*cx.random).uuid(),
            value: USER_IMPERSONATION.to_owned(),
            display_name: "Access the FHIR service as the signed-in person".to_owned(),
            ..Permission::default()
        }],
        ..Definition::default()
    };
    let new = NewApplication {
        app: Some(service.app),
        display_name: format!("FHIR {}", service.name),
        definition,
    };
    base.directory.create_application(cx, new).await?;
    Ok(())
}

/// Registers an application that is not there yet. What was stopped half-way is not taken up: its certificate and
/// permissions are added in the directory.
async fn add_application(base: &Base, cx: &Cx, application: &Application, config: &Config) -> Result<()> {
    let app = application.app;
    if let Some(known) = base.directory.find_application(cx, app).await? {
        anyhow::ensure!(
            known.home == cx.tenant,
            "application {app} is registered in another tenant"
        );
        let known = &known.definition.identifier_uris;
        if let Some(new) = application.identifier_uris.iter().find(|uri| !known.contains(uri)) {
            anyhow::bail!("application {app} is registered without {new}: name it in a new application");
        }
        return lacks(base, cx, application).await;
    }
    if let Some(problem) = application.wrong_permission() {
        anyhow::bail!(problem);
    }
    // Read before anything is made.
    let certificate = match &application.certificate {
        Some(file) => {
            Some(Certificate::from_der(&read_certificate(file)?).with_context(|| file.display().to_string())?)
        }
        None => None,
    };
    let mut redirect_uris = RedirectUris::default();
    let of_its_kind = match certificate {
        Some(_) => &mut redirect_uris.web,
        None => &mut redirect_uris.public_client,
    };
    of_its_kind.clone_from(&application.redirect_uris);
    let new = NewApplication {
        app: Some(app),
        display_name: application.display_name.clone(),
        definition: Definition {
            identifier_uris: application.identifier_uris.clone(),
            redirect_uris,
            ..Definition::default()
        },
    };
    base.directory.create_application(cx, new).await?;
    if let Some(certificate) = certificate {
        base.directory
            .add_certificate(cx, app, "configuration", certificate)
            .await?;
    }
    permit(base, cx, application).await?;
    for place in &application.fhir {
        let service = config
            .find_fhir(place)
            .with_context(|| format!("there is no {place}"))?;
        let parties = (app, service.app);
        base.directory
            .grant_scopes(cx, parties, None, &[USER_IMPERSONATION])
            .await?;
    }
    tracing::info!(%app, "application registered");
    Ok(())
}

/// Gives an application that was just made its permissions on the directory API.
async fn permit(base: &Base, cx: &Cx, application: &Application) -> Result<()> {
    let presence = base.directory.find_service_principal(cx, application.app).await?;
    let principal = presence.context("an application that was made is present")?;
    for permission in &application.directory_permissions {
        base.directory
            .assign_app_role(cx, DIRECTORY_API, principal.id, permission)
            .await?;
    }
    Ok(())
}

/// Says which of its permissions an application does not have that was made before: they were named later, or somebody took
/// them away, so the directory decides.
async fn lacks(base: &Base, cx: &Cx, application: &Application) -> Result<()> {
    let Some(principal) = base.directory.find_service_principal(cx, application.app).await? else {
        return Ok(());
    };
    let first = Cursor {
        after: None,
        limit: MAX_PERMISSIONS,
    };
    let of = RolesOf::Principal(principal.id);
    let given = base.directory.page_app_role_assignments(cx, of, first).await?;
    let given: Vec<_> = given.iter().map(|(given, _)| given.role).collect();
    let api = directory_api();
    let lacking = api.definition.app_roles.iter().filter(|role| {
        let is_named = application.directory_permissions.contains(&role.value);
        is_named && !given.contains(&role.id)
    });
    for role in lacking {
        tracing::warn!(
            app = %application.app,
            permission = role.value,
            "the application does not have this permission, which the configuration names: permissions are given when an \
             application is made; give it in the directory, or take it out of the configuration"
        );
    }
    Ok(())
}

async fn assign(base: &Base, cx: &Cx, workspace: &Workspace, assignment: &RoleAssignment) -> Result<()> {
    let role = Role::find(&assignment.role).with_context(|| format!("{:?} is not a role", assignment.role))?;
    let scope = match &assignment.fhir {
        Some(name) => Scope::service(&workspace.name, Kind::Fhir, name)?,
        None => Scope::workspace(&workspace.name)?,
    };
    let holder = find_holder(base, cx, workspace, assignment).await?;
    match base.assignments.assign(cx, holder, role, scope).await {
        Ok(_) | Err(AssignmentError::Exists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn find_holder(base: &Base, cx: &Cx, workspace: &Workspace, assignment: &RoleAssignment) -> Result<Holder> {
    let (id, kind) = match assignment.whose(workspace).map_err(|message| anyhow!(message))? {
        Whose::Holder(holder) => return Ok(holder),
        Whose::App(app) => {
            let principal = base.directory.find_service_principal(cx, app).await?;
            let principal = principal.with_context(|| format!("there is no application {app} to give a role"))?;
            (principal.id, AssigneeKind::App)
        }
        Whose::User(name) => {
            let user = base.directory.find_user(cx, name).await?;
            let user = user.with_context(|| format!("there is no user {name} to give a role"))?;
            (user.id, AssigneeKind::User)
        }
    };
    let tenant = workspace.tenant;
    Ok(Holder::Object(Assignee { tenant, id, kind }))
}
