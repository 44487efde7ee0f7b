//! The objects of the directory as Graph shows them: the names and kinds of their members, and their JSON.
//!
//! A member that we do not keep is there with `null` or an empty list, as in Graph it is for an object without it.

mod agreement;
mod application;
mod conditional;
mod group;
mod organization;
mod service_principal;
mod user;

use hygie_directory::DirectoryObject;
use serde_json::{Map, Value};

pub use agreement::{ACCEPTANCE, AGREEMENT, AGREEMENT_FILE, acceptance};
pub use application::{APPLICATION, application};
pub use conditional::{CONFIGURATION, CONTEXT, NAMED_LOCATION, POLICY, SECURITY_DEFAULTS, STRENGTH, TEMPLATE};
pub use group::{GROUP, group};
pub use organization::{ORGANIZATION, organization};
pub use service_principal::{SERVICE_PRINCIPAL, service_principal};
pub use user::{USER, USER_DEFAULT, user};

use crate::odata::{EntityType, Kind};

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

/// What is shown of an entity: the selected members, in the order of its type.
pub fn shown(mut members: Map<String, Value>, select: Option<&[&'static str]>) -> Map<String, Value> {
    if let Some(select) = select {
        members.retain(|name, _| select.contains(&name.as_str()));
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
        };
        let members = super::user(&user);
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        let typed: Vec<&str> = USER.properties.iter().map(|property| property.name).collect();
        assert_eq!(names, typed);
        assert_eq!(members["businessPhones"], serde_json::json!([]));
        assert!(USER_DEFAULT.iter().all(|name| USER.find(name).is_some()));
        let some = shown(members, Some(&["userPrincipalName", "id"]));
        assert_eq!(
            Value::Object(some),
            serde_json::json!({"id": "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001", "userPrincipalName": "a@b.example"})
        );
    }
}
