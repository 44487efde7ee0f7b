//! `group`: <https://learn.microsoft.com/graph/api/resources/group>.

use hygie_directory::Group;
use serde_json::{Map, Value};

use super::{add_profile, filled, security_identifier};
use hygie_odata::{EntityType, Kind, Property};

const TEXT: Kind = Kind::Text;

/// Its type.
pub static GROUP: EntityType = EntityType {
    name: "group",
    properties: &[
        Property::new("id", TEXT),
        Property::ordered("displayName"),
        Property::ordered("description"),
        Property::new("mail", TEXT),
        Property::new("mailEnabled", Kind::Flag),
        Property::ordered("mailNickname"),
        Property::new("securityEnabled", Kind::Flag),
        Property::new("groupTypes", Kind::List(&Kind::Text)),
        Property::new("membershipRule", TEXT),
        Property::new("membershipRuleProcessingState", TEXT),
        Property::new("isAssignableToRole", Kind::Flag),
        Property::new("visibility", TEXT),
        Property::new("securityIdentifier", TEXT),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("deletedDateTime", Kind::Instant),
        Property::new("onPremisesSyncEnabled", Kind::Flag),
        Property::new("onPremisesSamAccountName", TEXT),
        Property::new("onPremisesSecurityIdentifier", TEXT),
        Property::new("onPremisesDomainName", TEXT),
        Property::new("onPremisesLastSyncDateTime", Kind::Instant),
    ],
    navigations: &[
        "members",
        "owners",
        "memberOf",
        "transitiveMemberOf",
        "transitiveMembers",
    ],
};

/// Its JSON: every group of ours is a security group without mail.
pub fn group(group: &Group) -> Map<String, Value> {
    let mut members = filled(
        &GROUP,
        [
            ("id", group.id.to_string().into()),
            ("displayName", group.display_name.clone().into()),
            ("mailEnabled", false.into()),
            ("securityEnabled", true.into()),
            ("securityIdentifier", security_identifier(group.id.uuid()).into()),
            ("createdDateTime", group.created_at.to_rfc3339().into()),
        ],
    );
    add_profile(&mut members, &group.profile);
    members
}
