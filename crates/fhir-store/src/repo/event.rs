//! What is told of each version: the FHIR events of Azure Health Data Services, in the transaction of their effect.
//! <https://learn.microsoft.com/azure/healthcare-apis/events/events-message-structure>,
//! <https://learn.microsoft.com/azure/event-grid/event-schema-azure-health-data-services>
//!
//! The subject is where the resource is, without `https://`. Each entry of a batch or transaction tells for itself, as do
//! the lines of a bulk load.
//!
//! # Deviations
//! - `resourceFhirAccount` and the subject have the path of the service as well: here several services share a host.

use hygie_store::outbox::Outbox;
use hygie_store::{StoreError, Tx};
use serde::Serialize;

use super::record::{Method, Version};

/// `data` of an event.
#[derive(Serialize)]
struct Changed<'v> {
    #[serde(rename = "resourceType")]
    kind: &'static str,
    #[serde(rename = "resourceFhirAccount")]
    account: &'v str,
    #[serde(rename = "resourceFhirId")]
    id: &'v str,
    #[serde(rename = "resourceVersionId")]
    version: u32,
}

/// How a service is called in its events: its address without the scheme.
pub fn account(base: &str) -> Box<str> {
    let account = base.split_once("://").map_or(base, |(_, account)| account);
    account.trim_end_matches('/').into()
}

/// Tells of a version that was written over `before`.
pub async fn tell(
    tx: &mut Tx<'_>,
    account: &str,
    version: &Version,
    before: Option<&Version>,
) -> Result<(), StoreError> {
    let kind = match version.method {
        Method::Delete => "Microsoft.HealthcareApis.FhirResourceDeleted",
        Method::Create | Method::Update if before.is_some_and(Version::is_there) => {
            "Microsoft.HealthcareApis.FhirResourceUpdated"
        }
        Method::Create | Method::Update => "Microsoft.HealthcareApis.FhirResourceCreated",
    };
    let changed = Changed {
        kind: version.kind.name(),
        account,
        id: version.id.as_str(),
        version: version.number,
    };
    let body = serde_json::to_vec(&changed).expect("texts and a number are JSON");
    let subject = format!("{account}/{}/{}", version.kind, version.id);
    Outbox(tx).emit(kind, &subject, &body).await
}
