//! `/admin/applications/{id}` — one application as it is present here: what it may do, for whom, and whether it may.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Field, Form, Identifier, Input, Notice, Page, Tone, View};
use serde_json::json;

use super::{Fields, Frame, Section, Visit, Wrong, done, grants, refusal};
use crate::api::{Api, ApiError, quoted, segment};
use crate::parts::{Part, Select};
use crate::wire::{AppRole, Assignment, Grant, Object, Principal, Resource, Roles};

/// The role of whoever may sign in to an application that defines none.
const DEFAULT_ROLE: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Template)]
#[template(path = "application.html")]
struct Shown {
    page: Page,
    frame: Frame,
    application: Principal,
    /// The tenant of who looks.
    own: String,
    client_id: Identifier,
    /// Where it is registered, when it is in this establishment.
    registration: Option<String>,
    consents: Vec<Consent>,
    permissions: Vec<Permission>,
    assigned: Vec<Assignment>,
    form: Form,
    member: Field,
    role: Select,
    grant: Vec<Part>,
}

/// What it may do for people.
struct Consent {
    id: String,
    resource: String,
    scopes: Vec<String>,
    /// For one person; for everybody without.
    person: Option<String>,
}

/// What it may do by itself.
struct Permission {
    id: String,
    resource: String,
    value: String,
}

pub async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, None).await
}

pub async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let page = visit.page();
    match act(&visit.api(), &id, &fields).await {
        Ok(word) => Ok(done(&format!("/admin/applications/{}", segment(&id)), word)),
        Err(ApiError::NotFound) if ["assign", "grant"].contains(&fields.get("step")) => {
            let is_grant = fields.get("step") == "grant";
            let key = if is_grant {
                "application-no-permission"
            } else {
                "application-nobody"
            };
            let notice = Notice::new(&page, Tone::Danger, page.t(key));
            show(&visit, page, &id, Some(notice)).await
        }
        Err(error) => {
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, Some(notice)).await
        }
    }
}

async fn act(api: &Api<'_>, id: &str, fields: &Fields) -> Result<&'static str, ApiError> {
    let principal = format!("/servicePrincipals/{}", segment(id));
    let item = segment(fields.get("item"));
    match fields.get("step") {
        step @ ("enable" | "disable") => {
            let is_enabled = step == "enable";
            api.patch(&principal, &json!({ "accountEnabled": is_enabled })).await?;
            Ok(if is_enabled {
                "application-enabled"
            } else {
                "application-disabled"
            })
        }
        step @ ("assigned-only" | "everybody") => {
            let is_required = step == "assigned-only";
            api.patch(&principal, &json!({ "appRoleAssignmentRequired": is_required }))
                .await?;
            Ok("application-changed")
        }
        "revoke-consent" => {
            api.delete(&format!("/oauth2PermissionGrants/{item}")).await?;
            Ok("application-revoked")
        }
        "revoke-permission" => {
            api.delete(&format!("{principal}/appRoleAssignments/{item}")).await?;
            Ok("application-revoked")
        }
        "assign" => {
            let body = json!({
                "principalId": somebody(api, fields.get("member")).await?,
                "resourceId": id,
                "appRoleId": fields.get("role"),
            });
            api.post(&format!("{principal}/appRoleAssignedTo"), &body).await?;
            Ok("application-assigned")
        }
        "grant" => grants::give(api, id, fields).await,
        "unassign" => {
            api.delete(&format!("{principal}/appRoleAssignedTo/{item}")).await?;
            Ok("application-changed")
        }
        _ => Err(ApiError::NotFound),
    }
}

/// The id of a person or a group.
async fn somebody(api: &Api<'_>, name: &str) -> Result<String, ApiError> {
    if name.contains('@') {
        let path = format!("/users/{}", segment(name));
        let user: Object = api.get(&path, &[("$select", "id")]).await?;
        return Ok(user.id);
    }
    let filter = format!("displayName eq {}", quoted(name));
    let mut groups: Vec<Object> = api.all("/groups", &[("$filter", &filter), ("$select", "id")]).await?;
    match (groups.pop(), groups.is_empty()) {
        (Some(group), true) => Ok(group.id),
        _ => Err(ApiError::NotFound),
    }
}

/// What somebody may be in an application: one of its roles for people, or nothing in particular.
fn roles(page: &Page, application: &Principal) -> Select {
    let is_for_people =
        |role: &&AppRole| role.is_enabled && role.allowed_member_types.iter().any(|kind| kind == "User");
    let mut options: Vec<(String, String)> = application
        .app_roles
        .iter()
        .filter(is_for_people)
        .map(|role| (role.id.clone(), role.display_name.clone()))
        .collect();
    if options.is_empty() {
        options.push((DEFAULT_ROLE.to_owned(), page.t("application-default-role")));
    }
    Select::new("role", page.t("application-role"), options)
}

async fn show(visit: &Visit, page: Page, id: &str, wrong: Option<Notice>) -> Result<Response, Wrong> {
    let api = visit.api();
    let path = format!("/servicePrincipals/{}", segment(id));
    let application: Principal = api.get(&path, &[]).await?;
    let consents = consents(&api, &application.id).await?;
    let permissions = permissions(&api, &path).await?;
    let of_app = format!("appId eq {}", quoted(&application.app_id));
    let query = [("$filter", of_app.as_str()), ("$select", "id")];
    let registered: Vec<Object> = match api.all("/applications", &query).await {
        Err(ApiError::Denied) => Vec::new(),
        found => found?,
    };
    let select = [("$select", "id,displayName,appRoles,oauth2PermissionScopes")];
    let resources: Vec<Resource> = api.all("/servicePrincipals", &select).await?;
    let assigned = api.all(&format!("{path}/appRoleAssignedTo"), &[]).await?;
    let mut frame = visit.frame(&page, Section::Applications);
    frame.notices.extend(wrong);
    Ok(View(Shown {
        frame,
        client_id: Identifier::new(&page, application.app_id.clone(), page.t("application-client-id")),
        own: visit.session.tenant.clone(),
        registration: registered.first().map(|one| super::registration::address(&one.id)),
        consents,
        permissions,
        assigned,
        member: Field::new(&page, Input::Name, "member", page.t("application-member"))
            .hint(page.t("application-member-hint"))
            .autocomplete("off"),
        role: roles(&page, &application),
        grant: grants::parts(&page, &resources),
        form: visit.form(format!("/admin/applications/{}", segment(&application.id))),
        application,
        page,
    })
    .into_response())
}

async fn consents(api: &Api<'_>, client: &str) -> Result<Vec<Consent>, ApiError> {
    let filter = format!("clientId eq {}", quoted(client));
    let grants: Vec<Grant> = api.all("/oauth2PermissionGrants", &[("$filter", &filter)]).await?;
    let mut paths = Vec::new();
    for grant in &grants {
        paths.push(format!(
            "/servicePrincipals/{}?$select=id,displayName",
            grant.resource_id
        ));
        paths.extend(
            grant
                .principal_id
                .as_ref()
                .map(|id| format!("/users/{id}?$select=id,displayName")),
        );
    }
    let names: Vec<Object> = api.get_each(&paths).await?.into_iter().flatten().collect();
    let name = |id: &str| {
        let found = names.iter().find(|object| object.id == id);
        found.map_or_else(|| id.to_owned(), |object| object.display_name.clone())
    };
    let shown = grants.into_iter().map(|grant| Consent {
        resource: name(&grant.resource_id),
        scopes: grant.scope.split_whitespace().map(str::to_owned).collect(),
        person: grant.principal_id.as_deref().map(name),
        id: grant.id,
    });
    Ok(shown.collect())
}

async fn permissions(api: &Api<'_>, path: &str) -> Result<Vec<Permission>, ApiError> {
    let held: Vec<Assignment> = api.all(&format!("{path}/appRoleAssignments"), &[]).await?;
    let mut resources: Vec<&str> = held.iter().map(|one| one.resource_id.as_str()).collect();
    resources.sort_unstable();
    resources.dedup();
    let paths: Vec<String> = resources
        .iter()
        .map(|id| format!("/servicePrincipals/{id}?$select=id,appRoles"))
        .collect();
    let defined: Vec<Roles> = api.get_each(&paths).await?.into_iter().flatten().collect();
    let value = |id: &str| {
        let mut roles = defined.iter().flat_map(|resource| &resource.app_roles);
        roles.find(|role| role.id == id).and_then(|role| role.value.clone())
    };
    let shown = held.iter().map(|one| Permission {
        id: one.id.clone(),
        resource: one.resource_display_name.clone().unwrap_or_default(),
        value: value(&one.app_role_id).unwrap_or_else(|| one.app_role_id.clone()),
    });
    Ok(shown.collect())
}
