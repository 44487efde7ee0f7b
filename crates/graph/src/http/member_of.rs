//! `memberOf` and `transitiveMemberOf`: the groups and directory roles that somebody is in, all of them or those of one type.
//! Whoever sees themselves sees theirs; of an object that they may not read its type and id alone.
//! <https://learn.microsoft.com/graph/api/user-list-memberof>

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use hygie_core::ObjectId;
use hygie_directory::DirectoryObject;
use hygie_directory::Membership::{self, Direct, Transitive};
use hygie_odata::EntityType;
use hygie_policy::RoleTemplateId;
use hygie_web::error::GraphError;
use serde_json::Map;

use super::caller::Caller;
use super::list::{Item, Listed};
use super::{directory_roles, groups, route, service_principals, users};
use crate::entity::{DIRECTORY_ROLE, GROUP, directory_role, role_id};
use crate::{Graph, GraphFault};

/// Whose groups are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Me,
    User,
    Group,
    Principal,
}

/// What is asked for of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Groups,
    Roles,
}

/// The addresses.
pub fn routes() -> Router<Graph> {
    let mut routes = Router::new();
    for (set, member) in [
        ("users/{id}", Member::User),
        ("groups/{id}", Member::Group),
        ("servicePrincipals/{id}", Member::Principal),
    ] {
        for (name, how) in [("memberOf", Direct), ("transitiveMemberOf", Transitive)] {
            for (cast, wanted) in CASTS {
                let handler = async move |State(graph): State<Graph>, caller: Caller, Path(id): Path<String>| {
                    answer(&graph, &caller, (member, &id), (how, *wanted)).await
                };
                let path = format!("/v1.0/{set}/{name}{cast}");
                routes = routes
                    .route(&format!("{path}/$count"), route(get(handler)))
                    .route(&path, route(get(handler)));
            }
        }
    }
    for (name, how) in [("memberOf", Direct), ("transitiveMemberOf", Transitive)] {
        for (cast, wanted) in CASTS {
            let handler = async move |State(graph): State<Graph>, caller: Caller| {
                answer(&graph, &caller, (Member::Me, "me"), (how, *wanted)).await
            };
            let path = format!("/v1.0/me/{name}{cast}");
            routes = routes
                .route(&format!("{path}/$count"), route(get(handler)))
                .route(&path, route(get(handler)));
        }
    }
    routes
}

const CASTS: &[(&str, Wanted)] = &[
    ("", Wanted::All),
    ("/microsoft.graph.group", Wanted::Groups),
    ("/microsoft.graph.directoryRole", Wanted::Roles),
];

async fn answer(
    graph: &Graph,
    caller: &Caller,
    (member, id): (Member, &str),
    (how, wanted): (Membership, Wanted),
) -> Result<Response, GraphError> {
    let (object, set) = object(graph, caller, member, id).await?;
    let (entity, cast): (&'static EntityType, &str) = match wanted {
        Wanted::All => (&GROUP, ""),
        Wanted::Groups => (&GROUP, "/microsoft.graph.group"),
        Wanted::Roles => (&DIRECTORY_ROLE, "/microsoft.graph.directoryRole"),
    };
    let query = caller.query(entity)?;
    let name = match how {
        Direct => "memberOf",
        Transitive => "transitiveMemberOf",
    };
    let path = format!("{set}/{name}{cast}");
    let listed = Listed {
        set: "directoryObjects",
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let all = found(graph, caller, object, (how, wanted)).await?;
    Ok(graph.list_all(caller, listed, all).await?)
}

/// Of whom it is asked, and their address, by who may see their groups: oneself, or who sees groups.
async fn object(graph: &Graph, caller: &Caller, member: Member, id: &str) -> Result<(ObjectId, String), GraphError> {
    let (object, set) = match member {
        Member::Me => {
            let found = users::find_own(graph, caller).await?;
            caller.need(&[groups::READ, users::OWN].concat())?;
            return Ok((found.id, "me".to_owned()));
        }
        Member::User => {
            let found = users::search(graph, caller, id).await?;
            if !users::is_own(caller, found.as_ref()) {
                caller.need(groups::READ)?;
            }
            (found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))?.id, "users")
        }
        Member::Group => {
            caller.need(groups::READ)?;
            let found = groups::find(graph, caller, id).await?;
            (ObjectId::from_uuid(found.id.uuid()), "groups")
        }
        Member::Principal => {
            caller.need(groups::READ)?;
            let found = service_principals::find(graph, caller, id).await?;
            (found.principal.id, "servicePrincipals")
        }
    };
    Ok((object, format!("{set}/{object}")))
}

async fn found(
    graph: &Graph,
    caller: &Caller,
    object: ObjectId,
    (how, wanted): (Membership, Wanted),
) -> Result<Vec<Item>, GraphFault> {
    let (directory, mut all) = (graph.directory(), Vec::new());
    if wanted != Wanted::Roles {
        let found = directory.groups_of(&caller.cx, object, how).await?;
        let groups = found.into_iter().map(DirectoryObject::Group);
        all.extend(groups.map(|group| users::typed_for(caller, &group)));
    }
    if wanted != Wanted::Groups {
        let roles = match how {
            Direct => directory.roles_given_to(&caller.cx, object).await?,
            Transitive => directory.roles_of(&caller.cx, object).await?,
        };
        all.extend(roles.into_iter().filter_map(|role| role_item(caller, role)));
    }
    Ok(all)
}

/// A directory role, as the caller sees it.
pub(super) fn role_item(caller: &Caller, role: RoleTemplateId) -> Option<Item> {
    let role = hygie_directory::directory_role(role)?;
    let kind = format!("#microsoft.graph.{}", DIRECTORY_ROLE.name);
    let mut members = Map::from_iter([("@odata.type".to_owned(), kind.into())]);
    members.extend(directory_role(role));
    if !caller.has(directory_roles::READ) {
        members.retain(|name, _| matches!(name.as_str(), "@odata.type" | "id"));
    }
    Some((role_id(role), members))
}
