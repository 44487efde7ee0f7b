//! What the makers of authenticators say about them: metadata statements of the FIDO Alliance, supplied as a file.
//! <https://fidoalliance.org/specs/mds/fido-metadata-statement-v3.0-ps-20210518.html>
//!
//! The file is JSON: the payload of the metadata service (`{"entries": […]}`), a list of statements, or one statement. It
//! is the administrator's, so that its own signature is not looked at. Of each statement are read the model, its
//! description and its roots; models that are said to be broken are left out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hygie_policy::Aaguid;
use serde::Deserialize;
use uuid::Uuid;
use webauthn_rs_core::proto::{AttestationCaList, AttestationCaListBuilder};

/// Octets of a file.
const MAX_FILE: usize = 64 << 20;
/// Statements of a file, and roots of a statement.
const MAX_STATEMENTS: usize = 20_000;
const MAX_ROOTS: usize = 100;
/// What is said of a model that is not to be trusted (FIDO Metadata Service §3.1.4).
const BROKEN: [&str; 5] = [
    "REVOKED",
    "USER_VERIFICATION_BYPASS",
    "ATTESTATION_KEY_COMPROMISE",
    "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
];

/// Why a file of metadata is not read.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It is too large.
    #[error("the metadata of authenticators are too large")]
    TooLarge,
    /// It is not JSON of one of the forms.
    #[error("the metadata of authenticators cannot be read")]
    Json(#[from] serde_json::Error),
    /// A root is no certificate; tells the model.
    #[error("a root certificate of the authenticator {0} cannot be read")]
    Root(Uuid),
    /// No model is in it.
    #[error("the metadata name no FIDO2 authenticator")]
    Empty,
}

/// The models that are known, with their roots.
#[derive(Debug)]
pub struct Metadata {
    models: BTreeMap<Aaguid, String>,
    authorities: AttestationCaList,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    metadata_statement: Option<Statement>,
    #[serde(default)]
    status_reports: Vec<StatusReport>,
}

#[derive(Deserialize)]
struct StatusReport {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    /// Absent of authenticators that are not FIDO2.
    aaguid: Option<Uuid>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    attestation_root_certificates: Vec<String>,
}

impl Metadata {
    /// Reads a file.
    pub fn from_json(file: &[u8]) -> Result<Self, MetadataError> {
        if file.len() > MAX_FILE {
            return Err(MetadataError::TooLarge);
        }
        let (mut models, mut authorities) = (BTreeMap::new(), AttestationCaListBuilder::new());
        for statement in statements(file)? {
            let Some(aaguid) = statement.aaguid else { continue };
            let description: String = statement.description.chars().take(200).collect();
            for root in statement.attestation_root_certificates.iter().take(MAX_ROOTS) {
                let text: String = root.chars().filter(|c| !c.is_whitespace()).collect();
                let der = STANDARD.decode(text).map_err(|_| MetadataError::Root(aaguid))?;
                authorities
                    .insert_device_der(&der, aaguid, description.clone(), BTreeMap::new())
                    .map_err(|_| MetadataError::Root(aaguid))?;
            }
            models.insert(Aaguid::from_uuid(aaguid), description);
        }
        if models.is_empty() {
            return Err(MetadataError::Empty);
        }
        Ok(Self {
            models,
            authorities: authorities.build(),
        })
    }

    /// How many models are known.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Never: a file without models is refused.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// What the maker calls a model.
    pub fn model(&self, aaguid: Aaguid) -> Option<&str> {
        self.models
            .get(&aaguid)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    pub(crate) fn authorities(&self) -> &AttestationCaList {
        &self.authorities
    }
}

fn statements(file: &[u8]) -> Result<Vec<Statement>, MetadataError> {
    let document: serde_json::Value = serde_json::from_slice(file)?;
    let mut statements = if document.get("entries").is_some() {
        let payload: Payload = serde_json::from_value(document)?;
        let is_sound = |entry: &Entry| {
            !entry
                .status_reports
                .iter()
                .any(|report| BROKEN.contains(&report.status.as_str()))
        };
        let sound = payload.entries.into_iter().filter(is_sound);
        sound.filter_map(|entry| entry.metadata_statement).collect()
    } else if document.is_array() {
        serde_json::from_value::<Vec<Statement>>(document)?
    } else {
        vec![serde_json::from_value(document)?]
    };
    if statements.len() > MAX_STATEMENTS {
        return Err(MetadataError::TooLarge);
    }
    statements.retain(|statement| statement.aaguid.is_some());
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "90a3ccdf-635c-4729-a248-9b709135078f";

    #[test]
    fn forms_of_a_file() {
        let statement = format!(r#"{{"aaguid": "{ONE}", "description": "A key", "attestationRootCertificates": []}}"#);
        let sound = format!(
            r#"{{"entries": [{{"metadataStatement": {statement}, "statusReports": [{{"status": "FIDO_CERTIFIED"}}]}}]}}"#
        );
        for file in [statement.clone(), format!("[{statement}]"), sound] {
            let metadata = Metadata::from_json(file.as_bytes()).unwrap();
            assert_eq!(metadata.model(ONE.parse().unwrap()), Some("A key"), "{file}");
        }
        let broken = format!(
            r#"{{"entries": [{{"metadataStatement": {statement}, "statusReports": [{{"status": "REVOKED"}}]}}]}}"#
        );
        assert!(matches!(
            Metadata::from_json(broken.as_bytes()),
            Err(MetadataError::Empty)
        ));
        assert!(matches!(
            Metadata::from_json(b"{\"description\": \"U2F\"}"),
            Err(MetadataError::Empty)
        ));
        assert!(matches!(Metadata::from_json(b"x.y.z"), Err(MetadataError::Json(_))));
        let bad = format!(r#"{{"aaguid": "{ONE}", "attestationRootCertificates": ["AAAA"]}}"#);
        assert!(matches!(
            Metadata::from_json(bad.as_bytes()),
            Err(MetadataError::Root(_))
        ));
    }
}
