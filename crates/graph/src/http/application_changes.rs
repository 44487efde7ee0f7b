//! Changes of `/applications` and `/servicePrincipals`:
//! <https://learn.microsoft.com/graph/api/application-post-applications>.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use hygie_core::{AppId, ObjectId, Timestamp};
use hygie_directory::repo::{Holder, RolesOf};
use hygie_directory::{Cursor, DIRECTORY_API, Definition, NewApplication, Presence, PrincipalChange, Registration};
use hygie_policy::json::{At, Member, Members, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::answer::{Of, done};
use super::authority::{ASSIGN_PERMISSIONS, WRITE_APPLICATIONS};
use super::body::Body;
use super::caller::Caller;
use super::{applications, members, service_principals};
use crate::entity::{ApplicationBody, nothing, read_application, read_keys};
use crate::entity::{SERVICE_PRINCIPAL, application, service_principal};
use crate::{Graph, GraphFault};

/// Roles of an application that are looked at.
const MAX_ROLES: u32 = 500;

/// How long a secret is good when nothing is said, and at most.
const SECRET_LIFE: Duration = Duration::from_hours(24 * 365 * 2);
const LONGEST_SECRET: Duration = Duration::from_hours(24 * 365 * 10);

pub async fn create(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_APPLICATIONS).await?;
    let nothing = ApplicationBody {
        display_name: String::new(),
        definition: Definition::default(),
        keys: None,
    };
    let read = read_application(&body.0, nothing).map_err(GraphFault::from)?;
    not_ours(&graph, &read.definition.identifier_uris, &[])?;
    let new = NewApplication {
        app: None,
        display_name: read.display_name,
        definition: read.definition,
    };
    let directory = graph.directory();
    let made = directory
        .register_application(&caller.cx, new, read.keys.unwrap_or_default())
        .await;
    let made = made.map_err(GraphFault::from)?;
    let registration = find(&graph, &caller, &made.id.to_string()).await?;
    let of = Of {
        set: "applications",
        select: None,
    };
    Ok(graph.created(&of, application(&registration)))
}

pub async fn update(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, &id).await?;
    // They are not taken away by being left out; who believes that they are must be told.
    if body.0.get("passwordCredentials").is_some() && !found.secrets.is_empty() {
        let at = At::Member(&At::Root, "passwordCredentials");
        let wrong = Wrong::NotA("left as they are: removePassword takes a secret away");
        return Err(GraphFault::from(at.refuse(wrong)).into());
    }
    let found = found.application;
    let before = ApplicationBody {
        display_name: found.display_name.clone(),
        definition: (*found.definition).clone(),
        keys: None,
    };
    let read = read_application(&body.0, before).map_err(GraphFault::from)?;
    not_ours(
        &graph,
        &read.definition.identifier_uris,
        &found.definition.identifier_uris,
    )?;
    if read.keys.is_some() {
        may_prove_as(&graph, &caller, found.app).await?;
    }
    // Who owns an application does not decide that it may have people's passwords, or disturb them.
    if read.definition.extra_grants != found.definition.extra_grants {
        caller.may(&graph, &WRITE_APPLICATIONS).await?;
    }
    let change = (read.display_name, read.definition);
    let changed = graph
        .directory()
        .update_application(&caller.cx, found, change, read.keys)
        .await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

pub async fn delete(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, &id).await?;
    let deleted = graph
        .directory()
        .delete_application(&caller.cx, found.application.id)
        .await;
    deleted.map_err(GraphFault::from)?;
    Ok(done())
}

/// Refuses new identifier URIs under the addresses of this service and of the login host.
fn not_ours(graph: &Graph, after: &[String], before: &[String]) -> Result<(), GraphFault> {
    let ours = [&graph.0.base, &graph.0.login];
    let is_ours = |uri: &str| {
        let uri = uri.to_ascii_lowercase();
        let rest = ours
            .iter()
            .find_map(|base| uri.strip_prefix(&base.to_ascii_lowercase()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_wrong = |uri: &String| is_ours(uri) && !before.contains(uri);
    match after.iter().position(is_wrong) {
        None => Ok(()),
        Some(n) => {
            let at = At::Member(&At::Root, "identifierUris");
            Err(At::Item(&at, n)
                .refuse(Wrong::NotA("no address of this service"))
                .into())
        }
    }
}

/// `POST /applications/{id}/addPassword`: the value is shown this once.
pub async fn add_password(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let app = find(&graph, &caller, &id).await?.application.app;
    may_prove_as(&graph, &caller, app).await?;
    give_password(&graph, &caller, app.into(), &body).await
}

/// `POST /servicePrincipals/{id}/addPassword`: a secret that is good in this tenant alone.
pub async fn add_principal_password(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?.principal;
    may_prove_as(&graph, &caller, found.app).await?;
    give_password(&graph, &caller, Holder::Principal(found.id), &body).await
}

async fn give_password(graph: &Graph, caller: &Caller, of: Holder, body: &Body) -> Result<Response, GraphError> {
    let (name, life) = read_password(body, caller.cx.now)?;
    let name = name.unwrap_or_else(|| "Password".to_owned());
    let made = graph.directory().add_secret(&caller.cx, of, &name, life).await;
    let made = made.map_err(GraphFault::from)?;
    let hint: String = made.value.expose().chars().take(3).collect();
    let members = json!({
        "customKeyIdentifier": null,
        "displayName": name,
        "endDateTime": made.expires_at.to_rfc3339(),
        "hint": hint,
        "keyId": made.id,
        "secretText": made.value.expose(),
        "startDateTime": caller.cx.now.to_rfc3339(),
    });
    let Value::Object(members) = members else {
        return Err(GraphFault::Unsupported.into());
    };
    let of = Of {
        set: "microsoft.graph.passwordCredential",
        select: None,
    };
    Ok(graph.one(&of, members, Note::recorded()))
}

fn read_password(body: &Body, now: Timestamp) -> Result<(Option<String>, Duration), GraphFault> {
    let members = body.members(&["passwordCredential"])?;
    let at = At::Member(&At::Root, "passwordCredential");
    let empty = Value::Object(Map::new());
    let found = members.find("passwordCredential").unwrap_or(&empty);
    let members = Members::of(Some(found), &at, &["displayName", "startDateTime", "endDateTime"])?;
    let end: Option<Timestamp> = members.read("endDateTime")?;
    let start: Option<Timestamp> = members.read("startDateTime")?;
    if start.is_some_and(|start| start > now) {
        let at = At::Member(&at, "startDateTime");
        return Err(at.refuse(Wrong::NotA("past: a secret is good at once")).into());
    }
    let millis = end.map_or(Ok(SECRET_LIFE), |end| {
        let life = u64::try_from(end.millis() - now.millis()).map(Duration::from_millis);
        let at = At::Member(&at, "endDateTime");
        let fits = life.ok().filter(|life| !life.is_zero() && *life <= LONGEST_SECRET);
        fits.ok_or_else(|| at.refuse(Wrong::NotA("within the next ten years")))
    })?;
    Ok((members.read("displayName")?, millis))
}

/// `POST /applications/{id}/removePassword`.
pub async fn remove_password(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let app = find(&graph, &caller, &id).await?.application.app;
    take_password(&graph, &caller, app.into(), &body).await
}

/// `POST /servicePrincipals/{id}/removePassword`.
pub async fn remove_principal_password(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?.principal;
    take_password(&graph, &caller, Holder::Principal(found.id), &body).await
}

async fn take_password(graph: &Graph, caller: &Caller, of: Holder, body: &Body) -> Result<Response, GraphError> {
    let key: AppId = body.members(&["keyId"])?.read("keyId").map_err(GraphFault::from)?;
    let removed = graph.directory().remove_secret(&caller.cx, of, key.uuid()).await;
    removed.map_err(GraphFault::from)?;
    Ok(done())
}

/// `GET /applications/{id}/owners`.
pub async fn owners(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    members::answer(&graph, &caller, (members::Of::ApplicationOwners, &id), None).await
}

/// `POST /applications/{id}/owners/$ref`.
pub async fn add_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, &id).await?.application.id;
    graph.add_owner(&caller, found, &body).await
}

/// `DELETE /applications/{id}/owners/{owner}/$ref`.
pub async fn remove_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, owner)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find(&graph, &caller, &id).await?.application.id;
    graph.remove_owner(&caller, found, owner).await
}

impl Graph {
    /// Of an application or a service principal.
    async fn add_owner(&self, caller: &Caller, of: ObjectId, body: &Body) -> Result<Response, GraphError> {
        let owner = self.referred(body)?;
        let added = self.directory().add_owner(&caller.cx, of, owner).await;
        added.map_err(GraphFault::of_reference("owners"))?;
        Ok(done())
    }

    async fn remove_owner(&self, caller: &Caller, of: ObjectId, owner: String) -> Result<Response, GraphError> {
        let owner = owner.parse().map_err(|_| GraphFault::NotFound(owner))?;
        self.directory().remove_owner(&caller.cx, of, owner).await?;
        Ok(done())
    }
}

/// `POST /servicePrincipals`: an application becomes present in the tenant.
pub async fn create_principal(State(graph): State<Graph>, caller: Caller, body: Body) -> Result<Response, GraphError> {
    caller.may(&graph, &WRITE_APPLICATIONS).await?;
    let Value::Object(mut members) = body.0 else {
        return Err(GraphFault::from(At::Root.refuse(Wrong::NotA("an object"))).into());
    };
    let app = members.remove("appId");
    let app: AppId = Member::read(app.as_ref(), &At::Member(&At::Root, "appId")).map_err(GraphFault::from)?;
    let change = read_principal(&members)?;
    let directory = graph.directory();
    let made = directory.create_service_principal_with(&caller.cx, app, change).await;
    let made = made.map_err(GraphFault::from)?;
    let found = find_principal(&graph, &caller, &made.id.to_string()).await?;
    let of = Of {
        set: "servicePrincipals",
        select: None,
    };
    Ok(graph.created(&of, service_principal(&found)))
}

pub async fn update_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?;
    let Some(members) = body.0.as_object() else {
        return Err(GraphFault::from(At::Root.refuse(Wrong::NotA("an object"))).into());
    };
    let change = read_principal(members)?;
    if change.keys.is_some() {
        may_prove_as(&graph, &caller, found.principal.app).await?;
    }
    let directory = graph.directory();
    let changed = directory
        .update_service_principal(&caller.cx, found.principal.id, change)
        .await;
    changed.map_err(GraphFault::from)?;
    Ok(done())
}

/// What a tenant says of an application in it; the rest is what the registration says.
fn read_principal(all: &Map<String, Value>) -> Result<PrincipalChange, GraphFault> {
    const PROFILE: &[&str] = &[
        "description",
        "notes",
        "tags",
        "loginUrl",
        "preferredSingleSignOnMode",
        "notificationEmailAddresses",
    ];
    // What tools send though it is of SAML, or of others than its tenant.
    const EMPTY: &[&str] = &[
        "addIns",
        "alternativeNames",
        "applicationTemplateId",
        "disabledByMicrosoftStatus",
        "preferredTokenSigningKeyThumbprint",
        "resourceSpecificApplicationPermissions",
        "samlSingleSignOnSettings",
        "tokenEncryptionKeyId",
    ];
    let mut change = PrincipalChange::default();
    for (name, value) in all.iter().filter(|(name, _)| !name.contains("@odata.")) {
        let at = At::Member(&At::Root, name);
        match name.as_str() {
            "accountEnabled" => change.is_enabled = Member::read(Some(value), &at)?,
            "appRoleAssignmentRequired" => change.requires_assignment = Member::read(Some(value), &at)?,
            "keyCredentials" => change.keys = Some(read_keys((!value.is_null()).then_some(value), &at)?),
            name if PROFILE.contains(&name) => {
                change.profile.insert(name.to_owned(), value.clone());
            }
            name if EMPTY.contains(&name) => nothing((!value.is_null()).then_some(value), &at)?,
            name if SERVICE_PRINCIPAL.properties.iter().any(|known| known.name == name) => {
                return Err(at.refuse(Wrong::ReadOnly).into());
            }
            _ => return Err(at.refuse(Wrong::UnknownMember).into()),
        }
    }
    Ok(change)
}

/// `GET /servicePrincipals/{id}/owners`.
pub async fn principal_owners(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    members::answer(&graph, &caller, (members::Of::PrincipalOwners, &id), None).await
}

/// `POST /servicePrincipals/{id}/owners/$ref`.
pub async fn add_principal_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?.principal.id;
    graph.add_owner(&caller, found, &body).await
}

/// `DELETE /servicePrincipals/{id}/owners/{owner}/$ref`.
pub async fn remove_principal_owner(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, owner)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?.principal.id;
    graph.remove_owner(&caller, found, owner).await
}

pub async fn delete_principal(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    may(&graph, &caller, &id).await?;
    let found = find_principal(&graph, &caller, &id).await?;
    let deleted = graph
        .directory()
        .delete_service_principal(&caller.cx, found.principal.id)
        .await;
    deleted.map_err(GraphFault::from)?;
    Ok(done())
}

/// By a permission with a role, or as the owner.
pub(super) async fn may(graph: &Graph, caller: &Caller, id: &str) -> Result<(), GraphFault> {
    let object = id.parse().map_err(|_| GraphFault::NotFound(id.to_owned()))?;
    caller.may_with(graph, &WRITE_APPLICATIONS, object).await
}

/// Who gives an application a credential can act as it: of one that has permissions in the directory, only who could give
/// these. In Entra ID an Application Administrator may do so too.
pub(super) async fn may_prove_as(graph: &Graph, caller: &Caller, app: AppId) -> Result<(), GraphFault> {
    let directory = graph.directory();
    let found = [
        directory.find_presence_of(&caller.cx, app).await?,
        directory.find_presence_of(&caller.cx, DIRECTORY_API).await?,
    ];
    let [Some(presence), Some(api)] = found else {
        return Ok(());
    };
    let first = Cursor {
        after: None,
        limit: MAX_ROLES,
    };
    let of = RolesOf::Principal(presence.principal.id);
    let roles = directory.page_app_role_assignments(&caller.cx, of, first).await?;
    let is_powerful = roles.iter().any(|(role, _)| role.resource == api.principal.id);
    if is_powerful || roles.len() >= MAX_ROLES as usize {
        caller.may(graph, &ASSIGN_PERMISSIONS).await?;
    }
    Ok(())
}

async fn find(graph: &Graph, caller: &Caller, id: &str) -> Result<Registration, GraphError> {
    applications::find(graph, caller, id).await
}

async fn find_principal(graph: &Graph, caller: &Caller, id: &str) -> Result<Presence, GraphError> {
    service_principals::find(graph, caller, id).await
}
