//! A stored resource as it is shown: the received bytes with `id`, `meta.versionId` and `meta.lastUpdated` of the server
//! in them, and nothing else changed. <http://hl7.org/fhir/R4/resource.html#Meta>

use hygie_fhir_model::Name;
use hygie_fhir_model::json::{Edit, Kind, quote};
use hygie_store::StoreError;

use crate::repo::{Version, stored};

/// The resource with what the server adds to it.
pub fn stamped(version: &Version) -> Result<String, StoreError> {
    let document = stored(version)?;
    let root = document.root();
    let number = format!("\"{}\"", version.number);
    let updated = quote(&version.updated.to_rfc3339());
    let mut edit = Edit::new(&document);
    edit.set(root, "id", quote(version.id.as_str()));
    match root.get(Name::META).filter(|meta| meta.kind() == Kind::Object) {
        Some(meta) => edit.set(meta, "versionId", number).set(meta, "lastUpdated", updated),
        None => edit.set(
            root,
            "meta",
            format!(r#"{{"versionId":{number},"lastUpdated":{updated}}}"#),
        ),
    };
    Ok(edit.finish())
}

/// The weak entity tag of a version. <http://hl7.org/fhir/R4/http.html#versioning>
pub fn etag(number: u32) -> String {
    format!("W/\"{number}\"")
}

/// Where a version is.
pub fn location(base: &str, version: &Version) -> String {
    format!("{base}/{}/{}/_history/{}", version.kind, version.id, version.number)
}
