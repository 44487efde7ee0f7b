//! A database of the countries of addresses in the MaxMind format, as its file holds it.
//! <https://maxmind.github.io/MaxMind-DB/>
//!
//! Of an entry `country.iso_code` counts, as the databases of countries and of cities have it.

use std::net::IpAddr;

use hygie_policy::location::Country;
use maxminddb::{MaxMindDbError, PathElement, Reader};

use super::{Countries, Town};

/// Signs of the name of a place.
const MAX_NAME: usize = 128;
/// What kinds of database know countries.
const KINDS: &[&str] = &["Country", "City", "Enterprise"];

/// A whole database.
pub struct CountryTable(Reader<Vec<u8>>);

/// A file that is no database of countries.
#[derive(Debug, thiserror::Error)]
pub enum NotATable {
    /// It is of another form, or damaged.
    #[error("it is no database in the MaxMind format, or damaged")]
    Form(#[from] MaxMindDbError),
    /// It knows something else of addresses.
    #[error("it is of the type {0:?}, which has no countries")]
    Kind(String),
}

impl CountryTable {
    /// Reads a file and checks all of it.
    pub fn read(file: Vec<u8>) -> Result<Self, NotATable> {
        let reader = Reader::from_source(file)?;
        reader.verify()?;
        let kind = &reader.metadata().database_type;
        if KINDS.iter().any(|known| kind.contains(known)) {
            Ok(Self(reader))
        } else {
            Err(NotATable::Kind(kind.chars().take(64).collect()))
        }
    }
}

impl Countries for CountryTable {
    fn country_of(&self, address: IpAddr) -> Option<Country> {
        let found = self.0.lookup(address).ok()?;
        let path = [PathElement::Key("country"), PathElement::Key("iso_code")];
        let code: Option<&str> = found.decode_path(&path).ok()?;
        code?.parse().ok()
    }

    fn town_of(&self, address: IpAddr) -> Town {
        let Ok(found) = self.0.lookup(address) else {
            return Town::default();
        };
        let text = |path: &[PathElement<'_>]| -> Option<String> {
            let text: &str = found.decode_path(path).ok()??;
            Some(text.chars().filter(|sign| !sign.is_control()).take(MAX_NAME).collect())
        };
        let number = |name| -> Option<f64> {
            let path = [PathElement::Key("location"), PathElement::Key(name)];
            let degrees: f64 = found.decode_path(&path).ok()??;
            degrees.is_finite().then_some(degrees)
        };
        Town {
            city: text(&[
                PathElement::Key("city"),
                PathElement::Key("names"),
                PathElement::Key("en"),
            ]),
            state: text(&[
                PathElement::Key("subdivisions"),
                PathElement::Index(0),
                PathElement::Key("names"),
                PathElement::Key("en"),
            ]),
            coordinates: number("latitude").zip(number("longitude")),
        }
    }
}
