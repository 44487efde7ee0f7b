//! The objects of the directory as Microsoft Graph shows them, apart from who may see them and where: the names and kinds of
//! their members, and their JSON; and bodies of requests as what they change ([`read_application`]).
//!
//! A member that we do not keep is there with `null` or an empty list, as in Graph it is for an object without it.
#![warn(missing_docs)]

mod agreement;
mod application;
mod body;
mod conditional;
mod consent;
mod domain;
mod federated;
mod group;
mod log;
mod organization;
mod permission;
mod principal_risk;
mod risk;
mod role;
mod service_principal;
mod sign_in;
mod trust;
mod user;

use hygie_core::Timestamp;
use hygie_directory::DirectoryObject;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use agreement::{ACCEPTANCE, AGREEMENT, AGREEMENT_FILE, acceptance};
pub use application::{APPLICATION, application};
pub use body::{ApplicationBody, nothing, read_application, read_key, read_keys};
pub use conditional::{
    CONFIGURATION, CONTEXT, NAMED_LOCATION, POLICY, SECURITY_DEFAULTS, STRENGTH, TEMPLATE, TOKEN_LIFETIME_POLICY,
};
pub use consent::{APP_CONSENT_REQUEST, USER_CONSENT_REQUEST};
pub use consent::{
    AUTHORIZATION_POLICY, CLASSIFICATION, INVITATION, PERMISSION_GRANT_POLICY, classification, document,
};
pub use domain::{DOMAIN, domains};
pub use federated::{FEDERATED, federated};
pub use group::{GROUP, group};
pub use log::{ALERT, DIRECTORY_AUDIT, logged};
pub use organization::{ORGANIZATION, organization};
pub use permission::{APP_ROLE_ASSIGNMENT, PERMISSION_GRANT, app_role_assignment, permission_grant};
pub use principal_risk::{
    PRINCIPAL_RISK_DETECTION, RISKY_PRINCIPAL, RISKY_PRINCIPAL_HISTORY, principal_history, principal_risk_detection,
    risky_principal,
};
pub use risk::{RISK_DETECTION, RISKY_USER, RISKY_USER_HISTORY, SUPPLIED_RISK, history, risk_detection, risky_user};
pub use role::{
    DIRECTORY_ROLE, DIRECTORY_ROLE_TEMPLATE, ROLE_ASSIGNMENT, ROLE_DEFINITION, directory_role, directory_role_template,
    role_assignment, role_definition, role_id,
};
pub use service_principal::{SERVICE_PRINCIPAL, service_principal};
pub use sign_in::SIGN_IN;
pub use trust::{AUTHORITY, FORMER_TRUST, PKI, authority, former_trust, list as revocation_list, pki};
pub use user::{USER, USER_DEFAULT, sign_in_activity, user};

use hygie_odata::{EntityType, Kind};

/// A member of a group, with its type.
pub fn directory_object(object: &DirectoryObject) -> (&'static EntityType, Map<String, Value>) {
    match object {
        DirectoryObject::User(found) => (&USER, user(found)),
        DirectoryObject::Group(found) => (&GROUP, group(found)),
        DirectoryObject::ServicePrincipal(found) => (
            &SERVICE_PRINCIPAL,
            service_principal(&hygie_directory::Presence {
                principal: found.clone(),
                names: Vec::new(),
                application: None,
                secrets: Vec::new(),
                certificates: Vec::new(),
            }),
        ),
    }
}

/// The members of a type in their order: those given, and nothing for the others.
fn filled(entity: &'static EntityType, given: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let mut members: Map<String, Value> = entity
        .properties
        .iter()
        .map(|property| {
            let nothing = match property.kind {
                Kind::List(_) => Value::Array(Vec::new()),
                _ => Value::Null,
            };
            (property.name.to_owned(), nothing)
        })
        .collect();
    for (name, value) in given {
        members.insert(name.to_owned(), value);
    }
    members
}

/// The same object, deleted at this instant.
pub fn deleted(mut members: Map<String, Value>, at: Timestamp) -> Map<String, Value> {
    members.insert("deletedDateTime".to_owned(), at.to_rfc3339().into());
    members
}

/// Adds the members of a profile that the type shows under their own names.
fn add_profile<T: Serialize>(members: &mut Map<String, Value>, profile: &T) {
    let Ok(Value::Object(all)) = serde_json::to_value(profile) else {
        return;
    };
    for (name, value) in all {
        if let Some(member) = members.get_mut(&name) {
            *member = value;
        }
    }
}

/// The security identifier of an object: `S-1-12-1` and its id as four numbers, the least byte of each first.
fn security_identifier(id: Uuid) -> String {
    let bytes = id.to_bytes_le();
    let numbers = bytes.chunks_exact(4).map(|part| {
        let number = part
            .iter()
            .rev()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        format!("-{number}")
    });
    format!("S-1-12-1{}", numbers.collect::<String>())
}

/// What is shown of an entity: the selected members, in the order of its type, and of which type it is where that is said.
pub fn shown(mut members: Map<String, Value>, select: Option<&[&'static str]>) -> Map<String, Value> {
    if let Some(select) = select {
        members.retain(|name, _| name == "@odata.type" || select.contains(&name.as_str()));
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entity_has_a_member_that_its_type_lacks() {
        let user = hygie_directory::User {
            id: "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().expect("an id"),
            user_principal_name: "a@b.example".to_owned(),
            display_name: "A".to_owned(),
            given_name: None,
            surname: None,
            mail: None,
            is_enabled: true,
            valid_from: hygie_core::Timestamp::from_secs(1),
            created_at: hygie_core::Timestamp::from_secs(1),
            password_at: None,
            profile: Box::new(hygie_directory::UserProfile {
                job_title: Some("Infirmière".to_owned()),
                ..hygie_directory::UserProfile::default()
            }),
        };
        let members = super::user(&user);
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        let typed: Vec<&str> = USER.properties.iter().map(|property| property.name).collect();
        assert_eq!(names, typed);
        assert_eq!(members["businessPhones"], serde_json::json!([]));
        assert_eq!(members["jobTitle"], "Infirmière");
        assert_eq!(
            members["securityIdentifier"],
            "S-1-12-1-1528798730-1277834407-1863279770-16789261"
        );
        assert!(USER_DEFAULT.iter().all(|name| USER.find(name).is_some()));
        let some = shown(members, Some(&["userPrincipalName", "id"]));
        assert_eq!(
            Value::Object(some),
            serde_json::json!({"id": "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001", "userPrincipalName": "a@b.example"})
        );
    }
}
