//! Identifier URIs: what tokens are asked for, and made out to. Each names one application of the tenant, whether it has a
//! service principal there or not, and none is a name of the directory API.

use hygie_store::{StoreError, Tx};

use crate::repo::Applications;
use crate::{Application, DIRECTORY_API_NAMES, DirectoryError};

/// Refuses URIs of an application that name something else; those that it had before are let be.
pub(super) async fn check(
    tx: &mut Tx<'_>,
    after: &Application,
    before: Option<&Application>,
) -> Result<(), DirectoryError> {
    let had = before.map_or(&[][..], |before| &before.definition.identifier_uris[..]);
    let added: Vec<&String> = after
        .definition
        .identifier_uris
        .iter()
        .filter(|uri| !had.contains(uri))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let is_one_of = |uri: &str, all: &[&str]| all.iter().any(|other| key(other) == key(uri));
    if added.iter().any(|uri| is_one_of(uri, DIRECTORY_API_NAMES)) {
        return Err(DirectoryError::Value("identifierUris"));
    }
    for other in Applications(tx).list().await? {
        let theirs: Vec<&str> = other.definition.identifier_uris.iter().map(String::as_str).collect();
        if other.app != after.app && added.iter().any(|uri| is_one_of(uri, &theirs)) {
            let name = "an identifier URI of another application".into();
            return Err(StoreError::Duplicate(name).into());
        }
    }
    Ok(())
}

/// As URIs are compared: with or without a final slash they name the same, in whatever case.
fn key(uri: &str) -> String {
    uri.strip_suffix('/').unwrap_or(uri).to_ascii_lowercase()
}
