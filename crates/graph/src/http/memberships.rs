//! `getMemberObjects`, `getMemberGroups`, `checkMemberGroups`: ids of the groups that somebody is in, by groups within groups as
//! well. <https://learn.microsoft.com/graph/api/directoryobject-getmemberobjects>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use hygie_core::ObjectId;
use hygie_directory::Membership;
use hygie_policy::json::{At, Wrong};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;

use super::body::Body;
use super::caller::Caller;
use super::{directory_roles, groups, route, service_principals, users};
use crate::{Graph, GraphFault};

/// Groups that one request asks about.
const MAX_CHECKED: usize = 20;

/// Of whom it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Me,
    User,
    Group,
    Principal,
    /// Whatever has this id.
    Object,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// All groups, and the directory roles where not only what is for security is asked for, by who may read them.
    Objects,
    Groups,
    /// Which of these groups.
    Check,
}

/// The addresses.
pub fn routes() -> Router<Graph> {
    let mut routes = Router::new();
    for (set, of) in [
        ("users/{id}", Of::User),
        ("groups/{id}", Of::Group),
        ("servicePrincipals/{id}", Of::Principal),
        ("directoryObjects/{id}", Of::Object),
    ] {
        for (name, asked) in ACTIONS {
            let handler =
                async move |State(graph): State<Graph>, caller: Caller, Path(id): Path<String>, body: Body| {
                    answer(&graph, &caller, (of, &id), (*asked, &body)).await
                };
            routes = routes.route(&format!("/v1.0/{set}/{name}"), route(post(handler)));
        }
    }
    for (name, asked) in ACTIONS {
        let handler = async move |State(graph): State<Graph>, caller: Caller, body: Body| {
            answer(&graph, &caller, (Of::Me, "me"), (*asked, &body)).await
        };
        routes = routes.route(&format!("/v1.0/me/{name}"), route(post(handler)));
    }
    routes
}

const ACTIONS: &[(&str, Asked)] = &[
    ("getMemberObjects", Asked::Objects),
    ("getMemberGroups", Asked::Groups),
    ("checkMemberGroups", Asked::Check),
];

async fn answer(
    graph: &Graph,
    caller: &Caller,
    (of, id): (Of, &str),
    (asked, body): (Asked, &Body),
) -> Result<Response, GraphError> {
    let object = object(graph, caller, of, id).await?;
    let checked = match asked {
        Asked::Check => Some(groups_of(body)?),
        Asked::Objects | Asked::Groups => None,
    };
    let only_security: Option<bool> = match asked {
        Asked::Check => None,
        Asked::Objects | Asked::Groups => body
            .members(&["securityEnabledOnly"])?
            .read("securityEnabledOnly")
            .map_err(GraphFault::from)?,
    };
    let directory = graph.directory();
    let found = directory.groups_of(&caller.cx, object, Membership::Transitive).await?;
    let mut ids: Vec<String> = found.into_iter().map(|group| group.id.to_string()).collect();
    let sees_roles = caller.has(directory_roles::READ) || caller.person() == Some(object);
    if asked == Asked::Objects && only_security == Some(false) && sees_roles {
        let roles = directory.roles_of(&caller.cx, object).await?;
        ids.extend(roles.iter().map(ToString::to_string));
    }
    if let Some(checked) = checked {
        ids.retain(|id| checked.contains(id));
    }
    Ok(graph.texts(ids, Note::new("graph.read", format!("object/{object}"))))
}

/// The groups that are asked about.
fn groups_of(body: &Body) -> Result<Vec<String>, GraphFault> {
    let ids: Vec<ObjectId> = body.members(&["groupIds"])?.read("groupIds")?;
    if ids.is_empty() || ids.len() > MAX_CHECKED {
        let at = At::Member(&At::Root, "groupIds");
        return Err(at.refuse(Wrong::NotA("a list of one to 20 ids")).into());
    }
    Ok(ids.iter().map(ToString::to_string).collect())
}

/// Of whom it is asked, by who may see their groups: oneself, or who sees groups.
async fn object(graph: &Graph, caller: &Caller, of: Of, id: &str) -> Result<ObjectId, GraphError> {
    match of {
        Of::Me => {
            let found = users::find_own(graph, caller).await?;
            caller.need(&[users::GROUPS, users::OWN].concat())?;
            Ok(found.id)
        }
        Of::User => {
            let found = users::search(graph, caller, id).await?;
            if !users::is_own(caller, found.as_ref()) {
                caller.need(users::GROUPS)?;
            }
            Ok(found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?.id)
        }
        Of::Group => {
            caller.need(groups::READ)?;
            let found = groups::find(graph, caller, id).await?;
            Ok(ObjectId::from_uuid(found.id.uuid()))
        }
        Of::Object => {
            caller.need(groups::READ)?;
            let unknown = || GraphFault::NotFound(id.to_owned());
            let object = id.parse().map_err(|_| unknown())?;
            let found = graph.directory().find_object(&caller.cx, object).await?;
            Ok(found.ok_or_else(unknown)?.id())
        }
        Of::Principal => {
            caller.need(groups::READ)?;
            Ok(service_principals::find(graph, caller, id).await?.principal.id)
        }
    }
}
