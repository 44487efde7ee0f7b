//! Resources and their versions over a transaction of the store.
//!
//! A version is one record of the journal ([`record`]); which version is current, and what its search parameters say, is
//! in the ordered index (`crate::index`). Both change together in [`Resources::put`], and [`Replay`] makes the index
//! changes of a record again at start.

pub mod codec;
mod event;
mod known;
mod record;
mod resources;
mod scan;
mod seam;
mod timeline;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_core::Timestamp;
use hygie_fhir_model::json::Document;
use hygie_fhir_model::{Id, ResourceType};
use hygie_store::blobs::{Reference, Stored};
use hygie_store::embedded::Replay;
use hygie_store::{StoreError, Tx};

pub use codec::Codec;
use known::Known;
pub use known::Learned;
pub use record::{Given, Method, Record, Version, decode, encode, encode_numbers};
pub use resources::{Reads, Resources, STORED, stored};
pub use scan::Current;
pub use seam::Seams;
pub use timeline::{Moment, Window};

use crate::index::Extract;
use crate::index::key::Kind;

/// The form of the index keys (`crate::index`), raised when a resource gives other keys than before: 3 since the lack of a
/// date has some, 4 since what was superseded has one by its time, 5 since those with a date tell how long it is. An index of
/// another form is made again at start.
const FORM: i64 = 5;

/// Tells what the search parameters of a resource say.
pub type Extractor = fn(ResourceType, &Document) -> Extract;

/// What reading and writing resources needs besides a transaction; one for each FHIR service. Cheap to clone.
#[derive(Clone)]
pub struct Repository(Arc<Inner>);

struct Inner {
    codec: Codec,
    known: Known,
    extractor: Extractor,
    form: i64,
    /// How the service is called in its events, where it tells of its changes.
    account: Option<Box<str>>,
}

impl Repository {
    /// That finds index entries with `extractor`.
    pub fn new(extractor: Extractor) -> Self {
        Self::of_form(FORM, extractor)
    }

    /// The same of the service at this address, which tells of each version in the outbox of its store.
    pub fn telling(extractor: Extractor, base: &str) -> Self {
        Self::with(FORM, extractor, Some(event::account(base)))
    }

    /// The same, whose index keys are of this form.
    pub fn of_form(form: i64, extractor: Extractor) -> Self {
        Self::with(form, extractor, None)
    }

    fn with(form: i64, extractor: Extractor, account: Option<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            codec: Codec::default(),
            known: Known::default(),
            extractor,
            form,
            account,
        }))
    }

    /// The resources of a transaction.
    pub fn resources<'t, 'e>(&self, tx: &'t mut Tx<'e>) -> Resources<'t, 'e> {
        Resources::new(tx, self.clone())
    }

    /// Remembers what a transaction looked up. Only for one that is committed, or that only reads.
    pub fn learn(&self, learned: Learned) {
        self.0.known.learn(learned);
    }

    /// The content of a version, made ready outside of the transaction: the writer is one thread.
    pub fn content(&self, kind: ResourceType, document: Document) -> Content {
        Content {
            extract: (self.0.extractor)(kind, &document),
            packed: self.0.codec.compress(document.source().as_bytes()),
            seams: Seams::of(&document),
            text: Arc::new(document.into_source()),
            large: None,
        }
    }
}

impl Replay for Repository {
    fn form(&self) -> i64 {
        self.0.form
    }

    fn scatters(&self, first: u8) -> bool {
        Kind::scatters(first)
    }

    fn replay<'t>(&'t self, tx: &'t mut Tx<'_>, seq: i64, record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move { self.resources(tx).replay(seq, record).await })
    }

    fn number<'t>(&'t self, tx: &'t mut Tx<'_>, record: &'t [u8]) -> BoxFuture<'t, Result<(), StoreError>> {
        Box::pin(async move { self.resources(tx).number(record).await })
    }
}

/// The body of a version with all that is made of it before the transaction.
#[derive(Clone, Debug, Default)]
pub struct Content {
    text: Arc<String>,
    packed: Vec<u8>,
    seams: Seams,
    extract: Extract,
    large: Option<Large>,
}

impl Content {
    /// With this large object, which becomes part of the data with the version.
    #[must_use]
    pub fn with_large(self, stored: Stored) -> Self {
        Self {
            large: Some(Large::New(stored)),
            ..self
        }
    }

    /// With the large object of the version before, if it has one.
    #[must_use]
    pub fn keeping_large(self, before: &Version) -> Self {
        Self {
            large: before.large.map(Large::Kept),
            ..self
        }
    }
}

/// Content that lies outside of the database.
#[derive(Clone, Copy, Debug)]
enum Large {
    /// Durable, and not yet referred to.
    New(Stored),
    /// That of an earlier version, which two then refer to.
    Kept(Reference),
}

impl Large {
    const fn reference(self) -> Reference {
        match self {
            Self::New(stored) => stored.reference,
            Self::Kept(reference) => reference,
        }
    }
}

/// A version that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Change<'c> {
    /// Type of the resource.
    pub kind: ResourceType,
    /// Its logical id.
    pub id: &'c Id,
    /// When.
    pub updated: Timestamp,
    /// What.
    pub write: Write<'c>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug)]
pub enum Write<'c> {
    /// Created under an id that the server gave.
    Create(&'c Content),
    /// Put under an id that the client knows, where it is there already or not.
    Update(&'c Content),
    /// Deleted.
    Delete,
}

impl<'c> Write<'c> {
    /// How the version came to be.
    pub const fn method(self) -> Method {
        match self {
            Self::Create(_) => Method::Create,
            Self::Update(_) => Method::Update,
            Self::Delete => Method::Delete,
        }
    }

    const fn content(self) -> Option<&'c Content> {
        match self {
            Self::Create(content) | Self::Update(content) => Some(content),
            Self::Delete => None,
        }
    }
}
