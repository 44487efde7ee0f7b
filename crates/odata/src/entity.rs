//! What is known of a kind of entity: the names of its properties and what they hold.

/// A kind of entity.
#[derive(Debug, PartialEq, Eq)]
pub struct EntityType {
    /// Its name without namespace.
    pub name: &'static str,
    /// Its properties, in the order in which they are written.
    pub properties: &'static [Property],
    /// What it may be expanded by.
    pub navigations: &'static [&'static str],
}

/// A property.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, ids and enumerations included.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// An instant.
    Instant,
    /// Members of its own.
    Complex(&'static [Property]),
    /// Several.
    List(&'static Kind),
}

impl Property {
    /// A property.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}

impl EntityType {
    /// The property of this name, whatever its case.
    pub fn find(&self, name: &str) -> Option<&'static Property> {
        find(self.properties, name)
    }

    /// The navigation property of this name, whatever its case.
    pub fn find_navigation(&self, name: &str) -> Option<&'static str> {
        self.navigations
            .iter()
            .copied()
            .find(|known| known.eq_ignore_ascii_case(name))
    }
}

/// The property of this name, whatever its case.
pub(super) fn find(properties: &'static [Property], name: &str) -> Option<&'static Property> {
    properties.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}
