//! patch, conditional patch. <http://hl7.org/fhir/R4/http.html#patch>
//!
//! A patch is applied to the resource as it is shown. It is applied in a snapshot first, outside of the store's writer;
//! the transaction takes that over unless another write came between, and then applies it again.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hygie_access::Interaction as Permitted;
use hygie_fhir_model::json::{self, Document};
use hygie_fhir_model::patch::{MAX_WORK, PatchError};
use hygie_fhir_model::{ResourceType, patch, validate};

use super::{Answer, Error, IfMatch, Subject, write};
use crate::repo::{Content, Repository, Resources, Version, Write};
use crate::service::{Fhir, Mandate, Work};

/// So many bytes of resource may be gone through by the transaction itself.
const IN_TRANSACTION: usize = 1 << 20;

/// How often a patch that takes more is made ready for another version.
const ATTEMPTS: usize = 4;

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
    pub async fn settle(mut self, fhir: &Fhir, mandate: &Mandate) -> Result<Answer, Error> {
        for _ in 0..ATTEMPTS {
            self.make_ready(fhir, mandate, MAX_WORK).await?;
            match fhir.run(&mandate.cx, super::Interaction::Patch(self.clone())).await {
                Err(Error::Moved) => {}
                outcome => return outcome,
            }
        }
        Err(Error::Moved)
    }

    /// Applies it to what is there now, going through `left` bytes at most; how many are left then.
    pub async fn make_ready(&mut self, fhir: &Fhir, mandate: &Mandate, left: usize) -> Result<usize, Error> {
        let (ready, left) = fhir.run(&mandate.cx, Look(self.asked.clone(), left)).await?;
        self.ready = Some(ready);
        Ok(left)
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
        Ok(self.repository.content(self.kind, document))
    }
}

/// What a patch makes of the version that is there in a snapshot, and how much may still be gone through.
struct Look(Arc<Asked>, usize);

impl Work for Look {
    type Outcome = (Ready, usize);

    fn is_write(&self) -> bool {
        false
    }

    fn run<'r>(&'r self, resources: &'r mut Resources<'_, '_>) -> BoxFuture<'r, Result<(Ready, usize), Error>> {
        Box::pin(async move {
            let current = self.0.find(resources).await?;
            let mut left = self.1;
            let content = Arc::new(self.0.content(&current, &mut left)?);
            let seq = current.seq;
            Ok((Ready { seq, content }, left))
        })
    }
}
