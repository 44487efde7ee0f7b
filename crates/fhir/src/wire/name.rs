//! How a version is named on the wire.

use hygie_fhir_store::repo::Version;

/// The weak entity tag of a version. <http://hl7.org/fhir/R4/http.html#versioning>
pub fn etag(number: u32) -> String {
    format!("W/\"{number}\"")
}

/// Where a version is.
pub fn location(base: &str, version: &Version) -> String {
    format!("{base}/{}/{}/_history/{}", version.kind, version.id, version.number)
}
