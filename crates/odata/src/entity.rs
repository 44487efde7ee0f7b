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
    /// Whether it is a text that has an order.
    pub is_ordered: bool,
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
        Self {
            name,
            kind,
            is_ordered: false,
        }
    }

    /// A text that `ge` and `le` compare, as it is read: no id and no value of an enumeration, whose order is another one.
    pub const fn ordered(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Text,
            is_ordered: true,
        }
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
