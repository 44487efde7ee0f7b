//! Names of R4 elements and types as small numbers, so that the tree, the schema and the search programs compare
//! integers instead of strings.

use crate::tables::definitions;

/// An interned name. Numbers are made anew at each start and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub(crate) u16);

impl Name {
    /// A name that no R4 element or type has.
    pub const UNKNOWN: Self = Self(0);

    /// The interned form of `text`; [`Name::UNKNOWN`] when no R4 element or type is called so.
    pub fn find(text: &str) -> Self {
        Names::get().find(text)
    }

    /// The name; empty for [`Name::UNKNOWN`].
    pub fn text(self) -> &'static str {
        Names::get().text(self)
    }
}

/// Names that code mentions: their numbers are known when it is compiled.
macro_rules! well_known {
    ($($constant:ident = $text:literal),+ $(,)?) => {
        #[expect(non_camel_case_types, reason = "variants only count the names")]
        #[expect(clippy::upper_case_acronyms, reason = "variants only count the names")]
        enum Position { UNKNOWN, $($constant),+ }
        impl Name {
            $(#[doc = concat!("`", $text, "`")] pub const $constant: Self = Self(Position::$constant as u16);)+
        }
        const WELL_KNOWN: &[&str] = &["", $($text),+];
        // The position of the unknown name is the constant above.
        const _: () = assert!(Position::UNKNOWN as u16 == Name::UNKNOWN.0);
    };
}

well_known! {
    RESOURCE_TYPE = "resourceType",
    ID = "id",
    META = "meta",
    VERSION_ID = "versionId",
    LAST_UPDATED = "lastUpdated",
    CONTAINED = "contained",
    EXTENSION = "extension",
    MODIFIER_EXTENSION = "modifierExtension",
    URL = "url",
    SYSTEM = "system",
    VERSION = "version",
    CODE = "code",
    DISPLAY = "display",
    CODING = "coding",
    TEXT = "text",
    VALUE = "value",
    TYPE = "type",
    IDENTIFIER = "identifier",
    REFERENCE = "reference",
    START = "start",
    END = "end",
    LOW = "low",
    HIGH = "high",
    UNIT = "unit",
    COMPARATOR = "comparator",
    CURRENCY = "currency",
    EVENT = "event",
    REPEAT = "repeat",
    BOUNDS_PERIOD = "boundsPeriod",
    FAMILY = "family",
    GIVEN = "given",
    PREFIX = "prefix",
    SUFFIX = "suffix",
    LINE = "line",
    CITY = "city",
    DISTRICT = "district",
    STATE = "state",
    POSTAL_CODE = "postalCode",
    COUNTRY = "country",
    RESOURCE = "resource",
    FULL_URL = "fullUrl",
    ENTRY = "entry",
    REQUEST = "request",
    METHOD = "method",
    IF_NONE_EXIST = "ifNoneExist",
    IF_MATCH = "ifMatch",
    DIV = "div",
}

/// All names, with an open-addressed hash table over them.
#[derive(Debug)]
pub struct Names {
    texts: Vec<&'static str>,
    slots: Vec<u16>,
}

impl Names {
    /// A power of two, several times the number of names (about 2 000).
    const SLOTS: usize = 1 << 13;

    pub(crate) fn new() -> Self {
        let mut names = Self {
            texts: Vec::with_capacity(2500),
            slots: vec![0; Self::SLOTS],
        };
        for text in WELL_KNOWN {
            names.push(text);
        }
        names
    }

    pub(crate) fn get() -> &'static Self {
        &definitions().names
    }

    /// The name of `text`, added when it is new. The table is ours: it fits.
    pub(crate) fn intern(&mut self, text: &'static str) -> Name {
        match self.find(text) {
            Name::UNKNOWN => self.push(text),
            name => name,
        }
    }

    /// As [`Self::intern`] for a made text; a new one is leaked, since names live as long as the program.
    pub(crate) fn intern_owned(&mut self, text: String) -> Name {
        match self.find(&text) {
            Name::UNKNOWN => self.push(text.leak()),
            name => name,
        }
    }

    fn push(&mut self, text: &'static str) -> Name {
        let number = self.texts.len() as u16;
        self.texts.push(text);
        if number != 0 {
            let mut slot = hash(text.as_bytes());
            while self.slots[slot % Self::SLOTS] != 0 {
                slot += 1;
            }
            self.slots[slot % Self::SLOTS] = number;
        }
        Name(number)
    }

    pub(crate) fn find(&self, text: &str) -> Name {
        let mut slot = hash(text.as_bytes());
        loop {
            let number = self.slots[slot % Self::SLOTS];
            if number == 0 || self.texts[usize::from(number)] == text {
                return Name(number);
            }
            slot += 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, name: Name) -> &'static str {
        self.texts.get(usize::from(name.0)).copied().unwrap_or_default()
    }
}

/// Fast and good enough for a fixed set of short names; long or hostile keys end at the first empty slot.
fn hash(bytes: &[u8]) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR).rotate_left(29);
    }
    (state.wrapping_mul(FACTOR) >> 48) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        let names = Names::get();
        assert_eq!(Name::find("resourceType"), Name::RESOURCE_TYPE);
        assert_eq!(Name::POSTAL_CODE.text(), "postalCode");
        assert_eq!(Name::find("noSuchElement"), Name::UNKNOWN);
        assert!(names.len() > 1500 && names.len() < Names::SLOTS / 3, "{}", names.len());
        for number in 1..names.len() {
            let name = Name(number as u16);
            assert_eq!(names.find(names.text(name)), name, "{}", names.text(name));
        }
    }
}
