//! `/identity/conditionalAccess`: <https://learn.microsoft.com/graph/api/resources/conditionalaccessroot>.
//!
//! Policies, locations, strengths and contexts are handled alike; what is particular to each says its [`Collection`].

mod collections;
mod deleted;
mod evaluate;
mod lifetime;
mod protection;
mod replay;
mod security_defaults;
mod strengths;
mod templates;
mod version;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get as read_by, post as act_by};
use http::HeaderMap;
use hygie_core::ObjectId;
use hygie_directory::{AccessRules, Cursor, Kept};
use hygie_policy::json::read;
use hygie_policy::policy::AuthenticationContext;
use hygie_policy::{AuthenticationStrength, NamedLocation, Policy};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value};

use super::answer::Of;
use super::authority::Operation;
use super::caller::Caller;
use super::document::{Document, created, done};
use super::list::{Item, Listed};
use super::unsupported;
use crate::entity::shown;
use crate::{Graph, GraphFault};
use hygie_odata::EntityType;

/// Permissions that show policies and what belongs to them.
pub(super) const READ: &[&str] = &["Policy.Read.All", "Policy.Read.ConditionalAccess"];
/// The permission to change them, beside one to read them.
const WRITE: &[&str] = &["Policy.ReadWrite.ConditionalAccess"];
/// A policy names applications: whoever writes one must see them.
const APPLICATIONS: &[&str] = super::applications::READ;

/// A collection of objects of conditional access.
pub trait Collection: Kept {
    /// The type of its objects.
    const ENTITY: &'static EntityType;
    /// Its address after `/v1.0/`, also its name.
    const SET: &'static str;
    /// One of these permissions shows it.
    const READ: &'static [&'static str] = READ;
    /// One of each of these is needed to change it.
    const WRITE: &'static [&'static [&'static str]] = &[WRITE, READ];
    /// And of these too, to make one or change what one says.
    const NAME: &'static [&'static [&'static str]] = &[];
    /// Who reads it and who changes it, where that is said apart from conditional access.
    const BY: Option<(&'static Operation, &'static Operation)> = None;

    /// Every object of it, those of every tenant too.
    fn all(rules: &AccessRules) -> Vec<Self> {
        Self::list(rules).clone()
    }

    /// Its members.
    fn members(self, _rules: &AccessRules) -> Map<String, Value> {
        object(self.write())
    }

    /// By which pages go on.
    fn place(&self) -> ObjectId;
}

/// The members of a document.
/// A setting of the tenant among its rules, at its address below `/policies`.
async fn setting(
    graph: &Graph,
    caller: &Caller,
    name: &str,
    of: impl FnOnce(&AccessRules) -> Value,
) -> Result<Response, GraphError> {
    caller.may_read_policies(graph, READ).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let note = Note::new("graph.read", name.to_owned());
    Ok(graph.told(&format!("policies/{name}/$entity"), object(of(&rules)), note))
}

pub(super) fn object(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

async fn may_read<T: Collection>(graph: &Graph, caller: &Caller) -> Result<(), GraphFault> {
    match T::BY {
        Some((read, _)) => caller.may(graph, read).await,
        None => caller.may_read_policies(graph, T::READ).await,
    }
}

async fn may_change<T: Collection>(graph: &Graph, caller: &Caller, some: &[&[&str]]) -> Result<(), GraphFault> {
    match T::BY {
        Some((_, change)) => caller.may(graph, change).await,
        None => caller.may_change_policies(graph, some).await,
    }
}

pub async fn list<T: Collection>(State(graph): State<Graph>, caller: Caller) -> Result<Response, GraphError> {
    may_read::<T>(&graph, &caller).await?;
    let query = caller.query_in_one_page(T::ENTITY)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let mut all: Vec<Item> = T::all(&rules)
        .into_iter()
        .map(|one| (one.place(), one.members(&rules)))
        .collect();
    all.sort_by_key(|(id, _)| *id);
    let listed = Listed {
        set: T::SET,
        path: T::SET,
        query: &query,
        default: None,
        total: None,
    };
    Ok(graph.list(&caller, listed, async |at| Ok(page(&all, at))).await?)
}

/// A page of what was read whole.
pub(super) fn page(all: &[Item], at: Cursor) -> Vec<Item> {
    let rest = all.iter().filter(|(id, _)| at.after.is_none_or(|after| *id > after));
    rest.take(at.limit as usize).cloned().collect()
}

pub async fn get<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    may_read::<T>(&graph, &caller).await?;
    let query = caller.one(T::ENTITY)?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let found = find::<T>(&rules, &id)?;
    let key = key(&found);
    let of = Of {
        set: T::SET,
        select: query.select.as_deref(),
    };
    let note = Note::new("graph.read", format!("{}/{key}", T::KIND));
    let version = version::of(&found);
    let place = found.place();
    let mut members = shown(found.members(&rules), query.view().as_deref());
    members.extend(graph.expanded(&caller, &query.expand, place).await?);
    Ok(version::marked(graph.one(&of, members, note), &version))
}

/// The object with this id, whatever its case.
fn find<T: Collection>(rules: &AccessRules, id: &str) -> Result<T, GraphFault> {
    let wanted = id.to_ascii_lowercase();
    let found = T::all(rules).into_iter().find(|one| key(one) == wanted);
    found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))
}

fn key<T: Kept>(kept: &T) -> String {
    kept.key().unwrap_or_default()
}

pub async fn post<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Document(document): Document,
) -> Result<Response, GraphError> {
    may_change::<T>(&graph, &caller, &[T::WRITE, T::NAME].concat()).await?;
    let new = read::<T>(&document)?;
    let made = graph.directory().create_rule(&caller.cx, new).await?;
    let rules = graph.directory().read_access_rules(&caller.cx).await?;
    let address = graph.address(&format!("{}/{}", T::SET, key(&made)));
    let of = Of {
        set: T::SET,
        select: None,
    };
    let answer = graph.one(&of, made.members(&rules), Note::recorded());
    Ok(created(answer, &address))
}

pub async fn patch<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Document(change): Document,
) -> Result<Response, GraphError> {
    let permissions = [T::WRITE, T::NAME].concat();
    may_change::<T>(&graph, &caller, &permissions).await?;
    let (id, directory) = (id.to_ascii_lowercase(), graph.directory());
    match version::expected::<T>(&headers) {
        Some(is_same) => {
            directory
                .update_unchanged_rule(&caller.cx, &id, change, is_same)
                .await?
        }
        None => directory.update_rule::<T>(&caller.cx, &id, change).await?,
    };
    Ok(done())
}

pub async fn delete<T: Collection>(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, GraphError> {
    may_change::<T>(&graph, &caller, T::WRITE).await?;
    let (id, directory) = (id.to_ascii_lowercase(), graph.directory());
    match version::expected::<T>(&headers) {
        Some(is_same) => directory.delete_unchanged_rule(&caller.cx, &id, is_same).await?,
        None => directory.delete_rule::<T>(&caller.cx, &id).await?,
    }
    Ok(done())
}

/// The addresses of conditional access.
pub fn routes() -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let context = read_by(get::<AuthenticationContext>)
        .patch(collections::put_context)
        .delete(delete::<AuthenticationContext>);
    let defaults = read_by(security_defaults::get).patch(security_defaults::patch);
    let routes = deleted::routes()
        .route(
            "/v1.0/identity/conditionalAccess/evaluate",
            only(act_by(evaluate::post)),
        )
        .route("/v1.0/identity/conditionalAccess/replay", only(act_by(replay::post)))
        .route(
            "/v1.0/identity/conditionalAccess/templates",
            only(read_by(templates::list)),
        )
        .route(
            "/v1.0/identity/conditionalAccess/templates/{id}",
            only(read_by(templates::get)),
        )
        .route(
            "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy",
            only(defaults),
        )
        .route(
            "/v1.0/policies/sessionLifetimePolicy",
            only(read_by(lifetime::get).patch(lifetime::patch)),
        )
        .route(
            "/v1.0/policies/signInProtectionPolicy",
            only(read_by(protection::get).patch(protection::patch)),
        )
        .route(
            "/v1.0/policies/tokenClaimsPolicy",
            only(read_by(protection::get_claims).patch(protection::patch_claims)),
        )
        .route(
            &format!("/v1.0/{}", AuthenticationContext::SET),
            all::<AuthenticationContext>(),
        )
        .route(&format!("/v1.0/{}/{{id}}", AuthenticationContext::SET), only(context));
    let routes = collection::<Policy>(routes, Policy::SET);
    let routes = collection::<NamedLocation>(routes, NamedLocation::SET);
    let routes = strengths_at(routes, AuthenticationStrength::SET);
    strengths_at(routes, "identity/conditionalAccess/authenticationStrength/policies")
}

fn all<T: Collection>() -> MethodRouter<Graph> {
    read_by(list::<T>).post(post::<T>).fallback(unsupported::any)
}

/// A collection at this address.
pub(super) fn collection<T: Collection>(routes: Router<Graph>, path: &str) -> Router<Graph> {
    let one = read_by(get::<T>).patch(patch::<T>).delete(delete::<T>);
    let routes = routes.route(&format!("/v1.0/{path}"), all::<T>());
    routes.route(&format!("/v1.0/{path}/{{id}}"), one.fallback(unsupported::any))
}

/// Strengths at this address, with what they have beside themselves.
fn strengths_at(routes: Router<Graph>, path: &str) -> Router<Graph> {
    let only = |route: MethodRouter<Graph>| route.fallback(unsupported::any);
    let one = format!("/v1.0/{path}/{{id}}");
    let inner = read_by(strengths::configuration)
        .patch(strengths::update_configuration)
        .delete(strengths::delete_configuration);
    let inners = read_by(strengths::configurations).post(strengths::create_configuration);
    collection::<AuthenticationStrength>(routes, path)
        .route(&format!("{one}/usage"), only(read_by(strengths::usage)))
        .route(&format!("{one}/usage()"), only(read_by(strengths::usage)))
        .route(
            &format!("{one}/updateAllowedCombinations"),
            only(act_by(strengths::update_combinations)),
        )
        .route(&format!("{one}/combinationConfigurations"), only(inners))
        .route(&format!("{one}/combinationConfigurations/{{inner}}"), only(inner))
}
