//! Named locations: places by address or by country, and which of them a request comes from.
//! <https://learn.microsoft.com/graph/api/resources/namedlocation>

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hygie_core::Timestamp;
use serde_json::{Map, Value, json};

use crate::LocationId;
use crate::json::{At, Member, Members, ReadError, Wrong, texts, vocabulary};

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a range of addresses such as 192.0.2.0/24")]
pub struct NotACidr;

impl Cidr {
    /// How many bits are fixed.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address lies in it. IPv4 in the form `::ffff:192.0.2.1` is IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(one)) => {
                same_prefix(range.to_bits().into(), one.to_bits().into(), 32 - self.prefix)
            }
            (IpAddr::V6(range), IpAddr::V6(one)) => same_prefix(range.to_bits(), one.to_bits(), 128 - self.prefix),
            _ => false,
        }
    }
}

/// Whether two addresses differ in their last bits alone.
fn same_prefix(one: u128, other: u128, free: u8) -> bool {
    (one ^ other).checked_shr(free.into()).unwrap_or(0) == 0
}

impl FromStr for Cidr {
    type Err = NotACidr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').ok_or(NotACidr)?;
        let address: IpAddr = address.parse().map_err(|_| NotACidr)?;
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix: u8 = prefix.parse().ok().filter(|_| is_number).ok_or(NotACidr)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then_some(Self { address, prefix }).ok_or(NotACidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A country or region: ISO 3166-1 alpha-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// A text that is no code of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not two letters of ISO 3166-1")]
pub struct NotACountry;

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| NotACountry)?;
        let is_code = letters.iter().all(u8::is_ascii_uppercase);
        is_code.then_some(Self(letters)).ok_or(NotACountry)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

texts! { Country: "two capital letters of ISO 3166-1"; }

vocabulary! {
    /// How a country is found.
    CountryLookup {
        ClientIpAddress = "clientIpAddress",
        /// By the position of the person's telephone.
        AuthenticatorAppGps = "authenticatorAppGps",
    }
}

/// namedLocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLocation {
    /// Given by the service.
    pub id: Option<LocationId>,
    /// Its name.
    pub display_name: String,
    /// Given by the service.
    pub created_at: Option<Timestamp>,
    /// Given by the service.
    pub modified_at: Option<Timestamp>,
    /// Given by the service.
    pub deleted_at: Option<Timestamp>,
    /// Where it is.
    pub place: Place,
}

/// Where a location is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// ipNamedLocation.
    Addresses {
        /// The ranges.
        ranges: Vec<Cidr>,
        /// Whether it counts as `AllTrusted`.
        is_trusted: bool,
    },
    /// countryNamedLocation.
    Countries {
        /// Which.
        countries: Vec<Country>,
        /// Whether it is also where no country is known.
        with_unknown: bool,
        /// How the country is found.
        lookup: CountryLookup,
    },
}

const IP: &str = "ipNamedLocation";
const COUNTRY: &str = "countryNamedLocation";
const SHARED: [&str; 5] = [
    "id",
    "displayName",
    "createdDateTime",
    "modifiedDateTime",
    "deletedDateTime",
];

impl Member for Cidr {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let members = Members::of(found, at, &["cidrAddress"])?;
        let text: String = members.read("cidrAddress")?;
        let at_cidr = At::Member(at, "cidrAddress");
        let range: Self = text
            .parse()
            .map_err(|_| at_cidr.refuse(Wrong::NotA("a range such as 192.0.2.0/24")))?;
        match (members.odata_type(), range.address) {
            (None | Some("iPv4CidrRange"), IpAddr::V4(_)) | (None | Some("iPv6CidrRange"), IpAddr::V6(_)) => Ok(range),
            (Some("iPv4CidrRange" | "iPv6CidrRange"), _) => {
                Err(at_cidr.refuse(Wrong::NotA("a range of the version that its @odata.type states")))
            }
            (Some(other), _) => Err(At::Member(at, "@odata.type").refuse(Wrong::unknown(other))),
        }
    }

    fn write(&self) -> Value {
        let version = if self.address.is_ipv4() { 4 } else { 6 };
        json!({ "@odata.type": format!("#microsoft.graph.iPv{version}CidrRange"), "cidrAddress": self.to_string() })
    }
}

impl Member for NamedLocation {
    fn read(found: Option<&Value>, at: &At<'_>) -> Result<Self, ReadError> {
        let stated = found.and_then(|value| value.get("@odata.type")).and_then(Value::as_str);
        let kind = stated.map(|text| text.strip_prefix("#microsoft.graph.").unwrap_or(text));
        let own: &[&str] = match kind {
            Some(IP) => &["isTrusted", "ipRanges"],
            Some(COUNTRY) => &[
                "countriesAndRegions",
                "includeUnknownCountriesAndRegions",
                "countryLookupMethod",
            ],
            Some(other) => return Err(At::Member(at, "@odata.type").refuse(Wrong::unknown(other))),
            None => return Err(At::Member(at, "@odata.type").refuse(Wrong::Missing)),
        };
        let members = Members::of(found, at, &[&SHARED, own].concat())?;
        let place = if kind == Some(IP) {
            let is_trusted: Option<bool> = members.read("isTrusted")?;
            Place::Addresses {
                ranges: members.read("ipRanges")?,
                is_trusted: is_trusted.unwrap_or(false),
            }
        } else {
            let with_unknown: Option<bool> = members.read("includeUnknownCountriesAndRegions")?;
            let lookup: Option<CountryLookup> = members.read("countryLookupMethod")?;
            Place::Countries {
                countries: members.read("countriesAndRegions")?,
                with_unknown: with_unknown.unwrap_or(false),
                lookup: lookup.unwrap_or(CountryLookup::ClientIpAddress),
            }
        };
        Ok(Self {
            id: members.read("id")?,
            display_name: members.read("displayName")?,
            created_at: members.read("createdDateTime")?,
            modified_at: members.read("modifiedDateTime")?,
            deleted_at: members.read("deletedDateTime")?,
            place,
        })
    }

    fn write(&self) -> Value {
        let kind = if matches!(self.place, Place::Addresses { .. }) {
            IP
        } else {
            COUNTRY
        };
        let mut members = Map::new();
        members.insert("@odata.type".to_owned(), format!("#microsoft.graph.{kind}").into());
        let shared = [
            self.id.write(),
            self.display_name.write(),
            self.created_at.write(),
            self.modified_at.write(),
            self.deleted_at.write(),
        ];
        members.extend(SHARED.iter().map(|name| (*name).to_owned()).zip(shared));
        match &self.place {
            Place::Addresses { ranges, is_trusted } => {
                members.insert("isTrusted".to_owned(), is_trusted.write());
                members.insert("ipRanges".to_owned(), ranges.write());
            }
            Place::Countries {
                countries,
                with_unknown,
                lookup,
            } => {
                members.insert("countriesAndRegions".to_owned(), countries.write());
                members.insert("includeUnknownCountriesAndRegions".to_owned(), with_unknown.write());
                members.insert("countryLookupMethod".to_owned(), lookup.write());
            }
        }
        Value::Object(members)
    }
}

/// What is known of where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The country of that address, as the caller's table has it.
    pub country: Option<Country>,
    /// The country that the person's telephone told.
    pub gps_country: Option<Country>,
}

/// The named locations that a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Which.
    pub locations: BTreeSet<LocationId>,
    /// Whether one of them is trusted.
    pub is_trusted: bool,
}

/// Finds the named locations that a request comes from.
pub fn locate(whereabouts: &Whereabouts, locations: &[NamedLocation]) -> Located {
    let mut located = Located::default();
    for location in locations.iter().filter(|location| location.is_at(whereabouts)) {
        located.locations.extend(location.id);
        located.is_trusted |= matches!(location.place, Place::Addresses { is_trusted: true, .. });
    }
    located
}

impl NamedLocation {
    /// Whether a request comes from here.
    fn is_at(&self, whereabouts: &Whereabouts) -> bool {
        match &self.place {
            Place::Addresses { ranges, .. } => whereabouts
                .address
                .is_some_and(|address| ranges.iter().any(|range| range.contains(address))),
            Place::Countries {
                countries,
                with_unknown,
                lookup,
            } => {
                let country = match lookup {
                    CountryLookup::ClientIpAddress => whereabouts.country,
                    CountryLookup::AuthenticatorAppGps => whereabouts.gps_country,
                };
                country.map_or(*with_unknown, |country| countries.contains(&country))
            }
        }
    }
}
