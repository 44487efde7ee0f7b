//! Pages of a collection: the objects in the order of their ids, those that the query asks for, in its order.
//!
//! A page ends with the id of its last object, from which the next one goes on: an object that does not change is
//! neither skipped nor shown twice. So that a filter that finds little does not hold the caller up, a page may end
//! before it is full; its `@odata.nextLink` goes on there.

use std::cmp::Ordering;

use axum::response::Response;
use hygie_core::ObjectId;
use hygie_directory::Cursor;
use hygie_directory::repo::Place;
use hygie_jose::base64url;
use hygie_store::StoreError;
use hygie_web::audit::Note;
use serde_json::{Map, Value};

use super::answer::{Of, number_only};
use super::caller::Caller;
use crate::entity::shown;
use crate::{Graph, GraphFault};
use hygie_odata::{Direction, Order, Query, QueryError};

/// Objects that are read at once.
const CHUNK: u32 = 500;
/// Objects that are looked at for one page.
const MAX_LOOKED: usize = 10_000;
/// Objects that are counted, or sorted by another property than their id.
const MAX_COUNTED: usize = 200_000;
const MAX_SORTED: usize = 10_000;

/// An object with its id.
pub type Item = (ObjectId, Map<String, Value>);

/// A collection as it is shown.
pub struct Listed<'a> {
    /// Its name (`users`), and the path after `/v1.0/` by which it was asked for.
    pub set: &'a str,
    pub path: &'a str,
    /// The query.
    pub query: &'a Query,
    /// What is shown when nothing is selected; everything without it.
    pub default: Option<&'static [&'static str]>,
    /// How many there are without a filter, where that is known without looking at each.
    pub total: Option<usize>,
}

/// A place in the order of a collection, from which a page goes on.
pub trait Position: Clone {
    /// As `$skiptoken` has it.
    fn token(&self) -> String;
    /// From a token.
    fn read(token: &str) -> Option<Self>;
}

impl Position for ObjectId {
    fn token(&self) -> String {
        self.to_string()
    }

    fn read(token: &str) -> Option<Self> {
        token.parse().ok()
    }
}

impl Position for Place {
    fn token(&self) -> String {
        format!("{}.{}", base64url::encode(&self.key), self.id)
    }

    fn read(token: &str) -> Option<Self> {
        let (key, id) = token.split_once('.')?;
        let key = base64url::decode(key).ok()?;
        Some(Self {
            key,
            id: id.parse().ok()?,
        })
    }
}

/// What a page holds.
struct Page {
    items: Vec<Map<String, Value>>,
    count: Option<usize>,
    /// The page goes on after this place.
    next: Option<String>,
}

impl Graph {
    /// The page that the caller asks for, of objects that `fetch` reads in the order of their ids.
    pub(super) async fn list<F, Fut>(
        &self,
        caller: &Caller,
        listed: Listed<'_>,
        fetch: F,
    ) -> Result<Response, GraphFault>
    where
        F: Fn(Cursor) -> Fut,
        Fut: Future<Output = Result<Vec<Item>, StoreError>>,
    {
        let page = if listed.query.order.is_empty() {
            let fetch = |after, limit| fetch(Cursor { after, limit });
            by_place(&listed, fetch).await?
        } else {
            sorted(listed.query, fetch).await?
        };
        self.page(caller, &listed, page).await
    }

    /// The page that the caller asks for, of objects that `fetch` reads in the order that the query asks for: in that of
    /// their names.
    pub(super) async fn list_by_name<F, Fut>(
        &self,
        caller: &Caller,
        listed: Listed<'_>,
        fetch: F,
    ) -> Result<Response, GraphFault>
    where
        F: Fn(Option<Place>, u32) -> Fut,
        Fut: Future<Output = Result<Vec<(Place, Map<String, Value>)>, StoreError>>,
    {
        let page = by_place(&listed, fetch).await?;
        self.page(caller, &listed, page).await
    }

    async fn page(&self, caller: &Caller, listed: &Listed<'_>, page: Page) -> Result<Response, GraphFault> {
        let note = Note::new("graph.read", listed.set.to_owned());
        if let (true, Some(number)) = (caller.wants_number, page.count) {
            return Ok(number_only(number, note));
        }
        if caller.wants_references {
            return self.references(caller, listed, page);
        }
        let select = listed.query.select.as_deref();
        let view = listed.query.view().or(listed.default.map(<[_]>::to_vec));
        let mut items = Vec::new();
        for members in page.items {
            let id = members.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            let mut item = shown(members, view.as_deref());
            if let Some(id) = id {
                item.extend(self.expanded(caller, &listed.query.expand, id).await?);
            }
            items.push(item);
        }
        let next = page.next.map(|place| self.next_link(caller, listed.path, &place));
        let of = Of {
            set: listed.set,
            select,
        };
        Ok(self.many(&of, items, (page.count, next), note))
    }

    /// The addresses of what a page holds, and of the next page.
    fn references(&self, caller: &Caller, listed: &Listed<'_>, page: Page) -> Result<Response, GraphFault> {
        if listed.query.select.is_some() || !listed.query.expand.is_empty() {
            return Err(QueryError::Option("$select or $expand of $ref".to_owned()).into());
        }
        let address = |members: &Map<String, Value>| {
            let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
            let address = self.address(&format!("directoryObjects/{id}"));
            Map::from_iter([("@odata.id".to_owned(), address.into())])
        };
        let items = page.items.iter().map(address).collect();
        let path = format!("{}/$ref", listed.path);
        let next = page.next.map(|place| self.next_link(caller, &path, &place));
        let of = Of {
            set: "Collection($ref)",
            select: None,
        };
        let note = Note::new("graph.read", listed.set.to_owned());
        Ok(self.many(&of, items, (page.count, next), note))
    }

    /// The same, of objects that are all at hand.
    pub(super) async fn list_all(
        &self,
        caller: &Caller,
        listed: Listed<'_>,
        mut all: Vec<Item>,
    ) -> Result<Response, GraphFault> {
        all.sort_by_key(|(id, _)| *id);
        let fetch = async |at: Cursor| {
            let rest = all.iter().filter(|(id, _)| at.after.is_none_or(|after| *id > after));
            Ok(rest.take(at.limit as usize).cloned().collect())
        };
        self.list(caller, listed, fetch).await
    }

    /// The address of the next page: the same options, and where to go on.
    fn next_link(&self, caller: &Caller, path: &str, after: &str) -> String {
        let kept = caller
            .options
            .iter()
            .filter(|(name, _)| !name.trim_start_matches('$').eq_ignore_ascii_case("skiptoken"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("$skiptoken", after)
            .finish();
        // As Graph writes the names of options.
        format!("{}/v1.0/{path}?{}", self.0.base, query.replace("%24", "$"))
    }
}

fn place_of<P: Position>(query: &Query) -> Result<Option<P>, GraphFault> {
    let token = query.skip_token.as_deref();
    token
        .map(|token| P::read(token).ok_or(GraphFault::PageToken))
        .transpose()
}

fn is_asked_for(query: &Query, entity: &Value) -> bool {
    query.filter.as_ref().is_none_or(|filter| filter.matches(entity))
        && query.search.as_ref().is_none_or(|search| search.matches(entity))
}

fn members(entity: Value) -> Map<String, Value> {
    match entity {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Walks the objects from one place on, a chunk at a time, until `visit` has enough.
async fn walk<P, F, Fut>(
    mut after: Option<P>,
    fetch: F,
    mut visit: impl FnMut(P, Value) -> Result<Go, GraphFault>,
) -> Result<(), GraphFault>
where
    P: Position,
    F: Fn(Option<P>, u32) -> Fut,
    Fut: Future<Output = Result<Vec<(P, Map<String, Value>)>, StoreError>>,
{
    loop {
        let chunk = fetch(after, CHUNK).await?;
        after = chunk.last().map(|(place, _)| place.clone());
        let is_last = chunk.len() < CHUNK as usize;
        for (place, members) in chunk {
            if visit(place, Value::Object(members))? == Go::Enough {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

#[derive(PartialEq, Eq)]
enum Go {
    On,
    Enough,
}

async fn by_place<P, F, Fut>(listed: &Listed<'_>, fetch: F) -> Result<Page, GraphFault>
where
    P: Position,
    F: Fn(Option<P>, u32) -> Fut,
    Fut: Future<Output = Result<Vec<(P, Map<String, Value>)>, StoreError>>,
{
    let query = listed.query;
    let after: Option<P> = place_of(query)?;
    // As in Graph, the number is told with the first page.
    let is_counted = query.counts && after.is_none();
    let total = listed
        .total
        .filter(|_| query.filter.is_none() && query.search.is_none());
    let counts = is_counted && total.is_none();
    let (mut items, mut count, mut looked) = (Vec::new(), 0, 0);
    let (mut next, mut last) = (None, None);
    walk(after, fetch, |place: P, entity| {
        looked += 1;
        if looked > MAX_COUNTED {
            return Err(QueryError::TooComplex("$count").into());
        }
        if !is_asked_for(query, &entity) {
            let is_long = looked >= MAX_LOOKED && !counts;
            next = is_long.then_some(place);
            return Ok(if is_long { Go::Enough } else { Go::On });
        }
        count += 1;
        if items.len() < query.top as usize {
            items.push(members(entity));
            last = Some(place);
            return Ok(Go::On);
        }
        next.clone_from(&last);
        Ok(if counts { Go::On } else { Go::Enough })
    })
    .await?;
    Ok(Page {
        // What was passed over after a full page must not move its end.
        next: if items.len() < query.top as usize {
            next
        } else {
            next.and(last)
        }
        .map(|place| place.token()),
        items,
        count: total.filter(|_| is_counted).or(counts.then_some(count)),
    })
}

async fn sorted<F, Fut>(query: &Query, fetch: F) -> Result<Page, GraphFault>
where
    F: Fn(Cursor) -> Fut,
    Fut: Future<Output = Result<Vec<Item>, StoreError>>,
{
    let after: Option<ObjectId> = place_of(query)?;
    let fetch = |after, limit| fetch(Cursor { after, limit });
    let (mut all, mut looked) = (Vec::new(), 0);
    walk(None, fetch, |id, entity| {
        looked += 1;
        if looked > MAX_SORTED {
            return Err(QueryError::TooComplex("$orderby").into());
        }
        if is_asked_for(query, &entity) {
            all.push((id, entity));
        }
        Ok(Go::On)
    })
    .await?;
    // Stable: what is equal stays in the order of its ids.
    all.sort_by(|(_, one), (_, other)| compare(&query.order, one, other));
    let count = all.len();
    let begin = match after {
        None => 0,
        Some(last) => {
            let place = all.iter().position(|(id, _)| *id == last);
            place.ok_or(GraphFault::PageToken)? + 1
        }
    };
    let end = count.min(begin + query.top as usize);
    let next = (end < count).then(|| all[end - 1].0.to_string());
    let items = all.drain(begin..end).map(|(_, entity)| members(entity)).collect();
    Ok(Page {
        items,
        count: (query.counts && after.is_none()).then_some(count),
        next,
    })
}

fn compare(order: &[Order], one: &Value, other: &Value) -> Ordering {
    order
        .iter()
        .map(|key| {
            let ordering = values(&one[key.property], &other[key.property]);
            match key.direction {
                Direction::Ascending => ordering,
                Direction::Descending => ordering.reverse(),
            }
        })
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Nothing comes first; texts without case, instants as they are written.
fn values(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => one.as_i64().cmp(&other.as_i64()),
        (one, other) => other.is_null().cmp(&one.is_null()),
    }
}
