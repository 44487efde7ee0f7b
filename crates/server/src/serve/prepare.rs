//! What the configuration asks the directory to hold: tenants with their first administrator, applications of the data
//! services, role assignments. What is there already is left as it is.

use anyhow::{Context, Result, anyhow};
use hygie_access::{AssignmentError, Kind, Role, Scope};
use hygie_core::{Cx, ObjectId, Secret};
use hygie_idp::directory::{Definition, NewApplication, NewTenant, NewUser, Scope as Permission};

use crate::ambient::environment;
use crate::config::{Config, FhirInstance, RoleAssignment, Tenant, Workspace, env_origin};
use crate::wiring::{Base, USER_IMPERSONATION};

/// Brings the directory to what the configuration says.
pub async fn prepare(base: &Base, config: &Config) -> Result<()> {
    for tenant in &config.tenants {
        make_tenant(base, tenant.get_ref()).await?;
    }
    for workspace in config.workspaces.iter().map(toml::Spanned::get_ref) {
        let cx = base.cx(workspace.tenant);
        for service in &workspace.fhir {
            register(base, &cx, service, &fhir_base(config, workspace, service)?).await?;
        }
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
    if base.idp.list_tenants(&cx).await?.contains(&tenant.id) {
        return Ok(());
    }
    // Read before anything is made: without the password nobody could sign in to what was made.
    let administrator = match &tenant.administrator {
        Some(administrator) => {
            let name = &administrator.password_env;
            let password = environment(name)
                .with_context(|| format!("{} with the first password is not set", env_origin(name)))?;
            Some((administrator.upn.clone(), Secret::new(password)))
        }
        None => None,
    };
    let new = NewTenant {
        id: tenant.id,
        display_name: tenant.display_name.clone(),
        domain: tenant.domain.clone(),
    };
    base.idp.create_tenant(&cx, new).await?;
    if let Some((upn, password)) = administrator {
        let new = NewUser {
            display_name: upn.clone(),
            user_principal_name: upn,
            password: Some(password),
            ..NewUser::default()
        };
        base.idp.create_user(&cx, new).await?;
    }
    tracing::info!(tenant = %tenant.id, "tenant created");
    Ok(())
}

async fn register(base: &Base, cx: &Cx, service: &FhirInstance, address: &str) -> Result<()> {
    if let Some(known) = base.idp.find_application(cx, service.app).await? {
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
        }],
        ..Definition::default()
    };
    let new = NewApplication {
        app: Some(service.app),
        display_name: format!("FHIR {}", service.name),
        definition,
    };
    base.idp.create_application(cx, new).await?;
    Ok(())
}

async fn assign(base: &Base, cx: &Cx, workspace: &Workspace, assignment: &RoleAssignment) -> Result<()> {
    let role = Role::find(&assignment.role).with_context(|| format!("{:?} is not a role", assignment.role))?;
    let scope = match &assignment.fhir {
        Some(name) => Scope::service(&workspace.name, Kind::Fhir, name)?,
        None => Scope::workspace(&workspace.name)?,
    };
    let holder = assignment.holder(workspace).map_err(|message| anyhow!(message))?;
    match base.assignments.assign(cx, holder, role, scope).await {
        Ok(_) | Err(AssignmentError::Exists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
