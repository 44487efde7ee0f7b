//! Who is in a group, by groups within groups as well, and who owns something: all of them, or those of one type
//! (`/members/microsoft.graph.user`). <https://learn.microsoft.com/graph/api/group-list-members>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use hygie_core::{GroupId, ObjectId};
use hygie_directory::Cursor;
use hygie_odata::EntityType;
use hygie_web::error::GraphError;

use super::caller::Caller;
use super::list::Listed;
use super::{applications, groups, route, service_principals, users};
use crate::Graph;
use crate::entity::{GROUP, SERVICE_PRINCIPAL, USER};

/// What is asked for, and of what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Members,
    TransitiveMembers,
    GroupOwners,
    ApplicationOwners,
    PrincipalOwners,
}

const ALL: &[(&str, Of)] = &[
    ("groups/{id}/members", Of::Members),
    ("groups/{id}/transitiveMembers", Of::TransitiveMembers),
    ("groups/{id}/owners", Of::GroupOwners),
    ("applications/{id}/owners", Of::ApplicationOwners),
    ("servicePrincipals/{id}/owners", Of::PrincipalOwners),
];

/// The addresses of one type of them.
pub fn routes() -> Router<Graph> {
    let mut routes = Router::new();
    for (path, of) in ALL {
        for kind in [&USER, &GROUP, &SERVICE_PRINCIPAL] {
            let handler = async move |State(graph): State<Graph>, caller: Caller, Path(id): Path<String>| {
                answer(&graph, &caller, (*of, &id), Some(kind)).await
            };
            for end in ["", "/$count", "/$ref"] {
                let path = format!("/v1.0/{path}/microsoft.graph.{}{end}", kind.name);
                routes = routes.route(&path, route(get(handler)));
            }
        }
    }
    routes
}

/// A page of them; of those of one type where one is named.
pub(super) async fn answer(
    graph: &Graph,
    caller: &Caller,
    (of, id): (Of, &str),
    kind: Option<&'static EntityType>,
) -> Result<Response, GraphError> {
    let (object, path) = object(graph, caller, of, id).await?;
    let mut query = caller.query(kind.unwrap_or(&GROUP))?;
    users::without_activity(&query)?;
    let cast = kind.map(|kind| format!("/microsoft.graph.{}", kind.name));
    if let Some(kind) = kind {
        query = query.of_type(kind);
    }
    let listed = Listed {
        set: "directoryObjects",
        path: &format!("{path}{}", cast.unwrap_or_default()),
        query: &query,
        default: None,
        total: None,
    };
    let (directory, cx) = (graph.directory(), &caller.cx);
    let fetch = async |at: Cursor| {
        let group = GroupId::from_uuid(object.uuid());
        let page = match of {
            Of::Members => directory.page_members(cx, group, at).await?,
            Of::TransitiveMembers => directory.page_transitive_members(cx, group, at).await?,
            Of::GroupOwners | Of::ApplicationOwners | Of::PrincipalOwners => {
                directory.page_owners(cx, object, at).await?
            }
        };
        Ok(page.iter().map(|one| users::typed_for(caller, one)).collect())
    };
    Ok(graph.list(caller, listed, fetch).await?)
}

/// What it is asked of, and the address of what is asked for, by who may read that.
async fn object(graph: &Graph, caller: &Caller, of: Of, id: &str) -> Result<(ObjectId, String), GraphError> {
    let (object, set, name) = match of {
        Of::Members | Of::TransitiveMembers | Of::GroupOwners => {
            caller.need(groups::READ)?;
            let found = groups::find(graph, caller, id).await?;
            let name = match of {
                Of::Members => "members",
                Of::TransitiveMembers => "transitiveMembers",
                _ => "owners",
            };
            (ObjectId::from_uuid(found.id.uuid()), "groups", name)
        }
        Of::ApplicationOwners => {
            caller.need(applications::READ)?;
            let found = applications::find(graph, caller, id).await?;
            (found.application.id, "applications", "owners")
        }
        Of::PrincipalOwners => {
            caller.need(applications::READ)?;
            let found = service_principals::find(graph, caller, id).await?;
            (found.principal.id, "servicePrincipals", "owners")
        }
    };
    Ok((object, format!("{set}/{object}/{name}")))
}
