//! `domain`: <https://learn.microsoft.com/graph/api/resources/domain>.

use hygie_odata::{EntityType, Kind, Property};
use serde_json::{Map, Value};

use super::filled;

const TEXT: Kind = Kind::Text;
/// What Entra ID says of passwords that do not expire.
const NEVER: u32 = 2_147_483_647;

/// Its type.
pub static DOMAIN: EntityType = EntityType {
    name: "domain",
    properties: &[
        Property::new("id", TEXT),
        Property::new("authenticationType", TEXT),
        Property::new("availabilityStatus", TEXT),
        Property::new("isAdminManaged", Kind::Flag),
        Property::new("isDefault", Kind::Flag),
        Property::new("isInitial", Kind::Flag),
        Property::new("isRoot", Kind::Flag),
        Property::new("isVerified", Kind::Flag),
        Property::new("model", TEXT),
        Property::new("passwordNotificationWindowInDays", Kind::Number),
        Property::new("passwordValidityPeriodInDays", Kind::Number),
        Property::new("state", Kind::Complex(&[])),
        Property::new("supportedServices", Kind::List(&Kind::Text)),
    ],
    navigations: &[],
};

/// The JSON of each domain of a tenant, the first of which is its default.
pub fn domains(names: &[String]) -> Vec<Map<String, Value>> {
    let is_under = |name: &str, other: &str| name.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'));
    let one = |(n, name): (usize, &String)| {
        filled(
            &DOMAIN,
            [
                ("id", name.clone().into()),
                ("authenticationType", "Managed".into()),
                ("isAdminManaged", true.into()),
                ("isDefault", (n == 0).into()),
                ("isInitial", (n == 0).into()),
                ("isRoot", (!names.iter().any(|other| is_under(name, other))).into()),
                // The operator of the installation gives a tenant its domains.
                ("isVerified", true.into()),
                ("passwordValidityPeriodInDays", NEVER.into()),
            ],
        )
    };
    names.iter().enumerate().map(one).collect()
}
