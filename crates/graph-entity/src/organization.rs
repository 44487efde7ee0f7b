//! `organization`: <https://learn.microsoft.com/graph/api/resources/organization>.

use hygie_directory::{NotificationMails, Tenant};
use serde_json::{Map, Value, json};

use super::filled;
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;
const DOMAIN: &[Property] = &[
    Property::new("capabilities", TEXT),
    Property::new("isDefault", Kind::Flag),
    Property::new("isInitial", Kind::Flag),
    Property::new("name", TEXT),
    Property::new("type", TEXT),
];

/// Its type.
pub static ORGANIZATION: EntityType = EntityType {
    name: "organization",
    properties: &[
        Property::new("id", TEXT),
        Property::new("displayName", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("tenantType", TEXT),
        Property::new("verifiedDomains", Kind::List(&Kind::Complex(DOMAIN))),
        Property::new("countryLetterCode", TEXT),
        Property::new("preferredLanguage", TEXT),
        Property::new("securityComplianceNotificationMails", Kind::List(&Kind::Text)),
        Property::new("technicalNotificationMails", Kind::List(&Kind::Text)),
    ],
    navigations: &[],
};

/// Its JSON.
pub fn organization(tenant: &Tenant, domains: &[String], mails: NotificationMails<Vec<String>>) -> Map<String, Value> {
    let domains = domains.iter().enumerate().map(|(n, name)| {
        json!({ "capabilities": "", "isDefault": n == 0, "isInitial": n == 0, "name": name, "type": "Managed" })
    });
    filled(
        &ORGANIZATION,
        [
            ("id", tenant.id.to_string().into()),
            ("displayName", tenant.display_name.clone().into()),
            ("createdDateTime", tenant.created_at.to_rfc3339().into()),
            ("tenantType", "AAD".into()),
            ("verifiedDomains", domains.collect()),
            ("securityComplianceNotificationMails", mails.security.into()),
            ("technicalNotificationMails", mails.technical.into()),
        ],
    )
}
