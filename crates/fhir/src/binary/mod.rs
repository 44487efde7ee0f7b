//! Binary resources whose content lies outside of the database, sealed (`docs/adr/0021-fhir-binary.md`).
//! <http://hl7.org/fhir/R4/binary.html>
//!
//! Content that comes in its native form is received into a blob ([`receive`]), to which the version refers; the version
//! itself is the resource without `data`. Content that comes in a resource stays in it. Either is read as [`Octets`].
//!
//! # Deviations
//! - A body that is called JSON is content only when it is JSON and no Binary resource; what is no JSON is refused.
//! - `application/fhir+xml` is refused: the format is not offered, and a resource in it would be taken for content.
//! - In bundles, and in the answer to a write, a resource with content outside of the database comes without `data`, tagged
//!   `SUBSETTED`. A patch sees it without `data`, too, and keeps the content unless it adds `data`.

mod base64;
mod media;
mod octets;
mod receive;

use hygie_fhir_model::ResourceType;
use hygie_fhir_model::json::{Document, quote};

pub use base64::encoded;
pub use media::Media;
pub use octets::Octets;
pub use receive::{UPLOADS, receive};

/// Whether a type is this one.
pub fn is_binary(kind: ResourceType) -> bool {
    kind.name() == "Binary"
}

/// The resource of content that lies elsewhere, as JSON text.
pub fn resource(id: Option<&str>, media: &Media, security_context: Option<&str>) -> String {
    let mut text = r#"{"resourceType":"Binary""#.to_owned();
    if let Some(id) = id {
        text.push_str(&format!(r#","id":{}"#, quote(id)));
    }
    text.push_str(&format!(r#","contentType":{}"#, quote(media.as_str())));
    if let Some(reference) = security_context {
        text.push_str(&format!(r#","securityContext":{{"reference":{}}}"#, quote(reference)));
    }
    text.push('}');
    text
}

/// The text of a string among the members of a resource.
pub fn member(resource: &Document, name: &str) -> Option<String> {
    Some(resource.root().find(name)?.text()?.into_owned())
}
