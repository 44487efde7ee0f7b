//! `directoryAudit`, and the alerts [ours]: <https://learn.microsoft.com/graph/api/resources/directoryaudit>.

use serde_json::{Map, Value};

use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

const USER: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("displayName", TEXT),
    Property::new("ipAddress", TEXT),
    Property::new("userPrincipalName", TEXT),
];

const APP: &[Property] = &[
    Property::new("appId", TEXT),
    Property::new("displayName", TEXT),
    Property::new("servicePrincipalId", TEXT),
    Property::new("servicePrincipalName", TEXT),
];

const INITIATOR: &[Property] = &[
    Property::new("user", Kind::Complex(USER)),
    Property::new("app", Kind::Complex(APP)),
];

const MODIFIED: &[Property] = &[
    Property::new("displayName", TEXT),
    Property::new("oldValue", TEXT),
    Property::new("newValue", TEXT),
];

const TARGET: &[Property] = &[
    Property::new("id", TEXT),
    Property::new("displayName", TEXT),
    Property::new("type", TEXT),
    Property::new("userPrincipalName", TEXT),
    Property::new("groupType", TEXT),
    Property::new("modifiedProperties", Kind::List(&Kind::Complex(MODIFIED))),
];

const KEY_VALUE: &[Property] = &[Property::new("key", TEXT), Property::new("value", TEXT)];

/// A change.
pub static DIRECTORY_AUDIT: EntityType = EntityType {
    name: "directoryAudit",
    properties: &[
        Property::new("id", TEXT),
        Property::new("category", TEXT),
        Property::new("correlationId", TEXT),
        Property::new("result", TEXT),
        Property::new("resultReason", TEXT),
        Property::new("activityDisplayName", TEXT),
        Property::new("activityDateTime", Kind::Instant),
        Property::new("loggedByService", TEXT),
        Property::new("operationType", TEXT),
        Property::new("initiatedBy", Kind::Complex(INITIATOR)),
        Property::new("targetResources", Kind::List(&Kind::Complex(TARGET))),
        Property::new("additionalDetails", Kind::List(&Kind::Complex(KEY_VALUE))),
    ],
    navigations: &[],
};

/// An alert.
pub static ALERT: EntityType = EntityType {
    name: "alert",
    properties: &[
        Property::new("id", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("alertType", TEXT),
        Property::new("title", TEXT),
        Property::new("severity", TEXT),
        Property::new("initiatedBy", Kind::Complex(INITIATOR)),
        Property::new("targetResources", Kind::List(&Kind::Complex(TARGET))),
        Property::new("correlationId", TEXT),
        Property::new("source", TEXT),
        Property::new("sourceId", TEXT),
    ],
    navigations: &[],
};

/// The members of an entry in the order of its type.
pub fn logged(entity: &'static EntityType, mut given: Map<String, Value>) -> Map<String, Value> {
    let found = entity.properties.iter().filter_map(|property| {
        let value = given.remove(property.name)?;
        Some((property.name, value))
    });
    super::filled(entity, found.collect::<Vec<_>>())
}
