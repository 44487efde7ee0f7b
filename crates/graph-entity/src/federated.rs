//! `federatedIdentityCredential`: <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>.

use hygie_directory::FederatedCredential;
use serde_json::{Map, Value};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

/// Its type.
pub static FEDERATED: EntityType = EntityType {
    name: "federatedIdentityCredential",
    properties: &[
        Property::new("id", Kind::Text),
        Property::new("name", Kind::Text),
        Property::new("issuer", Kind::Text),
        Property::new("subject", Kind::Text),
        Property::new("description", Kind::Text),
        Property::new("audiences", Kind::List(&Kind::Text)),
    ],
    navigations: &[],
};

/// Its JSON.
pub fn federated(credential: &FederatedCredential) -> Map<String, Value> {
    filled(
        &FEDERATED,
        [
            ("id", credential.id.to_string().into()),
            ("name", credential.name.clone().into()),
            ("issuer", credential.issuer.clone().into()),
            ("subject", credential.subject.clone().into()),
            ("description", credential.description.clone().into()),
            ("audiences", credential.audiences.clone().into()),
        ],
    )
}
