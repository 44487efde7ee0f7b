//! Where resources are written to: lines of NDJSON by type, or the entries of a transaction.

use uuid::Uuid;

use super::json::{Object, object};
use super::reference::{Kind, Reference};

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A file for each type, one resource a line.
    Ndjson,
    /// A transaction for each patient, and one for the professionals of each area.
    Bundle,
}

/// Resources of some patients, as text.
pub struct Sheaf {
    format: Format,
    /// By kind for NDJSON; for bundles the first alone.
    texts: [Vec<u8>; Kind::ALL.len()],
    /// Resources written, by kind.
    pub counts: [u64; Kind::ALL.len()],
}

impl Sheaf {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            texts: Default::default(),
            counts: [0; Kind::ALL.len()],
        }
    }

    /// Writes one resource.
    pub fn add(&mut self, kind: Kind, id: Uuid, members: impl FnOnce(&mut Object)) {
        self.counts[kind as usize] += 1;
        let resource = |resource: &mut Object| {
            resource.text("resourceType", kind.name());
            resource.id(id);
            members(resource);
        };
        if self.format == Format::Ndjson {
            let out = &mut self.texts[kind as usize];
            object(out, resource);
            out.push(b'\n');
            return;
        }
        let out = &mut self.texts[0];
        let before: &[u8] = if out.is_empty() {
            br#"{"resourceType":"Bundle","type":"transaction","entry":["#
        } else {
            b",\n"
        };
        out.extend_from_slice(before);
        object(out, |entry| {
            entry.object("resource", resource);
            entry.object("request", |request| {
                request.text("method", "PUT");
                request.target("url", Reference::to(kind, id));
            });
        });
    }

    /// Ends the bundle that was written so far.
    pub fn take_bundle(&mut self) -> Vec<u8> {
        let mut bundle = std::mem::take(&mut self.texts[0]);
        bundle.extend_from_slice(b"]}\n");
        bundle
    }

    /// The lines of each kind that has some.
    pub fn take_lines(&mut self) -> impl Iterator<Item = (Kind, Vec<u8>)> {
        let texts = Kind::ALL.into_iter().zip(std::mem::take(&mut self.texts));
        texts.filter(|(_, text)| !text.is_empty())
    }
}
