//! The interactions of the FHIR API, independent of HTTP: a request value is prepared outside of the store's writer
//! (authorized, parsed, validated, indexed), then run over the resources of a transaction. Batch and transaction run
//! the same values. <http://hl7.org/fhir/R4/http.html>

mod condition;
mod create;
mod delete;
mod error;
mod history;
mod includes;
mod patch;
mod read;
mod search;
mod update;

use futures_util::future::BoxFuture;
use hygie_fhir_model::json::Document;
use hygie_fhir_model::{Id, Name, ResourceType, Subset, validate};
use hygie_fhir_store::repo::{Change, Content, Method, Resources, Version, Write};
use hygie_store::audit::Record;
use hygie_store::blobs::Stored;

pub use condition::{Condition, Match, Subject, pairs};
pub use create::{Create, new_id};
pub use delete::Delete;
pub use error::Error;
pub use history::{History, Of};
pub use includes::Includes;
pub use patch::{Allowance, Instructions, Patch};
pub use read::{Read, Unless, Vread};
pub use search::Search;
pub use update::{IfMatch, Update};

use crate::service::{Fhir, Mandate, Work};

/// A prepared interaction. There is no other way to one than the `prepare` of its type, which authorizes it.
pub enum Interaction {
    /// `POST {type}`
    Create(Create),
    /// `GET {type}/{id}`
    Read(Read),
    /// `GET {type}/{id}/_history/{vid}`
    Vread(Vread),
    /// `PUT {type}/{id}`, `PUT {type}?…`
    Update(Update),
    /// `PATCH {type}/{id}`, `PATCH {type}?…`
    Patch(Patch),
    /// `DELETE {type}/{id}`, `DELETE {type}?…`
    Delete(Delete),
    /// `GET {type}/{id}/_history`, `GET {type}/_history`, `GET _history`
    History(History),
    /// `GET {type}?…`
    Search(Search),
    /// `GET {type}/$includes?…`
    Includes(Includes),
}

/// What an interaction found or did.
#[derive(Debug)]
pub enum Answer {
    /// The version that was asked for.
    Found(Version),
    /// The version that was asked for is the one that the client has.
    NotModified(Version),
    /// A first version, or one after a deletion.
    Created(Version),
    /// A version after others.
    Updated(Version),
    /// Nothing was written: this resource meets the condition already.
    Matched(Version),
    /// Deleted: the version that says so.
    Deleted(Version),
    /// So many are deleted.
    DeletedSeveral(usize),
    /// There was nothing to delete; the version that says so, unless there never was any.
    Absent(Option<Version>),
    /// Versions.
    List(List),
}

/// A page of versions.
#[derive(Debug)]
pub struct List {
    /// `searchset` or `history`.
    pub kind: ListKind,
    /// Of all pages, when known.
    pub total: Option<u64>,
    /// This page, in order.
    pub versions: Vec<Version>,
    /// What comes with it.
    pub included: Vec<Version>,
    /// What is shown of each; `None` for the whole.
    pub part: Option<Subset>,
    /// Path and query of this page under the base, without the parameter that says where it begins.
    pub link: String,
    /// The name of that parameter.
    pub parameter: &'static str,
    /// What the query of this page has there.
    pub this: Option<String>,
    /// What the query of the next page has there.
    pub next: Option<String>,
    /// Other links: what they are, and their path and query.
    pub others: Vec<(&'static str, String)>,
    /// What was not done as asked.
    pub warnings: Vec<String>,
    /// How it was found, when that was asked.
    pub explained: Option<String>,
}

/// What kind of list a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Current versions that match a search.
    Search,
    /// Versions of a resource, of a type, of everything.
    History,
}

/// Where a page begins: the parameter of our `next` links, named as in Azure.
const CONTINUATION: &str = "ct";

impl Answer {
    /// Whether the transaction recorded it in the audit trail, as it does with what it writes.
    pub const fn is_recorded(&self) -> bool {
        match self {
            Self::DeletedSeveral(count) => *count > 0,
            _ => matches!(self, Self::Created(_) | Self::Updated(_) | Self::Deleted(_)),
        }
    }
}

impl Interaction {
    /// Does it. The patches of one request share what is allowed.
    pub async fn settle(self, fhir: &Fhir, mandate: &Mandate, allowed: &Allowance) -> Result<Answer, Error> {
        match self {
            Self::Patch(patch) => patch.settle(fhir, mandate, allowed).await,
            other => fhir.run(&mandate.cx, other).await,
        }
    }
}

impl Work for Interaction {
    type Outcome = Answer;

    fn is_write(&self) -> bool {
        matches!(
            self,
            Self::Create(_) | Self::Update(_) | Self::Patch(_) | Self::Delete(_)
        )
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Answer, Error>> {
        match self {
            Self::Create(create) => Box::pin(create.run(resources)),
            Self::Read(read) => Box::pin(read.run(resources)),
            Self::Vread(vread) => Box::pin(vread.run(resources)),
            Self::Update(update) => Box::pin(update.run(resources)),
            Self::Patch(patch) => Box::pin(patch.run(resources)),
            Self::Delete(delete) => Box::pin(delete.run(resources)),
            Self::History(history) => Box::pin(history.run(resources)),
            Self::Search(search) => Box::pin(search.run(resources)),
            Self::Includes(includes) => Box::pin(includes.run(resources)),
        }
    }
}

/// A resource that is to be written.
pub enum Body {
    /// As received.
    Bytes(Vec<u8>),
    /// Of an entry of a bundle.
    Tree(Document),
    /// A Binary whose content is stored already.
    Large(Document, Stored),
}

impl Body {
    /// The resource: JSON within the limits, of the type that the address names, valid; and its content outside of it.
    fn parse(self, fhir: &Fhir, kind: ResourceType) -> Result<(Document, Option<Stored>), Error> {
        let (document, large) = match self {
            Self::Bytes(bytes) => (Document::parse(bytes, &fhir.limits().json())?, None),
            Self::Tree(document) => (document, None),
            Self::Large(document, stored) => (document, Some(stored)),
        };
        let named = document.root().get_text(Name::RESOURCE_TYPE);
        let named = named.and_then(|name| ResourceType::find(&name));
        if named.is_some_and(|named| named != kind) {
            return Err(Error::OtherType { expected: kind });
        }
        validate(&document)?;
        Ok((document, large))
    }
}

/// A resource made ready to be written.
fn content(fhir: &Fhir, kind: ResourceType, (document, large): (Document, Option<Stored>)) -> Content {
    let content = fhir.settings().repository.content(kind, document);
    match large {
        Some(stored) => content.with_large(stored),
        None => content,
    }
}

/// A write that is asked, before its content is received, what it would be refused for: conditions, the version that it
/// goes on top of, space.
pub struct Before(pub Interaction);

impl Work for Before {
    /// The resource that meets the condition of a create already.
    type Outcome = Option<Version>;

    /// What refuses writes refuses it.
    fn is_write(&self) -> bool {
        true
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Option<Version>, Error>> {
        Box::pin(async move {
            match &self.0 {
                Interaction::Create(create) => create.find(resources).await,
                Interaction::Update(update) => update.find(resources).await.map(|_| None),
                _ => Ok(None),
            }
        })
    }
}

/// Writes a version and its audit record.
async fn write(
    resources: &mut Resources<'_, '_>,
    (kind, id): (ResourceType, &Id),
    write: Write<'_>,
    current: Option<&Version>,
) -> Result<Version, Error> {
    let change = Change {
        kind,
        id,
        updated: resources.tx().cx().now,
        write,
    };
    let version = resources.put(&change, current).await?;
    let action = match version.method {
        Method::Create => "fhir.create",
        Method::Update => "fhir.update",
        Method::Delete => "fhir.delete",
    };
    let object = format!("{kind}/{id}/_history/{}", version.number);
    let record = Record::success(resources.tx().cx(), action, object);
    resources.tx().audit(&record).await?;
    Ok(version)
}
