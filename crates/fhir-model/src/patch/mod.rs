//! Patches of resources: JSON Patch ([`json_patch`], RFC 6902) and FHIRPath Patch ([`fhir_patch`],
//! <http://hl7.org/fhir/R4/fhirpatch.html>).
//!
//! A patch is read once, then applied to the text of a resource, one operation after the other: all of them, or none.
//! What they do not name stays byte for byte. What is empty at the end, because a patch took its content away, goes too:
//! FHIR has no empty lists and objects.

mod element;
mod error;
mod fhir_patch;
mod json_patch;
mod path;
mod pointer;
mod value;

pub use error::{PatchError, Why};

use crate::json::{Document, Json, Kind, Limits};
use crate::names::Name;

/// Operations of a patch.
const MAX_OPERATIONS: usize = 1000;

/// Bytes of resource that a request may go through: each operation reads all of it, once for each filter of its path.
pub const MAX_WORK: usize = 64 << 20;

/// A patch that was read.
#[derive(Debug)]
pub struct Patch(Operations);

#[derive(Debug)]
enum Operations {
    Json(Vec<json_patch::Operation>),
    Fhir(Vec<fhir_patch::Operation>),
}

impl Patch {
    /// Reads a JSON Patch document: an array of operations.
    pub fn json(document: &Document) -> Result<Self, PatchError> {
        let root = document.root();
        if root.kind() != Kind::Array {
            return Err(PatchError::Form("a JSON Patch is an array of operations"));
        }
        let limits = Limits::default();
        let operations = read(root.items(), |item| json_patch::Operation::read(item, &limits))?;
        Ok(Self(Operations::Json(operations)))
    }

    /// Reads a FHIRPath Patch: a Parameters resource.
    pub fn fhir(document: &Document) -> Result<Self, PatchError> {
        let root = document.root();
        if root.get_text(Name::RESOURCE_TYPE).as_deref() != Some("Parameters") {
            return Err(PatchError::Form("a FHIRPath Patch is a Parameters resource"));
        }
        let parameters = root.find("parameter").into_iter().flat_map(Json::items);
        let operations = read(parameters, fhir_patch::Operation::read)?;
        Ok(Self(Operations::Fhir(operations)))
    }

    /// Number of its operations.
    pub fn count(&self) -> usize {
        match &self.0 {
            Operations::Json(operations) => operations.len(),
            Operations::Fhir(operations) => operations.len(),
        }
    }

    /// Applies it to a resource as it is shown, with the values of the server in it; the resource that comes out, which
    /// is JSON within the limits and not validated yet. `left` is how many bytes may be gone through, and is counted down.
    pub fn apply(&self, resource: &str, limits: &Limits, left: &mut usize) -> Result<Document, PatchError> {
        let whole = |why| PatchError::Operation { index: 0, why };
        let before = Document::parse(resource, limits).map_err(Why::Text).map_err(whole)?;
        let mut work = Work {
            document: before.clone(),
            limits,
            left,
        };
        match &self.0 {
            Operations::Json(operations) => {
                for (index, operation) in operations.iter().enumerate() {
                    work.step(index, 1, |document| operation.apply(document, limits))?;
                }
            }
            Operations::Fhir(operations) => {
                for (index, operation) in operations.iter().enumerate() {
                    work.step(index, operation.weight(), |document| operation.apply(document))?;
                }
            }
        }
        work.prune()?;
        work.spend(work.document.source().len())?;
        unchanged(&before, &work.document)?;
        Ok(work.document)
    }
}

fn read<'d, T>(
    items: impl Iterator<Item = Json<'d>>,
    one: impl Fn(Json<'d>) -> Result<T, Why>,
) -> Result<Vec<T>, PatchError> {
    let mut operations = Vec::new();
    for (index, item) in items.enumerate() {
        if index == MAX_OPERATIONS {
            return Err(PatchError::TooMany(MAX_OPERATIONS));
        }
        operations.push(one(item).map_err(PatchError::at(index))?);
    }
    Ok(operations)
}

/// A resource that is being patched.
struct Work<'l> {
    document: Document,
    limits: &'l Limits,
    left: &'l mut usize,
}

impl Work<'_> {
    fn spend(&mut self, bytes: usize) -> Result<(), PatchError> {
        *self.left = self.left.checked_sub(bytes).ok_or(PatchError::TooCostly)?;
        Ok(())
    }

    fn step(
        &mut self,
        index: usize,
        weight: usize,
        change: impl FnOnce(&Document) -> Result<Option<String>, Why>,
    ) -> Result<(), PatchError> {
        self.spend(self.document.source().len().saturating_mul(weight))?;
        if let Some(text) = change(&self.document).map_err(PatchError::at(index))? {
            let parsed = Document::parse(text, self.limits).map_err(Why::Text);
            self.document = parsed.map_err(PatchError::at(index))?;
        }
        Ok(())
    }

    /// Takes out what is empty, and then is empty without it.
    fn prune(&mut self) -> Result<(), PatchError> {
        while let Some(text) = empty(self.document.root()).and_then(Json::removed) {
            self.spend(text.len())?;
            let parsed = Document::parse(text, self.limits).map_err(Why::Text);
            self.document = parsed.map_err(PatchError::at(0))?;
        }
        Ok(())
    }
}

/// The first array or object below `value` that is empty; depth is bounded by that of documents.
fn empty(value: Json<'_>) -> Option<Json<'_>> {
    match value.kind() {
        Kind::Object => value.members().find_map(empty_or_within),
        Kind::Array => value.items().find_map(empty_or_within),
        _ => None,
    }
}

fn empty_or_within(child: Json<'_>) -> Option<Json<'_>> {
    let is_empty = match child.kind() {
        Kind::Object => child.members().next().is_none(),
        Kind::Array => child.items().next().is_none(),
        _ => return None,
    };
    if is_empty { Some(child) } else { empty(child) }
}

/// Whether what the server says of a resource is as it was. `meta` may be taken away or made anew without it.
fn unchanged(before: &Document, after: &Document) -> Result<(), PatchError> {
    let root = |document: &Document, name| document.root().get_text(name).map(std::borrow::Cow::into_owned);
    for (name, title) in [(Name::RESOURCE_TYPE, "resourceType"), (Name::ID, "id")] {
        if root(before, name) != root(after, name) {
            return Err(PatchError::Immutable(title));
        }
    }
    let meta = |document: &Document, name| {
        let meta = document.root().get(Name::META)?;
        meta.get(name).map(|value| value.raw().to_owned())
    };
    for (name, title) in [
        (Name::VERSION_ID, "meta.versionId"),
        (Name::LAST_UPDATED, "meta.lastUpdated"),
    ] {
        let said = meta(after, name);
        if said.is_some() && said != meta(before, name) {
            return Err(PatchError::Immutable(title));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
