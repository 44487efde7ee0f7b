//! Changes of a policy: a partial document laid over a stored one, then read strictly.
//!
//! # Deviations
//!
//! Graph does not say what becomes of the members of an object that a change does not name. As OData 4.01 §11.4.3 has it
//! for complex properties they stay; a list is replaced as a whole, `null` unsets, and a strength, which is a reference,
//! is replaced.

use serde_json::{Map, Value};

use crate::json::{At, ReadError, Wrong};
use crate::policy::Policy;

/// What the service gives, and no client changes.
const READ_ONLY: [&str; 5] = [
    "id",
    "templateId",
    "createdDateTime",
    "modifiedDateTime",
    "deletedDateTime",
];
/// References to other resources.
const REFERENCES: [&str; 1] = ["authenticationStrength"];

impl Policy {
    /// The policy after a change; its instants are the caller's to set.
    pub fn patched(&self, change: &Value) -> Result<Self, ReadError> {
        let Value::Object(changes) = change else {
            return Err(At::Root.refuse(Wrong::NotA("an object")));
        };
        let mut document = self.to_json();
        let is_changed = |name: &&&str| {
            changes
                .get(**name)
                .is_some_and(|value| document.get(**name) != Some(value))
        };
        if let Some(name) = READ_ONLY.iter().find(is_changed) {
            return Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly));
        }
        if let Value::Object(members) = &mut document {
            lay_over(members, changes);
        }
        Self::from_json(&document)
    }
}

/// The depth is that of the stored document, which has the members of a policy and no others.
pub(crate) fn lay_over(stored: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, change) in changes {
        match (stored.get_mut(name), change) {
            (Some(Value::Object(before)), Value::Object(after)) if !REFERENCES.contains(&name.as_str()) => {
                lay_over(before, after);
            }
            _ => {
                stored.insert(name.clone(), change.clone());
            }
        }
    }
}
