//! How a version is named and shown on the wire.

use hygie_fhir_model::Subset;
use hygie_fhir_model::json::Document;
use hygie_fhir_store::repo::{STORED, Version};

/// The weak entity tag of a version. <http://hl7.org/fhir/R4/http.html#versioning>
pub fn etag(number: u32) -> String {
    format!("W/\"{number}\"")
}

/// Where a version is.
pub fn location(base: &str, version: &Version) -> String {
    format!("{base}/{}/{}/_history/{}", version.kind, version.id, version.number)
}

/// A version as it is shown beside others, or after a write: without content that lies outside of the database, tagged so.
pub fn shown(version: &Version) -> String {
    let text = version.stamped();
    if version.large.is_none() {
        return text;
    }
    // What is stored is JSON: it was parsed when it came.
    match Document::parse(text.as_str(), &STORED) {
        Ok(document) => Subset::Data.cut(&document),
        Err(_) => text,
    }
}
