//! patch, conditional patch. <http://hl7.org/fhir/R4/http.html#patch>
//!
//! A patch is applied to the resource as it is shown, outside of the store: to what a snapshot has, and where that is long
//! work beside the threads that answer requests. The transaction takes that over unless another write came between, and
//! then applies it again.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::Interaction as Permitted;
use hygie_fhir_model::json::{self, Document};
use hygie_fhir_model::patch::{MAX_WORK, PatchError};
use hygie_fhir_model::{ResourceType, patch, validate};
use hygie_fhir_store::repo::{Content, Repository, Resources, Version, Write};
use tokio::sync::Mutex;

use super::{Answer, Error, IfMatch, Subject, write};
use crate::service::{Fhir, Mandate, Work, beside};

/// So many bytes of resource may be gone through by the transaction itself.
const IN_TRANSACTION: usize = 1 << 20;

/// From so many bytes of resource times operations on it is applied beside the threads that answer requests.
const LARGE: usize = 256 * 1024;

/// How often a patch that takes more is made ready for another version.
const ATTEMPTS: usize = 4;

/// How many bytes of resource the patches of one request may still go through, one after the other.
pub struct Allowance(Mutex<usize>);

impl Default for Allowance {
    /// As much as a patch alone may.
    fn default() -> Self {
        Self(Mutex::new(MAX_WORK))
    }
}

/// A resource that is to be patched.
#[derive(Clone)]
pub struct Patch {
    asked: Arc<Asked>,
    ready: Option<Ready>,
}

struct Asked {
    kind: ResourceType,
    subject: Subject,
    patch: patch::Patch,
    if_match: Option<IfMatch>,
    limits: json::Limits,
    repository: Repository,
}

/// What a version becomes.
#[derive(Clone)]
struct Ready {
    /// The record of the version before.
    seq: i64,
    content: Arc<Content>,
}

/// What says how to patch.
pub enum Instructions {
    /// JSON Patch.
    Json(Vec<u8>),
    /// FHIRPath Patch: a Parameters resource.
    Fhir(Vec<u8>),
    /// The same in a bundle.
    Tree(Document),
}

impl Patch {
    /// A patch of what the address names.
    pub fn prepare(
        fhir: &Fhir,
        mandate: &Mandate,
        (kind, subject): (ResourceType, Subject),
        instructions: Instructions,
        if_match: Option<&str>,
    ) -> Result<Self, Error> {
        let asked = subject.permitted((Permitted::Patch, Permitted::ConditionalPatch));
        mandate.check(asked, kind)?;
        let limits = fhir.limits().json();
        let patch = match instructions {
            Instructions::Json(bytes) => patch::Patch::json(&Document::parse(bytes, &limits)?)?,
            Instructions::Fhir(bytes) => patch::Patch::fhir(&Document::parse(bytes, &limits)?)?,
            Instructions::Tree(document) => patch::Patch::fhir(&document)?,
        };
        let asked = Asked {
            kind,
            subject,
            patch,
            if_match: if_match.map(str::parse).transpose()?,
            limits,
            repository: fhir.settings().repository.clone(),
        };
        Ok(Self {
            asked: Arc::new(asked),
            ready: None,
        })
    }

    /// Writes what the resource becomes.
    pub async fn run(&self, resources: &mut Resources<'_, '_>) -> Result<Answer, Error> {
        let current = self.asked.find(resources).await?;
        let content = match &self.ready {
            Some(ready) if ready.seq == current.seq => ready.content.clone(),
            _ => match self.asked.content(&current, &mut { IN_TRANSACTION }) {
                Err(Error::Patch(PatchError::TooCostly)) => return Err(Error::Moved),
                content => Arc::new(content?),
            },
        };
        let named = (self.asked.kind, &current.id);
        let version = write(resources, named, Write::Update(&content), Some(&current)).await?;
        Ok(Answer::Updated(version))
    }

    /// Patches, as often as another write comes between.
    pub async fn settle(mut self, fhir: &Fhir, mandate: &Mandate, allowed: &Allowance) -> Result<Answer, Error> {
        for _ in 0..ATTEMPTS {
            self.make_ready(fhir, mandate, allowed).await?;
            match fhir.run(&mandate.cx, super::Interaction::Patch(self.clone())).await {
                Err(Error::Moved) => {}
                outcome => return outcome,
            }
        }
        Err(Error::Moved)
    }

    /// Applies it to what is there now.
    pub async fn make_ready(&mut self, fhir: &Fhir, mandate: &Mandate, allowed: &Allowance) -> Result<(), Error> {
        let current = fhir.run(&mandate.cx, Look(self.asked.clone())).await?;
        let seq = current.seq;
        let is_large = current.body.len().saturating_mul(self.asked.patch.count()) >= LARGE;
        let mut left = allowed.0.lock().await;
        let (asked, mut still) = (self.asked.clone(), *left);
        let (content, still) = beside(is_large, move || (asked.content(&current, &mut still), still)).await;
        *left = still;
        let content = Arc::new(content?);
        self.ready = Some(Ready { seq, content });
        Ok(())
    }
}

impl Asked {
    /// The version that is patched.
    async fn find(&self, resources: &mut Resources<'_, '_>) -> Result<Version, Error> {
        let current = self.subject.find(self.kind, resources).await?;
        if let Some(if_match) = self.if_match {
            if_match.check(current.as_ref())?;
        }
        super::read::present(current)
    }

    fn content(&self, current: &Version, left: &mut usize) -> Result<Content, Error> {
        let document = self.patch.apply(&current.stamped(), &self.limits, left)?;
        validate(&document)?;
        // Content outside of the database stays with a Binary, which is patched without it, unless the patch adds another.
        let has_data = document.root().find("data").is_some();
        let content = self.repository.content(self.kind, document);
        Ok(if has_data {
            content
        } else {
            content.keeping_large(current)
        })
    }
}

/// The version that is patched, in a snapshot.
struct Look(Arc<Asked>);

impl Work for Look {
    type Outcome = Version;

    fn is_write(&self) -> bool {
        false
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<Version, Error>> {
        Box::pin(self.0.find(resources))
    }
}
