//! The concrete resource types of R4, by number.

use std::fmt;
use std::str::FromStr;

use crate::names::Name;
use crate::tables::definitions;

/// A concrete resource type. Its number is part of the stored index and never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(pub(crate) u16);

/// A name that is no concrete R4 resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a resource type of FHIR R4")]
pub struct UnknownType;

impl ResourceType {
    /// The stored number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The type with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        definitions().resources.has_number(number).then_some(Self(number))
    }

    /// The type with this name.
    pub fn find(name: &str) -> Option<Self> {
        definitions().resources.by_name(Name::find(name))
    }

    /// All types, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        definitions().resources.all()
    }

    /// One more than the largest number: the length of an array indexed by type.
    pub fn count() -> usize {
        definitions().resources.end()
    }

    /// Its name, `Patient`.
    pub fn name(self) -> &'static str {
        definitions().resources.text(self)
    }
}

impl FromStr for ResourceType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        Self::find(name).ok_or(UnknownType)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_146_types_of_r4_have_stable_numbers() {
        assert_eq!(ResourceType::all().count(), 146);
        assert_eq!(ResourceType::find("Account").map(ResourceType::number), Some(1));
        assert_eq!(
            ResourceType::find("VisionPrescription").map(ResourceType::number),
            Some(146)
        );
        assert_eq!(ResourceType::find("DomainResource"), None);
        assert_eq!(ResourceType::from_number(0), None);
        for kind in ResourceType::all() {
            assert_eq!(ResourceType::find(kind.name()), Some(kind));
            assert_eq!(ResourceType::from_number(kind.number()), Some(kind));
        }
    }
}
