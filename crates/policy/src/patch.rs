//! Changes in part: a partial document laid over a stored one, then read strictly.
//!
//! # Deviations
//!
//! Graph does not say what becomes of the members of an object that a change does not name. As OData 4.01 §11.4.3 has it
//! for complex properties they stay; a list is replaced as a whole, `null` unsets, and a strength, which is a reference,
//! is replaced.

use serde_json::{Map, Value};

use crate::json::{At, Member, ReadError, Wrong, read};
use crate::location::NamedLocation;
use crate::policy::{AuthenticationContext, Policy};
use crate::strength::{AuthenticationStrength, CombinationConfiguration};

/// References to other resources.
const REFERENCES: [&str; 1] = ["authenticationStrength"];

/// What can be changed in part.
pub trait Patch: Member {
    /// What the service gives, and no client changes.
    const READ_ONLY: &'static [&'static str];

    /// It after a change; its instants are the caller's to set.
    fn patched(&self, change: &Value) -> Result<Self, ReadError> {
        let Value::Object(changes) = change else {
            return Err(At::Root.refuse(Wrong::NotA("an object")));
        };
        let mut document = self.write();
        let is_changed = |name: &&&str| {
            changes
                .get(**name)
                .is_some_and(|value| document.get(**name) != Some(value))
        };
        if let Some(name) = Self::READ_ONLY.iter().find(is_changed) {
            return Err(At::Member(&At::Root, name).refuse(Wrong::ReadOnly));
        }
        if let Value::Object(members) = &mut document {
            lay_over(members, changes);
        }
        read(&document)
    }
}

impl Patch for Policy {
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "templateId",
        "createdDateTime",
        "modifiedDateTime",
        "deletedDateTime",
    ];
}

/// A location stays what it is: addresses or countries.
impl Patch for NamedLocation {
    const READ_ONLY: &'static [&'static str] = &[
        "@odata.type",
        "id",
        "createdDateTime",
        "modifiedDateTime",
        "deletedDateTime",
    ];
}

/// Combinations and their configurations have operations of their own.
impl Patch for AuthenticationStrength {
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "policyType",
        "requirementsSatisfied",
        "allowedCombinations",
        "combinationConfigurations",
        "createdDateTime",
        "modifiedDateTime",
    ];
}

/// A configuration stays for the method that it is for.
impl Patch for CombinationConfiguration {
    const READ_ONLY: &'static [&'static str] = &["@odata.type", "id"];
}

impl Patch for AuthenticationContext {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

impl Policy {
    /// The policy after a change; its instants are the caller's to set.
    pub fn patched(&self, change: &Value) -> Result<Self, ReadError> {
        Patch::patched(self, change)
    }
}

/// The depth is that of the stored document, which has the members of its type and no others.
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
